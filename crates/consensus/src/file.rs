//! A record in a file: elections among the processes of one machine.
//!
//! [`FileStore`] keeps one JSON record at a path and a lock file beside it. Everything rests on one
//! kernel: its renames, its locks and its notifications. What follows is promised; the files of this
//! module, in the order in which they are listed below, each own a part of it.
//!
//! # What is promised
//! * **Agreement.** Of many saves on one version, one is stored, whatever is killed or stopped where.
//!   A process that is stopped in the middle of a save blocks other saves until it goes on or dies;
//!   they wait for a tenth of the lease, at most a second, and name it.
//! * **The same files.** A record counts only beside the lock file that it names. If somebody removes
//!   that, or replaces the folder, a leader has lost, and nobody takes anything before its work is
//!   over or one lease duration has passed. Of a leader that is *stopped* while its folder is replaced by an empty one
//!   nothing is promised, nor of a candidate that is stopped between its look and its save while
//!   another begins to lead and both files are removed. What moves no folder is not heard, so that a leader learns of it only at its
//!   next renewal: a symbolic link above the folder that is pointed elsewhere, and a file system that
//!   is mounted over it. Who finds an empty folder there leads at once: do neither under an election.
//! * **Proof of life.** The kernel lets go of a dead leader's lock, and of no other's: where the
//!   record says that the work dies with its process, others take over within milliseconds.
//! * **Tokens** rise even if the record is removed: the lock file keeps the highest. If both are
//!   removed, the clock sees to it, since no token is less than the milliseconds since 1970: unless it
//!   was set back as well.
//! * **Power.** What begins a term is on the disk before that term begins.
//! * **Quiet.** Followers wait for notifications, and make no system calls while nothing happens in
//!   the folder. In a busy folder each file that comes or goes wakes them for a moment: give elections
//!   one of their own.
//!
//! # What is refused
//! Network file systems and those in user space; a path that is a folder, a symbolic link, a FIFO or a
//! device; files of another user, also for root (see [`FileStore::onlooker`]); content that is not a
//! record. It is left as it is, and the error says what to do.
//!
//! # Files
//! Candidates need the right to write in the folder. Both files are made with mode 0600; a mode that
//! the owner gives the record later is kept, so that others may look. Neither file is ever removed or
//! truncated. Locks are of the kind that belongs to an open file (`F_OFD_SETLK`): byte 0 of the lock
//! file is the mutex, byte 1 + token the proof of life.

mod format;
mod refusal;

mod filesystem;
mod place;

mod locks;

mod blocker;
mod life;
mod lockfile;

mod aside;
mod files;
mod load;
mod save;

mod helper;
mod watch;

pub use life::ProofOfLife;

use crate::store::{Proof, Record, RecordBackend, Saved, Snapshot, Store};
use crate::{Error, ErrorKind, Token};
use files::{Files, Listening};
use helper::Helper;
use life::LetGo;
use load::{Look, Patience};
use place::{Identity, Role};
use std::fmt;
use std::future::pending;
use std::path::Path;
use std::sync::Arc;

/// One record in a file, and a lock file beside it (its name with `.lock` at the end).
///
/// Its futures are to be polled in the context of a tokio runtime: file calls run on that runtime's
/// blocking threads, one at a time.
///
/// Dropping it gives up no proof of life that a term was told of: that ends with
/// [`let_go`](Store::let_go), with a save that releases, or with the process.
#[derive(Debug)]
pub struct FileStore {
    helper: Helper<Files>,
    wanted: Arc<LetGo>,
    shared: ProofOfLife,
    listening: Option<Listening>,
    last: Last,
}

/// Elections among the processes of one machine.
pub type FileBackend = RecordBackend<FileStore>;

/// The whole content of the file, and where it was found.
#[derive(Clone, PartialEq, Eq)]
pub struct FileVersion {
    /// `None`: there is no file.
    content: Option<Arc<[u8]>>,
    folder: Identity,
    lock: Option<Identity>,
    /// The highest token ever, where there is no record that would tell one absence from the next.
    highest: Option<Token>,
}

/// A place in the middle of a save where a test wants to stop it.
#[doc(hidden)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// The proof of life is held and the record written aside; the mutex is not held.
    BeforeMutex,
    /// The mutex is held, the versions were compared, the record is not there yet.
    BeforeRename,
    /// The record is there, the mutex is still held.
    AfterRename,
}

/// What the last load showed.
#[derive(Debug)]
enum Last {
    Nothing,
    Seen(FileVersion, Proof),
    Failed(ErrorKind),
}

impl FileStore {
    /// The record at this path. A relative path counts from where this process is now.
    ///
    /// Nothing is opened yet: what is wrong with the path is said by each load and save.
    pub fn new(path: impl AsRef<Path>) -> Self {
        Self::for_role(path.as_ref(), Role::Candidate)
    }

