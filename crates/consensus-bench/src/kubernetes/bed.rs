//! A cluster for one figure, and who may do what in it: two service accounts, with real tokens. Nobody here is
//! an administrator, since an API server lets those pass before all others.

use super::candidate::Kind;
use crate::clock;
use crate::failure::Failure;
use consensus_testbed::{Cache, Cluster, Control, Server};
use http::Method;
use serde_json::{Value, json};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Rights reach the API server's authorizer after a moment.
const PATIENCE: u32 = 400;

/// What both may do with a Lease.
const BASIC: [&str; 3] = ["get", "create", "update"];

pub(crate) struct Bed {
    cluster: Cluster,
    pub(crate) control: Control,
    pub(crate) namespace: String,
    watching: PathBuf,
    polling: PathBuf,
}

impl Bed {
    /// Starts it. `None`: no servers are built, and it was said what builds them.
    pub(crate) fn start() -> Result<Option<Self>, Failure> {
        if !Cache::find().has(&Server::CONTROL_PLANE) {
            eprintln!("  not measured: there is no API server; `cargo xtask testbed` builds it");
            return Ok(None);
        }
        let failed = |error| Failure::cannot("start an API server", error);
        let cluster = Cluster::start().map_err(failed)?;
        let control = cluster.control();
        let namespace = control.namespace();
        let with_watch = [&BASIC[..], &["list", "watch"]].concat();
        let watching = account(&cluster, &namespace, "watching", &with_watch)?;
        let polling = account(&cluster, &namespace, "polling", &BASIC)?;
        Ok(Some(Self {
            cluster,
            control,
            namespace,
            watching,
            polling,
        }))
    }

    /// How a candidate of this kind reaches the cluster, as somebody with the rights for it.
    pub(crate) fn kubeconfig(&self, kind: Kind) -> &Path {
        match kind {
            Kind::Watching | Kind::ClientGo => &self.watching,
            Kind::Polling => &self.polling,
        }
    }

    /// Where the API server listens.
    pub(crate) fn port(&self) -> Option<u16> {
        self.cluster.url().rsplit(':').next()?.parse().ok()
    }
}

/// Somebody with these rights, once the server knows of them: the file that says how to reach it.
fn account(
    cluster: &Cluster,
    namespace: &str,
    name: &str,
    verbs: &[&str],
) -> Result<PathBuf, Failure> {
    let control = cluster.control();
    let token = control.account(namespace, name);
    control.grant(namespace, name, &role(name, verbs));
    let kubeconfig = cluster.kubeconfig(cluster.url(), &token);
    let path = cluster.folder().join(name);
    fs::write(&path, &kubeconfig).map_err(|error| Failure::cannot("write a kubeconfig", error))?;
    let control = Control::new(&kubeconfig);
    let lease = format!("/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases/none");
    for _ in 0..PATIENCE {
        // It may look, and there is none.
        if matches!(control.request(&Method::GET, &lease, None), Ok((404, _))) {
            return Ok(path);
        }
        clock::pause(Duration::from_millis(25));
    }
    let message = "the API server does not grant what a service account was given";
    Err(Failure::new(message))
}

/// Leases, and Events of who leads: as much as ours and client-go's electors ask for.
fn role(name: &str, verbs: &[&str]) -> Value {
    json!({
        "metadata": { "name": name },
        "rules": [
            { "apiGroups": ["coordination.k8s.io"], "resources": ["leases"], "verbs": verbs },
            { "apiGroups": [""], "resources": ["events"], "verbs": ["create", "patch"] },
        ],
    })
}
