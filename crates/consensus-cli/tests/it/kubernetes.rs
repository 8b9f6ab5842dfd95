//! The program over a Lease, on a real API server.

use crate::bench::until;
use crate::lease::Place;
use rustix::process::Signal;
use serde_json::Value;
use std::fs;

fn who_waits_runs_after_the_release_of_a_lease() {
    let place = Place::new();
    let first = place.run("--absent-is-free --id=first --lease=1h", "sleep 60");
    let first = first.says("leading (token");
    assert_eq!(place.get()["spec"]["holderIdentity"], "first");
    let second = place.run("--id=second --lease=1h", "echo \"$CONSENSUS_ELECTION\"");
    let second = second.says("waiting: first leads (kubernetes:");
    let _ = first.gets(Signal::TERM).done().exits(143);
    let done = second.says("leading (token").done().exits(0);
    assert_eq!(done.stdout.trim(), place.url());
    assert_eq!(place.get()["spec"]["holderIdentity"], "");
}

/// Nobody proves a holder of a Lease dead; the guard releases in its place. The lease is so long that
/// nobody can have waited for it.
fn when_the_leader_is_killed_the_guard_releases_its_lease() {
    let place = Place::new();
    let first = place.run("--absent-is-free --id=first --lease=1h", "sleep 60");
    let first = first.says("leading (token");
    let second = place
        .run("--id=second --lease=1h", "true")
        .says("first leads");
    drop(first.gets(Signal::KILL));
    let _ = second.says("leading (token").done().exits(0);
}

fn status_shows_who_leads_a_lease() {
    let place = Place::new();
    let _ = place
        .start("status", &[])
        .done()
        .exits(69)
        .having_said("not known who leads");
    let leader = place.run("--absent-is-free --id=first --address=x:1", "sleep 60");
    let leader = leader.says("leading (token");
    let done = place.start("status --json", &[]).done().exits(0);
    let seen: Value = serde_json::from_str(&done.stdout).expect("JSON");
    assert_eq!(
        (&seen["holder"], &seen["address"]),
        (&"first".into(), &"x:1".into())
    );
    let _ = leader.gets(Signal::TERM).done().exits(143);
    let done = place.start("status", &[]).done().exits(1);
    assert!(done.stdout.contains("it was released"), "{done:#?}");
}

fn a_right_that_is_missing_is_78_and_the_role_that_is_shown_is_what_is_needed() {
    let place = Place::with_rights(&[]);
    let mut said = String::new();
    for verb in ["run --wait=30s", "status"] {
        let behind: &[&str] = if verb == "status" {
            &[]
        } else {
            &["--", "echo", "ran"]
        };
        let done = place.start(verb, behind).done().exits(78);
        assert_eq!(done.stdout, "");
        assert!(
            done.stderr.contains("\"resourceNames\":[\"app\"]"),
            "{done:#?}"
        );
        said = done.stderr;
    }
    place.apply(&role_in(&said));
    until("the rights", || {
        let run = place.run("--absent-is-free --wait=30s", "echo ran");
        run.done().code == 0
    });
}

/// The Role that an error shows.
fn role_in(said: &str) -> Value {
    let (start, end) = (said.find('{').expect(said), said.rfind('}').expect(said));
    serde_json::from_str(&said[start..=end]).expect("a Role")
}

/// That there is no Lease is no success: nobody has led here, and we cannot be the first.
fn without_the_right_to_create_a_missing_lease_is_78() {
    let place = Place::with_rights(&["get", "update"]);
    until("the right to get", || {
        place.start("status", &[]).done().code == 69
    });
    let done = place.run("--lease=1s", "echo ran").done().exits(78);
    assert_eq!(done.stdout, "");
    let done = done.having_said("cannot create resource \"leases\"");
    assert_eq!(role_in(&done.stderr)["rules"][1]["verbs"][0], "create");
}

fn who_may_only_poll_leads_after_a_release() {
    let place = Place::with_rights(&["get", "create", "update"]);
    until("the right to get", || {
        place.start("status", &[]).done().code == 69
    });
    let first = place.run("--absent-is-free --id=first", "sleep 60");
    let first = first.says("leading (token");
    let second = place.run("--id=second", "true").says("first leads");
    let _ = first.gets(Signal::TERM).done().exits(143);
    let _ = second.says("leading (token").done().exits(0);
}

/// Once a leader was seen a refusal is an outage like any other.
fn a_right_that_is_taken_from_who_waits_is_waited_for() {
    let place = Place::new();
    let first = place.run("--absent-is-free --id=first", "sleep 60");
    let first = first.says("leading (token");
    // Who may watch as well notices only when its watch ends, or when it is its turn.
    let other = place.for_another(&["get", "update"]);
    until("the right to get", || {
        other.start("status", &[]).done().code == 0
    });
    let second = other.run("--id=second", "true").says("first leads");
    other.revoke();
    let second = second.says("waiting, and trying again: Lease");
    other.grant(&["get", "update"]);
    let second = second
        .says("the trouble is over, after")
        .says("first leads");
    let _ = first.gets(Signal::TERM).done().exits(143);
    let done = second.says("leading (token").done().exits(0);
    assert_eq!(
        role_in(&done.stderr)["rules"][0]["resourceNames"][0],
        "app",
        "it says what to grant, once: {done:#?}"
    );
}

fn status_needs_only_the_right_to_get() {
    let place = Place::with_rights(&["get"]);
    // Until the API server knows of the right.
    until("the right to get", || {
        let done = place.start("status", &[]).done();
        done.code == 69 && done.stderr.contains("not known who leads")
    });
}

fn a_cluster_or_context_that_is_not_there_is_named() {
    let place = Place::new();
    let done = place
        .run("--wait=30s --context=elsewhere", "echo ran")
        .done()
        .exits(78);
    assert!(
        done.stdout.is_empty() && done.stderr.contains("context \"elsewhere\""),
        "{done:#?}"
    );
    let run = place.run(
        "--absent-is-free --context=testbed",
        "echo \"$CONSENSUS_ELECTION\"",
    );
    let done = run.done().exits(0);
    assert_eq!(
        done.stdout.trim(),
        format!("{}?context=testbed", place.url())
    );
    fs::remove_file(place.folder.path("kubeconfig")).expect("it is ours");
    let _ = place
        .start("status", &[])
        .done()
        .exits(78)
        .having_said("kubeconfig");
}

mod tests {
    consensus_testbed::tests_with_a_cluster!(
        who_waits_runs_after_the_release_of_a_lease,
        when_the_leader_is_killed_the_guard_releases_its_lease,
        status_shows_who_leads_a_lease,
        a_right_that_is_missing_is_78_and_the_role_that_is_shown_is_what_is_needed,
        without_the_right_to_create_a_missing_lease_is_78,
        who_may_only_poll_leads_after_a_release,
        a_right_that_is_taken_from_who_waits_is_waited_for,
        status_needs_only_the_right_to_get,
        a_cluster_or_context_that_is_not_there_is_named,
    );
}
