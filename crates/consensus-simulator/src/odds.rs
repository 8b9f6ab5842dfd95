//! What can meet a request at each point of its way, and how often.
//!
//! Pauses and crashes are aimed here: between load and save, just after the sending, just before the
//! reading. At random times they would nearly always hit a candidate that does nothing.

use crate::faults::{Fault, Faults};
use crate::rng::Rng;

/// What can happen at one point, as what it counts, and how often in ten thousand.
type Odds<T> = [(T, Fault, u64)];

/// When a request leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sending {
    Lost,
    Late,
    PauseBefore,
    PauseAfter,
    CrashBefore,
    CrashAfter,
}

pub(crate) const SENDING: &Odds<Sending> = &[
    (Sending::Lost, Fault::LostRequest, 40),
    (Sending::Late, Fault::LateRequest, 50),
    (Sending::PauseBefore, Fault::PauseBeforeSending, 30),
    (Sending::PauseAfter, Fault::PauseAfterSending, 30),
    (Sending::CrashBefore, Fault::CrashBeforeSending, 5),
    (Sending::CrashAfter, Fault::CrashAfterSending, 8),
];

/// When it reaches the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Storing {
    Refused,
    StoredButFailed,
    OwnSuccessRefused,
}

pub(crate) const STORING: &Odds<Storing> = &[
    (Storing::Refused, Fault::Refused, 30),
    (Storing::StoredButFailed, Fault::StoredButFailed, 30),
    (Storing::OwnSuccessRefused, Fault::OwnSuccessRefused, 15),
];

/// When the store answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answering {
    Lost,
    Late,
}

pub(crate) const ANSWERING: &Odds<Answering> = &[
    (Answering::Lost, Fault::LostAnswer, 40),
    (Answering::Late, Fault::LateAnswer, 50),
];

/// When the answer is about to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reading {
    Pause,
    Crash,
    StaleClock,
}

pub(crate) const READING: &Odds<Reading> = &[
    (Reading::Pause, Fault::PauseBeforeReading, 30),
    (Reading::Crash, Fault::CrashBeforeReading, 6),
    (Reading::StaleClock, Fault::StaleClock, 40),
];

/// When a hint leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hinting {
    Late,
    Lost,
}

pub(crate) const HINTING: &Odds<Hinting> = &[
    (Hinting::Late, Fault::LateHint, 200),
    (Hinting::Lost, Fault::LostHint, 100),
];

/// When somebody begins to wait for a hint.
pub(crate) const WATCHING: &Odds<()> = &[((), Fault::IdleHint, 50)];

/// More than all odds of one point together.
const MOST: u64 = 500;

impl Faults {
    /// What of this happens here, if anything. It is not counted before it does.
    #[inline]
    pub(crate) fn meets<T: Copy>(&self, odds: &Odds<T>, rng: &mut Rng) -> Option<(T, Fault)> {
        let mut roll = rng.below(10_000 / self.intensity);
        if self.calm || roll >= MOST {
            return None;
        }
        for &(what, fault, odds) in odds {
            match roll.checked_sub(odds) {
                Some(rest) => roll = rest,
                None => return Some((what, fault)),
            }
        }
        None
    }
}
