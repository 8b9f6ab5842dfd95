//! Every version of every Lease of a namespace, as the API server tells it to whoever watches: by whom it was
//! written, when by the writer's words, and when it was seen here.
//!
//! The writer is known by the name under which the API server notes who changed which field: the program's,
//! which for candidates of client-go's is their identity (`candidates.rs`).

use crate::candidates::now;
use consensus_testbed::{Control, Failure};
use http::Method;
use jiff::Timestamp;
use serde_json::{Value, json};
use std::ops::ControlFlow;
use std::sync::mpsc::{Receiver, channel};
use std::thread::{self, JoinHandle};

/// Who wrote a version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Writer {
    Ours,
    /// With its identity.
    ClientGo(String),
}

/// One version of a Lease. All times are in nanoseconds of the boot-time clock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Version {
    /// The Lease's name.
    pub(super) election: String,
    pub(super) revision: u64,
    /// Nobody: it was released, or erased.
    pub(super) holder: Option<String>,
    pub(super) lease: i64,
    /// The term of one of ours that this version is of.
    pub(super) token: Option<u64>,
    pub(super) writer: Writer,
    /// When its writer began to write it, as it says itself.
    pub(super) written: i64,
    pub(super) seen: i64,
}

impl Version {
    pub(super) fn is_held_by(&self, identity: &str) -> bool {
        self.holder.as_deref() == Some(identity)
    }
}

/// A watch that runs.
#[derive(Debug)]
pub(super) struct Watching {
    control: Control,
    folder: String,
    versions: Receiver<Version>,
    thread: JoinHandle<()>,
}

/// The Lease whose creation ends the watch.
const END: &str = "end";

impl Watching {
    /// Begins before anybody takes part.
    pub(super) fn begin(control: Control, folder: String) -> Self {
        let list = control.must(&Method::GET, &folder, None);
        let mut after = revision(&list).expect("a list has one");
        let (tell, versions) = channel();
        let (reader, path) = (control.clone(), folder.clone());
        let wall = wall_at_boot();
        let thread = thread::spawn(move || {
            let mut is_over = false;
            while !is_over {
                let path = format!("{path}?watch=true&resourceVersion={after}");
                // A stream that ends goes on where it was.
                let end = reader.follow(&path, |event| {
                    let (version, at) = read(&event, wall).expect("a Lease");
                    after = at;
                    is_over = version.is_none();
                    let Some(version) = version else {
                        return ControlFlow::Break(());
                    };
                    // Whoever wanted to know it may have gone.
                    is_over = tell.send(version).is_err();
                    ControlFlow::Continue(())
                });
                end.expect("the API server is well");
            }
            let drift = wall_at_boot() - wall;
            println!("the wall clock went {} us astray", drift / 1000);
        });
        Self {
            control,
            folder,
            versions,
            thread,
        }
    }

    /// All versions until now, in order.
    pub(super) fn end(self) -> Vec<Version> {
        let last = json!({ "metadata": { "name": END } });
        self.control.must(&Method::POST, &self.folder, Some(&last));
        self.thread.join().expect("no version was missed");
        let mut versions: Vec<Version> = self.versions.iter().collect();
        versions.sort_by_key(|version| version.revision);
        versions
    }
}

/// What the wall clock said when the machine was started.
fn wall_at_boot() -> i64 {
    let wall = i64::try_from(Timestamp::now().as_nanosecond()).expect("this century");
    wall - now()
}

fn revision(object: &Value) -> Result<u64, Failure> {
    let text = object["metadata"]["resourceVersion"].as_str();
    Ok(text.ok_or("no revision")?.parse()?)
}

/// The version of an event, and where the watch goes on. None: that was the last one.
fn read(event: &Value, wall: i64) -> Result<(Option<Version>, u64), Failure> {
    let (lease, seen) = (&event["object"], now());
    let revision = revision(lease)?;
    let metadata = &lease["metadata"];
    let election = metadata["name"].as_str().ok_or("no name")?;
    if election == END {
        return Ok((None, revision));
    }
    if event["type"] == "DELETED" {
        return Err("nobody deletes it here".into());
    }
    let managers = metadata["managedFields"].as_array();
    let renewed = |entry: &&Value| entry["fieldsV1"]["f:spec"]["f:renewTime"].is_object();
    let writer = managers
        .into_iter()
        .flatten()
        .find(renewed)
        .and_then(|entry| entry["manager"].as_str());
    let writer = match writer.ok_or("nobody wrote it")? {
        "consensus-election" => Writer::Ours,
        identity => Writer::ClientGo(identity.to_owned()),
    };
    let spec = &lease["spec"];
    let holder = spec["holderIdentity"]
        .as_str()
        .filter(|who| !who.is_empty());
    let written: Timestamp = spec["renewTime"].as_str().ok_or("no time")?.parse()?;
    let ours = metadata["annotations"]["consensus-election/record"].as_str();
    let ours: Value = serde_json::from_str(ours.unwrap_or("{}"))?;
    let token = ours["token"].as_str().and_then(|token| token.parse().ok());
    Ok((
        Some(Version {
            election: election.to_owned(),
            revision,
            lease: spec["leaseDurationSeconds"].as_i64().ok_or("no lease")? * 1_000_000_000,
            // That of an acquisition is its own revision.
            token: (writer == Writer::Ours && holder.is_some()).then(|| token.unwrap_or(revision)),
            holder: holder.map(str::to_owned),
            writer,
            written: i64::try_from(written.as_nanosecond())? - wall,
            seen,
        }),
        revision,
    ))
}
