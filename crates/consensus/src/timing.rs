//! The times of an election: derived from the lease duration, and held against the rules.
//!
//! Owns the inequality that everything rests on: a leader and its work are over before anybody else
//! may begin, although two clocks may differ in rate by one per cent. `config.rs` is where users set
//! them.

use crate::knowledge::LONGEST_LEASE;
use crate::{Error, ErrorKind};
use std::time::Duration;

const SHORTEST_LEASE: Duration = Duration::from_millis(320);
const SHORTEST: Duration = Duration::from_millis(1);

/// What a user set; what is `None` follows from the lease duration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Settings {
    pub(crate) lease_duration: Duration,
    pub(crate) renew_deadline: Option<Duration>,
    pub(crate) renew_interval: Option<Duration>,
    pub(crate) retry_interval: Option<Duration>,
    pub(crate) request_timeout: Option<Duration>,
    pub(crate) stop_grace: Option<Duration>,
    pub(crate) check_in: Option<Duration>,
    pub(crate) kill: Kill,
}

/// Whether the work is ended by a signal, which takes a moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Kill {
    #[default]
    Never,
    Allowed,
}

/// The times of one election, as checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Timing {
    /// How long a record counts as held after it was last seen to change.
    pub lease_duration: Duration,
    /// How long after the *sending* of its last confirmed renewal a leader still leads.
    pub renew_deadline: Duration,
    /// How often a leader renews.
    pub renew_interval: Duration,
    /// How often a follower without notice tries, and a leader retries, at the slowest.
    pub retry_interval: Duration,
    /// How long one request may take.
    pub request_timeout: Duration,
    /// How long work may take to end after the deadline.
    pub stop_grace: Duration,
    /// How long a kill signal may take to have an effect.
    pub kill_allowance: Duration,
    /// Within what time the work must say that it is alive.
    pub check_in: Option<Duration>,
}

impl Settings {
    /// All that follows from this lease duration.
    pub(crate) fn of(lease_duration: Duration) -> Self {
        Self {
            lease_duration,
            renew_deadline: None,
            renew_interval: None,
            retry_interval: None,
            request_timeout: None,
            stop_grace: None,
            check_in: None,
            kill: Kill::Never,
        }
    }

    /// The times, if they keep the rules.
    pub(crate) fn timing(&self) -> Result<Timing, Error> {
        let lease = self.lease_duration;
        if !(SHORTEST_LEASE..=LONGEST_LEASE).contains(&lease) {
            return Err(invalid(format!(
                "the lease duration is {lease:?}; it must be from {SHORTEST_LEASE:?} to 24 h"
            )));
        }
        let timing = self.derive();
        timing.check_renewals().or_else(|why| self.refuse(&why))?;
        timing.check_end().or_else(|why| self.refuse(&why))?;
        timing.check_bounds()?;
        Ok(timing)
    }

    fn derive(&self) -> Timing {
        let lease = self.lease_duration;
        let renew_deadline = self.renew_deadline.unwrap_or(lease * 2 / 3);
        let renew_interval = self.renew_interval.unwrap_or(lease / 3);
        let retry_interval = self
            .retry_interval
            .unwrap_or((lease * 2 / 15).min(Duration::from_secs(2)));
        let room = renew_deadline.saturating_sub(renew_interval);
        let request_timeout = self
            .request_timeout
            .unwrap_or((room / 20 * 9).min(Duration::from_secs(10)));
        let kill_allowance = match self.kill {
            Kill::Never => Duration::ZERO,
            Kill::Allowed => (lease * 3 / 100).max(Duration::from_millis(100)),
        };
        let left = (lease * 98 / 100)
            .saturating_sub(renew_deadline)
            .saturating_sub(kill_allowance);
        let stop_grace = self
            .stop_grace
            .unwrap_or((left * 95 / 100).min(lease * 4 / 15));
        Timing {
            lease_duration: lease,
            renew_deadline,
            renew_interval,
            retry_interval,
            request_timeout,
            stop_grace,
            kill_allowance,
            check_in: self.check_in,
        }
    }

