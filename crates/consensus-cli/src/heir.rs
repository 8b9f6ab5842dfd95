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
use consensus::{Error, ErrorKind};
use std::io;
use std::time::Duration;
use tokio::runtime::Builder;

/// How soon a release that failed is tried again; then less and less often.
const FIRST_PAUSE: Duration = Duration::from_millis(200);
const LAST_PAUSE: Duration = Duration::from_secs(2);

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
    let mut pause = FIRST_PAUSE;
    loop {
        let now = Instant::now();
        let outcome = tokio::select! {
            biased;
            outcome = url.release(claim.clone()) => outcome,
            () = sleep_until(now.plus(job.times.request)) => {
                Err(Error::new(ErrorKind::Unavailable, "the store does not answer"))
            }
        };
        match outcome {
            Ok(()) => return Ok(()),
            Err(error) if may_pass(&error) && Instant::now() < over => {
                sleep_until(Instant::now().plus(pause)).await;
                pause = (pause * 2).min(LAST_PAUSE);
            }
            Err(error) => return Err(io::Error::other(error)),
        }
    }
}

/// Whether it is worth trying again. What somebody has to mend is mended too late for us.
fn may_pass(error: &Error) -> bool {
    match error.kind() {
        ErrorKind::Denied | ErrorKind::Invalid | ErrorKind::Foreign => false,
        ErrorKind::Unavailable | ErrorKind::Stopped | _ => true,
    }
}
