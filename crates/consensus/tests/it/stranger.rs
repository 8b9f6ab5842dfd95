//! A store that a stranger wrote, and its test: one line.

use consensus::Error;
use consensus::store::{Record, Saved, Snapshot, Store};
use std::collections::HashMap;
use std::sync::{LazyLock, Mutex};

/// Records on a shelf, by name, each with the number of the write that put it there.
static SHELF: LazyLock<Mutex<HashMap<String, (u64, Record)>>> = LazyLock::new(Mutex::default);

struct Shelf(String);

impl Store for Shelf {
    type Version = u64;

    async fn load(&mut self) -> Result<Snapshot<u64>, Error> {
        let found = SHELF.lock().expect("shelf").get(&self.0).cloned();
        let (version, record) = found.unzip();
        Ok(Snapshot::new(record, version.unwrap_or(0)))
    }

    async fn save(&mut self, record: &Record, if_version: &u64) -> Result<Saved<u64>, Error> {
        let mut records = SHELF.lock().expect("shelf");
        let version = records.get(&self.0).map_or(0, |(version, _)| *version);
        if version != *if_version {
            return Ok(Saved::Conflict);
        }
        let (version, revision) = (version + 1, None);
        records.insert(self.0.clone(), (version, record.clone()));
        Ok(Saved::Stored { version, revision })
    }
}

consensus::conformance!(
    shelf,
    |place| Shelf(place.into()),
    unsupported: { watch => "a shelf does not speak" },
);
