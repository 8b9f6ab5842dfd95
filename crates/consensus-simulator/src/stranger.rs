//! A stranger with the same rights as everybody: deletes, edits, restores, and writes what is no record.
//!
//! What would break every election is left out, as the design says: a lease made shorter behind the
//! back of whoever never saw the longer one, and a store that goes back to what somebody watches.

use crate::faults::Fault;
use crate::server::Cell;
use crate::timeline::{Who, tell};
use crate::world::{Event, World};
use consensus::store::Record;
use consensus::{Token, WorkScope};
use std::time::Duration;

/// What a stranger does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Deed {
    Delete,
    Empty,
    Relabel,
    Edit,
    CarryNonce,
    Restore,
    Garbage,
    Endless,
}

const DEEDS: [(Deed, Fault); 8] = [
    (Deed::Delete, Fault::Delete),
    (Deed::Empty, Fault::Empty),
    (Deed::Relabel, Fault::Relabel),
    (Deed::Edit, Fault::Edit),
    (Deed::CarryNonce, Fault::CarryNonce),
    (Deed::Restore, Fault::Restore),
    (Deed::Garbage, Fault::Garbage),
    (Deed::Endless, Fault::Endless),
];

/// More than the longest lease that anybody may have.
const ENDLESS: Duration = Duration::from_secs(25 * 60 * 60);

impl World {
    /// A stranger does one of the things that strangers do.
    pub(crate) fn stranger_acts(&mut self) {
        let pick = usize::try_from(self.rng.below(8)).unwrap_or_default();
        let (deed, fault) = DEEDS[pick];
        let cell = self.server.cell.clone();
        let Some(after) = self.after_deed(deed, &cell) else {
            return;
        };
        if !self.faults.happens(fault) {
            return;
        }
        if matches!(deed, Deed::Garbage | Deed::Endless) {
            let wait = self.rng.below(2 * self.lease);
            self.server.undo.get_or_insert(cell);
            self.after(wait, Event::Repair);
        }
        self.server.put(after);
        let version = self.server.version;
        tell!(self, Who::Stranger, "{}: version {version}", fault.name());
        self.spread_hints();
    }

    /// What stands there after this. `None`: it cannot be done now.
    fn after_deed(&mut self, deed: Deed, cell: &Cell) -> Option<Cell> {
        let strange = |record| Cell {
            record: Some(record),
            ..Cell::default()
        };
        let record = cell.record.clone();
        let after = match deed {
            Deed::Garbage => Cell {
                garbage: true,
                ..Cell::default()
            },
            Deed::Delete | Deed::Empty => record.map(|_| Cell::default())?,
            Deed::Relabel => record.map(|_| cell.clone())?,
            Deed::Edit => strange(self.edit(record?)),
            Deed::CarryNonce => strange(Record {
                holder: Some("stranger".into()),
                ..record?
            }),
            Deed::Restore => strange(self.restorable()?),
            Deed::Endless => strange(Record {
                lease_duration: ENDLESS,
                ..record?
            }),
        };
        Some(after)
    }

    /// A shorter lease is not among the edits: who never saw the longer one cannot know of it.
    fn edit(&mut self, record: Record) -> Record {
        if self.server.proof && self.rng.one_in(3) {
            // Only the holder's own mark releases: such a store knows better.
            return Record {
                holder: None,
                ..record
            };
        }
        match self.rng.below(4) {
            0 => Record {
                address: Some(format!("edited-{}", self.server.version).into()),
                ..record
            },
            1 => Record {
                lease_duration: record.lease_duration * 3 / 2,
                ..record
            },
            2 => Record {
                token: record.token.map(|token| Token::new(token.get() + 3)),
                renewed_ms: record.renewed_ms + 1,
                ..record
            },
            _ => Record {
                holder: Some("somebody".into()),
                nonce: None,
                work: WorkScope::Beyond,
                ..record
            },
        }
    }

    /// An older record, whose nonce is dead for its author, and which nobody can take for unchanged or
    /// for released: a store that goes back to that breaks every election.
    fn restorable(&mut self) -> Option<Record> {
        let many = u64::try_from(self.server.older.len()).unwrap_or_default();
        let pick = usize::try_from(self.rng.below(many)).unwrap_or_default();
        let older = self.server.older.get(pick)?;
        let node = &self.nodes[older.author.candidate];
        let author_lives = node.alive && node.life == older.author.life;
        let nonce = older.record.nonce;
        let watched = self.network.shows(nonce);
        let stands = self
            .server
            .cell
            .record
            .as_ref()
            .and_then(|record| record.nonce)
            == nonce;
        let held = older.record.holder.is_some();
        let gone = older.dead || !author_lives;
        (gone && held && !watched && !stands).then(|| older.record.clone())
    }

    /// What a stranger put there goes: undone or deleted.
    pub(crate) fn repair(&mut self) {
        let Some(before) = self.server.undo.take() else {
            return;
        };
        let endless = self
            .server
            .cell
            .record
            .as_ref()
            .is_some_and(|record| record.lease_duration >= ENDLESS);
        if !self.server.cell.garbage && !endless {
            return;
        }
        let undone = self.rng.one_in(2);
        self.server
            .put(if undone { before } else { Cell::default() });
        let how = if undone { "undone" } else { "deleted" };
        tell!(
            self,
            Who::Stranger,
            "garbage is {how}: version {}",
            self.server.version
        );
        self.spread_hints();
    }
}
