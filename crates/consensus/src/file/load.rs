//! What the files say: the record, whose it can be, and whether its holder lives.
//!
//! First the record is read, then the locks are asked for: a byte that is free after the record was
//! read was let go by whoever wrote it. The save compares the version again. Nothing is created here.
//! Read `save.rs` next.

use super::files::{Files, Listening};
use super::format::{self, Page};
use super::life::Standing;
use super::lockfile::{self, Note};
use super::locks::{self, Bytes};
use super::place::{Folder, Identity, Opened};
use super::{FileVersion, helper, refusal};
use crate::store::{Proof, Record, Snapshot, Tokens};
use crate::{Error, ErrorKind, Token, WorkScope, host};
use rustix::fs::OFlags;
use rustix::io::Errno;
use std::sync::Arc;
use std::time::Duration;

/// The kernel reports the close of a dead leader's lock file just before it lets the lock go: 0.3 ms
/// in the median, and whatever the scheduler adds.
const LET_GO_WITHIN: Duration = Duration::from_millis(50);

/// More candidates than these are not stopped in the middle at once: it is one lock on all of the file.
const MOST_PASSED_OVER: u32 = 1_024;

/// What was seen, and what to wait with for it to change.
#[derive(Debug)]
pub(super) struct Look {
    pub(super) snapshot: Snapshot<FileVersion>,
    pub(super) listening: Option<Listening>,
    /// Whether somebody holds a byte that stands in the way, and will not once it is let go.
    others: Others,
}

/// What others hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Others {
    Live,
    Unknown,
}

/// How long to look for a lock to be let go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Patience {
    /// Something changed; it is there to be seen.
    Once,
    /// A process that had the lock file open may just have ended.
    UntilLetGo,
}

/// Everything that the proof is judged by.
struct Evidence<'a> {
    files: &'a Files,
    folder: &'a Folder,
    lock: Option<&'a Opened>,
}

/// Loads for somebody who will act on it.
pub(super) fn load(files: &mut Files) -> Result<Look, Error> {
    files.catch_up();
    let look = look(files)?;
    let version = &look.snapshot.version;
    let token = look
        .snapshot
        .record
        .as_ref()
        .and_then(|record| record.token);
    if files.forget_untold_life(version.folder, version.lock, token) {
        // What was in the way may have been our own.
        return self::look(files);
    }
    Ok(look)
}

/// Looks whether there is anything new, once or for as long as a dead process may take to let go.
pub(super) fn look_again(files: &mut Files, patience: Patience) -> Result<Look, Error> {
    let mut waits = helper::Waits::up_to(LET_GO_WITHIN);
    loop {
        let look = look(files)?;
        match (patience, look.others) {
            (Patience::UntilLetGo, Others::Live) if waits.wait() => {}
            (Patience::Once | Patience::UntilLetGo, Others::Live | Others::Unknown) => {
                return Ok(look);
            }
        }
    }
}

fn look(files: &mut Files) -> Result<Look, Error> {
    let folder = match (files.place.open_folder()?, &files.life) {
        (Some(folder), _) => folder,
        (None, Some(_)) => return Ok(vanished(files)),
        (None, None) => return Err(files.place.no_folder(Errno::NOENT)),
    };
    files.saw_folder(folder.identity);
    // Before anything is read: what changes afterwards is heard.
    let listening = files.listen(&folder);
    let content = files.place.read_record(&folder)?;
    let lock = open_lock_file(files, &folder)?;
    let page = match content.as_deref().map(format::read).transpose() {
        Ok(page) => page.flatten(),
        Err(why) => return Err(refusal::not_a_record(&files.place.record_path, &why)),
    };
    let note = match &lock {
        Some(lock) => lockfile::read_note(&lock.file, &files.place.lock_path)?,
        None => Note::NOTHING,
    };
    let identity = lock.as_ref().map(|lock| lock.identity);
    let highest = page.is_none().then_some(note.highest);
    let version = FileVersion {
        content: content.map(Arc::from),
        folder: folder.identity,
        lock: identity,
        highest,
    };
    let evidence = Evidence {
        files,
        folder: &folder,
        lock: lock.as_ref(),
    };
    let (proof, others) = evidence.proof(page.as_ref(), note)?;
    let tokens = Tokens::Above(evidence.floor(page.as_ref(), note)?);
    let record = page.map(|page| evidence.recognisable(page));
    files.saw_record(record.as_ref());
    let mut snapshot = Snapshot::new(record, version);
    snapshot.proof = proof;
    snapshot.tokens = tokens;
    snapshot.watched = listening.is_some();
    Ok(Look {
        snapshot,
        listening,
        others,
    })
}

/// What a leader finds whose folder is gone: not an outage, but the end of its term.
fn vanished(files: &mut Files) -> Look {
    let version = FileVersion {
        content: None,
        folder: Identity::NONE,
        lock: None,
        highest: None,
    };
    let mut snapshot = Snapshot::new(None, version);
    snapshot.proof = Proof::Alive;
    snapshot.tokens = Tokens::Above(files.refused);
    Look {
        snapshot,
        listening: files.still_listening(),
        others: Others::Unknown,
    }
}

/// An onlooker that may not read the lock file just learns less.
fn open_lock_file(files: &Files, folder: &Folder) -> Result<Option<Opened>, Error> {
    match files.place.open_lock_file(folder, OFlags::RDONLY) {
        Err(error) if error.kind() == ErrorKind::Denied && files.place.is_for_onlookers() => {
            Ok(None)
        }
        opened => opened,
    }
}

