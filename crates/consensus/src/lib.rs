//! Leader election over a store that you already have: N processes, one leader.
//!
//! ```no_run
//! use consensus::{Config, FileBackend, Manager};
//!
//! # async fn do_work(token: consensus::Token) {}
//! # async fn example() -> Result<(), consensus::Error> {
//! let backend = FileBackend::new("/run/app/leader.json");
//! let manager = Manager::new(backend, Config::new("instance-1"))?; // 15 s lease, 5 s renew, 2 s retry
//! let lease = manager.start();
//!
//! lease.is_leader(); // never blocks, cheap enough for a hot loop
//! let term = lease.wait_for_leadership().await?;
//! let _ = term.run(do_work(term.token())).await; // the future is dropped when the term ends
//!
//! manager.stop().await // ends the term, waits for registered work, then releases
//! # }
//! ```
//!
//! # How it is built
//!
//! *When* is the [`Manager`]'s: a pure state machine, driven on a thread of the process's elections.
//! *What* is the [`Backend`]'s: [`try_acquire`](Backend::try_acquire), [`renew`](Backend::renew),
//! [`release`](Backend::release). *Where* is the [`Store`](store::Store)'s: any place that can compare
//! before it swaps. [`RecordBackend`](store::RecordBackend) makes a backend of a store.
//!
//! | if you want to | read |
//! |---|---|
//! | lead, follow, wait | [`Manager`], [`Lease`], [`Term`] |
//! | set times | [`Config`] |
//! | refuse a leader that is late | [`fence`] |
//! | elect among the processes of one machine | [`FileBackend`] |
//! | elect among the threads of one process, or test | [`MemoryBackend`] |
//! | bring a store of your own | [`store`], and `kit` to test it |
//! | bring a system that keeps leases by itself | [`backend`] |
//!
//! # What no library can promise
//!
//! A process that is frozen between asking [`is_leader`](Lease::is_leader) and acting can act late.
//! Only the resource can refuse that, by checking the [`Token`]: hand it to whatever you write to.
//! [`fence`] shows how, for SQL, object stores and services.
//!
//! # Features
//!
//! `kit`: the conformance suite for stores, and faults to test against.

pub mod backend;
mod belief;
mod board;
mod config;
mod driver;
mod election;
mod ended;
mod error;
pub mod fence;
mod host;
#[cfg(feature = "kit")]
pub mod kit;
mod knowledge;
mod lease;
mod manager;
pub mod memory;
mod protocol;
mod record;
mod report;
mod status;
pub mod store;
mod term;
mod thread;
mod timing;
mod token;
mod world;

#[cfg(target_os = "linux")]
pub mod file;

pub use backend::{Absent, Backend, Leader, WorkScope};
pub use config::Config;
pub use ended::Ended;
pub use error::{Error, ErrorKind};
#[cfg(target_os = "linux")]
pub use file::FileBackend;
pub use lease::Lease;
pub use manager::Manager;
pub use memory::MemoryBackend;
pub use status::Status;
pub use term::{Term, Work};
pub use timing::Timing;
pub use token::Token;

/// What the simulator runs and strangers have no use for. No promise is made about it.
#[doc(hidden)]
pub mod internals {
    pub use crate::board::{Ask, Board};
    pub use crate::driver::drive;
    pub use crate::election::Election;
    pub use crate::host::Host;
    pub use crate::world::{Instant, World};
}

#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
struct Readme;
