//! Where a user begins: one election, from its configuration to its end.

use crate::backend::{Backend, Candidate};
use crate::board::{Ask, Board};
use crate::config::Config;
use crate::driver::drive;
use crate::election::Election;
use crate::host::{self, Host};
use crate::lease::Lease;
use crate::status::Status;
use crate::thread::{block_on, elections, guests};
use crate::{Error, ErrorKind};
use std::fmt;
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Poll;
use tokio::runtime::Handle;

/// Takes part in one election, from [`start`](Manager::start) to [`stop`](Manager::stop).
///
/// The election does not share a scheduler with the work: it runs on a thread of its own, one for all
/// elections of the process, and so needs no runtime.
///
/// Dropping a manager asks its election to stop, and waits for nothing: the process may end before
/// the lease is released, and others then wait for it to run out. Call [`stop`](Manager::stop).
///
/// ```
/// use consensus::{Config, Manager, MemoryBackend};
///
/// let manager = Manager::new(MemoryBackend::new(), Config::new("instance-1"))?;
/// let lease = manager.start();
/// let term = lease.blocking_wait_for_leadership()?;
/// assert!(lease.is_leader());
///
/// manager.blocking_stop()?;
/// assert!(!term.is_current());
/// # Ok::<(), consensus::Error>(())
/// ```
#[must_use = "dropping the manager ends its election"]
pub struct Manager {
    board: Arc<Board>,
    thread: Handle,
    start: Mutex<Option<Start>>,
}

/// Starts the election, on this thread and for this board.
type Start = Box<dyn FnOnce(&Handle, Arc<Board>) + Send>;

impl Manager {
    /// An election that has not been started. Nothing is asked of the backend yet.
    ///
    /// # Errors
    /// [`Invalid`](ErrorKind::Invalid) if the configuration breaks a rule;
    /// [`Unavailable`](ErrorKind::Unavailable) if the system has no thread or randomness for us.
    #[allow(
        clippy::needless_pass_by_value,
        reason = "a configuration is used once"
    )]
    pub fn new(backend: impl Backend, config: Config) -> Result<Self, Error> {
        let (candidate, timing) = config.check()?;
        let election = Election::new(timing, host::seed()?).with_neighbours(host::neighbours()?);
        let start: Start = Box::new(move |thread, board| {
            let died = DiedUnlessStopped(board);
            thread.spawn(run(backend, candidate, election, died));
        });
        Ok(Self {
            board: Arc::default(),
            thread: elections()?,
            start: Mutex::new(Some(start)),
        })
    }

    /// Starts the election, and gives a handle on it. Later calls give further handles, also once it is
    /// over: nothing starts it again.
    ///
    /// A store that cannot be reached is no error: the election goes on trying, and
    /// [`Lease::trouble`] tells.
    pub fn start(&self) -> Lease {
        // Made first, so that no change is of the past to it.
        let lease = Lease::new(Arc::clone(&self.board));
        if let Some(start) = self.take_start() {
            start(&self.thread, Arc::clone(&self.board));
        }
        lease
    }

    /// The same, until `cancelled` resolves: then does what [`stop`](Manager::stop) does. Takes
    /// anything that ends, such as a cancelled token or Ctrl-C. Called again, it adds one more end.
    ///
    /// `cancelled` is polled on a thread that the process's elections share, with a tokio runtime
    /// around it, and must not block. It is dropped when the election is over.
    pub fn start_until(&self, cancelled: impl Future<Output = ()> + Send + 'static) -> Lease {
        let lease = self.start();
        self.stop_after(cancelled);
        lease
    }

    /// Asks for what [`stop`](Manager::stop) does, and returns at once.
    pub fn begin_stop(&self) {
        self.board.ask(Ask::Stop);
        if self.take_start().is_some() {
            // It never started.
            self.board.set_status(Status::Stopped);
        }
    }

    /// Ends the term if there is one, waits for its registered work, releases the lease, and ends the
    /// election.
    ///
    /// Who calls it says that all work is over but what is registered, by
    /// [`Term::run`](crate::Term::run) or [`Term::begin_work`](crate::Term::begin_work). While that
    /// winds down the lease goes on being renewed, for at most one lease duration.
    ///
    /// # Errors
    /// [`Unavailable`](ErrorKind::Unavailable) if the store could not be told before the lease ran
    /// out by itself; [`Stopped`](ErrorKind::Stopped) if the election had ended by a panic.
    ///
    /// # Cancel safety
    /// The election goes on stopping without the future. It may be called again.
    pub async fn stop(&self) -> Result<(), Error> {
        self.begin_stop();
        let mut view = self.board.subscribe();
        let stopped = view.wait_for(|view| view.status == Status::Stopped).await;
        let failure = match stopped {
            Ok(view) => view.failure.clone(),
            Err(_) => Some(Error::new(ErrorKind::Stopped, "the election is gone")),
        };
        failure.map_or(Ok(()), Err)
    }

    /// As [`stop`](Manager::stop), for programs without a runtime. Blocks this thread.
    ///
    /// # Errors
    /// As [`stop`](Manager::stop).
    pub fn blocking_stop(&self) -> Result<(), Error> {
        block_on(self.stop())
    }

    fn take_start(&self) -> Option<Start> {
        self.start
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
    }

    fn stop_after(&self, cancelled: impl Future<Output = ()> + Send + 'static) {
        let stop = StopWhenDropped(Arc::clone(&self.board));
        let mut view = self.board.subscribe();
        let over = async move {
            let _stop = stop;
            let stopped = view.wait_for(|view| view.status == Status::Stopped);
            let (mut stopped, mut cancelled) = (pin!(stopped), pin!(cancelled));
            std::future::poll_fn(|cx| {
                let over = stopped.as_mut().poll(cx).is_ready();
                if over {
                    Poll::Ready(())
                } else {
                    cancelled.as_mut().poll(cx)
                }
            })
            .await;
        };
        match guests() {
            Ok(thread) => drop(thread.spawn(over)),
            // Nobody could ever stop it: better not to lead at all. Dropping has asked for it.
            Err(error) => tracing::error!(%error, "cannot wait for the end of the election"),
        }
    }
}

/// Runs an election to its end. `died` comes from outside, so that it speaks also if this is dropped
/// before it began.
#[allow(
    clippy::manual_async_fn,
    reason = "an async fn keeps everything twice: as arguments, and as what it works with"
)]
fn run(
    mut backend: impl Backend,
    candidate: Candidate,
    mut election: Election,
    died: DiedUnlessStopped,
) -> impl Future<Output = ()> + Send {
    async move {
        // Goes first: the belief ends before the backend takes back the mark of a living holder.
        let died = died;
        let identity = &*candidate.identity;
        tracing::info!(identity, "candidate: {}", election.timing().summary());
        drive(&mut backend, &candidate, &mut election, &Host, &died.0).await;
    }
}

/// Also if the user's future panics.
struct StopWhenDropped(Arc<Board>);

impl Drop for StopWhenDropped {
    fn drop(&mut self) {
        self.0.ask(Ask::Stop);
    }
}

/// Promise 10: a backend that panics ends the belief, and everybody who waits is told.
struct DiedUnlessStopped(Arc<Board>);

impl Drop for DiedUnlessStopped {
    fn drop(&mut self) {
        self.0.died();
    }
}

impl Drop for Manager {
    fn drop(&mut self) {
        self.begin_stop();
    }
}

impl fmt::Debug for Manager {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Manager")
            .field("board", &self.board)
            .finish_non_exhaustive()
    }
}
