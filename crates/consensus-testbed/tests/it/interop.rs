//! One Lease with client-go's electors, in both directions: Leases in their exact form, and ours as they
//! read it.

use crate::place::{Place, Rival};
use consensus::backend::Renewal;
use serde_json::{Value, json};
use std::time::Duration;
use tokio::time::sleep;

const LEASE: Duration = Duration::from_secs(15);

/// What client-go writes: these five fields, and no others.
fn by_client_go(holder: &str, seconds: i64, transitions: i64, renewed: u32) -> Value {
    json!({
        "holderIdentity": holder,
        "leaseDurationSeconds": seconds,
        "acquireTime": "2026-01-01T00:00:00.123456Z",
        "renewTime": format!("2026-01-01T00:00:{renewed:02}.654321Z"),
        "leaseTransitions": transitions,
    })
}

fn spec(spec: &Value) -> Value {
    json!({ "spec": spec })
}

#[tokio::test]
async fn the_record_has_the_fields_of_client_gos() {
    let place = Place::new();
    let mut ours = Rival::new("pod-1", Duration::from_millis(14_200), place.store());
    ours.leads().await;
    let lease = place.get()["spec"].clone();
    assert_eq!(lease["holderIdentity"], "pod-1");
    assert_eq!(
        lease["leaseDurationSeconds"], 15,
        "whole seconds, rounded up"
    );
    assert_eq!(lease["leaseTransitions"], 0);
    for time in ["acquireTime", "renewTime"] {
        let text = lease[time].as_str().expect(time);
        let (_, digits) = text
            .trim_end_matches('Z')
            .split_once('.')
            .expect("a fraction");
        assert_eq!(digits.len(), 6, "{text}");
    }
}

/// A network is no file: a request takes its time.
#[tokio::test]
async fn a_lease_below_five_seconds_is_warned_of_once() {
    let told = crate::log::everything();
    for (lease, warnings) in [(Duration::from_secs(4), 1), (Duration::from_secs(5), 0)] {
        let place = Place::new();
        let mut ours = Rival::new("pod-1", lease, place.store());
        let token = ours.leads().await;
        ours.renews(token).await;
        let name = format!("{}/{}", place.namespace, place.name);
        assert_eq!(told.lines(&["less than 0.75 s", &name]).len(), warnings);
    }
}

#[tokio::test]
async fn our_release_is_one_for_client_go() {
    let place = Place::new();
    let mut ours = Rival::new("pod-1", LEASE, place.store());
    ours.leads().await;
    ours.releases().await;
    let lease = place.get()["spec"].clone();
    assert_eq!(lease["holderIdentity"], "");
    assert_eq!(lease["leaseDurationSeconds"], 1);
    assert_eq!(lease["leaseTransitions"], 0);
}

#[tokio::test]
async fn client_gos_release_is_taken_at_once() {
    let place = Place::new();
    place.create(&by_client_go("go", 15, 4, 0));
    let mut ours = Rival::new("pod-1", LEASE, place.store());
    assert_eq!(ours.is_refused().await.as_deref(), Some("go"));
    place.patch(&spec(&by_client_go("", 1, 4, 1)));
    ours.leads().await;
    assert_eq!(place.get()["spec"]["leaseTransitions"], 5);
}

#[tokio::test]
async fn a_lease_of_client_gos_is_waited_for_and_its_renewals_count() {
    let place = Place::new();
    place.create(&by_client_go("go", 2, 0, 0));
    let mut ours = Rival::new("pod-1", LEASE, place.store());
    assert_eq!(ours.is_refused().await.as_deref(), Some("go"));
    sleep(Duration::from_millis(1500)).await;
    place.patch(&spec(&by_client_go("go", 2, 0, 1)));
    assert_eq!(ours.is_refused().await.as_deref(), Some("go"));
    sleep(Duration::from_millis(1500)).await;
    assert_eq!(
        ours.is_refused().await.as_deref(),
        Some("go"),
        "it was renewed since"
    );
    sleep(Duration::from_secs(1)).await;
    ours.leads().await;
}

#[tokio::test]
async fn a_takeover_that_carries_our_annotation_along_ends_our_term() {
    let place = Place::new();
    let mut ours = Rival::new("pod-1", LEASE, place.store());
    let token = ours.leads().await;
    place.patch(&spec(&by_client_go("go", 15, 1, 0)));
    let renewal = ours.renews(token).await;
    let Renewal::Lost {
        leader: Some(leader),
    } = renewal
    else {
        panic!("{renewal:?}");
    };
    assert_eq!(&*leader.identity, "go");
    assert!(!place.annotation().is_empty(), "it was carried along");
    // And when that one gives it up, it is free.
    place.patch(&spec(&by_client_go("", 1, 1, 1)));
    ours.leads().await;
}

#[tokio::test]
async fn a_takeover_under_our_own_identity_ends_our_term_too() {
    let place = Place::new();
    let mut ours = Rival::new("pod-1", LEASE, place.store());
    let token = ours.leads().await;
    place.patch(&spec(&by_client_go("pod-1", 15, 0, 0)));
    assert!(matches!(ours.renews(token).await, Renewal::Lost { .. }));
    assert_eq!(ours.is_refused().await.as_deref(), Some("pod-1"));
}

/// client-go does this if it is paused past its lease, and then ended, while one of ours leads.
#[tokio::test]
async fn a_leader_of_ours_that_was_erased_counts_as_held() {
    let place = Place::new();
    let mut ours = Rival::new("pod-1", LEASE, place.store());
    let token = ours.leads().await;
    let mut follower = Rival::new("pod-2", LEASE, place.store());
    assert_eq!(follower.is_refused().await.as_deref(), Some("pod-1"));
    place.patch(&spec(&by_client_go("", 1, 0, 0)));
    assert_eq!(
        follower.is_refused().await,
        None,
        "nobody is named, but it is not free"
    );
    assert!(matches!(ours.renews(token).await, Renewal::Lost { .. }));
}

#[tokio::test]
async fn transitions_rise_with_every_new_holder() {
    let place = Place::new();
    let (mut one, mut other) = (
        Rival::new("pod-1", LEASE, place.store()),
        Rival::new("pod-2", LEASE, place.store()),
    );
    for transitions in 0..4 {
        let rival = if transitions % 2 == 0 {
            &mut one
        } else {
            &mut other
        };
        let token = rival.leads().await;
        assert!(matches!(rival.renews(token).await, Renewal::Renewed));
        assert_eq!(place.get()["spec"]["leaseTransitions"], transitions);
        rival.releases().await;
    }
}
