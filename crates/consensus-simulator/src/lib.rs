//! The simulator: the shipped machine, protocol and driver over a simulated store, in a world where
//! everything goes wrong that can.
//!
//! ```text
//!   run.rs        takes the next event of a seed, and gives it to whom it concerns
//!    ├─ plan.rs       what options and seed settle before: times up to the edge of the inequality
//!    ├─ world.rs      true time, the events to come, the clock of each candidate (clock.rs)
//!    ├─ candidate.rs  the shipped driver, polled; the program and the work around it
//!    ├─ network.rs    requests and answers on their way (remote.rs: the protocol's side; hints.rs)
//!    ├─ server.rs     what the store holds
//!    ├─ stranger.rs   who else writes there
//!    ├─ faults.rs     what can go wrong, and how often it did (odds.rs: how often)
//!    ├─ checks.rs     the promises, at every step, by an account of its own (beliefs.rs, overlap.rs)
//!    └─ timeline.rs   what happened, for people
//! ```
//!
//! A seed replays to the same timeline, on every machine. Read `run.rs` first.

mod beliefs;
mod candidate;
mod checks;
mod clock;
mod faults;
mod hints;
mod network;
mod odds;
mod overlap;
mod plan;
mod remote;
mod rng;
mod run;
mod server;
mod stranger;
mod sweep;
mod timeline;
mod world;

pub use checks::Violation;
pub use faults::{Counts, Fault, Switches};
pub use plan::{Options, Promises, Times};
pub use run::{Outcome, replay, run};
pub use sweep::{Sweep, Until, sweep};
