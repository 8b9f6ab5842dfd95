//! What the command inherits, and what it is told.

use crate::bench::{Place, Started, clean, consensus};
use std::process::Command;

#[test]
fn a_command_is_told_three_things_and_inherits_nothing_of_ours() {
    let place = Place::new();
    let mut command = consensus();
    command
        .env("CONSENSUS_ID", "from the environment")
        .env("CONSENSUS_LEASE", "20s")
        .env("CONSENSUS_GRACE", "1s")
        .env("CONSENSUS_WAIT", "30s")
        .env("CONSENSUS_LOG", "info")
        .env("CONSENSUS_ANYTHING", "x")
        .env("OTHER", "kept");
    command.args(["run", &place.url(), "--", "sh", "-c", "env; echo"]);
    let done = Started::new(command).done().exits(0);
    let mut ours: Vec<&str> = done
        .stdout
        .lines()
        .filter(|line| line.starts_with("CONSENSUS_"))
        .collect();
    ours.sort_unstable();
    let [election, holder, token] = ours[..] else {
        panic!("{ours:?}");
    };
    assert_eq!(election, format!("CONSENSUS_ELECTION={}", place.url()));
    assert_eq!(holder, "CONSENSUS_HOLDER=from the environment");
    let token = token.strip_prefix("CONSENSUS_TOKEN=").expect("the token");
    assert!(token.parse::<u64>().expect("a number") > 0);
    assert!(done.stdout.contains("OTHER=kept\n"));
    // The log was asked for.
    let _ = done.having_said("INFO").having_said("lease 20s");
}

#[test]
fn a_flag_comes_before_its_variable() {
    let place = Place::new();
    let mut command = consensus();
    command
        .env("CONSENSUS_ID", "variable")
        .env("CONSENSUS_NONBLOCK", "true");
    command.args(["run", "--id=flag", "--wait=30s", &place.url(), "--"]);
    command.args(["sh", "-c", "echo $CONSENSUS_HOLDER"]);
    assert_eq!(Started::new(command).done().exits(0).stdout, "flag\n");
}

#[test]
fn tokens_rise_and_identities_differ() {
    let place = Place::new();
    let tell = || {
        let done = place
            .run("", "echo $CONSENSUS_TOKEN; echo $CONSENSUS_HOLDER")
            .done();
        let (token, holder) = done.stdout.trim().split_once('\n').expect("two lines");
        (token.parse::<u64>().expect("a number"), holder.to_owned())
    };
    let (first, second) = (tell(), tell());
    assert!(second.0 > first.0, "{first:?} {second:?}");
    assert_ne!(first.1, second.1);
}

#[test]
fn a_relative_path_is_made_absolute_for_the_command() {
    let place = Place::new();
    let mut command = consensus();
    command.current_dir(place.path(""));
    command.args([
        "run",
        "file:leader.json",
        "--",
        "sh",
        "-c",
        "echo $CONSENSUS_ELECTION",
    ]);
    let done = Started::new(command).done().exits(0);
    assert!(done.stdout.starts_with("file:/") && done.stdout.ends_with("/leader.json\n"));
    assert!(place.record().exists());
}

#[test]
fn an_ignored_signal_stays_ignored_and_no_other_is() {
    let place = Place::new();
    let ignored = |before: &str| {
        let mut command = Command::new("sh");
        clean(&mut command);
        command.args(["-c", &format!("{before} exec \"$0\" \"$@\"")]);
        command.arg(env!("CARGO_BIN_EXE_consensus"));
        command.args([
            "run",
            &place.url(),
            "--",
            "grep",
            "SigIgn",
            "/proc/self/status",
        ]);
        let done = Started::new(command).done().exits(0);
        let mask = done
            .stdout
            .trim()
            .rsplit('\t')
            .next()
            .expect("a mask")
            .to_owned();
        // The real-time signals are the caller's business.
        u64::from_str_radix(&mask, 16).expect("hexadecimal") & 0x7fff_ffff
    };
    assert_eq!(ignored(""), 0);
    // SIGHUP is 1, SIGINT 2, SIGTERM 15.
    assert_eq!(ignored("trap '' HUP INT;"), 0b11);
}

#[test]
fn stdin_is_the_commands_and_may_be_closed() {
    let place = Place::new();
    let through = |redirect: &str| {
        let mut command = Command::new("sh");
        clean(&mut command);
        command.args(["-c", &format!("echo typed | \"$0\" \"$@\" {redirect}")]);
        command.arg(env!("CARGO_BIN_EXE_consensus"));
        command.args(["run", &place.url(), "--", "cat"]);
        Started::new(command).done()
    };
    assert_eq!(through("").exits(0).stdout, "typed\n");
    assert_eq!(through("<&-").exits(0).stdout, "");
}
