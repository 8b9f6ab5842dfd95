//! While this process leads: the command runs, and is ended when its time is over.
//!
//! Owns when which signal is sent, and what the end was. SIGTERM is sent at the deadline, or when the
//! command itself has ended and left something; SIGKILL when the grace after that is over, or at once
//! if the lease was lost to somebody else. The time of SIGKILL only ever moves forward.

use crate::command::{self, Life, Started, Told};
use crate::exit::Exit;
use crate::say::{explain, say, settle, tell};
use crate::signals::{Caught, Signals, name};
use crate::times::{Instant, in_words, sleep_until};
use consensus::{Ended, Lease, Manager, Status, Term, Timing};
use rustix::process::Signal;
use std::cell::Cell;
use std::ffi::OsString;
use std::time::Duration;

/// How soon to look again whether a group is gone, which nothing tells; then less and less often.
const FIRST_LOOK: Duration = Duration::from_millis(1);
const LAST_LOOK: Duration = Duration::from_millis(100);

/// How long the command is kept waiting for what is said before its start.
const FIRST_WORDS: Duration = Duration::from_millis(20);

/// How many characters of a command line are said.
const MOST_SHOWN: usize = 80;

/// A candidate that leads.
#[derive(Debug)]
pub(crate) struct Leader<'a> {
    pub(crate) manager: &'a Manager,
    pub(crate) lease: &'a mut Lease,
    pub(crate) term: &'a Term,
    pub(crate) timing: &'a Timing,
    pub(crate) signals: &'a mut Signals,
}

/// What became of the command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Led {
    /// Nothing of it is left.
    Over(Exit),
    /// It could not be ended.
    Stuck,
}

/// Runs a command to its end, or to the end of the term.
pub(crate) async fn lead(leader: &mut Leader<'_>, line: &[OsString], told: &Told) -> Led {
    let (token, shown) = (&told.token, shown(line));
    tell(format_args!("leading (token {token}), starting: {shown}"));
    settle(FIRST_WORDS);
    let command = match command::start(line, told) {
        Ok(command) => command,
        Err(exit) => return Led::Over(exit),
    };
    let mut watch = Watch::over(command, leader.timing);
    loop {
        let event = watch.next(leader).await;
        let led = match event {
            Event::TermOver(why) => watch.term_over(why),
            Event::Look | Event::Caught(Caught::Child) => watch.look(),
            Event::Caught(Caught::PassOn(signal)) => watch.pass_on(signal),
            Event::Caught(Caught::Pause) => refuse_to_pause(),
            Event::Caught(Caught::End(signal)) => {
                // The lease is renewed for the command until that is gone; `run.rs` waits for the end.
                leader.manager.begin_stop();
                watch.asked_to_end(signal)
            }
            Event::Changed => watch.hear(leader.lease, leader.term),
        };
        if let Some(led) = led {
            return led;
        }
    }
}

