//! Why there was no answer: what a person should look at.

use crate::answer::Place;
use consensus::{Error, ErrorKind};
use std::error::Error as StdError;
use std::io;
use std::iter::successors;

const CUT: &str = "the connection was cut";

const KINDS: [(io::ErrorKind, &str); 8] = [
    (io::ErrorKind::ConnectionRefused, "nothing listens there"),
    (io::ErrorKind::ConnectionReset, CUT),
    (io::ErrorKind::ConnectionAborted, CUT),
    (io::ErrorKind::BrokenPipe, CUT),
    (io::ErrorKind::UnexpectedEof, CUT),
    (io::ErrorKind::HostUnreachable, "there is no way there"),
    (io::ErrorKind::NetworkUnreachable, "there is no way there"),
    (io::ErrorKind::TimedOut, "nobody answers there"),
];

/// Names the failure of a request that was not answered. Its outcome is unknown.
pub(crate) fn failed(place: &Place, error: &kube::Error) -> Error {
    let first: &(dyn StdError + 'static) = error;
    let (kind, why) = causes(first)
        .filter_map(|cause| by_kind(cause).or_else(|| by_words(cause)))
        .last()
        .unwrap_or((ErrorKind::Unavailable, "the way to the API server failed"));
    let details = details(first);
    Error::new(kind, format!("{place}: no answer: {why}")).with_source(details)
}

fn causes<'a>(
    error: &'a (dyn StdError + 'static),
) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    successors(Some(error), |error| (*error).source())
}

/// The causes in one text, each said once: the outer ones quote the inner ones, or say only that there is one.
fn details(error: &(dyn StdError + 'static)) -> String {
    let mut details = String::new();
    for cause in causes(error).map(ToString::to_string) {
        let cause = cause.trim_start_matches("ServiceError: ");
        if cause.starts_with("client error (") || details.ends_with(cause) {
            continue;
        }
        if !details.is_empty() {
            details.push_str(": ");
        }
        details.push_str(cause);
    }
    details
}

fn by_kind(cause: &(dyn StdError + 'static)) -> Option<(ErrorKind, &'static str)> {
    let io = cause.downcast_ref::<io::Error>()?;
    let (_, why) = KINDS.iter().find(|(kind, _)| *kind == io.kind())?;
    Some((ErrorKind::Unavailable, why))
}

/// What has no type that could be asked.
fn by_words(cause: &(dyn StdError + 'static)) -> Option<(ErrorKind, &'static str)> {
    let words = cause.to_string();
    if words.contains("dns error") {
        return Some((ErrorKind::Unavailable, "the API server's name is not known"));
    }
    if words.contains("peer certificate") {
        let why = "the API server cannot be trusted: check its certificate, and the authority that \
                   the configuration names";
        return Some((ErrorKind::Invalid, why));
    }
    let is_cut = words.contains("connection closed before message completed");
    is_cut.then_some((ErrorKind::Unavailable, CUT))
}
