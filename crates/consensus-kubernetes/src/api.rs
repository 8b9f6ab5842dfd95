//! One request for one Lease, and its answer. `answer.rs` says what that means.
//!
//! Reads name no resourceVersion, which makes them quorum reads. Dropping a request closes its
//! connection: HTTP/1.1 has no other way to take it back.

use crate::answer::{Answer, Outcome, Place, Verb};
use crate::cluster::Cluster;
use crate::news::News;
use crate::together::Seat;
use crate::transport;
use consensus::{Error, ErrorKind};
use http::header::{CONTENT_TYPE, RETRY_AFTER};
use http::{Method, Request, Response};
use kube::client::Body;
use serde_json::Value;
use std::time::Duration;
use tokio::sync::watch;

/// What an API server is asked about one Lease.
#[derive(Clone, Debug)]
pub(crate) struct Api {
    cluster: Cluster,
    pub(crate) place: Place,
}

/// What is watched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Extent {
    /// The one Lease.
    One,
    /// All Leases of its namespace.
    All,
}

impl Api {
    pub(crate) fn new(cluster: Cluster, place: Place) -> Self {
        Self { cluster, place }
    }

    /// The same for all Leases of the namespace.
    pub(crate) fn of_all(&self) -> Self {
        let mut all = self.clone();
        "*".clone_into(&mut all.place.name);
        all
    }

    pub(crate) async fn get(&self) -> Result<Outcome, Error> {
        self.call(Verb::Get, None).await
    }

    pub(crate) async fn create(&self, lease: &Value) -> Result<Outcome, Error> {
        self.call(Verb::Create, Some(lease)).await
    }

    /// Replaces what the Lease's resourceVersion and uid name, and nothing else.
    pub(crate) async fn update(&self, lease: &Value) -> Result<Outcome, Error> {
        self.call(Verb::Update, Some(lease)).await
    }

    /// Joins those who watch this namespace.
    pub(crate) fn join(&self, news: watch::Sender<News>) -> Seat {
        self.cluster.companies.join(self, news)
    }

    /// Every change after this resourceVersion; without one, what is there now and every change
    /// after that. Returns once the server says that it tells.
    pub(crate) async fn watch(
        &self,
        extent: Extent,
        after: Option<u64>,
    ) -> Result<Result<Body, Answer>, Error> {
        let (folder, name) = (self.folder(), &self.place.name);
        let mut path = format!("{folder}?watch=true&allowWatchBookmarks=true");
        if let Extent::One = extent {
            path = format!("{path}&fieldSelector=metadata.name%3D{name}");
        }
        if let Some(after) = after {
            path = format!("{path}&resourceVersion={after}");
        }
        let response = self.send(Verb::Watch, &path, &[]).await?;
        if response.status().is_success() {
            return Ok(Ok(response.into_body()));
        }
        Ok(Err(self.answer(response).await?))
    }

    /// Creates an Event in the Lease's namespace, and returns the status of the answer.
    pub(crate) async fn create_event(&self, event: &Value) -> Result<u16, Error> {
        let path = format!("/api/v1/namespaces/{}/events", self.place.namespace);
        let body = event.to_string().into_bytes();
        let response = self.send(Verb::Create, &path, &body).await?;
        Ok(self.answer(response).await?.status)
    }

    async fn call(&self, verb: Verb, lease: Option<&Value>) -> Result<Outcome, Error> {
        let path = match verb {
            Verb::Create => self.folder(),
            Verb::Get | Verb::Update | Verb::Watch => {
                format!("{}/{}", self.folder(), self.place.name)
            }
        };
        let body = lease.map(Value::to_string).unwrap_or_default().into_bytes();
        let response = self.send(verb, &path, &body).await?;
        self.answer(response).await?.judge(verb, &self.place)
    }

    /// Whom the server does not know, it did nothing for: with what the configuration says now, the
    /// request may be sent once more.
    async fn send(&self, verb: Verb, path: &str, body: &[u8]) -> Result<Response<Body>, Error> {
        let made = self.cluster.client().await?;
        let response = self.send_by(&made.client, verb, path, body).await?;
        if response.status().as_u16() != 401 {
            return Ok(response);
        }
        self.cluster.forget(&made).await;
        let made = self.cluster.client().await?;
        self.send_by(&made.client, verb, path, body).await
    }

    async fn send_by(
        &self,
        client: &kube::Client,
        verb: Verb,
        path: &str,
        body: &[u8],
    ) -> Result<Response<Body>, Error> {
        let method = match verb {
            Verb::Get | Verb::Watch => Method::GET,
            Verb::Create => Method::POST,
            Verb::Update => Method::PUT,
        };
        let request = Request::builder().method(method).uri(path);
        let request = request.header(CONTENT_TYPE, "application/json");
        let request = request.body(Body::from(body.to_vec())).map_err(|error| {
            let message = format!("{}: cannot ask for it", self.place);
            Error::new(ErrorKind::Invalid, message).with_source(error)
        })?;
        let sent = client.send(request).await;
        sent.map_err(|error| transport::failed(&self.place, &error))
    }

    async fn answer(&self, response: Response<Body>) -> Result<Answer, Error> {
        let status = response.status().as_u16();
        let retry_after = response.headers().get(RETRY_AFTER);
        let retry_after = retry_after.and_then(|seconds| seconds.to_str().ok()?.parse().ok());
        let body = response.into_body().collect_bytes().await;
        let body = body.map_err(|error| transport::failed(&self.place, &error))?;
        Ok(Answer {
            status,
            retry_after: retry_after.map(Duration::from_secs),
            body: serde_json::from_slice(&body).unwrap_or(Value::Null),
        })
    }

    fn folder(&self) -> String {
        let namespace = &self.place.namespace;
        format!("/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases")
    }
}
