//! The story of `consensus run`: wait for leadership, lead, release.
//!
//! Owns the order at the end: the lease is given up only after the command and all of its group are
//! gone. Read `wait.rs` next, then `lead.rs`.

use crate::command::Told;
use crate::exit::Exit;
use crate::flags;
use crate::lead::{Led, lead};
use crate::say::{explain, plain, say};
use crate::signals::{Signals, name};
use crate::times::{Instant, sleep_until};
use crate::wait::Wait;
use consensus::{Error, ErrorKind, Manager, Timing};
use std::time::Duration;

/// A release that takes longer than this is spoken of.
const SOON: Duration = Duration::from_secs(1);

/// Runs a command while this process leads.
pub(crate) async fn run(asked: &flags::Run) -> Exit {
    let started = start(asked).and_then(|(manager, timing, identity)| {
        let signals = Signals::handle().map_err(|error| {
            say(format_args!("cannot handle signals: {error}"));
            Exit::Unavailable
        })?;
        Ok((manager, timing, identity, signals))
    });
    let (manager, timing, identity, mut signals) = match started {
        Ok(started) => started,
        Err(exit) => return exit,
    };
    let mut lease = manager.start();
    let mut wait = Wait::new(asked, &timing);
    let exit = loop {
        let term = match wait.next_term(&mut lease, &mut signals).await {
            Ok(term) => term,
            Err(exit) => break exit,
        };
        // Over before it could be used: nothing was started, and nothing is lost.
        let Ok(work) = term.begin_work() else {
            continue;
        };
        let told = Told {
            token: term.token().to_string(),
            holder: identity,
            election: asked.url.to_os_string(),
        };
        let mut leader = crate::lead::Leader {
            manager: &manager,
            lease: &mut lease,
            term: &term,
            timing: &timing,
            signals: &mut signals,
        };
        match lead(&mut leader, &asked.command, &told).await {
            Led::Over(exit) => {
                drop(work);
                break exit;
            }
            Led::Stuck => {
                // It is not over, so nothing is released.
                std::mem::forget(work);
                return Exit::Lost;
            }
        }
    };
    leave(&manager, &mut signals).await;
    exit
}

/// Checks everything that can be checked before anything is done.
fn start(asked: &flags::Run) -> Result<(Manager, Timing, String), Exit> {
    let refuse = |exit| {
        move |error: Error| {
            say(&error);
            exit
        }
    };
    let identity = match &asked.id {
        Some(identity) => identity.clone(),
        None => own_identity()?,
    };
    let config = asked.config(&identity);
    let timing = config.timing().map_err(refuse(Exit::Usage))?;
    asked.url.check().map_err(refuse(Exit::Misconfigured))?;
    let manager = asked.url.manager(config).map_err(|error| {
        say(&error);
        match error.kind() {
            // What is left to refuse is the identity, or the address.
            ErrorKind::Invalid => Exit::Usage,
            ErrorKind::Unavailable
            | ErrorKind::Denied
            | ErrorKind::Foreign
            | ErrorKind::Stopped
            | _ => Exit::Unavailable,
        }
    })?;
    let url = &asked.url;
    explain(format_args!("{identity} is a candidate of {url}"));
    explain(timing.summary());
    Ok((manager, timing, identity))
}

/// Who we are if nobody said: host, process and some randomness.
fn own_identity() -> Result<String, Exit> {
    let mut random = [0; 4];
    getrandom::fill(&mut random).map_err(|error| {
        say(format_args!("the system gives no randomness: {error}"));
        Exit::Unavailable
    })?;
    let host = rustix::system::uname();
    let host = plain(&host.nodename().to_string_lossy());
    let process = std::process::id();
    let random = u32::from_le_bytes(random);
    Ok(format!("{host}-{process}-{random:08x}"))
}

/// Releases the lease if it is ours, and ends the election.
async fn leave(manager: &Manager, signals: &mut Signals) {
    let hint = async {
        sleep_until(Instant::now().plus(SOON)).await;
        say("waiting for the store, so that nothing stays held; another signal leaves at once");
        std::future::pending::<()>().await;
    };
    tokio::select! {
        biased;
        stopped = manager.stop() => match stopped {
            Ok(()) => explain("nothing is held any more: others may lead"),
            Err(error) => say(format_args!("not released: {error}")),
        },
        signal = signals.end() => {
            let signal = name(signal);
            say(format_args!("{signal}: leaving at once; what was held runs out by itself"));
        }
        () = hint => {}
    }
}
