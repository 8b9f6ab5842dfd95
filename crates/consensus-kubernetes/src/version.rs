//! What a decision is made on: the Lease as it was seen, or that there was none.

use serde_json::Value;
use std::fmt;
use std::sync::Arc;

/// The API server's mark on a Lease: its uid and its resourceVersion. With it goes the Lease as it was
/// then, since a write keeps what is not ours.
#[derive(Clone)]
pub struct LeaseVersion(Option<Arc<Seen>>);

struct Seen {
    uid: String,
    revision: u64,
    lease: Value,
}

impl LeaseVersion {
    pub(crate) const ABSENT: Self = Self(None);

    /// `None`: this resourceVersion is not one that can be compared.
    pub(crate) fn of(lease: Value) -> Option<Self> {
        let metadata = &lease["metadata"];
        let uid = metadata["uid"].as_str()?.to_owned();
        let revision = revision(&lease)?;
        Some(Self(Some(Arc::new(Seen {
            uid,
            revision,
            lease,
        }))))
    }

    /// `None`: there was no Lease.
    pub(crate) fn lease(&self) -> Option<&Value> {
        self.0.as_ref().map(|seen| &seen.lease)
    }

    /// The resourceVersion. `None`: there was no Lease.
    pub(crate) fn revision(&self) -> Option<u64> {
        self.0.as_ref().map(|seen| seen.revision)
    }
}

/// A resourceVersion as the number that it is: so the API's conformance has it for what is kept in
/// etcd, and it rises with every write to any object, also across deletion.
pub(crate) fn revision(object: &Value) -> Option<u64> {
    object["metadata"]["resourceVersion"].as_str()?.parse().ok()
}

impl PartialEq for LeaseVersion {
    fn eq(&self, other: &Self) -> bool {
        let mark = |version: &Self| {
            version
                .0
                .as_ref()
                .map(|seen| (seen.uid.clone(), seen.revision))
        };
        mark(self) == mark(other)
    }
}

impl Eq for LeaseVersion {}

impl fmt::Debug for LeaseVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Some(seen) => write!(f, "LeaseVersion({} of {})", seen.revision, seen.uid),
            None => f.write_str("LeaseVersion(absent)"),
        }
    }
}
