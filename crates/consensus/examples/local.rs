//! Three processes on one machine, of which one leads.
//!
//! In three terminals:
//!
//! ```text
//! INSTANCE_ID=instance-1 cargo run -p consensus-election --example local
//! INSTANCE_ID=instance-2 cargo run -p consensus-election --example local
//! INSTANCE_ID=instance-3 cargo run -p consensus-election --example local
//! ```
//!
//! Kill the leader, with Ctrl-C or `kill -9`, and another one leads at once: the kernel tells that it
//! is gone. Stop it with `kill -STOP`, and another leads when its lease has run out.
//!
//! `LEADER_FILE` is where the record is; `LEASE` the lease duration in seconds; `WORK_LOG`, if set, a
//! file to which each piece of work appends a line: when it was done on the machine's clock, under
//! which token, by which process.

use consensus::{Backend, Config, Error, ErrorKind, FileBackend, Lease, Manager, Status, Term};
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::PathBuf;
use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let path = std::env::var_os("LEADER_FILE").map_or_else(default_path, PathBuf::from);
    run(FileBackend::new(path)).await
}

fn default_path() -> PathBuf {
    std::env::temp_dir().join("consensus-local.json")
}

/// Takes part until SIGINT or SIGTERM.
///
/// # Errors
/// If the election cannot be set up, or the lease could not be released.
pub async fn run(backend: impl Backend) -> Result<(), Error> {
    let instance =
        std::env::var("INSTANCE_ID").unwrap_or_else(|_| format!("instance-{}", std::process::id()));
    let lease_secs = match std::env::var("LEASE") {
        Ok(secs) => secs.parse().map_err(|_| {
            let message = format!("LEASE is {secs:?}; write a whole number of seconds");
            Error::new(ErrorKind::Invalid, message)
        })?,
        Err(_) => 15,
    };
    let config = Config::new(&instance).lease_duration(Duration::from_secs(lease_secs));

    let manager = Manager::new(backend, config)?;
    let lease = manager.start_until(asked_to_end());
    let telling = tokio::spawn(tell(instance.clone(), lease.clone()));
    while let Ok(term) = lease.wait_for_leadership().await {
        // Dropped when the term ends, before anybody else can lead.
        match term.run(work(&term)).await {
            Ok(error) => println!("{instance}: the work failed: {error}"),
            Err(ended) => println!("{instance}: not leading any more: {ended}"),
        }
    }
    let stopped = manager.stop().await;
    telling.abort();
    stopped
}

async fn asked_to_end() {
    let (Ok(mut int), Ok(mut term)) = (
        signal(SignalKind::interrupt()),
        signal(SignalKind::terminate()),
    ) else {
        return;
    };
    tokio::select! {
        _ = int.recv() => {}
        _ = term.recv() => {}
    }
}

/// Says who leads, whenever that changes.
async fn tell(instance: String, mut lease: Lease) {
    loop {
        match lease.changed().await {
            Status::Leading { token } => println!("{instance}: leading, token {token}"),
            Status::Following {
                leader: Some(leader),
            } => println!("{instance}: {leader} leads"),
            Status::Stopped => return,
            Status::Following { leader: None } | Status::Ending { .. } | _ => {}
        }
        if let Some(trouble) = lease.trouble() {
            println!("{instance}: {trouble}");
        }
    }
}

/// Works for ever; comes back only with an error.
async fn work(term: &Term) -> std::io::Error {
    let mut log = match open_log() {
        Ok(log) => log,
        Err(error) => return error,
    };
    let mut ticks = tokio::time::interval(Duration::from_millis(5));
    loop {
        ticks.tick().await;
        let Some(log) = &mut log else { continue };
        // The time first: what is written is no later than the look at the term.
        let now = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
        if !term.is_current() {
            continue;
        }
        let nanos = i128::from(now.tv_sec) * 1_000_000_000 + i128::from(now.tv_nsec);
        let line = format!("{nanos} {} {}\n", term.token(), std::process::id());
        if let Err(error) = log.write_all(line.as_bytes()) {
            return error;
        }
    }
}

fn open_log() -> std::io::Result<Option<File>> {
    let Some(path) = std::env::var_os("WORK_LOG") else {
        return Ok(None);
    };
    OpenOptions::new()
        .create(true)
        .append(true)
        .open(path)
        .map(Some)
}
