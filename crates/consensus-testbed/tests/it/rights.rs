//! Rights, as the API server grants them to real service accounts.

use crate::log;
use crate::place::{Place, Rival, kubeconfig, reach, refusal, role, soon, until};
use consensus::backend::Acquisition;
use consensus::store::Store as _;
use consensus::{Absent, Backend as _, Config, Ended, ErrorKind, Manager, Status};
use consensus_kubernetes::Cluster as Reached;
use consensus_testbed::Cluster;
use serde_json::Value;
use std::fs;
use std::time::Duration;
use tokio::time::sleep;

const LEASE: Duration = Duration::from_secs(15);
const BASIC: [&str; 3] = ["get", "create", "update"];

/// A place, and somebody who has these rights in it.
fn somebody(verbs: &[&str]) -> (Place, Reached) {
    let place = Place::new();
    let token = place.control.account(&place.namespace, "pod");
    if !verbs.is_empty() {
        place
            .control
            .grant(&place.namespace, "pod", &role("some", verbs));
    }
    let reached = reach(Cluster::shared().url(), &token);
    (place, reached)
}

/// Rights reach the API server's authorizer after a moment.
async fn eventually<T>(mut attempt: impl AsyncFnMut() -> Option<T>) -> T {
    for _ in 0..400 {
        if let Some(done) = attempt().await {
            return done;
        }
        sleep(Duration::from_millis(25)).await;
    }
    panic!("the API server does not obey");
}

