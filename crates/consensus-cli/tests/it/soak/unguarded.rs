//! A candidate as others build them: it starts a command while it leads, and kills it when it has lost. There
//! is no guard, so what becomes of the command is up to luck: this must be found out.

use consensus::{Config, FileBackend, Manager};
use std::process::Command;
use std::time::Duration;

/// The test that is run again as such a candidate.
pub const ARGUMENTS: [&str; 4] = [
    "--exact",
    "soak::soak_unguarded",
    "--nocapture",
    "--test-threads=1",
];
/// Where the record is.
pub const RECORD: &str = "SOAK_RECORD";

/// Leads once.
pub fn run(record: &str, lease: Duration, mut command: Command) {
    let identity = format!("unguarded-{}", std::process::id());
    let config = Config::new(identity).lease_duration(lease);
    let manager = Manager::new(FileBackend::new(record), config).expect("good settings");
    let lease = manager.start();
    let Ok(term) = lease.blocking_wait_for_leadership() else {
        return;
    };
    command.env("CONSENSUS_TOKEN", term.token().to_string());
    let mut child = command.spawn().expect("the command");
    while term.is_current() && matches!(child.try_wait(), Ok(None)) {
        std::thread::sleep(Duration::from_millis(5));
    }
    let _ = child.kill();
    let _ = child.wait();
    let _ = manager.blocking_stop();
}
