//! The command and all that descends from it: listed, signalled, reaped, and gone.
//!
//! Owns what *gone* means: that no descendant is left, not that one process was reaped. Whoever holds a
//! tree is a *subreaper*: what double-forks, or leaves by `setsid`, comes back to it as a child of its
//! own. So the kernel's word that there is no child is the proof.
//!
//! Owns as well that no stranger is ever signalled. A group's number is safe while its leader is our own
//! unreaped child: it is reaped last. A child's number is safe until we reap it, which only we do.

use crate::exit::Exit;
use nix::unistd;
use rustix::io::Errno;
use rustix::process::{
    Pid, Signal, WaitId, WaitIdOptions, WaitIdStatus, WaitOptions, getpid, kill_process,
    kill_process_group, waitid, waitpid,
};
use std::fs;
use std::io;

/// A command, and all that descends from it.
#[derive(Debug)]
pub(crate) struct Tree {
    /// The command itself. `None`: reaped, or never known.
    leader: Option<Pid>,
    /// Those outside the command's group who have been told to end.
    told: Vec<Pid>,
}

/// What a look at the command itself shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum News {
    None,
    /// It was stopped since the last look, by this signal.
    Stopped(i32),
    /// It has ended in this way.
    Ended(Exit),
}

impl Tree {
    /// The tree of a command that leads a group of its own and is our child.
    pub(crate) fn of(leader: Pid) -> Self {
        Self {
            leader: Some(leader),
            told: Vec::new(),
        }
    }

    /// The tree that was another's, and came to us at its death: all our children. A helper of ours that
    /// happens to run just then is ended with it, and its caller tries again. No group is spared, since
    /// anybody may join it.
    pub(crate) fn inherited(leader: Option<Pid>) -> Self {
        let is_ours = |leader: &Pid| look_at(*leader, WaitIdOptions::EXITED).is_ok();
        Self {
            leader: leader.filter(is_ours),
            told: Vec::new(),
        }
    }

