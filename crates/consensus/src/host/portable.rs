//! Where there is no boot-time clock to be had: the standard library's clock and the runtime's
//! timers. On some systems both stand still while the machine sleeps.

use crate::world::Instant;
use std::io;
use std::sync::OnceLock;
use std::time::Duration;

#[allow(
    clippy::disallowed_methods,
    reason = "the one place that reads the clock"
)]
fn clock() -> Duration {
    static ZERO: OnceLock<std::time::Instant> = OnceLock::new();
    ZERO.get_or_init(std::time::Instant::now).elapsed()
}

/// Nanoseconds since the first call. Never zero, which means *no term*.
pub(crate) fn now_nanos() -> u64 {
    u64::try_from(clock().as_nanos())
        .unwrap_or(u64::MAX)
        .saturating_add(1)
}

#[cfg_attr(test, allow(dead_code))]
#[allow(
    clippy::unnecessary_wraps,
    reason = "it fails where there is a timer to be had"
)]
pub(crate) fn open_timers() -> io::Result<()> {
    Ok(())
}

/// The runtime wakes who is due: nothing to do, for ever.
#[cfg_attr(test, allow(dead_code))]
pub(crate) async fn run_timers((): ()) -> io::Error {
    std::future::pending().await
}

#[allow(clippy::disallowed_methods, reason = "the one place that sleeps")]
pub(crate) async fn sleep_until(at: Instant) {
    let wait = at.as_nanos().saturating_sub(now_nanos());
    tokio::time::sleep(Duration::from_nanos(wait)).await;
}

#[cfg(test)]
#[tokio::test]
async fn a_sleep_ends_at_its_instant_and_not_before() {
    let at = Instant::from_nanos(now_nanos()).plus(Duration::from_millis(20));
    sleep_until(at).await;
    assert!(now_nanos() >= at.as_nanos());
}
