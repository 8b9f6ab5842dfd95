//! Mistakes in the library that the tests beside its code find.

use super::table::Mutant;

/// The library's own tests.
const UNIT: &[&str] = &[
    "test",
    "--package=consensus-election",
    "--all-features",
    "--lib",
];

pub(super) const MUTANTS: &[Mutant] = &[
    Mutant {
        name: "an_error_that_hides_its_cause",
        promise: "12",
        file: "crates/consensus/src/error.rs",
        find: "write!(f, \": {error}\")?;",
        replace: "let _ = &error;",
        command: UNIT,
    },
    Mutant {
        name: "clock_rates_are_taken_for_equal",
        promise: "the times",
        file: "crates/consensus/src/timing.rs",
        find: "let room = self.lease_duration * 99 / 101;",
        replace: "let room = self.lease_duration;",
        command: UNIT,
    },
    Mutant {
        name: "a_late_token_lowers_the_fence",
        promise: "the fence",
        file: "crates/consensus/src/fence.rs",
        find: ".fetch_max(",
        replace: ".swap(",
        command: UNIT,
    },
    Mutant {
        name: "the_fence_admits_a_term_once",
        promise: "the fence",
        file: "crates/consensus/src/fence.rs",
        find: "token.get() < before",
        replace: "token.get() <= before",
        command: UNIT,
    },
    Mutant {
        name: "each_election_renews_at_a_time_of_its_own",
        promise: "10,000 elections of a process in a hundredth of a core",
        file: "crates/consensus/src/election/moves.rs",
        find: "part.plus(interval.saturating_sub(luck)).rounded_down(step)",
        replace: "sent.plus(interval.saturating_sub(luck))",
        command: UNIT,
    },
    Mutant {
        name: "neighbours_part_ways",
        promise: "10,000 elections of a process in a hundredth of a core",
        file: "crates/consensus/src/election/moves.rs",
        find: "self.neighbours.wrapping_add(part.as_nanos())",
        replace: "self.neighbours.wrapping_add(sent.as_nanos())",
        command: UNIT,
    },
    Mutant {
        name: "a_leader_that_comes_back_is_no_news",
        promise: "a status that is up to date",
        file: "crates/consensus/src/report.rs",
        find: "self.follows.take()",
        replace: "self.follows.clone()",
        command: UNIT,
    },
];