#[tokio::test]
async fn get_create_and_update_suffice_and_the_missing_watch_is_told_once() {
    let told = log::everything();
    let (place, reached) = somebody(&BASIC);
    let mut one = Rival::new("pod-1", LEASE, place.store_by(&reached));
    let acquired = eventually(async || {
        let tried = one.backend.try_acquire(&one.candidate.clone()).await;
        tried.ok()
    });
    assert!(matches!(acquired.await, Acquisition::Acquired { .. }));
    let mut other = Rival::new("pod-2", LEASE, place.store_by(&reached));
    for _ in 0..3 {
        let Acquisition::Held { watched, .. } = other.tries().await else {
            panic!("two leaders");
        };
        assert!(!watched, "it cannot hear of changes");
    }
    one.releases().await;
    other.leads().await;
    let lease = format!("{}/{}", place.namespace, place.name);
    let lines = told.lines(&["no right to watch: polling instead", &lease]);
    assert_eq!(lines.len(), 2, "once for each of the two: {lines:?}");
    assert!(
        lines[0].contains(r#""verbs":["get","update","watch"]"#),
        "{}",
        lines[0]
    );
}

#[tokio::test]
async fn who_may_only_poll_leads_after_a_release_all_the_same() {
    let (place, reached) = somebody(&BASIC);
    let candidate = |identity: &str| {
        let config = Config::new(identity).lease_duration(Duration::from_secs(6));
        let backend = place.store_by(&reached).into_backend();
        Manager::new(backend, config.absent(Absent::Free)).expect("good times")
    };
    let (one, other) = (candidate("pod-1"), candidate("pod-2"));
    let first = soon(one.start().wait_for_leadership())
        .await
        .expect("it leads");
    let lease = other.start();
    one.stop().await.expect("it releases");
    let second = soon(lease.wait_for_leadership()).await.expect("it leads");
    assert!(second.token() > first.token() && !first.is_current());
    other.stop().await.expect("it releases");
}

#[tokio::test]
async fn with_the_right_to_watch_followers_watch() {
    let (place, reached) = somebody(&["get", "create", "update", "watch"]);
    place.create(&serde_json::json!({}));
    let mut store = place.store_by(&reached);
    eventually(async || {
        // Rights that come a moment late are not asked for again at once.
        let mut store = place.store_by(&reached);
        store.load().await.ok().filter(|seen| seen.watched)
    })
    .await;
    assert!(store.load().await.expect("an answer").watched);
}

#[tokio::test]
async fn the_role_that_a_refusal_shows_is_what_is_needed() {
    let (place, reached) = somebody(&[]);
    let mut ours = Rival::new("pod-1", LEASE, place.store_by(&reached));
    let candidate = ours.candidate.clone();
    let said = refusal(
        ours.backend.try_acquire(&candidate).await,
        ErrorKind::Denied,
    );
    assert!(said.contains("cannot get resource \"leases\""), "{said}");
    let (start, end) = (said.find('{').expect(&said), said.rfind('}').expect(&said));
    let role: Value = serde_json::from_str(&said[start..=end]).expect("a Role");
    place.control.grant(&place.namespace, "pod", &role);
    eventually(async || ours.backend.try_acquire(&candidate).await.ok()).await;
    let mut other = place.store_by(&reached);
    assert!(other.load().await.expect("an answer").watched);
}

#[tokio::test]
async fn without_the_right_to_create_a_missing_lease_is_an_error_that_says_so() {
    let (place, reached) = somebody(&["get", "update"]);
    let mut ours = Rival::new("pod-1", LEASE, place.store_by(&reached));
    let candidate = ours.candidate.clone();
    let said = eventually(async || {
        let tried = ours.backend.try_acquire(&candidate).await;
        let said = refusal(tried, ErrorKind::Denied);
        // Until the right to get is there.
        (!said.contains("to get")).then_some(said)
    });
    let said = said.await;
    assert!(
        said.contains("403 to create") && said.contains(r#""verbs":["create"]"#),
        "{said}"
    );
    // One that a manifest made can be led.
    place.create(&serde_json::json!({}));
    ours.leads().await;
}

#[tokio::test]
async fn a_right_that_is_taken_away_and_given_back_is_noticed() {
    let (place, reached) = somebody(&BASIC);
    let mut store = place.store_by(&reached);
    eventually(async || store.load().await.ok()).await;
    place.control.revoke(&place.namespace, "some");
    eventually(async || store.load().await.err()).await;
    refusal(store.load().await, ErrorKind::Denied);
    place
        .control
        .grant(&place.namespace, "pod", &role("again", &BASIC));
    eventually(async || store.load().await.ok()).await;
}

/// Refused is as good as cut off: the term ends in time, the election does not, and both say what is missing.
#[tokio::test]
async fn a_right_that_is_taken_away_ends_the_term_and_given_back_makes_a_leader_again() {
    let (place, reached) = somebody(&BASIC);
    eventually(async || place.store_by(&reached).load().await.ok()).await;
    let candidate = |identity: &str| {
        let config = Config::new(identity).lease_duration(Duration::from_secs(3));
        let backend = place.store_by(&reached).into_backend();
        Manager::new(backend, config.absent(Absent::Free)).expect("good times")
    };
    let (one, other) = (candidate("pod-1"), candidate("pod-2"));
    let leader = one.start();
    let first = soon(leader.wait_for_leadership()).await.expect("it leads");
    let follower = other.start();
    until(|| matches!(follower.status(), Status::Following { leader: Some(_) })).await;
    place.control.revoke(&place.namespace, "some");
    for lease in [&leader, &follower] {
        until(|| lease.trouble().is_some()).await;
        let said = lease.trouble().map(Err::<(), _>).expect("asked before");
        let said = refusal(said, ErrorKind::Denied);
        assert!(
            said.contains("cannot") && said.contains("this Role"),
            "{said}"
        );
    }
    assert_eq!(soon(first.ended()).await, Ended::Expired);
    sleep(Duration::from_secs(3)).await;
    assert!(!leader.is_leader() && !follower.is_leader());
    place
        .control
        .grant(&place.namespace, "pod", &role("again", &BASIC));
    let second = soon(async {
        tokio::select! {
            term = leader.wait_for_leadership() => term,
            term = follower.wait_for_leadership() => term,
        }
    });
    let second = second.await.expect("one of them leads again");
    assert!(second.token() > first.token() && !first.is_current());
    one.stop().await.expect("it stops");
    other.stop().await.expect("it stops");
}

#[tokio::test]
async fn a_token_that_is_no_longer_good_is_read_again() {
    let place = Place::new();
    let cluster = Cluster::shared();
    let path = kubeconfig(cluster.url(), "worn-out");
    let mut store = place.store_by(&Reached::kubeconfig_at(&path));
    let said = refusal(store.load().await, ErrorKind::Denied);
    assert!(
        said.contains("401") && said.contains("does not know us"),
        "{said}"
    );
    let good = cluster.kubeconfig(cluster.url(), cluster.admin_token());
    fs::write(&path, good).expect("the file is ours");
    store.load().await.expect("with the new token");
}
