//! The competitor that uses the library: the README's fifteen lines on the file store. Its work writes
//! down when it began.

use crate::clock;
use crate::failure::Failure;
use crate::processes::Said;
use consensus::{Config, ErrorKind, FileBackend, Lease, Manager, Status};
use std::future::pending;
use std::io::BufRead;

pub(crate) const HIDDEN: &str = "__candidate";

/// Takes part until it is killed, or asked to stop by a line on its standard input. The end of that
/// means that the benchmark is gone: then it goes at once.
pub(crate) fn run(record: &str, identity: &str) -> Result<(), Failure> {
    let manager = Manager::new(FileBackend::new(record), Config::new(identity))?;
    let lease = manager.start();
    std::thread::spawn(move || {
        let line = std::io::stdin().lock().lines().next();
        let stopped = line.map(|_| manager.blocking_stop());
        std::process::exit(i32::from(!matches!(stopped, Some(Ok(())))));
    });
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .map_err(|error| Failure::cannot("make a runtime", error))?;
    runtime.block_on(async {
        tokio::spawn(tell(lease.clone()));
        loop {
            let term = match lease.wait_for_leadership().await {
                Err(error) if error.kind() == ErrorKind::Stopped => return Ok(()),
                term => term?,
            };
            let work = async {
                let at = clock::now();
                let token = term.token().get();
                Said::Leads { at, token }.say();
                pending::<()>().await;
            };
            // However it ends: the next term says so as well.
            let _ = term.run(work).await;
        }
    })
}

/// Says who leads, as often as that changes: then this candidate watches.
async fn tell(mut lease: Lease) {
    loop {
        if let Status::Following {
            leader: Some(leader),
        } = lease.changed().await
        {
            Said::Follows(leader.identity.to_string()).say();
        }
    }
}
