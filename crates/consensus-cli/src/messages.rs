//! What `consensus` and its guard tell each other, over a pair of sockets: orders one way, reports the
//! other. What must not be old when it is acted on is not here but in the memory that they share.

use crate::exit::Exit;
use rustix::event::{PollFd, PollFlags, poll};
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, recvmsg, sendmsg,
};
use rustix::process::{Pid, Signal};
use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

/// A message has two words.
pub(crate) const LENGTH: usize = 16;
/// No message comes with more descriptors.
const MOST_DESCRIPTORS: usize = 4;

/// What the guard is to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    /// Be there: the memory comes with it, and stdin.
    Hire,
    /// Start the command under this token. To the guard the proof of life comes with it, where there is one;
    /// to the starter, which the guard passes the word on to, the memory and stdin.
    Start(u64),
    /// Pass on a signal.
    PassOn(Signal),
    /// Pass on a signal that is to end the command. What is stopped goes on, or it could not act on it.
    End(Signal),
    /// Let the command go on after a pause. Is answered by [`Report::Resumed`].
    Resume,
    /// Look at the times.
    Look,
    /// End: nothing is left to do.
    Leave,
}

/// What the guard has to tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Report {
    /// There is a process that is to be the command.
    Started(Pid),
    /// There is none, for this reason.
    NotStarted(i32),
    /// The command was stopped, by this signal.
    Stopped(i32),
    /// The command was told to go on: what was reported of a stop before is old.
    Resumed,
    /// The command itself has ended in this way. What it left is being ended.
    Ended(Exit),
    /// What is left gets SIGKILL.
    Killing,
    /// A signal could not be sent, for this reason.
    CannotSignal(i32),
    /// Nothing is left.
    Gone,
}

impl Order {
    pub(crate) fn to_bytes(self) -> [u8; LENGTH] {
        let (kind, value) = match self {
            Self::Hire => (1, 0),
            Self::Start(token) => (2, token),
            Self::PassOn(signal) => (3, from_signal(signal)),
            Self::End(signal) => (4, from_signal(signal)),
            Self::Resume => (5, 0),
            Self::Look => (6, 0),
            Self::Leave => (7, 0),
        };
        pack(kind, value)
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (kind, value) = unpack(bytes)?;
        Some(match kind {
            1 => Self::Hire,
            2 => Self::Start(value),
            3 => Self::PassOn(to_signal(value)?),
            4 => Self::End(to_signal(value)?),
            5 => Self::Resume,
            6 => Self::Look,
            7 => Self::Leave,
            _ => return None,
        })
    }
}

impl Report {
    pub(crate) fn to_bytes(self) -> [u8; LENGTH] {
        let number = |number: i32| u64::from(number.unsigned_abs());
        let (kind, value) = match self {
            Self::Started(process) => (1, number(process.as_raw_pid())),
            Self::NotStarted(errno) => (2, number(errno)),
            Self::Stopped(signal) => (3, number(signal)),
            Self::Ended(Exit::Signal(signal)) => (4, 256 + u64::from(signal)),
            Self::Ended(exit) => (4, u64::from(exit.code())),
            Self::Killing => (5, 0),
            Self::CannotSignal(errno) => (6, number(errno)),
            Self::Gone => (7, 0),
            Self::Resumed => (8, 0),
        };
        pack(kind, value)
    }

    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (kind, value) = unpack(bytes)?;
        let number = || i32::try_from(value).ok();
        Some(match kind {
            1 => Self::Started(Pid::from_raw(number()?)?),
            2 => Self::NotStarted(number()?),
            3 => Self::Stopped(number()?),
            4 => Self::Ended(match value.checked_sub(256) {
                Some(signal) => Exit::Signal(u8::try_from(signal).ok()?),
                None => Exit::Command(u8::try_from(value).ok()?),
            }),
            5 => Self::Killing,
            6 => Self::CannotSignal(number()?),
            7 => Self::Gone,
            8 => Self::Resumed,
            _ => return None,
        })
    }
}

/// Sends an order with descriptors.
pub(crate) fn send(
    socket: BorrowedFd<'_>,
    order: Order,
    descriptors: &[BorrowedFd<'_>],
) -> io::Result<()> {
    let mut room = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MOST_DESCRIPTORS))];
    let mut ancillary = SendAncillaryBuffer::new(&mut room);
    if !descriptors.is_empty() && !ancillary.push(SendAncillaryMessage::ScmRights(descriptors)) {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    let bytes = order.to_bytes();
    let flags = SendFlags::NOSIGNAL | SendFlags::DONTWAIT;
    sendmsg(socket, &[IoSlice::new(&bytes)], &mut ancillary, flags)?;
    Ok(())
}

