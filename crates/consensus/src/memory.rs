//! A record in this process's memory: for tests, examples and elections among threads.

use crate::store::{Record, RecordBackend, Saved, Snapshot, Store, Tokens};
use crate::{Error, Token};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;

/// A record in this process's memory. Clones share it.
#[derive(Clone, Debug)]
pub struct MemoryStore {
    shared: Arc<Shared>,
}

/// Elections among the threads and tasks of one process.
pub type MemoryBackend = RecordBackend<MemoryStore>;

#[derive(Debug, Default)]
struct Shared {
    cell: Mutex<Cell>,
    change: Notify,
}

#[derive(Debug, Default)]
struct Cell {
    record: Option<Record>,
    version: u64,
    highest: Token,
}

impl MemoryStore {
    /// A store that holds no record. Nobody else can know of it, so it can be taken at once.
    pub fn new() -> Self {
        Self {
            shared: Arc::default(),
        }
    }

    /// Looks at the record, as a stranger would.
    pub fn peek<T>(&self, look: impl FnOnce(Option<&Record>) -> T) -> T {
        look(self.cell().record.as_ref())
    }

    /// Removes the record, as a stranger would.
    pub fn delete(&self) {
        self.edit(|record| *record = None);
    }

    /// Changes the record behind everybody's back, as a stranger would.
    pub fn edit(&self, change: impl FnOnce(&mut Option<Record>)) {
        let mut cell = self.cell();
        change(&mut cell.record);
        self.tell(cell);
    }

    /// Whoever panicked in the middle only looked, or was a stranger.
    fn cell(&self) -> MutexGuard<'_, Cell> {
        let cell = self.shared.cell.lock();
        cell.unwrap_or_else(PoisonError::into_inner)
    }

    /// After each change. Nobody is woken before the cell can be looked at.
    fn tell(&self, mut cell: MutexGuard<'_, Cell>) {
        cell.version += 1;
        drop(cell);
        self.shared.change.notify_waiters();
    }
}

impl Default for MemoryStore {
    fn default() -> Self {
        Self::new()
    }
}

impl MemoryBackend {
    /// An election over a store of its own: alone, until [`RecordBackend::over`] is given a clone
    /// of one store for each candidate.
    pub fn new() -> Self {
        Self::over(MemoryStore::new())
    }
}

impl Default for MemoryBackend {
    fn default() -> Self {
        Self::new()
    }
}

impl Store for MemoryStore {
    type Version = u64;

    async fn load(&mut self) -> Result<Snapshot<u64>, Error> {
        let cell = self.cell();
        let mut seen = Snapshot::new(cell.record.clone(), cell.version);
        seen.tokens = Tokens::Above(cell.highest);
        seen.watched = true;
        if cell.version == 0 {
            // There never was a record, and memory cannot be restored from a backup.
            seen.proof = crate::store::Proof::Dead;
        }
        Ok(seen)
    }

    async fn save(&mut self, record: &Record, if_version: &u64) -> Result<Saved<u64>, Error> {
        let mut cell = self.cell();
        if cell.version != *if_version {
            return Ok(Saved::Conflict);
        }
        cell.highest = cell.highest.max(record.token.unwrap_or_default());
        cell.record = Some(record.clone());
        self.tell(cell);
        Ok(Saved::Stored {
            version: if_version + 1,
            revision: None,
        })
    }

    async fn changed(&mut self, seen: Option<&u64>) {
        // Made before the look: no change is lost between the two.
        let change = self.shared.change.notified();
        let version = self.cell().version;
        if seen.is_none_or(|seen| *seen == version) {
            change.await;
        }
    }
}
