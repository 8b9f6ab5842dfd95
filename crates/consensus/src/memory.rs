//! A record in this process's memory: for tests, examples and elections among threads.

use crate::store::{Record, RecordBackend, Saved, Snapshot, Store, Tokens};
use crate::{Error, Token};
use std::mem;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

/// A record in this process's memory. Clones share it.
#[derive(Clone, Debug)]
pub struct MemoryStore {
    cell: Arc<Mutex<Cell>>,
}

/// Elections among the threads and tasks of one process.
pub type MemoryBackend = RecordBackend<MemoryStore>;

#[derive(Debug, Default)]
struct Cell {
    record: Option<Record>,
    version: u64,
    highest: Token,
    watchers: Vec<(u64, Waker)>,
    last_watcher: u64,
}

impl MemoryStore {
    /// A store that holds no record. Nobody else can know of it, so it can be taken at once.
    pub fn new() -> Self {
        Self {
            cell: Arc::default(),
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
        Self::tell(cell);
    }

    /// Whoever panicked in the middle only looked, or was a stranger.
    fn cell(&self) -> MutexGuard<'_, Cell> {
        self.cell.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// After each change. Nobody is woken before the cell can be looked at.
    fn tell(mut cell: MutexGuard<'_, Cell>) {
        cell.version += 1;
        let watchers = mem::take(&mut cell.watchers);
        drop(cell);
        for (_, watcher) in watchers {
            watcher.wake();
        }
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
        Self::tell(cell);
        Ok(Saved::Stored {
            version: if_version + 1,
            revision: None,
        })
    }

    async fn changed(&mut self, seen: Option<&u64>) {
        let seen = seen.copied().unwrap_or_else(|| self.cell().version);
        let store = &*self;
        let number = None;
        Change {
            store,
            seen,
            number,
        }
        .await;
    }
}

/// Waits until the version is another one.
#[derive(Debug)]
struct Change<'a> {
    store: &'a MemoryStore,
    seen: u64,
    /// Under which its waker is kept. `None`: it is not.
    number: Option<u64>,
}

impl Future for Change<'_> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let store = self.store;
        let mut cell = store.cell();
        if cell.version != self.seen {
            return Poll::Ready(());
        }
        let number = self.number.unwrap_or(cell.last_watcher + 1);
        cell.last_watcher = cell.last_watcher.max(number);
        self.number = Some(number);
        let kept = cell.watchers.iter_mut().find(|(kept, _)| *kept == number);
        match kept {
            Some((_, waker)) => waker.clone_from(cx.waker()),
            None => cell.watchers.push((number, cx.waker().clone())),
        }
        Poll::Pending
    }
}

impl Drop for Change<'_> {
    fn drop(&mut self) {
        if let Some(number) = self.number {
            let mut cell = self.store.cell();
            cell.watchers.retain(|(kept, _)| *kept != number);
        }
    }
}
