//! The lock file: the mutex of all who save, and what must outlive the record.
//!
//! It is made once, never removed and never truncated by us: the locks of a file that was replaced
//! would be locks on nothing. In it stands one line, written under the mutex *before* a record is: the
//! highest token that anybody was ever given (promise 8), and how far the last term's work reached.
//! Read `life.rs` next: the same file's other locks.

use super::format::spell_work;
use super::locks::{self, Bytes, Kind, Taken};
use super::place::{Folder, Identity, Opened, Place};
use super::{blocker, helper, refusal};
use crate::{Error, ErrorKind, Token, WorkScope};
use rustix::fs::{Mode, OFlags, Timestamps, UTIME_NOW, fdatasync, futimens, openat};
use rustix::io::Errno;
use rustix::time::Timespec;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::time::Duration;

const FORMAT: &str = "consensus-lock/1";

/// No line is as long. More than this is somebody else's.
const MOST_BYTES: usize = 512;

/// A line that is being written while it is read is read again, this often. Its few bytes are
/// replaced within a microsecond.
const LOOKS: u32 = 100;

/// What must outlive the record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Note {
    /// The highest token that anybody was ever given.
    pub(super) highest: Token,
    /// How far the work of the last term reached; after its release there is none left.
    pub(super) work: WorkScope,
}

impl Note {
    /// What a new lock file says.
    pub(super) const NOTHING: Self = Self {
        highest: Token::new(0),
        work: WorkScope::Process,
    };
}

/// The lock file, held open for as long as it is the one at the path.
#[derive(Debug)]
pub(super) struct LockFile {
    opened: Opened,
}

/// The right to compare and rename, given back on every way out.
#[derive(Debug)]
pub(super) struct Mutex<'a> {
    on: &'a File,
}

impl LockFile {
    /// Opens the lock file, or makes it.
    pub(super) fn open_or_create(place: &Place, folder: &Folder) -> Result<Self, Error> {
        if let Some(opened) = place.open_lock_file(folder, OFlags::RDWR)? {
            return Ok(Self { opened });
        }
        let failed = |errno| refusal::failed("create", &place.lock_path, errno);
        // Whoever makes it at the same time makes the same one.
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let mode = Mode::RUSR | Mode::WUSR;
        let descriptor = openat(&folder.descriptor, &place.lock, flags, mode).map_err(failed)?;
        let stat = rustix::fs::fstat(&descriptor).map_err(failed)?;
        place.check(&stat, &place.lock_path)?;
        Ok(Self {
            opened: Opened {
                identity: Identity::of(&stat),
                file: File::from(descriptor),
            },
        })
    }

    pub(super) fn identity(&self) -> Identity {
        self.opened.identity
    }

    /// Takes the mutex, and waits for whoever has it no longer than this.
    ///
    /// # Errors
    /// [`Unavailable`](ErrorKind::Unavailable), naming the process that has it: one that was stopped
    /// just there blocks all others until it goes on or dies.
    pub(super) fn mutex(&self, place: &Place, wait: Duration) -> Result<Mutex<'_>, Error> {
        let mut waits = helper::Waits::up_to(wait);
        loop {
            match locks::take(&self.opened.file, Bytes::MUTEX, Kind::Exclusive) {
                Ok(Taken::Yes) => {
                    return Ok(Mutex {
                        on: &self.opened.file,
                    });
                }
                Ok(Taken::HeldByAnother) => {}
                Err(errno) => return Err(lock_failed(&place.lock_path, errno)),
            }
            if !waits.wait() {
                let who = blocker::find(self.opened.identity);
                let message = format!(
                    "cannot save {}: {who} has been saving it for more than {wait:?}; continue or \
                     end that process",
                    place.record_path.display()
                );
                return Err(Error::new(ErrorKind::Unavailable, message));
            }
        }
    }

    /// Reads the note. Under the mutex, nobody else changes it.
    pub(super) fn note(&self, path: &Path) -> Result<Note, Error> {
        read_note(&self.opened.file, path)
    }

    /// Writes the note. To be called under the mutex only.
    pub(super) fn write_note(&self, note: Note, path: &Path) -> Result<(), Error> {
        let written = self.opened.file.write_all_at(spell(note).as_bytes(), 0);
        written.map_err(|error| refusal::failed("write", path, errno_of(&error)))
    }

    /// Makes sure that the note survives a loss of power.
    pub(super) fn flush(&self, path: &Path) -> Result<(), Error> {
        fdatasync(&self.opened.file).map_err(|errno| refusal::failed("flush", path, errno))
    }

    /// Tells those who remove old files that this one is in use.
    pub(super) fn touch(&self) {
        let now = Timespec {
            tv_sec: 0,
            tv_nsec: UTIME_NOW,
        };
        let times = Timestamps {
            last_access: now,
            last_modification: now,
        };
        if let Err(error) = futimens(&self.opened.file, &times) {
            tracing::debug!(%error, "cannot touch the lock file");
        }
    }
}

