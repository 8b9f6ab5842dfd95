//! The store itself: one record, a version, and a stranger who has the same rights as everybody.
//!
//! It compares before it swaps, unless it is told not to. It knows in truth who wrote what it holds,
//! and tells the checks.

use crate::checks::{Author, Purpose};
use crate::clock::{NEVER, Time};
use crate::plan::{Hints, Numbering, Plan};
use crate::timeline::{Who, tell};
use crate::world::World;
use consensus::store::{Proof, Record, Saved, Snapshot, Tokens};
use consensus::{Error, ErrorKind, Token};
use std::collections::VecDeque;

/// What the store holds.
#[derive(Clone, Debug, Default)]
pub(crate) struct Cell {
    pub(crate) record: Option<Record>,
    /// Who wrote exactly this. `None`: nobody, or a stranger.
    pub(crate) author: Option<Author>,
    /// Something that is no record stands there.
    pub(crate) garbage: bool,
}

/// What stood there before.
#[derive(Debug)]
pub(crate) struct Older {
    pub(crate) record: Record,
    pub(crate) author: Author,
    version: u64,
    /// Its author knows that it is gone.
    pub(crate) dead: bool,
}

/// How much of what stood there before a stranger can bring back.
const REMEMBERED: usize = 6;

#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) cell: Cell,
    pub(crate) version: u64,
    /// The highest token that was ever saved.
    floor: Token,
    tokens: Numbering,
    hints: Hints,
    pub(crate) proof: bool,
    compare: bool,
    pub(crate) frozen: Time,
    /// Whose marks of life the store knows, and until when.
    marks: Vec<(Author, Time)>,
    /// What stood there before, the oldest first.
    pub(crate) older: VecDeque<Older>,
    /// What stood there before a stranger put something else in its place.
    pub(crate) undo: Option<Cell>,
}

impl Default for Server {
    fn default() -> Self {
        Self {
            cell: Cell::default(),
            version: 0,
            floor: Token::default(),
            tokens: Numbering::Floor,
            hints: Hints::Never,
            proof: false,
            compare: true,
            frozen: 0,
            marks: Vec::new(),
            older: VecDeque::new(),
            undo: None,
        }
    }
}

impl Server {
    pub(crate) fn new(plan: &Plan) -> Self {
        Self {
            tokens: plan.tokens,
            hints: plan.hints,
            proof: plan.proof,
            compare: plan.compare,
            ..Self::default()
        }
    }

    pub(crate) fn numbers_writes(&self) -> bool {
        self.tokens == Numbering::Revisions
    }

    pub(crate) fn hints(&self) -> Hints {
        self.hints
    }

    /// What `by` is told at `now`.
    pub(crate) fn load(&self, by: Author, now: Time) -> Result<Snapshot<u64>, Error> {
        if self.cell.garbage {
            let message = "what stands there is no record";
            return Err(Error::new(ErrorKind::Foreign, message));
        }
        let mut snapshot = Snapshot::new(self.cell.record.clone(), self.version);
        snapshot.tokens = match self.tokens {
            Numbering::Floor => Tokens::Above(self.floor),
            Numbering::Revisions => Tokens::Revisions,
        };
        snapshot.watched = self.hints == Hints::Promised;
        if self.proof {
            let lives = |(author, until): &(Author, Time)| *author != by && *until > now;
            snapshot.proof = if self.marks.iter().any(lives) {
                Proof::Alive
            } else {
                Proof::Dead
            };
        }
        Ok(snapshot)
    }

    /// Takes a mark of life away: the process let go, or died and left work behind until then.
    pub(crate) fn unmark(&mut self, author: Author, until: Time) {
        for mark in &mut self.marks {
            if mark.0 == author {
                mark.1 = until;
            }
        }
        self.marks.retain(|(_, until)| *until > 0);
    }

    fn mark(&mut self, author: Author) {
        if self.proof && !self.marks.iter().any(|(marked, _)| *marked == author) {
            self.marks.push((author, NEVER));
        }
    }

    /// An author knows that what it wrote before that version is not what stands there: it was shown
    /// something else, or a later write was confirmed.
    pub(crate) fn bury(&mut self, author: Author, before: u64) {
        for older in &mut self.older {
            older.dead |= older.author == author && older.version < before;
        }
    }

    /// What stands there from now on.
    pub(crate) fn put(&mut self, cell: Cell) {
        if let (Some(record), Some(author)) = (self.cell.record.take(), self.cell.author) {
            if self.older.len() >= REMEMBERED {
                self.older.pop_front();
            }
            self.older.push_back(Older {
                record,
                author,
                version: self.version,
                dead: false,
            });
        }
        if let Some(token) = cell.record.as_ref().and_then(|record| record.token) {
            self.floor = self.floor.max(token);
        }
        self.cell = cell;
        self.version += 1;
    }
}

/// A write that reached the store.
pub(crate) struct Arrived {
    pub(crate) by: Author,
    pub(crate) purpose: Purpose,
    pub(crate) record: Record,
    pub(crate) on: u64,
}

impl World {
    /// Saves if the version is unchanged, and tells the checks.
    pub(crate) fn save(&mut self, write: Arrived) -> Saved<u64> {
        let Arrived {
            by,
            purpose,
            record,
            on,
        } = write;
        let who = Who::Candidate(by.candidate);
        if self.server.compare && self.server.version != on {
            tell!(
                self,
                who,
                "{purpose:?} is refused: version {on} is {} by now",
                self.server.version
            );
            return Saved::Conflict;
        }
        let before = self.server.cell.author;
        let revision = self
            .server
            .numbers_writes()
            .then_some(self.server.version + 1);
        let token = record.token.or(revision.map(Token::new));
        let living = {
            let node = &self.nodes[by.candidate];
            node.alive && node.life == by.life
        };
        if record.holder.is_none() {
            self.server.unmark(by, 0);
        } else if living {
            self.server.mark(by);
        }
        self.server.put(Cell {
            record: Some(record),
            author: Some(by),
            garbage: false,
        });
        let version = self.server.version;
        tell!(
            self,
            who,
            "{purpose:?} is stored as version {version}, token {token:?}"
        );
        self.checks.stored(by, self.now, (purpose, token), before);
        self.spread_hints();
        Saved::Stored { version, revision }
    }
}
