//! The processes that compete: this very program, run again. They say when they begin to lead, by the
//! clock that all processes share; so it does not matter when that is read.

use crate::candidate;
use crate::failure::Failure;
use crate::locks;
use crate::program;
use crate::waiters;
use rustix::process::{Pid, Signal, kill_process};
use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::Sender;

/// What a process says, a line each on its standard output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Said {
    /// Its first instruction under its term: when that was, and the term's token.
    Leads { at: u64, token: u64 },
    /// It has seen that this one leads.
    Follows(String),
}

/// A competitor. Killed on drop.
#[derive(Debug)]
pub(crate) struct Process {
    pub(crate) name: String,
    kind: Kind,
    child: Child,
}

/// How a process competes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A program that uses the library, on the file store.
    Library,
    /// `consensus run` on the file store, with the same command as `flock(1)`.
    Program,
    /// `flock FILE COMMAND`: blocked in the kernel, then it becomes the command.
    FlockCommand,
    /// A program that is itself blocked in `flock(2)`: what the kernel alone takes.
    FlockCall,
}

impl Kind {
    /// Whether it is an election, with tokens that rise, or a lock of the kernel.
    pub(crate) fn is_election(self) -> bool {
        matches!(self, Self::Library | Self::Program)
    }
}

/// This program under one of its hidden names. `None`: it is not one of them.
pub(crate) fn hidden(args: &[String]) -> Option<Result<(), Failure>> {
    let (name, args) = args.split_first()?;
    match (name.as_str(), args) {
        (candidate::HIDDEN, [record, identity]) => Some(candidate::run(record, identity)),
        (waiters::HIDDEN_COMMAND, []) => {
            waiters::command();
            Some(Ok(()))
        }
        (waiters::HIDDEN_CALL, [file]) => Some(waiters::call(file)),
        (locks::HIDDEN, [what, calls]) => Some(locks::ask(what, calls)),
        _ => None,
    }
}

/// This program, to be run under a hidden name.
pub(crate) fn this_program() -> Result<Command, Failure> {
    let path =
        std::env::current_exe().map_err(|error| Failure::cannot("find this program", error))?;
    Ok(Command::new(path))
}

impl Process {
    /// Starts a competitor for the file at this path. What it says goes to `said`, with its name.
    pub(crate) fn start(
        kind: Kind,
        file: &Path,
        name: String,
        said: Sender<(String, Said)>,
    ) -> Result<Self, Failure> {
        let mut command = this_program()?;
        match kind {
            Kind::Library => command.arg(candidate::HIDDEN).arg(file).arg(&name),
            Kind::FlockCall => command.arg(waiters::HIDDEN_CALL).arg(file),
            Kind::FlockCommand => {
                let program = command.get_program().to_owned();
                command = Command::new("flock");
                // It becomes the command: one process, so that to kill it is to kill the holder.
                command.arg("--no-fork").arg(file).arg(program);
                command.arg(waiters::HIDDEN_COMMAND)
            }
            Kind::Program => {
                let work = command.get_program().to_owned();
                command = program::run(file, &name)?;
                command.stderr(Stdio::piped());
                command.arg(work).arg(waiters::HIDDEN_COMMAND)
            }
        };
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let spawned = command.spawn();
        let failed = |error| Failure::cannot(&format!("start {command:?}"), error);
        let mut child = spawned.map_err(failed)?;
        if let Some(output) = child.stdout.take() {
            hear(output, name.clone(), said.clone());
        }
        if let Some(output) = child.stderr.take() {
            hear(output, name.clone(), said);
        }
        Ok(Self { name, kind, child })
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// SIGKILL, as `kill -9` sends it.
    pub(crate) fn kill(&mut self) -> Result<(), Failure> {
        let killed = self.child.kill();
        killed.map_err(|error| Failure::cannot("kill a leader", error))
    }

    /// Asks it to stop, through a pipe; the program by SIGTERM, as whoever runs it would.
    pub(crate) fn ask_to_stop(&mut self) -> Result<(), Failure> {
        if self.kind == Kind::Program {
            let pid = i32::try_from(self.id()).ok().and_then(Pid::from_raw);
            let asked = pid.map(|pid| kill_process(pid, Signal::TERM));
            return asked
                .unwrap_or(Ok(()))
                .map_err(|error| Failure::cannot("ask a leader to stop", error));
        }
        let Some(pipe) = &mut self.child.stdin else {
            return Err(Failure::new("a process has no standard input"));
        };
        let asked = pipe.write_all(b"stop\n");
        asked.map_err(|error| Failure::cannot("ask a leader to stop", error))
    }

    /// Waits until it is gone.
    pub(crate) fn wait(mut self) -> Result<(), Failure> {
        let gone = self.child.wait().map(drop);
        gone.map_err(|error| Failure::cannot("wait for the end of a leader", error))
    }
}

/// Passes on what a process says, until it and all that it started are gone.
fn hear(output: impl Read + Send + 'static, name: String, said: Sender<(String, Said)>) {
    std::thread::spawn(move || {
        let lines = BufReader::new(output).lines().map_while(Result::ok);
        for said_now in lines.filter_map(|line| Said::parse(&line)) {
            // Nobody listens any more at the end of a figure.
            let _ = said.send((name.clone(), said_now));
        }
    });
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may be gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Said {
    pub(crate) fn say(&self) {
        match self {
            Self::Leads { at, token } => println!("leads {at} {token}"),
            Self::Follows(leader) => println!("follows {leader}"),
        }
    }

    fn parse(line: &str) -> Option<Self> {
        let words: Vec<&str> = line.split(' ').collect();
        match words.as_slice() {
            ["leads", at, token] => Some(Self::Leads {
                at: at.parse().ok()?,
                token: token.parse().ok()?,
            }),
            ["follows", leader] | ["consensus:", "waiting:", leader, "leads", ..] => {
                Some(Self::Follows((*leader).to_owned()))
            }
            _ => None,
        }
    }
}
