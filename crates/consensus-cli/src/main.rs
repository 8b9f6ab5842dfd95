//! The program `consensus`: gives leader election to anything that can be started from a command line.
//!
//! This file is the table of contents, in reading order. The command line is read (`args`, `flags`, `help`),
//! which names a place (`url`). `run` tells the story of its verb: wait for leadership (`wait`), lead (`lead`) a
//! command (`command`, `group`) until its time is over, release. `status` takes one look. Around them: signals,
//! times, what people are told (`say`, `log`), and how the program ends (`exit`).

mod args;
mod flags;
mod help;
mod url;

mod run;
mod wait;

mod lead;

mod command;
mod group;

mod status;

mod exit;
mod log;
mod say;
mod signals;
mod times;

use crate::args::Verb;
use crate::exit::Exit;
use std::process::ExitCode;
use tokio::runtime::Builder;

fn main() -> ExitCode {
    let done = args::read().and_then(|verb| {
        say::be(verb.loudness());
        log::start(verb.loudness())?;
        perform(&verb)
    });
    let (Ok(exit) | Err(exit)) = done;
    say::finish();
    exit.into()
}

fn perform(verb: &Verb) -> Result<Exit, Exit> {
    let built = Builder::new_current_thread().enable_all().build();
    let runtime = built.map_err(|error| {
        say::say(format_args!("cannot start; check the limits: {error}"));
        Exit::Unavailable
    })?;
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
