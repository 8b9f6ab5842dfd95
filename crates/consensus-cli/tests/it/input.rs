//! Bad input: each is refused by name, nothing runs, and nothing is changed.

use crate::bench::{Place, Started, consensus, outcome};
use std::fs;
use std::os::unix::fs::symlink;

#[test]
fn a_wrong_flag_is_64_and_says_which_why_and_what_instead() {
    let place = Place::new();
    let long = "x".repeat(300);
    let rows: &[(&[&str], &str)] = &[
        (&["--lease", "0s"], "no time at all"),
        (&["--lease", "-1s"], "cannot be negative"),
        (&["--lease", "nan"], "not a time"),
        (&["--lease", "1e99s"], "not a time"),
        (&["--lease", "15"], "not a time"),
        (&["--lease", ""], "not a time"),
        (&["--lease", "100ms"], "320ms"),
        (&["--lease", "25h"], "24 h"),
        (&["--grace", "0s"], "no time at all"),
        (
            &["--grace", "30s"],
            "the least lease duration that would do is 105.9s",
        ),
        (&["--wait", "0s"], "no time at all"),
        (&["--wait", "9000000h"], "more than a year"),
        (&["--wait", "1s", "--nonblock"], "contradict"),
        (&["--id", ""], "identity is empty"),
        (&["--id", "a\u{1b}[2Jb"], "control character"),
        (&["--id", &long], "300 bytes"),
        (&["--no-such-flag"], "--no-such-flag"),
    ];
    for (flags, why) in rows {
        let mut arguments = vec!["run"];
        arguments.extend(*flags);
        let url = place.url();
        arguments.extend([&*url, "--", "echo", "ran"]);
        let done = outcome(&arguments);
        assert_eq!((done.code, &*done.stdout), (64, ""), "{flags:?} {done:#?}");
        assert!(done.stderr.contains(why), "{flags:?} {done:#?}");
        assert!(!done.stderr.contains('\u{1b}'), "{flags:?} {done:#?}");
    }
    assert_eq!(place.files(), 0, "nothing was created");
}

#[test]
fn a_wrong_variable_is_64_and_named() {
    let place = Place::new();
    for (name, value) in [("CONSENSUS_LEASE", "0s"), ("CONSENSUS_LOG", "loud")] {
        let mut command = consensus();
        command.env(name, value);
        command.args(["run", &place.url(), "--", "echo", "ran"]);
        let done = Started::new(command).done().exits(64).having_said(name);
        assert_eq!(done.stdout, "");
    }
}

#[test]
fn a_wrong_line_is_64() {
    let place = Place::new();
    let url = place.url();
    let rows: &[(&[&str], &str)] = &[
        (&[], "Usage: consensus"),
        (&["lead"], "lead"),
        (&["run"], "<URL>"),
        (&["run", &url], "<COMMAND>"),
        (&["run", &url, "--"], "<COMMAND>"),
        (&["run", &url, "true"], "true"),
        (
            &["run", "kubernetes://a", "--", "true"],
            "the Lease's name is missing",
        ),
        (&["run", "/tmp/x", "--", "true"], "write file:PATH"),
        (&["run", "file:", "--", "true"], "the path is missing"),
        (&["run", "file://host/x", "--", "true"], "another machine"),
        (
            &["status", "--context=x", &url],
            "--context is for kubernetes://",
        ),
        (&["status"], "<URL>"),
        (&["status", "etcd://x"], "etcd: is no store"),
    ];
    for (arguments, why) in rows {
        let done = outcome(arguments);
        assert_eq!(
            (done.code, &*done.stdout),
            (64, ""),
            "{arguments:?} {done:#?}"
        );
        assert!(done.stderr.contains(why), "{arguments:?} {done:#?}");
    }
}

#[test]
fn a_wrong_place_is_78_and_stays_as_it_is() {
    let place = Place::new();
    fs::create_dir(place.path("folder")).expect("made");
    fs::write(place.path("garbage"), "dear diary").expect("written");
    fs::write(place.path("target"), "").expect("written");
    symlink(place.path("target"), place.path("link")).expect("linked");
    let rows = [
        ("missing/leader.json", "missing; create it"),
        ("garbage/leader.json", "garbage"),
        ("folder", "folder"),
        ("link", "symbolic link"),
        ("garbage", "not a record"),
    ];
    for (name, why) in rows {
        let url = format!("file:{}", place.path(name).display());
        for patience in ["--wait=30s", "--nonblock"] {
            let done = outcome(&["run", patience, &url, "--", "echo", "ran"]);
            assert_eq!((done.code, &*done.stdout), (78, ""), "{name} {done:#?}");
            assert!(done.stderr.contains(why), "{name} {done:#?}");
        }
        let done = outcome(&["status", &url]);
        assert_eq!((done.code, &*done.stdout), (78, ""), "{name} {done:#?}");
    }
    let content = fs::read_to_string(place.path("garbage")).expect("still there");
    assert_eq!(content, "dear diary");
    assert_eq!(
        fs::read_to_string(place.path("target")).expect("still there"),
        ""
    );
}

#[test]
fn what_goes_wrong_after_the_first_answer_is_waited_for() {
    let place = Place::new();
    let leader = place.run("--id=first", "sleep 60").says("leading");
    let follower = place.run("--wait=5s", "echo ran").says("first leads");
    fs::write(place.record(), "dear diary").expect("written");
    let _ = leader.done().exits(70);
    let follower = follower.says("trying again");
    let done = follower.done().exits(75).having_said("not a record");
    assert_eq!(done.stdout, "");
}

#[test]
fn a_refused_permission_is_78() {
    if rustix::process::geteuid().is_root() {
        println!("skipped: root is refused nothing");
        return;
    }
    let done = outcome(&[
        "run",
        "--wait=30s",
        "file:/leader.json",
        "--",
        "echo",
        "ran",
    ]);
    assert_eq!((done.code, &*done.stdout), (78, ""), "{done:#?}");
}

#[test]
fn what_others_wrote_does_not_reach_a_terminal_raw() {
    let place = Place::new();
    // The library refuses such an identity; a stranger's record may carry one.
    let leader = place
        .run("--id=HOLDER --lease=3s", "sleep 60")
        .says("leading");
    let record = fs::read_to_string(place.record()).expect("a record");
    let evil = record.replace("HOLDER", "evil\\u001b[2J\\u009b2J");
    assert_ne!(record, evil);
    let aside = place.path("aside");
    fs::write(&aside, evil).expect("written");
    fs::rename(&aside, place.record()).expect("replaced");
    let follower = place.run("--wait=2s --lease=3s", "true").done();
    for done in [
        follower,
        outcome(&["status", &place.url()]),
        outcome(&["status", "--json", &place.url()]),
    ] {
        let all = done.stdout + &done.stderr;
        assert!(!all.contains(['\u{1b}', '\u{9b}']), "{all:?}");
    }
    drop(leader);
}
