//! The proof of life: bytes that a leader holds locked, and that the kernel lets go when it dies.
//!
//! One byte of the lock file, by the token, taken *before* the record is written and kept by the work.
//! And one of the folder, by the record's name, which still shows when both files are gone. They are
//! let go by closing, never by unlocking: whoever shares the descriptor (a guard) keeps them as well.

use super::lockfile::lock_failed;
use super::locks::{self, Bytes, Kind, Taken};
use super::place::{Folder, Identity, Opened, Place};
use super::refusal;
use crate::{Error, Token};
use rustix::fs::{Mode, OFlags, openat};
use std::io;
use std::mem;
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

/// Held by a leader, or by one who is about to write that it leads.
#[derive(Debug)]
pub(super) struct Life {
    pub(super) token: Token,
    held: Option<Arc<Held>>,
    standing: Standing,
    /// Who asks for the end of this, although nobody may have heard yet.
    wanted: Option<Arc<LetGo>>,
}

/// The wish that a proof of life be let go, which outlives the call that could not be made in time.
#[derive(Debug, Default)]
pub(super) struct LetGo(AtomicBool);

impl LetGo {
    pub(super) fn ask(&self) {
        self.0.store(true, Ordering::SeqCst);
    }

    pub(super) fn withdraw(&self) {
        self.0.store(false, Ordering::SeqCst);
    }

    pub(super) fn is_asked(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }
}

/// Whether anybody can be working under this token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// The caller was not told that its record is stored.
    Untold,
    /// It was: there may be a term, and work.
    Told,
}

#[derive(Debug)]
struct Held {
    lock: Opened,
    folder: Folder,
}

/// The proof of life that a [`FileStore`](super::FileStore) holds, to share it with another process.
///
/// The work may be another process's to end. If that one holds the proof as well, the death of this one
/// alone frees nothing.
#[derive(Clone, Debug, Default)]
pub struct ProofOfLife(Arc<Mutex<Weak<Held>>>);

impl ProofOfLife {
    /// The descriptors that the kernel keeps the proof for, once more. Whoever has them holds it, until
    /// the last is closed: nothing that runs on may inherit them. None without a term.
    ///
    /// # Errors
    /// If a descriptor cannot be duplicated: there are too many.
    pub fn descriptors(&self) -> io::Result<Vec<OwnedFd>> {
        let held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(held) = held.upgrade() else {
            return Ok(Vec::new());
        };
        let lock = held.lock.file.try_clone()?;
        let folder = held.folder.descriptor.try_clone()?;
        Ok(vec![lock.into(), folder])
    }

    pub(super) fn is(&self, life: &Life) {
        let held = life.held.as_ref().map(Arc::downgrade).unwrap_or_default();
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = held;
    }
}

impl Life {
    /// Takes the bytes of this token. `None`: somebody else has them.
    pub(super) fn begin(
        place: &Place,
        folder: &Folder,
        identity: Identity,
        token: Token,
    ) -> Result<Option<Self>, Error> {
        // Descriptions of their own: nothing that is opened and closed elsewhere touches these.
        let Some(lock) = place.open_lock_file(folder, OFlags::RDWR)? else {
            return Ok(None);
        };
        if lock.identity != identity {
            return Ok(None);
        }
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let folder = Folder {
            descriptor: openat(&folder.descriptor, ".", flags, Mode::empty())
                .map_err(|errno| refusal::failed("open", &place.folder_path, errno))?,
            identity: folder.identity,
        };
        let byte = Bytes::folder(&place.record);
        let on_folder = locks::take(&folder.descriptor, byte, Kind::Shared)
            .map_err(|errno| lock_failed(&place.folder_path, errno))?;
        let life = Self {
            token,
            held: Some(Arc::new(Held { lock, folder })),
            standing: Standing::Untold,
            wanted: None,
        };
        match (on_folder, life.assert(place)?) {
            (Taken::Yes, Taken::Yes) => Ok(Some(life)),
            (Taken::HeldByAnother, _) | (_, Taken::HeldByAnother) => Ok(None),
        }
    }

    /// Ends with a drop as well, once that is asked for.
    pub(super) fn unless(mut self, wanted: &Arc<LetGo>) -> Self {
        self.wanted = Some(Arc::clone(wanted));
        self
    }

    /// Takes the byte once more: nothing if it is still held, and whoever saves makes sure.
    pub(super) fn assert(&self, place: &Place) -> Result<Taken, Error> {
        let Some(held) = &self.held else {
            return Ok(Taken::HeldByAnother);
        };
        locks::take(&held.lock.file, Bytes::life(self.token), Kind::Exclusive)
            .map_err(|errno| lock_failed(&place.lock_path, errno))
    }

    /// Whether the files at the path are still those that this life holds.
    pub(super) fn is_on(&self, folder: Identity, lock: Option<Identity>) -> bool {
        self.held
            .as_ref()
            .is_some_and(|held| held.folder.identity == folder && Some(held.lock.identity) == lock)
    }

    /// The lock file, to ask about the bytes of others: one's own are not in the way.
    pub(super) fn lock_file(&self, identity: Identity) -> Option<&Opened> {
        let held = self.held.as_ref()?;
        (held.lock.identity == identity).then_some(&held.lock)
    }

    /// The same for the folder.
    pub(super) fn folder(&self, identity: Identity) -> Option<&Folder> {
        let held = self.held.as_ref()?;
        (held.folder.identity == identity).then_some(&held.folder)
    }

    /// The caller knows that it leads: from now on only the caller can say that its work is over.
    pub(super) fn tell(&mut self) {
        self.standing = Standing::Told;
    }

    pub(super) fn standing(&self) -> Standing {
        self.standing
    }

    /// The term and its work are over.
    pub(super) fn let_go(mut self) {
        self.held = None;
    }
}

/// A store that is dropped proves nothing about the work: the proof then lasts as long as the process.
impl Drop for Life {
    fn drop(&mut self) {
        if self.wanted.as_ref().is_some_and(|wanted| wanted.is_asked()) {
            return;
        }
        if let (Standing::Told, Some(held)) = (self.standing, self.held.take()) {
            mem::forget(held);
        }
    }
}
