//! *When*: the election as a pure state machine. No clock, no runtime, no store, no randomness of its
//! own: [`Election::step`] is told the time and what happened, and says what to do next.
//!
//! Owns promises 1, 2, 7, 9, 10 and 11. The time given to the step that begins a request is when it
//! was sent, so that every deadline counts from before the request left. The rules of each state are
//! in `election/states.rs`, their effects in `election/moves.rs`; `driver.rs` does what they say and decides nothing.

mod moves;
mod states;
#[cfg(test)]
mod tests;

use crate::backend::{Acquisition, Leader, Renewal};
use crate::ended::Ended;
use crate::timing::Timing;
use crate::world::Instant;
use crate::{Error, ErrorKind, Token};
use std::time::Duration;

/// After this many hints within one retry interval a follower waits for the rest of it.
const MOST_HINTS: u32 = 16;

/// After this many hints within an eighth of the request timeout a leader waits for the rest of that.
const MOST_LOOKS: u32 = 4;

/// One candidate in one election.
#[derive(Clone, Debug)]
pub struct Election {
    timing: Timing,
    dice: Dice,
    neighbours: u64,
    state: State,
    intent: Intent,
    failures: u32,
    hints: Hints,
}

/// What the backend is to be doing. There is always exactly one thing; beginning another drops it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Verb {
    /// Waiting for a hint.
    Watch,
    /// Trying to begin a term.
    Acquire,
    /// Prolonging the term.
    Renew(Token),
    /// Giving up what may be ours.
    Release,
    /// Taking away only what marks a living holder.
    LetGo,
    /// Nothing.
    Rest,
}

/// What to do after a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Then {
    /// Go on with what is being done.
    Keep,
    /// Drop what is being done, and begin this.
    Begin(Verb),
    /// The election is over.
    Finish,
}

/// What people are told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A term began.
    Began(Token),
    /// A term ended.
    Ended(Token, Ended),
    /// Somebody else leads, or may; for `at_most`, from now.
    Follows {
        /// Who.
        leader: Option<Leader>,
        /// When the lease can be free at the latest.
        at_most: Option<Duration>,
    },
    /// A request got no answer in time.
    Unanswered(Verb),
    /// The work of this term outlives its grace. No new term begins before it is over.
    Overdue(Token),
    /// The lease was not released: the work outlived it, or the store did not answer.
    Unreleased,
    /// Term, work and release are over.
    Over,
}

/// What happened.
#[derive(Clone, Debug)]
pub enum Input {
    /// The time of [`Election::wake`] has come.
    Tick,
    /// It may be worth looking again.
    Changed,
    /// The answer to [`Verb::Acquire`].
    Acquire(Result<Acquisition, Failure>),
    /// The answer to [`Verb::Renew`].
    Renew(Result<Renewal, Failure>),
    /// The answer to [`Verb::Release`].
    Release(Result<(), Failure>),
    /// [`Verb::LetGo`] is done. No store was asked.
    LetGo,
    /// The work said then that it is alive.
    CheckedIn(Instant),
    /// A reader saw the deadline passed.
    SeenOver,
    /// Readers hear from now on that the term is over. Until now they were told that it goes on.
    Told,
    /// All work that was registered in the ended term is over, and there was some.
    WorkDone,
    /// No work was registered in the ended term: who asked `is_leader()` may still be at it.
    NoWork,
    /// The leader wants to lead no more for now.
    StepDown,
    /// The user wants no more of it.
    Stop,
}

/// As much of an error as decisions need.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Failure {
    /// What to do about it.
    pub kind: ErrorKind,
    /// How long the store asks us to wait.
    pub retry_after: Option<Duration>,
}

impl From<&Error> for Failure {
    fn from(error: &Error) -> Self {
        Self {
            kind: error.kind(),
            retry_after: error.retry_after(),
        }
    }
}

/// The answer of the machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// What to do.
    pub then: Then,
    /// What to say.
    pub event: Option<Event>,
}

/// A term, while its lease is being renewed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Hold {
    token: Token,
    deadline: Instant,
    /// When the last confirmed write was sent.
    sent: Instant,
    /// When the last write was sent.
    tried: Instant,
    checked_in: Instant,
    winding: Option<Winding>,
}

/// The term is over, and the lease is renewed for its work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Winding {
    since: Instant,
    /// When unregistered work has had its grace. `None`: it has.
    quiet_from: Option<Instant>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Waiting {
        until: Instant,
    },
    Acquiring {
        sent: Instant,
    },
    Leading {
        hold: Hold,
        renew_at: Instant,
    },
    Renewing {
        hold: Hold,
        sent: Instant,
    },
    /// The term is over and nobody renews, but its work may still be going on.
    Draining {
        token: Token,
        deadline: Instant,
        /// When unregistered work has had its grace. `None`: it has.
        quiet_from: Option<Instant>,
        /// When the work is overdue. `None`: it is, and has been said to be.
        overdue_at: Option<Instant>,
        runs_out: Instant,
    },
    Releasing {
        sent: Instant,
        runs_out: Instant,
    },
    /// A release failed and is tried again.
    Unreleased {
        again: Instant,
        runs_out: Instant,
    },
    /// There is nothing left to release.
    LettingGo {
        sent: Instant,
    },
    Stopped,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Intent {
    Compete,
    SitOut,
    Stop,
}

/// How many hints came since when.
#[derive(Clone, Copy, Debug)]
struct Hints {
    since: Instant,
    count: u32,
}

