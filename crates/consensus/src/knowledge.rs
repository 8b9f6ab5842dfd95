//! What a candidate knows about the record, and what follows from it. Pure: no clock, no store.
//!
//! Owns promises 3 to 6 and 8: which record is our own, on which version we may write, and when
//! somebody else's record has run out. `protocol.rs` is its only caller.

use crate::backend::{Absent, Candidate, Leader};
use crate::record::{Claim, Nonce, Record};
use crate::store::{Proof, Snapshot, Tokens};
use crate::world::Instant;
use crate::{Error, ErrorKind, Token};
use std::time::Duration;

/// The longest lease duration that any candidate accepts. A record that names more is an error.
pub(crate) const LONGEST_LEASE: Duration = Duration::from_secs(24 * 60 * 60);

/// More writes of unknown outcome than this are not remembered. Forgetting one is safe: a write that
/// is not recognised is waited out like anybody's.
const MOST_OPEN: usize = 8;

#[derive(Clone, Debug)]
pub(crate) struct Knowledge<V> {
    /// The highest token that anybody is known to have had.
    highest: Token,
    /// The version that we last saw or wrote.
    version: Option<V>,
    /// The term that our last acquisition began: its token, and when by the wall clock.
    term: Option<(Token, u64)>,
    /// Our last confirmed write, while it is what the store holds at `version`.
    own: Option<Record>,
    /// Our writes that may have landed or may yet.
    open: Vec<Open<V>>,
    /// What we watch of others.
    watched: Option<Watched<V>>,
}

/// A write without an answer. It can land only as long as the store is at the version it was sent on,
/// which is not known of a write that was inherited.
#[derive(Clone, Debug)]
struct Open<V> {
    record: Record,
    on: Option<V>,
}

/// The record that we wait for to run out.
#[derive(Clone, Debug)]
struct Watched<V> {
    record: Option<Record>,
    version: V,
    /// The longest lease duration among this record and the one that it replaced.
    longest: Duration,
    /// When it has run out, by our clock. Only ever moves to later, but for a release.
    until: Instant,
    /// Whether something that is no record stood in its place since.
    interrupted: bool,
}

/// May the record be taken?
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Judgement {
    /// Yes, on the version that was judged.
    Free,
    /// Not before `at_most` has passed, or something happens.
    Held {
        leader: Option<Leader>,
        at_most: Duration,
    },
}

/// Says whose a record is (promise 4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Whose {
    Ours,
    Others,
}

impl<V> Default for Knowledge<V> {
    fn default() -> Self {
        Self {
            highest: Token::default(),
            version: None,
            term: None,
            own: None,
            open: Vec::new(),
            watched: None,
        }
    }
}

impl<V: Clone + PartialEq> Knowledge<V> {
    /// What a candidate that is dead by now may hold, to be released in its place.
    pub(crate) fn inherited(claim: Claim) -> Self {
        let open = claim.open.into_iter();
        Self {
            own: claim.confirmed,
            open: open.map(|record| Open { record, on: None }).collect(),
            ..Self::default()
        }
    }

    /// What we may hold, for whoever would have to release it in our place.
    pub(crate) fn claim(&self) -> Claim {
        Claim {
            confirmed: self.own.clone(),
            open: self.open.iter().map(|open| open.record.clone()).collect(),
        }
    }

    /// May a candidate that leads nothing take what it saw? `now` was read after the answer came.
    ///
    /// # Errors
    /// [`Foreign`](ErrorKind::Foreign) if the record names a lease or a token beyond all reason.
    pub(crate) fn judge(
        &mut self,
        now: Instant,
        candidate: &Candidate,
        seen: &Snapshot<V>,
    ) -> Result<Judgement, Error> {
        if let Whose::Ours = self.see(seen) {
            // Promise 6: an earlier write of ours, of no living term. It is taken anew.
            self.watched = None;
            return Ok(Judgement::Free);
        }
        if let Some(record) = &seen.record {
            refuse_impossible(record).inspect_err(|_| self.saw_foreign())?;
        }
        let released = seen
            .record
            .as_ref()
            .is_some_and(|record| record.holder.is_none());
        let unproven = match seen.proof {
            Proof::Dead => false,
            Proof::Alive => true,
            Proof::None => !released,
        };
        if !unproven {
            self.watched = None;
            return Ok(Judgement::Free);
        }
        let until = self.observe(now, candidate, seen);
        if now >= until {
            return Ok(Judgement::Free);
        }
        let leader = seen.record.as_ref().and_then(Record::leader);
        Ok(Judgement::Held {
            leader,
            at_most: until.since(now),
        })
    }

