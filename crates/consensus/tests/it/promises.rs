//! The promises of the design, each a test of that name that runs the shipped driver. Each says which
//! one-line break of the shipped code makes it fail; `cargo xtask mutants` breaks it, and sees to it.

#[cfg(target_os = "linux")]
mod input;
mod rare;
mod records;
mod time;
mod work;

use crate::bench::secs;
use consensus::store::{Nonce, Record};
use consensus::{Token, WorkScope};

/// A record as a stranger might write it.
pub fn strangers(holder: &str, lease_secs: u64) -> Record {
    Record {
        holder: Some(holder.into()),
        address: None,
        nonce: Some(Nonce::from_bits(0xF0F0)),
        lease_duration: secs(lease_secs),
        token: Some(Token::new(1_000)),
        work: WorkScope::Process,
        acquired_ms: u64::MAX,
        renewed_ms: u64::MAX,
    }
}
