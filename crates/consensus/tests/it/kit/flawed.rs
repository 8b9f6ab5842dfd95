//! A small store in memory that can do everything, and does one thing wrong if it is told to.
//!
//! Handles are in this file; what they share is in `flawed/shelf.rs`.

mod shelf;

pub use shelf::{Shelf, Tokened};

use super::flaws::Flaw;
use consensus::store::{Record, Saved, Snapshot, Store};
use consensus::{Error, ErrorKind};
use std::future::pending;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::yield_now;

/// One handle.
#[derive(Debug)]
pub struct Flawed {
    shelf: Arc<Shelf>,
    /// By which its mark is known.
    id: u64,
    /// What it read last, and how often running.
    read: Option<(Snapshot<u64>, u32)>,
    /// The version that it wrote last.
    wrote: Option<u64>,
    /// How many writes it has made.
    writes: u64,
    busy: bool,
    deaf: bool,
    noise: bool,
    queued: Option<Record>,
}

impl Flawed {
    pub fn open(shelf: &Arc<Shelf>) -> Self {
        Self {
            shelf: Arc::clone(shelf),
            id: shelf.next_id(),
            read: None,
            wrote: None,
            writes: 0,
            busy: false,
            deaf: false,
            noise: false,
            queued: None,
        }
    }

    fn has(&self, flaw: Flaw) -> bool {
        self.shelf.has(flaw)
    }

    fn look(&mut self) -> Result<Snapshot<u64>, Error> {
        if self.has(Flaw::Caches)
            && let Some((cached, _)) = self.read.take_if(|(_, times)| *times == 4)
        {
            return Ok(cached);
        }
        let mut seen = self.shelf.look()?;
        let times = match &self.read {
            Some((before, times)) if before.version == seen.version => times + 1,
            Some(_) | None => 1,
        };
        self.read = Some((seen.clone(), times));
        if self.has(Flaw::TouchesOnRead)
            && let Some(record) = &mut seen.record
        {
            record.renewed_ms += u64::from(times - 1);
        }
        Ok(seen)
    }

    fn write(&mut self, record: &Record, if_version: u64) -> Result<Saved<u64>, Error> {
        let own = self
            .wrote
            .filter(|_| self.has(Flaw::ComparesWithItsOwnWrite));
        let trusted = own == Some(if_version);
        let on = if trusted {
            self.shelf.version()
        } else {
            if_version
        };
        let mut saved = self.shelf.write(self.id, record, on)?;
        if let Saved::Stored { version, revision } = &mut saved {
            self.wrote = Some(*version);
            self.writes += 1;
            self.noise = true;
            if self.has(Flaw::NumbersItsOwnWrites) {
                *revision = Some(self.writes);
            }
        } else if self.has(Flaw::RefusesByError) {
            return Err(Error::new(ErrorKind::Unavailable, "the version is another"));
        }
        Ok(saved)
    }
}

/// Goes on with a write whose future was dropped before it was carried out.
struct Straggler {
    shelf: Arc<Shelf>,
    id: u64,
    write: Option<(Record, u64)>,
}

impl Drop for Straggler {
    fn drop(&mut self) {
        if let Some((record, if_version)) = self.write.take()
            && self.shelf.has(Flaw::LetsDroppedSavesGoOn)
        {
            let (there, id) = (Arc::clone(&self.shelf), self.id);
            std::thread::spawn(move || {
                std::thread::sleep(Duration::from_millis(10));
                there.write(id, &record, if_version)
            });
        }
    }
}

impl Store for Flawed {
    type Version = u64;

    async fn load(&mut self) -> Result<Snapshot<u64>, Error> {
        if self.busy && self.has(Flaw::StaysBusy) {
            return Err(Error::new(ErrorKind::Unavailable, "it is being read"));
        }
        self.busy = true;
        yield_now().await;
        self.busy = false;
        self.look()
    }

    async fn save(&mut self, record: &Record, if_version: &u64) -> Result<Saved<u64>, Error> {
        let queued = self.queued.replace(record.clone());
        let mut straggler = Straggler {
            shelf: Arc::clone(&self.shelf),
            id: self.id,
            write: Some((record.clone(), *if_version)),
        };
        // A request can be dropped on its way there, and its answer on the way back.
        yield_now().await;
        straggler.write = None;
        let saved = self.write(record, *if_version);
        if let Some(queued) = queued
            && self.has(Flaw::QueuesDroppedSaves)
        {
            self.write(&queued, self.shelf.version())?;
        }
        yield_now().await;
        self.queued = None;
        saved
    }

    async fn changed(&mut self, seen: Option<&u64>) {
        if self.deaf && self.has(Flaw::LosesDroppedWatches) {
            return pending().await;
        }
        self.deaf = true;
        let mut bell = self.shelf.bell();
        if self.noise && self.has(Flaw::HearsItself) {
            self.noise = false;
            return;
        }
        let mut edge = self.has(Flaw::WatchesEdges);
        while edge || !self.shelf.is_news(seen) {
            edge = false;
            if self.has(Flaw::WatchesOnce) || bell.changed().await.is_err() {
                return pending().await;
            }
        }
        self.deaf = false;
    }

    async fn let_go(&mut self) {
        self.shelf.let_go(self.id);
    }
}

/// Nobody lives longer than its handle.
impl Drop for Flawed {
    fn drop(&mut self) {
        self.shelf.end(self.id);
    }
}
