//! How a command is ended: signals passed on, the grace, and what it leaves behind.

use crate::bench::{Place, consensus, is_stopped, lives, signal, signal_if_there, until};
use rustix::process::Signal;
use std::process::Stdio;

const FOR_EVER: &str = "while :; do sleep 0.1; done";

#[test]
fn a_signal_is_passed_on_and_the_commands_own_code_kept() {
    let place = Place::new();
    for (kind, name) in [
        (Signal::TERM, "TERM"),
        (Signal::INT, "INT"),
        (Signal::HUP, "HUP"),
        (Signal::QUIT, "QUIT"),
    ] {
        let script = format!("trap 'echo {name}; exit 5' {name}; echo up > $1/{name}; {FOR_EVER}");
        let leader = place.run("", &script).says("leading");
        place.wait_for_file(name);
        let done = leader.gets(kind).done().exits(5);
        assert_eq!(done.stdout, format!("{name}\n"));
    }
    let leader = place
        .run("", "echo up > $1/plain; exec sleep 60")
        .says("leading");
    place.wait_for_file("plain");
    let _ = leader.gets(Signal::INT).done().exits(130);
}

#[test]
fn a_signal_that_is_the_commands_business_does_not_end_it() {
    let place = Place::new();
    let script = format!(
        "trap 'echo got > $1/usr1' USR1; trap 'echo got > $1/usr2' USR2; \
         trap 'echo got > $1/winch' WINCH; trap 'exit 0' TERM; echo up > $1/up; {FOR_EVER}"
    );
    let mut leader = place.run("", &script).says("leading");
    place.wait_for_file("up");
    for (kind, name) in [
        (Signal::USR1, "usr1"),
        (Signal::USR2, "usr2"),
        (Signal::WINCH, "winch"),
    ] {
        leader = leader.gets(kind);
        place.wait_for_file(name);
    }
    let _ = leader.gets(Signal::TERM).done().exits(0);
}

#[test]
fn leader_and_follower_pause_and_go_on() {
    let place = Place::new();
    let leader = place
        .run_as_a_job("", "echo $$ > $1/id; exec sleep 60")
        .says("leading");
    let command = place.wait_for_file("id");
    let follower = place
        .run_as_a_job("", "true")
        .says("waiting")
        .gets(Signal::TSTP);
    until("the pause", || is_stopped(&follower.id()));
    let leader = leader.gets(Signal::TSTP);
    until("the pause", || {
        is_stopped(&leader.id()) && is_stopped(&command)
    });
    let leader = leader.gets(Signal::CONT);
    until("the end of the pause", || !is_stopped(&command));
    let follower = follower.gets(Signal::CONT);
    let _ = leader.gets(Signal::TERM).done().exits(143);
    let _ = follower.done().exits(0);
}

#[test]
fn a_leader_that_pauses_for_too_long_has_lost() {
    let place = Place::new();
    let leader = place
        .run_as_a_job("--lease=1s", "echo $$ > $1/id; exec sleep 60")
        .says("leading");
    let command = place.wait_for_file("id");
    let leader = leader.gets(Signal::TSTP);
    until("the end of the command", || !lives(&command));
    assert!(is_stopped(&leader.id()));
    let _ = leader.gets(Signal::CONT).done().exits(70);
}

#[test]
fn a_command_that_ignores_the_signal_is_killed_after_the_grace() {
    let place = Place::new();
    let script = format!("trap '' TERM; echo $$ > $1/id; {FOR_EVER}");
    let leader = place.run("--grace=300ms", &script).says("leading");
    let command = place.wait_for_file("id");
    let done = leader.gets(Signal::TERM).done().exits(137);
    assert!(!lives(&command));
    let _ = done.having_said("300ms").having_said("SIGKILL");
    // Released all the same.
    let _ = place.run("--nonblock", "true").done().exits(0);
}

#[test]
fn a_stopped_command_can_use_its_grace() {
    let place = Place::new();
    let script =
        format!("trap 'echo bye; exit 4' TERM; echo $$ > $1/id; kill -STOP $$; {FOR_EVER}");
    let leader = place.run("", &script).says("leading");
    let command = place.wait_for_file("id");
    until("the stop", || is_stopped(&command));
    let done = leader.gets(Signal::TERM).done().exits(4);
    assert_eq!(done.stdout, "bye\n");
}

