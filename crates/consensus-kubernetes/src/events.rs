//! Events on the Lease, as client-go's electors record them: `kubectl describe lease` shows who became
//! leader and who stopped leading.
//!
//! For people, and never waited for: an Event that is refused or lost changes nothing. Without the right
//! to create any, none are sent.

use crate::api::Api;
use crate::micro_time;
use crate::version::LeaseVersion;
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::time::timeout;

/// No Event is worth a longer wait.
const PATIENCE: Duration = Duration::from_secs(10);

const REASON: &str = "LeaderElection";
const SOURCE: &str = "consensus";

/// What happened to a candidate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Happened {
    BecameLeader,
    StoppedLeading,
}

/// Sends Events, unless that was refused.
#[derive(Clone, Debug, Default)]
pub(crate) struct Events {
    are_refused: Arc<AtomicBool>,
}

impl Events {
    /// Sends one in the background, on the runtime that this is called on.
    pub(crate) fn send(&self, api: &Api, who: &str, what: Happened, lease: &LeaseVersion, ms: u64) {
        let Some(lease) = lease.lease() else {
            return;
        };
        if self.are_refused.load(Ordering::Relaxed) {
            return;
        }
        let (api, event) = (api.clone(), event(who, what, lease, ms));
        let are_refused = Arc::clone(&self.are_refused);
        tokio::spawn(async move {
            match timeout(PATIENCE, api.create_event(&event)).await {
                Ok(Ok(status)) if status < 400 => {}
                Ok(Ok(status)) => {
                    are_refused.store(status == 403, Ordering::Relaxed);
                    tracing::debug!(status, lease = %api.place, "no Event was created");
                }
                Ok(Err(error)) => tracing::debug!(%error, "no Event was created"),
                Err(_) => tracing::debug!(lease = %api.place, "no answer to an Event"),
            }
        });
    }
}

/// In client-go's form.
fn event(who: &str, what: Happened, lease: &Value, ms: u64) -> Value {
    let what = match what {
        Happened::BecameLeader => "became leader",
        Happened::StoppedLeading => "stopped leading",
    };
    let metadata = &lease["metadata"];
    let name = metadata["name"].as_str().unwrap_or_default();
    let version = metadata["resourceVersion"].as_str().unwrap_or_default();
    let time = micro_time::write_seconds(ms);
    json!({
        "apiVersion": "v1",
        "kind": "Event",
        // One for every change of the Lease.
        "metadata": { "name": format!("{name}.{version}"), "namespace": metadata["namespace"] },
        "involvedObject": {
            "apiVersion": lease["apiVersion"],
            "kind": lease["kind"],
            "namespace": metadata["namespace"],
            "name": name,
            "uid": metadata["uid"],
            "resourceVersion": version,
        },
        "reason": REASON,
        "message": format!("{who} {what}"),
        "source": { "component": SOURCE },
        "reportingComponent": SOURCE,
        "reportingInstance": "",
        "firstTimestamp": time,
        "lastTimestamp": time,
        "count": 1,
        "type": "Normal",
    })
}