    /// Takes note of what the store holds, and says whether it is a write of ours.
    pub(crate) fn see(&mut self, seen: &Snapshot<V>) -> Whose {
        if let Tokens::Above(floor) = seen.tokens {
            self.highest = self.highest.max(floor);
        }
        if let Some(token) = seen.record.as_ref().and_then(|record| record.token) {
            self.highest = self.highest.max(token);
        }
        self.version = Some(seen.version.clone());
        let Some(record) = seen.record.as_ref().filter(|record| self.wrote(record)) else {
            // Promise 4: another record was seen, so all our nonces are dead for good. Only what was sent
            // on just this version may still land, and would be ours.
            self.own = None;
            self.open
                .retain(|open| open.on.as_ref() == Some(&seen.version));
            return Whose::Others;
        };
        self.own = Some(record.clone());
        // What was sent on an older version can land no more.
        self.open
            .retain(|open| open.on.as_ref().is_none_or(|on| *on == seen.version));
        if record.holder.is_some() {
            Whose::Ours
        } else {
            Whose::Others
        }
    }

    /// Composes the next write, and remembers it as unknown *before* it is sent (promise 6).
    pub(crate) fn write(
        &mut self,
        candidate: &Candidate,
        what: Write,
        (nonce, wall_ms): (Nonce, u64),
        on: &V,
    ) -> Record {
        let (holder, address, token) = match what {
            Write::Begin(token) => (Some(&candidate.identity), &candidate.address, token),
            Write::Renew(token) => (Some(&candidate.identity), &candidate.address, Some(token)),
            Write::Release => (None, &None, self.own_token()),
        };
        let began = self.term.filter(|(began, _)| token == Some(*began));
        let record = Record {
            holder: holder.cloned(),
            address: address.clone(),
            nonce: Some(nonce),
            lease_duration: candidate.lease_duration,
            token,
            work: candidate.work,
            acquired_ms: began.map_or(wall_ms, |(_, acquired_ms)| acquired_ms),
            renewed_ms: wall_ms,
        };
        if self.open.len() >= MOST_OPEN {
            self.open.remove(0);
        }
        self.open.push(Open {
            record: record.clone(),
            on: Some(on.clone()),
        });
        record
    }

    /// Something that is no record stands in its place. If the record that we watch comes back, it has
    /// changed twice.
    pub(crate) fn saw_foreign(&mut self) {
        if let Some(watched) = &mut self.watched {
            watched.interrupted = true;
        }
    }

    /// A write was stored: it is our last confirmed one, and what we knew of others is over.
    pub(crate) fn stored(&mut self, record: Record, version: V) {
        self.highest = self.highest.max(record.token.unwrap_or_default());
        // Its memory as well: as a rule nothing is open.
        self.open = Vec::new();
        self.watched = None;
        self.own = Some(record);
        self.version = Some(version);
    }

    /// The write that was stored last began this term.
    pub(crate) fn began(&mut self, token: Token) {
        self.term = self.own.as_ref().map(|own| (token, own.acquired_ms));
    }

    /// Whether this is the term that our last acquisition began.
    pub(crate) fn is_term(&self, token: Token) -> bool {
        self.term.is_some_and(|(began, _)| began == token)
    }

    /// The version to write on without looking first. `None`: look first.
    pub(crate) fn sure(&self) -> Option<&V> {
        let sure = self.open.is_empty() && self.own.as_ref().is_some_and(|r| r.holder.is_some());
        self.version.as_ref().filter(|_| sure)
    }

    /// Whether the store may hold a record that names us.
    pub(crate) fn may_be_ours(&self) -> bool {
        let own = self
            .own
            .iter()
            .chain(self.open.iter().map(|open| &open.record));
        own.into_iter().any(|record| record.holder.is_some())
    }

    /// Nothing is ours any more.
    pub(crate) fn forget(&mut self) {
        self.own = None;
        self.open.clear();
    }