    /// The same for somebody who only wants to know who leads: it also reads the files of other users,
    /// as far as their modes allow, and refuses to save.
    pub fn onlooker(path: impl AsRef<Path>) -> Self {
        Self::for_role(path.as_ref(), Role::Onlooker)
    }

    /// The proof of life of whatever term this store holds one for, to share it with the process that
    /// ends the work.
    pub fn proof_of_life(&self) -> ProofOfLife {
        self.shared.clone()
    }

    /// The same for somebody who looks or writes once and goes: nothing is watched, so
    /// [`changed`](Store::changed) never resolves. To end a watch takes the kernel some milliseconds, also at the
    /// end of a process.
    #[must_use]
    pub fn unwatched(mut self) -> Self {
        if let Some(files) = self.helper.here() {
            files.listens = false;
        }
        self
    }

    /// Calls this in the middle of every save, on the helper thread.
    #[cfg(feature = "kit")]
    #[doc(hidden)]
    #[must_use]
    pub fn with_probe(mut self, probe: impl Fn(Moment) + Send + 'static) -> Self {
        if let Some(files) = self.helper.here() {
            files.probe(probe);
        }
        self
    }

    fn for_role(path: &Path, role: Role) -> Self {
        let files = Files::new(path, role);
        Self {
            wanted: Arc::clone(&files.wanted),
            shared: files.shared.clone(),
            helper: Helper::new(files),
            listening: None,
            last: Last::Nothing,
        }
    }

    /// Whether this is not what the caller has seen.
    fn is_news(&self, look: &Result<Look, Error>, seen: &FileVersion) -> bool {
        match (look, &self.last) {
            (Ok(look), Last::Seen(version, proof)) => {
                look.snapshot.version != *seen || (version == seen && look.snapshot.proof != *proof)
            }
            (Err(error), Last::Failed(kind)) => error.kind() != *kind,
            (Ok(_), Last::Nothing | Last::Failed(_)) | (Err(_), Last::Nothing | Last::Seen(..)) => {
                true
            }
        }
    }
}

impl FileBackend {
    /// The election over the record at this path.
    pub fn new(path: impl AsRef<Path>) -> Self {
        Self::over(FileStore::new(path))
    }
}

impl Store for FileStore {
    type Version = FileVersion;

    async fn load(&mut self) -> Result<Snapshot<FileVersion>, Error> {
        if let Some(listening) = &mut self.listening {
            // If this fails, what is heard from here on is a reason to try again.
            listening.mark = *listening.heard.borrow();
        }
        match self.helper.call(load::load).await {
            Ok(look) => {
                let snapshot = look.snapshot;
                self.listening = look.listening;
                self.last = Last::Seen(snapshot.version.clone(), snapshot.proof);
                Ok(snapshot)
            }
            Err(error) => {
                self.last = Last::Failed(error.kind());
                Err(error)
            }
        }
    }

    async fn save(
        &mut self,
        record: &Record,
        if_version: &FileVersion,
    ) -> Result<Saved<FileVersion>, Error> {
        let (record, on) = (record.clone(), if_version.clone());
        let saved = self
            .helper
            .call(move |files| save::save(files, &record, &on))
            .await?;
        if let Saved::Stored { version, .. } = &saved {
            self.last = Last::Seen(version.clone(), Proof::None);
            if let Some(files) = self.helper.here() {
                files.told();
            }
        }
        Ok(saved)
    }

    async fn changed(&mut self, seen: Option<&FileVersion>) {
        loop {
            let Some(listening) = &mut self.listening else {
                return pending().await;
            };
            let mark = listening.mark;
            let news = listening.heard.wait_for(|heard| *heard != mark).await;
            let Ok(heard) = news.map(|heard| *heard) else {
                return pending().await;
            };
            let Some(seen) = seen else { return };
            let patience = if heard.closes == mark.closes {
                Patience::Once
            } else {
                Patience::UntilLetGo
            };
            let look = self
                .helper
                .call(move |files| load::look_again(files, patience))
                .await;
            if self.is_news(&look, seen) {
                return;
            }
            match look {
                Ok(look) => self.listening = look.listening,
                Err(_) => {
                    if let Some(listening) = &mut self.listening {
                        listening.mark = heard;
                    }
                }
            }
        }
    }

    async fn let_go(&mut self) {
        // Also if the call cannot be made in time, because another one hangs.
        self.wanted.ask();
        let done = self.helper.call(|files| {
            files.let_go();
            Ok(())
        });
        if let Err(error) = done.await {
            tracing::error!(%error, "cannot let go of the proof of life of an election's leader");
        }
    }
}

impl fmt::Debug for FileVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let content = self.content.as_deref().map(String::from_utf8_lossy);
        f.debug_tuple("FileVersion").field(&content).finish()
    }
}
