//! The program: the same as of the library, from one command to the next. Whoever is killed or asked to end is
//! the leader's `consensus`; its guard ends the command, which is `flock(1)`'s and ends by SIGTERM at once.

use crate::failover::{Competitors, measure};
use crate::failure::Failure;
use crate::lane::End;
use crate::options::Options;
use crate::processes::Kind;
use crate::table::Table;
use std::path::Path;
use std::process::Command;

const LANES: [Competitors; 4] = [
    (Kind::Program, 1, "consensus run, 1 follower"),
    (Kind::FlockCommand, 1, "flock(1), 1 waiter"),
    (Kind::Program, 3, "consensus run, 3 followers"),
    (Kind::FlockCommand, 3, "flock(1), 3 waiters"),
];

pub(crate) fn fail_over(options: &Options, table: &mut Table) -> Result<(), Failure> {
    measure("failover", End::Killed, &LANES, options, table)
}

pub(crate) fn hand_over(options: &Options, table: &mut Table) -> Result<(), Failure> {
    measure("hand-over", End::Asked, &LANES, options, table)
}

/// `consensus run` for the election of this file. What it runs is still to be added.
pub(crate) fn run(file: &Path, identity: &str) -> Result<Command, Failure> {
    let itself = std::env::current_exe();
    let itself = itself.map_err(|error| Failure::cannot("find this program", error))?;
    let program = itself.with_file_name("consensus");
    if !program.exists() {
        let program = program.display();
        let message = format!("there is no {program}; `cargo xtask bench` builds it");
        return Err(Failure::new(message));
    }
    let mut url = std::ffi::OsString::from("file:");
    url.push(file);
    let mut command = Command::new(program);
    for (variable, _) in std::env::vars_os() {
        if variable.as_encoded_bytes().starts_with(b"CONSENSUS_") {
            command.env_remove(variable);
        }
    }
    command.args(["run", "--id", identity]).arg(url).arg("--");
    Ok(command)
}
