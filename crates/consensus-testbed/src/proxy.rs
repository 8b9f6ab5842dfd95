//! A proxy between a real client and a real API server, which does to requests what networks do.
//!
//! It speaks plain HTTP to the client and TLS to the server, and passes on who the client is, so that
//! the server's rights hold. What happens to which request is in `proxy/fault.rs`.

mod fault;

pub use fault::{Fault, Verb};

use crate::control::client;
use crate::{Cluster, Failure};
use fault::{Script, verb};
use http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use http::{Request, Response};
use http_body_util::BodyExt;
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use kube::Client;
use kube::client::Body;
use std::future::pending;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread;
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Builder;
use tokio::sync::watch;

/// A proxy before a cluster. Dropping it closes it and every connection.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    script: Arc<Script>,
    state: watch::Sender<State>,
    connections: Arc<AtomicUsize>,
    watches: Arc<AtomicUsize>,
}

/// What holds for all connections at once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct State {
    /// Connections that are older than this number of cuts are closed.
    cuts: u32,
    /// What was held before this number of releases is held no longer.
    releases: u32,
    /// Streams stand still: neither news nor an end.
    streams_are_frozen: bool,
}

impl Proxy {
    /// A proxy before this cluster, on a thread and a port of its own.
    ///
    /// # Errors
    /// If the system refuses either.
    pub fn before(cluster: &Cluster) -> Result<Self, Failure> {
        Self::lending(cluster, None)
    }

    /// The same, which passes on whoever does not say who it is with the token of somebody who may do
    /// everything: client-go tells nobody its token without TLS.
    ///
    /// # Errors
    /// If the system refuses either.
    pub fn vouching(cluster: &Cluster) -> Result<Self, Failure> {
        let token = format!("Bearer {}", cluster.admin_token());
        Self::lending(cluster, Some(token.parse()?))
    }

    fn lending(cluster: &Cluster, lent: Option<HeaderValue>) -> Result<Self, Failure> {
        let script = Arc::new(Script::default());
        let (state, watched) = watch::channel(State::default());
        let (tell, told) = mpsc::channel();
        let upstream = cluster.kubeconfig(cluster.url(), "");
        let orders = Arc::clone(&script);
        let connections = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&connections);
        let open = Arc::new(AtomicUsize::new(0));
        let counted_open = Arc::clone(&open);
        thread::spawn(move || -> Result<(), Failure> {
            let runtime = Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(async {
                let listener = TcpListener::bind("127.0.0.1:0").await?;
                let passed = Passage {
                    upstream: client(&upstream).await?,
                    script: orders,
                    state: watched,
                    connections: counted,
                    watches: counted_open,
                    lent,
                };
                tell.send(listener.local_addr()?)?;
                passed.serve(listener).await
            })
        });
        let address = told.recv()?;
        Ok(Self {
            address,
            script,
            state,
            connections,
            watches: open,
        })
    }

    /// Where clients reach it.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Lets this happen to the next such request. Asked again before that one comes: to the one after
    /// it.
    pub fn next(&self, verb: Verb, fault: Fault) {
        self.script.next(verb, fault);
    }

    /// Lets this happen to every such request from now on.
    pub fn always(&self, verb: Verb, fault: Fault) {
        self.script.always(verb, fault);
    }

    /// Lets nothing happen any more. What is frozen already stays so.
    pub fn clear(&self) {
        self.script.clear();
        self.state
            .send_modify(|state| state.streams_are_frozen = false);
    }

    /// How many such requests there were.
    pub fn seen(&self, verb: Verb) -> usize {
        self.script.seen(verb).len()
    }

    /// How many connections clients hold open.
    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    /// How many watches are open: answered, and not over.
    pub fn watches(&self) -> usize {
        self.watches.load(Ordering::SeqCst)
    }

    /// What the last such request asked for: path and query.
    pub fn last(&self, verb: Verb) -> Option<String> {
        self.script.seen(verb).pop().map(|seen| seen.target)
    }

    /// Who such requests said that they come from: their `User-Agent`s.
    pub fn agents(&self, verb: Verb) -> Vec<String> {
        let seen = self.script.seen(verb).into_iter();
        seen.map(|seen| seen.agent).collect()
    }

    /// Closes every connection that there is now.
    pub fn cut(&self) {
        self.state.send_modify(|state| state.cuts += 1);
    }

    /// Lets go what is held now.
    pub fn let_go(&self) {
        self.state.send_modify(|state| state.releases += 1);
    }

    /// Lets no news through in any stream, and tells nobody.
    pub fn freeze_streams(&self) {
        self.state
            .send_modify(|state| state.streams_are_frozen = true);
    }
}

/// What requests pass through.
#[derive(Clone)]
struct Passage {
    upstream: Client,
    script: Arc<Script>,
    state: watch::Receiver<State>,
    connections: Arc<AtomicUsize>,
    watches: Arc<AtomicUsize>,
    /// Who passes that does not say who it is.
    lent: Option<HeaderValue>,
}

type Passed = http_body_util::combinators::UnsyncBoxBody<Bytes, Failure>;

impl Passage {
    async fn serve(mut self, listener: TcpListener) -> Result<(), Failure> {
        loop {
            tokio::select! {
                accepted = listener.accept() => {
                    let this = self.clone();
                    tokio::spawn(this.connection(accepted?.0));
                }
                changed = self.state.changed() => if changed.is_err() { return Ok(()) },
            }
        }
    }

