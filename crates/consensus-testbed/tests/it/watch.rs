//! The watch: followers that hear of changes ask for nothing, and one that stands still is found out.

use crate::place::{Place, reach, record, soon, until};
use consensus::store::{Saved, Snapshot, Store as _};
use consensus::{Absent, Config, Manager, Status, Token};
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

/// Of a thousand that lose one race, each would ask who won. The watch tells it.
#[tokio::test]
async fn who_loses_a_race_is_told_who_won_and_asks_for_nothing() {
    let (place, proxy, mut store) = disturbed();
    let seen = watched(&mut store).await;
    let asked = proxy.seen(Verb::Get);
    for (second, refusal) in [(1, None), (2, Some(429)), (3, Some(504))] {
        if let Some(status) = refusal {
            proxy.next(Verb::Update, Fault::Answer(status, Vec::new(), Value::Null));
        }
        place.patch(&json!({ "spec": { "holderIdentity": format!("winner-{second}") } }));
        let saved = store.save(&record("loser"), &seen.version).await;
        assert_eq!(saved.is_ok(), refusal.is_none(), "{saved:?}");
        assert!(!matches!(saved, Ok(Saved::Stored { .. })));
        // As an election does after a refusal that is no answer.
        sleep(Duration::from_millis(200)).await;
        let holder = store.load().await.expect("it is told").record;
        let holder = holder.and_then(|record| record.holder).expect("somebody");
        assert_eq!(&*holder, format!("winner-{second}"));
    }
    assert_eq!(proxy.seen(Verb::Get), asked);
}

#[tokio::test]
async fn who_loses_a_race_and_is_told_nothing_looks() {
    let (place, proxy, mut store) = disturbed();
    let seen = watched(&mut store).await;
    proxy.freeze_streams();
    place.patch(&json!({ "spec": { "holderIdentity": "winner" } }));
    // Until the news has been swallowed: what stands still now does so for good.
    sleep(Duration::from_millis(200)).await;
    proxy.clear();
    let saved = store.save(&record("loser"), &seen.version).await;
    assert!(matches!(saved, Ok(Saved::Conflict)), "{saved:?}");
    let holder = soon(store.load()).await.expect("an answer").record;
    assert_eq!(
        holder.and_then(|record| record.holder).as_deref(),
        Some("winner")
    );
}

/// A leader is alone, and its time is short: whoever labels its Lease costs it a look, and no wait for a watch
/// that may stand still.
#[tokio::test]
async fn who_renews_and_is_refused_looks_at_once() {
    let (place, proxy, mut store) = disturbed();
    let seen = watched(&mut store).await;
    let asked = proxy.seen(Verb::Get);
    place.patch(&json!({ "metadata": { "labels": { "a": "b" } } }));
    let mut renewal = record("leader");
    renewal.token = Some(Token::new(7));
    let saved = store.save(&renewal, &seen.version).await;
    assert!(matches!(saved, Ok(Saved::Conflict)), "{saved:?}");
    store.load().await.expect("an answer");
    assert_eq!(proxy.seen(Verb::Get), asked + 1, "it went by the watch");
}

/// However long the lease is: it says nothing about how soon a request has to be answered.
#[tokio::test]
async fn who_loses_a_race_for_a_long_lease_waits_no_longer() {
    let (place, proxy, mut store) = disturbed();
    let seen = watched(&mut store).await;
    proxy.freeze_streams();
    place.patch(&json!({ "spec": { "holderIdentity": "winner" } }));
    let mut attempt = record("loser");
    attempt.lease_duration = Duration::from_secs(60 * 60);
    let saved = store.save(&attempt, &seen.version).await;
    assert!(matches!(saved, Ok(Saved::Conflict)), "{saved:?}");
    // The thirtieth part of it is longer than this waits.
    soon(store.load()).await.expect("an answer");
    proxy.clear();
}

/// A watch that lags behind whoever edits the Lease all the time would tell of an old one each time.
#[tokio::test]
async fn who_is_refused_what_it_was_told_looks() {
    let (place, proxy, mut store) = disturbed();
    let mut seen = watched(&mut store).await;
    let asked = proxy.seen(Verb::Get);
    for (label, gets) in [("a", 0), ("b", 1), ("c", 1), ("d", 2)] {
        place.patch(&json!({ "metadata": { "labels": { "at": label } } }));
        let saved = store.save(&record("loser"), &seen.version).await;
        assert!(matches!(saved, Ok(Saved::Conflict)), "{saved:?}");
        // Time for the watch to tell it, besides that which the load gives it.
        sleep(Duration::from_millis(200)).await;
        seen = store.load().await.expect("an answer");
        assert_eq!(proxy.seen(Verb::Get), asked + gets, "after {label}");
    }
}

