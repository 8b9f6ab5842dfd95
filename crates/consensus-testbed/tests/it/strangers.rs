//! What others do to a Lease: label it, own it, delete it, or change what is written to it.

use crate::place::{Place, Rival, reach, soon, until};
use consensus::store::Store as _;
use consensus::{Config, ErrorKind, Manager};
use consensus_testbed::Cluster;
use http::Method;
use serde_json::json;
use std::time::Duration;
use tokio::time::sleep;

const LEASE: Duration = Duration::from_secs(15);

#[tokio::test]
async fn a_lease_that_a_manifest_made_is_led_and_stays_its_makers() {
    let place = Place::new();
    place.create(&json!({}));
    place.patch(&json!({ "metadata": { "labels": { "team": "x" }, "annotations": { "a": "b" } } }));
    let mut ours = Rival::new("pod-1", LEASE, place.store());
    ours.leads().await;
    ours.releases().await;
    let lease = place.get();
    assert_eq!(lease["metadata"]["labels"]["team"], "x");
    assert_eq!(lease["metadata"]["annotations"]["a"], "b");
}

#[tokio::test]
async fn who_labels_annotates_and_owns_a_lease_costs_its_leader_no_term() {
    let place = Place::new();
    let config = Config::new("pod-1").lease_duration(Duration::from_secs(3));
    let config = config.absent(consensus::Absent::Free);
    let manager = Manager::new(place.store().into_backend(), config).expect("good times");
    let term = soon(manager.start().wait_for_leadership())
        .await
        .expect("it leads");
    let renewed = || place.get()["spec"]["renewTime"].clone();
    let first = renewed();
    // For longer than a lease: its leader writes in between.
    for number in 0..40 {
        let owner = json!([{ "apiVersion": "v1", "kind": "ConfigMap", "name": "x", "uid": "y" }]);
        let text = json!({ "number": number.to_string() });
        place.patch(&json!({
            "metadata": { "labels": text, "annotations": text, "ownerReferences": owner },
        }));
        sleep(Duration::from_millis(100)).await;
    }
    assert!(term.is_current());
    assert_ne!(renewed(), first);
    let metadata = place.get()["metadata"].clone();
    assert_eq!(metadata["labels"]["number"], "39");
    assert_eq!(metadata["annotations"]["number"], "39");
    assert_eq!(metadata["ownerReferences"][0]["name"], "x");
    manager.stop().await.expect("it releases");
}

#[tokio::test]
async fn a_lease_that_is_created_has_its_label_and_owner() {
    let place = Place::new();
    let path = format!("/api/v1/namespaces/{}/configmaps", place.namespace);
    let owner = json!({ "metadata": { "name": "owner" } });
    let owner = place.control.must(&Method::POST, &path, Some(&owner));
    let uid = owner["metadata"]["uid"].as_str().expect("a uid");
    let store = place
        .store()
        .label("app", "x")
        .owner("v1", "ConfigMap", "owner", uid);
    Rival::new("pod-1", LEASE, store).leads().await;
    let metadata = place.get()["metadata"].clone();
    assert_eq!(metadata["labels"], json!({ "app": "x" }));
    assert_eq!(metadata["ownerReferences"][0]["uid"], uid);
}

#[tokio::test]
async fn events_tell_who_became_leader_and_who_stopped_leading() {
    let place = Place::new();
    let mut ours = Rival::new("pod-1", LEASE, place.store());
    let token = ours.leads().await;
    ours.renews(token).await;
    ours.releases().await;
    let path = format!("/api/v1/namespaces/{}/events", place.namespace);
    let list = || {
        let list = place.control.must(&Method::GET, &path, None);
        list["items"].as_array().expect("a list").clone()
    };
    // They are sent in the background.
    until(|| list().len() >= 2).await;
    let events = list();
    let mut told: Vec<_> = events
        .iter()
        .filter_map(|event| event["message"].as_str())
        .collect();
    told.sort_unstable();
    assert_eq!(told, ["pod-1 became leader", "pod-1 stopped leading"]);
    for event in &events {
        assert_eq!(event["reason"], "LeaderElection");
        assert_eq!(event["involvedObject"]["kind"], "Lease");
        assert_eq!(
            event["involvedObject"]["uid"],
            place.get()["metadata"]["uid"]
        );
    }
}

#[tokio::test]
async fn tokens_rise_when_the_lease_is_deleted_and_made_again() {
    let place = Place::new();
    let mut last = consensus::Token::default();
    for identity in ["pod-1", "pod-2", "pod-1"] {
        let mut ours = Rival::new(identity, LEASE, place.store());
        let token = ours.leads().await;
        assert!(token > last, "after {last} came {token}");
        last = token;
        place.delete();
    }
}

#[tokio::test]
async fn a_lease_that_was_deleted_under_its_leader_is_not_taken_at_once() {
    let place = Place::new();
    let mut ours = Rival::new("pod-1", LEASE, place.store());
    let token = ours.leads().await;
    let mut follower = Rival::new("pod-2", LEASE, place.store());
    follower.is_refused().await;
    place.delete();
    assert_eq!(follower.is_refused().await, None);
    let renewal = ours.renews(token).await;
    assert!(matches!(renewal, consensus::backend::Renewal::Lost { .. }));
}

