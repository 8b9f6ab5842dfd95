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

/// All that a stranger does.
const ACTS: [Fault; 8] = [
    Fault::Delete,
    Fault::Empty,
    Fault::Relabel,
    Fault::Edit,
    Fault::CarryNonce,
    Fault::Restore,
    Fault::Garbage,
    Fault::Endless,
];

/// More than the longest lease that anybody may have.
const ENDLESS: Duration = Duration::from_secs(25 * 60 * 60);

impl World {
    /// A stranger does one of the things that strangers do.
    pub(crate) fn stranger_acts(&mut self) {
        let pick = usize::try_from(self.rng.below(8)).unwrap_or_default();
        let act = ACTS[pick];
        let cell = self.server.cell.clone();
        let Some(after) = self.after_act(act, &cell) else {
            return;
        };
        if !self.faults.happens(act) {
            return;
        }
        if matches!(act, Fault::Garbage | Fault::Endless) {
            let wait = self.rng.below(2 * self.lease);
            self.server.undo.get_or_insert(cell);
            self.after(wait, Event::Repair);
        }
        self.server.put(after);
        tell!(
            self,
            Who::Stranger,
            "{}: version {}",
            act.name(),
            self.server.version
        );
        self.spread_hints();
    }

    /// What stands there after this. `None`: it cannot be done now.
    fn after_act(&mut self, act: Fault, cell: &Cell) -> Option<Cell> {
        if act == Fault::Garbage {
            return Some(Cell {
                garbage: true,
                ..Cell::default()
            });
        }
        let record = cell.record.clone()?;
        let strange = |record| Cell {
            record: Some(record),
            ..Cell::default()
        };
        let changed = match act {
            Fault::Delete | Fault::Empty => Cell::default(),
            Fault::Relabel => cell.clone(),
            Fault::Edit => strange(self.edit(record)),
            Fault::CarryNonce => strange(Record {
                holder: Some("stranger".into()),
                ..record
            }),
            Fault::Restore => strange(self.restorable()?),
            Fault::Endless => strange(Record {
                lease_duration: ENDLESS,
                ..record
            }),
            _ => return None,
        };
        Some(changed)
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
