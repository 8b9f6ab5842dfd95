//! Leases as electors of either kind leave them, and as people edit them.

use super::{changed, new, read, write};
use crate::annotation::KEY;
use consensus::store::{Nonce, Record};
use consensus::{Token, WorkScope};
use serde_json::{Value, json};
use std::time::Duration;

fn ours(number: u64) -> Record {
    Record {
        holder: Some("a".into()),
        address: None,
        nonce: Some(Nonce::from_bits(u128::from(number))),
        lease_duration: Duration::from_secs(15),
        token: Some(Token::new(7)),
        work: WorkScope::Process,
        acquired_ms: 1_000,
        renewed_ms: 1_000 * number,
    }
}

fn released(number: u64) -> Record {
    Record {
        holder: None,
        ..ours(number)
    }
}

/// A Lease as the server has it after our write.
fn held() -> Value {
    let mut lease = write(&ours(1), &new("n", "l"));
    lease["metadata"]["resourceVersion"] = "5".into();
    lease
}

/// What client-go's electors do to it: these fields and no others.
fn by_client_go(mut lease: Value, holder: &str, seconds: i64, transitions: i64) -> Value {
    lease["spec"]["holderIdentity"] = holder.into();
    lease["spec"]["leaseDurationSeconds"] = seconds.into();
    lease["spec"]["acquireTime"] = "2026-01-01T00:00:00.123456Z".into();
    lease["spec"]["renewTime"] = "2026-01-01T00:00:09.123456Z".into();
    lease["spec"]["leaseTransitions"] = transitions.into();
    lease
}

#[test]
fn what_was_written_is_read_and_a_release_is_one() {
    assert_eq!(read(&held()), Ok(Some(ours(1))));
    let lease = write(&released(2), &held());
    assert_eq!(read(&lease), Ok(Some(released(2))));
    assert_eq!(lease["spec"]["holderIdentity"], "");
    assert_eq!(lease["spec"]["leaseDurationSeconds"], 1);
}

#[test]
fn transitions_count_as_client_go_counts_them() {
    let lease = held();
    assert_eq!(lease["spec"]["leaseTransitions"], 0, "the first holder");
    let renewed = write(&ours(2), &lease);
    assert_eq!(renewed["spec"]["leaseTransitions"], 0, "the same holder");
    let free = write(&released(3), &renewed);
    assert_eq!(
        free["spec"]["leaseTransitions"], 0,
        "a release is no transition"
    );
    let again = write(&ours(4), &free);
    assert_eq!(
        again["spec"]["leaseTransitions"], 1,
        "also the same one after a release"
    );
}

#[test]
fn a_takeover_that_carries_our_annotation_along_is_no_write_of_ours() {
    let taken = read(&by_client_go(held(), "b", 15, 1))
        .expect("a record")
        .expect("a holder");
    assert_eq!(
        (taken.holder.as_deref(), taken.nonce, taken.token),
        (Some("b"), None, None)
    );
    assert_eq!(taken.work, WorkScope::Beyond);
    // Even under our own identity.
    let taken = read(&by_client_go(held(), "a", 15, 0))
        .expect("a record")
        .expect("a holder");
    assert_eq!(taken.nonce, None);
}

#[test]
fn client_gos_release_counts_where_it_did_lead() {
    let nobody = |lease: &Value| read(lease).expect("readable").map(|record| record.holder);
    let mut bare = held();
    bare["metadata"]["annotations"] = json!({});
    assert_eq!(
        nobody(&by_client_go(bare, "", 1, 3)),
        Some(None),
        "no annotation of ours"
    );
    assert_eq!(
        nobody(&by_client_go(held(), "", 1, 1)),
        Some(None),
        "it had acquired over us"
    );
    assert_eq!(
        nobody(&by_client_go(held(), "", 1, 0)),
        None,
        "it erased a leader of ours"
    );
    assert_eq!(
        nobody(&by_client_go(held(), "", 15, 1)),
        None,
        "emptied by hand"
    );
}

