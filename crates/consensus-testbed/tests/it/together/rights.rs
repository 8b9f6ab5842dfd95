//! Who may watch what, as the API server grants it.

use super::{MOMENT, One, beside, is_of_all, settle};
use crate::place::{Place, reach, soon, until};
use consensus_kubernetes::Cluster as Reached;
use consensus_testbed::{Cluster, Control, Proxy, Verb};
use http::Method;
use serde_json::{Value, json};
use tokio::time::sleep;

/// A service account's rights on Leases: on some names only, or on all.
fn role(name: &str, verbs: &[&str], names: &[&str]) -> Value {
    let mut role = crate::place::role(name, verbs);
    if !names.is_empty() {
        role["rules"][0]["resourceNames"] = json!(names);
    }
    role
}

/// Whom the right to watch is granted for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Watched {
    Named,
    All,
}

/// A namespace with two Leases, and somebody who may read them and watch these.
async fn somebody(watched: Watched) -> (Proxy, Reached, [Place; 2]) {
    let place = Place::new();
    let token = place.control.account(&place.namespace, "pod");
    let places = ["a", "b"].map(|name| beside(&place, name));
    for place in &places {
        place.create(&json!({ "holderIdentity": "go", "leaseDurationSeconds": 60 }));
    }
    let grant = |role: &Value| place.control.grant(&place.namespace, "pod", role);
    grant(&role("named", &["get", "update", "watch"], &["a", "b"]));
    if watched == Watched::All {
        grant(&role("wide", &["watch"], &[]));
    }
    let proxy = Proxy::before(Cluster::shared()).expect("a proxy");
    let reached = reach(&proxy.url(), &token);
    // Rights reach the API server's authorizer after a moment, and a refusal is believed for long.
    let kubeconfig = Cluster::shared().kubeconfig(Cluster::shared().url(), &token);
    let control = Control::new(&kubeconfig);
    let path = match watched {
        Watched::All => format!("{}?watch=true&timeoutSeconds=1", place.folder()),
        Watched::Named => places[1].path(),
    };
    until(|| matches!(control.request(&Method::GET, &path, None), Ok((200, _)))).await;
    (proxy, reached, places)
}

#[tokio::test]
async fn with_the_right_to_watch_ones_own_lease_each_watches_its_own() {
    let (proxy, reached, places) = somebody(Watched::Named).await;
    let mut all = Vec::new();
    for place in places {
        all.push(One::new(place, &reached).await);
    }
    settle(&mut all).await;
    assert_eq!(proxy.watches(), 2);
    for one in &mut all {
        one.hears_of_a_renewal().await;
    }
    assert_eq!(
        proxy.seen(Verb::Watch),
        3,
        "all was asked for once, and refused"
    );
}

#[tokio::test]
async fn a_right_to_watch_all_that_is_taken_away_leaves_each_its_own() {
    let (proxy, reached, places) = somebody(Watched::All).await;
    let mut all = Vec::new();
    for place in places {
        all.push(One::new(place, &reached).await);
    }
    settle(&mut all).await;
    until(|| proxy.watches() == 1).await;
    let place = &all[0].place;
    let group = "/apis/rbac.authorization.k8s.io/v1/namespaces";
    let path = format!("{group}/{}/rolebindings/wide", place.namespace);
    place.control.must(&Method::DELETE, &path, None);
    // A watch that is open goes on without the right; the next one is refused, after a moment.
    soon(async {
        while proxy.watches() != 2 || is_of_all(&proxy) {
            proxy.cut();
            sleep(MOMENT).await;
        }
    })
    .await;
    settle(&mut all).await;
    for one in &mut all {
        one.hears_of_a_renewal().await;
    }
    assert!(!all[0].is_told(MOMENT).await);
}
