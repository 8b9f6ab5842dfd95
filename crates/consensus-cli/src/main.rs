//! The program `consensus`: gives leader election to anything that can be started from a command line.
//!
//! This file is the table of contents, in reading order. The command line is read (`args`, `flags`, `help`),
//! which names a place (`url`). `run` tells the story of its verb: wait for leadership (`wait`), lead (`lead`) a
//! command (`command`) until its time is over, release, and say what became of a term that was `lost`. `status`
//! takes one look.
//!
//! The command is ended by a second process, the `guard`, which starts it through a `starter` and becomes the
//! `heir` of a leader that is dead. They are this program again (`stages`), are told a `job` and `messages`, and share memory
//! (`shared`, `claim`). The command and all that descends from it is a `tree`. Below an `init` all of that
//! runs where there are children that are not ours.
//!
//! Around them: signals and `masks`, the `terminal`, times, what people are told (`say`, `log`, `trouble`), and how the
//! program ends (`exit`).

mod args;
mod flags;
mod help;
mod url;

mod run;
mod wait;

mod lead;
mod lost;

mod command;

mod guard;
mod heir;
mod starter;

mod claim;
mod job;
mod messages;
mod shared;
mod stages;
mod tree;

mod init;

mod status;

mod exit;
mod log;
mod masks;
mod say;
mod signals;
mod terminal;
mod times;
mod trouble;

use crate::args::Verb;
use crate::exit::Exit;
use crate::stages::Stage;
use std::process::ExitCode;
use tokio::runtime::Builder;

fn main() -> ExitCode {
    let exit = match Stage::asked() {
        None => {
            masks::begin(init::blocked_above());
            if init::is_above() {
                // It was started from a link to its file, and would bear that one's name.
                let _ = rustix::thread::set_name(c"consensus");
            }
            let (Ok(exit) | Err(exit)) = args::read().and_then(|verb| perform(&verb));
            exit
        }
        Some(Stage::Guard) => guard::main(),
        Some(Stage::Starter) => starter::main(),
    };
    say::finish();
    exit.into()
}

fn perform(verb: &Verb) -> Result<Exit, Exit> {
    say::be(verb.loudness());
    if matches!(verb, Verb::Run(_)) && init::is_needed() {
        return Ok(init::run());
    }
    let cannot_start = |error| {
        say::say(format_args!("cannot start; check the limits: {error}"));
        Exit::Unavailable
    };
    init::bind().map_err(cannot_start)?;
    log::start(verb.loudness())?;
    let built = Builder::new_current_thread().enable_all().build();
    let runtime = built.map_err(cannot_start)?;
    let exit = runtime.block_on(async {
        match verb {
            Verb::Run(run) => run::run(run).await,
            Verb::Status(status) => status::status(status).await,
        }
    });
    // A file call that hangs is not waited for.
    runtime.shutdown_background();
    Ok(exit)
}
