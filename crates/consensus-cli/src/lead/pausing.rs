//! Pauses of a leader and its command together: Ctrl-Z, `fg`, and a command that asks for the terminal.
//!
//! Owns that both pause and go on together where somebody can let them go on, and that a command that was
//! stopped for want of the terminal gets it as soon as it is ours to give.

use crate::command::Guarded;
use crate::messages::Order;
use crate::say::{say, settle};
use crate::signals::{self, pause, pause_group};
use crate::terminal;
use rustix::process::{Pid, Signal};
use std::io;
use std::time::Duration;

/// How long a pause waits for what is said before it.
const LAST_WORDS: Duration = Duration::from_millis(20);

/// Whether there is a pause.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Pausing {
    paused: bool,
    /// How often the guard was told to let the command go on, and has not answered.
    resuming: u32,
}

/// The command is there. Usually it has come in front by itself; after a pause in the middle of its start it
/// has not, and could not be put there before.
pub(super) fn begin(command: Pid) {
    if terminal::is_the_commands() {
        terminal::hand_over(command);
    }
}

impl Pausing {
    /// Somebody wants us to pause, and so the command.
    pub(super) fn asked(&mut self, guarded: &mut Guarded) {
        if !terminal::has_a_keeper() {
            signals::say_no_pause();
            return;
        }
        self.paused = true;
        guarded.order(Order::PassOn(Signal::TSTP));
        pause();
    }

    /// After a pause, or what may have been one: a shell stops and continues us unasked as well.
    pub(super) fn over(&mut self, guarded: &mut Guarded) {
        if let Some(command) = guarded.command() {
            begin(command);
        }
        if self.paused {
            self.paused = false;
            self.resume(guarded);
        }
    }

    /// The command was stopped, by Ctrl-Z or for want of the terminal: then so are we, unless it can have it.
    pub(super) fn command_stopped(&mut self, signal: i32, guarded: &mut Guarded) {
        let Some(command) = guarded.command() else {
            return;
        };
        // What was seen before it was told to go on is no news any more, and would stop us a second time.
        if self.resuming > 0 || !terminal::is_ours(io::stdin()) {
            return;
        }
        let wants_terminal = [Signal::TTIN, Signal::TTOU].map(Signal::as_raw);
        if wants_terminal.contains(&signal)
            && (terminal::hand_over(command) || terminal::is_in_front(io::stdin(), command))
        {
            self.resume(guarded);
        } else if terminal::has_a_keeper() {
            terminal::take_back(command);
            say("paused, with the command: if it does not go on before the deadline, it is ended");
            settle(LAST_WORDS);
            self.paused = true;
            pause_group();
        } else if terminal::is_in_front(io::stdin(), command) {
            signals::say_no_pause();
            self.resume(guarded);
        }
    }

    /// From here on a stop is news again.
    pub(super) fn command_resumed(&mut self) {
        self.resuming = self.resuming.saturating_sub(1);
    }

    /// The command was stopped while it is to end, and so are we: neither waits for anybody.
    pub(super) fn refused(&mut self, guarded: &mut Guarded) {
        if let Some(command) = guarded.command()
            && terminal::is_in_front(io::stdin(), command)
        {
            self.resume(guarded);
        }
    }

    fn resume(&mut self, guarded: &mut Guarded) {
        self.resuming += 1;
        guarded.order(Order::Resume);
    }
}
