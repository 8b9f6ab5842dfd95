//! `status`: who leads, for people and for programs.

use crate::bench::{Done, Place, Started, clean, consensus, lives, outcome, until};
use rustix::process::{Signal, geteuid};
use serde_json::Value;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

/// The fields of a JSON object, in the order in which they stand.
pub fn names(json: &str) -> Vec<&str> {
    let quoted: Vec<&str> = json.split('"').collect();
    let before_colon = quoted.windows(2).filter(|pair| pair[1].starts_with(':'));
    before_colon.map(|pair| pair[0]).collect()
}

fn json(place: &Place) -> (i32, Value) {
    let done = outcome(&["status", "--json", &place.url()]);
    assert_eq!(done.stderr, "");
    let json = serde_json::from_str(&done.stdout).expect("JSON");
    (done.code, json)
}

#[test]
fn before_while_and_after() {
    let place = Place::new();
    let (code, before) = json(&place);
    assert_eq!(code, 1);
    let nothing = serde_json::json!({
        "election": place.url(), "leads": false, "holder": null, "address": null, "token": null,
        "since": null, "renewed": null, "lease_seconds": null,
    });
    assert_eq!(before, nothing);
    let people = outcome(&["status", &place.url()]).exits(1);
    assert!(
        people.stdout.starts_with("nobody leads file:"),
        "{people:#?}"
    );
    assert_eq!(place.files(), 0, "looking creates nothing");

    let script = "echo $CONSENSUS_TOKEN > $1/token; exec sleep 60";
    let flags = "--id=first --lease=20s --address=http://first";
    let leader = place.run(flags, script).says("leading");
    let token = place.wait_for_file("token");
    let (code, during) = json(&place);
    assert_eq!(code, 0, "{during}");
    assert_eq!(during["leads"], true);
    assert_eq!(during["holder"], "first");
    assert_eq!(during["token"].to_string(), token);
    assert_eq!(during["lease_seconds"], 20.0);
    assert_eq!(during["address"], "http://first");
    for time in ["since", "renewed"] {
        let text = during[time].as_str().expect("text");
        text.parse::<jiff::Timestamp>().expect("RFC 3339");
    }
    let people = outcome(&["status", &place.url()]).exits(0).stdout;
    for words in [
        "first leads file:",
        "address  http://first",
        &token,
        "ago)",
        "lease    20s",
    ] {
        assert!(people.contains(words), "{words}: {people}");
    }

    let _ = leader.gets(Signal::TERM).done().exits(143);
    let (code, after) = json(&place);
    assert_eq!(code, 1, "{after}");
    assert_eq!(after["leads"], false);
    assert_eq!(after["holder"], Value::Null);
    assert_eq!(after["token"].to_string(), token, "the last one");
}

#[test]
fn a_holder_that_renews_no_more_does_not_lead_for_ever() {
    let place = Place::new();
    let leader = place.run("--id=first --lease=1s", "echo $$ > $1/id; exec sleep 60");
    let command = place.wait_for_file("id");
    let leader = leader.gets(Signal::STOP);
    until("the end of its lease", || json(&place).0 == 1);
    let (_, after) = json(&place);
    assert_eq!(after["leads"], false);
    assert_eq!(after["holder"], "first", "it is still named");
    until("the end of its command", || !lives(&command));
    let _ = leader.gets(Signal::CONT).done().exits(70);
}

#[test]
fn the_fields_come_in_the_order_that_was_promised() {
    let place = Place::new();
    let order = [
        "election",
        "leads",
        "holder",
        "address",
        "token",
        "since",
        "renewed",
        "lease_seconds",
    ];
    let before = outcome(&["status", "--json", &place.url()]).exits(1).stdout;
    assert_eq!(names(&before), order, "{before}");
    let leader = place.run("--address=a:1", "sleep 600").says("leading");
    let during = outcome(&["status", "--json", &place.url()]).exits(0).stdout;
    assert_eq!(names(&during), order, "{during}");
    assert_eq!(during.lines().count(), 1, "{during}");
    let _ = leader.gets(Signal::TERM).done();
}

