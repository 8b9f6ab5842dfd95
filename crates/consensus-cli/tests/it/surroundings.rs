//! Where it is started: as the first process of a container, as a service, in a session of its own, under
//! `nohup`, in a pipeline, with closed descriptors. And what was there before it.

use crate::bench::{
    Done, Place, Started, children, clean, first_process, has, know, lives, script, signal, until,
};
use rustix::process::Signal;
use std::process::Command;

/// The init, `consensus` and the guard, below a process that has nothing else below it.
fn chain(above: &str) -> [String; 3] {
    let below = |process: &str| {
        let mut found = String::new();
        until("a process below", || {
            found = children(process).first().cloned().unwrap_or_default();
            !found.is_empty()
        });
        found
    };
    let init = below(above);
    let leader = below(&init);
    let guard = below(&leader);
    [init, leader, guard]
}

fn is_released(place: &Place) {
    let _ = place.run("--nonblock", "true").done().exits(0);
}

#[test]
fn as_the_first_process_it_reaps_and_gives_the_commands_code() {
    let place = Place::new();
    // What has ended and was not reaped can still be signalled.
    let text = "sleep 0.2 & export orphan=$!; exec $run $url -- \
                sh -c 'while kill -0 $orphan 2>/dev/null; do sleep 0.02; done; echo $PPID; exit 7'";
    let Some(command) = first_process(&script(&place, text)) else {
        return;
    };
    let done = Started::new(command).done().exits(7);
    assert_ne!(done.stdout, "1\n");
    is_released(&place);
}

#[test]
fn the_end_of_the_first_process_is_asked_for_by_a_signal() {
    let place = Place::new();
    let text = "exec $run $url -- \
                sh -c 'trap \"exit 5\" TERM; echo up > $D/up; while :; do sleep 0.05; done'";
    let Some(command) = first_process(&script(&place, text)) else {
        return;
    };
    let started = Started::new(command);
    place.wait_for_file("up");
    let [init, ..] = chain(&started.id());
    signal(&init, Signal::TERM);
    let _ = started.done().exits(5).having_said("SIGTERM: passed on");
    is_released(&place);
}

#[test]
fn the_first_process_stays_until_the_guard_is_done() {
    let place = Place::new();
    let text = "exec $run --lease=1h $url -- sh -c 'trap \"sleep 0.3; echo end > $D/end; exit\" TERM; \
                echo up > $D/up; while :; do sleep 0.05; done'";
    let Some(command) = first_process(&script(&place, text)) else {
        return;
    };
    let started = Started::new(command);
    place.wait_for_file("up");
    let [_, leader, _] = chain(&started.id());
    signal(&leader, Signal::KILL);
    let _ = started.done().exits(137);
    place.wait_for_file("end");
    is_released(&place);
}

#[test]
fn a_process_that_was_there_before_is_left_alone() {
    let place = Place::new();
    let text = "sleep 600 > /dev/null 2>&1 & echo $! > $D/before; \
                exec $run $url -- sh -c 'trap \"exit 5\" TERM; echo up > $D/up; \
                while :; do sleep 0.05; done'";
    let started = Started::new(script(&place, text));
    place.wait_for_file("up");
    let before = place.wait_for_file("before");
    let _ = started.gets(Signal::TERM).done().exits(5);
    assert!(lives(&before));
    signal(&before, Signal::KILL);
    is_released(&place);
}

#[test]
fn a_parent_that_ignores_the_end_of_children_changes_nothing() {
    let place = Place::new();
    let command = "$run $url -- sh -c 'sh -c \"exit 6\"; test $? = 6 && exit 7'";
    for before in ["", "sleep 600 > /dev/null 2>&1 & echo $! > $D/before;"] {
        let text = format!("{before} exec env --ignore-signal=CHLD {command}");
        let _ = Started::new(script(&place, &text)).done().exits(7);
    }
    signal(&place.wait_for_file("before"), Signal::KILL);
    if let Some(command) = first_process(&script(
        &place,
        &format!("exec env --ignore-signal=CHLD {command}"),
    )) {
        let _ = Started::new(command).done().exits(7);
    }
}

/// As a service manager does it: no terminal, and SIGTERM for every process at once.
#[test]
fn a_signal_to_every_process_at_once_ends_it_in_order() {
    let place = Place::new();
    let run = "exec $run --lease=1h $url -- \
               sh -c 'trap \"exit 5\" TERM; echo up > $D/up; while :; do sleep 0.05; done'";
    for round in 0..6 {
        let _ = std::fs::remove_file(place.path("up"));
        // Half of them below an init.
        let before = ["", "sleep 600 > /dev/null 2>&1 & "][round / 3];
        let started = Started::new(script(&place, &format!("{before}{run}")));
        place.wait_for_file("up");
        let mut all = vec![started.id()];
        let mut next = 0;
        while let Some(process) = all.get(next).cloned() {
            all.extend(children(&process));
            next += 1;
        }
        assert!(all.len() >= 3, "{all:?}");
        if round % 2 == 1 {
            all.reverse();
        }
        for process in all {
            crate::bench::signal_if_there(&process, Signal::TERM);
        }
        let _ = started.done().exits(5);
        is_released(&place);
    }
}

