//! The simulator itself: that it finds nothing in the shipped code, and mistakes where there are some.

use consensus::Absent;
use consensus_simulator::{Fault, Options, Promises, Switches, Times, Until, replay, run, sweep};

/// Seeds enough for a test.
const SEEDS: std::ops::Range<u64> = 0..24;

fn short() -> Options {
    Options {
        hours: 1,
        ..Options::default()
    }
}

/// The first seeds among these that break a promise.
fn found(options: &Options) -> Vec<u64> {
    let broken = sweep(SEEDS, options, Until::OneIsBroken, 2).broken;
    broken.into_iter().map(|(seed, _)| seed).collect()
}

#[test]
fn the_shipped_code_keeps_its_promises_whatever_goes_wrong() {
    let sweep = sweep(SEEDS, &short(), Until::AllAreRun, 2);
    assert_eq!(sweep.broken, []);
    assert!(sweep.terms > 100 * sweep.seeds / 10, "{sweep:?}");
}

#[test]
fn everything_that_can_go_wrong_does() {
    let sweep = sweep(SEEDS, &short(), Until::AllAreRun, 2);
    for &fault in Fault::ALL {
        assert!(sweep.counts.of(fault) > 0, "{}", fault.name());
    }
}

#[test]
fn what_is_switched_off_does_not_happen() {
    for &fault in Fault::ALL {
        let options = Options {
            switches: Switches::ALL.without(fault),
            ..short()
        };
        let outcome = run(7, &options);
        assert_eq!(outcome.counts.of(fault), 0, "{}", fault.name());
        assert_eq!(outcome.violation, None, "{}", fault.name());
    }
}

#[test]
fn where_nothing_goes_wrong_there_is_one_term() {
    let options = Options {
        switches: Switches::NONE,
        ..short()
    };
    for seed in SEEDS {
        let outcome = run(seed, &options);
        assert_eq!((outcome.terms, outcome.violation), (1, None), "seed {seed}");
    }
}

#[test]
fn a_seed_replays_to_the_same_timeline() {
    let options = short();
    for seed in 0..3 {
        let first = replay(seed, &options);
        assert_eq!(first, replay(seed, &options), "seed {seed}");
        let untold = run(seed, &options);
        assert_eq!(
            (untold.events, untold.counts, untold.terms),
            (first.events, first.counts, first.terms),
            "seed {seed}: it is another run if nobody looks"
        );
    }
}

#[test]
fn a_timeline_tells_who_leads_and_when() {
    let options = Options {
        times: Times::Usual,
        switches: Switches::NONE,
        ..short()
    };
    let timeline = replay(1, &options).timeline;
    let line = timeline
        .iter()
        .find(|line| line.contains("leads under token"))
        .expect("somebody leads");
    let words: Vec<_> = line.split_whitespace().collect();
    let (at, unit, who) = (words[0], words[1], words[2]);
    assert!(at.parse::<f64>().is_ok_and(|at| at > 15.0), "{line}");
    assert_eq!(unit, "s", "{line}");
    assert!(["c1", "c2", "c3"].contains(&who), "{line}");
    assert!(line.contains(" until "), "{line}");
}

#[test]
fn a_store_that_does_not_compare_is_found() {
    let options = Options {
        compare: false,
        ..short()
    };
    assert!(!found(&options).is_empty());
}

#[test]
fn clocks_worse_than_tolerated_are_found() {
    let options = Options {
        rates_ppm: 20_000,
        hours: 5,
        ..Options::default()
    };
    assert!(!found(&options).is_empty());
}

#[test]
fn absence_that_is_not_waited_for_is_found() {
    let options = Options {
        absent: Absent::Free,
        hours: 5,
        promises: Promises::Only(5),
        ..Options::default()
    };
    assert!(!found(&options).is_empty());
}

#[test]
fn a_violation_ends_the_timeline_that_leads_up_to_it() {
    let options = Options {
        compare: false,
        ..short()
    };
    let seed = *found(&options).first().expect("found");
    let outcome = replay(seed, &options);
    let violation = outcome.violation.expect("the same run");
    let last = outcome.timeline.last().expect("a line");
    assert!(last.contains(&violation.to_string()), "{last}");
}
