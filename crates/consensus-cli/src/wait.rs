//! The wait for leadership: what is said meanwhile, and when it is given up.
//!
//! Owns one decision: an error of configuration or permission ends the program only before the first success,
//! which is that a leader was seen. That there is no record is none: whether we may make one is not known
//! yet. Later it is an outage like any other, and is waited for.

use crate::exit::Exit;
use crate::flags::{self, Patience};
use crate::say::{explain, say, tell};
use crate::signals::{Signals, name, number};
use crate::times::{Instant, in_words, sleep_until};
use crate::trouble::Trouble;
use crate::url::Url;
use consensus::{Error, ErrorKind, Lease, Status, Term, Timing};
use std::time::Duration;

/// For how long nothing may be known before that is said.
const QUIET: Duration = Duration::from_secs(1);

/// A wait for leadership.
#[derive(Debug)]
pub(crate) struct Wait<'a> {
    url: &'a Url,
    patience: Patience,
    until: Option<Instant>,
    lease_duration: Duration,
    answered: bool,
    /// Whether a leader was seen.
    succeeded: bool,
    known: Known,
    trouble: Trouble,
    /// When to say that nothing is known.
    speak_at: Option<Instant>,
}

/// What was last said.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Known {
    Nothing,
    Leader(String),
    Trouble(String),
}

impl<'a> Wait<'a> {
    /// A wait that begins now.
    pub(crate) fn new(asked: &'a flags::Run, timing: &Timing) -> Self {
        let now = Instant::now();
        let until = match asked.patience() {
            Patience::Endless => None,
            Patience::AtMost(time) => Some(now.plus(time)),
            // One request, and a little.
            Patience::None => Some(now.plus(timing.request_timeout * 5 / 4)),
        };
        Self {
            url: &asked.url,
            patience: asked.patience(),
            until,
            lease_duration: timing.lease_duration,
            answered: false,
            succeeded: false,
            known: Known::Nothing,
            trouble: Trouble::default(),
            speak_at: Some(now.plus(QUIET)),
        }
    }

    /// Waits for a term. `Err`: it is given up, and this is how to end.
    pub(crate) async fn next_term(
        &mut self,
        lease: &mut Lease,
        signals: &mut Signals,
    ) -> Result<Term, Exit> {
        let leading = lease.clone();
        loop {
            tokio::select! {
                biased;
                signal = signals.end() => {
                    tell(format_args!("{}: waiting no more", name(signal)));
                    return Err(Exit::Signal(number(signal)));
                }
                term = leading.wait_for_leadership() => {
                    self.trouble_is_over();
                    return term.map_err(|error| {
                        say(error);
                        Exit::Unavailable
                    });
                }
                status = lease.changed() => self.hear(&status, lease.trouble())?,
                () = at(self.until) => return Err(self.give_up()),
                () = at(self.speak_at) => self.know_nothing(),
            }
        }
    }

    /// Says what is new.
    fn hear(&mut self, status: &Status, trouble: Option<Error>) -> Result<(), Exit> {
        if let Some(error) = trouble {
            return self.hear_trouble(&error);
        }
        self.trouble_is_over();
        match status {
            Status::Following {
                leader: Some(leader),
            } => {
                (self.answered, self.succeeded) = (true, true);
                let leader = leader.to_string();
                let url = self.url;
                let is_news = self.learn(Known::Leader(leader.clone()));
                if self.patience == Patience::None {
                    return Err(self.give_up());
                }
                if is_news {
                    tell(format_args!("waiting: {leader} leads ({url})"));
                }
            }
            Status::Following { leader: None } => {
                self.answered = true;
                self.speak_at = Some(Instant::now().plus(QUIET));
                if self.patience == Patience::None {
                    return Err(self.give_up());
                }
            }
            // Both are told by the wait for the term.
            Status::Leading { .. } | Status::Stopped => {
                (self.answered, self.succeeded) = (true, true);
            }
            // A term that was over before anything was begun in it.
            Status::Starting | Status::Ending { .. } | _ => {}
        }
        Ok(())
    }

    fn hear_trouble(&mut self, error: &Error) -> Result<(), Exit> {
        let is_ours_to_mend = match error.kind() {
            ErrorKind::Denied | ErrorKind::Invalid | ErrorKind::Foreign => true,
            ErrorKind::Unavailable | ErrorKind::Stopped | _ => false,
        };
        if is_ours_to_mend && !self.succeeded {
            say(error);
            return Err(Exit::Misconfigured);
        }
        if self.patience == Patience::None {
            say(error);
            return Err(Exit::Unavailable);
        }
        self.learn(Known::Trouble(error.to_string()));
        if self.trouble.is_news(error) {
            say(format_args!("waiting, and trying again: {error}"));
        } else {
            explain(format_args!("tried in vain, and trying again: {error}"));
        }
        Ok(())
    }

    fn trouble_is_over(&mut self) {
        if let Some(time) = self.trouble.over() {
            tell(format_args!(
                "the trouble is over, after {}",
                in_words(time)
            ));
            self.known = Known::Nothing;
        }
    }

    fn know_nothing(&mut self) {
        self.speak_at = None;
        self.known = Known::Nothing;
        let url = self.url;
        if !self.answered {
            tell(format_args!("waiting for an answer of the store ({url})"));
            return;
        }
        let lease = in_words(self.lease_duration);
        tell(format_args!(
            "waiting: the record names no leader, or is gone ({url}); somebody may lead all the same, for \
             at most one lease (ours is {lease})"
        ));
    }

    /// Whether this is news.
    fn learn(&mut self, known: Known) -> bool {
        self.speak_at = None;
        let is_news = self.known != known;
        self.known = known;
        is_news
    }

    fn give_up(&self) -> Exit {
        let url = self.url;
        let lost = match self.patience {
            Patience::None => "not acquired",
            Patience::AtMost(_) | Patience::Endless => "not acquired in time",
        };
        match &self.known {
            Known::Trouble(error) => {
                say(format_args!("{lost}: {error}"));
                if self.answered {
                    return Exit::NotAcquired;
                }
                return Exit::Unavailable;
            }
            Known::Leader(leader) => say(format_args!("{lost}: {leader} leads ({url})")),
            Known::Nothing => say(format_args!("{lost}: somebody may still lead ({url})")),
        }
        Exit::NotAcquired
    }
}

async fn at(instant: Option<Instant>) {
    match instant {
        Some(instant) => sleep_until(instant).await,
        None => std::future::pending().await,
    }
}
