//! The competitors that use a lock of the kernel and nothing else: what the library is held beside.

use crate::clock;
use crate::failure::Failure;
use crate::processes::Said;
use rustix::fs::{FlockOperation, flock};
use std::fs::OpenOptions;
use std::io::BufRead;

pub(crate) const HIDDEN_COMMAND: &str = "__flock-command";
pub(crate) const HIDDEN_CALL: &str = "__flock-call";

/// What `flock FILE COMMAND` runs once it has the lock, which goes when this process does; and what
/// `consensus run` runs, which then names a token.
pub(crate) fn command() {
    lead();
}

/// Waits for the lock by itself.
pub(crate) fn call(file: &str) -> Result<(), Failure> {
    let opened = OpenOptions::new()
        .create(true)
        .append(true)
        .open(file)
        .map_err(|error| Failure::cannot(&format!("open {file}"), error))?;
    let failed = |errno| Failure::cannot(&format!("lock {file}"), errno);
    flock(&opened, FlockOperation::LockExclusive).map_err(failed)?;
    lead();
    flock(&opened, FlockOperation::Unlock).map_err(failed)
}

/// Until it is killed, or asked to stop.
fn lead() {
    let at = clock::now();
    let token = std::env::var("CONSENSUS_TOKEN").ok();
    let token = token.and_then(|token| token.parse().ok());
    let token = token.unwrap_or_default();
    Said::Leads { at, token }.say();
    // A line or the end of it: it is time to go.
    let _ = std::io::stdin().lock().lines().next();
}
