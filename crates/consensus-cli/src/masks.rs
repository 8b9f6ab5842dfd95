//! Which signals are blocked: by us, and before us, for the command to find again.
//!
//! The processes beside `consensus` block all of them and read what they need from a descriptor. A blocked
//! signal, unlike an ignored one, can be given back to the command as it was.

use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use rustix::process::{Signal as Sent, getpid};
use std::io;
use std::sync::OnceLock;

/// What a fault in our own code raises: never blocked.
const FAULTS: [Signal; 7] = [
    Signal::SIGABRT,
    Signal::SIGBUS,
    Signal::SIGFPE,
    Signal::SIGILL,
    Signal::SIGSEGV,
    Signal::SIGSYS,
    Signal::SIGTRAP,
];

/// The `si_code` of what a terminal sends.
const BY_KERNEL: i32 = 0x80;

static BEFORE: OnceLock<u64> = OnceLock::new();

/// What came to a process that blocks all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Came {
    Child,
    FromTerminal,
    FromProcess(Sent),
}

/// Notes what was blocked before us. To be called before there is a second thread, with what is known of it
/// by somebody above us. Blocks only what would stop us for speaking while the command is in front.
pub(crate) fn begin(above: Option<u64>) {
    let now = SigSet::thread_get_mask().unwrap_or_else(|_| SigSet::empty());
    let before = above.unwrap_or_else(|| bits(&now));
    // A second time is of no effect, and there is none.
    let _ = BEFORE.set(before);
    if above.is_some() {
        unblock_all_but(before);
    }
    if getpid().is_init() {
        // The kernel drops what the first process of a container has not said that it wants.
        block_all();
    }
    let mut speaking = SigSet::empty();
    speaking.add(Signal::SIGTTOU);
    let _ = speaking.thread_block();
}

/// The signals that were blocked before us, one bit each, from 1.
pub(crate) fn before_us() -> u64 {
    BEFORE.get().copied().unwrap_or_default()
}

/// Blocks all signals of this thread.
pub(crate) fn block_all() {
    // It fails only for a wrong argument.
    let _ = all().thread_block();
}

/// Leaves only these blocked.
pub(crate) fn unblock_all_but(blocked: u64) {
    let mut others = all();
    for signal in Signal::iterator().filter(|signal| blocked & bit(*signal) != 0) {
        others.remove(signal);
    }
    let _ = others.thread_unblock();
}

/// Does something while all signals are blocked: a process that is started then cannot be hit before it
/// has blocked them itself.
pub(crate) fn while_blocked<T>(act: impl FnOnce() -> T) -> T {
    let before = SigSet::thread_get_mask();
    block_all();
    let done = act();
    if let Ok(before) = before {
        let _ = before.thread_set_mask();
    }
    done
}

/// Something that becomes readable when a child ends or stops.
pub(crate) fn of_children() -> io::Result<SignalFd> {
    let mut children = SigSet::empty();
    children.add(Signal::SIGCHLD);
    Ok(SignalFd::with_flags(
        &children,
        flags() | SfdFlags::SFD_NONBLOCK,
    )?)
}

/// All signals, for who has blocked them.
pub(crate) fn of_all() -> io::Result<SignalFd> {
    Ok(SignalFd::with_flags(&all(), flags())?)
}

/// Waits for the next one.
pub(crate) fn next(signals: &SignalFd) -> io::Result<Option<Came>> {
    let Some(came) = signals.read_signal()? else {
        return Ok(None);
    };
    let signal = Sent::from_named_raw(came.ssi_signo.cast_signed());
    Ok(match signal {
        Some(Sent::CHILD) => Some(Came::Child),
        // Of its end the terminal tells only who is in front and the first process of the session.
        Some(signal) if came.ssi_code == BY_KERNEL && signal != Sent::HUP => {
            Some(Came::FromTerminal)
        }
        Some(signal) => Some(Came::FromProcess(signal)),
        None => None,
    })
}

fn flags() -> SfdFlags {
    SfdFlags::SFD_CLOEXEC
}

fn all() -> SigSet {
    let mut all: SigSet = Signal::iterator().collect();
    for fault in FAULTS {
        all.remove(fault);
    }
    all
}

fn bits(set: &SigSet) -> u64 {
    let blocked = Signal::iterator().filter(|signal| set.contains(*signal));
    blocked.fold(0, |bits, signal| bits | bit(signal))
}

fn bit(signal: Signal) -> u64 {
    1 << (signal as u32 - 1)
}

#[cfg(test)]
mod tests {
    use super::{all, bits, block_all, unblock_all_but};
    use nix::sys::signal::{SigSet, Signal};

    #[test]
    fn what_was_blocked_before_stays_blocked() {
        // In a thread of its own, as tests are: masks are a thread's.
        let term = bits(&[Signal::SIGTERM].into_iter().collect());
        block_all();
        let now = SigSet::thread_get_mask().expect("a mask");
        assert_eq!(
            bits(&now) & bits(&all()),
            bits(&all()) & !bits(&[Signal::SIGKILL, Signal::SIGSTOP].into_iter().collect())
        );
        unblock_all_but(term);
        let now = SigSet::thread_get_mask().expect("a mask");
        assert_eq!(bits(&now), term);
    }
}
