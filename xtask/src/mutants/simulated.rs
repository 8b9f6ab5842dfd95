//! Mistakes that the simulator finds, over the shipped machine, protocol and driver.

use super::table::Mutant;

/// Stops at the first violation.
const HUNT: &[&str] = &[
    "run",
    "--release",
    "--package=consensus-simulator",
    "--",
    "hunt",
    "--seeds",
    "0..200",
];

pub(super) const MUTANTS: &[Mutant] = &[
    Mutant {
        name: "simulated_deadline_from_the_answer",
        promise: "2",
        file: "crates/consensus/src/election/states.rs",
        find: "Input::Renew(Ok(Renewal::Renewed)) => self.renewed(sent, hold),",
        replace: "Input::Renew(Ok(Renewal::Renewed)) => self.renewed(now, hold),",
        command: HUNT,
    },
    Mutant {
        name: "simulated_half_the_wait",
        promise: "5",
        file: "crates/consensus/src/knowledge.rs",
        find: "(longest, now.plus(longest))",
        replace: "(longest, now.plus(longest / 2))",
        command: HUNT,
    },
    Mutant {
        name: "simulated_identity_instead_of_nonce",
        promise: "4",
        file: "crates/consensus/src/knowledge.rs",
        find: "self.own.as_ref() == Some(record) || ",
        replace: "self.own.as_ref().is_some_and(|own| own.holder == record.holder) || ",
        command: HUNT,
    },
    Mutant {
        name: "simulated_grace_from_an_old_reading_of_the_clock",
        promise: "7",
        file: "crates/consensus/src/driver.rs",
        find: "self.election.step(self.world.now(), Input::Told);",
        replace: "self.election.step(now, Input::Told);",
        command: HUNT,
    },
    Mutant {
        name: "simulated_work_is_not_waited_for",
        promise: "7",
        file: "crates/consensus/src/board.rs",
        find: "if self.work.load(Ordering::SeqCst) > 0 {",
        replace: "if self.work.load(Ordering::SeqCst) > 99 {",
        command: HUNT,
    },
    Mutant {
        name: "simulated_a_mark_of_life_is_overlooked",
        promise: "5",
        file: "crates/consensus/src/knowledge.rs",
        find: "Proof::Alive => true,",
        replace: "Proof::Alive => !released,",
        command: HUNT,
    },
    Mutant {
        name: "simulated_a_renewal_after_the_end",
        promise: "4",
        file: "crates/consensus/src/election/states.rs",
        find: "Input::Changed if now >= self.limit(&hold) => self.limit_passed(now, hold),",
        replace: "Input::Changed if false => KEEP,",
        command: HUNT,
    },
];
