//! Elections over a Kubernetes Lease: real candidates against a real API server, each figure in a cluster
//! of its own. What ours are held beside is client-go's elector, as it is published, in the same run.
//!
//! Each figure takes minutes: a lease of 15 s is waited for, and whoever polls does so every two seconds.

pub(crate) mod failover;
pub(crate) mod handover;
pub(crate) mod requests;
pub(crate) mod thousand;

mod bed;
mod candidate;
mod crowd;
mod lane;
mod metrics;

use std::time::Duration;

/// What all candidates are started with: what is usual, of client-go's too.
const LEASE: Duration = Duration::from_secs(15);

/// How often a leader is replaced, unless it was said.
const ROUNDS: usize = 40;
