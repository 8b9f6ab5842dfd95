//! What a store keeps: one record an election.

use crate::Token;
use crate::backend::{Candidate, Leader, WorkScope};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// 128 fresh random bits in every single write: how a candidate knows a record for its own.
///
/// Drawn when the write is sent. A counter would not do: a cloned machine would repeat it.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Nonce(u128);

impl Nonce {
    /// The nonce of these bits. For stores that read one back, and for tests.
    pub const fn from_bits(bits: u128) -> Self {
        Self(bits)
    }

    /// The bits, for a store to keep.
    pub const fn to_bits(self) -> u128 {
        self.0
    }
}

/// 32 hexadecimal digits.
impl fmt::Display for Nonce {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl fmt::Debug for Nonce {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Nonce({self})")
    }
}

/// What a store keeps. Two records are the same only if they are equal in everything.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Record {
    /// Who leads. `None`: released, by the holder's own mark.
    pub holder: Option<Arc<str>>,
    /// The short text by which followers find the holder.
    pub address: Option<Arc<str>>,
    /// The mark of this write. `None`: written by somebody who knows no nonces.
    pub nonce: Option<Nonce>,
    /// How long the record counts as held after it was last seen to change.
    pub lease_duration: Duration,
    /// The token of the holder's term. `None`: the revision of this very write is the token (see
    /// [`Saved::Stored`](crate::store::Saved::Stored)).
    pub token: Option<Token>,
    /// How far the holder's work reaches.
    pub work: WorkScope,
    /// When the term began by the holder's wall clock, in milliseconds since 1970. For people to
    /// read, never for a decision.
    pub acquired_ms: u64,
    /// When this was written by the holder's wall clock, in milliseconds since 1970. For people to
    /// read, never for a decision.
    pub renewed_ms: u64,
}

impl Record {
    /// Whoever this record says leads.
    pub fn leader(&self) -> Option<Leader> {
        let identity = self.holder.clone()?;
        Some(Leader {
            identity,
            address: self.address.clone(),
        })
    }
}

/// What a candidate may hold: its part of the record, for whoever has to release in its place once it
/// is dead (see [`RecordBackend::inheriting`](crate::store::RecordBackend::inheriting)).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Claim {
    /// The last write that was confirmed, while the store is not known to hold another.
    pub confirmed: Option<Record>,
    /// Writes that were sent after it, and have no answer yet. Those that are left when the candidate
    /// dies may have been stored, or may yet be.
    pub open: Vec<Record>,
}

impl Claim {
    /// The candidate that these writes name, and on what terms. `None`: nothing is held.
    pub fn candidate(&self) -> Option<Candidate> {
        let mut records = self.confirmed.iter().chain(&self.open);
        let record = records.find(|record| record.holder.is_some())?;
        let mut candidate = Candidate::new(record.holder.clone()?, record.lease_duration);
        candidate.address.clone_from(&record.address);
        candidate.work = record.work;
        Some(candidate)
    }
}
