//! The one clock of all: the machine's boot-time clock.

use rustix::time::{ClockId, clock_gettime};

/// In nanoseconds.
pub fn now() -> u64 {
    let now = clock_gettime(ClockId::Boottime);
    now.tv_sec.unsigned_abs() * 1_000_000_000 + now.tv_nsec.unsigned_abs()
}