    /// Refuses, and names the least lease duration that would do with the other settings as they are.
    fn refuse(&self, why: &str) -> Result<(), Error> {
        let timing = |n: u64| {
            let lease_duration = Duration::from_millis(100 * n);
            Self {
                lease_duration,
                ..*self
            }
            .derive()
        };
        let ends = |n: u64| timing(n).check_end().is_ok();
        let renews = |n: u64| timing(n).check_renewals().is_ok();
        // A longer lease leaves more time to end. To renew it leaves more only if the deadline grows
        // with it: else the interval does.
        let grows = self.renew_deadline.is_none();
        let (mut no, mut yes) = (0, LONGEST_LEASE.as_secs() * 10);
        while yes - no > 1 {
            let middle = no.midpoint(yes);
            if ends(middle) && (!grows || renews(middle)) {
                yes = middle;
            } else {
                no = middle;
            }
        }
        if !ends(yes) || !renews(yes) {
            return Err(invalid(format!(
                "{why}; no lease duration up to 24 h would do"
            )));
        }
        let least = Duration::from_millis(100 * yes).max(SHORTEST_LEASE);
        Err(invalid(format!(
            "{why}; the least lease duration that would do is {least:?}"
        )))
    }
}

impl Timing {
    fn check_bounds(&self) -> Result<(), Error> {
        let times = [
            ("renew deadline", self.renew_deadline),
            ("renew interval", self.renew_interval),
            ("retry interval", self.retry_interval),
            ("request timeout", self.request_timeout),
            ("check-in", self.check_in.unwrap_or(self.lease_duration)),
        ];
        for (name, time) in times {
            if time < SHORTEST || time > LONGEST_LEASE {
                return Err(invalid(format!(
                    "the {name} is {time:?}; it must be from {SHORTEST:?} to 24 h"
                )));
            }
        }
        Ok(())
    }

    /// Two tries must fit before the deadline: R + max(q, r) + q ≤ D.
    fn check_renewals(&self) -> Result<(), String> {
        let (interval, retry, timeout) = (
            self.renew_interval,
            self.retry_interval,
            self.request_timeout,
        );
        let needed = interval
            .saturating_add(retry.max(timeout))
            .saturating_add(timeout);
        if needed <= self.renew_deadline {
            return Ok(());
        }
        Err(format!(
            "two tries to renew do not fit before the renew deadline: renew interval {interval:?} \
             + the longer of retry interval {retry:?} and request timeout {timeout:?} \
             + request timeout make {needed:?}, more than the renew deadline {:?}",
            self.renew_deadline
        ))
    }

    /// Work is over before anybody else begins: D + G + K ≤ L (1 − ρ) / (1 + ρ), with ρ = 1 %.
    fn check_end(&self) -> Result<(), String> {
        let (deadline, grace, kill) = (self.renew_deadline, self.stop_grace, self.kill_allowance);
        let needed = deadline.saturating_add(grace).saturating_add(kill);
        let room = self.lease_duration * 99 / 101;
        if needed <= room {
            return Ok(());
        }
        Err(format!(
            "the work could outlive the lease: renew deadline {deadline:?} + stop grace {grace:?} \
             + kill allowance {kill:?} make {needed:?}, more than the {room:?} that a lease of {:?} \
             leaves when clock rates differ by 1 %",
            self.lease_duration
        ))
    }

    /// What the settings mean, for the log of the start.
    pub fn summary(&self) -> String {
        let waits = self.retry_interval.max(self.request_timeout);
        let room = self.renew_deadline.saturating_sub(self.renew_interval);
        let hangs = room
            .saturating_sub(waits)
            .saturating_sub(self.request_timeout);
        let refuses = room.saturating_sub(self.retry_interval);
        format!(
            "lease {:?}, renewed every {:?}, over {:?} after the last confirmed renewal was sent; \
             surely rides out {hangs:?} of a hanging store, {refuses:?} of a refusing one; another \
             leads at most {:?} after a crash and {:?} after a release (sooner where the store \
             tells); work has {:?} to end; clock rates may differ by 1 %",
            self.lease_duration,
            self.renew_interval,
            self.renew_deadline,
            self.lease_duration + self.retry_interval,
            self.retry_interval,
            self.stop_grace,
        )
    }
}

