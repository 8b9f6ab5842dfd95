//! A row: what happens to an election in a cluster, and every line that its two candidates say of it.

use consensus_testbed::Server;

/// One trouble, from its beginning to a new leader.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// For people: what happens.
    pub what: &'static str,
    pub ground: Ground,
    pub acts: &'static [Act],
    /// The exit code of the one that led.
    pub code: i32,
    /// All that the leader says, line by line. `…` stands for what differs from time to time. A line after
    /// `?` may be missing.
    pub leader: &'static [&'static str],
    /// All that the other one says.
    pub follower: &'static [&'static str],
}

/// Where it happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ground {
    /// On a cluster that nothing happens to.
    Shared,
    /// On one whose servers are stopped and ended.
    Disturbed,
}

/// What is done, or waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    Stop(Server),
    GoOn(Server),
    End(Server),
    StartAgain(Server),
    Delete,
    /// Changes what this JSON names.
    Edit(&'static str),
    /// The API server refuses to change what this JSON names.
    CannotEdit(&'static str),
    DeleteNamespace,
    MakeNamespace,
    Revoke,
    Grant,
    /// The leader has said this.
    LeaderSays(&'static str),
    /// The follower has said this.
    FollowerSays(&'static str),
    /// The one that led has ended.
    LeaderEnds,
    /// SIGTERM to the one that leads.
    EndLeader,
}

/// Whether these lines are all that was said, in order.
pub fn check(expected: &[&str], said: &str) -> Result<(), String> {
    let mut expected = expected.iter().copied().peekable();
    for line in said.lines() {
        loop {
            let Some(next) = expected.next() else {
                return Err(format!("it said more: {line}"));
            };
            let (may_be_missing, template) = match next.strip_prefix('?') {
                Some(template) => (true, template),
                None => (false, next),
            };
            if matches(template, line) {
                break;
            }
            if !may_be_missing {
                return Err(format!("not as expected:\n   said {line}\n   not  {next}"));
            }
        }
    }
    match expected.find(|line| !line.starts_with('?')) {
        Some(line) => Err(format!("it did not say: {line}")),
        None => Ok(()),
    }
}

/// Whether a line is of this form, where `…` stands for anything.
fn matches(template: &str, line: &str) -> bool {
    let mut parts = template.split('…');
    let Some(rest) = line.strip_prefix(parts.next().unwrap_or_default()) else {
        return false;
    };
    let mut rest = rest;
    let mut last = "";
    for part in parts {
        let Some(at) = rest.find(part) else {
            return false;
        };
        rest = &rest[at + part.len()..];
        last = part;
    }
    rest.is_empty() || (template.contains('…') && line.ends_with(last))
}

#[test]
fn lines_are_compared_in_order_and_none_is_passed_over() {
    let expected = ["a … b", "?c", "d"];
    for said in ["a x b\nc\nd", "a  b\nd", "a b b\nd"] {
        assert_eq!(check(&expected, said), Ok(()), "{said}");
    }
    for said in ["a x\nd", "a x b\nc", "a x b\nd\nd", "a x b\nc\nc\nd", ""] {
        assert!(check(&expected, said).is_err(), "{said}");
    }
}
