//! A record in this process's memory: for tests, examples and elections among threads.

use crate::store::{Record, RecordBackend, Saved, Snapshot, Store, Tokens};
use crate::{Error, Token};
use std::sync::Arc;
use tokio::sync::watch;

/// A record in this process's memory. Clones share it.
#[derive(Clone, Debug)]
pub struct MemoryStore {
    cell: Arc<watch::Sender<Cell>>,
}

/// Elections among the threads and tasks of one process.
pub type MemoryBackend = RecordBackend<MemoryStore>;

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
            cell: Arc::new(watch::Sender::new(Cell::default())),
        }
    }

    /// Looks at the record, as a stranger would.
    pub fn peek<T>(&self, look: impl FnOnce(Option<&Record>) -> T) -> T {
        look(self.cell.borrow().record.as_ref())
    }

    /// Removes the record, as a stranger would.
    pub fn delete(&self) {
        self.edit(|record| *record = None);
    }

    /// Changes the record behind everybody's back, as a stranger would.
    pub fn edit(&self, change: impl FnOnce(&mut Option<Record>)) {
        self.cell.send_modify(|cell| {
            change(&mut cell.record);
            cell.version += 1;
        });
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
        let cell = self.cell.borrow();
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
        let mut saved = Saved::Conflict;
        self.cell.send_if_modified(|cell| {
            if cell.version != *if_version {
                return false;
            }
            cell.version += 1;
            cell.highest = cell.highest.max(record.token.unwrap_or_default());
            cell.record = Some(record.clone());
            saved = Saved::Stored {
                version: cell.version,
                revision: None,
            };
            true
        });
        Ok(saved)
    }

    async fn changed(&mut self, seen: Option<&u64>) {
        let mut cell = self.cell.subscribe();
        // The sender is ours: it cannot be gone.
        let _ = match seen {
            Some(seen) => cell.wait_for(|cell| cell.version != *seen).await.is_ok(),
            None => cell.changed().await.is_ok(),
        };
    }
}
