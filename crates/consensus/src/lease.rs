//! The handle on an election: who leads, and the wait for it.

use crate::board::{Ask, Board};
use crate::status::{Status, View};
use crate::term::Term;
use crate::thread::block_on;
use crate::{Ended, Error, ErrorKind};
use std::sync::Arc;
use tokio::sync::watch;

/// A handle on one election. Cheap to clone, and safe to use from any thread.
///
/// The basic pattern asks before each piece of work:
///
/// ```
/// # use consensus::{Config, Error, Lease, Manager, MemoryBackend};
/// # fn tick(lease: &Lease) {
/// if lease.is_leader() {
///     // … a piece of work that is short against the lease.
/// }
/// # }
/// ```
///
/// The wait-based pattern runs as long as a term lasts:
///
/// ```
/// # use consensus::{Error, Lease, Token};
/// # async fn serve(_token: Token) {}
/// # async fn service(lease: Lease) -> Result<(), Error> {
/// loop {
///     let term = lease.wait_for_leadership().await?;
///     if let Err(ended) = term.run(serve(term.token())).await {
///         println!("not leading any more: {ended}");
///     }
/// }
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Lease {
    board: Arc<Board>,
    view: watch::Receiver<View>,
}

impl Lease {
    /// The handle on the election that a board belongs to.
    #[doc(hidden)]
    pub fn new(board: Arc<Board>) -> Self {
        let view = board.subscribe();
        Self { board, view }
    }

    /// Whether this candidate leads now: compares the clock with the term's deadline (promise 1).
    ///
    /// Never blocks, allocates nothing, and costs about as much as reading the clock. What is done
    /// on a `true` can still come late, if the process is stopped just then: hand the
    /// [token](Term::token) to what you write to.
    #[inline]
    pub fn is_leader(&self) -> bool {
        self.board.leads()
    }

    /// The term that goes on now, if this candidate leads.
    pub fn term(&self) -> Option<Term> {
        let (_, token) = self.board.belief();
        let term = Term::new(Arc::clone(&self.board), token);
        term.is_current().then_some(term)
    }

    /// Waits until this candidate leads, and gives the term. At once, if it does already.
    ///
    /// `loop { wait_for_leadership(); short_work() }` comes back to the same term as long as that
    /// lasts; call [`step_down`](Lease::step_down) to let others have a turn.
    ///
    /// # Errors
    /// [`Stopped`](ErrorKind::Stopped) if the election is over. An unreachable store is no error
    /// here: the election goes on trying, and [`trouble`](Lease::trouble) tells.
    ///
    /// # Cancel safety
    /// Nothing is lost: the election goes on without the future.
    pub async fn wait_for_leadership(&self) -> Result<Term, Error> {
        let mut view = self.view.clone();
        loop {
            let over = over(&view.borrow_and_update());
            if let Some(term) = self.term() {
                return Ok(term);
            }
            if let Some(error) = over {
                return Err(error);
            }
            if view.changed().await.is_err() {
                return Err(Error::new(ErrorKind::Stopped, "the election is gone"));
            }
        }
    }

    /// As [`wait_for_leadership`](Lease::wait_for_leadership), for programs without a runtime.
    /// Blocks this thread.
    ///
    /// # Errors
    /// As [`wait_for_leadership`](Lease::wait_for_leadership).
    pub fn blocking_wait_for_leadership(&self) -> Result<Term, Error> {
        block_on(self.wait_for_leadership())
    }

    /// What the election is doing. It never says that this candidate leads when it does not, nor that
    /// it does not when it does: for that it looks at the clock.
    pub fn status(&self) -> Status {
        if let Some(term) = self.term() {
            return Status::Leading {
                token: term.token(),
            };
        }
        match self.board.status() {
            // The deadline has passed, and the election's thread has not said so yet.
            Status::Leading { token } if self.board.remaining(token).is_none() => Status::Ending {
                token,
                why: Ended::Expired,
            },
            status @ (Status::Starting
            | Status::Leading { .. }
            | Status::Following { .. }
            | Status::Ending { .. }
            | Status::Stopped) => status,
        }
    }

    /// The last error of the store, if it has not answered since.
    pub fn trouble(&self) -> Option<Error> {
        self.view.borrow().trouble.clone()
    }

    /// Waits for the next change of [`status`](Lease::status) or [`trouble`](Lease::trouble) since
    /// this handle was made or last told, and gives the status. The latest, not each one in between.
    /// Each try that fails counts as a change.
    /// For ever, once the election is over.
    ///
    /// # Cancel safety
    /// No change is lost.
    pub async fn changed(&mut self) -> Status {
        if self.view.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
        self.view.mark_unchanged();
        self.status()
    }

    /// As [`changed`](Lease::changed), for programs without a runtime. Blocks this thread.
    pub fn blocking_changed(&mut self) -> Status {
        block_on(self.changed())
    }

    /// Says that the work is alive. See [`Config::check_in`](crate::Config::check_in).
    pub fn check_in(&self) {
        self.board.check_in();
    }

    /// Ends the term, waits for its registered work, or the stop grace if there is none, releases the
    /// lease, and lets others go first for two retry intervals. Does nothing unless this candidate
    /// leads. Returns at once; [`changed`](Lease::changed) tells.
    pub fn step_down(&self) {
        self.board.ask(Ask::StepDown);
    }
}

/// The error for who waits, if the election is over.
fn over(view: &View) -> Option<Error> {
    if view.status != Status::Stopped {
        return None;
    }
    let stopped = || Error::new(ErrorKind::Stopped, "the election has been stopped");
    Some(
        view.failure
            .clone()
            .filter(|e| e.kind() == ErrorKind::Stopped)
            .unwrap_or_else(stopped),
    )
}
