//! A process group: signalled as one, and gone when nothing in it lives.
//!
//! Owns what *gone* means today. The kernel counts the dead that nobody has reaped as members, and in a
//! container nobody may ever reap them, so `/proc` is asked as well. What left the group by `setsid` is
//! not seen: that is the guard's job (see `command.rs`).

use rustix::io::Errno;
use rustix::process::{Pid, Signal, kill_process_group, test_kill_process_group};
use std::fs;

/// A process group.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Group(Pid);

/// As much of a line of `/proc/PID/stat` as matters here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Process {
    group: i32,
    lives: bool,
}

impl Group {
    /// The group that this process leads.
    pub(crate) fn led_by(leader: Pid) -> Self {
        Self(leader)
    }

    /// Signals every member. An empty group is no error.
    pub(crate) fn signal(self, signal: Signal) -> Result<(), Errno> {
        match kill_process_group(self.0, signal) {
            Ok(()) | Err(Errno::SRCH) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Whether nothing in it lives.
    pub(crate) fn is_gone(self) -> bool {
        if self.is_empty() {
            return true;
        }
        if self.shows_life() {
            return false;
        }
        // Somebody may have forked behind our eyes, from where we had not looked to where we had.
        // After SIGKILL nobody does, and the second look is conclusive.
        self.signal(Signal::KILL).is_ok() && !self.shows_life()
    }

    fn is_empty(self) -> bool {
        test_kill_process_group(self.0) == Err(Errno::SRCH)
    }

    /// Whether `/proc` shows a living member. Where it does not show everybody, it counts as shown.
    fn shows_life(self) -> bool {
        if fs::metadata("/proc/1/stat").is_err() {
            return true;
        }
        let Ok(entries) = fs::read_dir("/proc") else {
            return true;
        };
        let group = self.0.as_raw_pid();
        entries.flatten().any(|entry| {
            let name = entry.file_name();
            let is_process = name.as_encoded_bytes().iter().all(u8::is_ascii_digit);
            let stat = is_process.then(|| fs::read_to_string(entry.path().join("stat")));
            // What is gone by now does not live.
            let process = stat.and_then(Result::ok).as_deref().and_then(read_stat);
            process.is_some_and(|process| process.group == group && process.lives)
        })
    }
}

/// Reads `PID (NAME) STATE PPID PGRP …`, where the name may contain anything.
fn read_stat(stat: &str) -> Option<Process> {
    let (_, after_name) = stat.rsplit_once(')')?;
    let mut fields = after_name.split_ascii_whitespace();
    let state = fields.next()?;
    let group = fields.nth(1)?.parse().ok()?;
    let threads: u64 = fields.nth(14)?.parse().ok()?;
    // A process whose main thread has ended looks dead while its other threads work.
    let lives = threads > 1 || !matches!(state, "Z" | "X");
    Some(Process { group, lives })
}

#[cfg(test)]
mod tests {
    use super::{Process, read_stat};

    #[test]
    fn a_process_is_read_whatever_its_name_is() {
        let rest = "1 77 77 0 -1 4194560 99 0 0 0 0 0 0 0 20 0";
        let read = |state: &str, threads| {
            let line = format!("5 (a) Z 3 (b) {state} {rest} {threads} 0 123");
            let process = read_stat(&line).expect("well formed");
            assert_eq!(process.group, 77);
            process.lives
        };
        assert!(read("S", 1));
        assert!(!read("Z", 1));
        assert!(read("Z", 2), "its other threads work");
        assert_eq!(read_stat("5 (a"), None);
    }

    #[test]
    fn this_very_process_is_read() {
        let stat = std::fs::read_to_string("/proc/self/stat").expect("Linux");
        let group = rustix::process::getpgrp().as_raw_pid();
        assert_eq!(read_stat(&stat), Some(Process { group, lives: true }));
    }
}