#[test]
fn a_lease_that_a_manifest_made_is_absent() {
    assert_eq!(read(&new("n", "l")), Ok(None));
    assert_eq!(read(&json!({ "metadata": {} })), Ok(None));
    assert_eq!(
        read(&json!({ "spec": { "leaseDurationSeconds": 1 } })),
        Ok(None)
    );
}

#[test]
fn what_no_elector_can_have_written_is_named() {
    let rows = [
        (
            json!({ "spec": { "holderIdentity": "x" } }),
            "no leaseDurationSeconds",
        ),
        (
            json!({ "spec": { "renewTime": "soon" } }),
            "which is no time",
        ),
        (
            json!({ "metadata": { "annotations": { KEY: "{" } } }),
            "no JSON",
        ),
        (
            json!({ "metadata": { "annotations": { KEY: "{\"format\":\"consensus/2\"}" } } }),
            "consensus/2",
        ),
    ];
    for (lease, why) in rows {
        let error = read(&lease).expect_err(why);
        assert!(error.contains(why), "{error}");
    }
}

#[test]
fn an_edit_of_any_field_that_counts_makes_it_somebody_elses() {
    let edits: [(&str, Value); 4] = [
        ("holderIdentity", "b".into()),
        ("leaseDurationSeconds", 16.into()),
        ("renewTime", "1970-01-01T00:00:01.000001Z".into()),
        ("leaseTransitions", 1.into()),
    ];
    for (field, value) in edits {
        let mut lease = held();
        lease["spec"][field] = value;
        let record = read(&lease).expect("readable").expect("a holder");
        assert_eq!(record.nonce, None, "{field}");
    }
}

#[test]
fn an_annotation_cannot_shorten_what_the_lease_says() {
    let mut lease = held();
    let text = lease["metadata"]["annotations"][KEY]
        .as_str()
        .expect("ours");
    lease["metadata"]["annotations"][KEY] = text.replace("15000", "1000").into();
    let record = read(&lease).expect("readable").expect("a holder");
    assert_eq!(
        (record.nonce, record.lease_duration),
        (None, Duration::from_secs(15))
    );
}

#[test]
fn what_is_not_ours_survives_a_write() {
    let mut lease = held();
    lease["metadata"]["labels"] = json!({ "team": "x" });
    lease["metadata"]["annotations"]["other"] = "y".into();
    lease["spec"]["strategy"] = "OldestEmulationVersion".into();
    lease["spec"]["fromTheFuture"] = json!([1]);
    let text = lease["metadata"]["annotations"][KEY]
        .as_str()
        .expect("ours");
    lease["metadata"]["annotations"][KEY] = text.replacen('{', "{\"color\":\"green\",", 1).into();
    let after = write(&ours(2), &lease);
    assert_eq!(after["metadata"]["labels"]["team"], "x");
    assert_eq!(after["metadata"]["annotations"]["other"], "y");
    assert_eq!(after["spec"]["strategy"], "OldestEmulationVersion");
    assert_eq!(after["spec"]["fromTheFuture"], json!([1]));
    assert!(
        after["metadata"]["annotations"][KEY]
            .as_str()
            .is_some_and(|text| text.contains("green"))
    );
}

#[test]
fn an_answer_that_differs_from_what_was_sent_is_named_by_its_field() {
    let sent = held();
    assert_eq!(changed(&sent, &sent), None);
    let mut answer = sent.clone();
    answer["spec"]["renewTime"] = "1970-01-01T00:00:01Z".into();
    assert_eq!(
        changed(&sent, &answer),
        None,
        "the same time in other letters"
    );
    answer["spec"]["leaseDurationSeconds"] = 60.into();
    assert_eq!(
        changed(&sent, &answer).as_deref(),
        Some("spec.leaseDurationSeconds")
    );
    let mut answer = sent.clone();
    answer["metadata"]["annotations"] = json!({});
    assert!(changed(&sent, &answer).is_some_and(|field| field.contains(KEY)));
}
