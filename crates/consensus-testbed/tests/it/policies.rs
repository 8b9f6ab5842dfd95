//! A policy of the cluster that changes what is written to a Lease: evaluated by the API server, as a
//! mutating webhook is.

use crate::log;
use crate::place::{Place, Rival, refusal, soon};
use consensus::{Absent, Backend as _, Config, Ended, ErrorKind, Manager};
use http::Method;
use serde_json::{Value, json};
use std::time::Duration;
use tokio::time::sleep;

const LEASE: Duration = Duration::from_secs(15);

const GROUP: &str = "/apis/admissionregistration.k8s.io/v1";
const KINDS: [&str; 2] = [
    "mutatingadmissionpolicies",
    "mutatingadmissionpolicybindings",
];

/// What it makes of `leaseDurationSeconds`.
const CHANGED: i64 = 4;

/// From here on the cluster changes every Lease that is written here, and obeys already.
async fn begins(place: &Place) {
    let namespace = &place.namespace;
    let matched = json!({
        "namespaceSelector": {
            "matchLabels": { "kubernetes.io/metadata.name": namespace },
        },
        "resourceRules": [{
            "apiGroups": ["coordination.k8s.io"],
            "apiVersions": ["v1"],
            "operations": ["CREATE", "UPDATE"],
            "resources": ["leases"],
        }],
    });
    let expression = format!("Object{{spec: Object.spec{{leaseDurationSeconds: {CHANGED}}}}}");
    let policy = json!({
        "metadata": { "name": namespace },
        "spec": {
            "matchConstraints": matched,
            "failurePolicy": "Fail",
            "reinvocationPolicy": "Never",
            "mutations": [{
                "patchType": "ApplyConfiguration",
                "applyConfiguration": { "expression": expression },
            }],
        },
    });
    let binding = json!({ "metadata": { "name": namespace }, "spec": { "policyName": namespace } });
    for (kind, body) in KINDS.into_iter().zip([policy, binding]) {
        let path = format!("{GROUP}/{kind}");
        place.control.must(&Method::POST, &path, Some(&body));
    }
    let probe = probe(place);
    probe.create(&json!({ "leaseDurationSeconds": 1 }));
    wait(|| touched(&probe) == CHANGED).await;
}

/// From here on it does not.
async fn ends(place: &Place) {
    for kind in KINDS {
        let path = format!("{GROUP}/{kind}/{}", place.namespace);
        place.control.must(&Method::DELETE, &path, None);
    }
    let probe = probe(place);
    wait(|| touched(&probe) == 1).await;
}

fn probe(place: &Place) -> Place {
    Place {
        name: "probe".to_owned(),
        ..place.clone()
    }
}

/// What comes of a write of one second.
fn touched(probe: &Place) -> Value {
    let one = json!({ "spec": { "leaseDurationSeconds": 1 } });
    probe.patch(&one)["spec"]["leaseDurationSeconds"].clone()
}

/// The API server takes a moment to obey.
async fn wait(mut is_so: impl FnMut() -> bool) {
    for _ in 0..200 {
        if is_so() {
            return;
        }
        sleep(Duration::from_millis(50)).await;
    }
    panic!("the API server does not obey");
}

#[tokio::test]
async fn what_a_policy_changes_is_named_by_its_field() {
    let place = Place::new();
    begins(&place).await;
    let mut ours = Rival::new("pod-1", LEASE, place.store());
    let candidate = ours.candidate.clone();
    let tried = ours.backend.try_acquire(&candidate).await;
    let said = refusal(tried, ErrorKind::Invalid);
    assert!(said.contains("changed spec.leaseDurationSeconds"), "{said}");
}

/// What is there then is not what our leader wrote, so it leads no more (promise 4), and others wait for as
/// long as it says (promise 5). Afterwards one leads again.
#[tokio::test]
async fn a_policy_that_comes_while_one_of_ours_leads_ends_its_term_and_not_the_election() {
    let told = log::everything();
    let place = Place::new();
    let config = Config::new("pod-1").lease_duration(Duration::from_secs(3));
    let backend = place.store().into_backend();
    let manager = Manager::new(backend, config.absent(Absent::Free)).expect("good times");
    let lease = manager.start();
    let first = soon(lease.wait_for_leadership()).await.expect("it leads");
    begins(&place).await;
    assert_eq!(soon(first.ended()).await, Ended::Lost);
    let name = format!("{}/{}", place.namespace, place.name);
    let lines = told.lines(&["changed spec.leaseDurationSeconds", &name]);
    assert_eq!(lines.len(), 1, "the log says why: {lines:?}");
    let mut other = Rival::new("pod-2", LEASE, place.store());
    assert_eq!(other.is_refused().await.as_deref(), Some("pod-1"));
    assert!(!lease.is_leader());
    ends(&place).await;
    let second = soon(lease.wait_for_leadership())
        .await
        .expect("it leads again");
    assert!(second.token() > first.token());
    manager.stop().await.expect("it releases");
}
