//! How tests talk to a cluster past the code under test: raw requests, and the few objects that they
//! need.

use crate::Failure;
use http::{Method, Request};
use http_body_util::BodyExt as _;
use kube::config::{Config, KubeConfigOptions, Kubeconfig};
use kube::{Client, client::Body};
use serde_json::{Value, json};
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::Duration;
use tokio::runtime::Builder;

/// No answer takes longer.
const PATIENCE: Duration = Duration::from_secs(20);

/// Somebody with a token who sends requests.
///
/// Its methods block, in threads of their own, so that they can be called from anywhere.
#[derive(Clone, Debug)]
pub struct Control {
    kubeconfig: String,
}

impl Control {
    /// Somebody who reaches a cluster by this.
    pub fn new(kubeconfig: &str) -> Self {
        let kubeconfig = kubeconfig.to_owned();
        Self { kubeconfig }
    }

    /// Sends a request, and returns the status and the body of its answer.
    ///
    /// # Errors
    /// If there is no answer.
    pub fn request(
        &self,
        method: &Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<(u16, Value), Failure> {
        let kubeconfig = self.kubeconfig.clone();
        let body = body.map(Value::to_string).unwrap_or_default().into_bytes();
        let request = Request::builder().method(method).uri(path);
        // A patch is a merge; the type of what else is sent is the same in both.
        let kind = match *method {
            Method::PATCH => "application/merge-patch+json",
            _ => "application/json",
        };
        let request = request
            .header("content-type", kind)
            .body(Body::from(body))?;
        let thread = thread::spawn(move || {
            let runtime = Builder::new_current_thread().enable_all().build()?;
            let answer = async {
                let response = client(&kubeconfig).await?.send(request).await?;
                let status = response.status().as_u16();
                let body = response.into_body().collect_bytes().await?;
                let text = || Value::from(String::from_utf8_lossy(&body));
                Ok((
                    status,
                    serde_json::from_slice(&body).unwrap_or_else(|_| text()),
                ))
            };
            runtime.block_on(async { tokio::time::timeout(PATIENCE, answer).await })?
        });
        thread.join().map_err(|_| "the request panicked")?
    }

    /// Reads a stream: hands over each line as it comes, until one is enough or the stream ends. Not to be
    /// called by a thread that has a runtime.
    ///
    /// # Errors
    /// If there is no answer, or a line of it is no JSON.
    pub fn follow(
        &self,
        path: &str,
        mut take: impl FnMut(Value) -> ControlFlow<()>,
    ) -> Result<(), Failure> {
        let request = Request::get(path).body(Body::empty())?;
        let runtime = Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(async {
            let answer = client(&self.kubeconfig).await?.send(request).await?;
            let (mut body, mut rest) = (answer.into_body(), Vec::new());
            while let Some(frame) = body.frame().await {
                rest.extend_from_slice(frame?.data_ref().map(AsRef::as_ref).unwrap_or_default());
                while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
                    let line: Vec<u8> = rest.drain(..=end).collect();
                    if take(serde_json::from_slice(&line)?).is_break() {
                        return Ok(());
                    }
                }
            }
            Ok(())
        })
    }

    /// Sends a request that has to succeed, and returns the body of its answer.
    ///
    /// # Panics
    /// If it does not succeed.
    pub fn must(&self, method: &Method, path: &str, body: Option<&Value>) -> Value {
        match self.request(method, path, body) {
            Ok((200..=299, body)) => body,
            answer => panic!("{method} {path}: {answer:?}"),
        }
    }

    /// A namespace of one's own.
    pub fn namespace(&self) -> String {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let name = format!("test-{}", NUMBER.fetch_add(1, Ordering::Relaxed));
        self.make_namespace(&name);
        name
    }

    /// The token of a new service account, which may do nothing yet.
    ///
    /// # Panics
    /// If there is one of that name.
    pub fn account(&self, namespace: &str, name: &str) -> String {
        let path = format!("/api/v1/namespaces/{namespace}/serviceaccounts");
        self.must(
            &Method::POST,
            &path,
            Some(&json!({ "metadata": { "name": name } })),
        );
        self.token(namespace, name)
    }

