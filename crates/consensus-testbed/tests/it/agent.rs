//! How requests say whom they come from: what a cluster's audit log shows, and who `kubectl` says wrote.

use crate::place::{Place, Rival, reach, soon, until};
use consensus::store::Store as _;
use consensus_testbed::{Cluster, Proxy, Verb};
use std::env::consts;
use std::time::Duration;

#[tokio::test]
async fn every_request_names_this_library_and_its_version() {
    let place = Place::new();
    let proxy = Proxy::before(Cluster::shared()).expect("a proxy");
    let reached = reach(&proxy.url(), Cluster::shared().admin_token());
    let mut ours = Rival::new("pod-1", Duration::from_secs(15), place.store_by(&reached));
    let token = ours.leads().await;
    ours.renews(token).await;
    // A second one, so that all is watched as well.
    let mut other = place.store_by(&reached);
    soon(other.load()).await.expect("an answer");
    until(|| proxy.seen(Verb::Watch) >= 2 && proxy.seen(Verb::Create) >= 2).await;
    let version = env!("CARGO_PKG_VERSION");
    let (system, machine) = (consts::OS, consts::ARCH);
    let wanted = format!("consensus-election/{version} ({system}; {machine})");
    // The creations are the Lease and its Event.
    for verb in [Verb::Get, Verb::Create, Verb::Update, Verb::Watch] {
        let agents = proxy.agents(verb);
        assert!(!agents.is_empty(), "{verb:?}");
        for agent in agents {
            assert_eq!(agent, wanted, "{verb:?}");
        }
    }
}

/// `kubectl get lease --show-managed-fields` has it: the server takes it from the user agent.
#[tokio::test]
async fn the_lease_shows_who_manages_its_fields() {
    let place = Place::new();
    let mut ours = Rival::new("pod-1", Duration::from_secs(15), place.store());
    ours.leads().await;
    let managers = place.get()["metadata"]["managedFields"].clone();
    assert_eq!(managers[0]["manager"], "consensus-election");
}
