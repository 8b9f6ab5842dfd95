//! The world of a real process: the one module that reads the system's clocks and randomness.
//!
//! What is Linux's own is in `host/linux.rs`; elsewhere `host/portable.rs` takes its place.

#[cfg(target_os = "linux")]
#[path = "host/linux.rs"]
mod system;

#[cfg(not(target_os = "linux"))]
#[path = "host/portable.rs"]
mod system;

// The other one is compiled and tested here as well, so that it does not rot.
#[cfg(all(test, target_os = "linux"))]
#[path = "host/portable.rs"]
mod portable;

use crate::record::Nonce;
use crate::world::{Instant, World};
use crate::{Error, ErrorKind};
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

pub(crate) use system::{now_nanos, open_timers, run_timers};

/// So many candidates share a seed for their renewals: enough for their memory to be fetched together, and
/// few enough for one store to be asked by all at once. Argued, not measured on a store.
const NEIGHBOURS: u32 = 16;

/// The system's boot-time clock, wall clock and randomness.
#[derive(Clone, Copy, Debug, Default)]
pub struct Host;

impl World for Host {
    fn now(&self) -> Instant {
        Instant::from_nanos(now_nanos())
    }

    fn wall_ms(&self) -> u64 {
        wall_ms()
    }

    fn nonce(&self) -> Result<Nonce, Error> {
        let mut bytes = [0; 16];
        fill(&mut bytes)?;
        Ok(Nonce::from_bits(u128::from_le_bytes(bytes)))
    }

    fn sleep_until(&self, at: Instant) -> impl Future<Output = ()> + Send {
        system::sleep_until(at)
    }
}

/// The wall clock, in milliseconds since 1970.
#[allow(
    clippy::disallowed_methods,
    reason = "the one place that reads the wall clock"
)]
pub(crate) fn wall_ms() -> u64 {
    let since_1970 = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default();
    u64::try_from(since_1970.as_millis()).unwrap_or(u64::MAX)
}

/// Stops this thread for a while. For helper threads only, which nobody else runs on.
#[cfg(target_os = "linux")]
#[allow(
    clippy::disallowed_methods,
    reason = "the one place where a thread sleeps"
)]
pub(crate) fn pause(wait: std::time::Duration) {
    std::thread::sleep(wait);
}

/// A seed for what need not be unguessable.
pub(crate) fn seed() -> Result<u64, Error> {
    let mut bytes = [0; 8];
    fill(&mut bytes)?;
    Ok(u64::from_le_bytes(bytes))
}

/// A seed that a few candidates share which are made one after another.
pub(crate) fn neighbours() -> Result<u64, Error> {
    static LAST: Mutex<(u64, u32)> = Mutex::new((0, 0));
    let mut last = LAST.lock().unwrap_or_else(PoisonError::into_inner);
    if last.1 == 0 {
        *last = (seed()?, NEIGHBOURS);
    }
    last.1 -= 1;
    Ok(last.0)
}

fn fill(bytes: &mut [u8]) -> Result<(), Error> {
    getrandom::fill(bytes).map_err(|error| {
        let message =
            "the system gives no randomness, without which no write can be told from others";
        Error::new(ErrorKind::Unavailable, message).with_source(error.to_string())
    })
}
