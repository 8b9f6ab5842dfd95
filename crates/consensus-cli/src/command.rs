//! The command: started in a process group of its own, told what it is to know, and reaped.
//!
//! This is the guard's place. Today this process is the command's parent, which leaves three things
//! open, all of them the guard's to close:
//!
//! * If `consensus` is killed by SIGKILL or stopped, nobody ends the command. (`PR_SET_PDEATHSIG` is set
//!   from within the child, between fork and exec, which is not safe Rust: it needs an exec stage.) That
//!   is why the record says that the work may outlive the process, and others wait for the lease.
//! * What leaves the group by `setsid` is not seen (`group.rs`). The guard will be its subreaper.
//! * The terminal is not handed over: a command that reads it stops.

use crate::exit::Exit;
use crate::group::Group;
use crate::say::say;
use rustix::io::Errno;
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, waitid};
use std::ffi::{OsStr, OsString};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, Command, ExitStatus};

/// What variables that begin so say is for `consensus`, not for the command.
const OURS: &[u8] = b"CONSENSUS_";

/// What the command is told.
#[derive(Clone, Debug)]
pub(crate) struct Told {
    pub(crate) token: String,
    pub(crate) holder: String,
    pub(crate) election: OsString,
}

/// A command that was started.
#[derive(Debug)]
pub(crate) struct Started {
    leader: Child,
    group: Group,
    life: Life,
}

/// How much of a command is left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Life {
    /// The command itself runs.
    Runs,
    /// It ended in this way, and something of its group is left.
    LeftSomething(Exit),
    /// It ended in this way, and nothing is left.
    Gone(Exit),
}

/// Starts a command. On failure, says why, and gives how to end.
pub(crate) fn start(line: &[OsString], told: &Told) -> Result<Started, Exit> {
    let (name, arguments) = line.split_first().ok_or(Exit::Usage)?;
    let mut command = Command::new(name);
    command.args(arguments).process_group(0);
    for (variable, _) in std::env::vars_os() {
        if is_ours(&variable) {
            command.env_remove(variable);
        }
    }
    command
        .env("CONSENSUS_TOKEN", &told.token)
        .env("CONSENSUS_HOLDER", &told.holder)
        .env("CONSENSUS_ELECTION", &told.election);
    match command.spawn() {
        Ok(leader) => Ok(Started {
            group: Group::led_by(Pid::from_child(&leader)),
            leader,
            life: Life::Runs,
        }),
        Err(error) => {
            let name = name.display();
            if error.kind() == io::ErrorKind::NotFound {
                say(format_args!(
                    "cannot run {name}: it, or the interpreter that it names, is not there"
                ));
                return Err(Exit::NotFound);
            }
            say(format_args!("cannot run {name}: {error}"));
            Err(Exit::NotExecutable)
        }
    }
}

fn is_ours(variable: &OsStr) -> bool {
    variable.as_bytes().starts_with(OURS)
}

impl Started {
    /// Signals all of the group. What is stopped goes on, or it could not act on the signal.
    pub(crate) fn end(&self, signal: Signal) {
        self.signal(signal);
        self.signal(Signal::CONT);
    }

    /// Signals all of the group.
    pub(crate) fn signal(&self, signal: Signal) {
        match self.life {
            // The group's number is its leader's, and nobody else's as long as that is unreaped or
            // the group has a member.
            Life::Runs | Life::LeftSomething(_) => {}
            Life::Gone(_) => return,
        }
        if let Err(error) = self.group.signal(signal) {
            let name = crate::signals::name(signal);
            say(format_args!("cannot send {name} to the command: {error}"));
        }
    }

    /// How much is left now.
    ///
    /// When the command itself has ended, what is left of its group gets SIGTERM *before* the
    /// command is reaped: until then its number cannot be anybody else's.
    pub(crate) fn look(&mut self) -> Life {
        if self.life == Life::Runs && self.leader_has_ended() {
            self.end(Signal::TERM);
            self.life = Life::LeftSomething(how_it_ended(self.leader.wait()));
        }
        if let Life::LeftSomething(exit) = self.life
            && self.group.is_gone()
        {
            self.life = Life::Gone(exit);
        }
        self.life
    }

    /// Whether the command itself has ended. It stays unreaped.
    fn leader_has_ended(&self) -> bool {
        let look_only = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        match waitid(WaitId::Pid(Pid::from_child(&self.leader)), look_only) {
            Ok(ended) => ended.is_some(),
            Err(Errno::INTR) => false,
            // It is our child: this cannot be. Waiting for it will say what is wrong.
            Err(_) => true,
        }
    }
}

/// A panic of ours must not leave the command running.
impl Drop for Started {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.signal(Signal::KILL);
        }
    }
}

fn how_it_ended(status: io::Result<ExitStatus>) -> Exit {
    match status {
        Ok(status) => match (status.code(), status.signal()) {
            (Some(code), _) => Exit::Command(u8::try_from(code).unwrap_or(u8::MAX)),
            (None, signal) => {
                Exit::Signal(u8::try_from(signal.unwrap_or_default()).unwrap_or_default())
            }
        },
        Err(error) => {
            say(format_args!(
                "cannot learn how the command ended, which counts as a failure: {error}"
            ));
            Exit::Command(1)
        }
    }
}
