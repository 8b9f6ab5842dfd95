//! The command, as `consensus` sees it: through the guard, which starts and ends it.
//!
//! Owns what happens if the guard itself is no help: it died, or it is stopped while the work should be
//! over. Then `consensus` ends the guard, inherits its tree (both are subreapers), and ends that.

use crate::job::Job;
use crate::masks;
use crate::messages::{LENGTH, Order, Report, send};
use crate::say::say;
use crate::shared::{Shared, Times};
use crate::stages::Stage;
use crate::times::{Instant, sleep_until};
use crate::tree::Tree;
use consensus::Token;
use rustix::io::fcntl_dupfd_cloexec;
use rustix::process::{
    Pid, PidfdFlags, Signal, getpid, kill_process, pidfd_open, set_child_subreaper,
};
use std::ffi::OsStr;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::UnixStream;

/// What variables that begin so say is for `consensus`, not for the command.
const OURS: &[u8] = b"CONSENSUS_";

/// The number of our end of the sockets is this at least. When a process dies the kernel closes the highest
/// numbers first. A file watch takes some milliseconds to be closed, the guard should not wait for that.
const HIGH: i32 = 200;

/// How long the end of a guard that was let go is waited for, and how often is looked.
const PATIENCE: Duration = Duration::from_secs(1);
const LOOK: Duration = Duration::from_micros(200);

/// A guard, and the command that it was told to start.
#[derive(Debug)]
pub(crate) struct Guarded {
    guard: Child,
    socket: UnixStream,
    shared: Arc<Shared>,
    command: Option<Pid>,
    parent: Parent,
}

/// Who ends the command.
#[derive(Debug)]
enum Parent {
    Guard,
    /// The guard was killed, and may not be dead yet.
    Nobody,
    /// We do, and this is what is left.
    Us(Tree),
}

/// What became of the command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Heard {
    Report(Report),
    /// The guard can tell no more.
    GuardDied,
}

impl Guarded {
    /// Hires a guard, which is there from now on, and waits for the word to start. In a runtime's
    /// context, from the main thread: a child's parent is a thread.
    pub(crate) fn hire(shared: Arc<Shared>, job: &Job) -> io::Result<Self> {
        shared.set_job(&job.to_bytes())?;
        set_child_subreaper(Some(getpid()))?;
        // Without it the guard could not begin. Better to know before anything is held.
        drop(pidfd_open(getpid(), PidfdFlags::empty())?);
        let (guard, socket) = spawn(&shared)?;
        Ok(Self {
            guard,
            socket,
            shared,
            command: None,
            parent: Parent::Guard,
        })
    }

    /// Whether the guard is still there.
    fn lives(&mut self) -> bool {
        matches!(self.guard.try_wait(), Ok(None))
    }

    /// Starts the command. The guard keeps the proof of life for as long as anything of it is left.
    pub(crate) fn start(&mut self, token: Token, life: &[OwnedFd]) -> io::Result<()> {
        if !self.lives() {
            // It was ended while we waited for our turn.
            (self.guard, self.socket) = spawn(&self.shared)?;
        }
        let life: Vec<BorrowedFd<'_>> = life.iter().map(AsFd::as_fd).collect();
        send(self.socket.as_fd(), Order::Start(token.get()), &life)?;
        self.wake();
        Ok(())
    }

    /// Says when the work ends, from now on.
    pub(crate) fn set_times(&self, times: Times) {
        if let Err(error) = self.shared.set_times(times) {
            // What holds is the earlier time: nothing goes on for too long.
            say(format_args!("cannot tell the guard of a renewal: {error}"));
        }
    }

    /// Has the guard do something now.
    pub(crate) fn order(&mut self, order: Order) {
        if let Parent::Guard = self.parent {
            // If it is dead, that is heard.
            let _ = send(self.socket.as_fd(), order, &[]);
            self.wake();
        }
    }

    /// The command's process, and so its group.
    pub(crate) fn command(&self) -> Option<Pid> {
        self.command
    }

    /// Somebody may have stopped it.
    fn wake(&self) {
        let _ = kill_process(Pid::from_child(&self.guard), Signal::CONT);
    }

    /// What the guard has to tell next. Cancel safe.
    pub(crate) async fn hear(&mut self) -> Heard {
        if !matches!(self.parent, Parent::Guard) {
            return std::future::pending().await;
        }
        loop {
            let mut bytes = [0; LENGTH];
            if self.socket.readable().await.is_err() {
                return Heard::GuardDied;
            }
            // Each was written at once, and is read at once.
            match self.socket.try_read(&mut bytes) {
                Ok(LENGTH) => {
                    let Some(report) = Report::from_bytes(&bytes) else {
                        return Heard::GuardDied;
                    };
                    if let Report::Started(command) = report {
                        self.command = Some(command);
                    }
                    return Heard::Report(report);
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Ok(_) | Err(_) => return Heard::GuardDied,
            }
        }
    }

    /// Takes the guard's place: what is left of the command is ours to end from here on.
    pub(crate) fn take_over(&mut self) {
        let _ = self.guard.kill();
        self.parent = Parent::Nobody;
        // It may have said whom it started, and we not have heard.
        let mut bytes = [0; LENGTH];
        while let Ok(LENGTH) = self.socket.try_read(&mut bytes) {
            if let Some(Report::Started(command)) = Report::from_bytes(&bytes) {
                self.command = Some(command);
            }
        }
    }

    /// Kills what is left of a command that is ours to end. Says whether nothing is.
    pub(crate) fn kill(&mut self) -> bool {
        if let Parent::Nobody = self.parent
            && !self.lives()
        {
            self.parent = Parent::Us(Tree::inherited(self.command));
        }
        let Parent::Us(tree) = &mut self.parent else {
            return false;
        };
        if tree.is_gone() {
            return true;
        }
        // What cannot be killed is reported when the time is over.
        let _ = tree.signal_all(&[Signal::KILL]);
        tree.is_gone()
    }

    /// Lets the guard go, which has nothing left to do.
    pub(crate) async fn dismiss(mut self) {
        self.order(Order::Leave);
        let patience = Instant::now().plus(PATIENCE);
        while self.lives() && Instant::now() < patience {
            sleep_until(Instant::now().plus(LOOK)).await;
        }
    }
}

/// Starts a guard, and hands it the memory and stdin.
fn spawn(shared: &Shared) -> io::Result<(Child, UnixStream)> {
    let (near, far) = std::os::unix::net::UnixStream::pair()?;
    near.set_nonblocking(true)?;
    // Where there are no such numbers, the guard hears of our death a little later.
    let near = fcntl_dupfd_cloexec(&near, HIGH).map_or(near, Into::into);
    let mut command = Stage::Guard.command();
    command.stdin(OwnedFd::from(far)).process_group(0);
    let guard = masks::while_blocked(|| command.spawn())?;
    send(
        near.as_fd(),
        Order::Hire,
        &[shared.descriptor(), io::stdin().as_fd()],
    )?;
    Ok((guard, UnixStream::from_std(near)?))
}

/// Tells a command what it is to know, and nothing else of ours.
pub(crate) fn tell(command: &mut Command, token: u64, job: &Job) {
    for (variable, _) in std::env::vars_os() {
        if is_ours(&variable) {
            command.env_remove(variable);
        }
    }
    command
        .env("CONSENSUS_TOKEN", token.to_string())
        .env("CONSENSUS_HOLDER", &job.holder)
        .env("CONSENSUS_ELECTION", &job.election);
}

fn is_ours(variable: &OsStr) -> bool {
    variable.as_bytes().starts_with(OURS)
}
