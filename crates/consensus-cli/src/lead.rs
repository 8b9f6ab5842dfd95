//! While this process leads: the command runs, and is ended when its time is over.
//!
//! Owns when that is: the two times that the guard goes by. SIGTERM is due at the deadline, or when
//! somebody asked us to end; SIGKILL when the grace after that is over, or at once if the lease was lost to
//! somebody else. While all is well both move on with each renewal. Once the work is to end they only move
//! forward. The guard does it (`command.rs`), and is replaced if it does not.

mod events;
mod pausing;
mod renewing;

use crate::command::{Guarded, Heard};
use crate::exit::Exit;
use crate::messages::{Order, Report};
use crate::say::{explain, say, settle, tell};
use crate::shared::Times;
use crate::signals::{Caught, Signals, name};
use crate::terminal;
use crate::times::{Instant, in_words};
use crate::trouble::Trouble;
use crate::url::Life;
use consensus::{Ended, Lease, Manager, Status, Term, Timing};
use events::{Event, Known};
use pausing::Pausing;
use rustix::process::Signal;
use std::ffi::OsString;
use std::io;
use std::time::Duration;

/// How soon to look again whether what we killed is gone; then less and less often.
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
    pub(crate) guarded: &'a mut Guarded,
}

/// What became of the command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Led {
    /// Nothing of it is left.
    Over(Exit),
    /// Nor here, and the record is not ours any more.
    Taken,
    /// It could not be ended.
    Stuck,
}

