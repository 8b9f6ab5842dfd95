//! Who worked when, by the work's own record: a line for each piece, `TIME IDENTITY TERM`, with the time in
//! nanoseconds of the machine's boot-time clock. Candidates of both kinds write it alike.

use std::collections::BTreeMap;

/// One term of one candidate, from its first piece of work to the last one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Term {
    pub(crate) identity: String,
    /// The token of one of ours; how many terms a candidate of the other kind has had.
    pub(crate) number: u64,
    /// When each piece was done, in order.
    pub(crate) pieces: Vec<i64>,
}

impl Term {
    pub(crate) fn first(&self) -> i64 {
        self.pieces[0]
    }

    pub(crate) fn last(&self) -> i64 {
        self.pieces[self.pieces.len() - 1]
    }

    /// For how long both worked, in nanoseconds. Nothing, if the one ended before the other began.
    pub(crate) fn overlap(&self, other: &Self) -> Option<i64> {
        let begin = self.first().max(other.first());
        let end = self.last().min(other.last());
        (begin <= end).then_some(end - begin)
    }
}

/// All terms, by their first pieces. Whoever is killed in the middle of a line may leave a torn one, which
/// says nothing.
pub(crate) fn terms(record: &str) -> Vec<Term> {
    let mut terms: BTreeMap<(&str, u64), Vec<i64>> = BTreeMap::new();
    for (at, identity, number) in record.lines().filter_map(piece) {
        terms.entry((identity, number)).or_default().push(at);
    }
    let mut terms: Vec<Term> = terms
        .into_iter()
        .map(|((identity, number), mut pieces)| {
            pieces.sort_unstable();
            Term {
                identity: identity.to_owned(),
                number,
                pieces,
            }
        })
        .collect();
    terms.sort_by_key(Term::first);
    terms
}

/// When, who, and in which term.
pub(crate) fn piece(line: &str) -> Option<(i64, &str, u64)> {
    let words: Vec<&str> = line.split(' ').collect();
    let &[at, identity, number] = words.as_slice() else {
        return None;
    };
    Some((at.parse().ok()?, identity, number.parse().ok()?))
}

/// Every two terms that overlap, the earlier one first, and for how long.
pub(crate) fn overlaps(terms: &[Term]) -> Vec<(&Term, &Term, i64)> {
    let pairs = terms.iter().enumerate().flat_map(|(number, first)| {
        let later = terms[number + 1..].iter();
        later.map(move |second| (first, second))
    });
    pairs
        .filter_map(|(first, second)| Some((first, second, first.overlap(second)?)))
        .collect()
}

#[test]
fn terms_that_overlap_are_found_and_no_others() {
    let shown = |record: &str| {
        let terms = terms(record);
        let found: Vec<_> = overlaps(&terms)
            .into_iter()
            .map(|(first, second, time)| (first.identity.clone(), second.identity.clone(), time))
            .collect();
        found
    };
    let pair = |one: &str, other: &str, time| (one.to_owned(), other.to_owned(), time);
    assert_eq!(shown("10 a 1\n20 a 1\n21 b 1\n30 b 1\n30\n"), []);
    assert_eq!(shown("10 a 1\n20 a 1\n20 b 1\n"), [pair("a", "b", 0)]);
    // One that goes on for long overlaps with all that come meanwhile.
    let long = "1 a 1\n2 b 1\n3 b 1\n5 c 1\n9 a 1\n";
    assert_eq!(shown(long), [pair("a", "b", 1), pair("a", "c", 0)]);
    // A candidate's own next term as well.
    assert_eq!(shown("1 a 1\n3 a 1\n2 a 2\n4 a 2\n"), [pair("a", "a", 1)]);
}
