//! Leader election over a store that you already have.

pub mod backend;
mod belief;
mod board;
mod config;
mod driver;
mod election;
mod ended;
mod error;
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
    pub use crate::driver::{AnyBackend, drive};
    pub use crate::election::Election;
    pub use crate::host::Host;
    pub use crate::world::{Instant, World};
}