impl Evidence<'_> {
    /// What the locks prove about whoever led last.
    fn proof(&self, page: Option<&Page>, note: Note) -> Result<(Proof, Others), Error> {
        let Some(page) = page else {
            return self.proof_of_absence(note);
        };
        let estranged = self.estranged(page);
        if page.record.holder.is_none() {
            // Released, but not beside these locks: who knows what is going on beside its own.
            if estranged {
                return Ok((Proof::Alive, Others::Unknown));
            }
            return Ok(match self.any_life()? {
                Others::Live => (Proof::Alive, Others::Live),
                Others::Unknown if self.we_may_work() => (Proof::Alive, Others::Unknown),
                Others::Unknown => (Proof::None, Others::Unknown),
            });
        }
        let own = self.files.life.as_ref().map(|life| life.token);
        match page.record.token {
            // One's own byte tells nothing about whoever carried the record's token elsewhere.
            Some(token) if !estranged && own != Some(token) => {
                let (is_held, work) = self.life_since(token, page.record.work, note)?;
                Ok(match (is_held, work) {
                    (Others::Live, WorkScope::Process) => (Proof::None, Others::Live),
                    (Others::Unknown, WorkScope::Process) => (Proof::Dead, Others::Unknown),
                    // That it lets go proves nothing, so nobody needs to look for that moment.
                    (_, WorkScope::Beyond) => (Proof::None, Others::Unknown),
                })
            }
            Some(_) | None => Ok((Proof::None, Others::Unknown)),
        }
    }

    /// Whether anybody lives who led under this token, or later if this record was put back: then the
    /// lock file knows of a higher one.
    fn life_since(
        &self,
        token: Token,
        work: WorkScope,
        note: Note,
    ) -> Result<(Others, WorkScope), Error> {
        let life = self.holds_life(Bytes::life(token))?;
        if life == Others::Live || note.highest <= token {
            return Ok((life, work));
        }
        let work = match note.work {
            WorkScope::Beyond => WorkScope::Beyond,
            WorkScope::Process => work,
        };
        Ok((self.holds_life(Bytes::life(note.highest))?, work))
    }

    /// Nobody leads where there is neither a record nor any trace of somebody who may not know that.
    fn proof_of_absence(&self, note: Note) -> Result<(Proof, Others), Error> {
        if self.any_life()? == Others::Live || self.folder_life()? == Others::Live {
            return Ok((Proof::Alive, Others::Live));
        }
        if self.we_may_work() || self.files.folder_was_replaced() {
            return Ok((Proof::Alive, Others::Unknown));
        }
        Ok(match note.work {
            WorkScope::Process => (Proof::Dead, Others::Unknown),
            WorkScope::Beyond => (Proof::None, Others::Unknown),
        })
    }

    /// Whether a term of our own was told of, and its work not yet said to be over.
    fn we_may_work(&self) -> bool {
        let life = self.files.life.as_ref();
        life.is_some_and(|life| life.standing() == Standing::Told)
    }

    /// Whether the record is not beside the lock file that its holder's locks are on, or we are not
    /// where we hold ours.
    fn estranged(&self, page: &Page) -> bool {
        let lock = self.lock.map(|lock| lock.identity);
        let life = self.files.life.as_ref();
        lock.is_none()
            || page.lock != lock
            || life.is_some_and(|life| !life.is_on(self.folder.identity, lock))
    }

    /// A record beside another lock file is nobody's own: without its nonce, a leader that wrote it
    /// has lost, and a follower waits anew.
    fn recognisable(&self, page: Page) -> Record {
        let nonce = page.record.nonce.filter(|_| !self.estranged(&page));
        Record {
            nonce,
            ..page.record
        }
    }

    /// The highest token that the next one must exceed. The next one's byte is free: a candidate that
    /// is stopped in the middle must not block the others.
    fn floor(&self, page: Option<&Page>, note: Note) -> Result<Token, Error> {
        let token = page.and_then(|page| page.record.token).unwrap_or_default();
        let just_before_now = Token::new(host::wall_ms().saturating_sub(1));
        let known = token.max(note.highest).max(self.files.refused);
        let mut floor = known.max(just_before_now);
        for _ in 0..MOST_PASSED_OVER {
            if self.holds_life(Bytes::life(floor.next()))? == Others::Unknown {
                return Ok(floor);
            }
            floor = floor.next();
        }
        let path = self.files.place.lock_path.display();
        let message = format!("somebody has locked all of {path}: end that process, or its lock");
        Err(Error::new(ErrorKind::Unavailable, message))
    }

    fn any_life(&self) -> Result<Others, Error> {
        self.holds_life(Bytes::EVERY_LIFE)
    }

    fn holds_life(&self, bytes: Bytes) -> Result<Others, Error> {
        let Some(lock) = self.lock else {
            return Ok(Others::Unknown);
        };
        // Asked through our own description, our own byte is not in the way.
        let own = self
            .files
            .life
            .as_ref()
            .and_then(|life| life.lock_file(lock.identity));
        let held = locks::held_by_another(&own.unwrap_or(lock).file, bytes);
        others(held, &self.files.place.lock_path)
    }

    fn folder_life(&self) -> Result<Others, Error> {
        let own = self
            .files
            .life
            .as_ref()
            .and_then(|life| life.folder(self.folder.identity));
        let on = &own.unwrap_or(self.folder).descriptor;
        let held = locks::held_by_another(on, Bytes::folder(&self.files.place.record));
        others(held, &self.files.place.folder_path)
    }
}

fn others(held: Result<bool, nix::errno::Errno>, path: &std::path::Path) -> Result<Others, Error> {
    match held {
        Ok(true) => Ok(Others::Live),
        Ok(false) => Ok(Others::Unknown),
        Err(errno) => Err(lockfile::lock_failed(path, errno)),
    }
}
