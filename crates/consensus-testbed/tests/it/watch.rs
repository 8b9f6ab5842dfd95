//! The watch: followers that hear of changes ask for nothing, and one that stands still is found out.

use crate::place::{Place, reach, soon, until};
use consensus::store::{Snapshot, Store as _};
use consensus::{Absent, Config, Manager, Status};
use consensus_kubernetes::{KubernetesStore, LeaseVersion};
use consensus_testbed::{Cluster, Fault, Proxy, Verb};
use serde_json::{Value, json};
use std::time::Duration;
use tokio::time::sleep;

/// A place with a Lease in it, and a store that reaches it through a proxy.
fn disturbed() -> (Place, Proxy, KubernetesStore) {
    let place = Place::new();
    place.create(&json!({ "holderIdentity": "go", "leaseDurationSeconds": 2 }));
    let proxy = Proxy::before(Cluster::shared()).expect("a proxy");
    let store = place.store_by(&reach(&proxy.url(), Cluster::shared().admin_token()));
    (place, proxy, store)
}

/// What the store holds, once it is watched.
async fn watched(store: &mut KubernetesStore) -> Snapshot<LeaseVersion> {
    let looks = async {
        loop {
            let seen = store.load().await.expect("an answer");
            if seen.watched {
                return seen;
            }
            sleep(Duration::from_millis(10)).await;
        }
    };
    soon(looks).await
}

fn renew(place: &Place, second: u32) {
    let time = format!("2026-01-01T00:00:{second:02}.000000Z");
    place.patch(&json!({ "spec": { "renewTime": time } }));
}

/// Requests for the Lease that are not the watch itself. (Creations are Events here: it is there.)
fn requests(proxy: &Proxy) -> usize {
    proxy.seen(Verb::Get) + proxy.seen(Verb::Update)
}

fn manager(identity: &str, store: KubernetesStore) -> Manager {
    let config = Config::new(identity)
        .lease_duration(Duration::from_secs(3))
        .absent(Absent::Free);
    Manager::new(store.into_backend(), config).expect("good times")
}

#[tokio::test]
async fn a_follower_that_watches_asks_for_nothing_and_writes_at_once() {
    let place = Place::new();
    let leader = manager("pod-1", place.store());
    soon(leader.start().wait_for_leadership())
        .await
        .expect("it leads");
    let proxy = Proxy::before(Cluster::shared()).expect("a proxy");
    let store = place.store_by(&reach(&proxy.url(), Cluster::shared().admin_token()));
    let follower = manager("pod-2", store);
    let lease = follower.start();
    until(|| matches!(lease.status(), Status::Following { leader: Some(_) })).await;
    let (asked, watches) = (requests(&proxy), proxy.seen(Verb::Watch));
    let renewed = place.get()["metadata"]["resourceVersion"].clone();
    // Longer than a lease: it hears of each renewal, or it would have tried by now.
    sleep(Duration::from_secs(4)).await;
    assert_ne!(place.get()["metadata"]["resourceVersion"], renewed);
    assert_eq!(requests(&proxy), asked);
    assert_eq!(proxy.seen(Verb::Watch), watches, "one watch for all of it");
    leader.stop().await.expect("it releases");
    soon(lease.wait_for_leadership()).await.expect("it leads");
    assert_eq!(
        requests(&proxy),
        asked + 1,
        "one write, on the version that was told"
    );
    follower.stop().await.expect("it releases");
}

#[tokio::test]
async fn a_watch_that_is_cut_goes_on_where_it_was() {
    let (place, proxy, mut store) = disturbed();
    let seen = watched(&mut store).await;
    renew(&place, 1);
    soon(store.changed(Some(&seen.version))).await;
    let seen = watched(&mut store).await;
    let watches = proxy.seen(Verb::Watch);
    proxy.cut();
    until(|| proxy.seen(Verb::Watch) > watches).await;
    let last = proxy.last(Verb::Watch).expect("it was asked for");
    let revision = place.get()["metadata"]["resourceVersion"].clone();
    let revision = revision.as_str().expect("a revision");
    assert!(
        last.ends_with(&format!("&resourceVersion={revision}")),
        "{last}"
    );
    renew(&place, 2);
    soon(store.changed(Some(&seen.version))).await;
}

