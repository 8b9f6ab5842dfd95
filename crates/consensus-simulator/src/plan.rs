//! What is settled before a run begins: by its options, and by its seed.
//!
//! The times are drawn up to the very edge of the inequality that everything rests on. At the
//! defaults many a mistake hides in the room between renew deadline and lease.

use crate::clock::{Time, nanos};
use crate::faults::Switches;
use crate::rng::Rng;
use consensus::{Absent, Config, Timing, WorkScope};
use std::sync::Arc;
use std::time::Duration;

/// How many candidates there are.
pub(crate) const CANDIDATES: usize = 3;

/// What whoever starts a run settles.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// How long a run takes, in simulated hours.
    pub hours: u64,
    /// By how much a clock may be too fast or too slow, in parts per million. The inequality
    /// tolerates 10,000.
    pub rates_ppm: u64,
    /// Whether the store compares before it swaps.
    pub compare: bool,
    /// What candidates take an absent record for.
    pub absent: Absent,
    /// What can go wrong.
    pub switches: Switches,
    /// Which times the candidates have.
    pub times: Times,
    /// Which promises are checked.
    pub promises: Promises,
    /// Whether one term has both registered work and work that only asked.
    pub mixed_work: bool,
}

/// Which times the candidates have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Times {
    /// Drawn for each candidate.
    Drawn,
    /// The defaults: a lease of 15 s, a renewal every 5 s, a try every 2 s.
    Usual,
}

/// Which promises are checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Promises {
    /// All of them.
    All,
    /// This one alone.
    Only(u8),
}

impl Default for Options {
    fn default() -> Self {
        Self {
            hours: 5,
            rates_ppm: 10_000,
            compare: true,
            absent: Absent::Held,
            switches: Switches::ALL,
            times: Times::Drawn,
            promises: Promises::All,
            mixed_work: false,
        }
    }
}

/// What a seed settles.
#[derive(Clone, Debug, Default)]
pub(crate) struct Plan {
    pub(crate) lease: Time,
    pub(crate) parts: Vec<Part>,
    pub(crate) tokens: Numbering,
    pub(crate) hints: Hints,
    /// Whether the store knows if a holder is dead.
    pub(crate) proof: bool,
    pub(crate) compare: bool,
    pub(crate) absent: Absent,
    pub(crate) rates_ppm: u64,
    pub(crate) intensity: u64,
    pub(crate) mixed_work: bool,
}

/// The part of one candidate, the same in all its lives.
#[derive(Clone, Debug)]
pub(crate) struct Part {
    pub(crate) identity: Arc<str>,
    pub(crate) timing: Timing,
    pub(crate) scope: WorkScope,
    pub(crate) deadline: Time,
    pub(crate) grace: Time,
    pub(crate) check_in: Option<Time>,
}

/// Where the tokens of new terms come from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Numbering {
    /// The store remembers the highest, also when the record is gone.
    #[default]
    Floor,
    /// The store numbers its writes.
    Revisions,
}

/// What the store tells by itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Hints {
    #[default]
    Never,
    /// It promises to, and as a rule does.
    Promised,
    /// It promises nothing, and tells every other time.
    AtTimes,
}

impl Plan {
    pub(crate) fn draw(options: &Options, rng: &mut Rng) -> Self {
        let lease = match options.times {
            Times::Drawn => rng.between(12_000, 30_000),
            Times::Usual => 15_000,
        };
        let lease = Duration::from_millis(lease);
        let one_name = rng.one_in(4);
        let parts = (1..=CANDIDATES)
            .map(|number| {
                let name = if one_name {
                    "candidate".to_owned()
                } else {
                    format!("candidate-{number}")
                };
                Part::draw(name, lease, options.times, rng)
            })
            .collect();
        let hints = match rng.below(4) {
            0 | 1 => Hints::Promised,
            2 => Hints::AtTimes,
            _ => Hints::Never,
        };
        Self {
            lease: nanos(lease),
            parts,
            tokens: match rng.below(3) {
                0 => Numbering::Revisions,
                _ => Numbering::Floor,
            },
            hints,
            proof: rng.one_in(5),
            compare: options.compare,
            absent: options.absent,
            rates_ppm: options.rates_ppm,
            intensity: rng.between(1, 4),
            mixed_work: options.mixed_work,
        }
    }
}

impl Part {
    fn draw(name: String, lease: Duration, times: Times, rng: &mut Rng) -> Self {
        let timing = loop {
            let config = Config::new(name.as_str()).lease_duration(lease);
            let config = match times {
                Times::Drawn => draw_times(config, nanos(lease), rng),
                Times::Usual => config,
            };
            // Whatever breaks a rule is drawn again: the rules are the shipped ones.
            if let Ok(timing) = config.timing() {
                break timing;
            }
        };
        Self {
            identity: name.into(),
            scope: match rng.below(3) {
                0 => WorkScope::Beyond,
                _ => WorkScope::Process,
            },
            deadline: nanos(timing.renew_deadline),
            grace: nanos(timing.stop_grace),
            check_in: timing.check_in.map(nanos),
            timing,
        }
    }
}

fn draw_times(config: Config, lease: u64, rng: &mut Rng) -> Config {
    let time = Duration::from_nanos;
    // Deadline and grace together reach the edge of the inequality in every other draw.
    let edge = lease / 101 * 99;
    let ends = match rng.below(2) {
        0 => edge,
        _ => rng.percent(edge, 60, 100),
    };
    let grace = match rng.below(3) {
        0 => rng.percent(ends, 0, 2),
        _ => rng.percent(ends, 0, 35),
    };
    let deadline = ends - grace;
    let timeout = rng.percent(deadline, 5, 25);
    let retry = rng.percent(deadline, 8, 20);
    let interval = deadline.saturating_sub(retry.max(timeout) + timeout);
    let config = config
        .renew_deadline(time(deadline))
        .stop_grace(time(grace))
        .request_timeout(time(timeout))
        .retry_interval(time(retry))
        .renew_interval(time(rng.percent(interval, 50, 100)));
    if rng.one_in(4) {
        return config.check_in(time(rng.percent(lease, 40, 120)));
    }
    config
}

#[cfg(test)]
mod tests {
    use super::{Options, Plan};
    use crate::clock::nanos;
    use crate::rng::Rng;

    #[test]
    fn the_edge_of_the_inequality_is_drawn() {
        let at_edge = |plan: &Plan| {
            let room = plan.lease / 101 * 99;
            let ends =
                |part: &super::Part| nanos(part.timing.renew_deadline + part.timing.stop_grace);
            plan.parts.iter().any(|part| ends(part) + 200 >= room)
        };
        let plans = (0..40).map(|seed| Plan::draw(&Options::default(), &mut Rng::new(seed)));
        assert!(plans.filter(at_edge).count() > 10);
    }
}
