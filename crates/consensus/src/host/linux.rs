//! Linux: `CLOCK_BOOTTIME`, which counts suspend, and one timer on it for all elections of a process.
//! (The runtime's own timers stand still during suspend.)

use crate::world::Instant;
use rustix::time::{
    ClockId, Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, clock_gettime,
    timerfd_create, timerfd_settime,
};
use std::collections::BTreeMap;
use std::io;
use std::os::fd::OwnedFd;
use std::pin::Pin;
use std::sync::{Mutex, OnceLock, PoisonError};
use std::task::{Context, Poll, Waker};
use tokio::net::unix::pipe::Receiver;

const NANOS: u64 = 1_000_000_000;

/// Nanoseconds since boot, suspend included.
#[inline]
pub(crate) fn now_nanos() -> u64 {
    let time = clock_gettime(ClockId::Boottime);
    // Neither is negative on a clock that starts with the machine.
    time.tv_sec.unsigned_abs() * NANOS + time.tv_nsec.unsigned_abs()
}

/// Every sleeper of the process, by the instant at which it wants to be woken.
#[derive(Debug)]
struct Timers {
    descriptor: OwnedFd,
    sleepers: Mutex<Sleepers>,
}

#[derive(Debug, Default)]
struct Sleepers {
    last: u64,
    by_instant: BTreeMap<(u64, u64), Waker>,
}

static TIMERS: OnceLock<Timers> = OnceLock::new();

impl Timers {
    fn arm(&self, at: u64) {
        // Relative: tools that fake the time translate this, and not an absolute boot time.
        let wait = at.saturating_sub(now_nanos()).max(1);
        let once = Timespec {
            tv_sec: 0,
            tv_nsec: 0,
        };
        let it_value = Timespec {
            tv_sec: i64::try_from(wait / NANOS).unwrap_or(i64::MAX),
            tv_nsec: i64::try_from(wait % NANOS).unwrap_or_default(),
        };
        let value = Itimerspec {
            it_interval: once,
            it_value,
        };
        if let Err(error) = timerfd_settime(&self.descriptor, TimerfdTimerFlags::empty(), &value) {
            tracing::error!(%error, "cannot set the timer of the elections");
        }
    }

    fn take_due(&self, now: u64) -> Vec<Waker> {
        let mut sleepers = self.sleepers.lock().unwrap_or_else(PoisonError::into_inner);
        let later = sleepers.by_instant.split_off(&(now + 1, 0));
        let due = std::mem::replace(&mut sleepers.by_instant, later);
        if let Some((&(at, _), _)) = sleepers.by_instant.first_key_value() {
            self.arm(at);
        }
        due.into_values().collect()
    }
}

/// Makes the timer, before anybody sleeps, and gives what [`run_timers`] waits for. To be called
/// in a runtime's context.
pub(crate) fn open_timers() -> io::Result<Receiver> {
    let flags = TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC;
    let descriptor = timerfd_create(TimerfdClockId::Boottime, flags)?;
    let timers = TIMERS.get_or_init(|| Timers {
        descriptor,
        sleepers: Mutex::default(),
    });
    // A pipe's receiver polls and reads any descriptor, and is safe to make; `AsyncFd` is not.
    Receiver::from_owned_fd_unchecked(timers.descriptor.try_clone()?)
}

/// Wakes who is due, for ever.
pub(crate) async fn run_timers(due: Receiver) -> io::Error {
    loop {
        if let Err(error) = due.readable().await {
            return error;
        }
        let mut expirations = [0; 8];
        // Would block: woken for nothing. The queue is looked at all the same.
        let _ = due.try_read(&mut expirations);
        let Some(timers) = TIMERS.get() else { continue };
        for waker in timers.take_due(now_nanos()) {
            waker.wake();
        }
    }
}

pub(crate) fn sleep_until(at: Instant) -> Sleep {
    Sleep {
        at: at.as_nanos(),
        number: None,
    }
}

/// Wakes at an instant of the boot-time clock. Needs [`run_timers`] to be running.
#[derive(Debug)]
pub(crate) struct Sleep {
    at: u64,
    number: Option<u64>,
}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if now_nanos() >= self.at {
            // Its waker has been taken, or is about to be.
            self.number = None;
            return Poll::Ready(());
        }
        let Some(timers) = TIMERS.get() else {
            return Poll::Pending;
        };
        let mut sleepers = timers
            .sleepers
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let number = self.number.unwrap_or(sleepers.last + 1);
        sleepers.last = sleepers.last.max(number);
        self.number = Some(number);
        let first = sleepers
            .by_instant
            .first_key_value()
            .map(|(&(at, _), _)| at);
        sleepers
            .by_instant
            .insert((self.at, number), cx.waker().clone());
        if first.is_none_or(|first| self.at < first) {
            timers.arm(self.at);
        }
        Poll::Pending
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        if let (Some(number), Some(timers)) = (self.number, TIMERS.get()) {
            let mut sleepers = timers
                .sleepers
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            sleepers.by_instant.remove(&(self.at, number));
        }
    }
}
