//! The belief that readers ask: a deadline and a token in two words, without a lock.
//!
//! Owns promise 1. The election's thread writes, any thread reads. *Over is over*: a reader that sees
//! the deadline passed takes it away, and a renewal that comes after that fails to put a later one in
//! its place. The interleavings are explored by loom, at the end of this file.

#[cfg(all(test, consensus_loom))]
use loom::sync::atomic::{AtomicU64, Ordering};
#[cfg(not(all(test, consensus_loom)))]
use std::sync::atomic::{AtomicU64, Ordering};

use crate::Token;
use crate::world::Instant;
use std::time::Duration;

/// No term. A clock never shows it.
const NONE: u64 = 0;

/// Who leads until when, as this process believes.
#[derive(Debug)]
pub(crate) struct Belief {
    /// Nanoseconds of the candidate's clock.
    deadline: AtomicU64,
    token: AtomicU64,
}

/// What a reader found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reading {
    /// The term goes on for at least this long.
    Current(Duration),
    Over,
    /// It is over, and this reader was the first to see it: the election wants to know.
    JustOver,
}

impl Belief {
    pub(crate) fn new() -> Self {
        Self {
            deadline: AtomicU64::new(NONE),
            token: AtomicU64::new(0),
        }
    }

    /// Whether any term goes on. The clock is read after the deadline: the other order would say yes
    /// after a pause between the two.
    #[inline]
    pub(crate) fn read(&self, now: impl Fn() -> u64) -> Reading {
        loop {
            let deadline = self.deadline.load(Ordering::Acquire);
            if deadline == NONE {
                return Reading::Over;
            }
            if let Some(reading) = self.judge(deadline, now()) {
                return reading;
            }
            // It was renewed meanwhile: look again.
        }
    }

    /// Whether this term goes on. The token is stored before the deadline and read after it: the
    /// deadline of a later term never counts for an earlier one.
    pub(crate) fn read_term(&self, token: Token, now: impl Fn() -> u64) -> Reading {
        loop {
            // In one order with the count of the work that asks: see `Board::begin_work`.
            let deadline = self.deadline.load(Ordering::SeqCst);
            if deadline == NONE || self.token.load(Ordering::Acquire) != token.get() {
                return Reading::Over;
            }
            if let Some(reading) = self.judge(deadline, now()) {
                return reading;
            }
        }
    }

    /// `None`: it was renewed between the two readings.
    #[inline]
    fn judge(&self, deadline: u64, now: u64) -> Option<Reading> {
        if now < deadline {
            return Some(Reading::Current(Duration::from_nanos(deadline - now)));
        }
        self.take_away(deadline).then_some(Reading::JustOver)
    }

    /// The token of the last term that began.
    pub(crate) fn token(&self) -> Token {
        Token::new(self.token.load(Ordering::Acquire))
    }

    /// The deadline, if there is a term: for the simulator's checks.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        let deadline = self.deadline.load(Ordering::Acquire);
        (deadline != NONE).then_some(Instant::from_nanos(deadline))
    }

    /// Makes the machine's belief the readers'. `false`: a reader has seen the term over meanwhile,
    /// and it stays over.
    pub(crate) fn publish(
        &self,
        before: Option<(Token, Instant)>,
        after: Option<(Token, Instant)>,
    ) -> bool {
        match (before, after) {
            (Some((_, old)), Some((_, new))) => {
                let (old, new) = (old.as_nanos(), new.as_nanos());
                old == new
                    || self
                        .deadline
                        .compare_exchange(old, new, Ordering::SeqCst, Ordering::Relaxed)
                        .is_ok()
            }
            (None, Some((token, deadline))) => {
                self.token.store(token.get(), Ordering::Release);
                self.deadline.store(deadline.as_nanos(), Ordering::SeqCst);
                true
            }
            (Some(_), None) => {
                self.deadline.store(NONE, Ordering::SeqCst);
                true
            }
            (None, None) => true,
        }
    }

    /// Ends any term, whatever the machine believes.
    pub(crate) fn end(&self) {
        self.deadline.store(NONE, Ordering::SeqCst);
    }

    #[cold]
    fn take_away(&self, deadline: u64) -> bool {
        self.deadline
            .compare_exchange(deadline, NONE, Ordering::SeqCst, Ordering::Relaxed)
            .is_ok()
    }
}

#[cfg(all(test, consensus_loom))]
mod loom_tests {
    use super::{Belief, Reading};
    use crate::Token;
    use crate::world::Instant;
    use loom::sync::Arc;
    use loom::sync::atomic::{AtomicU64, Ordering};
    use loom::thread;

    fn term(token: u64, deadline: u64) -> Option<(Token, Instant)> {
        Some((Token::new(token), Instant::from_nanos(deadline)))
    }

    /// Breaks if a renewal stores its deadline without comparing.
    #[test]
    fn once_seen_over_a_term_stays_over() {
        loom::model(|| {
            let belief = Arc::new(Belief::new());
            belief.publish(None, term(1, 10));
            let reader = {
                let belief = Arc::clone(&belief);
                thread::spawn(move || {
                    let first = belief.read(|| 10);
                    let second = belief.read(|| 11);
                    (first, second)
                })
            };
            let renewed = belief.publish(term(1, 10), term(1, 20));
            let (first, second) = reader.join().expect("the reader");
            let seen_over = |reading| !matches!(reading, Reading::Current(_));
            assert!(
                !seen_over(first) || seen_over(second),
                "{first:?} then {second:?}"
            );
            assert_eq!(renewed, !seen_over(first), "{first:?}, renewed: {renewed}");
        });
    }

    /// Breaks if the token is stored after the deadline, or read before it.
    #[test]
    fn the_deadline_of_a_later_term_never_counts_for_an_earlier_one() {
        loom::model(|| {
            let belief = Arc::new(Belief::new());
            let clock = Arc::new(AtomicU64::new(0));
            belief.publish(None, term(1, 10));
            let reader = {
                let (belief, clock) = (Arc::clone(&belief), Arc::clone(&clock));
                thread::spawn(move || {
                    let reading = belief.read_term(Token::new(1), || clock.load(Ordering::SeqCst));
                    if let Reading::Current(left) = reading {
                        assert!(left.as_nanos() <= 10, "the second term's deadline");
                    }
                })
            };
            belief.publish(term(1, 10), None);
            clock.store(5, Ordering::SeqCst);
            belief.publish(None, term(2, 30));
            reader.join().expect("the reader");
        });
    }
}
