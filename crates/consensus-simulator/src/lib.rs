//! The simulator: the shipped machine, protocol and driver over a simulated store, in a world where
//! everything goes wrong that can.
mod candidate;
mod checks;
mod clock;
mod faults;
mod network;
mod plan;
mod rng;
mod run;
mod server;
mod sweep;
mod timeline;
mod world;

pub use checks::Violation;
pub use faults::{Counts, Fault, Switches};
pub use plan::{Options, Promises, Times};
pub use run::{Outcome, replay, run};
pub use sweep::{Sweep, Until, sweep};
