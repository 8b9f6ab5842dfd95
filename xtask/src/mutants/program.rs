//! Mistakes in the program, its guard, and the release in place of a dead leader.

use super::table::Mutant;

/// The release in place, by the library alone.
const HEIR: &[&str] = &[
    "test",
    "--package=consensus-election",
    "--all-features",
    "--test=it",
    "heir::",
];

/// The program's own unit tests.
const UNITS: &[&str] = &["test", "--package=consensus-cli", "--bin=consensus"];

/// The program from outside, as far as it goes from one leader to the next.
const TAKEOVER: &[&str] = &["test", "--package=consensus-cli", "--test=it", "takeover::"];

pub(super) const MUTANTS: &[Mutant] = &[
    Mutant {
        name: "the_heir_is_told_only_after_the_answer",
        promise: "6",
        file: "crates/consensus/src/protocol.rs",
        find: "let record = self.knowledge.write(candidate, what, fresh, on);\n        self.tell_heir();",
        replace: "let record = self.knowledge.write(candidate, what, fresh, on);",
        command: HEIR,
    },
    Mutant {
        name: "an_heir_knows_no_open_writes",
        promise: "6",
        file: "crates/consensus/src/knowledge.rs",
        find: "open: open.map(|record| Open { record, on: None }).collect(),",
        replace: "open: open.take(0).map(|record| Open { record, on: None }).collect(),",
        command: HEIR,
    },
    Mutant {
        name: "a_torn_word_counts_as_unwritten",
        promise: "the guard acts on an older time than it has seen",
        file: "crates/consensus-cli/src/shared.rs",
        find: "let whole = places.iter().all(|place| *place != Place::Torn);",
        replace: "let whole = true;",
        command: UNITS,
    },
    Mutant {
        name: "a_dead_leaders_command_has_no_limit_of_its_own",
        promise: "a command goes on after its leader's death",
        file: "crates/consensus-cli/src/guard/duty.rs",
        find: "self.leader = Leader::Died;\n        self.limit_to(now);",
        replace: "self.leader = Leader::Died;",
        command: UNITS,
    },
    Mutant {
        name: "what_a_command_leaves_is_not_told_to_end",
        promise: "what a command leaves has no grace",
        file: "crates/consensus-cli/src/guard/duty.rs",
        find: "// What it leaves was not told.\n        self.told = Told::Nobody;",
        replace: "",
        command: UNITS,
    },
    Mutant {
        name: "the_guard_does_not_notice_the_leaders_death",
        promise: "a command goes on after its leader's death",
        file: "crates/consensus-cli/src/guard.rs",
        find: "self.duty.leader_died(Instant::now());",
        replace: "",
        command: TAKEOVER,
    },
    Mutant {
        name: "the_guard_does_not_release_in_place_of_the_dead",
        promise: "others wait for the lease of a leader that is dead",
        file: "crates/consensus-cli/src/guard.rs",
        find: "if self.shared.claim().candidate().is_none() {",
        replace: "if true {",
        command: TAKEOVER,
    },
];
