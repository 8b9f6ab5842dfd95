//! The story of `consensus run`: hire a guard, wait for leadership, lead, release.
//!
//! Owns the order at the end: the lease is given up only after the command and all that descends from it
//! are gone, and the guard is let go after that. Read `wait.rs` next, then `lead.rs`.

use crate::command::Guarded;
use crate::exit::Exit;
use crate::flags;
use crate::job::{Job, JobTimes};
use crate::lead::{Leader, Led, lead};
use crate::lost;
use crate::masks;
use crate::say::{explain, plain, say};
use crate::shared::Shared;
use crate::signals::{Signals, name};
use crate::terminal;
use crate::times::{Instant, sleep_until};
use crate::url::Life;
use crate::wait::Wait;
use consensus::{Error, ErrorKind, Manager, Timing};
use rustix::process::Pid;
use std::sync::Arc;
use std::time::Duration;

/// A release that takes longer than this is spoken of.
const SOON: Duration = Duration::from_secs(1);

/// A candidate, before its election begins.
struct Candidate {
    manager: Manager,
    identity: String,
    timing: Timing,
    life: Life,
    signals: Signals,
    guarded: Guarded,
}

/// Runs a command while this process leads.
pub(crate) async fn run(asked: &flags::Run) -> Exit {
    let mut candidate = match start(asked) {
        Ok(candidate) => candidate,
        Err(exit) => return exit,
    };
    let mut lease = candidate.manager.start();
    let mut wait = Wait::new(asked, &candidate.timing);
    let led = loop {
        let term = match wait.next_term(&mut lease, &mut candidate.signals).await {
            Ok(term) => term,
            Err(exit) => break Led::Over(exit),
        };
        // Over before it could be used: nothing was started, and nothing is lost.
        let Ok(work) = term.begin_work() else {
            continue;
        };
        let mut leader = Leader {
            manager: &candidate.manager,
            lease: &mut lease,
            term: &term,
            timing: &candidate.timing,
            signals: &mut candidate.signals,
            guarded: &mut candidate.guarded,
        };
        let led = lead(&mut leader, &asked.command, &candidate.life).await;
        if led == Led::Stuck {
            // It is not over, so nothing is released.
            std::mem::forget(work);
            return Exit::Lost;
        }
        // Before the work counts as over: no term is to begin that nothing would be done in.
        candidate.manager.begin_stop();
        drop(work);
        break led;
    };
    match leave(&candidate.manager, &mut candidate.signals).await {
        Left::InOrder => candidate.guarded.dismiss().await,
        // The guard hears of our end, and releases in our place.
        Left::AtOnce => {}
    }
    match led {
        Led::Over(exit) => exit,
        Led::Taken => {
            lost::say_what_is_there(&asked.url, &candidate.identity).await;
            Exit::Lost
        }
        Led::Stuck => Exit::Lost,
    }
}

/// Checks everything that can be checked before anything is done, and hires the guard.
fn start(asked: &flags::Run) -> Result<Candidate, Exit> {
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
    let cannot = |what: &'static str| {
        move |error: std::io::Error| {
            say(format_args!("cannot {what}: {error}"));
            Exit::Unavailable
        }
    };
    let shared = Arc::new(Shared::new().map_err(cannot("share memory with a guard"))?);
    let heir = heir_to(Arc::clone(&shared));
    let (manager, life) = asked.url.manager(config, heir).map_err(|error| {
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
    let signals = Signals::handle().map_err(cannot("handle signals"))?;
    let job = job(asked, identity.clone(), &timing);
    let hired = Guarded::hire(shared, &job);
    let guarded = hired.map_err(cannot("start the guard, which needs /proc and pidfd_open"))?;
    Ok(Candidate {
        manager,
        identity,
        timing,
        life,
        signals,
        guarded,
    })
}

/// Keeps in the shared memory what this process may hold, in case it dies.
fn heir_to(shared: Arc<Shared>) -> impl FnMut(consensus::store::Claim) + Send + 'static {
    let mut last = None;
    move |claim| {
        if last.as_ref() == Some(&claim) {
            return;
        }
        if let Err(error) = shared.set_claim(&claim) {
            // If we die, others wait for the lease.
            explain(format_args!(
                "cannot tell the guard what it is heir to: {error}"
            ));
        }
        last = Some(claim);
    }
}

/// What the guard is there for.
fn job(asked: &flags::Run, holder: String, timing: &Timing) -> Job {
    Job {
        election: asked.url.to_os_string(),
        holder,
        command: asked.command.clone(),
        times: JobTimes {
            grace: timing.stop_grace,
            lease: timing.lease_duration,
            request: timing.request_timeout,
        },
        loudness: asked.loudness(),
        privileges: asked.privileges(),
        blocked: masks::before_us(),
        group: terminal::our_group().map_or(0, Pid::as_raw_pid),
    }
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

/// How an election was left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Left {
    InOrder,
    /// Without having waited for the release.
    AtOnce,
}

/// Releases the lease if it is ours, and ends the election.
async fn leave(manager: &Manager, signals: &mut Signals) -> Left {
    let another = async {
        // Whoever signals all processes does so twice where an init passes it on. That is one wish, and
        // would cost the release.
        let soon = Instant::now().plus(SOON);
        loop {
            tokio::select! {
                biased;
                () = sleep_until(soon) => break,
                _ = signals.end() => {}
            }
        }
        say("waiting for the store, so that nothing stays held; a signal leaves at once");
        signals.end().await
    };
    tokio::select! {
        biased;
        stopped = manager.stop() => {
            match stopped {
                Ok(()) => explain("nothing is held any more: others may lead"),
                Err(error) => say(error),
            }
            Left::InOrder
        }
        signal = another => {
            let signal = name(signal);
            say(format_args!("{signal}: leaving at once; the guard goes on trying to release"));
            Left::AtOnce
        }
    }
}
