//! What becomes the command: the last steps before its `exec`, in a process that is the command's already. It
//! is there early and waits for the word, so that they take no time when it is the command's turn.
//!
//! Owns that the command cannot outlive the guard unnoticed, gains no privileges, finds the signals as they
//! were before us (but for SIGPIPE and SIGCHLD, which have their defaults: we cannot know better), and does
//! not start after its time. All of it is done here, after `exec`, and not between `fork` and `exec`, where
//! hardly anything is safe. Any failure ends this process, and nothing was started.

use crate::exit::Exit;
use crate::job::{Job, Privileges};
use crate::masks;
use crate::messages::{self, Order};
use crate::say::say;
use crate::shared::Shared;
use crate::stages::Stage;
use crate::terminal;
use crate::times::Instant;
use rustix::event::poll;
use rustix::process::{Pid, Signal, geteuid, getpid, getppid, set_parent_process_death_signal};
use rustix::thread::set_no_new_privs;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io;
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::process::Command;

const NUMBERS: usize = 4;

/// The process that becomes the command of this job. To be spawned by the guard, with a socket for stdin.
pub(crate) fn command(job: &Job) -> Command {
    let mut command = Stage::Starter.command();
    command
        .arg(getpid().as_raw_pid().to_string())
        .arg(u8::from(job.privileges == Privileges::MayBeGained).to_string())
        .arg(job.blocked.to_string())
        .arg(job.group.to_string())
        .args(&job.command)
        .process_group(0);
    command
}

/// How to become the command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Start {
    guard: i32,
    privileges: Privileges,
    /// The signals to leave blocked.
    blocked: u64,
    /// The group that makes way if it is in front of the terminal.
    group: i32,
}

/// Becomes the command. Returns if that failed.
pub(crate) fn main() -> Exit {
    let words: Vec<OsString> = std::env::args_os().skip(1).collect();
    let Some((numbers, line)) = words.split_at_checked(NUMBERS) else {
        return Exit::Usage;
    };
    let (Some(start), Some((name, arguments))) = (read(numbers), line.split_first()) else {
        return Exit::Usage;
    };
    let ready = bind(start.guard, start.privileges).and_then(|()| wait_for_the_word());
    match ready {
        Ok(Some((token, term_at))) => become_it(start, term_at, token, name, arguments),
        // There will be no command.
        Ok(None) => Exit::Done,
        Err(error) => {
            say(format_args!("cannot start the command: {error}"));
            Exit::Unavailable
        }
    }
}

fn read(numbers: &[OsString]) -> Option<Start> {
    let mut numbers = numbers.iter().map(|number| number.to_str());
    let mut next = || numbers.next().flatten();
    Some(Start {
        guard: next()?.parse().ok()?,
        privileges: match next()? {
            "1" => Privileges::MayBeGained,
            _ => Privileges::Kept,
        },
        blocked: next()?.parse().ok()?,
        group: next()?.parse().ok()?,
    })
}

/// Waits for the word to start. It comes with stdin, the token, and the memory that says until when.
fn wait_for_the_word() -> io::Result<Option<(u64, Option<Instant>)>> {
    let socket = UnixStream::from(io::stdin().as_fd().try_clone_to_owned()?);
    let Some((Order::Start(token), descriptors)) = messages::wait(&socket)? else {
        return Ok(None);
    };
    let mut descriptors = descriptors.into_iter();
    let memory = descriptors.next().ok_or(io::ErrorKind::InvalidData)?;
    match descriptors.next() {
        Some(stdin) => rustix::stdio::dup2_stdin(stdin)?,
        None => rustix::stdio::dup2_stdin(File::open("/dev/null")?)?,
    }
    let times = Shared::from(memory).times();
    Ok(Some((token, times.map(|times| times.term_at))))
}

fn become_it(
    start: Start,
    term_at: Option<Instant>,
    token: u64,
    name: &OsStr,
    arguments: &[OsString],
) -> Exit {
    if let Some(group) = Pid::from_raw(start.group)
        && terminal::is_the_commands()
    {
        // The guard has made this a group of its own.
        terminal::pass(io::stdin(), group, getpid());
    }
    let is_late = term_at.is_none_or(|term_at| Instant::now() >= term_at);
    // From here on the guard's signals reach us.
    masks::unblock_all_but(start.blocked);
    if is_late {
        // Promise 11: the command does not begin. What is to end it ends us, and tells how.
        loop {
            let _ = poll(&mut [], None);
        }
    }
    let mut command = Command::new(name);
    command
        .args(arguments)
        .env("CONSENSUS_TOKEN", token.to_string());
    let error = command.exec();
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
