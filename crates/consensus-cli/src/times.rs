//! Times: how they are written on the command line, and the clock that the program goes by.
//!
//! The clock is the boot-time clock, as the library's: it counts suspend, which tokio's own does not,
//! so a sleeper has a timer of the kernel on that clock. No other file of the program reads a clock or
//! sleeps.

use jiff::SignedDuration;
use rustix::time::{
    ClockId, Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, clock_gettime,
    timerfd_create, timerfd_settime,
};
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::{Duration, SystemTime};
use tokio::net::unix::pipe::Receiver;

/// A longer time than this on the command line is a mistake.
const LONGEST: Duration = Duration::from_secs(366 * 24 * 3600);
/// Without a timer, a sleeper notices this late, at most, that its time has come during a suspend.
const NAP: Duration = Duration::from_millis(100);

/// A point on the boot-time clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Instant(Duration);

impl Instant {
    pub(crate) fn now() -> Self {
        let time = clock_gettime(ClockId::Boottime);
        // Neither is negative on a clock that starts with the machine, and a second has 10⁹ parts.
        let nanos = u32::try_from(time.tv_nsec).unwrap_or_default();
        Self(Duration::new(time.tv_sec.unsigned_abs(), nanos))
    }

    /// The instant `time` later.
    pub(crate) fn plus(self, time: Duration) -> Self {
        Self(self.0.saturating_add(time))
    }

    /// Nanoseconds on that clock, for another process to read. 584 years fit.
    pub(crate) fn to_nanos(self) -> u64 {
        u64::try_from(self.0.as_nanos()).unwrap_or(u64::MAX)
    }

    /// The instant that another process wrote.
    pub(crate) fn from_nanos(nanos: u64) -> Self {
        Self(Duration::from_nanos(nanos))
    }

    /// How long after `earlier` this is.
    pub(crate) fn since(self, earlier: Self) -> Duration {
        self.0.saturating_sub(earlier.0)
    }
}

/// Resolves at that instant or soon after it.
#[allow(
    clippy::disallowed_methods,
    reason = "the one place that sleeps, in naps against the boot-time clock"
)]
pub(crate) async fn sleep_until(at: Instant) {
    loop {
        let left = at.since(Instant::now());
        if left.is_zero() {
            return;
        }
        let slept = match alarm(left) {
            Ok(alarm) => alarm.readable().await,
            Err(error) => Err(error),
        };
        if slept.is_err() {
            tokio::time::sleep(left.min(NAP)).await;
        }
    }
}

/// What becomes readable when that much time has passed.
fn alarm(time: Duration) -> io::Result<Receiver> {
    let timer = Timer::new()?;
    timer.set_in(time)?;
    // A pipe's receiver waits for any descriptor.
    Receiver::from_owned_fd_unchecked(timer.0)
}

/// A timer of the kernel, for who has no runtime.
#[derive(Debug)]
pub(crate) struct Timer(OwnedFd);

impl Timer {
    pub(crate) fn new() -> io::Result<Self> {
        let flags = TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC;
        Ok(Self(timerfd_create(TimerfdClockId::Boottime, flags)?))
    }

    /// Becomes readable at that instant, and not before. `None`: never.
    pub(crate) fn set(&self, at: Option<Instant>) -> io::Result<()> {
        match at {
            // Zero would be never.
            Some(at) => self.set_in(at.since(Instant::now()).max(Duration::from_nanos(1))),
            None => self.set_in(Duration::ZERO),
        }
    }

    fn set_in(&self, time: Duration) -> io::Result<()> {
        let once = Itimerspec {
            it_interval: NOTHING,
            it_value: timespec(time),
        };
        timerfd_settime(&self.0, TimerfdTimerFlags::empty(), &once)?;
        Ok(())
    }
}

impl AsFd for Timer {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// No time at all.
pub(crate) const NOTHING: Timespec = Timespec {
    tv_sec: 0,
    tv_nsec: 0,
};

/// How long who has no timer waits at most.
pub(crate) fn nap() -> Timespec {
    timespec(NAP)
}

fn timespec(time: Duration) -> Timespec {
    Timespec {
        tv_sec: i64::try_from(time.as_secs()).unwrap_or(i64::MAX),
        tv_nsec: time.subsec_nanos().into(),
    }
}

/// The wall clock in milliseconds since 1970: for people to read, never for a decision.
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

/// A time as people write it. The error says what to write instead.
pub(crate) fn parse(text: &str) -> Result<Duration, String> {
    let hint = "write a number and a unit above zero, such as 15s, 500ms or 1m30s";
    let time: SignedDuration = text
        .parse()
        .map_err(|_| format!("this is not a time; {hint}"))?;
    if time.is_negative() {
        return Err(format!("a time cannot be negative; {hint}"));
    }
    if time.is_zero() {
        return Err(format!("this is no time at all; {hint}"));
    }
    match Duration::try_from(time) {
        Ok(time) if time <= LONGEST => Ok(time),
        Ok(_) | Err(_) => Err("this is more than a year; give a shorter time".into()),
    }
}

/// A time for people: whole milliseconds, such as `1m 30s`.
pub(crate) fn in_words(time: Duration) -> String {
    let ms = i64::try_from(time.as_millis()).unwrap_or(i64::MAX);
    format!("{:#}", SignedDuration::from_millis(ms))
}

#[cfg(test)]
mod tests {
    use super::{in_words, parse};
    use std::time::Duration;

    #[test]
    fn times_read_as_people_write_them() {
        let read = |text| parse(text).expect(text);
        assert_eq!(read("15s"), Duration::from_secs(15));
        assert_eq!(read("500ms"), Duration::from_millis(500));
        assert_eq!(read("1m30s"), Duration::from_secs(90));
        assert_eq!(read("1.5s"), Duration::from_millis(1500));
        assert_eq!(read("24h"), Duration::from_secs(86_400));
    }

    #[test]
    fn times_are_said_as_people_read_them() {
        assert_eq!(in_words(Duration::from_secs(4)), "4s");
        assert_eq!(in_words(Duration::from_secs(4) / 3), "1s 333ms");
        assert_eq!(in_words(Duration::from_secs(3690)), "1h 1m 30s");
    }

    #[test]
    fn what_is_no_time_is_refused_with_what_to_write() {
        let rows = [
            ("0s", "no time at all"),
            ("0", "not a time"),
            ("15", "not a time"),
            ("", "not a time"),
            ("-1s", "cannot be negative"),
            ("nan", "not a time"),
            ("inf", "not a time"),
            ("1e99s", "not a time"),
            ("99999999999999999999s", "not a time"),
            ("9000000h", "more than a year"),
            ("15s\u{1b}[2J", "not a time"),
        ];
        for (text, why) in rows {
            let error = parse(text).expect_err(text);
            assert!(error.contains(why), "{text:?}: {error}");
        }
    }
}