/// Receives the next order, and what comes with it, without waiting. `None`: the other end is closed.
pub(crate) fn receive(socket: impl AsFd) -> io::Result<Option<(Order, Vec<OwnedFd>)>> {
    let mut room = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MOST_DESCRIPTORS))];
    let mut ancillary = RecvAncillaryBuffer::new(&mut room);
    let mut bytes = [0; LENGTH];
    let flags = RecvFlags::CMSG_CLOEXEC | RecvFlags::DONTWAIT;
    let mut into = [IoSliceMut::new(&mut bytes)];
    let received = recvmsg(socket, &mut into, &mut ancillary, flags)?;
    if received.bytes == 0 {
        return Ok(None);
    }
    let mut descriptors = Vec::new();
    for message in ancillary.drain() {
        if let RecvAncillaryMessage::ScmRights(received) = message {
            descriptors.extend(received);
        }
    }
    let order = Order::from_bytes(&bytes).ok_or(io::ErrorKind::InvalidData)?;
    Ok(Some((order, descriptors)))
}

/// Waits for the next order. `None`: the other end is closed.
pub(crate) fn wait(socket: impl AsFd) -> io::Result<Option<(Order, Vec<OwnedFd>)>> {
    loop {
        match receive(&socket) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                let mut readable = [PollFd::new(&socket, PollFlags::IN)];
                let _ = poll(&mut readable, None);
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            received => return received,
        }
    }
}

fn pack(kind: u64, value: u64) -> [u8; LENGTH] {
    let mut bytes = [0; LENGTH];
    let (first, second) = bytes.split_at_mut(LENGTH / 2);
    first.copy_from_slice(&kind.to_le_bytes());
    second.copy_from_slice(&value.to_le_bytes());
    bytes
}

fn unpack(bytes: &[u8]) -> Option<(u64, u64)> {
    let (kind, value) = bytes.split_first_chunk()?;
    let value = value.try_into().ok()?;
    Some((u64::from_le_bytes(*kind), u64::from_le_bytes(value)))
}

fn from_signal(signal: Signal) -> u64 {
    u64::from(signal.as_raw().unsigned_abs())
}

fn to_signal(value: u64) -> Option<Signal> {
    Signal::from_named_raw(i32::try_from(value).ok()?)
}

#[cfg(test)]
mod tests {
    use super::{Order, Report, receive, send};
    use crate::exit::Exit;
    use rustix::process::{Pid, Signal};
    use std::os::fd::AsFd;
    use std::os::unix::net::UnixStream;

    #[test]
    fn what_is_told_is_understood() {
        let orders = [
            Order::Hire,
            Order::Start(u64::MAX),
            Order::PassOn(Signal::USR1),
            Order::End(Signal::TERM),
            Order::Resume,
            Order::Look,
            Order::Leave,
        ];
        for order in orders {
            assert_eq!(Order::from_bytes(&order.to_bytes()), Some(order));
        }
        let reports = [
            Report::Started(Pid::from_raw(4711).expect("a number")),
            Report::NotStarted(2),
            Report::Stopped(20),
            Report::Resumed,
            Report::Ended(Exit::Command(255)),
            Report::Ended(Exit::Signal(64)),
            Report::Killing,
            Report::CannotSignal(1),
            Report::Gone,
        ];
        for report in reports {
            assert_eq!(Report::from_bytes(&report.to_bytes()), Some(report));
        }
        assert_eq!(Order::from_bytes(&[9; 16]), None);
    }

    #[test]
    fn descriptors_come_with_the_order_that_they_were_sent_with() {
        let (near, far) = UnixStream::pair().expect("sockets");
        send(near.as_fd(), Order::Look, &[]).expect("sent");
        send(near.as_fd(), Order::Hire, &[near.as_fd(), far.as_fd()]).expect("sent");
        drop(near);
        let look = receive(&far).expect("read").expect("there");
        assert_eq!((look.0, look.1.len()), (Order::Look, 0));
        let hire = receive(&far).expect("read").expect("there");
        assert_eq!((hire.0, hire.1.len()), (Order::Hire, 2));
        drop(hire);
        assert!(receive(&far).expect("read").is_none());
    }
}
