//! The basic pattern: ask before each piece of work.
//!
//! `cargo run -p consensus-election --example basic`, in two terminals. Ctrl-C ends it and releases.

use consensus::{Config, Error, FileBackend, Manager, Status};
use std::time::Duration;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let path = std::env::temp_dir().join("consensus-basic.json");
    let identity = format!("process-{}", std::process::id());
    let manager = Manager::new(FileBackend::new(path), Config::new(identity))?;
    let lease = manager.start_until(async { drop(tokio::signal::ctrl_c().await) });

    let mut ticks = tokio::time::interval(Duration::from_secs(1));
    while lease.status() != Status::Stopped {
        ticks.tick().await;
        // Compares a clock with a deadline: never blocks, and never lies after a pause.
        if let Some(term) = lease.term() {
            println!("leading under token {}: a piece of work", term.token());
        } else if let Some(trouble) = lease.trouble() {
            println!("following: {trouble}");
        } else if let Status::Following {
            leader: Some(leader),
        } = lease.status()
        {
            println!("following {leader}");
        }
    }
    manager.stop().await
}
