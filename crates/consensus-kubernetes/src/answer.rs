//! What an answer of the API server means for a store: each its own. Pure, so that a table can test it.

use crate::rights;
use consensus::{Error, ErrorKind};
use serde_json::Value;
use std::fmt;
use std::time::Duration;

/// What was asked, as rights are named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verb {
    Get,
    Create,
    Update,
    Watch,
}

/// The one Lease that this is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) namespace: String,
    pub(crate) name: String,
}

/// What came back.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) retry_after: Option<Duration>,
    /// [`Null`](Value::Null) if it is no JSON.
    pub(crate) body: Value,
}

/// What it means, if it is an answer.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Outcome {
    /// The Lease as it is now.
    Lease(Value),
    /// There is none.
    Absent,
    /// What is there is not what the request was sent on. It may be what it would have made of it: a
    /// request may arrive twice.
    Conflict,
}

impl Answer {
    /// # Errors
    /// Where it is neither yes nor no.
    pub(crate) fn judge(self, verb: Verb, place: &Place) -> Result<Outcome, Error> {
        let reason = self.body["reason"].as_str().unwrap_or_default();
        let about = self.body["details"]["kind"].as_str().unwrap_or_default();
        match (self.status, verb, reason, about) {
            (200..=299, ..) if self.body["kind"] == "Lease" => Ok(Outcome::Lease(self.body)),
            (404, Verb::Get, "NotFound", "leases") => Ok(Outcome::Absent),
            (404, Verb::Update, "NotFound", "leases")
            | (409, Verb::Update, "Conflict", _)
            | (409, Verb::Create, "AlreadyExists", _) => Ok(Outcome::Conflict),
            _ => Err(self.refusal(verb, place)),
        }
    }

    /// Why this is no answer to go on with.
    pub(crate) fn refusal(&self, verb: Verb, place: &Place) -> Error {
        let (kind, why) = self.why(place);
        let said = match self.body["message"].as_str() {
            // It begins with this.
            Some(said) if !self.is_by_rights() => format!(" (it says: {said})"),
            Some(_) | None => String::new(),
        };
        let status = self.status;
        let error = Error::new(kind, format!("{place}: {status} to {verb}: {why}{said}"));
        match self.retry_after {
            Some(wait) => error.with_retry_after(wait),
            None => error,
        }
    }

    fn why(&self, place: &Place) -> (ErrorKind, String) {
        let Place { namespace, name } = place;
        let text = |text: &str| text.to_owned();
        let is_no_api_server = self.body["kind"] != "Status";
        match self.status {
            401 => (
                ErrorKind::Denied,
                text(
                    "the API server does not know us: the token or certificate that it was shown \
                      is not, or no longer, good",
                ),
            ),
            403 if self.namespace_is_ending() => (
                ErrorKind::Unavailable,
                format!("the namespace {namespace} is being deleted"),
            ),
            403 if self.is_by_rights() => (
                ErrorKind::Denied,
                format!(
                    "{}; this Role, bound to whom that is, grants what is needed: {}",
                    self.who_cannot_what(),
                    rights::role(namespace, name)
                ),
            ),
            403 => (ErrorKind::Denied, text("a rule of the cluster forbids it")),
            404 if self.body["details"]["kind"] == "namespaces" => (
                ErrorKind::Invalid,
                format!("there is no namespace {namespace}: create it, or name another"),
            ),
            400 | 422 => (
                ErrorKind::Invalid,
                text("the API server finds fault with what we send"),
            ),
            429 => (
                ErrorKind::Unavailable,
                text("the API server has too much to do"),
            ),
            500..=599 => (
                ErrorKind::Unavailable,
                text("the API server, or what it keeps its data in, fails"),
            ),
            200..=299 => (
                ErrorKind::Unavailable,
                text("what answered is no API server: this is no Lease"),
            ),
            _ if is_no_api_server => (
                ErrorKind::Unavailable,
                text("what answered does not answer as an API server does: is it one?"),
            ),
            _ => (ErrorKind::Unavailable, text("not an answer to go on with")),
        }
    }

    fn namespace_is_ending(&self) -> bool {
        let causes = self.body["details"]["causes"].as_array();
        causes.is_some_and(|causes| {
            causes
                .iter()
                .any(|cause| cause["reason"] == "NamespaceTerminating")
        })
    }