#[test]
fn what_others_wrote_is_shown_and_not_obeyed() {
    let place = Place::new();
    let flags = "--id=HOLDER --address=ADDRESS --lease=1h";
    let leader = place.run(flags, "sleep 600").says("leading");
    let record = fs::read_to_string(place.record()).expect("a record");
    // The library refuses control characters in a record, and lets these pass.
    let evil = record
        .replace("HOLDER", "evil\\u202etxt")
        .replace("ADDRESS", "http://x\\udb40\\udc41\\u200b");
    let aside = place.path("aside");
    fs::write(&aside, evil).expect("written");
    fs::rename(&aside, place.record()).expect("replaced");
    let people = outcome(&["status", &place.url()]).exits(0).stdout;
    let (holder, address) = (
        "evil\\u{202e}txt leads",
        "address  http://x\\u{e0041}\\u{200b}\n",
    );
    assert!(
        people.contains(holder) && people.contains(address),
        "{people}"
    );
    let programs = outcome(&["status", "--json", &place.url()]);
    let programs = programs.exits(0).stdout;
    let harmless = |c: char| c == '\n' || (c.is_ascii() && !c.is_control());
    assert!(programs.chars().all(harmless), "{programs:?}");
    let json: Value = serde_json::from_str(&programs).expect("JSON");
    assert_eq!(json["holder"], "evil\u{202e}txt");
    assert_eq!(json["address"], "http://x\u{e0041}\u{200b}");
    let follower = place.run("--nonblock", "true").done().exits(75);
    let _ = follower.having_said("evil\\u{202e}txt at http://x\\u{e0041}\\u{200b} leads");
    drop(leader);
}

#[test]
fn what_is_wrong_with_the_place_is_78_and_nothing_is_printed() {
    let place = Place::new();
    fs::write(place.path("garbage"), "dear diary").expect("written");
    fs::write(place.path("newer"), "{\"consensus\":99}").expect("written");
    fs::create_dir(place.path("folder")).expect("made");
    let rows = [
        ("garbage", "is left as it is, because it is not a record"),
        ("newer", "is left as it is"),
        ("missing/leader.json", "is missing; create it, or name"),
        ("folder", "folder"),
        ("garbage/leader.json", "is a file; name a file in a folder"),
    ];
    for (name, why) in rows {
        let url = format!("file:{}", place.path(name).display());
        for json in [&[][..], &["--json"]] {
            let done = outcome(&[&["status"], json, &[&url]].concat()).exits(78);
            assert_eq!(done.stdout, "", "{name}: {done:#?}");
            let _ = done.having_said(why);
        }
    }
}

#[test]
fn a_store_that_gives_no_answer_is_69_and_nothing_is_printed() {
    let place = Place::new();
    let with_files = |limit: u32| {
        let mut command = Command::new("sh");
        clean(&mut command);
        let script = "ulimit -n $0; exec \"$1\" status --json \"$2\"";
        command.args(["-c", script, &limit.to_string()]);
        command.args([env!("CARGO_BIN_EXE_consensus"), &place.url()]);
        Started::new(command).done()
    };
    // Less and less may be open, until the store is the first that has not enough.
    let mut done = with_files(64).exits(1);
    for limit in (0..64).rev() {
        done = with_files(limit);
        if done.code != 1 {
            break;
        }
    }
    let done = done.exits(69).having_said("too many files are open");
    assert_eq!(done.stdout, "");
}

#[test]
fn a_record_that_is_gone_under_a_leader_is_not_nobody() {
    let place = Place::new();
    let script = "echo $$ > $1/id; exec sleep 600";
    let leader = place.run("--lease=1h", script).says("leading");
    let command = place.wait_for_file("id");
    // It does not notice, and goes on leading for all it knows.
    let leader = leader.gets(Signal::STOP);
    fs::remove_file(place.record()).expect("there is one");
    let done = outcome(&["status", "--json", &place.url()]).exits(69);
    assert_eq!(done.stdout, "");
    let _ = done.having_said("it is not known who leads");
    drop(leader);
    until("the end of the command", || !lives(&command));
    let done = outcome(&["status", &place.url()]).exits(69);
    let _ = done.having_said("whoever led may not know that");
}

/// `consensus status`; root, who may read everything, asks as somebody else.
fn as_who_may_be_refused(program: &Path, url: &str) -> Done {
    let mut command = Command::new(program);
    clean(&mut command);
    command.current_dir("/").args(["status", url]);
    if geteuid().is_root() {
        command.uid(65534).gid(65534);
    }
    Started::new(command).done()
}

#[test]
fn who_may_read_the_file_may_look_and_who_may_not_is_told_so() {
    let place = Place::new();
    let mode = |path: &Path, mode: u32| {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("ours");
    };
    // Where the program was built somebody else may have no business.
    let program = place.path("program");
    fs::copy(consensus().get_program(), &program).expect("copied");
    mode(&program, 0o755);
    mode(&place.path(""), 0o755);
    let leader = place.run("--id=first --lease=1h", "sleep 600");
    let leader = leader.says("leading");
    mode(&place.record(), 0);
    let done = as_who_may_be_refused(&program, &place.url()).exits(78);
    assert_eq!(done.stdout, "");
    let _ = done.having_said("to look, the right to read is enough");
    mode(&place.record(), 0o644);
    let done = as_who_may_be_refused(&program, &place.url()).exits(0);
    assert!(done.stdout.starts_with("first leads file:"), "{done:#?}");
    let _ = leader.gets(Signal::TERM).done().exits(143);
    let done = as_who_may_be_refused(&program, &place.url()).exits(1);
    assert!(done.stdout.contains("it was released"), "{done:#?}");
}
