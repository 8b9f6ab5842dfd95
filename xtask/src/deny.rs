//! What we depend on: cargo-deny with the rules of `deny.toml`, installed if it is missing.
//!
//! The advisory database is not part of `ci`: it is fetched from the network and changes by the day,
//! so that the same commit would pass today and fail tomorrow. It is a step of its own.

use crate::shell::{self, Failure};
use crate::workspace::Workspace;
use std::ffi::OsString;
use std::fs;
use std::process::Command;

/// The version that we run everywhere: another one might judge otherwise.
const VERSION: &str = "0.20.2";

pub(crate) fn run(workspace: &Workspace, _: &[String]) -> Result<(), Failure> {
    check(workspace, &["bans", "licenses", "sources"])?;
    println!(
        "not checked here: known vulnerabilities (cargo xtask advisories, which needs access)"
    );
    Ok(())
}

pub(crate) fn advisories(workspace: &Workspace, _: &[String]) -> Result<(), Failure> {
    check(workspace, &["advisories"])
}

fn check(workspace: &Workspace, what: &[&str]) -> Result<(), Failure> {
    let mut deny = Command::new(tool(workspace)?);
    shell::run(deny.current_dir(workspace.root()).arg("check").args(what))
}

/// The program: the one on the path if it is of our version, else one of our own.
fn tool(workspace: &Workspace) -> Result<OsString, Failure> {
    let folder = workspace.target().join("tools");
    let ours = folder.join("bin/cargo-deny").into_os_string();
    for program in [OsString::from("cargo-deny"), ours.clone()] {
        if is_our_version(&program) {
            return Ok(program);
        }
    }
    println!("cargo-deny {VERSION} is not there: it is built once, which takes a minute or two");
    let version = format!("--version={VERSION}");
    // Unoptimised: the tool runs for a second, and is built in less than half the time.
    let mut install = workspace.cargo(&["install", "cargo-deny", "--locked", "--quiet", "--debug"]);
    install.arg(version).arg("--root").arg(&folder);
    let build = folder.join("build");
    install.env("CARGO_TARGET_DIR", &build);
    shell::run(&mut install)?;
    // Some hundred megabytes that nobody needs again. If they stay, that is all that is wrong.
    let _ = fs::remove_dir_all(build);
    Ok(ours)
}

fn is_our_version(program: &OsString) -> bool {
    let asked = shell::capture(Command::new(program).arg("--version"));
    asked.is_ok_and(|said| said.success && said.output.trim() == format!("cargo-deny {VERSION}"))
}
