//! The processes of a candidate, all of them, and the signals that they get.
//!
//! Owns that nobody else is hit: a process is found by a mark in its environment, which all inherit, held by
//! a descriptor of the kernel's, and only then looked at again and signalled.

use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use std::fs;
use std::os::fd::OwnedFd;

/// The mark: the arena and the candidate's number.
pub const CANDIDATE: &str = "SOAK_CANDIDATE";
/// What a process of the work is.
pub const ROLE: &str = "SOAK_ROLE";

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    Consensus,
    Guard,
    Starter,
    Heir,
    Command,
    Child,
    Escaped,
}

impl Role {
    /// Whether it is one of the two that end the work.
    pub fn ends_work(self) -> bool {
        matches!(self, Self::Consensus | Self::Guard)
    }
}

/// A process, which keeps its number for as long as this lives.
#[derive(Debug)]
pub struct Process {
    pub pid: i32,
    pub candidate: u64,
    pub role: Role,
    handle: OwnedFd,
}

impl Process {
    /// The process of this number, if it is of this arena.
    pub fn open(pid: i32, arena: &str) -> Option<Self> {
        let handle = pidfd_open(Pid::from_raw(pid)?, PidfdFlags::empty()).ok()?;
        let (candidate, role) = look(pid, arena)?;
        Some(Self {
            pid,
            candidate,
            role,
            handle,
        })
    }

    /// Whether it could be sent: it is still there.
    pub fn gets(&self, signal: Signal) -> bool {
        pidfd_send_signal(&self.handle, signal).is_ok()
    }

    /// Those that came to be below it.
    pub fn children(&self) -> Vec<i32> {
        let path = format!("/proc/{0}/task/{0}/children", self.pid);
        let list = fs::read_to_string(path).unwrap_or_default();
        list.split(' ').filter_map(|pid| pid.parse().ok()).collect()
    }
}

/// All that live in this arena.
pub fn all(arena: &str) -> Vec<Process> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let numbers = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    numbers
        .filter(|pid| look(*pid, arena).is_some())
        .filter_map(|pid| Process::open(pid, arena))
        .collect()
}

fn look(pid: i32, arena: &str) -> Option<(u64, Role)> {
    let environment = fs::read(format!("/proc/{pid}/environ")).ok()?;
    let value = |name: &str| {
        let mut lines = environment.split(|byte| *byte == 0);
        let line = lines.find_map(|line| line.strip_prefix(name.as_bytes())?.strip_prefix(b"="))?;
        std::str::from_utf8(line).ok()
    };
    let (of, candidate) = value(CANDIDATE)?.rsplit_once('-')?;
    if of != arena {
        return None;
    }
    let role = match value(ROLE) {
        Some("escaped") => Role::Escaped,
        Some("child" | "leaver") => Role::Child,
        _ => role_of_ours(pid)?,
    };
    Some((candidate.parse().ok()?, role))
}

fn is_heir(pid: i32) -> bool {
    fs::read(format!("/proc/{pid}/comm")).is_ok_and(|name| name == b"leader-heir\n")
}

/// Those have the command's environment, and names of their own.
fn role_of_ours(pid: i32) -> Option<Role> {
    let words = fs::read(format!("/proc/{pid}/cmdline")).ok()?;
    let mut words = words.split(|byte| *byte == 0);
    Some(match words.next()? {
        // The one becomes the other.
        b"leader-guard" if is_heir(pid) => Role::Heir,
        b"leader-guard" => Role::Guard,
        b"leader-starter" => Role::Starter,
        program if program.ends_with(b"/consensus") => Role::Consensus,
        _ if words.any(|word| word == b"soak::soak_unguarded") => Role::Consensus,
        _ => Role::Command,
    })
}
