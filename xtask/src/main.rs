//! One command for every check of this repository: `cargo xtask ci`.
//!
//! Each check is a step, and each step a command of its own; `cargo xtask help` lists them. Read
//! `steps.rs` next: the list. What merely calls a tool is in `checks.rs`; what we check ourselves is
//! in `tree.rs` (the house rules) and `mutants.rs` (would a test notice?). `pods.rs` needs a machine
//! that can run some.

mod ci;
mod steps;

mod checks;
mod deny;
mod mutants;
mod pods;
mod tree;

mod shell;
mod stopwatch;
mod workspace;

use shell::Failure;
use std::process::ExitCode;
use workspace::Workspace;

fn main() -> ExitCode {
    let mut args = std::env::args().skip(1);
    let name = args.next().unwrap_or_else(|| "help".to_owned());
    let rest: Vec<String> = args.collect();
    match dispatch(&name, &rest) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("xtask: {failure}");
            ExitCode::FAILURE
        }
    }
}

fn dispatch(name: &str, rest: &[String]) -> Result<(), Failure> {
    match name {
        "help" | "--help" | "-h" => {
            println!("{}", steps::help());
            Ok(())
        }
        "ci" if rest.is_empty() => ci::run(&Workspace::find()?),
        "ci" => Err(Failure::new("ci takes no arguments: it is every check")),
        name => {
            let step = steps::named(name)?;
            step.accepts(rest)?;
            (step.run)(&Workspace::find()?, rest)
        }
    }
}