    async fn connection(mut self, stream: TcpStream) {
        self.connections.fetch_add(1, Ordering::SeqCst);
        let cuts = self.state.borrow().cuts;
        let this = self.clone();
        let service = service_fn(|request| this.clone().pass(request));
        let mut served =
            pin!(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
        tokio::select! {
            // Cut by its client, or by a fault.
            _ = &mut served => {}
            // Cut by the test, or over with the proxy.
            _ = self.state.wait_for(|state| state.cuts != cuts) => {}
        }
        self.connections.fetch_sub(1, Ordering::SeqCst);
    }

    /// Until what is held now is let go.
    async fn is_let_go(&self) {
        let mut state = self.state.clone();
        let releases = state.borrow().releases;
        // The proxy may go first: then there is nobody to be answered.
        let _ = state.wait_for(|state| state.releases != releases).await;
    }

    async fn pass(self, request: Request<Incoming>) -> Result<Response<Passed>, Failure> {
        let fault = self.script.take(verb(&request), &request);
        match fault {
            None => self.forward(request).await,
            Some(Fault::Cut) => Err("cut".into()),
            Some(Fault::LoseAnswer) => {
                self.forward(request).await?;
                Err("lost".into())
            }
            Some(Fault::Freeze) => pending().await,
            Some(Fault::FreezeAnswer) => {
                self.forward(request).await?;
                pending().await
            }
            Some(Fault::Late(time)) => {
                let answer = self.forward(request).await;
                tokio::time::sleep(time).await;
                answer
            }
            Some(Fault::HoldAnswer) => {
                let answer = self.forward(request).await;
                self.is_let_go().await;
                answer
            }
            Some(Fault::HoldRequest) => {
                let (head, body) = request.into_parts();
                let body = body.collect().await?.to_bytes();
                // It goes its way also if its client closes the connection.
                let onward = tokio::spawn(async move {
                    self.is_let_go().await;
                    self.send(Request::from_parts(head, Body::from(body))).await
                });
                onward.await?
            }
            Some(Fault::Answer(status, headers, body)) => {
                let mut answer = Response::builder().status(status);
                for (name, value) in headers {
                    answer = answer.header(name, value);
                }
                Ok(answer.body(whole(body.to_string()))?)
            }
            Some(Fault::Stream(lines)) => {
                let lines = lines.iter().map(|line| format!("{line}\n"));
                Ok(Response::new(whole(lines.collect())))
            }
            Some(Fault::Twice) => {
                let (head, body) = request.into_parts();
                let body = body.collect().await?.to_bytes();
                let whole = || Request::from_parts(head.clone(), Body::from(body.clone()));
                self.send(whole()).await?;
                self.send(whole()).await
            }
        }
    }

    async fn forward(&self, request: Request<Incoming>) -> Result<Response<Passed>, Failure> {
        let (head, body) = request.into_parts();
        let body = body.collect().await?.to_bytes();
        self.send(Request::from_parts(head, Body::from(body))).await
    }

    async fn send(&self, request: Request<Body>) -> Result<Response<Passed>, Failure> {
        let is_watch = verb(&request) == Verb::Watch;
        let mut onward = Request::builder()
            .method(request.method())
            .uri(request.uri());
        for name in [AUTHORIZATION, CONTENT_TYPE] {
            let lent = self.lent.as_ref().filter(|_| name == AUTHORIZATION);
            if let Some(value) = request.headers().get(&name).or(lent) {
                onward = onward.header(name, value);
            }
        }
        let answer = self
            .upstream
            .send(onward.body(request.into_body())?)
            .await?;
        let (head, body) = answer.into_parts();
        let mut answer = Response::builder().status(head.status);
        for (name, value) in &head.headers {
            // How long the body is, and how it is cut into chunks, is for each connection to say.
            if name != "transfer-encoding" && name != "content-length" {
                answer = answer.header(name, value);
            }
        }
        if !(is_watch && head.status.is_success()) {
            return Ok(answer.body(body.map_err(Into::into).boxed_unsync())?);
        }
        let body = Stream {
            body,
            state: self.state.clone(),
            _open: Open::new(&self.watches),
        };
        Ok(answer.body(body.boxed_unsync())?)
    }
}

fn whole(text: String) -> Passed {
    Body::from(text.into_bytes())
        .map_err(Into::into)
        .boxed_unsync()
}

/// A body that can be frozen.
struct Stream {
    body: Body,
    state: watch::Receiver<State>,
    _open: Open,
}

/// Counts as one while it lives.
struct Open(Arc<AtomicUsize>);

impl Open {
    fn new(count: &Arc<AtomicUsize>) -> Self {
        count.fetch_add(1, Ordering::SeqCst);
        Self(Arc::clone(count))
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

impl hyper::body::Body for Stream {
    type Data = Bytes;
    type Error = Failure;

    fn poll_frame(
        mut self: std::pin::Pin<&mut Self>,
        cx: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<hyper::body::Frame<Bytes>, Failure>>> {
        let polled = std::pin::Pin::new(&mut self.body).poll_frame(cx);
        if self.state.borrow().streams_are_frozen {
            // Whoever polls again is answered by silence as well: there is nothing to wake it.
            return std::task::Poll::Pending;
        }
        polled.map(|frame| frame.map(|frame| frame.map_err(Into::into)))
    }
}
