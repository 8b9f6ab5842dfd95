//! The terminal: which process group is in front of it, and so may read it and gets its Ctrl-C.
//!
//! Whoever passes it on is not in front, or soon will not be, and must have blocked SIGTTOU: else the
//! kernel stops it. All processes of ours have (`masks.rs`).

use nix::unistd;
use rustix::io::Errno;
use rustix::process::{Pid, getppid, test_kill_process_group};
use rustix::termios::{tcgetpgrp, tcsetpgrp};
use std::io;
use std::os::fd::AsFd;

/// Our group. `None`: it has no number here, as for the first process of a namespace that did not leave the
/// group outside. (Asked in a way that can say so.)
pub(crate) fn our_group() -> Option<Pid> {
    Pid::from_raw(unistd::getpgrp().as_raw())
}

/// Puts the command in front in our place. Says whether it was done.
pub(crate) fn hand_over(command: Pid) -> bool {
    our_group().is_some_and(|ours| pass(io::stdin(), ours, command))
}

/// Puts us in front in the command's place.
pub(crate) fn take_back(command: Pid) {
    if let Some(ours) = our_group() {
        pass(io::stdin(), command, ours);
    }
}

/// Puts one group in front in place of another. Nothing happens without a terminal, or if a third is in
/// front by now. Says whether it was done.
pub(crate) fn pass(terminal: impl AsFd, from: Pid, to: Pid) -> bool {
    is_in_front(&terminal, from) && tcsetpgrp(terminal, to).is_ok()
}

/// Puts one group in front again, in place of the command's, or of one that nobody is in any more: a job of a
/// shell that the command was, or a command that nobody has told of.
pub(crate) fn give_back(terminal: impl AsFd, command: Option<Pid>, before: Pid) {
    let Ok(in_front) = tcgetpgrp(&terminal) else {
        return;
    };
    if Some(in_front) == command || test_kill_process_group(in_front) == Err(Errno::SRCH) {
        let _ = tcsetpgrp(terminal, before);
    }
}

/// Whether the command is to be in front whenever we are. If what it writes goes elsewhere, somebody beside
/// us may need the terminal (`| less`), and the command gets it when it asks.
pub(crate) fn is_the_commands() -> bool {
    is_ours(io::stdin()) && is_ours(io::stdout())
}

/// Whether this group is in front of that terminal.
pub(crate) fn is_in_front(terminal: impl AsFd, group: Pid) -> bool {
    tcgetpgrp(terminal) == Ok(group)
}

/// Whether this is our terminal, as far as job control goes.
pub(crate) fn is_ours(terminal: impl AsFd) -> bool {
    tcgetpgrp(terminal).is_ok()
}

/// Whether somebody is there to let us go on after a pause: a shell with job control has its jobs in its
/// own session, and in groups other than its own.
pub(crate) fn has_a_keeper() -> bool {
    let Some(parent) = getppid() else {
        return false;
    };
    let parent = unistd::Pid::from_raw(parent.as_raw_pid());
    let (theirs, ours) = (unistd::getsid(Some(parent)), unistd::getsid(None));
    theirs.is_ok() && theirs == ours && ours != Ok(unistd::getpgrp()) && !crate::init::is_above()
}
