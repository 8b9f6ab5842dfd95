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

/// The table of what happens when, and what is said there of the dead.
const TABLE: &[&str] = &[
    "test",
    "--package=consensus-cli",
    "--test=it",
    "behaviour::",
];

/// How a command is ended.
const ENDING: &[&str] = &["test", "--package=consensus-cli", "--test=it", "ending::"];

/// The program at a terminal.
const TERMINAL: &[&str] = &["test", "--package=consensus-cli", "--test=it", "terminal::"];

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
    Mutant {
        name: "the_guard_waits_for_a_reader",
        promise: "a command goes on past its deadline while its leader is stopped",
        file: "crates/consensus-cli/src/guard.rs",
        find: "let flags = SendFlags::DONTWAIT | SendFlags::NOSIGNAL;",
        replace: "let flags = SendFlags::NOSIGNAL;",
        command: ENDING,
    },
    Mutant {
        name: "what_escapes_does_not_come_to_the_guard",
        promise: "what left by setsid goes on under the next leader",
        file: "crates/consensus-cli/src/guard.rs",
        find: "set_child_subreaper(Some(getpid()))?;",
        replace: "let _ = set_child_subreaper(None);",
        command: TABLE,
    },
    Mutant {
        name: "the_command_does_not_die_with_both",
        promise: "a command goes on after both of our processes were killed",
        file: "crates/consensus-cli/src/starter.rs",
        find: "set_parent_process_death_signal(Some(Signal::KILL))?;",
        replace: "set_parent_process_death_signal(None)?;",
        command: TABLE,
    },
    Mutant {
        name: "the_lost_have_their_grace",
        promise: "10",
        file: "crates/consensus-cli/src/lead.rs",
        find: "say(format_args!(\"leadership lost: {why}; killing the command\"));\n                self.end_by(now, now, leader);",
        replace: "say(format_args!(\"leadership lost: {why}; killing the command\"));\n                self.end_by(now, now.plus(leader.timing.stop_grace), leader);",
        command: TABLE,
    },
    Mutant {
        name: "an_old_stop_is_news",
        promise: "`fg` stops what it lets go on",
        file: "crates/consensus-cli/src/lead/pausing.rs",
        find: "if self.resuming > 0 || !terminal::is_ours(io::stdin()) {",
        replace: "if !terminal::is_ours(io::stdin()) {",
        command: TERMINAL,
    },
];
