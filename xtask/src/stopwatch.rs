//! How long things take. The one module of this crate that reads a clock.

use std::fmt;
use std::time::{Duration, Instant};

#[derive(Clone, Copy)]
pub(crate) struct Stopwatch(Instant);

/// A time for people to read.
#[derive(Clone, Copy)]
pub(crate) struct Seconds(Duration);

impl Stopwatch {
    #[allow(
        clippy::disallowed_methods,
        reason = "this measures tools, and decides nothing"
    )]
    pub(crate) fn start() -> Self {
        Self(Instant::now())
    }

    pub(crate) fn elapsed(self) -> Seconds {
        Seconds(self.0.elapsed())
    }
}

impl Seconds {
    #[cfg(test)]
    pub(crate) const fn from_millis(millis: u64) -> Self {
        Self(Duration::from_millis(millis))
    }
}

impl fmt::Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:8.1} s", self.0.as_secs_f64())
    }
}
