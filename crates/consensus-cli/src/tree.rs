//! The command and all that descends from it: listed, signalled, reaped, and gone.
//!
//! Owns what *gone* means: that no descendant is left, not that one process was reaped. Whoever holds a
//! tree is a *subreaper*: what double-forks, or leaves by `setsid`, comes back to it as a child of its
//! own. So the kernel's word that there is no child is the proof.
//!
//! Owns as well that no stranger is ever signalled. A group's number is safe while its leader is our own
//! unreaped child: it is reaped last. A child's number is safe until we reap it, which only we do.

use crate::exit::Exit;
use rustix::io::Errno;
use rustix::process::{
    Pid, Signal, WaitId, WaitIdOptions, WaitIdStatus, WaitOptions, getpgid, getpid, kill_process,
    kill_process_group, waitid, waitpid,
};
use std::fs;

/// A command, and all that descends from it.
#[derive(Debug)]
pub(crate) struct Tree {
    /// The command itself. `None`: reaped, or never known.
    leader: Option<Pid>,
    /// A process group of ours whose members are no part of it.
    spared: Option<Pid>,
}

/// What a look at the command itself shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum News {
    None,
    /// It was stopped since the last look.
    Stopped,
    /// It has ended in this way.
    Ended(Exit),
}

impl Tree {
    /// The tree of a command that leads a group of its own and is our child.
    pub(crate) fn of(leader: Pid) -> Self {
        Self {
            leader: Some(leader),
            spared: None,
        }
    }

    /// The tree that was another's, and came to us at its death. All our children belong to it, but for
    /// those in our own group: they are helpers that we started ourselves.
    pub(crate) fn inherited(leader: Option<Pid>) -> Self {
        let is_ours = |leader: &Pid| look_at(*leader, WaitIdOptions::EXITED).is_ok();
        Self {
            leader: leader.filter(is_ours),
            spared: getpgid(None).ok(),
        }
    }

    /// Looks at the command itself, which stays unreaped, and reaps whatever else has ended.
    pub(crate) fn look(&mut self) -> News {
        for child in self.others() {
            // Stopped, running or gone: only the dead matter.
            let _ = waitpid(Some(child), WaitOptions::NOHANG);
        }
        let Some(leader) = self.leader else {
            return News::None;
        };
        if let Ok(Some(status)) = look_at(leader, WaitIdOptions::EXITED) {
            return News::Ended(how_it_ended(&status));
        }
        let stopped = waitid(
            WaitId::Pid(leader),
            WaitIdOptions::STOPPED | WaitIdOptions::NOHANG,
        );
        if let Ok(Some(_)) = stopped {
            return News::Stopped;
        }
        News::None
    }

    /// Whether nothing is left. Once that is so, the command itself is reaped as well.
    pub(crate) fn is_gone(&mut self) -> bool {
        self.look();
        if !self.others().is_empty() {
            return false;
        }
        if let Some(leader) = self.leader {
            match waitpid(Some(leader), WaitOptions::NOHANG) {
                Ok(None) | Err(Errno::INTR) => return false,
                Ok(Some(_)) | Err(_) => self.leader = None,
            }
        }
        match self.spared {
            None => {
                let any = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
                waitid(WaitId::All, any).is_err_and(|errno| errno == Errno::CHILD)
            }
            // The kernel cannot be asked about some children only.
            Some(_) => self.others().is_empty(),
        }
    }

    /// Signals the command's group.
    pub(crate) fn signal_group(&self, signal: Signal) -> Result<(), Errno> {
        let Some(leader) = self.leader else {
            return Ok(());
        };
        match kill_process_group(leader, signal) {
            Ok(()) | Err(Errno::SRCH) => Ok(()),
            Err(errno) => Err(errno),
        }
    }

    /// Signals the command's group, and then whatever else has come to us. What is below those comes
    /// to us when they end.
    pub(crate) fn signal_all(&self, signal: Signal) -> Result<(), Errno> {
        let mut outcome = self.signal_group(signal);
        for child in self.others() {
            match kill_process(child, signal) {
                Ok(()) | Err(Errno::SRCH) => {}
                Err(errno) => outcome = Err(errno),
            }
        }
        outcome
    }

    /// Our children, but for the command itself.
    fn others(&self) -> Vec<Pid> {
        let is_other = |child: &Pid| {
            let group = self.spared.and_then(|_| getpgid(Some(*child)).ok());
            Some(*child) != self.leader && (self.spared.is_none() || group != self.spared)
        };
        children().into_iter().filter(is_other).collect()
    }
}

/// Whether this process has children.
pub(crate) fn has_children() -> bool {
    let any = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
    waitid(WaitId::All, any).is_ok()
}

/// How a process ended.
pub(crate) fn how_it_ended(status: &WaitIdStatus) -> Exit {
    match (status.exit_status(), status.terminating_signal()) {
        (Some(code), _) => Exit::Command(u8::try_from(code).unwrap_or(u8::MAX)),
        (None, signal) => {
            Exit::Signal(u8::try_from(signal.unwrap_or_default()).unwrap_or_default())
        }
    }
}

fn look_at(child: Pid, what: WaitIdOptions) -> Result<Option<WaitIdStatus>, Errno> {
    waitid(
        WaitId::Pid(child),
        what | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT,
    )
}

/// The direct children of this process. One that comes or goes meanwhile may be missed: look again.
pub(crate) fn children() -> Vec<Pid> {
    let tasks = fs::read_dir("/proc/self/task").into_iter().flatten();
    let lists: Option<Vec<String>> = tasks
        .flatten()
        .map(|task| fs::read_to_string(task.path().join("children")).ok())
        .collect();
    match lists {
        Some(lists) if !lists.is_empty() => lists
            .iter()
            .flat_map(|list| list.split_ascii_whitespace())
            .filter_map(|number| Pid::from_raw(number.parse().ok()?))
            .collect(),
        // A kernel that was built without them, or a thread that ended meanwhile.
        Some(_) | None => children_by_parent(),
    }
}

fn children_by_parent() -> Vec<Pid> {
    let us = getpid().as_raw_pid();
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    processes
        .filter_map(|process| {
            let number = process.file_name().to_str()?.parse().ok()?;
            let stat = fs::read_to_string(process.path().join("stat")).ok()?;
            (parent_in(&stat)? == us).then(|| Pid::from_raw(number))?
        })
        .collect()
}

/// Reads `PID (NAME) STATE PPID …`, where the name may contain anything.
fn parent_in(stat: &str) -> Option<i32> {
    let (_, after_name) = stat.rsplit_once(')')?;
    after_name.split_ascii_whitespace().nth(1)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::{News, Tree, children, children_by_parent, parent_in};
    use crate::exit::Exit;
    use rustix::process::Pid;
    use std::os::unix::process::CommandExt;
    use std::process::Command;

    #[test]
    fn a_parent_is_read_whatever_the_name_is() {
        assert_eq!(parent_in("5 (a) Z 3 (b) S 77 5 5 0"), Some(77));
        assert_eq!(parent_in("5 (a"), None);
    }

    #[test]
    fn a_child_is_found_either_way_and_reaped_last() {
        let mut command = Command::new("sh");
        command.args(["-c", "exit 3"]).process_group(0);
        let child = Pid::from_child(&command.spawn().expect("a shell"));
        let mut tree = Tree::of(child);
        assert!(children_by_parent().contains(&child));
        while tree.look() == News::None {
            std::thread::yield_now();
        }
        assert_eq!(tree.look(), News::Ended(Exit::Command(3)));
        assert!(children().contains(&child), "it is unreaped");
        // Other tests may have children of their own.
        tree.is_gone();
    }
}
