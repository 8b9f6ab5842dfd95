//! What became of a mutant, by what its command said.

use super::table::VIOLATION;
use crate::shell::{Captured, passed_tests};
use std::fmt;

/// What `timeout` answers if the time is over.
const TIMED_OUT: i32 = 124;

/// How much of a compiler's error is shown.
const SHOWN: usize = 3;

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// By this test, or this line of the simulator.
    Killed(String),
    /// Everything passed.
    Survived,
    /// Nothing was tested: why.
    Unfit(String),
}

pub(super) fn judge(said: &Captured) -> Verdict {
    if said.success {
        return Verdict::Survived;
    }
    if let Some(line) = said.output.lines().find(|line| line.starts_with(VIOLATION)) {
        return Verdict::Killed(line.to_owned());
    }
    let hung = said.code == Some(TIMED_OUT);
    let closed = |line: &str| line.starts_with("test result: FAILED");
    let failed: Vec<&str> = said.output.lines().filter_map(failed_test).collect();
    match failed.split_first() {
        // Whatever hung afterwards: a test had failed.
        Some((first, more)) if hung || said.output.lines().any(closed) => {
            Verdict::Killed(match more.len() {
                0 => (*first).to_owned(),
                more => format!("{first} and {more} more"),
            })
        }
        _ if hung => Verdict::Unfit("it hung: no test failed".to_owned()),
        _ => Verdict::Unfit(format!("no test failed; {}", errors(&said.output))),
    }
}

/// Why a command cannot be used to judge by, from what it said while nothing was changed.
pub(super) fn unfit(said: &Captured, args: &[&str]) -> Option<&'static str> {
    if !said.success {
        return Some("fails");
    }
    let tests = args.contains(&"test");
    (tests && passed_tests(&said.output) == 0).then_some("runs no test")
}

/// The name in `test NAME ... FAILED`.
fn failed_test(line: &str) -> Option<&str> {
    let name = line
        .strip_prefix("test ")?
        .strip_suffix("FAILED")?
        .trim_end();
    Some(name.strip_suffix("...")?.trim_end())
}

fn errors(output: &str) -> String {
    let errors = output.lines().filter(|line| line.starts_with("error"));
    let first: Vec<&str> = errors.take(SHOWN).collect();
    first.join("; ")
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Killed(by) => f.write_str(by),
            Self::Survived => f.write_str("SURVIVED"),
            Self::Unfit(why) => write!(f, "NOT TRIED: {why}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Verdict, judge, unfit};
    use crate::shell::Captured;

    fn said(code: i32, output: &str) -> Captured {
        Captured {
            success: code == 0,
            code: Some(code),
            output: output.to_owned(),
        }
    }

    #[test]
    fn a_failed_test_kills_and_is_named() {
        let one = said(
            101,
            "test a::b ... FAILED\n\ntest result: FAILED. 0 passed; 1 failed\n",
        );
        assert_eq!(judge(&one), Verdict::Killed("a::b".to_owned()));
        let two = said(
            101,
            "test a ... FAILED\ntest b ... FAILED\ntest result: FAILED. 2 failed",
        );
        assert_eq!(judge(&two), Verdict::Killed("a and 1 more".to_owned()));
    }

    #[test]
    fn a_failed_test_kills_although_another_hangs() {
        let hung = said(124, "test a ... ok\ntest b ... FAILED\n");
        assert_eq!(judge(&hung), Verdict::Killed("b".to_owned()));
    }

    #[test]
    fn a_violation_in_the_simulator_kills() {
        let line = "VIOLATION of promise 2 at seed 17";
        assert_eq!(
            judge(&said(1, &format!("noise\n{line}\n"))),
            Verdict::Killed(line.to_owned())
        );
    }

    #[test]
    fn a_compile_error_a_mere_hang_and_a_crash_do_not_kill() {
        let compile = judge(&said(101, "error[E0308]: mismatched types\n"));
        let why = "no test failed; error[E0308]: mismatched types".to_owned();
        assert_eq!(compile, Verdict::Unfit(why));
        assert!(matches!(
            judge(&said(124, "running 3 tests\n")),
            Verdict::Unfit(_)
        ));
        assert!(matches!(
            judge(&said(134, "signal: 6, SIGABRT\n")),
            Verdict::Unfit(_)
        ));
    }

    #[test]
    fn a_mutant_that_passes_has_survived() {
        assert_eq!(
            judge(&said(0, "test result: ok. 5 passed")),
            Verdict::Survived
        );
    }

    #[test]
    fn a_command_without_tests_cannot_judge() {
        let none = said(0, "test result: ok. 0 passed; 0 failed\n");
        assert_eq!(unfit(&none, &["test"]), Some("runs no test"));
        assert_eq!(unfit(&none, &["run"]), None);
        assert_eq!(unfit(&said(1, ""), &["run"]), Some("fails"));
    }
}
