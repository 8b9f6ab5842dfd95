//! The proof for CI: years in which everything goes wrong and no promise is broken, and mistakes that
//! the same checks must find. What never happened proves nothing, so that is a failure as well.

use crate::arguments::Arguments;
use crate::{lead_up, report, summary};
use consensus::Absent;
use consensus_simulator::{Fault, Options, Sweep, Times, Until, run, sweep};
use std::time::Instant;

const HOURS_A_YEAR: u64 = 8_766;
/// How many seeds a mistake is tried with.
const TRIES: u64 = 100;
/// How many seeds the speed is measured with.
const TIMED: u64 = 60;

/// Runs everything, and says whether all of it is as it must be.
pub(crate) fn ci(arguments: &Arguments) -> bool {
    let mut tally = Tally::default();
    proof(arguments, &mut tally);
    for mistake in mistakes() {
        find(&mistake, arguments, &mut tally);
    }
    speed();
    println!("{} passed, {} failed", tally.passed, tally.failed);
    tally.failed == 0
}

/// How many checks of the run are as they must be.
#[derive(Debug, Default)]
struct Tally {
    passed: u64,
    failed: u64,
}

impl Tally {
    fn take(&mut self, passes: bool, what: &str) {
        if passes {
            self.passed += 1;
            println!("ok      {what}");
        } else {
            self.failed += 1;
            println!("FAILED  {what}");
        }
    }
}

/// A wrong setting, or a store that breaks its contract.
struct Mistake {
    name: &'static str,
    options: Options,
}

fn mistakes() -> [Mistake; 3] {
    let usual = Options::default;
    [
        Mistake {
            name: "clocks that are 2 % wrong, where 1 % is tolerated",
            options: Options {
                rates_ppm: 20_000,
                ..usual()
            },
        },
        Mistake {
            name: "a store that does not compare",
            options: Options {
                compare: false,
                ..usual()
            },
        },
        Mistake {
            name: "absence that is not waited for, where a stranger deletes",
            options: Options {
                absent: Absent::Free,
                ..usual()
            },
        },
    ]
}

/// Years with everything that can go wrong.
fn proof(arguments: &Arguments, tally: &mut Tally) {
    let options = Options::default();
    let seeds = (arguments.years * HOURS_A_YEAR).div_ceil(options.hours);
    let Sweep { broken, counts, .. } = &{
        let sweep = sweep(0..seeds, &options, Until::AllAreRun, arguments.threads);
        println!("{}", summary(&sweep));
        sweep
    };
    for (seed, violation) in broken {
        report(*seed, violation);
    }
    if let Some((seed, _)) = broken.first() {
        lead_up(*seed, &options);
    }
    let what = format!(
        "{} simulated years in {seeds} seeds: {} broke a promise",
        arguments.years,
        broken.len()
    );
    tally.take(broken.is_empty(), &what);
    let never: Vec<_> = Fault::ALL
        .iter()
        .filter(|fault| counts.of(**fault) == 0)
        .map(|fault| fault.name())
        .collect();
    let what = format!(
        "{} kinds of things went wrong; never happened: {never:?}",
        Fault::ALL.len()
    );
    tally.take(never.is_empty(), &what);
}

/// A mistake has to be found.
fn find(mistake: &Mistake, arguments: &Arguments, tally: &mut Tally) {
    let Mistake { name, options } = mistake;
    let sweep = sweep(0..TRIES, options, Until::AllAreRun, arguments.threads);
    let found = sweep.broken.len();
    let first = sweep
        .broken
        .first()
        .map(|(seed, violation)| format!("; first by seed {seed}: {violation}"));
    let what = format!(
        "{name}: found by {found} of {TRIES} seeds{}",
        first.unwrap_or_default()
    );
    tally.take(found > 0, &what);
}

/// How fast it is, on one core and with everything going wrong. Said, not demanded: it is the machine's.
fn speed() {
    let usual = Options {
        times: Times::Usual,
        ..Options::default()
    };
    for (name, options) in [("at 15/5/2 s", usual), ("as drawn", Options::default())] {
        let took = on_core(|| {
            let seeds = (0..TIMED).map(|seed| run(seed, &options));
            seeds.fold((0, 0), |(simulated, events), outcome| {
                (simulated + outcome.simulated, events + outcome.events)
            })
        });
        let ((simulated, events), nanos) = took;
        println!(
            "speed {name}: {} x real time of one core, {} events a second",
            simulated / nanos,
            u128::from(events) * 1_000_000_000 / u128::from(nanos)
        );
    }
}

/// Does this, and says for how many nanoseconds it had a core. Where the system does not tell, how long
/// it took.
fn on_core<T>(what: impl FnOnce() -> T) -> (T, u64) {
    let spent = || {
        let line = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
        line.split_whitespace().next()?.parse::<u64>().ok()
    };
    let (began, before) = (now(), spent());
    let result = what();
    let wall = u64::try_from(began.elapsed().as_nanos()).unwrap_or(u64::MAX);
    let on_core = spent().zip(before).map(|(after, before)| after - before);
    (result, on_core.unwrap_or(wall).max(1))
}

/// The machine's own clock: to say how long a run took, and for nothing else.
#[allow(
    clippy::disallowed_methods,
    reason = "the speed of the simulator is measured, not simulated"
)]
pub(crate) fn now() -> Instant {
    Instant::now()
}
