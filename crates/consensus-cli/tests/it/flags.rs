//! Flags: each has its effect, on the command line and as a variable, and none reaches the command.

use crate::bench::{Done, Place, Started, consensus, lives, signal, until};
use rustix::process::Signal;
use std::fs;

/// How a flag is given.
#[derive(Clone, Copy, Debug)]
enum Given {
    OnTheLine,
    AsVariable,
}

const WAYS: [Given; 2] = [Given::OnTheLine, Given::AsVariable];

fn variable(flag: &str) -> String {
    format!("CONSENSUS_{}", flag.to_uppercase().replace('-', "_"))
}

/// `consensus run` with one flag, on a command that shows the record and what it inherited.
fn run(place: &Place, (flag, value): (&str, &str), given: Given, others: &[&str]) -> Done {
    let mut command = consensus();
    command.arg("run");
    match given {
        Given::OnTheLine if value.is_empty() => command.arg(format!("--{flag}")),
        Given::OnTheLine => command.arg(format!("--{flag}={value}")),
        Given::AsVariable if value.is_empty() => command.env(variable(flag), "1"),
        Given::AsVariable => command.env(variable(flag), value),
    };
    command.args(others).arg(place.url());
    command.args(["--", "sh", "-c", "cat \"$0\"; env"]);
    command.arg(place.record());
    let done = Started::new(command).done();
    let inherited = done.stdout.contains(&variable(flag));
    assert!(!inherited, "{flag} {given:?}: {done:#?}");
    done
}

#[test]
fn each_flag_has_its_effect_on_the_line_and_as_a_variable() {
    let rows = [
        ("lease", "20s", "lease 20s, renewed"),
        ("renew", "4s", "renewed every 4s"),
        ("renew-deadline", "9500ms", "over 9.5s after"),
        ("retry", "1s", "1s after a release"),
        ("request-timeout", "1s", "2s of a hanging store"),
        ("grace", "3s", "work has 3s to end"),
        ("id", "somebody", "somebody is a candidate"),
        ("address", "http://[::1]:80", "\"http://[::1]:80\""),
        ("verbose", "", "surely rides out"),
    ];
    for (flag, value, effect) in rows {
        for given in WAYS {
            let place = Place::new();
            let more: &[&str] = if flag == "verbose" { &[] } else { &["-v"] };
            let done = run(&place, (flag, value), given, more);
            let all = format!("{}{}", done.stdout, done.stderr);
            assert_eq!(done.code, 0, "{flag} {given:?}: {done:#?}");
            assert!(all.contains(effect), "{flag} {given:?}: {done:#?}");
        }
    }
}

#[test]
fn none_of_these_effects_is_there_without_its_flag() {
    let place = Place::new();
    let done = run(&place, ("wait", "1h"), Given::OnTheLine, &["-v"]).exits(0);
    let usual = "lease 15s, renewed every 5s, over 10s after the last confirmed renewal was sent; \
                 surely rides out 500ms of a hanging store, 3s of a refusing one";
    let done = done.having_said(usual).having_said("2s after a release");
    let done = done.having_said("work has 4s to end");
    assert!(!done.stdout.contains("http"), "no address: {done:#?}");
}

#[test]
fn patience_is_a_flag_or_a_variable() {
    let place = Place::new();
    let leader = place.run("", "sleep 600").says("leading");
    for (flag, value) in [("nonblock", ""), ("wait", "200ms")] {
        for given in WAYS {
            let _ = run(&place, (flag, value), given, &[]).exits(75);
        }
    }
    drop(leader.gets(Signal::TERM).done());
}

#[test]
fn a_record_that_is_absent_is_free_if_that_was_said() {
    for given in WAYS {
        let place = Place::new();
        // Nobody is left to say that its command is over, so somebody may lead.
        let leader = place.run("", "echo $$ > $1/id; exec sleep 600");
        let command = place.wait_for_file("id");
        let leader = leader.gets(Signal::STOP);
        signal(&leader.guard(), Signal::KILL);
        drop(leader);
        until("the end of the command", || !lives(&command));
        fs::remove_file(place.record()).expect("there is one");
        let held = place.run("--nonblock", "true").done().exits(75);
        let _ = held.having_said("somebody may still lead");
        let _ = run(&place, ("absent-is-free", ""), given, &["--nonblock"]).exits(0);
    }
}