/// A pod that starts just then cannot know who led.
#[tokio::test]
async fn a_lease_that_is_absent_at_first_sight_counts_as_held() {
    let place = Place::new();
    let mut newcomer = Rival::new("pod-3", Duration::from_secs(2), place.store());
    newcomer.candidate.absent = consensus::Absent::Held;
    newcomer.is_refused().await;
    sleep(Duration::from_secs(1)).await;
    newcomer.is_refused().await;
    sleep(Duration::from_millis(1500)).await;
    newcomer.leads().await;
}

/// As a restored backup brings it back: our own write, but not the last one.
#[tokio::test]
async fn a_record_of_ours_that_was_put_back_is_not_believed() {
    let place = Place::new();
    let mut ours = Rival::new("pod-1", LEASE, place.store());
    let token = ours.leads().await;
    let old = place.get();
    ours.renews(token).await;
    ours.renews(token).await;
    let annotations = old["metadata"]["annotations"].clone();
    place.patch(&json!({ "metadata": { "annotations": annotations }, "spec": old["spec"] }));
    let renewal = ours.renews(token).await;
    assert!(matches!(renewal, consensus::backend::Renewal::Lost { .. }));
    assert_eq!(
        ours.is_refused().await.as_deref(),
        Some("pod-1"),
        "it waits like anybody"
    );
}

/// The same by who deletes first and then creates.
#[tokio::test]
async fn a_record_of_ours_that_was_made_again_from_a_backup_is_not_believed() {
    let place = Place::new();
    let mut ours = Rival::new("pod-1", LEASE, place.store());
    let token = ours.leads().await;
    let mut follower = Rival::new("pod-2", LEASE, place.store());
    follower.is_refused().await;
    let mut backup = place.get();
    ours.renews(token).await;
    let metadata = json!({ "name": place.name, "annotations": backup["metadata"]["annotations"] });
    backup["metadata"] = metadata;
    place.delete();
    follower.is_refused().await;
    place
        .control
        .must(&Method::POST, &place.folder(), Some(&backup));
    assert_eq!(follower.is_refused().await.as_deref(), Some("pod-1"));
    let mut newcomer = Rival::new("pod-3", LEASE, place.store());
    assert_eq!(newcomer.is_refused().await.as_deref(), Some("pod-1"));
    let renewal = ours.renews(token).await;
    assert!(matches!(renewal, consensus::backend::Renewal::Lost { .. }));
}

/// Two candidates; somebody does this to the Lease of the first. Its term is over before another one
/// begins, and one does.
async fn is_led_again_after(disturb: impl FnOnce(&Place)) {
    let place = Place::new();
    let candidate = |identity: &str| {
        let config = Config::new(identity).lease_duration(Duration::from_secs(2));
        let config = config.absent(consensus::Absent::Free);
        Manager::new(place.store().into_backend(), config).expect("good times")
    };
    let (one, other) = (candidate("pod-1"), candidate("pod-2"));
    let (lease, follower) = (one.start(), other.start());
    let first = soon(async {
        tokio::select! {
            term = lease.wait_for_leadership() => term,
            term = follower.wait_for_leadership() => term,
        }
    })
    .await;
    let first = first.expect("one of them leads");
    disturb(&place);
    soon(first.ended()).await;
    let next = soon(async {
        tokio::select! {
            term = lease.wait_for_leadership() => term,
            term = follower.wait_for_leadership() => term,
        }
    })
    .await;
    let next = next.expect("one of them leads again");
    assert!(next.token() > first.token() && !first.is_current());
    one.stop().await.expect("it stops");
    other.stop().await.expect("it stops");
}

#[tokio::test]
async fn a_lease_that_was_deleted_is_led_again() {
    is_led_again_after(Place::delete).await;
}

#[tokio::test]
async fn a_lease_that_was_emptied_is_led_again() {
    let empty = json!({
        "holderIdentity": null,
        "leaseDurationSeconds": null,
        "renewTime": null,
        "acquireTime": null,
    });
    is_led_again_after(|place| drop(place.patch(&json!({ "spec": empty })))).await;
}

#[tokio::test]
async fn a_lease_that_was_given_to_somebody_by_hand_is_led_again() {
    let told = crate::log::everything();
    let edited = json!({ "spec": { "holderIdentity": "nobody-real" } });
    is_led_again_after(|place| drop(place.patch(&edited))).await;
    let lines = told.lines(&["leads no more", r#"leader="nobody-real""#]);
    assert_eq!(lines.len(), 1, "whoever has it is named");
}

#[tokio::test]
async fn a_namespace_that_is_not_there_is_named() {
    let cluster = Cluster::shared();
    let mut place = Place::new();
    place.namespace = "nowhere".to_owned();
    let reached = reach(cluster.url(), cluster.admin_token());
    let mut store = place.store_by(&reached);
    let seen = store
        .load()
        .await
        .expect("that there is no Lease is an answer");
    let mut record = crate::place::record("pod-1");
    record.token = None;
    let error = store
        .save(&record, &seen.version)
        .await
        .expect_err("no namespace");
    assert_eq!(error.kind(), ErrorKind::Invalid);
    assert!(
        error.to_string().contains("there is no namespace nowhere"),
        "{error}"
    );
}

#[tokio::test]
async fn a_namespace_that_is_being_deleted_is_named() {
    let place = Place::new();
    let path = format!("/api/v1/namespaces/{}", place.namespace);
    place.control.must(&Method::DELETE, &path, None);
    let mut store = place.store();
    let seen = store
        .load()
        .await
        .expect("that there is no Lease is an answer");
    let record = crate::place::record("pod-1");
    let error = store
        .save(&record, &seen.version)
        .await
        .expect_err("it is going");
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert!(error.to_string().contains("is being deleted"), "{error}");
}