fn bookmark(revision: &str) -> Value {
    let metadata = json!({ "resourceVersion": revision });
    json!({ "type": "BOOKMARK", "object": { "kind": "Lease", "metadata": metadata } })
}

#[tokio::test]
async fn a_bookmark_is_where_the_next_watch_goes_on() {
    let (_place, proxy, mut store) = disturbed();
    proxy.next(Verb::Watch, Fault::Stream(vec![bookmark("987654")]));
    proxy.always(Verb::Watch, Fault::Freeze);
    store.load().await.expect("an answer");
    until(|| proxy.seen(Verb::Watch) >= 2).await;
    let last = proxy.last(Verb::Watch).expect("it was asked for");
    assert!(last.ends_with("&resourceVersion=987654"), "{last}");
}

#[tokio::test]
async fn a_watch_that_is_too_old_begins_anew_and_is_news() {
    let (place, proxy, mut store) = disturbed();
    let seen = watched(&mut store).await;
    renew(&place, 1);
    soon(store.changed(Some(&seen.version))).await;
    let seen = watched(&mut store).await;
    let gone = json!({ "kind": "Status", "code": 410, "reason": "Expired" });
    proxy.next(Verb::Watch, Fault::Answer(410, Vec::new(), gone));
    proxy.cut();
    // What happened in between is not told: it is worth a look.
    soon(store.changed(Some(&seen.version))).await;
    let is_anew = || {
        proxy
            .last(Verb::Watch)
            .is_some_and(|last| !last.contains("resourceVersion"))
    };
    until(is_anew).await;
    let seen = watched(&mut store).await;
    renew(&place, 2);
    soon(store.changed(Some(&seen.version))).await;
}

#[tokio::test]
async fn a_watch_that_ends_with_an_expired_error_begins_anew() {
    let (_place, proxy, mut store) = disturbed();
    let expired = json!({ "type": "ERROR", "object": { "kind": "Status", "code": 410 } });
    let stream = vec![bookmark("987654"), expired];
    proxy.next(Verb::Watch, Fault::Stream(stream));
    let seen = watched(&mut store).await;
    assert!(seen.record.is_some());
    until(|| proxy.seen(Verb::Watch) >= 2).await;
    let last = proxy.last(Verb::Watch).expect("it was asked for");
    assert!(!last.contains("resourceVersion"), "{last}");
}

/// Nothing arrives, not even the end: the record's lease is how long that is believed.
#[tokio::test]
async fn a_watch_that_stands_still_is_found_out() {
    let (place, proxy, mut store) = disturbed();
    watched(&mut store).await;
    proxy.freeze_streams();
    let watches = proxy.seen(Verb::Watch);
    renew(&place, 1);
    until(|| proxy.seen(Verb::Watch) > watches).await;
    proxy.clear();
    let seen = watched(&mut store).await;
    renew(&place, 2);
    soon(store.changed(Some(&seen.version))).await;
}

/// From then on its follower polls, until it watches again.
#[tokio::test]
async fn a_watch_that_cannot_go_on_is_news_and_no_longer_relied_on() {
    let (_place, proxy, mut store) = disturbed();
    let seen = watched(&mut store).await;
    proxy.always(Verb::Watch, Fault::Cut);
    proxy.cut();
    soon(store.changed(Some(&seen.version))).await;
    assert!(!store.load().await.expect("an answer").watched);
    proxy.clear();
    watched(&mut store).await;
}

#[tokio::test]
async fn a_creation_is_told_to_who_saw_none() {
    let place = Place::new();
    let mut store = place.store();
    let seen = watched(&mut store).await;
    assert!(seen.record.is_none());
    place.create(&json!({ "holderIdentity": "go", "leaseDurationSeconds": 2 }));
    soon(store.changed(Some(&seen.version))).await;
    assert!(store.load().await.expect("an answer").record.is_some());
}
