//! The time, as the library counts it, and how a benchmark waits. Nothing else here reads a clock.

use rustix::time::{ClockId, Timespec, clock_gettime};
use std::time::Duration;

/// Nanoseconds since boot. One clock for all processes of the machine.
#[inline]
pub(crate) fn now() -> u64 {
    nanos(clock_gettime(ClockId::Boottime))
}

/// One reading of that clock, and nothing else: what `is_leader()` is compared with.
#[inline]
pub(crate) fn read() -> Timespec {
    clock_gettime(ClockId::Boottime)
}

/// The time that this process has spent on any processor.
pub(crate) fn processor_time() -> Duration {
    Duration::from_nanos(nanos(clock_gettime(ClockId::ProcessCPUTime)))
}

/// How long a call takes.
pub(crate) fn time(call: impl FnOnce()) -> u64 {
    let before = now();
    call();
    now() - before
}

#[allow(
    clippy::disallowed_methods,
    reason = "a benchmark waits in real time, for what tells nobody that it has come"
)]
pub(crate) fn pause(time: Duration) {
    std::thread::sleep(time);
}

#[inline]
fn nanos(time: Timespec) -> u64 {
    time.tv_sec.unsigned_abs() * 1_000_000_000 + time.tv_nsec.unsigned_abs()
}
