//! How the candidates of a row are started, and what their folder has in it.

use super::machine::SETPRIV;
use super::row::Row;
use super::work::{BEGIN, Kind};
use crate::bench::{Place, Started, clean};
use std::fs;
use std::os::unix::fs::{PermissionsExt, chown, symlink};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A user who is not root: nobody.
const NOBODY: u32 = 65534;

/// Makes the folder `work`, and what commands need in it.
pub fn furnish(row: &Row, place: &Place) -> PathBuf {
    let work = place.path("work");
    fs::create_dir(&work).expect("a folder");
    let sleep = ["/bin/sleep", "/usr/bin/sleep"].map(Path::new);
    let sleep = sleep.into_iter().find(|path| path.exists()).expect("sleep");
    symlink(sleep, work.join("sleep")).expect("a link");
    if is_unprivileged(row) {
        let gain = work.join("gain");
        fs::copy(SETPRIV, &gain).expect("a copy");
        fs::set_permissions(&gain, fs::Permissions::from_mode(0o4755)).expect("setuid");
        let binary = env!("CARGO_BIN_EXE_consensus");
        // Where it was built others may not look.
        fs::hard_link(binary, place.path("consensus"))
            .or_else(|_| fs::copy(binary, place.path("consensus")).map(drop))
            .expect("a copy");
        chown(place.path(""), Some(NOBODY), Some(NOBODY)).expect("it is ours");
        chown(&work, Some(NOBODY), Some(NOBODY)).expect("it is ours");
    }
    work
}

/// The row's command line.
pub fn line(row: &Row, work: &Path) -> Vec<String> {
    let missing = work.join("missing").display().to_string();
    match row.work.kind {
        Kind::Missing => vec![missing],
        Kind::NotExecutable => {
            fs::write(&missing, "").expect("written");
            vec![missing]
        }
        Kind::Plain
        | Kind::Stops
        | Kind::StreamsClosed
        | Kind::BelowInit
        | Kind::Unprivileged
        | Kind::MayGainPrivileges => shell(&format!("{BEGIN}{}", row.work.script), work),
    }
}

/// Starts a candidate. The row happens to the one that is called `first`.
pub fn start(row: &Row, place: &Place, name: &str, line: &[String]) -> Started {
    let is_subject = name == "first";
    let mut program = PathBuf::from(env!("CARGO_BIN_EXE_consensus"));
    if is_unprivileged(row) {
        program = place.path("consensus");
    }
    let through = match row.work.kind {
        Kind::StreamsClosed if is_subject => Some("exec \"$0\" \"$@\" <&- >&- 2>&-"),
        // One that has ended is a child as well.
        Kind::BelowInit if is_subject => Some(": & exec \"$0\" \"$@\""),
        Kind::Plain
        | Kind::Stops
        | Kind::Missing
        | Kind::NotExecutable
        | Kind::StreamsClosed
        | Kind::BelowInit
        | Kind::Unprivileged
        | Kind::MayGainPrivileges => None,
    };
    let mut command = Command::new("sh");
    match through {
        Some(script) => drop(command.args(["-c", script]).arg(&program)),
        None => command = Command::new(&program),
    }
    command.env("PROGRAM", program);
    clean(&mut command);
    if is_unprivileged(row) {
        command.uid(NOBODY).gid(NOBODY);
    }
    // As a shell with job control would: who is to pause needs somebody to let it go on.
    command.process_group(0);
    command.arg("run").arg(format!("--id={name}"));
    command.args(row.times.flags().split(' '));
    if is_subject && row.work.kind == Kind::MayGainPrivileges {
        command.arg("--allow-privileges");
    }
    command.arg(place.url()).arg("--").args(line);
    Started::new(command)
}

pub fn shell(script: &str, folder: &Path) -> Vec<String> {
    let folder = folder.display().to_string();
    let folder = folder.trim_end_matches('/').to_owned();
    vec!["sh".into(), "-c".into(), script.into(), "sh".into(), folder]
}

fn is_unprivileged(row: &Row) -> bool {
    matches!(row.work.kind, Kind::Unprivileged | Kind::MayGainPrivileges)
}
