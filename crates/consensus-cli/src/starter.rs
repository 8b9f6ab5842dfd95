//! What becomes the command: the last steps before its `exec`, in a process that is the command's already.
//!
//! Owns that the command cannot outlive the guard unnoticed, gains no privileges, finds the signals as
//! they were before us (but for SIGPIPE and SIGCHLD, which have their defaults: we cannot know better), and does not start after its time. All of it is done here, after `exec`, and not
//! between `fork` and `exec`, where hardly anything is safe. Any failure ends this process, and nothing
//! was started.

use crate::exit::Exit;
use crate::job::Privileges;
use crate::masks;
use crate::say::say;
use crate::stages::Stage;
use crate::terminal;
use crate::times::Instant;
use rustix::process::{Pid, Signal, geteuid, getpid, getppid, set_parent_process_death_signal};
use rustix::thread::set_no_new_privs;
use std::ffi::{OsStr, OsString};
use std::io;
use std::os::unix::process::CommandExt;
use std::process::Command;

/// How to become the command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Start {
    /// When it is too late.
    pub(crate) term_at: Instant,
    pub(crate) privileges: Privileges,
    /// The signals to leave blocked.
    pub(crate) blocked: u64,
    /// The group that makes way if it is in front of the terminal.
    pub(crate) group: i32,
}

const NUMBERS: usize = 5;

/// The process that becomes this command. To be spawned by the guard, in a group of its own.
pub(crate) fn command(start: Start, line: &[OsString]) -> Command {
    let mut command = Stage::Starter.command();
    command
        .arg(getpid().as_raw_pid().to_string())
        .arg(start.term_at.to_nanos().to_string())
        .arg(u8::from(start.privileges == Privileges::MayBeGained).to_string())
        .arg(start.blocked.to_string())
        .arg(start.group.to_string())
        .args(line)
        .process_group(0);
    command
}

/// Becomes the command. Returns if that failed.
pub(crate) fn main() -> Exit {
    let words: Vec<OsString> = std::env::args_os().skip(1).collect();
    let Some((numbers, line)) = words.split_at_checked(NUMBERS) else {
        return Exit::Usage;
    };
    match (read(numbers), line.split_first()) {
        (Some((guard, start)), Some((name, arguments))) => become_it(guard, start, name, arguments),
        (_, _) => Exit::Usage,
    }
}

fn read(numbers: &[OsString]) -> Option<(i32, Start)> {
    let mut numbers = numbers.iter().map(|number| number.to_str());
    let mut next = || numbers.next().flatten();
    let guard = next()?.parse().ok()?;
    let start = Start {
        term_at: Instant::from_nanos(next()?.parse().ok()?),
        privileges: match next()? {
            "1" => Privileges::MayBeGained,
            _ => Privileges::Kept,
        },
        blocked: next()?.parse().ok()?,
        group: next()?.parse().ok()?,
    };
    Some((guard, start))
}

fn become_it(guard: i32, start: Start, name: &OsStr, arguments: &[OsString]) -> Exit {
    if let Err(error) = bind(guard, start.privileges) {
        say(format_args!("cannot start the command: {error}"));
        return Exit::Unavailable;
    }
    if let Some(group) = Pid::from_raw(start.group)
        && terminal::is_the_commands()
    {
        // The guard has made this a group of its own.
        terminal::pass(io::stdin(), group, getpid());
    }
    // Promise 11. From here on the guard's signals reach us.
    if Instant::now() >= start.term_at {
        return Exit::Lost;
    }
    masks::unblock_all_but(start.blocked);
    let error = Command::new(name).args(arguments).exec();
    masks::block_all();
    let name = name.display();
    if error.kind() == io::ErrorKind::NotFound {
        say(format_args!(
            "cannot run {name}: it, or the interpreter that it names, is not there"
        ));
        return Exit::NotFound;
    }
    say(format_args!("cannot run {name}: {error}"));
    Exit::NotExecutable
}

/// Binds the command's life to the guard's, and keeps it from becoming more powerful than we are.
fn bind(guard: i32, privileges: Privileges) -> Result<(), io::Error> {
    set_parent_process_death_signal(Some(Signal::KILL))?;
    // It may have died before that.
    if getppid().map(Pid::as_raw_pid) != Some(guard) {
        return Err(io::Error::other("its guard has died"));
    }
    // Root, with what root usually may, can kill whatever it becomes.
    if privileges == Privileges::Kept && !geteuid().is_root() {
        set_no_new_privs(true)?;
    }
    Ok(())
}