/// Whoever signals every process does so twice where an init passes it on. It is no second wish.
#[test]
fn a_signal_that_comes_twice_does_not_keep_the_lease_from_being_released() {
    let place = Place::new();
    let started = place.run("--lease=1h", "echo up > $1/up; exec sleep 600");
    let started = started.says("leading");
    place.wait_for_file("up");
    let store = place.block_writes();
    let started = started.gets(Signal::TERM).says("the command ended");
    let started = started.gets(Signal::TERM).says("waiting for the store");
    drop(store);
    let _ = started.done().exits(143);
    is_released(&place);
}

#[test]
fn who_asks_again_while_the_store_hangs_is_let_go() {
    let place = Place::new();
    let started = place.run("--lease=1h", "echo up > $1/up; exec sleep 600");
    let started = started.says("leading");
    place.wait_for_file("up");
    let store = place.block_writes();
    let started = started.gets(Signal::TERM).says("waiting for the store");
    let mut started = started.gets(Signal::INT).says("SIGINT: leaving at once");
    assert_eq!(started.code(), 143);
    // Its guard goes on trying.
    drop(store);
    until("the release", || {
        let mut next = place.run("--nonblock", "true");
        next.code() == 0
    });
}

#[test]
fn in_a_session_of_its_own_it_is_as_elsewhere() {
    let place = Place::new();
    let text = "exec setsid --wait $run $url -- sh -c 'cut -d\" \" -f8 /proc/self/stat; exit 7'";
    let done = Started::new(script(&place, text)).done().exits(7);
    assert_eq!(done.stdout, "-1\n", "no group is in front of no terminal");
    let text = "exec setsid $run $url -- sh -c 'trap \"exit 5\" TERM; echo up > $D/up; \
                while :; do sleep 0.05; done'";
    let started = Started::new(script(&place, text)).says("leading");
    place.wait_for_file("up");
    // Nobody is there to let it go on.
    let started = started.gets(Signal::TSTP).says("not pausing");
    let _ = started.gets(Signal::TERM).done().exits(5);
}

#[test]
fn under_nohup_neither_it_nor_the_command_hears_of_a_hangup() {
    let place = Place::new();
    let text = "exec nohup $run $url -- \
                sh -c 'kill -HUP $$; echo up > $D/up; until test -e $D/go; do sleep 0.02; done; exit 7'";
    let started = Started::new(script(&place, text)).says("leading");
    place.wait_for_file("up");
    let started = started.gets(Signal::HUP);
    std::fs::write(place.path("go"), "").expect("written");
    let _ = started.done().exits(7);
}

#[test]
fn in_a_pipeline_everybody_gets_the_end_and_the_broken_pipe() {
    let place = Place::new();
    let text = "yes | $run $url -- head -1 | cat; echo ${PIPESTATUS[*]}";
    let bash = |text| {
        let mut command = Command::new("bash");
        clean(&mut command);
        know(&mut command, &place);
        command.args(["-c", text]);
        command
    };
    if !has("bash") {
        return;
    }
    let done = Started::new(bash(text)).done().exits(0);
    assert_eq!(done.stdout, "y\n141 0 0\n");
    let text = "$run $url -- yes | head -1; echo ${PIPESTATUS[*]}";
    let done = Started::new(bash(text)).done().exits(0);
    assert_eq!(done.stdout, "y\n141 0\n");
    is_released(&place);
}

#[test]
fn with_closed_descriptors_it_runs_all_the_same() {
    let place = Place::new();
    for closed in ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"] {
        let text = format!(
            "exec $run $url -- sh -c 'cat; echo out; echo err >&2; echo ran >> $D/ran; exit 7' {closed}"
        );
        let Done { code, stdout, .. } = Started::new(script(&place, &text)).done();
        let out = if closed.contains(" >") || closed.starts_with('>') {
            ""
        } else {
            "out\n"
        };
        assert_eq!((code, &*stdout), (7, out), "{closed}");
    }
    let ran = std::fs::read_to_string(place.path("ran")).expect("written");
    assert_eq!(ran, "ran\n".repeat(4));
    is_released(&place);
}

/// What escaped a double kill ends with the container.
#[test]
fn when_both_are_killed_the_first_process_does_not_wait_for_what_escaped() {
    let place = Place::new();
    let text = "exec $run --lease=1h $url -- sh -c \
                'setsid sh -c \"echo \\$\\$ > $D/escaped; exec sleep 600\" > /dev/null 2>&1 & \
                echo up > $D/up; sleep 600'";
    let Some(command) = first_process(&script(&place, text)) else {
        return;
    };
    let started = Started::new(command);
    place.wait_for_file("up");
    place.wait_for_file("escaped");
    let [_, leader, guard] = chain(&started.id());
    for process in [&leader, &guard] {
        signal(process, Signal::STOP);
    }
    for process in [&guard, &leader] {
        signal(process, Signal::KILL);
    }
    let _ = started.done().exits(137);
}

/// Somebody who came in from outside and left something, as an administrator's shell does.
#[test]
fn a_stray_process_does_not_keep_the_first_process() {
    let place = Place::new();
    // A child of the program above that comes to the first process is a stray to it.
    let text = "(sleep 0.1; sh -c 'sleep 600 > /dev/null 2>&1 & echo stray > $D/stray') & \
                exec $run $url -- sh -c 'until test -s $D/stray; do sleep 0.02; done; sleep 0.2; exit 7'";
    let Some(command) = first_process(&script(&place, text)) else {
        return;
    };
    let _ = Started::new(command).done().exits(7);
    is_released(&place);
}
