//! Who worked when, by the work's own record: a line for each piece of work, `nanoseconds token candidate`.
//!
//! Two terms overlap if the later one begins before the last piece of the earlier one, by the clock or by the
//! order of the lines: the order also shows what was late between reading the clock and writing.

use std::collections::{BTreeMap, HashSet};
use std::ops::AddAssign;

/// More than these are counted only.
const MOST_SHOWN: u64 = 3;

/// What a record of work shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Findings {
    pub terms: u64,
    pub pieces: u64,
    /// Pairs of terms of which the second began before the first had ended.
    pub overlaps: u64,
    /// Those of them whose first is of a candidate that was hit twice at once.
    pub overlaps_after_double_hits: u64,
    /// Terms whose token is not higher than that of the one before it.
    pub falls: u64,
    /// Processes that were left although their candidate was over and had not been hit twice at once.
    pub left: u64,
}

impl AddAssign for Findings {
    fn add_assign(&mut self, other: Self) {
        self.terms += other.terms;
        self.pieces += other.pieces;
        self.overlaps += other.overlaps;
        self.overlaps_after_double_hits += other.overlaps_after_double_hits;
        self.falls += other.falls;
        self.left += other.left;
    }
}

/// One piece of work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Piece {
    pub at: u64,
    pub token: u64,
    pub candidate: u64,
}

/// When a term's work was done: by the clock, and by the lines.
#[derive(Clone, Copy, Debug)]
struct Work {
    lines: (usize, usize),
    times: (u64, u64),
    token: u64,
    candidate: u64,
}

pub fn parse(line: &str) -> Option<Piece> {
    let mut numbers = line.split_whitespace().map(str::parse);
    let mut next = || numbers.next()?.ok();
    Some(Piece {
        at: next()?,
        token: next()?,
        candidate: next()?,
    })
}

/// Looks at a whole record. These candidates were hit twice at once.
pub fn check(log: &str, doubled: &HashSet<u64>) -> Findings {
    let mut findings = Findings::default();
    let mut terms: BTreeMap<(u64, u64), Work> = BTreeMap::new();
    for (number, line) in log.lines().enumerate() {
        let piece = parse(line).unwrap_or_else(|| panic!("not a piece of work: {line:?}"));
        findings.pieces += 1;
        let work = terms.entry((piece.token, piece.candidate)).or_insert(Work {
            lines: (number, number),
            times: (piece.at, piece.at),
            token: piece.token,
            candidate: piece.candidate,
        });
        work.lines.1 = number;
        work.times = (work.times.0.min(piece.at), work.times.1.max(piece.at));
    }
    findings.terms = terms.len() as u64;
    let mut in_order: Vec<Work> = terms.into_values().collect();
    in_order.sort_unstable_by_key(|work| work.lines);
    for pair in in_order.windows(2) {
        findings.falls += u64::from(pair[1].token <= pair[0].token);
    }
    for (number, first) in in_order.iter().enumerate() {
        let later = &in_order[number + 1..];
        for second in later.iter().filter(|second| overlap(first, second)) {
            if doubled.contains(&first.candidate) {
                findings.overlaps_after_double_hits += 1;
            } else {
                findings.overlaps += 1;
                if findings.overlaps <= MOST_SHOWN {
                    println!("overlap: {first:?} and {second:?}");
                }
            }
        }
    }
    findings
}

fn overlap(first: &Work, second: &Work) -> bool {
    second.lines.0 <= first.lines.1 || second.times.0 <= first.times.1
}

#[test]
fn the_checker_counts_overlaps_falls_and_double_hits() {
    let none = HashSet::new();
    let good = check("10 1 7\n20 1 7\n21 2 8\n30 2 8\n", &none);
    assert_eq!((good.terms, good.pieces), (2, 4));
    assert_eq!((good.overlaps, good.falls), (0, 0));
    let log = "10 1 7\n15 2 8\n20 1 7\n30 2 8\n";
    let overlap = check(log, &none);
    assert_eq!(
        (overlap.overlaps, overlap.overlaps_after_double_hits),
        (1, 0)
    );
    let doubled = check(log, &HashSet::from([7]));
    assert_eq!(
        (doubled.overlaps, doubled.overlaps_after_double_hits),
        (0, 1)
    );
    let other = check(log, &HashSet::from([8]));
    assert_eq!((other.overlaps, other.overlaps_after_double_hits), (1, 0));
    // By the clock only: a line that came early. By the lines only: a clock that was read early.
    assert_eq!(check("10 1 7\n30 1 7\n20 2 8\n", &none).overlaps, 1);
    assert_eq!(check("10 1 7\n20 2 8\n11 1 7\n", &none).overlaps, 1);
    // One that goes on for long overlaps with all that come meanwhile.
    assert_eq!(check("1 1 7\n2 2 8\n3 3 9\n4 1 7\n", &none).overlaps, 2);
    let twins = check("10 2 7\n20 2 8\n", &none);
    assert_eq!((twins.terms, twins.falls), (2, 1));
}