    pub(crate) fn version(&self) -> Option<&V> {
        self.version.as_ref()
    }

    /// The token to begin a term with (promise 8). `None`: the write's own revision will be it.
    pub(crate) fn next_token(&self, seen: &Snapshot<V>) -> Option<Token> {
        match seen.tokens {
            Tokens::Above(_) => Some(self.highest.next()),
            Tokens::Revisions => None,
        }
    }

    /// The token of what we hold, also if it was found after its answer was lost.
    fn own_token(&self) -> Option<Token> {
        let held = self.own.as_ref().and_then(|own| own.token);
        held.or(self.term.map(|(token, _)| token))
    }

    /// Promise 4: it equals our last confirmed write or one sent after it, nonce included.
    fn wrote(&self, record: &Record) -> bool {
        self.own.as_ref() == Some(record) || self.open.iter().any(|open| open.record == *record)
    }

    /// Promise 5: when what we see has run out, counted from when we first saw it so.
    fn observe(&mut self, now: Instant, candidate: &Candidate, seen: &Snapshot<V>) -> Instant {
        let named = seen.record.as_ref().map(|record| record.lease_duration);
        let (longest, until) = match self.watched.take() {
            Some(watched) if watched.shows(seen) => return self.watched.insert(watched).until,
            // It changed, vanished or was edited: whoever held it may have renewed just before.
            Some(before) => {
                let longest = before.longest.max(named.unwrap_or_default());
                (
                    named.unwrap_or(longest),
                    before.until.max(now.plus(longest)),
                )
            }
            None => {
                let longest = named.unwrap_or(match candidate.absent {
                    Absent::Free if seen.proof != Proof::Alive => Duration::ZERO,
                    Absent::Held | Absent::Free => candidate.lease_duration,
                });
                (longest, now.plus(longest))
            }
        };
        let (record, version) = (seen.record.clone(), seen.version.clone());
        self.watched = Some(Watched {
            record,
            version,
            longest,
            until,
            interrupted: false,
        });
        until
    }
}

/// What to write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Write {
    /// We begin to lead, under this token or under this write's revision.
    Begin(Option<Token>),
    /// We go on leading, under this token.
    Renew(Token),
    /// Nobody does, by our own mark.
    Release,
}

impl<V: PartialEq> Watched<V> {
    /// A record is unchanged if it is equal as a record: else a foreign edit of what the store keeps
    /// beside it would restart the wait for ever. Absence has only its version to tell.
    fn shows(&self, seen: &Snapshot<V>) -> bool {
        let same = self.record.is_some() || self.version == seen.version;
        same && self.record == seen.record && !self.interrupted
    }
}

/// What no candidate writes, and none could follow.
fn refuse_impossible(record: &Record) -> Result<(), Error> {
    let refuse = |what: String| {
        let message = format!("{what}; nobody takes it: correct or remove it by hand");
        Err(Error::new(ErrorKind::Foreign, message))
    };
    let lease = record.lease_duration;
    if lease > LONGEST_LEASE {
        return refuse(format!(
            "the record names a lease of {lease:?}, more than the longest that anybody may have \
             ({LONGEST_LEASE:?})"
        ));
    }
    match record.token {
        Some(token) if token >= Token::END => refuse(format!(
            "the record names the token {token}, which is not below 2^62"
        )),
        Some(_) | None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::{Judgement, Knowledge};
    use crate::backend::{Absent, Candidate};
    use crate::store::{Proof, Snapshot};
    use crate::world::Instant;
    use std::time::Duration;

    /// What a store knows is worth more than a setting.
    #[test]
    fn absence_that_counts_as_free_is_waited_for_where_somebody_is_known_to_live() {
        let candidate = Candidate {
            absent: Absent::Free,
            ..Candidate::new("a", Duration::from_secs(15))
        };
        let judge = |proof| {
            let seen = Snapshot {
                proof,
                ..Snapshot::new(None, 0)
            };
            let judged = Knowledge::default().judge(Instant::from_nanos(1), &candidate, &seen);
            judged.expect("nothing to refuse")
        };
        assert_eq!(judge(Proof::None), Judgement::Free);
        let waits = Judgement::Held {
            leader: None,
            at_most: Duration::from_secs(15),
        };
        assert_eq!(judge(Proof::Alive), waits);
    }
}
