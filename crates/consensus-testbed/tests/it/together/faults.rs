//! What goes wrong with the one watch is found out for all who hear by it.

use super::{One, beside, elections, held_for, is_of_all, settle};
use crate::place::until;
use consensus::store::Store as _;
use consensus_testbed::{Fault, Verb};
use serde_json::json;
use std::time::Duration;

/// One that a read overtook: what is told of it is older than what was seen.
#[tokio::test]
async fn news_that_is_older_than_what_was_seen_tells_nothing() {
    let (proxy, reached, all) = elections(1).await;
    let place = beside(&all[0].place, "other");
    let old = place.create(&json!({ "holderIdentity": "old", "leaseDurationSeconds": 60 }));
    let new = place.patch(&json!({ "spec": { "holderIdentity": "new" } }));
    let stream = vec![json!({ "type": "ADDED", "object": old })];
    proxy.next(Verb::Watch, Fault::Stream(stream));
    let freeze = Fault::Freeze;
    proxy.always(Verb::Watch, freeze);
    let mut one = One::new(place, &reached).await;
    until(|| proxy.seen(Verb::Watch) == 3).await;
    for _ in 0..3 {
        let seen = one.store.load().await.expect("an answer");
        let holder = seen.record.as_ref().and_then(|seen| seen.holder.as_deref());
        assert_eq!(holder, Some("new"));
        one.seen = seen;
        assert!(!one.is_told(Duration::from_millis(50)).await);
    }
    // It goes on after what was told, so that nothing is missed.
    let last = proxy.last(Verb::Watch).expect("it was asked for");
    let revision = old["metadata"]["resourceVersion"].as_str();
    let end = format!("resourceVersion={}", revision.expect("a revision"));
    assert!(last.ends_with(&end), "{last}");
    assert_ne!(new["metadata"]["resourceVersion"].as_str(), revision);
}

/// Given up in the moment that it began: whoever watched its own until then has to do so again.
#[tokio::test]
async fn a_crowd_that_comes_all_at_once_leaves_each_its_own_watch() {
    let (proxy, reached, mut all) = elections(1).await;
    let lease = json!({ "metadata": { "name": "n", "resourceVersion": "5" } });
    let stream = vec![json!({ "type": "ADDED", "object": lease }); 104];
    proxy.next(Verb::Watch, Fault::Stream(stream));
    let other = beside(&all[0].place, "other");
    other.create(&json!({ "holderIdentity": "go", "leaseDurationSeconds": 60 }));
    all.push(One::new(other, &reached).await);
    until(|| proxy.seen(Verb::Watch) >= 3).await;
    settle(&mut all).await;
    for one in &mut all {
        one.hears_of_a_renewal().await;
    }
}

#[tokio::test]
async fn a_watch_of_all_that_is_cut_goes_on_where_it_was() {
    let (proxy, _, mut all) = elections(3).await;
    all[2].hears_of_a_renewal().await;
    let watches = proxy.seen(Verb::Watch);
    proxy.cut();
    all[1].renew();
    until(|| proxy.seen(Verb::Watch) > watches).await;
    let goes_on = |last: String| last.contains("&resourceVersion=");
    assert!(proxy.last(Verb::Watch).is_some_and(goes_on));
    assert!(is_of_all(&proxy));
    // What happened in between is told, and to nobody else.
    all[1].hears().await;
    for one in &mut all {
        assert!(!one.is_told(Duration::from_millis(20)).await);
        one.hears_of_a_renewal().await;
    }
}

#[tokio::test]
async fn a_watch_of_all_that_is_too_old_begins_anew_and_is_news_for_each() {
    let (proxy, _, mut all) = elections(3).await;
    let status = json!({ "kind": "Status", "code": 410, "reason": "Expired" });
    let event = json!({ "type": "ERROR", "object": status });
    let refused = Fault::Answer(410, Vec::new(), status);
    for expired in [refused, Fault::Stream(vec![event])] {
        let watches = proxy.seen(Verb::Watch);
        proxy.next(Verb::Watch, expired);
        proxy.cut();
        for one in &mut all {
            // What happened in between is not told: it is worth a look.
            one.hears().await;
        }
        let is_anew = |last: String| !last.contains("&resourceVersion");
        until(|| {
            proxy.seen(Verb::Watch) == watches + 2 && proxy.last(Verb::Watch).is_some_and(is_anew)
        })
        .await;
        settle(&mut all).await;
        for one in &mut all {
            one.hears_of_a_renewal().await;
        }
    }
}

/// Nothing arrives, not even the end. One Lease that is held is enough to be surprised.
#[tokio::test]
async fn a_watch_of_all_that_stands_still_is_found_out() {
    let (proxy, _, mut all) = held_for(2, 3).await;
    proxy.freeze_streams();
    let watches = proxy.seen(Verb::Watch);
    until(|| proxy.seen(Verb::Watch) > watches).await;
    proxy.clear();
    settle(&mut all).await;
    for one in &mut all {
        one.hears_of_a_renewal().await;
    }
}

#[tokio::test]
async fn a_watch_of_all_that_cannot_go_on_is_news_and_no_longer_relied_on() {
    let (proxy, _, mut all) = elections(3).await;
    proxy.always(Verb::Watch, Fault::Cut);
    proxy.cut();
    for one in &mut all {
        one.hears().await;
        assert!(!one.seen.watched);
    }
    proxy.clear();
    settle(&mut all).await;
    assert!(is_of_all(&proxy));
    all[0].hears_of_a_renewal().await;
}

/// Nobody is left with a watch of its own for good.
#[tokio::test]
async fn elections_that_begin_in_an_outage_watch_together_after_it() {
    let (proxy, reached, mut all) = elections(1).await;
    proxy.always(Verb::Watch, Fault::Cut);
    proxy.cut();
    for name in ["a", "b"] {
        let place = beside(&all[0].place, name);
        place.create(&json!({ "holderIdentity": "go", "leaseDurationSeconds": 60 }));
        all.push(One::new(place, &reached).await);
        assert!(!all[all.len() - 1].seen.watched);
    }
    proxy.clear();
    settle(&mut all).await;
    until(|| proxy.watches() == 1).await;
    settle(&mut all).await;
    for one in &mut all {
        one.hears_of_a_renewal().await;
    }
}
