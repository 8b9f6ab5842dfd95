//! The terminal: which process group is in front of it, and so may read it and gets its Ctrl-C.
//!
//! Whoever passes it on is not in front, or soon will not be, and must have blocked SIGTTOU: else the
//! kernel stops it. All processes of ours have (`masks.rs`).

use rustix::process::{Pid, getpgrp, getppid, getsid};
use rustix::termios::{tcgetpgrp, tcsetpgrp};
use std::os::fd::AsFd;

/// Puts one group in front in place of another. Nothing happens without a terminal, or if a third is in
/// front by now. Says whether it was done.
pub(crate) fn pass(terminal: impl AsFd, from: Pid, to: Pid) -> bool {
    is_in_front(&terminal, from) && tcsetpgrp(terminal, to).is_ok()
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
    let same_session = match (getsid(Some(parent)), getsid(None)) {
        (Ok(theirs), Ok(ours)) => theirs == ours,
        _ => false,
    };
    same_session && getsid(None) != Ok(getpgrp()) && !crate::init::is_above()
}
