//! What machine, protocol and driver may know of the world: a clock, a timer and randomness, all of
//! them handed in. The simulator hands in its own; a process gets [`Host`](crate::host::Host).

use crate::Error;
use crate::record::Nonce;
use std::future::Future;
use std::time::Duration;

/// A point on the clock of one candidate, which counts suspend. Nanoseconds since its zero, which
/// differs from machine to machine: two candidates' instants are never compared.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Instant(u64);

impl Instant {
    /// The instant this many nanoseconds after the clock's zero.
    pub const fn from_nanos(nanos: u64) -> Self {
        Self(nanos)
    }

    /// Nanoseconds since the clock's zero.
    pub const fn as_nanos(self) -> u64 {
        self.0
    }

    /// The instant `duration` later.
    #[must_use]
    pub fn plus(self, duration: Duration) -> Self {
        Self(
            self.0
                .saturating_add(u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)),
        )
    }

    /// The last instant before this one, or this one, that is a whole multiple of `step`.
    #[must_use]
    pub(crate) fn rounded_down(self, step: Duration) -> Self {
        let step = u64::try_from(step.as_nanos()).unwrap_or(u64::MAX);
        Self(self.0 - self.0 % step.max(1))
    }

    /// The time since `earlier`; zero if that is later.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }
}

/// The world of one candidate.
pub trait World: Send + Sync + 'static {
    /// The clock that everything is decided by.
    fn now(&self) -> Instant;

    /// The wall clock, in milliseconds since 1970: for people to read, never for a decision.
    fn wall_ms(&self) -> u64;

    /// Fresh random bits.
    ///
    /// # Errors
    /// [`Unavailable`](crate::ErrorKind::Unavailable) if the system has none.
    fn nonce(&self) -> Result<Nonce, Error>;

    /// Resolves at that instant or soon after it, by the clock of [`now`](World::now).
    fn sleep_until(&self, at: Instant) -> impl Future<Output = ()> + Send;
}