/// As much of a command line as people need to know it again.
fn shown(line: &[OsString]) -> String {
    let words = line.iter().map(|word| word.to_string_lossy());
    let line = words.collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(MOST_SHOWN) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

/// What can happen to a leader.
#[derive(Clone, Copy, Debug)]
enum Event {
    TermOver(Ended),
    /// It is time to look.
    Look,
    Caught(Caught),
    /// The election has something to tell.
    Changed,
}

/// The watch over a command.
#[derive(Debug)]
struct Watch {
    command: Started,
    life: Life,
    grace: Duration,
    lease_duration: Duration,
    /// The term's deadline as last seen: never later than it is.
    deadline: Cell<Instant>,
    term_is_over: bool,
    lost: bool,
    /// When to look how much is left, and how long to wait after that.
    look_at: Option<Instant>,
    pause: Duration,
    kill_at: Option<Instant>,
    killed_at: Option<Instant>,
    trouble: Option<String>,
}

impl Watch {
    fn over(command: Started, timing: &Timing) -> Self {
        Self {
            command,
            life: Life::Runs,
            grace: timing.stop_grace,
            lease_duration: timing.lease_duration,
            deadline: Cell::new(Instant::now()),
            term_is_over: false,
            lost: false,
            look_at: None,
            pause: FIRST_LOOK,
            kill_at: None,
            killed_at: None,
            trouble: None,
        }
    }

    /// What happens next; the end of the term first.
    async fn next(&self, leader: &mut Leader<'_>) -> Event {
        tokio::select! {
            biased;
            why = over(leader.term, &self.deadline), if !self.term_is_over => Event::TermOver(why),
            () = self.time_to_look() => Event::Look,
            caught = leader.signals.next() => Event::Caught(caught),
            _ = leader.lease.changed() => Event::Changed,
        }
    }

    async fn time_to_look(&self) {
        let kill_at = match self.killed_at {
            Some(killed_at) => Some(killed_at.plus(self.lease_duration)),
            None => self.kill_at,
        };
        match kill_at.into_iter().chain(self.look_at).min() {
            Some(at) => sleep_until(at).await,
            None => std::future::pending().await,
        }
    }

    fn term_over(&mut self, why: Ended) -> Option<Led> {
        self.term_is_over = true;
        match why {
            // We asked for it, and its time is running.
            Ended::Stopped => return None,
            Ended::Lost => {
                self.lost = true;
                say(format_args!("leadership lost: {why}; killing the command"));
                self.kill_by(Instant::now());
            }
            Ended::Expired | Ended::SteppedDown | Ended::CheckInMissed | _ => {
                self.lost = true;
                say(format_args!("leadership lost: {why}; ending the command"));
                self.command.end(Signal::TERM);
                // If we were stopped meanwhile, the grace may be over as well.
                let over = self.deadline.get().min(Instant::now());
                self.kill_by(over.plus(self.grace));
            }
        }
        self.look()
    }

    fn asked_to_end(&mut self, signal: Signal) -> Option<Led> {
        if self.kill_at.is_none() {
            let (signal, grace) = (name(signal), in_words(self.grace));
            say(format_args!(
                "{signal}: passed on to the command, which has {grace} to end"
            ));
        }
        self.command.end(signal);
        self.kill_by(Instant::now().plus(self.grace));
        None
    }

    fn pass_on(&mut self, signal: Signal) -> Option<Led> {
        self.command.signal(signal);
        None
    }

    /// Looks how much of the command is left, and does what it is time for.
    fn look(&mut self) -> Option<Led> {
        let before = self.life;
        self.life = self.command.look();
        let now = Instant::now();
        if let (Life::Runs, Life::LeftSomething(exit) | Life::Gone(exit)) = (before, self.life) {
            self.tell_the_end(exit);
        }
        match self.life {
            Life::Runs => {}
            Life::Gone(_) if self.lost => return Some(Led::Over(Exit::Lost)),
            Life::Gone(exit) => return Some(Led::Over(exit)),
            Life::LeftSomething(_) => {
                if before == Life::Runs {
                    self.kill_by(now.plus(self.grace));
                }
                self.look_at = Some(now.plus(self.pause));
                self.pause = (self.pause * 2).min(LAST_LOOK);
            }
        }
        if self.kill_at.is_some_and(|kill_at| now >= kill_at) {
            return self.kill(now);
        }
        None
    }

    /// The command itself has ended: how, and what that means for the term.
    fn tell_the_end(&self, exit: Exit) {
        let how = if let Exit::Signal(number) = exit {
            format!("by signal {number}")
        } else {
            format!("with exit code {}", exit.code())
        };
        match self.life {
            // That it was lost has been said.
            _ if self.lost => explain(format_args!("the command ended {how}")),
            Life::LeftSomething(_) => {
                let grace = in_words(self.grace);
                tell(format_args!(
                    "the command ended {how}, and the term with it; what it left has {grace} to end"
                ));
            }
            Life::Runs | Life::Gone(_) => {
                tell(format_args!(
                    "the command ended {how}, and the term with it"
                ));
            }
        }
    }

    fn kill(&mut self, now: Instant) -> Option<Led> {
        let killed_at = *self.killed_at.get_or_insert_with(|| {
            if !self.lost || self.life == Life::Runs {
                say("what is left of the command gets SIGKILL");
            }
            now
        });
        self.command.signal(Signal::KILL);
        if now < killed_at.plus(self.lease_duration) {
            return None;
        }
        say(
            "the command does not end, not even by SIGKILL: leaving without a release; others may \
             lead when the lease has run out",
        );
        Some(Led::Stuck)
    }

    fn kill_by(&mut self, at: Instant) {
        self.kill_at = Some(self.kill_at.map_or(at, |kill_at| kill_at.min(at)));
    }

    /// Says what the store is up to, as long as that matters.
    fn hear(&mut self, lease: &Lease, term: &Term) -> Option<Led> {
        if let Status::Ending {
            why: Ended::Lost, ..
        } = lease.status()
            && self.term_is_over
            && !self.lost
        {
            // While the command winds down somebody else took the lease: there is no time left.
            return self.term_over(Ended::Lost);
        }
        if !self.term_is_over {
            self.hear_trouble(lease, term);
        }
        None
    }

    fn hear_trouble(&mut self, lease: &Lease, term: &Term) {
        let trouble = lease.trouble().map(|error| error.to_string());
        let left = term.remaining().as_secs_f64();
        match &trouble {
            Some(error) if trouble != self.trouble => say(format_args!(
                "not renewed, leading for {left:.1}s more unless that changes: {error}"
            )),
            Some(error) => explain(format_args!(
                "still not renewed, leading for {left:.1}s more: {error}"
            )),
            None if self.trouble.is_some() => {
                tell("renewed: the store answers again");
                explain(format_args!("leading for {left:.1}s more, unless renewed"));
            }
            None => {}
        }
        self.trouble = trouble;
    }
}

/// Waits for the end of a term, and notes its deadline. The clock is asked as well as the election:
/// should that be stuck, the command ends all the same.
async fn over(term: &Term, deadline: &Cell<Instant>) -> Ended {
    let runs_out = async {
        loop {
            let now = Instant::now();
            let left = term.remaining();
            if left.is_zero() {
                return;
            }
            deadline.set(now.plus(left));
            sleep_until(deadline.get()).await;
        }
    };
    tokio::select! {
        biased;
        why = term.ended() => why,
        () = runs_out => term.ended().await,
    }
}

/// Whoever enforces the deadline must not stop while there is no guard to do it.
fn refuse_to_pause() -> Option<Led> {
    say("not pausing: nobody else would end the command in time");
    None
}
