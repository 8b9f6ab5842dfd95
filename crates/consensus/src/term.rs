//! One unbroken leadership, and the work that is done in it.

use crate::board::Board;
use crate::{Ended, Token};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

/// One unbroken leadership: a token, a deadline and a clock. Cheap to clone.
///
/// A term that is over stays over, also if this candidate leads again: that is another term, with a
/// higher token.
#[derive(Clone, Debug)]
pub struct Term {
    board: Arc<Board>,
    token: Token,
}

impl Term {
    pub(crate) fn new(board: Arc<Board>, token: Token) -> Self {
        Self { board, token }
    }

    /// The fencing token of this term: hand it to whatever is written to ([`fence`](crate::fence)).
    pub fn token(&self) -> Token {
        self.token
    }

    /// How much longer this term lasts if no more renewal is confirmed, counted from now. Zero: it is
    /// over.
    pub fn remaining(&self) -> Duration {
        self.board.remaining(self.token).unwrap_or_default()
    }

    /// Whether this term goes on: compares the clock with the deadline.
    pub fn is_current(&self) -> bool {
        self.board.remaining(self.token).is_some()
    }

    /// Waits until this term is over, and says why. Only of the last term that ended is the reason
    /// kept: asked later, an earlier one says [`Expired`](Ended::Expired).
    ///
    /// # Cancel safety
    /// Nothing is lost.
    pub async fn ended(&self) -> Ended {
        let mut view = self.board.subscribe();
        while self.is_current() {
            if view.changed().await.is_err() {
                break;
            }
        }
        self.why()
    }

    /// As [`ended`](Term::ended), for programs without a runtime. Blocks this thread.
    pub fn blocking_ended(&self) -> Ended {
        crate::thread::block_on(self.ended())
    }

    /// Registers a piece of work, which the release of the lease then waits for until it is dropped.
    ///
    /// What is registered when the term ends speaks for all of its work: when it is over, the lease is
    /// released. Who only asks [`is_leader`](crate::Lease::is_leader) is given the stop grace if
    /// nothing is registered then, so register all of the work or none.
    ///
    /// # Errors
    /// [`Ended`] if the term is over already: begin nothing.
    pub fn begin_work(&self) -> Result<Work, Ended> {
        if self.board.begin_work(|| self.is_current()) {
            return Ok(Work {
                board: Arc::clone(&self.board),
            });
        }
        Err(self.why())
    }

    /// Runs `work` as long as this term lasts. When the term ends first, `work` is dropped.
    ///
    /// It is registered: the lease is not released before it is over. It runs where this future is
    /// polled; work that blocks its thread is not interrupted, and has to ask
    /// [`is_current`](Term::is_current).
    ///
    /// # Errors
    /// [`Ended`] if the term ended first, or had ended before.
    ///
    /// # Cancel safety
    /// Dropping the future drops `work`.
    pub async fn run<F: Future>(&self, work: F) -> Result<F::Output, Ended> {
        let _registered = self.begin_work()?;
        // Dropped before the registration, whichever way this ends.
        let mut work = pin!(work);
        let mut ended = pin!(self.ended());
        std::future::poll_fn(|cx| {
            if let Poll::Ready(ended) = ended.as_mut().poll(cx) {
                return Poll::Ready(Err(ended));
            }
            // Also if nobody has told us yet.
            if !self.is_current() {
                return Poll::Ready(Err(self.why()));
            }
            work.as_mut().poll(cx).map(Ok)
        })
        .await
    }

    fn why(&self) -> Ended {
        let view = self.board.subscribe();
        let ended = view.borrow().ended;
        ended
            .filter(|(token, _)| *token == self.token)
            .map_or(Ended::Expired, |(_, why)| why)
    }
}

/// A registered piece of work: the lease is not released before it is dropped.
#[derive(Debug)]
#[must_use = "the work counts as over when this is dropped"]
pub struct Work {
    board: Arc<Board>,
}

impl Drop for Work {
    fn drop(&mut self) {
        self.board.end_work();
    }
}
