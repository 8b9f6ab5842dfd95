//! Many seeds: on as many threads as there are cores, in the order of the seeds as far as it matters.

use crate::faults::Counts;
use crate::plan::Options;
use crate::run::{Outcome, run};
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

/// What came of many seeds.
#[derive(Clone, Debug, Default)]
pub struct Sweep {
    /// How many seeds were run.
    pub seeds: u64,
    /// The seeds that broke a promise, and which one, lowest first.
    pub broken: Vec<(u64, crate::Violation)>,
    /// How often what went wrong.
    pub counts: Counts,
    /// How many terms there were.
    pub terms: u64,
    /// How many events there were.
    pub events: u64,
    /// The length of all runs together, in simulated nanoseconds.
    pub simulated: u64,
}

/// When a sweep ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Until {
    /// All seeds were run.
    AllAreRun,
    /// One has broken a promise.
    OneIsBroken,
}

/// Runs these seeds on so many threads.
///
/// Stopped at the first broken promise, the lowest seed that breaks one is among those found: seeds
/// are begun in their order, and what was begun is run to its end.
pub fn sweep(seeds: Range<u64>, options: &Options, until: Until, threads: usize) -> Sweep {
    let next = AtomicU64::new(seeds.start);
    let work = || {
        let mut sweep = Sweep::default();
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= seeds.end {
                return sweep;
            }
            sweep.count(seed, run(seed, options));
            if until == Until::OneIsBroken && !sweep.broken.is_empty() {
                next.fetch_max(seeds.end, Ordering::Relaxed);
            }
        }
    };
    let mut all = Sweep::default();
    thread::scope(|scope| {
        let threads: Vec<_> = (0..threads.max(1)).map(|_| scope.spawn(work)).collect();
        for thread in threads {
            match thread.join() {
                Ok(part) => all.add(part),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
    });
    all.broken.sort_by_key(|(seed, _)| *seed);
    all
}

impl Sweep {
    fn count(&mut self, seed: u64, outcome: Outcome) {
        self.seeds += 1;
        self.counts.add(&outcome.counts);
        self.terms += outcome.terms;
        self.events += outcome.events;
        self.simulated += outcome.simulated;
        self.broken
            .extend(outcome.violation.map(|violation| (seed, violation)));
    }

    fn add(&mut self, other: Self) {
        self.seeds += other.seeds;
        self.counts.add(&other.counts);
        self.terms += other.terms;
        self.events += other.events;
        self.simulated += other.simulated;
        self.broken.extend(other.broken);
    }
}