impl Election {
    /// A candidate that leads nothing. `seed` spreads its requests; 0 spreads nothing, for a model.
    pub fn new(timing: Timing, seed: u64) -> Self {
        let start = Instant::default();
        Self {
            timing,
            dice: Dice(seed),
            neighbours: seed,
            state: State::Waiting { until: start },
            intent: Intent::Compete,
            failures: 0,
            hints: Hints {
                since: start,
                count: 0,
            },
        }
    }

    /// Elections of one such seed that renewed together do so again, unless one of them is late: for
    /// those whose memory lies side by side, and is then fetched at once. 0 spreads no renewals, for a
    /// model.
    #[must_use]
    pub fn with_neighbours(self, seed: u64) -> Self {
        Self {
            neighbours: seed,
            ..self
        }
    }

    /// The times that it keeps.
    pub fn timing(&self) -> &Timing {
        &self.timing
    }

    /// The belief (promise 1): the term's token, and the deadline that readers compare a clock with.
    pub fn belief(&self) -> Option<(Token, Instant)> {
        match self.state {
            State::Leading { hold, .. } | State::Renewing { hold, .. } => hold
                .winding
                .is_none()
                .then_some((hold.token, hold.deadline)),
            State::Waiting { .. }
            | State::Acquiring { .. }
            | State::Draining { .. }
            | State::Releasing { .. }
            | State::Unreleased { .. }
            | State::LettingGo { .. }
            | State::Stopped => None,
        }
    }

    /// Whether a term of ours is over and its work is waited for: then [`Input::WorkDone`] or
    /// [`Input::NoWork`] is wanted as long as it is true.
    pub fn awaits_work(&self) -> bool {
        match self.state {
            State::Leading { hold, .. } | State::Renewing { hold, .. } => hold.winding.is_some(),
            State::Draining { .. } => true,
            State::Waiting { .. }
            | State::Acquiring { .. }
            | State::Releasing { .. }
            | State::Unreleased { .. }
            | State::LettingGo { .. }
            | State::Stopped => false,
        }
    }

    /// When to give the next [`Input::Tick`], if nothing else happens first.
    pub fn wake(&self) -> Option<Instant> {
        let answer_by = |sent: Instant| sent.plus(self.timing.request_timeout);
        match self.state {
            State::Waiting { until } => Some(until),
            State::Acquiring { sent }
            | State::Releasing { sent, .. }
            | State::LettingGo { sent } => Some(answer_by(sent)),
            State::Leading { hold, renew_at } => Some(renew_at.min(self.next_of(&hold))),
            State::Renewing { hold, sent } => Some(answer_by(sent).min(self.next_of(&hold))),
            State::Draining {
                quiet_from,
                overdue_at,
                ..
            } => quiet_from.or(overdue_at),
            State::Unreleased { again, .. } => Some(again),
            State::Stopped => None,
        }
    }

    /// Takes note of what happened at `now`, and says what to do.
    pub fn step(&mut self, now: Instant, input: Input) -> Step {
        match self.state {
            State::Waiting { until } => self.while_waiting(now, until, input),
            State::Acquiring { sent } => self.while_acquiring(now, sent, input),
            State::Leading { hold, renew_at } => self.while_leading(now, hold, renew_at, input),
            State::Renewing { hold, sent } => self.while_renewing(now, hold, sent, input),
            State::Draining { .. } => self.while_draining(now, input),
            State::Releasing { sent, runs_out } => self.while_releasing(now, sent, runs_out, input),
            State::Unreleased { again, runs_out } => {
                self.while_unreleased(now, again, runs_out, input)
            }
            State::LettingGo { sent } => self.while_letting_go(now, sent, input),
            State::Stopped => KEEP,
        }
    }

    /// The next instant at which something happens to a hold, whatever the store does.
    fn next_of(&self, hold: &Hold) -> Instant {
        let quiet_from = hold.winding.and_then(|winding| winding.quiet_from);
        quiet_from.map_or(self.limit(hold), |quiet| quiet.min(self.limit(hold)))
    }

    /// Until when a hold is renewed at the latest.
    fn limit(&self, hold: &Hold) -> Instant {
        let limit = match (hold.winding, self.timing.check_in) {
            (Some(winding), _) => winding.since.plus(self.timing.lease_duration),
            (None, Some(check_in)) => hold.checked_in.plus(check_in),
            (None, None) => hold.deadline,
        };
        limit.min(hold.deadline)
    }
}

const KEEP: Step = Step {
    then: Then::Keep,
    event: None,
};

fn begin(verb: Verb) -> Step {
    Step {
        then: Then::Begin(verb),
        event: None,
    }
}

/// Spreads requests. The randomness is the seed's: a machine draws none by itself.
#[derive(Clone, Copy, Debug)]
struct Dice(u64);

impl Dice {
    /// A time between 0 and `most`.
    fn below(&mut self, most: Duration) -> Duration {
        if self.0 == 0 {
            return Duration::ZERO;
        }
        // SplitMix64: Steele, Lea, Flood, "Fast splittable pseudorandom number generators", 2014.
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^= z >> 31;
        let nanos = u64::try_from(most.as_nanos()).unwrap_or(u64::MAX);
        let high = (u128::from(z) * u128::from(nanos)) >> 64;
        Duration::from_nanos(u64::try_from(high).unwrap_or(nanos))
    }

    /// `time`, shortened by up to `part` of it.
    fn shorten(&mut self, time: Duration, part: u32) -> Duration {
        time.saturating_sub(self.below(time / part))
    }
}
