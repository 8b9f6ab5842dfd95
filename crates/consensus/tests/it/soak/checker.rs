//! Who worked when, by the work's own record: one line for each piece of work, `nanoseconds token pid`,
//! on the machine's boot-time clock.

use std::collections::BTreeMap;

/// What a record of work shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Findings {
    pub terms: u64,
    pub pieces: u64,
    /// Terms that began before the one before it had ended.
    pub overlaps: u64,
    /// Terms whose token is not higher than that of the one before it.
    pub falls: u64,
}

impl Findings {
    pub fn add(&mut self, other: &Self) {
        self.terms += other.terms;
        self.pieces += other.pieces;
        self.overlaps += other.overlaps;
        self.falls += other.falls;
    }
}

/// One piece of work.
pub fn parse(line: &str) -> Option<(u64, u64, u32)> {
    let mut words = line.split(' ');
    let piece = (words.next()?, words.next()?, words.next()?);
    Some((
        piece.0.parse().ok()?,
        piece.1.parse().ok()?,
        piece.2.parse().ok()?,
    ))
}

pub fn check(log: &str) -> Findings {
    let mut findings = Findings::default();
    let mut terms: BTreeMap<(u64, u32), (u64, u64)> = BTreeMap::new();
    for line in log.lines() {
        let (at, token, pid) =
            parse(line).unwrap_or_else(|| panic!("not a piece of work: {line:?}"));
        findings.pieces += 1;
        let interval = terms.entry((token, pid)).or_insert((at, at));
        *interval = (interval.0.min(at), interval.1.max(at));
    }
    findings.terms = terms.len() as u64;
    let mut in_order: Vec<_> = terms
        .into_iter()
        .map(|((token, _), when)| (when, token))
        .collect();
    in_order.sort_unstable();
    for pair in in_order.windows(2) {
        let (((_, end), token), ((next_begin, _), next_token)) = (pair[0], pair[1]);
        findings.overlaps += u64::from(next_begin <= end);
        findings.falls += u64::from(next_token <= token);
    }
    findings
}

#[test]
fn the_checker_counts_overlaps_and_falls() {
    let good = check("10 1 7\n20 1 7\n21 2 8\n30 2 8\n");
    assert_eq!(
        good,
        Findings {
            terms: 2,
            pieces: 4,
            overlaps: 0,
            falls: 0
        }
    );
    let overlap = check("10 1 7\n15 2 8\n20 1 7\n30 2 8\n");
    assert_eq!((overlap.overlaps, overlap.falls), (1, 0));
    let fall = check("10 2 7\n20 1 8\n");
    assert_eq!((fall.overlaps, fall.falls), (0, 1));
    let twins = check("10 2 7\n20 2 8\n");
    assert_eq!((twins.terms, twins.falls), (2, 1));
}
