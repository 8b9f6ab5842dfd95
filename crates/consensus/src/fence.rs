//! The fence: what a resource keeps to refuse a leader that is late. Read this page before your leader
//! writes to anything.
//!
//! # Why a lease is not enough
//!
//! ```text
//! first    asks: do I lead? yes ┄┄┄┄┄┄┄┄┄┄┄ frozen ┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄ writes, too late
//! second                          takes over      writes
//! ```
//!
//! A process can be frozen at any instant: it is stopped, its machine swaps, its virtual machine is moved.
//! Between asking [`is_leader`](crate::Lease::is_leader) and acting nothing in that process runs, so
//! nothing in it can help. When it goes on, its next question is answered "no", but this write has been
//! asked for already. A request that is on its way in a slow network is late in the same manner.
//!
//! Only the resource can tell. Every term has a [`Token`], higher than those of all terms before it. The
//! resource keeps the highest that it has seen, and refuses what is lower.
//!
//! # Three rules
//!
//! 1. **The check and the write are one atomic step, in the resource.** A check in the client is one
//!    more question before the freeze: a [`Fence`] there is worth nothing.
//! 2. **What the resource has not seen it cannot refuse.** A new leader shows its token before it *reads*
//!    what it is going to change; a write that changes nothing else will do. Otherwise a late write still
//!    comes in after that read.
//! 3. **The token is kept as long as the data, and with it.** A resource that forgets its token over a
//!    restart, or deletes it with a row, admits anybody.
//!
//! Equal tokens are one term's, which may write as often as it likes. One resource, one election: the
//! tokens of two elections have nothing to do with each other.
//!
//! # A resource in a process
//!
//! A service of your own keeps a [`Fence`] beside its data, behind the same lock:
//!
//! ```
//! use consensus::Token;
//! use consensus::fence::{Fence, Late};
//! use std::sync::Mutex;
//!
//! struct Report {
//!     fence: Fence,
//!     text: String,
//! }
//!
//! fn write(report: &Mutex<Report>, token: Token, text: &str) -> Result<(), Late> {
//!     let mut report = report.lock().expect("nobody panicked");
//!     report.fence.admit(token)?; // the lock is held until the write is done: one step
//!     report.text = text.to_owned();
//!     Ok(())
//! }
//!
//! # fn main() -> Result<(), Late> {
//! let report = Mutex::new(Report { fence: Fence::new(), text: String::new() });
//! write(&report, Token::new(7), "by the first")?;
//! write(&report, Token::new(9), "by the second")?;
//! let late = write(&report, Token::new(7), "by the first, which was frozen").unwrap_err();
//! assert_eq!(late.to_string(), "token 7 is late: 9 has been seen; do not write again under it");
//! assert_eq!(report.lock().expect("nobody panicked").text, "by the second");
//! # Ok(())
//! # }
//! ```
//!
//! Over HTTP the token travels in a header of every request, such as `Fencing-Token: 1795511862008`.
//! The service admits it under the lock of the data and answers `409 Conflict` to a late one. It refuses
//! a request without a token, too. Keep [`highest`](Fence::highest) with the data, saved in the same
//! write, and begin with [`Fence::since`] after a restart.
//!
//! # A row in SQL
//!
//! A column `token BIGINT NOT NULL DEFAULT 0`, and one condition more (tokens are below 2⁶²):
//!
//! ```sql
//! UPDATE job SET state = :state, token = :token WHERE id = :id AND token <= :token
//! ```
//!
//! Then look at the number of changed rows. One: it is written. None: the leader is late, or there is no
//! such row. The number is `changes()` in SQLite, the `UPDATE 0` of PostgreSQL, and what `execute` returns
//! in most drivers. (MySQL does not count a row that had these values already, unless the client sets
//! `CLIENT_FOUND_ROWS`.)
//!
//! One statement is one step in both databases. PostgreSQL looks at the condition again after it has waited
//! for another transaction (`READ COMMITTED`); at the stricter levels it fails instead, with `40001`: begin
//! the transaction again.
//!
//! # Many rows in SQL
//!
//! A row that is inserted or deleted has no token to compare. Let one row stand for all the data, and take
//! it first in every transaction:
//!
//! ```sql
//! BEGIN IMMEDIATE; -- in PostgreSQL: BEGIN
//! UPDATE fence SET token = :token WHERE name = 'jobs' AND token <= :token; -- no row: ROLLBACK, late
//! -- anything else: this transaction holds the row until it ends
//! COMMIT;
//! ```
//!
//! The row has to be there from the start: `INSERT INTO fence (name, token) VALUES ('jobs', 0)`. The
//! `UPDATE` locks it as a `SELECT … FOR UPDATE` would and is the check at the same time. SQLite has no
//! `FOR UPDATE`: `BEGIN IMMEDIATE` takes the only write lock before anything is read.
//!
//! If the transactions of one leader are to run side by side in PostgreSQL, raise the row once when the term
//! begins. Then each begins with this, and is late if it finds no row:
//!
//! ```sql
//! SELECT 1 FROM fence WHERE name = 'jobs' AND token = :token FOR SHARE
//! ```
//!
//! # An object store
//!
//! There is no condition on a token, but there is one on the version, and that carries it:
//!
//! 1. Read the object: its version (etag or generation) and the token in it. Higher than yours: late.
//! 2. Write the new content, with your token in it, if the version is unchanged: `If-Match: <etag>` in S3
//!    and Azure, `x-goog-if-generation-match: <generation>` in Google's. The first time, if there is none:
//!    `If-None-Match: *`, or generation 0.
//! 3. `412 Precondition Failed` (S3 also: `409`): somebody wrote in between. Begin again at 1.
//!
//! Metadata is a good place for the token where versions are generations, as in Google's. An S3 etag may be
//! a digest of the content alone, so that two writes of the same bytes look like one version: put the token
//! into the content there. Do not delete the object; write that it is empty. An answer that was lost is no
//! "no": begin again at 1.
//!
//! # What cannot be fenced
//!
//! A mail that is sent, a machine that is switched. Ask as late as you can, keep the act short against the
//! lease, and make it harmless to do twice.
//!
//! The example `fence` shows all of this with two processes and an SQLite file:
//! `cargo run -p consensus-election --example fence`.