fn invalid(message: String) -> Error {
    Error::new(ErrorKind::Invalid, message)
}

#[cfg(test)]
mod tests {
    use super::{Kill, Settings, Timing};
    use std::time::Duration;

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn the_times_at_fifteen_seconds_are_those_of_the_table() {
        let program = Settings {
            kill: Kill::Allowed,
            ..Settings::of(ms(15_000))
        };
        let expected = Timing {
            lease_duration: ms(15_000),
            renew_deadline: ms(10_000),
            renew_interval: ms(5_000),
            retry_interval: ms(2_000),
            request_timeout: ms(2_250),
            stop_grace: ms(4_000),
            kill_allowance: ms(450),
            check_in: None,
        };
        assert_eq!(program.timing().expect("valid"), expected);
        let summary = expected.summary();
        assert!(
            summary.contains("500ms of a hanging store, 3s of a refusing one"),
            "{summary}"
        );
    }

    #[test]
    fn every_lease_duration_from_the_shortest_to_the_longest_keeps_the_rules() {
        for kill in [Kill::Never, Kill::Allowed] {
            let mut lease = 320;
            while lease <= 24 * 3_600_000 {
                let timing = Settings {
                    kill,
                    ..Settings::of(ms(lease))
                }
                .timing();
                assert!(timing.is_ok(), "{lease} ms: {timing:?}");
                lease += lease / 7 + 1;
            }
        }
        assert!(Settings::of(ms(319)).timing().is_err());
        assert!(Settings::of(ms(24 * 3_600_000 + 1)).timing().is_err());
        assert!(Settings::of(Duration::MAX).timing().is_err());
    }

    #[test]
    fn a_refusal_names_the_least_lease_that_would_do() {
        let settings = Settings {
            stop_grace: Some(ms(30_000)),
            kill: Kill::Allowed,
            ..Settings::of(ms(15_000))
        };
        let error = settings
            .timing()
            .expect_err("30 s of grace in a lease of 15 s")
            .to_string();
        assert!(
            error.ends_with("the least lease duration that would do is 105.9s"),
            "{error}"
        );
        let enough = Settings {
            lease_duration: ms(105_900),
            ..settings
        };
        assert!(enough.timing().is_ok());
    }

    #[test]
    fn a_refusal_names_a_lease_also_if_the_deadline_is_set() {
        let ten = Settings {
            renew_deadline: Some(ms(10_000)),
            ..Settings::of(ms(10_000))
        };
        let error = ten.timing().expect_err("10 s of 10 s").to_string();
        assert!(error.contains("would do is 10.3s"), "{error}");
        let enough = Settings {
            lease_duration: ms(10_300),
            ..ten
        };
        assert!(enough.timing().is_ok());
        let never = Settings {
            renew_deadline: Some(Duration::MAX),
            ..ten
        };
        assert!(
            never
                .timing()
                .expect_err("huge")
                .to_string()
                .contains("no lease duration")
        );
    }

    #[test]
    fn what_breaks_a_rule_is_refused_by_name() {
        let base = Settings::of(ms(15_000));
        let refused = |settings: Settings, name: &str| {
            let error = settings.timing().expect_err(name).to_string();
            assert!(error.contains(name), "{error}");
        };
        refused(
            Settings {
                retry_interval: Some(Duration::ZERO),
                ..base
            },
            "retry interval",
        );
        refused(
            Settings {
                retry_interval: Some(ms(4_000)),
                ..base
            },
            "retry interval 4s",
        );
        refused(
            Settings {
                renew_interval: Some(ms(11_000)),
                ..base
            },
            "renew interval 11s",
        );
        refused(
            Settings {
                renew_deadline: Some(ms(14_800)),
                ..base
            },
            "clock rates",
        );
        refused(
            Settings {
                request_timeout: Some(Duration::MAX),
                ..base
            },
            "request timeout",
        );
        refused(
            Settings {
                stop_grace: Some(Duration::MAX),
                ..base
            },
            "no lease duration",
        );
        refused(
            Settings {
                check_in: Some(Duration::ZERO),
                ..base
            },
            "check-in",
        );
    }
}
