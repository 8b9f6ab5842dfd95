//! Whether an election was as it must be, by the work's own record, the history of its Lease, and what was
//! done to whom.
//!
//! Owns what is excused: only what a candidate of client-go's does that was stopped past its lease. It goes on
//! working when it goes on; and if it is asked to end just then, its release erases whoever leads by then,
//! whom nobody can tell from one who released, if it is one of client-go's. Each is established from the hits,
//! and everything else is a fault.

use super::history::{Version, Writer};
use crate::work::{Term, overlaps};
use std::collections::BTreeMap;

/// What was done to a candidate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Act {
    Kill,
    Stop,
    Continue,
    Term,
}

/// It is noted before it is done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Hit {
    pub(super) at: i64,
    pub(super) identity: String,
    pub(super) act: Act,
}

/// What nobody but client-go can prevent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Excuse {
    /// One of client-go's goes on after it was stopped, and works in the term of one of ours.
    WorkAfterAStop,
    /// One of ours was erased: it worked until it saw that.
    OursWasErased,
    /// One of ours was erased, and one of client-go's began at once.
    BeganOverOurs,
    /// One of client-go's was erased, and one of ours took that for a release.
    TheirsWasErased,
}

#[derive(Debug, Default)]
pub(super) struct Findings {
    /// Of ours and of client-go's.
    pub(super) terms: (usize, usize),
    pub(super) pieces: (usize, usize),
    /// By the Lease: another one than the last holder holds it.
    pub(super) changes: usize,
    /// Acquisitions by ours.
    pub(super) acquisitions: usize,
    /// How much longer than the lease of somebody else ours waited, at the least. In milliseconds, as the next.
    pub(super) closest: Option<i64>,
    /// The longest time for which one of ours worked on after it had been erased.
    pub(super) noticed: Option<i64>,
    /// How often two of client-go's worked at once.
    pub(super) among_theirs: usize,
    pub(super) excused: BTreeMap<Excuse, usize>,
    pub(super) faults: Vec<String>,
}

/// How far the time of a write may be off: ours writes whole milliseconds.
const ROUNDING: i64 = 1_000_000;

fn is_ours(identity: &str) -> bool {
    identity.starts_with("ours-")
}

/// Looks at one election. Everything is in order of time.
pub(super) fn judge(terms: &[Term], versions: &[Version], hits: &[Hit]) -> Findings {
    let (ours, theirs): (Vec<Term>, Vec<Term>) = terms
        .iter()
        .cloned()
        .partition(|term| is_ours(&term.identity));
    let pieces = |terms: &[Term]| terms.iter().map(|term| term.pieces.len()).sum();
    let case = Case {
        ours: &ours,
        theirs: &theirs,
        versions,
        hits,
    };
    let mut findings = Findings {
        terms: (ours.len(), theirs.len()),
        pieces: (pieces(&ours), pieces(&theirs)),
        among_theirs: overlaps(&theirs).len(),
        ..Findings::default()
    };
    case.ours_among_themselves(&mut findings);
    case.the_lease(&mut findings);
    for term in &ours {
        case.one_of_ours(term, &mut findings);
    }
    findings
}

struct Case<'a> {
    ours: &'a [Term],
    theirs: &'a [Term],
    versions: &'a [Version],
    hits: &'a [Hit],
}