use crate::Token;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

/// What a resource that lives in a process keeps: the highest token that it has seen.
///
/// Threads may share it. But [`admit`](Fence::admit) orders only the tokens: hold the lock of the data from
/// before it until the write is done, or a write that was admitted in time is done late. It cannot be
/// cloned, as one resource has one.
#[derive(Debug, Default)]
pub struct Fence {
    highest: AtomicU64,
}

impl Fence {
    /// A fence that has seen no token, for a resource that is new. It admits any first one.
    pub const fn new() -> Self {
        Self::since(Token::new(0))
    }

    /// A fence that has seen this token, for a resource that was there before: it is what
    /// [`highest`](Fence::highest) said when the data was saved.
    pub const fn since(highest: Token) -> Self {
        Self {
            highest: AtomicU64::new(highest.get()),
        }
    }

    /// Lets the bearer of this token act if no higher one has been seen, and remembers it.
    ///
    /// # Errors
    /// [`Late`] if a higher token has been seen. Write nothing; the fence is as it was.
    pub fn admit(&self, token: Token) -> Result<(), Late> {
        // One step: between a look and a store of our own another thread could bring a higher one.
        let before = self.highest.fetch_max(token.get(), Ordering::AcqRel);
        if token.get() < before {
            return Err(Late {
                offered: token,
                highest: Token::new(before),
            });
        }
        Ok(())
    }

    /// The highest token that it has seen: what to save with the data.
    pub fn highest(&self) -> Token {
        Token::new(self.highest.load(Ordering::Acquire))
    }
}

/// A token was refused: a later term has been here. Whoever offers it does not lead any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Late {
    /// The token that was refused.
    pub offered: Token,
    /// The highest that had been seen.
    pub highest: Token,
}

impl fmt::Display for Late {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { offered, highest } = self;
        write!(
            f,
            "token {offered} is late: {highest} has been seen; do not write again under it"
        )
    }
}

impl std::error::Error for Late {}

#[cfg(test)]
mod tests {
    use super::{Fence, Late};
    use crate::Token;
    use std::sync::{Barrier, Mutex};
    use std::thread;

    #[test]
    fn a_lower_token_is_refused_and_told_the_highest() {
        let fence = Fence::new();
        assert_eq!(fence.admit(Token::new(9)), Ok(()));
        let late = Late {
            offered: Token::new(7),
            highest: Token::new(9),
        };
        assert_eq!(fence.admit(Token::new(7)), Err(late));
    }

    #[test]
    fn one_term_is_admitted_again_and_again() {
        let fence = Fence::new();
        for _ in 0..3 {
            assert_eq!(fence.admit(Token::new(7)), Ok(()));
        }
    }

    #[test]
    fn a_late_token_does_not_lower_the_fence() {
        let fence = Fence::since(Token::new(9));
        assert!(fence.admit(Token::new(7)).is_err());
        assert_eq!(fence.highest(), Token::new(9));
        assert!(fence.admit(Token::new(8)).is_err());
    }

    #[test]
    fn a_restored_fence_refuses_what_the_saved_one_did() {
        let before = Fence::new();
        before.admit(Token::new(9)).expect("the first");
        let after = Fence::since(before.highest());
        assert!(after.admit(Token::new(8)).is_err());
        assert_eq!(after.admit(Token::new(9)), Ok(()));
    }

    #[test]
    fn of_two_threads_at_once_the_higher_token_stays() {
        const ROUNDS: u64 = 2_000;
        let fence = Fence::new();
        let start = Barrier::new(2);
        thread::scope(|scope| {
            for lower in [0, 1] {
                let (fence, start) = (&fence, &start);
                scope.spawn(move || {
                    for round in 1..=ROUNDS {
                        start.wait();
                        // The one with the higher token is never late.
                        let admitted = fence.admit(Token::new(2 * round - lower));
                        assert!(lower == 1 || admitted.is_ok(), "{admitted:?}");
                        start.wait();
                        assert_eq!(fence.highest(), Token::new(2 * round));
                    }
                });
            }
        });
    }

    #[test]
    fn behind_the_lock_of_the_data_no_lower_token_writes_after_a_higher_one() {
        let data = Mutex::new((Fence::new(), Vec::new()));
        thread::scope(|scope| {
            for thread in 0..4 {
                let data = &data;
                scope.spawn(move || {
                    for round in 0..500 {
                        let token = Token::new(4 * round + thread);
                        let mut data = data.lock().expect("nobody panicked");
                        if data.0.admit(token).is_ok() {
                            data.1.push(token);
                        }
                    }
                });
            }
        });
        let written = data.into_inner().expect("nobody panicked").1;
        assert!(written.is_sorted());
        assert_eq!(written.last(), Some(&Token::new(1_999)));
    }
}
