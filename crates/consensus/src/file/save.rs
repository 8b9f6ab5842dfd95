//! The agreement: write aside, then compare and rename under the mutex, then make sure.
//!
//! Owns the order in which things happen, and with it promises 3 and 8: the proof of life is taken
//! before the record can be read, the highest token is kept before it is used, and nothing is written
//! in a place that is not the one the decision was made on, or that is not there any more afterwards.

use super::aside::{self, Aside, Durability, Renamed};
use super::files::Files;
use super::format::{self, NotARecord};
use super::life::Life;
use super::lockfile::{LockFile, Note};
use super::locks::Taken;
use super::place::{Folder, Place};
use super::{FileVersion, Moment, refusal};
use crate::store::{Record, Saved};
use crate::{Error, ErrorKind, Token, WorkScope};
use rustix::io::Errno;
use std::sync::Arc;
use std::time::Duration;

/// No save waits longer for another that is stopped in the middle.
const LONGEST_WAIT: Duration = Duration::from_secs(1);

/// One save, once it is known where.
struct Save<'a> {
    place: &'a Place,
    folder: &'a Folder,
    lock: &'a LockFile,
    record: &'a Record,
    on: &'a FileVersion,
}

/// What a save does about the proof of life.
#[derive(Debug)]
enum Term {
    /// A new term's, taken for this save.
    Begins(Life),
    /// The one that is held already.
    GoesOn,
    /// There is none: nobody leads, or the record names no token.
    None,
}

/// Stores the record if the files still are what `on` says.
pub(super) fn save(
    files: &mut Files,
    record: &Record,
    on: &FileVersion,
) -> Result<Saved<FileVersion>, Error> {
    if files.place.is_for_onlookers() {
        let message = "a store for onlookers does not save: make one with `FileStore::new`";
        return Err(Error::new(ErrorKind::Invalid, message));
    }
    let folder = match (files.place.open_folder()?, &files.life) {
        (Some(folder), _) => folder,
        (None, Some(_)) => return Ok(Saved::Conflict),
        (None, None) => return Err(files.place.no_folder(Errno::NOENT)),
    };
    if folder.identity != on.folder || !prepare_lock_file(files, &folder, record, on)? {
        return Ok(Saved::Conflict);
    }
    let Some(term) = term(files, &folder, record)? else {
        return Ok(Saved::Conflict);
    };
    let Some(lock) = files.lock.take() else {
        return Ok(Saved::Conflict);
    };
    let place = Arc::clone(&files.place);
    let save = Save {
        place: &place,
        folder: &folder,
        lock: &lock,
        record,
        on,
    };
    let saved = save.run(files, term);
    files.lock = Some(lock);
    saved
}

/// Holds the lock file open that is at the path, if that is the one the decision was made on.
fn prepare_lock_file(
    files: &mut Files,
    folder: &Folder,
    record: &Record,
    on: &FileVersion,
) -> Result<bool, Error> {
    let now = files.place.lock_file_now(folder)?;
    let is_stranger = on.lock.is_some() && on.lock != now;
    let life = files.life.as_ref();
    let lost = life
        .is_some_and(|life| record.token == Some(life.token) && !life.is_on(folder.identity, now));
    if is_stranger || lost {
        return Ok(false);
    }
    let held = files.lock.as_ref().map(LockFile::identity);
    if held.is_none() || held != now {
        files.lock = Some(LockFile::open_or_create(&files.place, folder)?);
    }
    let held = files.lock.as_ref().map(LockFile::identity);
    let is_same = on.lock.is_none() || on.lock == held;
    Ok(is_same && held == files.place.lock_file_now(folder)?)
}

/// Takes the proof of life of a new term. `None`: the token is in use.
fn term(files: &mut Files, folder: &Folder, record: &Record) -> Result<Option<Term>, Error> {
    let (Some(token), true) = (record.token, record.holder.is_some()) else {
        return Ok(Some(Term::None));
    };
    if files.life.as_ref().is_some_and(|life| life.token == token) {
        return Ok(Some(Term::GoesOn));
    }
    let Some(identity) = files.lock.as_ref().map(LockFile::identity) else {
        return Ok(None);
    };
    let life = Life::begin(&files.place, folder, identity, token)?;
    if life.is_none() {
        files.refused = files.refused.max(token);
    }
    Ok(life.map(Term::Begins))
}

