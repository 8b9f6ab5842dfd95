//! The Kubernetes store keeps the contract, on a real API server.

use crate::place::Place;
use serde_json::json;

consensus::conformance!(
    kubernetes,
    |case| Place::of_case(case).store(),
    deletion: async |case| Place::of_case(case).delete(),
    foreign: async |case| {
        // A holder without a duration: nobody could tell when it runs out.
        Place::of_case(case).patch(&json!({ "spec": { "leaseDurationSeconds": null } }));
    },
    formats: async |case| {
        let place = Place::of_case(case);
        let newer = place.annotation().replace("consensus/1", "consensus/2");
        let annotations = json!({ "consensus-election/record": newer });
        place.patch(&json!({ "metadata": { "annotations": annotations } }));
    },
    fields: async |case| {
        let place = Place::of_case(case);
        let ours = place.annotation().replacen('{', "{\"color\":\"green\",", 1);
        let annotations = json!({ "consensus-election/record": ours, "theirs": "x" });
        let labels = json!({ "team": "y" });
        place.patch(&json!({ "metadata": { "annotations": annotations, "labels": labels } }));
    },
    async |case| {
        let place = Place::of_case(case);
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