#[test]
fn what_breaks_a_rule_is_64_with_the_rule_and_nothing_is_made() {
    let rows = [
        ("lease", "100ms", "must be from 320ms to 24 h"),
        ("renew-deadline", "14800ms", "the least lease duration"),
        ("renew", "11s", "two tries to renew do not fit"),
        ("retry", "4s", "retry interval 4s"),
        ("request-timeout", "5s", "request timeout 5s"),
        ("grace", "30s", "the least lease duration that would do is"),
        ("retry", "1us", "the retry interval is 1µs"),
        ("renew", "soon", "not a time"),
        (
            "address",
            "a\u{1b}b",
            "the address has the control character",
        ),
        ("verbose", "loud", "loud"),
    ];
    for (flag, value, why) in rows {
        for given in WAYS {
            if matches!((flag, given), ("verbose", Given::OnTheLine)) {
                continue;
            }
            let place = Place::new();
            let done = run(&place, (flag, value), given, &[]).exits(64);
            let done = done.having_said(why);
            assert_eq!(done.stdout, "", "{flag} {given:?}");
            assert!(!done.stderr.contains('\u{1b}'), "{done:#?}");
            assert_eq!(place.files(), 0, "{flag} {given:?}");
        }
    }
}

#[test]
fn without_a_flag_it_is_said_who_leads_what_is_waited_for_and_why_a_term_ended() {
    let place = Place::new();
    let flags = "--id=first --address=http://first";
    let leader = place.run(flags, "echo > $1/up; sleep 600").says("leading");
    place.wait_for_file("up");
    let follower = place.run("", "exit 3");
    let follower = follower.says("waiting: first at http://first leads (file:");
    let leader = leader.gets(Signal::TERM).done().exits(143);
    let _ = leader.having_said("SIGTERM: passed on to the command, which has 4s to end");
    let follower = follower.done().exits(3);
    let follower = follower.having_said("leading (token ");
    let _ = follower.having_said("the command ended with exit code 3, and the term with it");
}

#[test]
fn quiet_says_only_what_goes_wrong_and_why_a_term_ended() {
    for given in WAYS {
        let place = Place::new();
        let done = run(&place, ("quiet", ""), given, &[]).exits(0);
        assert_eq!(done.stderr, "", "all is well");
    }
    let place = Place::new();
    let leader = place.run("-q --id=first", "echo > $1/up; sleep 600");
    place.wait_for_file("up");
    let lost = place.run("-q --nonblock", "true").done().exits(75);
    let said = lost.stderr.lines().collect::<Vec<_>>();
    assert!(matches!(said[..], [line] if line.contains("first leads")));
    fs::write(place.record(), "dear diary").expect("written");
    let leader = leader.done().exits(70);
    let _ = leader.having_said("leadership lost");
}

#[test]
fn verbose_tells_of_every_try_and_its_repetition_logs() {
    let place = Place::new();
    let blocked = place.run(
        "-v --lease=60s --renew=500ms --request-timeout=1s",
        "echo > $1/up; sleep 600",
    );
    place.wait_for_file("up");
    let mutex = place.block_writes();
    let blocked = blocked.says("not renewed, leading for");
    drop(mutex);
    let blocked = blocked.says("renewed: the trouble is over, after");
    let done = blocked.gets(Signal::TERM).done().exits(143);
    let done = done.having_said("nothing is held any more");
    assert!(!done.stderr.contains(" INFO "), "{done:#?}");
    let place = Place::new();
    let _ = place.run("-vv", "true").done().having_said(" INFO ");
    let done = place.run("-vvv", "true").done();
    let _ = done.having_said("DEBUG").having_said("surely rides out");
}

#[test]
fn quiet_and_verbose_contradict_each_other_unless_one_is_a_flag() {
    let place = Place::new();
    for flags in ["-q -v", "-vq", "--quiet --verbose"] {
        let done = place.run(flags, "true").done().exits(64);
        let _ = done.having_said("--quiet and --verbose (or their variables) contradict");
    }
    assert_eq!(place.files(), 0);
    let both = [("CONSENSUS_QUIET", "1"), ("CONSENSUS_VERBOSE", "2")];
    let with = |flag: &[&str]| {
        let mut command = consensus();
        command.envs(both).arg("run").args(flag).arg(place.url());
        command.args(["--", "true"]);
        Started::new(command).done()
    };
    let _ = with(&[]).exits(64).having_said("CONSENSUS_VERBOSE");
    assert_eq!(with(&["-q"]).exits(0).stderr, "");
    let _ = with(&["-v"]).exits(0).having_said("surely rides out");
}

#[test]
fn a_named_level_comes_before_a_repeated_v() {
    let place = Place::new();
    let mut command = consensus();
    command.env("CONSENSUS_LOG", "off");
    command.args(["run", "-vv", &place.url(), "--", "true"]);
    let done = Started::new(command).done().exits(0);
    assert!(!done.stderr.contains("INFO"), "{done:#?}");
}

#[test]
fn a_recovered_store_is_news_to_a_follower_that_wants_to_know() {
    let place = Place::new();
    let _ = place.run("", "true").done().exits(0);
    let mutex = place.block_writes();
    let follower = place.run("-v --lease=6s", "true");
    let follower = follower.says("waiting, and trying again");
    let follower = follower.says("tried in vain");
    drop(mutex);
    let _ = follower.done().exits(0);
}