/// Runs a command to its end, or to the end of the term.
pub(crate) async fn lead(leader: &mut Leader<'_>, line: &[OsString], proof: &Life) -> Led {
    let (token, shown) = (leader.term.token(), shown(line));
    tell(format_args!("leading (token {token}), starting: {shown}"));
    settle(FIRST_WORDS);
    let mut watch = Watch::begin(leader);
    // Once it is handed over, nobody here has it a second time, or it could not be let go.
    let started = proof
        .descriptors()
        .and_then(|life| leader.guarded.start(token, &life));
    if let Err(error) = started {
        say(format_args!("cannot start the command: {error}"));
        return Led::Over(Exit::Unavailable);
    }
    loop {
        let known = watch.known(leader);
        let event = events::next(leader, known).await;
        let led = match event {
            Event::TermOver(why) => watch.term_over(why, leader),
            Event::Renewed(deadline) => watch.renewed(deadline, leader),
            Event::Look => watch.look(leader),
            Event::Caught(caught) => watch.caught(caught, leader),
            Event::Heard(heard) => watch.hear(heard, leader),
            Event::Changed => watch.changed(leader),
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

/// In the guard's place.
fn give_back_terminal(leader: &Leader<'_>) {
    if let Some(ours) = terminal::our_group() {
        terminal::give_back(io::stdin(), leader.guarded.command(), ours);
    }
}

/// The watch over a command.
#[derive(Debug)]
struct Watch {
    times: Times,
    stage: Stage,
    term_is_over: bool,
    lost: Option<Loss>,
    asked: Option<Signal>,
    ended: Option<Exit>,
    pausing: Pausing,
    /// Since when the command is ours to kill, when to do that again, and how long to wait after that.
    killing: Option<(Instant, Instant, Duration)>,
    trouble: Trouble,
}

/// How a term was lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Loss {
    /// It was not renewed in time.
    Late,
    /// Its record is another one, or gone: others may lead already.
    Taken,
    /// No record stands in its place, which has been said.
    Spoiled,
}

/// Whether the times move on with the deadline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// They do: all is well.
    Works,
    /// The work is to end, and they only come nearer.
    Ends,
}

impl Watch {
    fn begin(leader: &mut Leader<'_>) -> Self {
        let deadline = Instant::now().plus(leader.term.remaining());
        let times = Times {
            term_at: deadline,
            kill_at: deadline.plus(leader.timing.stop_grace),
        };
        leader.guarded.set_times(times);
        Self {
            times,
            stage: Stage::Works,
            term_is_over: false,
            lost: None,
            asked: None,
            ended: None,
            pausing: Pausing::default(),
            killing: None,
            trouble: Trouble::default(),
        }
    }

    fn known(&self, leader: &Leader<'_>) -> Known {
        Known {
            deadline: self.times.term_at,
            term_is_over: self.term_is_over,
            look_at: match self.killing {
                Some((_, again, _)) => again,
                None => self.guards_limit(leader),
            },
        }
    }

    /// The guard has had its time, and half of what is allowed for SIGKILL to take effect.
    fn guards_limit(&self, leader: &Leader<'_>) -> Instant {
        self.times.kill_at.plus(leader.timing.kill_allowance / 2)
    }

    fn term_over(&mut self, why: Ended, leader: &mut Leader<'_>) -> Option<Led> {
        self.term_is_over = true;
        let now = Instant::now();
        match why {
            // We asked for it, and its time is running.
            Ended::Stopped => return None,
            Ended::Lost => {
                let (loss, why) = match renewing::foreign(leader.lease) {
                    Some(error) => (Loss::Spoiled, error.to_string()),
                    None => (Loss::Taken, why.to_string()),
                };
                self.lost = Some(loss);
                say(format_args!("leadership lost: {why}; killing the command"));
                self.end_by(now, now, leader);
            }
            Ended::Expired | Ended::SteppedDown | Ended::CheckInMissed | _ => {
                self.lost = Some(Loss::Late);
                say(format_args!("leadership lost: {why}; ending the command"));
                // If we were stopped meanwhile, the grace may be over as well.
                let over = self.times.term_at.min(now);
                self.end_by(now, over.plus(leader.timing.stop_grace), leader);
            }
        }
        leader.guarded.order(Order::Look);
        None
    }

    fn renewed(&mut self, deadline: Instant, leader: &mut Leader<'_>) -> Option<Led> {
        self.times.term_at = deadline;
        if self.stage == Stage::Works {
            self.times.kill_at = deadline.plus(leader.timing.stop_grace);
            leader.guarded.set_times(self.times);
            // Somebody may have stopped it, and nobody would notice while the deadline moves on.
            leader.guarded.order(Order::Look);
        }
        None
    }

    /// The work is to end: from here on the times only come nearer.
    fn end_by(&mut self, term_at: Instant, kill_at: Instant, leader: &mut Leader<'_>) {
        self.stage = Stage::Ends;
        let kill_at = self.times.kill_at.min(kill_at);
        let times = Times { term_at, kill_at };
        self.times.kill_at = kill_at;
        leader.guarded.set_times(times);
    }

    fn caught(&mut self, caught: Caught, leader: &mut Leader<'_>) -> Option<Led> {
        match caught {
            Caught::End(signal) => {
                // The lease is renewed for the command until that is gone; `run.rs` waits for the end.
                leader.manager.begin_stop();
                self.asked_to_end(signal, leader);
            }
            Caught::PassOn(signal) => leader.guarded.order(Order::PassOn(signal)),
            Caught::Pause => self.pausing.asked(leader.guarded),
            Caught::GoOn => self.pausing.over(leader.guarded),
            Caught::Child => return self.look(leader),
        }
        None
    }

    fn asked_to_end(&mut self, signal: Signal, leader: &mut Leader<'_>) {
        let grace = leader.timing.stop_grace;
        if self.stage == Stage::Works {
            let (signal, grace) = (name(signal), in_words(grace));
            say(format_args!(
                "{signal}: passed on to the command, which has {grace} to end"
            ));
        }
        self.asked = Some(signal);
        // First, or the guard would find its time come and send SIGTERM as well.
        leader.guarded.order(Order::End(signal));
        let now = Instant::now();
        self.end_by(now, now.plus(grace), leader);
        leader.guarded.order(Order::Look);
    }

    fn hear(&mut self, heard: Heard, leader: &mut Leader<'_>) -> Option<Led> {
        match heard {
            Heard::Report(Report::Started(command)) => pausing::begin(command),
            Heard::Report(Report::NotStarted(errno)) => {
                let error = io::Error::from_raw_os_error(errno);
                say(format_args!("cannot start the command: {error}"));
                self.ended = Some(Exit::Unavailable);
            }
            Heard::Report(Report::Stopped(_)) if self.stage == Stage::Ends => {
                self.pausing.refused(leader.guarded);
            }
            Heard::Report(Report::Stopped(signal)) => {
                self.pausing.command_stopped(signal, leader.guarded);
            }
            Heard::Report(Report::Resumed) => self.pausing.command_resumed(),
            Heard::Report(Report::Ended(exit)) => {
                let now = Instant::now();
                self.end_by(now, now.plus(leader.timing.stop_grace), leader);
                self.ended = Some(exit);
                self.tell_the_end(exit);
            }
            Heard::Report(Report::Killing) => {
                let is_news = match self.lost {
                    None => true,
                    Some(Loss::Late) => self.ended.is_none(),
                    // It is killed at once, and that has been said.
                    Some(Loss::Taken | Loss::Spoiled) => false,
                };
                if is_news {
                    say("what is left of the command gets SIGKILL");
                }
            }
            Heard::Report(Report::CannotSignal(errno)) => {
                let error = io::Error::from_raw_os_error(errno);
                say(format_args!(
                    "a signal cannot be sent to what is left of the command: {error}"
                ));
            }
            Heard::Report(Report::Gone) => return Some(self.over()),
            Heard::GuardDied => {
                say("the guard died: killing what is left of the command");
                return self.take_over(leader);
            }
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
        if self.lost.is_some() {
            // That it was lost has been said.
            explain(format_args!("the command ended {how}"));
        } else {
            tell(format_args!(
                "the command ended {how}, and the term with it"
            ));
        }
    }

    fn over(&self) -> Led {
        match self.lost {
            Some(Loss::Taken) => Led::Taken,
            Some(Loss::Late | Loss::Spoiled) | None => Led::Over(self.exit()),
        }
    }

    fn exit(&self) -> Exit {
        let by = |signal| Exit::Signal(crate::signals::number(signal));
        match (self.ended, self.asked) {
            _ if self.lost.is_some() => Exit::Lost,
            (Some(exit), _) => exit,
            // Killed by us.
            (None, _) if self.killing.is_some() => by(Signal::KILL),
            // Never started: we were to end before that, or its time was over.
            (None, Some(signal)) => by(signal),
            (None, None) => Exit::Lost,
        }
    }

    /// It is time to do what the guard should have done, or to see whether that was enough.
    fn look(&mut self, leader: &mut Leader<'_>) -> Option<Led> {
        let now = Instant::now();
        let Some((since, again, wait)) = self.killing else {
            if now < self.guards_limit(leader) {
                return None;
            }
            say("the guard does not end the command in time: killing both");
            return self.take_over(leader);
        };
        if leader.guarded.kill() {
            give_back_terminal(leader);
            return Some(self.over());
        }
        if now >= since.plus(leader.timing.lease_duration) {
            say(
                "the command does not end, not even by SIGKILL: leaving without a release; others may \
                 lead when the lease has run out",
            );
            return Some(Led::Stuck);
        }
        if now >= again {
            let next = now.plus(wait);
            self.killing = Some((since, next, (wait * 2).min(LAST_LOOK)));
        }
        None
    }

    fn take_over(&mut self, leader: &mut Leader<'_>) -> Option<Led> {
        leader.guarded.take_over();
        give_back_terminal(leader);
        let now = Instant::now();
        self.end_by(now, now, leader);
        self.killing = Some((now, now, FIRST_LOOK));
        self.look(leader)
    }

    /// Says what the store is up to, as long as that matters.
    fn changed(&mut self, leader: &mut Leader<'_>) -> Option<Led> {
        if let Status::Ending {
            why: Ended::Lost, ..
        } = leader.lease.status()
            && self.term_is_over
            && self.lost.is_none()
        {
            // While the command winds down somebody else took the lease: there is no time left.
            return self.term_over(Ended::Lost, leader);
        }
        if !self.term_is_over {
            renewing::hear(&mut self.trouble, leader.lease, leader.term);
        }
        None
    }
}