impl Case<'_> {
    fn ours_among_themselves(&self, findings: &mut Findings) {
        for (first, second, time) in overlaps(self.ours) {
            let (one, other) = (&first.identity, &second.identity);
            findings.fault(format!("{one} and {other} worked at once for {time} ns"));
        }
        for pair in self.ours.windows(2) {
            if pair[1].number <= pair[0].number {
                findings.fault(format!(
                    "a token fell from {} to {}",
                    pair[0].number, pair[1].number
                ));
            }
        }
    }

    /// Ours takes what is free, and nothing else.
    fn the_lease(&self, findings: &mut Findings) {
        let mut last = None;
        for (number, version) in self.versions.iter().enumerate() {
            if version.seen < version.written {
                findings.fault(format!("seen before it was written: {version:?}"));
            }
            if let Some(holder) = &version.holder {
                findings.changes += usize::from(last.is_some_and(|last| last != holder));
                last = Some(holder);
            }
            let begins = version.token == Some(version.revision);
            if version.writer != Writer::Ours || !begins {
                continue;
            }
            findings.acquisitions += 1;
            let Some(before) = number.checked_sub(1) else {
                continue;
            };
            match self.held_until(before, version) {
                Ok(until) if version.written + ROUNDING < until => {
                    let early = (until - version.written) / 1_000_000;
                    let (prior, found) = (&self.versions[before], version);
                    findings.fault(format!("{early} ms early: {found:?} after {prior:?}"));
                }
                Ok(until) if until > self.versions[before].written => {
                    findings.is_close(Some((version.written - until) / 1_000_000));
                }
                Ok(_) => {}
                Err(excuse) => findings.excuse(excuse),
            }
        }
    }

    /// Until when somebody who comes to this version has to wait.
    fn held_until(&self, number: usize, taker: &Version) -> Result<i64, Excuse> {
        let version = &self.versions[number];
        if let Some(holder) = &version.holder {
            // One's own may be taken anew at any time.
            let is_own = version.writer == Writer::Ours && taker.is_held_by(holder);
            let lasts = if is_own { 0 } else { version.lease };
            return Ok(version.written + lasts);
        }
        // Given up: by whom, and whose was it?
        let prior = number.checked_sub(1).map(|prior| &self.versions[prior]);
        let holder = prior.and_then(|prior| prior.holder.as_deref());
        match (&version.writer, holder) {
            (Writer::ClientGo(writer), Some(holder)) if writer != holder => {
                if is_ours(holder) {
                    // Edited, so held: for as long as it was held before.
                    let lasts = prior.map_or(0, |prior| prior.lease);
                    return Ok(version.written + lasts);
                }
                if self.was_paused_and_cancelled(writer, version.seen) {
                    return Err(Excuse::TheirsWasErased);
                }
                Ok(i64::MAX)
            }
            (Writer::ClientGo(_), None) if number > 0 => self.held_until(number - 1, taker),
            _ => Ok(version.written),
        }
    }

    fn one_of_ours(&self, term: &Term, findings: &mut Findings) {
        let who = format!("{} under {}", term.identity, term.number);
        let is_of = |version: &Version| {
            version.is_held_by(&term.identity) && version.token == Some(term.number)
        };
        let Some(begin) = self.versions.iter().position(is_of) else {
            return findings.fault(format!("{who} worked, and never held the Lease"));
        };
        let rest = &self.versions[begin..];
        let length = rest.iter().take_while(|version| is_of(version)).count();
        if term.first() < rest[0].written {
            findings.fault(format!("{who} worked before it held the Lease"));
        }
        if term.last() > rest[length - 1].written + rest[0].lease {
            findings.fault(format!("{who} worked longer than its lease"));
        }
        let end = rest.get(length);
        let erased = end.filter(|end| self.is_erasure(end, &term.identity));
        let exactly = |end: &&Version| match end.writer {
            Writer::Ours => end.written + ROUNDING < term.last(),
            Writer::ClientGo(_) => end.written < term.last(),
        };
        if let Some(end) = end.filter(exactly) {
            let late = (term.last() - end.written) / 1_000_000;
            if erased.is_some() {
                findings.notices(Some(late));
                findings.excuse(Excuse::OursWasErased);
            } else {
                let hits = match &end.writer {
                    Writer::ClientGo(writer) => self.hits_on(writer),
                    Writer::Ours => Vec::new(),
                };
                findings.fault(format!(
                    "{who} worked for {late} ms after {end:?}; its writer was hit: {hits:?}"
                ));
            }
        }
        for other in self.theirs {
            // While it stands still it does not work.
            for part in self.parts(other) {
                if term.overlap(&part).is_none() {
                    continue;
                }
                match self.why_at_once(term, &part, erased) {
                    Some(excuse) => findings.excuse(excuse),
                    None => findings.fault(format!(
                        "{who}, {}..{}, and {}, {}..{}, worked at once",
                        term.first(),
                        term.last(),
                        part.identity,
                        part.first(),
                        part.last()
                    )),
                }
            }
        }
    }

    /// A term, cut where its candidate went on after it had been stopped.
    fn parts(&self, term: &Term) -> Vec<Term> {
        let stops = self.stops(&term.identity);
        let number = |at: &i64| stops.iter().filter(|(_, on)| on <= at).count();
        let parts = term
            .pieces
            .chunk_by(|one, next| number(one) == number(next));
        parts
            .map(|pieces| Term {
                pieces: pieces.to_vec(),
                ..term.clone()
            })
            .collect()
    }

    /// Why one of client-go's worked in the term of one of ours, in this part of its own.
    fn why_at_once(&self, ours: &Term, part: &Term, erased: Option<&Version>) -> Option<Excuse> {
        if erased.is_some_and(|erased| part.first() >= erased.written) {
            return Some(Excuse::BeganOverOurs);
        }
        // What became of its lease, the last one before ours began.
        let held = self.versions.iter().rposition(|version| {
            version.is_held_by(&part.identity) && version.written <= ours.first()
        })?;
        // It was stopped after that, ours began then or later, and it has not renewed since it went on.
        let mut stops = self.stops(&part.identity).into_iter();
        if stops.any(|(stop, on)| {
            stop <= ours.first() && on <= part.first() && self.versions[held].written < on
        }) {
            return Some(Excuse::WorkAfterAStop);
        }
        let end = self.versions.get(held + 1)?;
        self.is_erasure(end, &part.identity)
            .then_some(Excuse::TheirsWasErased)
    }

    /// Whether a release of somebody else's, who was stopped and then asked to end, ended this one's lease.
    fn is_erasure(&self, end: &Version, of: &str) -> bool {
        match &end.writer {
            Writer::ClientGo(writer) if end.holder.is_none() && writer != of => {
                self.was_paused_and_cancelled(writer, end.seen)
            }
            Writer::ClientGo(_) | Writer::Ours => false,
        }
    }

    /// It led before it was stopped, perhaps too shortly to work, and was asked to end before it could see
    /// that it had lost.
    fn was_paused_and_cancelled(&self, identity: &str, before: i64) -> bool {
        let mut hits = self.hits.iter();
        let is_asked =
            hits.any(|hit| hit.act == Act::Term && hit.identity == identity && hit.at <= before);
        let mut stops = self.stops(identity).into_iter();
        is_asked
            && stops.any(|(stop, on)| {
                on <= before
                    && self
                        .versions
                        .iter()
                        .any(|version| version.is_held_by(identity) && version.written < stop)
            })
    }

    fn hits_on(&self, identity: &str) -> Vec<&Hit> {
        let of = |hit: &&Hit| hit.identity == identity;
        self.hits.iter().filter(of).collect()
    }

    /// From when to when it stood still.
    fn stops(&self, identity: &str) -> Vec<(i64, i64)> {
        let its = self.hits_on(identity);
        let at = |hit: &&&Hit, act| hit.act == act;
        let stops = its.iter().filter(|hit| at(hit, Act::Stop));
        let ends = its.iter().filter(|hit| at(hit, Act::Continue));
        stops
            .zip(ends)
            .map(|(stop, end)| (stop.at, end.at))
            .collect()
    }
}

impl Findings {
    fn fault(&mut self, fault: String) {
        self.faults.push(fault);
    }

    fn excuse(&mut self, excuse: Excuse) {
        *self.excused.entry(excuse).or_default() += 1;
    }

    fn is_close(&mut self, millis: Option<i64>) {
        self.closest = self.closest.into_iter().chain(millis).min();
    }

    fn notices(&mut self, millis: Option<i64>) {
        self.noticed = self.noticed.max(millis);
    }

    pub(super) fn add(&mut self, other: Self) {
        self.is_close(other.closest);
        self.notices(other.noticed);
        self.terms.0 += other.terms.0;
        self.terms.1 += other.terms.1;
        self.pieces.0 += other.pieces.0;
        self.pieces.1 += other.pieces.1;
        self.changes += other.changes;
        self.acquisitions += other.acquisitions;
        self.among_theirs += other.among_theirs;
        for (excuse, count) in other.excused {
            *self.excused.entry(excuse).or_default() += count;
        }
        self.faults.extend(other.faults);
    }
}
