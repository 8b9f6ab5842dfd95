//! The small init: where `consensus` is the first process of a container, or was started with children of
//! its own, it runs below this, which reaps whatever comes, passes signals on, and stays until all is over.
//!
//! Owns that `consensus` never meets children that are not its own, and that the guard can finish its work
//! although `consensus` was killed: the end of a container's first process ends everything in it.

use crate::exit::Exit;
use crate::masks::{self, Came};
use crate::say::say;
use crate::{stages, tree};
use nix::sys::signalfd::SignalFd;
use rustix::process::{
    Pid, WaitId, WaitIdOptions, WaitOptions, getpid, kill_process, set_child_subreaper, wait,
    waitid,
};
use std::collections::HashSet;
use std::io;

/// Tells the program below that it is below; the signals that were blocked before.
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
    std::env::var(BELOW).ok()?.parse().ok()
}

/// Runs the program below this process. Returns how that ended, once nothing of it is left.
pub(crate) fn run() -> Exit {
    let before: HashSet<Pid> = tree::children().into_iter().collect();
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
        let left = tree::children();
        if let Some(ended) = ended
            && left.iter().all(|child| before.contains(child))
        {
            return ended;
        }
    }
}

fn start() -> io::Result<(Pid, SignalFd)> {
    set_child_subreaper(Some(getpid()))?;
    masks::block_all();
    let signals = masks::of_all()?;
    let mut program = stages::again();
    program.env(BELOW, masks::before_us().to_string());
    Ok((Pid::from_child(&program.spawn()?), signals))
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
