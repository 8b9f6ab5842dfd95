//! True time, and what a candidate's clock makes of it: an offset and a rate.
//!
//! True time is nanoseconds since the beginning of a run, and nobody in the simulated world can read
//! it. The checks compare in true time only.

use std::time::Duration;

/// True nanoseconds.
pub(crate) type Time = u64;

pub(crate) const MS: Time = 1_000_000;
pub(crate) const SECOND: Time = 1_000 * MS;
pub(crate) const HOUR: Time = 3_600 * SECOND;
/// Not in this run.
pub(crate) const NEVER: Time = Time::MAX;

/// A rate of one, in fixed point: exact to a nanosecond for longer than any run.
const ONE: u64 = 1 << 60;

/// The clock of one candidate.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    offset: u64,
    rate: u64,
    inverse: u64,
}

impl Clock {
    /// A clock that shows `offset` at the beginning and is too fast by so many parts per million.
    pub(crate) fn new(offset: u64, ppm: i64) -> Self {
        let parts = 1_000_000_u64.saturating_add_signed(ppm);
        Self {
            offset,
            rate: scale(ONE, parts, 1_000_000),
            inverse: scale(ONE, 1_000_000, parts),
        }
    }

    /// What the clock shows at a true time.
    #[inline]
    pub(crate) fn at(&self, time: Time) -> u64 {
        self.offset + scale(time, self.rate, ONE)
    }

    /// The first true time at which the clock shows this, or more.
    pub(crate) fn when(&self, shows: u64) -> Time {
        if shows == u64::MAX {
            return NEVER;
        }
        let mut time = scale(shows.saturating_sub(self.offset), self.inverse, ONE);
        while self.at(time) < shows {
            time += 1;
        }
        while time > 0 && self.at(time - 1) >= shows {
            time -= 1;
        }
        time
    }
}

/// `number` · `by` / `of`, without overflow on the way.
#[inline]
fn scale(number: u64, by: u64, of: u64) -> u64 {
    let scaled = u128::from(number) * u128::from(by) / u128::from(of);
    u64::try_from(scaled).unwrap_or(u64::MAX)
}

pub(crate) fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// Seconds, for people.
#[allow(
    clippy::cast_precision_loss,
    reason = "a run is shorter than 2^53 nanoseconds, and nobody reads further"
)]
pub(crate) fn seconds(time: Time) -> f64 {
    time as f64 / SECOND as f64
}

#[cfg(test)]
mod tests {
    use super::{Clock, HOUR, SECOND};

    #[test]
    fn a_clock_and_its_inverse_agree_to_the_nanosecond() {
        for ppm in [-20_000, -5_000, -1, 0, 1, 5_000, 20_000] {
            let clock = Clock::new(77 * HOUR, ppm);
            for time in [0, 1, 999, SECOND + 1, 5 * HOUR + 12_345, 100 * HOUR] {
                let shows = clock.at(time);
                let first = clock.when(shows);
                assert!(first <= time && clock.at(first) == shows, "{ppm} {time}");
                assert!(first == 0 || clock.at(first - 1) < shows, "{ppm} {time}");
            }
        }
    }
}
