//! `status`: who leads, for people and for programs.

use crate::bench::{Place, outcome};
use rustix::process::Signal;
use serde_json::Value;

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
    let leader = place.run("--id=first --lease=20s", script).says("leading");
    let token = place.wait_for_file("token");
    let (code, during) = json(&place);
    assert_eq!(code, 0, "{during}");
    assert_eq!(during["leads"], true);
    assert_eq!(during["holder"], "first");
    assert_eq!(during["token"].to_string(), token);
    assert_eq!(during["lease_seconds"], 20.0);
    for time in ["since", "renewed"] {
        let text = during[time].as_str().expect("text");
        text.parse::<jiff::Timestamp>().expect("RFC 3339");
    }
    let people = outcome(&["status", &place.url()]).exits(0).stdout;
    for words in ["first leads file:", &token, "ago)", "lease    20s"] {
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
    drop(leader.gets(Signal::KILL));
    crate::bench::until("the end of its lease", || json(&place).0 == 1);
    let (_, after) = json(&place);
    assert_eq!(after["leads"], false);
    assert_eq!(after["holder"], "first", "it is still named");
    crate::bench::signal(&command, Signal::KILL);
}