#[test]
fn what_a_command_leaves_in_its_group_is_ended_before_the_release() {
    let place = Place::new();
    // The first ends at SIGTERM and says so, the second has to be killed.
    let script = "(trap 'echo got > $1/term; exit' TERM; echo up > $1/up1; \
                   while :; do sleep 0.1; done) & echo $! > $1/first; \
                  (trap '' TERM; echo up > $1/up; while :; do sleep 0.1; done) & \
                  echo $! > $1/second; while ! test -s $1/up -a -s $1/up1; do sleep 0.01; done; exit 3";
    let leader = place.run("--grace=300ms", script).says("leading");
    let done = leader.done().exits(3).having_said("SIGKILL");
    assert_eq!(done.stdout, "");
    place.wait_for_file("term");
    for name in ["first", "second"] {
        assert!(!lives(&place.wait_for_file(name)), "{name}");
    }
    let _ = place.run("--nonblock", "true").done().exits(0);
}

#[test]
fn a_command_is_in_a_group_of_its_own() {
    let place = Place::new();
    let script = "cut -d' ' -f5 /proc/$$/stat; echo $$";
    let done = place.run("", script).done().exits(0);
    let (group, process) = done.stdout.trim().split_once('\n').expect("two lines");
    assert_eq!(group, process);
}

#[test]
fn a_stderr_that_nobody_reads_does_not_keep_the_command_alive() {
    let place = Place::new();
    let mut command = consensus();
    command.env("CONSENSUS_LOG", "trace");
    command.args(["run", "--lease=5s", &place.url(), "--", "sh", "-c"]);
    command
        .args(["echo $$ > $1/id; yes >&2", "sh"])
        .arg(place.path(""));
    let mut child = command.stderr(Stdio::piped()).spawn().expect("it runs");
    let id = place.wait_for_file("id");
    // The pipe is full at once. A term that is not renewed would be over by now.
    std::thread::sleep(std::time::Duration::from_secs(5));
    assert!(lives(&id));
    let _ = place.run("--lease=5s --nonblock", "true").done().exits(75);
    signal(&child.id().to_string(), Signal::TERM);
    until("its end", || child.try_wait().expect("a child").is_some());
    assert!(!lives(&id));
    assert_eq!(child.wait().expect("ended").code(), Some(143));
}

/// Whoever is stopped reads no reports. That must not keep the guard from its deadline.
#[test]
fn a_leader_that_reads_nothing_does_not_hold_up_its_guard() {
    let place = Place::new();
    let leader = place
        .run(
            "--lease=10s",
            "echo $$ > $1/id; while :; do sleep 0.1; done",
        )
        .says("leading");
    let command = place.wait_for_file("id");
    let leader = leader.gets(Signal::STOP);
    // Each stop of the command is a report.
    until("the end of the command", || {
        for _ in 0..100 {
            for kind in [Signal::STOP, Signal::CONT] {
                signal_if_there(&command, kind);
                std::thread::sleep(std::time::Duration::from_micros(300));
            }
        }
        !lives(&command)
    });
    let _ = leader.gets(Signal::CONT).done().exits(70);
}

#[test]
fn a_signal_just_after_the_start_is_how_it_ends() {
    let place = Place::new();
    for _ in 0..20 {
        let leader = place.run("", "exec sleep 60").says("leading");
        let _ = leader.gets(Signal::TERM).done().exits(143);
    }
}

/// A terminal that closes, or a service manager, sends both.
#[test]
fn two_signals_are_one_wish_and_the_lease_is_released() {
    let place = Place::new();
    for _ in 0..20 {
        let leader = place
            .run("", "echo up > $1/up; exec sleep 60")
            .says("leading");
        place.wait_for_file("up");
        let done = leader.gets(Signal::TERM).gets(Signal::HUP).done();
        assert!([143, 129].contains(&done.code), "{done:#?}");
        let _ = place.run("--nonblock", "true").done().exits(0);
        std::fs::remove_file(place.path("up")).expect("there");
    }
}
