//! A starter that waits for the word: what takes time before a command can run is done before it is its turn.

use crate::command;
use crate::job::Job;
use crate::messages::{self, Order};
use crate::shared::Shared;
use crate::starter;
use rustix::process::{Pid, Signal, kill_process};
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::process::{Child, Stdio};

/// A process that becomes the command when it is told to.
#[derive(Debug)]
pub(super) struct Ready {
    child: Child,
    socket: UnixStream,
}

impl Ready {
    /// Starts it. From the main thread: its life is bound to that.
    pub(super) fn spawn(job: &Job, stdout: BorrowedFd<'_>) -> io::Result<Self> {
        let (near, far) = UnixStream::pair()?;
        let mut starter = starter::command(job);
        command::tell(&mut starter, job);
        starter
            .stdin(OwnedFd::from(far))
            .stdout(Stdio::from(stdout.try_clone_to_owned()?));
        Ok(Self {
            child: starter.spawn()?,
            socket: near,
        })
    }

    /// Whether it is still there: anybody may have killed it meanwhile.
    pub(super) fn lives(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Lets it become the command, under this token. Gives the command's process.
    pub(super) fn go(
        self,
        token: u64,
        shared: &Shared,
        stdin: Option<&OwnedFd>,
    ) -> io::Result<Pid> {
        let mut descriptors = vec![shared.descriptor()];
        descriptors.extend(stdin.map(AsFd::as_fd));
        messages::send(self.socket.as_fd(), Order::Start(token), &descriptors)?;
        let process = Pid::from_child(&self.child);
        // It may have been stopped meanwhile.
        let _ = kill_process(process, Signal::CONT);
        Ok(process)
    }

    /// Ends it: there will be no command.
    pub(super) fn dismiss(mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
