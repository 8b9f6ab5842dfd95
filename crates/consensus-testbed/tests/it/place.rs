//! A Lease in a namespace, and what people and other electors do to it.

use consensus::backend::{Acquisition, Backend as _, Candidate, Renewal};
use consensus::store::{Nonce, Record};
use consensus::{Absent, Error, ErrorKind, Token, WorkScope};
use consensus_kubernetes::{Cluster as Reached, KubernetesBackend, KubernetesStore};
use consensus_testbed::{Cluster, Control};
use http::Method;
use serde_json::{Value, json};
use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

/// How a client of the store reaches the cluster at this address, with this token.
pub(crate) fn reach(url: &str, token: &str) -> Reached {
    Reached::kubeconfig_at(kubeconfig(url, token))
}

pub(crate) fn kubeconfig(url: &str, token: &str) -> PathBuf {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let cluster = Cluster::shared();
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let path = cluster.folder().join(format!("kubeconfig-{number}"));
    fs::write(&path, cluster.kubeconfig(url, token)).expect("the cluster's folder is ours");
    path
}

/// One Lease.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    pub(crate) control: Control,
    pub(crate) namespace: String,
    pub(crate) name: String,
}

impl Place {
    /// In a namespace of its own, where nothing is yet.
    pub(crate) fn new() -> Self {
        let control = Cluster::shared().control();
        let namespace = control.namespace();
        Self {
            control,
            namespace,
            name: "leader".to_owned(),
        }
    }

    /// Of a case of the conformance suite, in this namespace.
    pub(crate) fn of_case(namespace: String, case: &str) -> Self {
        Self {
            control: Cluster::shared().control(),
            namespace,
            name: case.replace('_', "-"),
        }
    }

    /// A store for somebody who may do everything, past every proxy.
    pub(crate) fn store(&self) -> KubernetesStore {
        let cluster = Cluster::shared();
        self.store_by(&reach(cluster.url(), cluster.admin_token()))
    }

    pub(crate) fn store_by(&self, reached: &Reached) -> KubernetesStore {
        KubernetesStore::new(reached, &self.namespace, &self.name).expect("good names")
    }

    pub(crate) fn folder(&self) -> String {
        format!(
            "/apis/coordination.k8s.io/v1/namespaces/{}/leases",
            self.namespace
        )
    }

    pub(crate) fn path(&self) -> String {
        format!("{}/{}", self.folder(), self.name)
    }

    pub(crate) fn get(&self) -> Value {
        self.control.must(&Method::GET, &self.path(), None)
    }

    pub(crate) fn delete(&self) {
        self.control.must(&Method::DELETE, &self.path(), None);
    }

    /// Changes what this names and leaves the rest.
    pub(crate) fn patch(&self, change: &Value) -> Value {
        self.control
            .must(&Method::PATCH, &self.path(), Some(change))
    }

    /// Creates it as a manifest does.
    pub(crate) fn create(&self, spec: &Value) -> Value {
        let body = json!({ "metadata": { "name": self.name }, "spec": spec });
        self.control
            .must(&Method::POST, &self.folder(), Some(&body))
    }

    pub(crate) fn annotation(&self) -> String {
        let lease = self.get();
        let text = lease["metadata"]["annotations"]["consensus-election/record"].as_str();
        text.unwrap_or_default().to_owned()
    }
}

/// A candidate that does not wait where there is no Lease yet.
pub(crate) fn candidate(identity: &str, lease: Duration) -> Candidate {
    let mut candidate = Candidate::new(identity, lease);
    candidate.absent = Absent::Free;
    candidate
}

/// One candidate, and the Lease as it reaches it.
#[derive(Debug)]
pub(crate) struct Rival {
    pub(crate) candidate: Candidate,
    pub(crate) backend: KubernetesBackend,
}

impl Rival {
    pub(crate) fn new(identity: &str, lease: Duration, store: KubernetesStore) -> Self {
        Self {
            candidate: candidate(identity, lease),
            backend: store.into_backend(),
        }
    }

    pub(crate) async fn tries(&mut self) -> Acquisition {
        self.backend
            .try_acquire(&self.candidate)
            .await
            .expect("an answer")
    }

    /// Tries to lead, and must.
    pub(crate) async fn leads(&mut self) -> Token {
        match self.tries().await {
            Acquisition::Acquired { token } => token,
            held @ Acquisition::Held { .. } => panic!("it is not free: {held:?}"),
        }
    }

    /// Tries to lead, and must not. Returns who does, if that is known.
    pub(crate) async fn is_refused(&mut self) -> Option<String> {
        match self.tries().await {
            Acquisition::Held { leader, .. } => leader.map(|leader| leader.identity.to_string()),
            Acquisition::Acquired { token } => panic!("it leads, under {token}"),
        }
    }

    pub(crate) async fn renews(&mut self, token: Token) -> Renewal {
        self.backend
            .renew(&self.candidate, token)
            .await
            .expect("an answer")
    }

    pub(crate) async fn releases(&mut self) {
        self.backend
            .release(&self.candidate)
            .await
            .expect("an answer");
    }
}

/// What a new leader writes.
pub(crate) fn record(holder: &str) -> Record {
    Record {
        holder: Some(holder.into()),
        address: None,
        nonce: Some(Nonce::from_bits(7)),
        lease_duration: Duration::from_secs(15),
        token: None,
        work: WorkScope::Process,
        acquired_ms: 1_000,
        renewed_ms: 1_000,
    }
}

/// What a Role grants on Leases.
pub(crate) fn role(name: &str, verbs: &[&str]) -> Value {
    json!({
        "metadata": { "name": name },
        "rules": [{
            "apiGroups": ["coordination.k8s.io"],
            "resources": ["leases"],
            "verbs": verbs,
        }],
    })
}

/// The error of something that must fail.
pub(crate) fn refusal<T: std::fmt::Debug>(outcome: Result<T, Error>, kind: ErrorKind) -> String {
    let error = outcome.expect_err("it is refused");
    assert_eq!(error.kind(), kind, "{error}");
    error.to_string()
}

/// How long anything may take before a test gives up on it. Shorter where it is known to fail.
pub(crate) fn patience() -> Duration {
    let seconds = std::env::var("TEST_PATIENCE_SECONDS").ok();
    let seconds = seconds.and_then(|seconds| seconds.parse().ok());
    Duration::from_secs(seconds.unwrap_or(60))
}

/// What has to come, and comes soon on a machine that is not busy.
pub(crate) async fn soon<T>(what: impl Future<Output = T>) -> T {
    let came = tokio::time::timeout(patience(), what).await;
    came.expect("it never came")
}

/// Waits until something is so.
pub(crate) async fn until(mut is_so: impl FnMut() -> bool) {
    soon(async {
        while !is_so() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    })
    .await;
}
