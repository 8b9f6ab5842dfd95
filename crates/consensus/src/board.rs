//! What the election's thread and everybody else share: one board an election.
//!
//! The belief is read without a lock; everything else is a word left for the other side. Driver and
//! handles meet only here.

use crate::belief::{Belief, Reading};
use crate::election::Input;
use crate::host::now_nanos;
use crate::status::{Status, View};
use crate::world::Instant;
use crate::{Error, ErrorKind, Token};
use atomic_waker::AtomicWaker;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, AtomicU64, Ordering};
use std::task::Waker;
use std::time::Duration;
use tokio::sync::watch;

/// One election, as both sides see it.
#[derive(Debug)]
pub struct Board {
    belief: Belief,
    checked_in: AtomicU64,
    /// How much work is registered, or about to find out whether it may be.
    work: AtomicU32,
    /// How much of it was found to be in a current term.
    confirmed: AtomicU32,
    /// Whether any work was going on when the last term ended.
    ended_at_work: AtomicBool,
    asked: AtomicU8,
    driver: AtomicWaker,
    view: watch::Sender<View>,
}

/// What a handle asks the driver for.
#[derive(Clone, Copy, Debug)]
#[repr(u8)]
pub enum Ask {
    /// A reader saw the deadline passed.
    SeenOver = 1,
    /// The user wants no more of it.
    Stop = 2,
    /// The leader wants to lead no more for now.
    StepDown = 4,
    /// Registered work may be over.
    WorkDone = 8,
}

/// How much work the last term has left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WorkLeft {
    Some,
    /// Some was going on when the term ended, and is over.
    Done,
    /// None was registered then: who asked `is_leader()` may still be at it.
    Unknown,
}

impl Default for Board {
    fn default() -> Self {
        Self {
            belief: Belief::new(),
            checked_in: AtomicU64::new(0),
            work: AtomicU32::new(0),
            confirmed: AtomicU32::new(0),
            ended_at_work: AtomicBool::new(false),
            asked: AtomicU8::new(0),
            driver: AtomicWaker::new(),
            view: watch::Sender::new(View::new()),
        }
    }
}

/// For handles.
impl Board {
    #[inline]
    pub(crate) fn leads(&self) -> bool {
        self.leads_by(now_nanos)
    }

    /// The same by a clock of one's own, for a simulator.
    #[inline]
    pub fn leads_by(&self, now: impl Fn() -> u64) -> bool {
        match self.belief.read(now) {
            Reading::Current(_) => true,
            Reading::Over => false,
            Reading::JustOver => {
                self.ask(Ask::SeenOver);
                false
            }
        }
    }

    /// How much longer this term goes on; `None`: it is over.
    pub(crate) fn remaining(&self, token: Token) -> Option<Duration> {
        match self.belief.read_term(token, now_nanos) {
            Reading::Current(left) => Some(left),
            Reading::Over => None,
            Reading::JustOver => {
                self.ask(Ask::SeenOver);
                None
            }
        }
    }

    /// Leaves word for the driver.
    pub fn ask(&self, what: Ask) {
        self.asked.fetch_or(what as u8, Ordering::AcqRel);
        self.driver.wake();
    }

    pub(crate) fn check_in(&self) {
        self.check_in_at(now_nanos());
    }

    /// The same by a clock of one's own, for a simulator.
    pub fn check_in_at(&self, now: u64) {
        // A thread that was held up since it read the clock takes nothing back.
        self.checked_in.fetch_max(now, Ordering::Relaxed);
    }

    /// Counts a piece of work in, if `current` says after that that the term goes on. Counted before
    /// it is looked at: the driver takes the deadline away before it reads the count.
    pub fn begin_work(&self, current: impl FnOnce() -> bool) -> bool {
        self.work.fetch_add(1, Ordering::SeqCst);
        let current = current();
        if current {
            self.confirmed.fetch_add(1, Ordering::SeqCst);
        } else {
            self.count_out();
        }
        current
    }

    /// Counts a piece of work out.
    pub fn end_work(&self) {
        self.confirmed.fetch_sub(1, Ordering::SeqCst);
        self.count_out();
    }

    fn count_out(&self) {
        if self.work.fetch_sub(1, Ordering::SeqCst) == 1 {
            self.ask(Ask::WorkDone);
        }
    }

    /// The deadline that readers compare with, and the token of the last term.
    pub fn belief(&self) -> (Option<Instant>, Token) {
        (self.belief.deadline(), self.belief.token())
    }

    /// What handles are told, without a look at the clock.
    pub fn status(&self) -> Status {
        self.view.borrow().status.clone()
    }

    pub(crate) fn subscribe(&self) -> watch::Receiver<View> {
        self.view.subscribe()
    }
}

/// For the driver.
impl Board {
    /// What was asked for, most urgent first.
    pub(crate) fn take_asked(&self, waker: &Waker) -> Option<Input> {
        self.driver.register(waker);
        let asked = self.asked.load(Ordering::Acquire);
        if asked == 0 {
            // As at nearly every wake.
            return None;
        }
        let order = [
            (Ask::SeenOver, Input::SeenOver),
            (Ask::Stop, Input::Stop),
            (Ask::StepDown, Input::StepDown),
            // The count says how much work is left; this only wakes.
            (Ask::WorkDone, Input::Tick),
        ];
        let (bit, input) = order.into_iter().find(|(bit, _)| asked & *bit as u8 != 0)?;
        self.asked.fetch_and(!(bit as u8), Ordering::AcqRel);
        if matches!(input, Input::SeenOver) && self.belief.deadline().is_some() {
            // Whoever saw that was held up before it could say so: it was an earlier term.
            return Some(Input::Tick);
        }
        Some(input)
    }

    /// When the work last said that it is alive, if it ever did.
    pub(crate) fn checked_in(&self) -> Option<Instant> {
        let at = self.checked_in.load(Ordering::Relaxed);
        (at != 0).then_some(Instant::from_nanos(at))
    }

    pub(crate) fn work_left(&self) -> WorkLeft {
        if self.work.load(Ordering::SeqCst) > 0 {
            WorkLeft::Some
        } else if self.ended_at_work.load(Ordering::SeqCst) {
            WorkLeft::Done
        } else {
            WorkLeft::Unknown
        }
    }

    /// See [`Belief::publish`].
    pub(crate) fn publish(
        &self,
        before: Option<(Token, Instant)>,
        after: Option<(Token, Instant)>,
    ) -> bool {
        let published = self.belief.publish(before, after);
        if before.is_some() && after.is_none() {
            let at_work = self.confirmed.load(Ordering::SeqCst) > 0;
            self.ended_at_work.store(at_work, Ordering::SeqCst);
        }
        published
    }

    /// Changes what handles are told, if it is a change; says whether it was.
    pub(crate) fn tell(&self, change: impl FnOnce(&mut View) -> bool) -> bool {
        self.view.send_if_modified(change)
    }

    pub(crate) fn set_status(&self, status: Status) -> bool {
        self.tell(|view| {
            let changed = view.status != status;
            view.status = status;
            changed
        })
    }

    /// Promise 10: whatever ended the driver without its saying so, nobody goes on believing.
    pub(crate) fn died(&self) {
        self.belief.end();
        self.tell(|view| {
            if view.status == Status::Stopped {
                return false;
            }
            let message = "the election ended without having been asked to: its backend panicked, \
                           or the election's thread is gone";
            view.failure = Some(Error::new(ErrorKind::Stopped, message));
            view.status = Status::Stopped;
            true
        });
    }
}