/// A leader that crashes is silent for a whole lease: that is no reason for all its followers to ask anew.
#[tokio::test]
async fn a_watch_is_not_given_up_before_the_record_runs_out() {
    let place = Place::new();
    place.create(&json!({ "holderIdentity": "go", "leaseDurationSeconds": 8 }));
    let proxy = Proxy::before(Cluster::shared()).expect("a proxy");
    let mut store = place.store_by(&reach(&proxy.url(), Cluster::shared().admin_token()));
    let seen = watched(&mut store).await;
    renew(&place, 1);
    soon(store.changed(Some(&seen.version))).await;
    let watches = proxy.seen(Verb::Watch);
    // Not even a bookmark comes.
    proxy.freeze_streams();
    sleep(Duration::from_secs(10)).await;
    assert_eq!(proxy.seen(Verb::Watch), watches);
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

/// What a proxy or a portal says that knows nothing of watches.
#[tokio::test]
async fn a_watch_that_tells_what_is_no_event_begins_anew() {
    for noise in [json!([]), json!("ok"), json!(7), json!({ "object": [] })] {
        let (place, proxy, mut store) = disturbed();
        proxy.next(Verb::Watch, Fault::Stream(vec![noise]));
        watched(&mut store).await;
        until(|| proxy.seen(Verb::Watch) >= 2).await;
        let seen = watched(&mut store).await;
        renew(&place, 1);
        soon(store.changed(Some(&seen.version))).await;
    }
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

/// What is there when a watch begins is told in any order.
#[tokio::test]
async fn a_watch_goes_on_after_the_highest_revision_that_it_told() {
    let (place, proxy, mut store) = disturbed();
    let lower = place.get();
    renew(&place, 1);
    let higher = place.get();
    let added = |lease| json!({ "type": "ADDED", "object": lease });
    let told = vec![added(&higher), added(&lower)];
    proxy.next(Verb::Watch, Fault::Stream(told));
    watched(&mut store).await;
    until(|| proxy.seen(Verb::Watch) == 2).await;
    let last = proxy.last(Verb::Watch).expect("it was asked for");
    let revision = higher["metadata"]["resourceVersion"].as_str();
    let end = format!("&resourceVersion={}", revision.expect("a revision"));
    assert!(last.ends_with(&end), "{last}");
}

/// A backup of the server's store was put back: what was told before is newer than what is there.
#[tokio::test]
async fn a_server_that_was_put_back_is_watched_anew() {
    let (place, proxy, mut store) = disturbed();
    let mut ahead = place.get();
    ahead["metadata"]["resourceVersion"] = "999999999999".into();
    let told = vec![json!({ "type": "ADDED", "object": ahead })];
    proxy.next(Verb::Watch, Fault::Stream(told));
    let anew = async {
        loop {
            let seen = store.load().await.expect("an answer");
            let last = proxy.last(Verb::Watch).expect("it was asked for");
            if seen.watched && proxy.seen(Verb::Watch) > 1 && !last.contains("resourceVersion") {
                return seen;
            }
            sleep(Duration::from_millis(10)).await;
        }
    };
    let mut seen = soon(anew).await;
    let reads = proxy.seen(Verb::Get);
    for second in [1, 2] {
        renew(&place, second);
        soon(store.changed(Some(&seen.version))).await;
        seen = store.load().await.expect("an answer");
    }
    assert_eq!(
        proxy.seen(Verb::Get),
        reads,
        "what it tells is believed again"
    );
}

/// As after a backup of the server's store was put back: what we know is newer than what it has. It
/// accepts the watch, and says nothing by it, not even a bookmark.
#[tokio::test]
#[ignore = "a minute and a half of silence: cargo xtask soak"]
async fn soak_a_watch_from_what_the_server_has_not_reached_begins_anew() {
    let (place, proxy, mut store) = disturbed();
    let ahead = vec![bookmark("999999999999")];
    proxy.next(Verb::Watch, Fault::Stream(ahead));
    watched(&mut store).await;
    until(|| proxy.seen(Verb::Watch) == 2).await;
    let asked = |last: String| last.ends_with("&resourceVersion=999999999999");
    assert!(proxy.last(Verb::Watch).is_some_and(asked));
    // It is given as long as a server leaves between two bookmarks.
    let anew = async {
        while proxy.seen(Verb::Watch) == 2 {
            sleep(Duration::from_millis(100)).await;
        }
    };
    let anew = tokio::time::timeout(Duration::from_secs(180), anew).await;
    anew.expect("it is found out");
    let last = proxy.last(Verb::Watch).expect("it was asked for");
    assert!(!last.contains("resourceVersion"), "{last}");
    let seen = watched(&mut store).await;
    renew(&place, 1);
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
