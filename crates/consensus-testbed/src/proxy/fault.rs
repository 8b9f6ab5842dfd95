//! What a proxy does to which request, decided by the test while it runs.

use http::header::USER_AGENT;
use http::{Method, Request};
use serde_json::Value;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// What a request is, as rights are named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    /// One object is read.
    Get,
    /// An object is created.
    Create,
    /// An object is replaced.
    Update,
    /// Changes are waited for.
    Watch,
}

/// What happens to a request.
#[derive(Clone, Debug)]
pub enum Fault {
    /// It is not passed on, and its connection is closed.
    Cut,
    /// It is carried out, and its connection is closed instead of an answer.
    LoseAnswer,
    /// It is not passed on, and never answered.
    Freeze,
    /// It is carried out, and never answered.
    FreezeAnswer,
    /// It is carried out, and answered this much later.
    Late(Duration),
    /// It is carried out, and answered when held answers are let go.
    HoldAnswer,
    /// It is passed on when held requests are let go, whether or not anybody waits for its answer still:
    /// what a network does that takes its time.
    HoldRequest,
    /// It is not passed on, but answered like this: status, headers, body.
    Answer(u16, Vec<(&'static str, String)>, Value),
    /// It is not passed on, but answered by this stream, a line each, which then ends.
    Stream(Vec<Value>),
    /// It is carried out twice, and the second answer is passed on: what a proxy does that tries
    /// again by itself.
    Twice,
}

/// The test's orders.
#[derive(Debug, Default)]
pub(super) struct Script(Mutex<Orders>);

#[derive(Debug, Default)]
struct Orders {
    next: Vec<(Verb, Fault)>,
    always: Vec<(Verb, Fault)>,
    seen: Vec<Seen>,
}

/// A request that came.
#[derive(Clone, Debug)]
pub(super) struct Seen {
    verb: Verb,
    /// Path and query.
    pub(super) target: String,
    /// The `User-Agent`.
    pub(super) agent: String,
}

impl Script {
    pub(super) fn next(&self, verb: Verb, fault: Fault) {
        self.orders().next.push((verb, fault));
    }

    pub(super) fn always(&self, verb: Verb, fault: Fault) {
        self.orders().always.push((verb, fault));
    }

    pub(super) fn clear(&self) {
        let mut orders = self.orders();
        orders.next.clear();
        orders.always.clear();
    }

    pub(super) fn seen(&self, verb: Verb) -> Vec<Seen> {
        let orders = self.orders();
        let seen = orders.seen.iter().filter(|seen| seen.verb == verb);
        seen.cloned().collect()
    }

    /// Takes note of a request, and says what happens to it.
    pub(super) fn take<B>(&self, verb: Verb, request: &Request<B>) -> Option<Fault> {
        let agent = request.headers().get(USER_AGENT);
        let agent = agent.and_then(|agent| agent.to_str().ok());
        let mut orders = self.orders();
        orders.seen.push(Seen {
            verb,
            target: request.uri().to_string(),
            agent: agent.unwrap_or_default().to_owned(),
        });
        let is_for = |order: &(Verb, Fault)| order.0 == verb;
        if let Some(place) = orders.next.iter().position(is_for) {
            return Some(orders.next.remove(place).1);
        }
        orders
            .always
            .iter()
            .find(|order| is_for(order))
            .map(|order| order.1.clone())
    }

    fn orders(&self) -> MutexGuard<'_, Orders> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub(super) fn verb<B>(request: &Request<B>) -> Verb {
    let query = request.uri().query().unwrap_or_default();
    match *request.method() {
        Method::POST => Verb::Create,
        Method::PUT => Verb::Update,
        _ if query.contains("watch=") => Verb::Watch,
        _ => Verb::Get,
    }
}
