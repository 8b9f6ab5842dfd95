//! The heir: releases in place of a leader that is dead, once nothing of its work is left.
//!
//! Owns that this is as conditional as any release: only what is still the dead leader's own write is
//! released, on the version at which it was seen. So a write of the dead that is still on its way, or a
//! successor, loses nothing. It is what the guard becomes when it has nothing else left to do: until then that
//! knows no store, and has no runtime.

use crate::exit::Exit;
use crate::job::Job;
use crate::say::{explain, say};
use crate::shared::Shared;
use crate::times::{Instant, sleep_until};
use crate::url::Url;
use std::io;
use std::time::Duration;
use tokio::runtime::Builder;

/// How soon a release that failed is tried again.
const PAUSE: Duration = Duration::from_millis(200);

/// Releases, or gives up when the lease has run out by itself.
pub(crate) fn release_in_place(shared: &Shared, job: &Job) -> Exit {
    // Only for who looks at a list of processes.
    let _ = rustix::thread::set_name(c"leader-heir");
    match try_release(shared, job) {
        Ok(()) => {
            explain("nothing is held any more in place of the leader that died: others may lead");
            Exit::Done
        }
        Err(error) => {
            say(format_args!(
                "not released in place of the leader that died, others wait for its lease: {error}"
            ));
            Exit::Unavailable
        }
    }
}

fn try_release(shared: &Shared, job: &Job) -> io::Result<()> {
    let url = Url::parse(&job.election).map_err(io::Error::other)?;
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let released = runtime.block_on(release(&url, shared, job));
    runtime.shutdown_background();
    released
}

async fn release(url: &Url, shared: &Shared, job: &Job) -> io::Result<()> {
    let claim = shared.claim();
    let over = Instant::now().plus(job.times.lease);
    loop {
        let now = Instant::now();
        let outcome = tokio::select! {
            biased;
            outcome = url.release(claim.clone()) => outcome.map_err(io::Error::other),
            () = sleep_until(now.plus(job.times.request)) => Err(io::ErrorKind::TimedOut.into()),
        };
        match outcome {
            Err(_) if Instant::now() < over => sleep_until(Instant::now().plus(PAUSE)).await,
            outcome => return outcome,
        }
    }
}
