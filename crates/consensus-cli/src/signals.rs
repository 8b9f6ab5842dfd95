//! The signals that `consensus` gets: which of them end it, and which are passed on.
//!
//! Owns what the command inherits. A signal that was ignored before us (`nohup`, a background job of a
//! shell) stays ignored, by us and by the command. All others are *handled*, never ignored: a handler
//! is undone by exec, whereas an ignored signal would make the command deaf.

use crate::say::say;
use crate::terminal;
use rustix::process::{Signal, getpid, kill_current_process_group, kill_process};
use std::fs;
use std::future::poll_fn;
use std::io;
use std::task::Poll;
use tokio::signal::unix::{self, SignalKind, signal};

/// What came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Caught {
    /// Somebody wants us to end.
    End(Signal),
    /// It is the command's business.
    PassOn(Signal),
    /// Somebody wants us to pause (Ctrl-Z).
    Pause,
    /// We were stopped, or might have been, and go on.
    GoOn,
    /// A child ended, stopped or went on.
    Child,
}

const KINDS: [Caught; 10] = [
    Caught::End(Signal::TERM),
    Caught::End(Signal::INT),
    Caught::End(Signal::HUP),
    Caught::End(Signal::QUIT),
    Caught::PassOn(Signal::USR1),
    Caught::PassOn(Signal::USR2),
    Caught::PassOn(Signal::WINCH),
    Caught::Pause,
    Caught::GoOn,
    Caught::Child,
];

/// The signals from here on.
#[derive(Debug)]
pub(crate) struct Signals {
    streams: Vec<(Caught, unix::Signal)>,
}

impl Signals {
    /// Handles the signals from here on, in a runtime's context.
    pub(crate) fn handle() -> io::Result<Self> {
        let ignored = ignored_before_us();
        let mut streams = Vec::new();
        for kind in KINDS {
            let number = kind.signal().as_raw();
            // The end of a child is always wanted, and the command gets the default back.
            let left_alone = kind != Caught::Child && ignored & (1 << (number - 1)) != 0;
            if !left_alone {
                streams.push((kind, signal(SignalKind::from_raw(number))?));
            }
        }
        Ok(Self { streams })
    }

    /// The next one. Cancel safe; several of one kind may come as one.
    pub(crate) async fn next(&mut self) -> Caught {
        poll_fn(|cx| {
            for (kind, stream) in &mut self.streams {
                if stream.poll_recv(cx).is_ready() {
                    return Poll::Ready(*kind);
                }
            }
            Poll::Pending
        })
        .await
    }

    /// The next one that is to end us. Who leads nothing may pause meanwhile.
    pub(crate) async fn end(&mut self) -> Signal {
        loop {
            match self.next().await {
                Caught::End(signal) => return signal,
                Caught::Pause if terminal::has_a_keeper() => pause(),
                Caught::Pause => say_no_pause(),
                Caught::PassOn(_) | Caught::GoOn | Caught::Child => {}
            }
        }
    }
}

impl Caught {
    fn signal(self) -> Signal {
        match self {
            Self::End(signal) | Self::PassOn(signal) => signal,
            Self::Pause => Signal::TSTP,
            Self::GoOn => Signal::CONT,
            Self::Child => Signal::CHILD,
        }
    }
}

/// Stops this process, as the signal would have done without us. Returns when it goes on, or just before
/// it stops.
pub(crate) fn pause() {
    if let Err(error) = kill_process(getpid(), Signal::STOP) {
        say(format_args!("cannot pause: {error}"));
    }
}

/// The same for all of our group, as a terminal would have done if the command were not in a group of its
/// own.
pub(crate) fn pause_group() {
    if let Err(error) = kill_current_process_group(Signal::STOP) {
        say(format_args!("cannot pause: {error}"));
    }
}

/// Says that there will be no pause.
pub(crate) fn say_no_pause() {
    say("not pausing: nobody is there to let this go on");
}

/// The number of a signal, for an exit code.
pub(crate) fn number(signal: Signal) -> u8 {
    u8::try_from(signal.as_raw()).unwrap_or_default()
}

/// A signal as people know it.
pub(crate) fn name(signal: Signal) -> String {
    let known = [
        (Signal::TERM, "SIGTERM"),
        (Signal::INT, "SIGINT"),
        (Signal::HUP, "SIGHUP"),
        (Signal::QUIT, "SIGQUIT"),
        (Signal::KILL, "SIGKILL"),
    ];
    let found = known.into_iter().find(|(known, _)| *known == signal);
    found.map_or_else(
        || format!("signal {}", signal.as_raw()),
        |(_, name)| name.into(),
    )
}

/// One bit a signal, from 1. Read from the kernel's own account: asking `sigaction` is not safe Rust.
fn ignored_before_us() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok())
        .unwrap_or_default()
}
