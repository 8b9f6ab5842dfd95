//! How a guard begins: it learns who its parent is, and waits to be hired.

use crate::messages::{self, Order};
use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;
use rustix::net::sockopt::socket_peercred;
use rustix::process::{PidfdFlags, getppid, pidfd_open};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;

/// Something that becomes readable when our parent dies. `None`: it is dead. Who that is says the socket that
/// it made: had it died before this, our parent would be another by now.
pub(super) fn living_parent(socket: &UnixStream) -> io::Result<Option<OwnedFd>> {
    let parent = socket_peercred(socket)?.pid;
    let handle = match pidfd_open(parent, PidfdFlags::empty()) {
        Ok(handle) => handle,
        Err(Errno::SRCH) => return Ok(None),
        Err(errno) => return Err(errno.into()),
    };
    // Had it died before that, the number could be a stranger's by now.
    Ok((getppid() == Some(parent)).then_some(handle))
}

/// What comes with the order. `None`: nobody hires any more.
pub(super) fn wait_to_be_hired(socket: &UnixStream) -> io::Result<Option<Vec<OwnedFd>>> {
    loop {
        match messages::receive(socket) {
            Ok(Some((Order::Hire, descriptors))) => return Ok(Some(descriptors)),
            Ok(Some(_)) => {}
            Ok(None) => return Ok(None),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                let mut readable = [PollFd::new(socket, PollFlags::IN)];
                let _ = poll(&mut readable, None);
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}
