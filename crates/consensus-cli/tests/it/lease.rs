//! A Lease on a real API server, who may reach it, and what people do to it.

use crate::bench::{Place as Folder, Started, consensus};
use consensus_testbed::{Cluster, Control};
use http::Method;
use serde_json::{Value, json};
use std::fs;

/// What an election needs, and what lets it watch.
pub const ALL: [&str; 4] = ["get", "create", "update", "watch"];

/// A Lease in a namespace of its own, and a folder with the kubeconfig of somebody who has some rights.
pub struct Place {
    pub folder: Folder,
    pub control: Control,
    pub namespace: String,
    /// The service account that reaches it, by its namespace and name.
    account: (String, &'static str),
}

impl Place {
    /// For somebody who may do everything.
    pub fn new() -> Self {
        let cluster = Cluster::shared();
        Self::reached(cluster, |_, _| cluster.admin_token().to_owned())
    }

    /// For a service account with these rights on Leases.
    pub fn with_rights(verbs: &[&str]) -> Self {
        Self::on(Cluster::shared(), verbs)
    }

    /// The same on this cluster.
    pub fn on(cluster: &Cluster, verbs: &[&str]) -> Self {
        let place = Self::reached(cluster, |control, pods| control.account(pods, "pod"));
        if !verbs.is_empty() {
            place.grant(verbs);
        }
        place
    }

    fn reached(cluster: &Cluster, token: impl FnOnce(&Control, &str) -> String) -> Self {
        let (control, folder) = (cluster.control(), Folder::new());
        let (namespace, pods) = (control.namespace(), control.namespace());
        let token = token(&control, &pods);
        let kubeconfig = cluster.kubeconfig(cluster.url(), &token);
        fs::write(folder.path("kubeconfig"), kubeconfig).expect("a folder of ours");
        Self {
            folder,
            control,
            namespace,
            account: (pods, "pod"),
        }
    }

    /// The same Lease for another service account, with these rights on it.
    pub fn for_another(&self, verbs: &[&str]) -> Self {
        let (cluster, pods) = (Cluster::shared(), self.account.0.clone());
        let folder = Folder::new();
        let token = self.control.account(&pods, "another");
        let kubeconfig = cluster.kubeconfig(cluster.url(), &token);
        fs::write(folder.path("kubeconfig"), kubeconfig).expect("a folder of ours");
        let place = Self {
            folder,
            control: self.control.clone(),
            namespace: self.namespace.clone(),
            account: (pods, "another"),
        };
        place.grant(verbs);
        place
    }

    /// Grants these rights on the Leases of the namespace.
    pub fn grant(&self, verbs: &[&str]) {
        self.apply(&json!({
            "metadata": { "name": self.account.1 },
            "rules": [{
                "apiGroups": ["coordination.k8s.io"],
                "resources": ["leases"],
                "verbs": verbs,
            }],
        }));
    }

    /// Grants what this Role says.
    pub fn apply(&self, role: &Value) {
        let (pods, name) = &self.account;
        self.control.grant_to(&self.namespace, (pods, name), role);
    }

    /// Takes away what was granted.
    pub fn revoke(&self) {
        self.control.revoke(&self.namespace, self.account.1);
    }

    /// Whether the API server knows that its account may watch.
    pub fn may_watch(&self) -> bool {
        let kubeconfig = fs::read_to_string(self.folder.path("kubeconfig")).expect("written");
        let review = json!({ "spec": { "resourceAttributes": {
            "group": "coordination.k8s.io",
            "resource": "leases",
            "verb": "watch",
            "namespace": self.namespace,
            "name": "app",
        } } });
        let path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";
        let asked = Control::new(&kubeconfig).request(&Method::POST, path, Some(&review));
        asked.is_ok_and(|(_, answer)| answer["status"]["allowed"] == true)
    }

    pub fn url(&self) -> String {
        format!("kubernetes://{}/app", self.namespace)
    }

    /// `consensus` with these arguments, the URL, and what comes behind it.
    pub fn start(&self, before: &str, behind: &[&str]) -> Started {
        let mut command = consensus();
        command
            .args(before.split_whitespace())
            .arg(self.url())
            .args(behind);
        command.env("KUBECONFIG", self.folder.path("kubeconfig"));
        Started::new(command)
    }

    /// `consensus run` with this shell script, whose `$1` is the folder.
    pub fn run(&self, flags: &str, script: &str) -> Started {
        let folder = self.folder.path("");
        let folder = folder.to_str().expect("text");
        self.start(
            &format!("run {flags}"),
            &["--", "sh", "-c", script, "sh", folder],
        )
    }

    fn path(&self) -> String {
        let namespace = &self.namespace;
        format!("/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases/app")
    }

    pub fn get(&self) -> Value {
        self.control.must(&Method::GET, &self.path(), None)
    }

    pub fn delete(&self) {
        self.control.must(&Method::DELETE, &self.path(), None);
    }

    /// Changes what this names and leaves the rest, and gives the answer's status.
    pub fn patch(&self, change: &Value) -> u16 {
        let answer = self
            .control
            .request(&Method::PATCH, &self.path(), Some(change));
        answer.expect("an answer").0
    }
}