    /// Looks at the command itself, which stays unreaped, and reaps whatever else has ended.
    pub(crate) fn look(&mut self) -> News {
        if let Ok(others) = self.others() {
            self.reap(others);
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
        if let Ok(Some(status)) = stopped {
            return News::Stopped(status.stopping_signal().unwrap_or_default());
        }
        News::None
    }

    /// Whether nothing is left. Once that is so, the command itself is reaped as well.
    pub(crate) fn is_gone(&mut self) -> bool {
        // Who cannot be listed counts as left.
        let Ok(others) = self.others() else {
            return false;
        };
        let none_is_left = others.is_empty()
            // What was below those that are reaped has come to us.
            || (self.reap(others) && self.others().is_ok_and(|others| others.is_empty()));
        if !none_is_left {
            return false;
        }
        if let Some(leader) = self.leader {
            match waitpid(Some(leader), WaitOptions::NOHANG) {
                Ok(None) | Err(Errno::INTR) => return false,
                Ok(Some(_)) | Err(_) => self.leader = None,
            }
        }
        !has_children()
    }

    /// Signals the command's group, and the command itself if it has left that.
    pub(crate) fn signal_group(&self, signal: Signal) -> Result<(), Errno> {
        let Some(leader) = self.leader else {
            return Ok(());
        };
        let group = or_gone(kill_process_group(leader, signal));
        if is_in_group(leader, leader) {
            return group;
        }
        group.and(or_gone(kill_process(leader, signal)))
    }

    /// Sends these signals, in this order, to the command's group, and then to whatever else has come to us.
    /// What is below those comes to us when they end.
    pub(crate) fn signal_all(&self, signals: &[Signal]) -> Result<(), Errno> {
        let mut outcome = Ok(());
        for signal in signals {
            outcome = outcome.and(self.signal_group(*signal));
        }
        for child in self.others().map_err(|_| Errno::NFILE)? {
            outcome = outcome.and(signal_one(child, signals));
        }
        outcome
    }

    /// Tells all to end by this signal. What is stopped goes on, or it could not do so.
    pub(crate) fn tell_all(&mut self, signal: Signal) -> Result<(), Errno> {
        self.told = self.others().unwrap_or_default();
        self.signal_all(&[signal, Signal::CONT])
    }

    /// The same, by SIGTERM, for who was below others then, and has come to us since. The command's group
    /// was told as a whole.
    pub(crate) fn tell_late(&mut self) -> Result<(), Errno> {
        let mut outcome = Ok(());
        for child in self.others().map_err(|_| Errno::NFILE)? {
            let in_group = self.leader.is_some_and(|leader| is_in_group(child, leader));
            if !in_group && !self.told.contains(&child) {
                self.told.push(child);
                outcome = outcome.and(signal_one(child, &[Signal::TERM, Signal::CONT]));
            }
        }
        outcome
    }

    /// Our children, but for the command itself.
    fn others(&self) -> io::Result<Vec<Pid>> {
        let mut children = children()?;
        children.retain(|child| Some(*child) != self.leader);
        Ok(children)
    }

    /// Reaps those of these children that have ended. Says whether all had.
    fn reap(&mut self, children: Vec<Pid>) -> bool {
        let mut all = true;
        for child in children {
            // Stopped, running or gone: only the dead matter.
            match waitpid(Some(child), WaitOptions::NOHANG) {
                Ok(None) | Err(Errno::INTR) => all = false,
                Ok(Some(_)) | Err(_) => self.told.retain(|told| *told != child),
            }
        }
        all
    }
}

fn signal_one(child: Pid, signals: &[Signal]) -> Result<(), Errno> {
    let mut signals = signals.iter();
    signals.try_for_each(|signal| or_gone(kill_process(child, *signal)))
}

/// A process that is gone needs no signal any more.
fn or_gone(sent: Result<(), Errno>) -> Result<(), Errno> {
    match sent {
        Ok(()) | Err(Errno::SRCH) => Ok(()),
        Err(errno) => Err(errno),
    }
}

/// Whether this process is in the group that is led by that one. (A group outside our pid namespace has no
/// number here, which is a 0 that not every library takes.)
fn is_in_group(process: Pid, leader: Pid) -> bool {
    let process = unistd::Pid::from_raw(process.as_raw_pid());
    let group = unistd::getpgid(Some(process));
    group.is_ok_and(|group| group.as_raw() == leader.as_raw_pid())
}

/// Whether this process has children. The kernel's own word.
pub(crate) fn has_children() -> bool {
    let any = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
    !waitid(WaitId::All, any).is_err_and(|errno| errno == Errno::CHILD)
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
///
/// # Errors
/// If they cannot be listed, which does not mean that there are none.
pub(crate) fn children() -> io::Result<Vec<Pid>> {
    let mut children = Vec::new();
    for task in fs::read_dir("/proc/self/task")? {
        let list = match fs::read_to_string(task?.path().join("children")) {
            Ok(list) => list,
            // A thread that has just ended, or a kernel that was built without them.
            Err(error) if error.kind() == io::ErrorKind::NotFound => return children_by_parent(),
            Err(error) => return Err(error),
        };
        let numbers = list.split_ascii_whitespace();
        children.extend(numbers.filter_map(|number| Pid::from_raw(number.parse().ok()?)));
    }
    Ok(children)
}

fn children_by_parent() -> io::Result<Vec<Pid>> {
    let us = getpid().as_raw_pid();
    let mut children = Vec::new();
    for process in fs::read_dir("/proc")? {
        let process = process?;
        let number = process
            .file_name()
            .to_str()
            .and_then(|name| name.parse().ok());
        let Some(process_id) = number.and_then(Pid::from_raw) else {
            continue;
        };
        match fs::read_to_string(process.path().join("stat")) {
            Ok(stat) if parent_in(&stat) == Some(us) => children.push(process_id),
            // It has just ended, or is none of our business.
            Ok(_) => {}
            Err(error) if error.raw_os_error() == Some(Errno::SRCH.raw_os_error()) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    Ok(children)
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
        assert!(children_by_parent().expect("listed").contains(&child));
        while tree.look() == News::None {
            std::thread::yield_now();
        }
        assert_eq!(tree.look(), News::Ended(Exit::Command(3)));
        assert!(
            children().expect("listed").contains(&child),
            "it is unreaped"
        );
        // Other tests may have children of their own.
        tree.is_gone();
    }
}
