//! Exit codes: each that there is, at least once.

use crate::bench::{Place, consensus, outcome, until};
use rustix::process::Signal;
use std::fs;

#[test]
fn the_commands_own_code_is_ours() {
    let place = Place::new();
    let rows = [
        ("exit 0", 0),
        ("exit 7", 7),
        ("exit 255", 255),
        ("kill -TERM $$", 143),
        ("kill -KILL $$", 137),
    ];
    for (script, code) in rows {
        let done = place.run("", script).done();
        assert_eq!(done.code, code, "{script}: {done:#?}");
    }
}

#[test]
fn a_command_that_is_not_there_is_127_and_one_that_cannot_run_126() {
    let place = Place::new();
    let file = place.path("not-executable");
    fs::write(&file, "").expect("written");
    let file = file.to_str().expect("text");
    let url = place.url();
    for (command, code) in [
        ("/no/such/command", 127),
        ("no-such-command", 127),
        (file, 126),
    ] {
        let done = outcome(&["run", &url, "--", command]).exits(code);
        assert!(done.stderr.contains(command), "{done:#?}");
    }
    // Nothing stays held.
    let _ = outcome(&["run", "--nonblock", &url, "--", "true"]).exits(0);
}

#[test]
fn not_acquired_in_time_is_75() {
    let place = Place::new();
    let leader = place.run("--id=first", "sleep 60").says("leading");
    let none = place.run("--nonblock", "true").done().exits(75);
    let _ = none.having_said("first leads");
    let some = place.run("--wait=300ms", "true").done().exits(75);
    let _ = some.having_said("not acquired in time: first leads");
    let _ = leader.gets(Signal::TERM).done().exits(143);
    let _ = place.run("--nonblock", "true").done().exits(0);
    let _ = place.run("--wait=1s", "true").done().exits(0);
}

#[test]
fn a_store_that_does_not_answer_is_69() {
    let place = Place::new();
    let _ = place.run("", "true").done().exits(0);
    let _blocked = place.block_writes();
    let _ = place.run("--wait=2s --lease=1s", "true").done().exits(69);
}

#[test]
fn a_lease_whose_record_is_replaced_is_lost_and_the_command_killed_at_once() {
    let place = Place::new();
    // With SIGTERM it would say so, and with the grace it would have hours.
    let script = "trap 'echo grace' TERM; echo $$ > $1/id; while :; do sleep 0.1; done";
    let leader = place.run("--lease=24h", script).says("leading");
    let command = place.wait_for_file("id");
    fs::write(place.record(), "not a record").expect("written");
    let done = leader.done().exits(70).having_said("leadership lost");
    assert_eq!(done.stdout, "");
    assert!(!crate::bench::lives(&command));
    let content = fs::read_to_string(place.record()).expect("still there");
    assert_eq!(content, "not a record");
}

/// The record stands as it was written: who looks for an editor of it looks in vain.
#[test]
fn who_lost_its_lock_file_is_told_of_it() {
    let place = Place::new();
    let leader = place.run("--lease=3s", "sleep 60").says("leading");
    let mut lock = place.record().into_os_string();
    lock.push(".lock");
    fs::remove_file(lock).expect("it was there");
    let done = leader.done().exits(70).having_said("leadership lost");
    let _ = done.having_said("somebody removed the lock file");
}

#[test]
fn a_term_that_cannot_be_renewed_ends_at_its_deadline_with_the_grace() {
    let place = Place::new();
    let script = "trap 'echo grace; exit 0' TERM; echo $$ > $1/id; while :; do sleep 0.1; done";
    let leader = place.run("--lease=3s", script).says("leading");
    place.wait_for_file("id");
    let _blocked = place.block_writes();
    let leader = leader
        .says("not renewed, leading for")
        .says("leadership lost");
    let done = leader.done().exits(70);
    assert_eq!(done.stdout, "grace\n", "its own 0 is not ours: {done:#?}");
}

#[test]
fn a_leader_that_was_stopped_past_its_lease_has_lost() {
    let place = Place::new();
    let leader = place
        .run("--lease=1s", "echo $$ > $1/id; exec sleep 60")
        .says("leading");
    let command = place.wait_for_file("id");
    let leader = leader.gets(Signal::STOP);
    let successor = place.run("--lease=1s --id=second", "true").says("leading");
    let _ = successor.done().exits(0);
    let _ = leader.gets(Signal::CONT).done().exits(70);
    until("its end", || !crate::bench::lives(&command));
}

#[test]
fn a_signal_ends_the_waiting_at_once() {
    let place = Place::new();
    let leader = place.run("", "sleep 60").says("leading");
    let rows = [
        (Signal::TERM, 143),
        (Signal::INT, 130),
        (Signal::HUP, 129),
        (Signal::QUIT, 131),
    ];
    for (signal, code) in rows {
        let follower = place.run("", "true").says("waiting");
        let _ = follower.gets(signal).done().exits(code);
    }
    // These are the command's, and there is none.
    let follower = place.run("", "true").says("waiting");
    let follower = follower
        .gets(Signal::USR1)
        .gets(Signal::USR2)
        .gets(Signal::WINCH);
    let _ = leader.gets(Signal::TERM).done().exits(143);
    let _ = follower.done().exits(0);
}

#[test]
fn a_closed_stdout_is_nobodys_fault() {
    let place = Place::new();
    let mut command = consensus();
    command.args(["status", &place.url()]);
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    let status = command.stdout(writer).status().expect("it runs");
    assert_eq!(status.code(), Some(1));
}
