//! The Kubernetes store keeps the contract, on a real API server: where each store has a client of its own, and
//! where those of a case share one, and with it their watch.

use crate::place::{Place, reach};
use consensus_kubernetes::{Cluster as Reached, KubernetesStore};
use consensus_testbed::Cluster;
use serde_json::json;
use std::collections::BTreeMap;
use std::sync::{Mutex, OnceLock};

macro_rules! suite {
    ($name:ident, $store:expr) => {
        consensus::conformance!(
            $name,
            |case| $store(&lease(stringify!($name), case)),
            deletion: async |case| lease(stringify!($name), case).delete(),
            foreign: async |case| {
                // A holder without a duration: nobody could tell when it runs out.
                let change = json!({ "spec": { "leaseDurationSeconds": null } });
                lease(stringify!($name), case).patch(&change);
            },
            formats: async |case| {
                let place = lease(stringify!($name), case);
                let newer = place.annotation().replace("consensus/1", "consensus/2");
                let annotations = json!({ "consensus-election/record": newer });
                place.patch(&json!({ "metadata": { "annotations": annotations } }));
            },
            fields: async |case| {
                let place = lease(stringify!($name), case);
                let ours = place.annotation().replacen('{', "{\"color\":\"green\",", 1);
                let annotations = json!({ "consensus-election/record": ours, "theirs": "x" });
                let labels = json!({ "team": "y" });
                place.patch(&json!({ "metadata": { "annotations": annotations, "labels": labels } }));
            },
            async |case| {
                let place = lease(stringify!($name), case);
                let metadata = place.get()["metadata"].clone();
                let ours = place.annotation().contains("green");
                ours && metadata["annotations"]["theirs"] == "x" && metadata["labels"]["team"] == "y"
            },
            unsupported: {
                proof => "a Lease proves nobody dead",
                absences => "a Lease that is not there has no version",
                stragglers => "a request that nobody waits for may still be on its way",
            },
        );
    };
}

/// In a namespace of the suite's own.
fn lease(suite: &'static str, case: &str) -> Place {
    static NAMESPACES: Mutex<BTreeMap<&str, String>> = Mutex::new(BTreeMap::new());
    let mut all = NAMESPACES.lock().expect("nobody panics there");
    let namespace = all
        .entry(suite)
        .or_insert_with(|| Place::new().namespace)
        .clone();
    Place::of_case(namespace, case)
}

suite!(kubernetes, Place::store);
suite!(kubernetes_together, by_one_client);

fn by_one_client(place: &Place) -> KubernetesStore {
    static REACHED: OnceLock<Reached> = OnceLock::new();
    let cluster = Cluster::shared();
    place.store_by(REACHED.get_or_init(|| reach(cluster.url(), cluster.admin_token())))
}