/// A forked child has the descriptor too: merely closing ours would leave it locked.
impl Drop for Mutex<'_> {
    fn drop(&mut self) {
        if let Err(error) = locks::give_back(self.on, Bytes::MUTEX) {
            tracing::error!(%error, "cannot unlock the mutex of an election's file");
        }
    }
}

/// Reads the note of a lock file that is only open for reading.
pub(super) fn read_note(file: &File, path: &Path) -> Result<Note, Error> {
    let mut why = String::new();
    for _ in 0..LOOKS {
        let mut content = [0; MOST_BYTES];
        let length = match file.read_at(&mut content, 0) {
            Ok(length) => length,
            Err(error) => return Err(refusal::failed("read", path, errno_of(&error))),
        };
        match parse(content.get(..length).unwrap_or_default()) {
            Ok(note) => return Ok(note),
            Err(wrong) => why = wrong,
        }
    }
    let is = format!("it is not the lock file of an election: {why}");
    let instead = "name another file for the record, or move both away while nobody leads";
    Err(refusal::not_ours(path, &is, instead))
}

pub(super) fn lock_failed(path: &Path, errno: nix::errno::Errno) -> Error {
    refusal::failed("lock", path, Errno::from_raw_os_error(errno as i32))
}

fn errno_of(error: &io::Error) -> Errno {
    Errno::from_io_error(error).unwrap_or(Errno::IO)
}

/// Always of one length, so that a shorter one never leaves the end of a longer one behind it.
fn spell(note: Note) -> String {
    let said = format!(
        "{FORMAT} {:020} {:<7}",
        note.highest.get(),
        spell_work(note.work)
    );
    format!("{said} {:016x}\n", locks::hash(said.as_bytes()))
}

/// An empty file is a new one; one of NULs is what a crash can leave of a new one.
fn parse(content: &[u8]) -> Result<Note, String> {
    if content.iter().all(|byte| *byte == 0) {
        return Ok(Note::NOTHING);
    }
    let text = std::str::from_utf8(content).map_err(|error| error.to_string())?;
    let words: Vec<&str> = text.split_ascii_whitespace().collect();
    let &[format, highest, work, _] = words.as_slice() else {
        return Err("it has not four words".to_owned());
    };
    if format != FORMAT {
        return Err(format!("it has the unknown format {format:?}"));
    }
    let highest = highest.parse().map_err(|_| "its token is no number")?;
    let note = Note {
        highest: Token::new(highest),
        work: match work {
            "process" => WorkScope::Process,
            _ => WorkScope::Beyond,
        },
    };
    if spell(note) == text {
        Ok(note)
    } else {
        Err("its checksum is wrong".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::{Note, parse, spell};
    use crate::{Token, WorkScope};

    #[test]
    fn a_note_is_read_as_it_was_written_and_always_has_one_length() {
        for (number, work) in [(0, WorkScope::Process), (u64::MAX, WorkScope::Beyond)] {
            let highest = Token::new(number);
            let note = Note { highest, work };
            assert_eq!(parse(spell(note).as_bytes()), Ok(note));
            assert_eq!(spell(note).len(), 63);
        }
    }

    #[test]
    fn a_new_lock_file_remembers_nothing() {
        assert_eq!(parse(b""), Ok(Note::NOTHING));
        assert_eq!(parse(&[0; 63]), Ok(Note::NOTHING));
    }

    #[test]
    fn a_torn_or_foreign_note_is_refused() {
        let highest = Token::new(1_999_999_999_999);
        let note = Note {
            highest,
            work: WorkScope::Process,
        };
        let torn = spell(note).replacen("1999", "2999", 1);
        assert!(parse(torn.as_bytes()).is_err());
        assert!(parse(&spell(note).as_bytes()[..40]).is_err());
        assert!(parse(b"4711\n").is_err());
        assert!(parse(&[0xff; 20]).is_err());
    }
}
