//! A candidate by our library, with the flags and the words of `client-go/main.go`, so that tests can set
//! one beside the other.
//!
//! It says on standard output what it is told, each with the time in nanoseconds of `CLOCK_BOOTTIME`, and
//! while it leads it works: a piece every few milliseconds, each a line in a file, `TIME IDENTITY TOKEN`.
//! SIGTERM stops it.

#![allow(
    clippy::disallowed_methods,
    reason = "pauses between pieces of work, which hang on nothing"
)]

use clap::Parser;
use consensus::{Config, Lease, Manager, Status, Term};
use consensus_kubernetes::{Cluster, KubernetesStore};
use rustix::time::{ClockId, clock_gettime};
use std::fs::OpenOptions;
use std::future::pending;
use std::io::{Write as _, copy, sink, stdin, stdout};
use std::path::PathBuf;
use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};

/// A candidate by our library.
#[derive(Debug, Parser)]
struct Flags {
    /// How to reach the API server.
    #[arg(long)]
    kubeconfig: PathBuf,
    /// Where the Lease is.
    #[arg(long, default_value = "default")]
    namespace: String,
    /// The Lease's name.
    #[arg(long, default_value = "leader")]
    name: String,
    /// Who we are.
    #[arg(long)]
    identity: String,
    /// In seconds.
    #[arg(long, default_value_t = 15)]
    lease: u64,
    /// In milliseconds. As long as the library takes, if it is not given.
    #[arg(long)]
    renew: Option<u64>,
    /// In milliseconds. As long as the library takes, if it is not given.
    #[arg(long)]
    retry: Option<u64>,
    /// The file to which each piece of work adds a line.
    #[arg(long)]
    work: Option<PathBuf>,
    /// From one piece of work to the next, in milliseconds.
    #[arg(long, default_value_t = 5)]
    pause: u64,
    /// Ends at once when standard input does: whoever started it has gone.
    #[arg(long)]
    tied: bool,
}

impl Flags {
    fn config(&self) -> Config {
        let lease = Duration::from_secs(self.lease);
        let mut config = Config::new(&self.identity).lease_duration(lease);
        if let Some(renew) = self.renew {
            config = config.renew_interval(Duration::from_millis(renew));
        }
        if let Some(retry) = self.retry {
            config = config.retry_interval(Duration::from_millis(retry));
        }
        config
    }
}

type Failure = Box<dyn std::error::Error>;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Failure> {
    let flags = Flags::parse();
    if flags.tied {
        std::thread::spawn(|| {
            let _ = copy(&mut stdin(), &mut sink());
            std::process::exit(1);
        });
    }
    let store = KubernetesStore::new(
        &Cluster::kubeconfig_at(&flags.kubeconfig),
        &flags.namespace,
        &flags.name,
    )?;
    let manager = Manager::new(store.into_backend(), flags.config())?;
    let mut asked = signal(SignalKind::terminate())?;
    let lease = manager.start_until(async move {
        asked.recv().await;
    });
    say(&flags.identity, "waits");
    let telling = tokio::spawn(tell(flags.identity.clone(), lease.clone()));
    while let Ok(term) = lease.wait_for_leadership().await {
        say(&flags.identity, "leads");
        // Dropped when the term ends: then there may be another one.
        if let Ok(failed) = term.run(labour(&flags, &term)).await {
            return Err(failed.into());
        }
        say(&flags.identity, "ended");
    }
    telling.abort();
    Ok(manager.stop().await?)
}

/// Works for ever.
async fn labour(flags: &Flags, term: &Term) -> std::io::Error {
    let Some(path) = &flags.work else {
        return pending().await;
    };
    let mut file = match OpenOptions::new().append(true).create(true).open(path) {
        Ok(file) => file,
        Err(error) => return error,
    };
    let pause = Duration::from_millis(flags.pause);
    loop {
        // Before it is looked whether we may: whoever is stopped in between worked at a good time.
        let at = now();
        if term.is_current() {
            let line = format!("{at} {} {}\n", flags.identity, term.token());
            if let Err(error) = file.write_all(line.as_bytes()) {
                return error;
            }
        }
        tokio::time::sleep(pause).await;
    }
}

async fn tell(identity: String, mut lease: Lease) {
    loop {
        match lease.changed().await {
            Status::Following {
                leader: Some(leader),
            } => say(&identity, &format!("sees {}", leader.identity)),
            Status::Stopped => return,
            Status::Starting | Status::Leading { .. } | Status::Ending { .. } | _ => {}
        }
    }
}

/// Whoever listens may have gone: that is no reason to end without a release.
fn say(identity: &str, what: &str) {
    let _ = writeln!(stdout().lock(), "{} {identity} {what}", now());
}

/// The clock that goes on while the machine is suspended.
fn now() -> i64 {
    let time = clock_gettime(ClockId::Boottime);
    time.tv_sec * 1_000_000_000 + time.tv_nsec
}
