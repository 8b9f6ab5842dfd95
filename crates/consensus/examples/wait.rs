//! The wait-based pattern: wait for a term, work as long as it lasts, wait for the next. From a
//! program without a runtime: a plain thread that asks its term.
//!
//! `cargo run -p consensus-election --example wait`, in two terminals.

use consensus::{Config, Error, FileBackend, Manager};
use std::thread::sleep;
use std::time::Duration;

#[allow(clippy::disallowed_methods, reason = "an example's work is to sleep")]
fn main() -> Result<(), Error> {
    let path = std::env::temp_dir().join("consensus-wait.json");
    let identity = format!("process-{}", std::process::id());
    let manager = Manager::new(FileBackend::new(path), Config::new(identity))?;
    let lease = manager.start();

    for _ in 0..3 {
        println!("waiting to lead");
        let term = lease.blocking_wait_for_leadership()?;
        println!("leading under token {}", term.token());
        // Registered: nobody else leads before it is over, or its grace is.
        let Ok(work) = term.begin_work() else {
            continue;
        };
        for piece in 1..=10 {
            if !term.is_current() {
                break;
            }
            println!("piece {piece} of 10");
            sleep(Duration::from_millis(500));
        }
        drop(work);
        // Without this the next wait would come back to the same term.
        lease.step_down();
        println!("not leading any more: {}", term.blocking_ended());
    }
    manager.blocking_stop()
}
