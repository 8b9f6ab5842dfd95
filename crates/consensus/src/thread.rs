//! The thread that drives all elections of a process. Nothing that can block runs on it: neither the
//! user's own futures, which have a thread of their own, nor file calls and the like, which stores
//! give to helper threads. The one exception is the user's log, which is written where things happen:
//! while it blocks, elections stand still, and terms end by their deadlines.

use crate::host;
use crate::{Error, ErrorKind};
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use tokio::runtime::{Builder, Handle, Runtime};

/// The elections' thread, started by the first call.
pub(crate) fn elections() -> Result<Handle, Error> {
    static THREAD: Mutex<Option<Handle>> = Mutex::new(None);
    once(&THREAD, || {
        let runtime = runtime()?;
        let timers = {
            let _context = runtime.enter();
            host::open_timers().map_err(|error| no_thread("a timer", error))?
        };
        start(runtime, "consensus", async move {
            let error = host::run_timers(timers).await;
            // Promise 10: no background task dies silently. Every term ends by its deadline.
            tracing::error!(%error, "the timer of the elections is gone; no election goes on");
        })
    })
}

/// The thread of the users' own futures, started by the first call.
pub(crate) fn guests() -> Result<Handle, Error> {
    static THREAD: Mutex<Option<Handle>> = Mutex::new(None);
    once(&THREAD, || {
        start(runtime()?, "consensus-guest", std::future::pending())
    })
}

/// Only success is kept: a lack of descriptors may pass.
fn once(
    thread: &Mutex<Option<Handle>>,
    start: impl FnOnce() -> Result<Handle, Error>,
) -> Result<Handle, Error> {
    let mut thread = thread.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(handle) = &*thread {
        return Ok(handle.clone());
    }
    let handle = start()?;
    *thread = Some(handle.clone());
    Ok(handle)
}

/// Waits on this very thread, for programs without a runtime.
pub(crate) fn block_on<F: Future>(future: F) -> F::Output {
    struct Unpark(Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut future = pin!(future);
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(output) => return output,
            Poll::Pending => thread::park(),
        }
    }
}

fn runtime() -> Result<Runtime, Error> {
    let built = Builder::new_current_thread().enable_all().build();
    built.map_err(|error| no_thread("a runtime", error))
}

fn start(
    runtime: Runtime,
    name: &str,
    main: impl Future<Output = ()> + Send + 'static,
) -> Result<Handle, Error> {
    let handle = runtime.handle().clone();
    let started = thread::Builder::new()
        .name(name.into())
        .spawn(move || runtime.block_on(main));
    started.map_err(|error| no_thread("a thread", error))?;
    Ok(handle)
}

fn no_thread(what: &str, error: std::io::Error) -> Error {
    let message = format!("cannot make {what} for the elections; check the process's limits");
    Error::new(ErrorKind::Unavailable, message).with_source(error)
}
