//! The small init: where `consensus` is the first process of a container, or was started with children of
//! its own, it runs below this, which reaps whatever comes, passes signals on, and stays until all is over.
//!
//! Owns that `consensus` never meets children that are not its own, and that the guard can finish its work
//! although `consensus` was killed: the end of a container's first process ends everything in it. Elsewhere
//! the init's own end is that of `consensus`, which nobody could tell from it.

use crate::exit::Exit;
use crate::masks::{self, Came};
use crate::say::say;
use crate::{stages, tree};
use nix::sys::signalfd::SignalFd;
use rustix::process::{
    Pid, Signal, WaitId, WaitIdOptions, WaitOptions, getpid, getppid, kill_process,
    set_child_subreaper, set_parent_process_death_signal, wait, waitid,
};
use std::collections::HashSet;
use std::io;
use std::os::unix::fs::MetadataExt;
use tokio::runtime::Builder;
use tokio::signal::unix::{SignalKind, signal};

/// Tells the program below that it is below: the signals that were blocked before, and whom it is below.
const BELOW: &str = "CONSENSUS_BELOW_INIT";

/// Whether one has to be put above this process.
pub(crate) fn is_needed() -> bool {
    !is_above() && (getpid().as_raw_pid() == 1 || tree::has_children())
}

/// Whether there is one above this process.
pub(crate) fn is_above() -> bool {
    std::env::var_os(BELOW).is_some()
}

/// The signals that were blocked before the init, for whoever is below one.
pub(crate) fn blocked_above() -> Option<u64> {
    let below = std::env::var(BELOW).ok()?;
    below.split(' ').next()?.parse().ok()
}

/// Binds this process to the init above it, if there is one. Whoever kills that means all of us.
pub(crate) fn bind() -> io::Result<()> {
    let Ok(below) = std::env::var(BELOW) else {
        return Ok(());
    };
    set_parent_process_death_signal(Some(Signal::KILL))?;
    // It may have died before that.
    let parent = getppid().map_or(0, Pid::as_raw_pid).to_string();
    if below.split(' ').nth(1) == Some(&parent) {
        return Ok(());
    }
    Err(io::Error::other("the init above has died"))
}

/// Runs the program below this process. Returns how that ended, once its guard has finished as well.
pub(crate) fn run() -> Exit {
    let before: HashSet<Pid> = tree::children().unwrap_or_default().into_iter().collect();
    let (program, signals) = match start() {
        Ok(started) => started,
        Err(error) => {
            say(format_args!("cannot start below an init: {error}"));
            return Exit::Unavailable;
        }
    };
    let mut ended = None;
    loop {
        match masks::next(&signals) {
            Ok(Some(Came::FromProcess(signal))) if ended.is_none() => {
                let _ = kill_process(program, signal);
            }
            // What the terminal sends, it sends to the program as well.
            Ok(Some(Came::FromProcess(_) | Came::FromTerminal | Came::Child) | None) | Err(_) => {}
        }
        reap(program, &mut ended);
        if let (Some(ended), Ok(left)) = (ended, tree::children())
            && !left
                .iter()
                .any(|child| !before.contains(child) && is_one_of_us(*child))
        {
            return ended;
        }
    }
}

fn start() -> io::Result<(Pid, SignalFd)> {
    set_child_subreaper(Some(getpid()))?;
    hear_of_children()?;
    masks::block_all();
    let signals = masks::of_all()?;
    let mut program = stages::again();
    let (blocked, init) = (masks::before_us(), getpid().as_raw_pid());
    program.env(BELOW, format!("{blocked} {init}"));
    Ok((Pid::from_child(&program.spawn()?), signals))
}

/// If whoever started us ignores the end of children, the kernel would not tell how they ended, nor when.
fn hear_of_children() -> io::Result<()> {
    let runtime = Builder::new_current_thread().enable_io().build()?;
    let _context = runtime.enter();
    // It is handled from here on, also when nobody listens.
    signal(SignalKind::child()).map(drop)
}

/// Whether this child is a guard that has not finished, or an heir. Whoever else was left to us is none of
/// our business: if we are the first process of a container, our end is theirs.
fn is_one_of_us(child: Pid) -> bool {
    let file = |process: &str| {
        let file = std::fs::metadata(format!("/proc/{process}/exe")).ok()?;
        Some((file.dev(), file.ino()))
    };
    let ours = file("self");
    ours.is_some() && ours == file(&child.as_raw_pid().to_string())
}

/// Reaps all that has ended.
fn reap(program: Pid, ended: &mut Option<Exit>) {
    if ended.is_none() {
        let look = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        if let Ok(Some(status)) = waitid(WaitId::Pid(program), look) {
            *ended = Some(tree::how_it_ended(&status));
        }
    }
    while let Ok(Some(_)) = wait(WaitOptions::NOHANG) {
        // Whoever it was: nobody else waits for it.
    }
}
