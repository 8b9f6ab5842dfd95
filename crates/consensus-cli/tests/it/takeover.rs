//! From one leader to the next.

use crate::bench::{Place, lives, signal, until};
use rustix::process::Signal;
use std::time::Duration;

#[test]
fn of_several_at_once_one_runs_at_a_time() {
    let place = Place::new();
    // A folder can be made only by one.
    let script = "mkdir $1/busy || exit 99; sleep 0.2; rmdir $1/busy";
    let all: Vec<_> = (0..4).map(|_| place.run("--lease=5s", script)).collect();
    for one in all {
        let done = one.done().exits(0);
        assert_eq!(done.stdout, "");
    }
}

#[test]
fn who_waits_is_told_for_whom_and_runs_after_the_release() {
    let place = Place::new();
    let script = "echo up > $1/first; trap 'sleep 0.5; echo end >> $1/order; exit 0' TERM; \
                  while :; do sleep 0.05; done";
    let first = place.run("--id=first", script).says("leading");
    place.wait_for_file("first");
    let second = place.run("--id=second", "echo begin >> $1/order");
    let second = second.says("waiting: first leads (file:");
    let _ = first.gets(Signal::TERM).done().exits(0);
    let _ = second.says("leading (token").done().exits(0);
    let order = std::fs::read_to_string(place.path("order")).expect("written");
    assert_eq!(order, "end\nbegin\n");
}

/// The guard ends what the dead leader ran, and then releases in its place. Leases are so long that
/// nobody can have waited for one.
#[test]
fn when_the_leader_is_killed_its_command_ends_and_another_runs_at_once() {
    let place = Place::new();
    let script =
        "trap 'echo end >> $1/order; exit' TERM; echo $$ > $1/id; while :; do sleep 0.1; done";
    let first = place.run("--id=first --lease=1h", script);
    let command = place.wait_for_file("id");
    let second = place.run("--id=second --lease=1h", "echo begin >> $1/order");
    let second = second.says("first leads");
    drop(first.gets(Signal::KILL));
    let _ = second.says("leading").done().exits(0);
    let order = std::fs::read_to_string(place.path("order")).expect("written");
    assert_eq!(order, "end\nbegin\n");
    assert!(!lives(&command));
}

/// Also when it is killed before the guard has begun: that one must not take its new parent for the leader.
#[test]
fn a_leader_that_is_killed_soon_leaves_neither_a_guard_nor_a_command() {
    for round in 0..60 {
        let place = Place::new();
        let leader = place.run("--lease=1h", "exec sleep 600");
        std::thread::sleep(Duration::from_micros(round * 500));
        // All that it started has its stdout.
        let _ = leader.gets(Signal::KILL).done().exits(-9);
    }
}

#[test]
fn a_follower_that_ends_leaves_the_leader_alone() {
    let place = Place::new();
    let leader = place
        .run("--id=first", "echo up > $1/up; sleep 60")
        .says("leading");
    let follower = place.run("", "true").says("first leads");
    let _ = follower.gets(Signal::TERM).done().exits(143);
    let _ = place.run("--nonblock", "true").done().exits(75);
    let _ = leader.gets(Signal::TERM).done().exits(143);
}

#[test]
fn what_a_command_leaves_behind_is_gone_before_another_runs() {
    let place = Place::new();
    let script = "(trap '' TERM; echo up > $1/up; while :; do sleep 0.1; done) & \
                  echo $! > $1/left; while ! test -s $1/up; do sleep 0.01; done; \
                  echo up > $1/first; while ! test -s $1/waits; do sleep 0.01; done";
    let first = place.run("--id=first --grace=500ms", script);
    let first = first.says("leading");
    place.wait_for_file("first");
    // A dead process that nobody has reaped does no more work.
    let script = "grep -qs ') [^ZX]' /proc/$(cat $1/left)/stat && echo overlap; exit 0";
    let second = place.run("--id=second", script).says("first leads");
    std::fs::write(place.path("waits"), "yes\n").expect("written");
    let _ = first.done().exits(0).having_said("SIGKILL");
    assert_eq!(second.done().exits(0).stdout, "");
}

/// It finds another parent then, whose end is not what it waits for.
#[test]
fn a_guard_whose_consensus_died_while_it_was_starting_ends() {
    let place = Place::new();
    let _leader = place.run("--id=first", "sleep 60").says("leading");
    for delay in (0..30).map(|turn| Duration::from_micros(turn * 50)) {
        let follower = place.run("", "true");
        let guard = follower.guard();
        std::thread::sleep(delay);
        signal(&guard, Signal::STOP);
        drop(follower.gets(Signal::KILL));
        signal(&guard, Signal::CONT);
        until("the end of the guard", || !lives(&guard));
    }
}

/// Anybody of our session may join our group: it is no sign of a helper of ours.
#[test]
fn what_has_joined_our_own_group_is_gone_as_well_when_the_guard_dies() {
    let place = Place::new();
    let script = "guard=$(cut -d' ' -f4 /proc/$$/stat); us=$(cut -d' ' -f4 /proc/$guard/stat); \
                  group=$(cut -d' ' -f5 /proc/$us/stat); echo $guard > $1/guard; \
                  perl -e 'setpgrp(0, shift) or die; open my $f, \">\", shift; print $f \"$$\\n\"; \
                  close $f; sleep 1 while 1' $group $1/joined > /dev/null 2>&1 & sleep 600";
    let first = place.run("--id=first --lease=1h", script).says("leading");
    let guard = place.wait_for_file("guard");
    let joined = place.wait_for_file("joined");
    signal(&guard, Signal::KILL);
    let _ = first.done().exits(137);
    assert!(!lives(&joined));
    let _ = place.run("--nonblock", "true").done().exits(0);
}

/// A leader renews, so its deadline moves on. It must not do so for ever with nothing running.
#[test]
fn a_guard_that_is_stopped_while_its_command_ends_goes_on_by_the_next_renewal() {
    let place = Place::new();
    let script = "echo $PPID > $1/guard; until test -e $1/go; do sleep 0.02; done; exit 7";
    let first = place.run("--lease=1s", script).says("leading");
    let guard = place.wait_for_file("guard");
    signal(&guard, Signal::STOP);
    std::fs::write(place.path("go"), "").expect("written");
    let _ = first.done().exits(7);
}
