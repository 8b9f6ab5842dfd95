//! What the tests of the file store stand on: a folder, candidates in it, and time to wait.

use consensus::file::{FileStore, FileVersion};
use consensus::store::{Nonce, Record, Saved, Snapshot, Store, Tokens};
use consensus::{Error, Token, WorkScope};
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Long enough that nobody runs out during a test.
pub const LEASE: Duration = Duration::from_secs(60);

/// How long a test waits for what must come.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// A folder of a test's own, removed at its end.
#[derive(Debug)]
pub struct Ground {
    pub folder: PathBuf,
}

impl Ground {
    pub fn new() -> Self {
        Self::within(&std::env::temp_dir())
    }

    pub fn within(parent: &Path) -> Self {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("consensus-test-{}-{number}", std::process::id());
        let folder = parent.join(name).join("election");
        fs::create_dir_all(&folder).unwrap();
        Self { folder }
    }

    /// Where nothing but the election's folder is.
    pub fn above(&self) -> &Path {
        self.folder.parent().unwrap()
    }

    pub fn record(&self) -> PathBuf {
        self.folder.join("leader.json")
    }

    pub fn lock(&self) -> PathBuf {
        self.folder.join("leader.json.lock")
    }

    pub fn store(&self) -> FileStore {
        FileStore::new(self.record())
    }

    pub fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(&self.folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    /// Copies the folder, as a backup does: the same content in other files.
    pub fn copy_to(&self, name: &str) -> PathBuf {
        let copy = self.above().join(name);
        fs::create_dir(&copy).unwrap();
        for name in self.names() {
            fs::copy(self.folder.join(&name), copy.join(&name)).unwrap();
        }
        copy
    }
}

impl Drop for Ground {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(self.above());
    }
}

/// The record of a leader.
pub fn record(holder: &str, token: Token) -> Record {
    static NONCE: AtomicU64 = AtomicU64::new(1);
    let nonce = NONCE.fetch_add(1, Ordering::Relaxed);
    Record {
        holder: Some(holder.into()),
        address: None,
        nonce: Some(Nonce::from_bits(u128::from(nonce))),
        lease_duration: LEASE,
        token: Some(token),
        work: WorkScope::Process,
        acquired_ms: 1_764_000_000_000,
        renewed_ms: 1_764_000_000_000 + nonce,
    }
}

pub fn released(token: Token) -> Record {
    Record {
        holder: None,
        ..record("nobody", token)
    }
}

pub fn next_token(seen: &Snapshot<FileVersion>) -> Token {
    let Tokens::Above(floor) = seen.tokens else {
        panic!("{:?}", seen.tokens)
    };
    floor.next()
}

/// Becomes the leader, whoever is one.
pub async fn lead(store: &mut FileStore, holder: &str) -> (Record, FileVersion) {
    let seen = store.load().await.unwrap();
    let record = record(holder, next_token(&seen));
    let version = stored(store.save(&record, &seen.version).await);
    (record, version)
}

pub fn stored(saved: Result<Saved<FileVersion>, Error>) -> FileVersion {
    match saved.unwrap() {
        Saved::Stored { version, .. } => version,
        Saved::Conflict => panic!("conflict"),
    }
}

pub fn is_conflict(saved: &Result<Saved<FileVersion>, Error>) -> bool {
    matches!(saved, Ok(Saved::Conflict))
}

/// Loads until it looks like that. For what another process does in its own time.
pub async fn load_until(
    store: &mut FileStore,
    what: impl Fn(&Snapshot<FileVersion>) -> bool,
) -> Snapshot<FileVersion> {
    let begin = Instant::now();
    loop {
        let seen = store.load().await.unwrap();
        if what(&seen) {
            return seen;
        }
        assert!(begin.elapsed() < PATIENCE, "still {seen:?}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Waits for a notification that must come.
pub async fn hears(store: &mut FileStore, seen: &FileVersion) {
    let changed = store.changed(Some(seen));
    tokio::time::timeout(PATIENCE, changed)
        .await
        .expect("must be notified");
}

/// Whether nothing is heard for a while.
pub async fn hears_nothing(store: &mut FileStore, seen: &FileVersion) -> bool {
    let changed = store.changed(Some(seen));
    tokio::time::timeout(Duration::from_millis(300), changed)
        .await
        .is_err()
}

/// Says why a test did nothing. In CI nothing is skipped.
pub fn skip(why: &str) {
    assert!(
        std::env::var_os("CI").is_none(),
        "in CI nothing is skipped: {why}"
    );
    // Not by a macro, whose output the test runner keeps to itself.
    let _ = writeln!(std::io::stderr(), "SKIPPED: {why}");
}

pub fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}
