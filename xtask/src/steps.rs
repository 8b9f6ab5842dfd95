//! The list of steps, in the order in which `ci` runs them: what fails fast stands first.

use crate::shell::Failure;
use crate::workspace::Workspace;
use crate::{checks, deny, mutants, pods, tree};
use std::fmt::Write as _;

/// One check.
pub(crate) struct Step {
    pub(crate) name: &'static str,
    /// The arguments that it takes, as the help shows them. Empty: none.
    pub(crate) takes: &'static str,
    /// What it shows, in a line.
    pub(crate) shows: &'static str,
    pub(crate) when: When,
    pub(crate) run: fn(&Workspace, &[String]) -> Result<(), Failure>,
}

/// Who runs a step.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum When {
    /// `ci`, and whoever asks for it by name.
    InCi,
    /// Only who asks for it by name.
    OnlyByName,
}

pub(crate) const STEPS: &[Step] = &[
    Step {
        name: "fmt",
        takes: "",
        shows: "the code is formatted",
        when: When::InCi,
        run: checks::fmt,
    },
    Step {
        name: "tree",
        takes: "",
        shows: "our house rules hold: file lengths, names at the root, documents that tell the truth",
        when: When::InCi,
        run: tree::run,
    },
    Step {
        name: "clippy",
        takes: "",
        shows: "no lint complains, the oldest supported Rust and the ban on clocks included",
        when: When::InCi,
        run: checks::clippy,
    },
    Step {
        name: "doc",
        takes: "",
        shows: "the documentation builds and its links lead somewhere",
        when: When::InCi,
        run: checks::doc,
    },
    Step {
        name: "testbed",
        takes: "",
        shows: "a real API server is here to test against; what is missing is built once, from Go",
        when: When::InCi,
        run: checks::testbed,
    },
    Step {
        name: "test",
        takes: "[ARG…]",
        shows: "every test, and every example in the documentation, passes",
        when: When::InCi,
        run: checks::test,
    },
    Step {
        name: "loom",
        takes: "",
        shows: "is_leader() is right under every interleaving of its threads",
        when: When::InCi,
        run: checks::loom,
    },
    Step {
        name: "simulate",
        takes: "[ARG…]",
        shows: "years of simulated elections keep the promises (default argument: ci)",
        when: When::InCi,
        run: checks::simulate,
    },
    Step {
        name: "soak",
        takes: "",
        shows: "real processes, killed and stopped again and again, never overlap",
        when: When::InCi,
        run: checks::soak,
    },
    Step {
        name: "pods",
        takes: "",
        shows: "the image is built, and its pods elect one leader on a real kubelet, whoever is killed",
        when: When::InCi,
        run: pods::pods,
    },
    Step {
        name: "mutants",
        takes: "[NAME…]",
        shows: "known mistakes, put into the code one at a time, each fail a test",
        when: When::InCi,
        run: mutants::run,
    },
    Step {
        name: "deny",
        takes: "",
        shows: "licences, sources and versions of what we depend on are those that we allow",
        when: When::InCi,
        run: deny::run,
    },
    Step {
        name: "advisories",
        takes: "",
        shows: "no known vulnerability in what we depend on (needs access to the advisory database)",
        when: When::OnlyByName,
        run: deny::advisories,
    },
    Step {
        name: "bench",
        takes: "[ARG…]",
        shows: "measures failover and speed; never a test",
        when: When::OnlyByName,
        run: checks::bench,
    },
];

impl Step {
    /// Refuses arguments that this step would ignore.
    pub(crate) fn accepts(&self, args: &[String]) -> Result<(), Failure> {
        if args.is_empty() || !self.takes.is_empty() {
            return Ok(());
        }
        Err(Failure::new(format!("{} takes no arguments", self.name)))
    }
}

pub(crate) fn named(name: &str) -> Result<&'static Step, Failure> {
    let step = STEPS.iter().find(|step| step.name == name);
    step.ok_or_else(|| Failure::new(format!("there is no step {name:?}\n\n{}", help())))
}

pub(crate) fn help() -> String {
    let mut text =
        "usage: cargo xtask STEP\n\n  ci                   every step that is not marked *, \
                    in this order\n"
            .to_owned();
    for step in STEPS {
        let mark = if step.when == When::InCi { ' ' } else { '*' };
        let call = format!("{} {}", step.name, step.takes);
        let _ = write!(text, "\n{mark} {call:20} {}", step.shows);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::{STEPS, help, named};

    #[test]
    fn the_help_lists_every_step() {
        for step in STEPS {
            assert!(help().contains(step.shows), "{}", step.name);
        }
    }

    #[test]
    fn an_unknown_step_and_an_unwanted_argument_are_refused() {
        assert!(named("deploy").is_err());
        let fmt = named("fmt").expect("it is in the list");
        assert!(fmt.accepts(&["--fast".to_owned()]).is_err());
        assert!(fmt.accepts(&[]).is_ok());
    }
}