impl Save<'_> {
    fn run(&self, files: &mut Files, term: Term) -> Result<Saved<FileVersion>, Error> {
        let content = format::write(self.record, self.lock.identity(), self.before())
            .map_err(|why| self.unwritable(&why))?;
        let durability = match term {
            Term::Begins(_) => Durability::Flushed,
            Term::GoesOn | Term::None => Durability::Buffered,
        };
        let aside = Aside::write(self.place, self.folder, &content, durability)?;
        files.reached(Moment::BeforeMutex);
        match self.compare_and_rename(files, &term, aside)? {
            Renamed::No => return Ok(Saved::Conflict),
            Renamed::Yes => {}
        }
        match term {
            Term::Begins(life) => {
                files.live(life);
                // Promise 8: a token that was told to anybody is never given again.
                self.flush()?;
            }
            // Not where somebody waits for a leader.
            Term::GoesOn | Term::None if files.first_sweep() => {
                aside::sweep(self.place, self.folder);
            }
            Term::GoesOn | Term::None => {}
        }
        self.lock.touch();
        if !self.is_still_there()? {
            // It was written, but to where nobody will look. Whoever looks will not know it for its
            // own: that is how a leader learns that it has lost.
            return Ok(Saved::Conflict);
        }
        if self.record.holder.is_none() {
            files.let_go();
        }
        Ok(Saved::Stored {
            version: FileVersion {
                content: Some(Arc::from(content)),
                folder: self.folder.identity,
                lock: Some(self.lock.identity()),
                highest: None,
            },
            revision: None,
        })
    }

    /// Under the mutex: some microseconds, and nothing that waits.
    fn compare_and_rename(
        &self,
        files: &Files,
        term: &Term,
        aside: Aside<'_>,
    ) -> Result<Renamed, Error> {
        let wait = (self.record.lease_duration / 10).min(LONGEST_WAIT);
        // It is given back before anything is flushed, by its drop.
        let _mutex = self.lock.mutex(self.place, wait)?;
        if self.place.read_record(self.folder)?.as_deref() != self.before() {
            return Ok(Renamed::No);
        }
        if !self.keep_highest(term)? || !self.lives(files, term)? {
            return Ok(Renamed::No);
        }
        files.reached(Moment::BeforeRename);
        let renamed = match self.on.content {
            Some(_) => aside.replace(),
            None => aside.put(),
        };
        files.reached(Moment::AfterRename);
        renamed
    }

    /// Promise 8: the token is kept before anybody can see it used. `false`: it is not a new one, or
    /// the record came and went since the version that was decided on.
    fn keep_highest(&self, term: &Term) -> Result<bool, Error> {
        let path = &self.place.lock_path;
        let before = self.lock.note(path)?;
        let token = self.record.token.unwrap_or_default();
        let is_new = match term {
            // Whoever goes on under a dead leader's token had it handed over.
            Term::Begins(_) if self.token_before() == Some(token) => token >= before.highest,
            Term::Begins(_) => token > before.highest,
            Term::GoesOn | Term::None => true,
        };
        let came_and_went = self
            .on
            .highest
            .is_some_and(|highest| highest != before.highest);
        if !is_new || came_and_went {
            return Ok(false);
        }
        let note = Note {
            highest: before.highest.max(token),
            work: match self.record.holder {
                Some(_) => self.record.work,
                // By the holder's own mark there is none left.
                None => WorkScope::Process,
            },
        };
        if note != before {
            self.lock.write_note(note, path)?;
        }
        Ok(true)
    }

    /// Sets the lock of the living once more. `false`: somebody else has the byte of this token.
    fn lives(&self, files: &Files, term: &Term) -> Result<bool, Error> {
        let life = match term {
            Term::Begins(life) => Some(life),
            Term::GoesOn => files.life.as_ref(),
            Term::None => None,
        };
        let taken = life.map(|life| life.assert(self.place)).transpose()?;
        match (term, taken) {
            (_, None | Some(Taken::Yes)) => Ok(true),
            (Term::Begins(_) | Term::None, Some(Taken::HeldByAnother)) => Ok(false),
            (Term::GoesOn, Some(Taken::HeldByAnother)) => {
                let path = self.place.lock_path.display();
                let message = format!(
                    "somebody unlocked this leader's proof of life in {path} and took it: no \
                     process may unlock what it inherited"
                );
                Err(Error::new(ErrorKind::Unavailable, message))
            }
        }
    }

    fn flush(&self) -> Result<(), Error> {
        self.lock.flush(&self.place.lock_path)?;
        rustix::fs::fsync(&self.folder.descriptor)
            .map_err(|errno| refusal::failed("flush", &self.place.folder_path, errno))
    }

    /// Whether it is still this folder, and this lock file in it, that others find.
    fn is_still_there(&self) -> Result<bool, Error> {
        let lock = self.place.lock_file_now(self.folder)?;
        Ok(lock == Some(self.lock.identity()) && self.place.still_has(self.folder))
    }

    fn before(&self) -> Option<&[u8]> {
        self.on.content.as_deref()
    }

    fn token_before(&self) -> Option<Token> {
        let page = self.before().and_then(|content| format::read(content).ok());
        page.flatten().and_then(|page| page.record.token)
    }

    fn unwritable(&self, why: &NotARecord) -> Error {
        let path = self.place.record_path.display();
        let message = format!("cannot write this record to {path}: {why}");
        Error::new(ErrorKind::Invalid, message)
    }
}
