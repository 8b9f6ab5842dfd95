//! Leader election over a store that you already have.

pub mod backend;
mod error;
#[doc(hidden)]
pub mod host;
#[cfg(feature = "kit")]
pub mod kit;
mod knowledge;
pub mod memory;
mod protocol;
mod record;
pub mod store;
mod token;
#[doc(hidden)]
pub mod world;

#[cfg(target_os = "linux")]
pub mod file;

pub use backend::{Absent, Backend, Leader, WorkScope};
pub use error::{Error, ErrorKind};
#[cfg(target_os = "linux")]
pub use file::FileBackend;
pub use memory::MemoryBackend;
pub use token::Token;