    /// In the words of the authorizer, without what it is about: that is said already.
    fn who_cannot_what(&self) -> &str {
        let said = self.body["message"].as_str().unwrap_or_default();
        said.split_once(" is forbidden: ")
            .map_or(said, |(_, who)| who)
    }

    /// Whether the refusal is one by rights, as all authorizers word it, and not by an admission rule.
    fn is_by_rights(&self) -> bool {
        self.body["message"]
            .as_str()
            .is_some_and(|said| said.contains(" cannot "))
    }
}

impl fmt::Display for Verb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Get => "get",
            Self::Create => "create",
            Self::Update => "update",
            Self::Watch => "watch",
        })
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Lease {}/{}", self.namespace, self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::{Answer, Outcome, Place, Verb};
    use consensus::ErrorKind;
    use serde_json::{Value, json};
    use std::time::Duration;

    fn place() -> Place {
        Place {
            namespace: "n".into(),
            name: "l".into(),
        }
    }

    fn answer(status: u16, body: Value) -> Answer {
        Answer {
            status,
            retry_after: Some(Duration::from_secs(3)),
            body,
        }
    }

    fn status(reason: &str, about: &str, message: &str) -> Value {
        json!({ "kind": "Status", "reason": reason, "message": message, "details": { "kind": about } })
    }

    #[test]
    fn yes_and_no_are_told_apart_by_verb_and_reason() {
        let gone = || status("NotFound", "leases", "");
        let rows = [
            (
                200,
                json!({ "kind": "Lease" }),
                Verb::Get,
                Some(Outcome::Lease(json!({ "kind": "Lease" }))),
            ),
            (404, gone(), Verb::Get, Some(Outcome::Absent)),
            (404, gone(), Verb::Update, Some(Outcome::Conflict)),
            (
                409,
                status("Conflict", "leases", ""),
                Verb::Update,
                Some(Outcome::Conflict),
            ),
            (
                409,
                status("AlreadyExists", "leases", ""),
                Verb::Create,
                Some(Outcome::Conflict),
            ),
            // Not ours to understand.
            (409, status("Conflict", "leases", ""), Verb::Create, None),
            (
                409,
                status("AlreadyExists", "leases", ""),
                Verb::Update,
                None,
            ),
            (404, json!("404 page not found"), Verb::Get, None),
            (
                404,
                status("NotFound", "namespaces", ""),
                Verb::Create,
                None,
            ),
            (200, json!("hello"), Verb::Get, None),
        ];
        for (code, body, verb, wanted) in rows {
            let words = format!("{code} {body} to {verb}");
            assert_eq!(
                answer(code, body).judge(verb, &place()).ok(),
                wanted,
                "{words}"
            );
        }
    }

    #[test]
    fn every_refusal_has_its_kind_and_its_words() {
        let by_rights = status("Forbidden", "leases", "User \"x\" cannot get resource");
        let ending = json!({ "kind": "Status", "details": { "causes": [{ "reason": "NamespaceTerminating" }] } });
        let rows = [
            (
                401,
                status("Unauthorized", "", ""),
                ErrorKind::Denied,
                "does not know us",
            ),
            (
                403,
                by_rights,
                ErrorKind::Denied,
                "\"resourceNames\":[\"l\"]",
            ),
            (
                403,
                status("Forbidden", "", "quota"),
                ErrorKind::Denied,
                "a rule of the cluster",
            ),
            (403, ending, ErrorKind::Unavailable, "being deleted"),
            (
                404,
                status("NotFound", "namespaces", ""),
                ErrorKind::Invalid,
                "no namespace n",
            ),
            (404, Value::Null, ErrorKind::Unavailable, "is it one?"),
            (
                422,
                status("Invalid", "", "too long"),
                ErrorKind::Invalid,
                "it says: too long",
            ),
            (
                429,
                status("TooManyRequests", "", ""),
                ErrorKind::Unavailable,
                "too much to do",
            ),
            (503, Value::Null, ErrorKind::Unavailable, "fails"),
        ];
        for (code, body, kind, words) in rows {
            let error = answer(code, body)
                .judge(Verb::Create, &place())
                .expect_err(words);
            assert_eq!(error.kind(), kind, "{error}");
            assert!(error.to_string().contains(words), "{error}");
            assert_eq!(error.retry_after(), Some(Duration::from_secs(3)));
        }
    }
}