    /// One more token of a service account.
    ///
    /// # Panics
    /// If there is none of that name.
    pub fn token(&self, namespace: &str, name: &str) -> String {
        let path = format!("/api/v1/namespaces/{namespace}/serviceaccounts/{name}/token");
        let body =
            json!({ "apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {} });
        let answer = self.must(&Method::POST, &path, Some(&body));
        answer["status"]["token"]
            .as_str()
            .expect("a token")
            .to_owned()
    }

    /// Gives a service account what a Role of its namespace grants.
    ///
    /// # Panics
    /// If it is refused.
    pub fn grant(&self, namespace: &str, account: &str, role: &Value) {
        self.grant_to(namespace, (namespace, account), role);
    }

    /// Gives a service account, by its namespace and name, what a Role of this namespace grants.
    ///
    /// # Panics
    /// If it is refused.
    pub fn grant_to(&self, namespace: &str, (pods, account): (&str, &str), role: &Value) {
        let group = rights(namespace);
        let role = self.must(&Method::POST, &format!("{group}/roles"), Some(role));
        let name = role["metadata"]["name"].clone();
        let binding = json!({
            "metadata": { "name": name },
            "roleRef": { "apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": name },
            "subjects": [{ "kind": "ServiceAccount", "name": account, "namespace": pods }],
        });
        self.must(
            &Method::POST,
            &format!("{group}/rolebindings"),
            Some(&binding),
        );
    }

    /// Takes away what the Role of this name grants, and the Role.
    ///
    /// # Panics
    /// If there is none.
    pub fn revoke(&self, namespace: &str, role: &str) {
        let group = rights(namespace);
        for kind in ["rolebindings", "roles"] {
            self.must(&Method::DELETE, &format!("{group}/{kind}/{role}"), None);
        }
    }

    /// Deletes a namespace and every Lease and right in it, as its controller does: this control plane has
    /// none.
    ///
    /// # Panics
    /// If there is none.
    pub fn delete_namespace(&self, namespace: &str) {
        let path = format!("/api/v1/namespaces/{namespace}");
        let mut ending = self.must(&Method::DELETE, &path, None);
        let leases = format!("/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases");
        let group = rights(namespace);
        let rights = ["rolebindings", "roles"].map(|kind| format!("{group}/{kind}"));
        for kind in [leases].into_iter().chain(rights) {
            self.must(&Method::DELETE, &kind, None);
        }
        ending["spec"]["finalizers"] = json!([]);
        self.must(&Method::PUT, &format!("{path}/finalize"), Some(&ending));
    }

    /// Makes a namespace of this name.
    ///
    /// # Panics
    /// If there is one.
    pub fn make_namespace(&self, name: &str) {
        let body = json!({ "metadata": { "name": name } });
        self.must(&Method::POST, "/api/v1/namespaces", Some(&body));
    }

    pub(crate) fn is_ready(&self) -> bool {
        matches!(self.request(&Method::GET, "/readyz", None), Ok((200, _)))
    }

    /// What a control plane without controllers lacks, and elections need.
    pub(crate) fn prepare(&self) -> Result<(), Failure> {
        let body = json!({ "metadata": { "name": "elections" } });
        self.request(&Method::POST, "/api/v1/namespaces", Some(&body))
            .map(drop)
    }
}

fn rights(namespace: &str) -> String {
    format!("/apis/rbac.authorization.k8s.io/v1/namespaces/{namespace}")
}

pub(crate) async fn client(kubeconfig: &str) -> Result<Client, Failure> {
    let config = Kubeconfig::from_yaml(kubeconfig)?;
    let options = KubeConfigOptions::default();
    let mut config = Config::from_custom_kubeconfig(config, &options).await?;
    config.default_retry = false;
    Ok(Client::try_from(config)?)
}
