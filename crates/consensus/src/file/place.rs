//! The place of an election: a folder, the record in it and the lock file beside that.
//!
//! Owns what is opened and what is refused. Nothing is created, changed or waited for here; a symbolic
//! link, a FIFO or a device is refused before it is opened. Read `lockfile.rs` next.

use super::filesystem;
use super::format::MOST_BYTES;
use super::refusal;
use crate::{Error, ErrorKind};
use rustix::fs::{AtFlags, CWD, FileType, Mode, OFlags, Stat, fstat, openat, statat};
use rustix::io::Errno;
use rustix::process::geteuid;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::Read;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

/// Few records are longer; those are read in more than one piece.
const USUAL_BYTES: usize = 2 * 1024;

/// Which file it is, among all that this kernel knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Identity {
    pub(super) device: u64,
    pub(super) inode: u64,
}

/// Who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// Somebody who may come to lead: all files must be its own.
    Candidate,
    /// Somebody who only wants to know: whatever can be read will do.
    Onlooker,
}

/// The names of an election's files. Paths are resolved once: a later `chdir` moves no election.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) record_path: PathBuf,
    pub(super) lock_path: PathBuf,
    pub(super) folder_path: PathBuf,
    pub(super) record: OsString,
    pub(super) lock: OsString,
    role: Role,
}

/// The folder as it is at the path now, held open.
#[derive(Debug)]
pub(super) struct Folder {
    pub(super) descriptor: OwnedFd,
    pub(super) identity: Identity,
}

/// A regular file, open for reading, that may be used.
#[derive(Debug)]
pub(super) struct Opened {
    pub(super) file: File,
    pub(super) identity: Identity,
}

impl Identity {
    /// No file's.
    pub(super) const NONE: Self = Self {
        device: 0,
        inode: 0,
    };

    // The types of these numbers differ between machines.
    #[allow(clippy::useless_conversion, reason = "needed on other machines")]
    pub(super) fn of(stat: &Stat) -> Self {
        Self {
            device: u64::from(stat.st_dev),
            inode: u64::from(stat.st_ino),
        }
    }
}

impl Place {
    pub(super) fn new(path: &Path, role: Role) -> Self {
        let record_path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        let record = record_path.file_name().unwrap_or_default().to_owned();
        let mut lock = record.clone();
        lock.push(".lock");
        Self {
            lock_path: record_path.with_file_name(&lock),
            folder_path: record_path.parent().unwrap_or(Path::new("/")).to_owned(),
            record_path,
            record,
            lock,
            role,
        }
    }

    /// Opens the folder. `None`: it is missing.
    ///
    /// # Errors
    /// It may not be read, or is on a file system that is refused.
    pub(super) fn open_folder(&self) -> Result<Option<Folder>, Error> {
        if self.record.is_empty() {
            let instead = "name a file in a folder";
            let error = refusal::unsuitable(&self.record_path, "names no file", instead);
            return Err(error);
        }
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let descriptor = match openat(CWD, &self.folder_path, flags, Mode::empty()) {
            Ok(descriptor) => descriptor,
            Err(Errno::NOENT) => return Ok(None),
            Err(errno) => return Err(self.no_folder(errno)),
        };
        let stat = fstat(&descriptor).map_err(|errno| self.no_folder(errno))?;
        filesystem::check(&descriptor, &self.folder_path)?;
        Ok(Some(Folder {
            identity: Identity::of(&stat),
            descriptor,
        }))
    }

    /// What to say about a folder that cannot be had.
    pub(super) fn no_folder(&self, errno: Errno) -> Error {
        refusal::failed("open the folder", &self.folder_path, errno)
    }

    /// The whole content of the record's file. `None`: there is no such file.
    ///
    /// # Errors
    /// It is not a file that could be a record of ours, or may not be read.
    pub(super) fn read_record(&self, folder: &Folder) -> Result<Option<Vec<u8>>, Error> {
        let Some(opened) = self.open(folder, &self.record, &self.record_path, OFlags::RDONLY)?
        else {
            return Ok(None);
        };
        // One more than a record may have, so that it is seen to have too many.
        let most = u64::try_from(MOST_BYTES).unwrap_or(u64::MAX);
        let mut content = Vec::with_capacity(USUAL_BYTES);
        let read = opened.file.take(most + 1).read_to_end(&mut content);
        match read {
            Ok(_) => Ok(Some(content)),
            Err(error) => {
                let message = format!("cannot read {}", self.record_path.display());
                Err(Error::new(ErrorKind::Unavailable, message).with_source(error))
            }
        }
    }

    /// The lock file, if there is one. Locks on it need no right to write, as long as they only ask.
    pub(super) fn open_lock_file(
        &self,
        folder: &Folder,
        access: OFlags,
    ) -> Result<Option<Opened>, Error> {
        self.open(folder, &self.lock, &self.lock_path, access)
    }

    /// Which lock file is at the path now.
    pub(super) fn lock_file_now(&self, folder: &Folder) -> Result<Option<Identity>, Error> {
        match statat(&folder.descriptor, &self.lock, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => Ok(Some(Identity::of(&stat))),
            Err(Errno::NOENT) => Ok(None),
            Err(errno) => Err(refusal::failed("look at", &self.lock_path, errno)),
        }
    }

    /// Whether the folder at the path is still this one.
    pub(super) fn still_has(&self, folder: &Folder) -> bool {
        let now = rustix::fs::stat(&self.folder_path);
        now.is_ok_and(|stat| Identity::of(&stat) == folder.identity)
    }

    pub(super) fn is_for_onlookers(&self) -> bool {
        match self.role {
            Role::Onlooker => true,
            Role::Candidate => false,
        }
    }

    /// Opens a file of the election that may be a stranger's: never waits, follows no link.
    fn open(
        &self,
        folder: &Folder,
        name: &OsStr,
        path: &Path,
        access: OFlags,
    ) -> Result<Option<Opened>, Error> {
        // Looked at before it is opened: to open some devices is to use them.
        match statat(&folder.descriptor, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => self.check(&stat, path)?,
            Err(Errno::NOENT) => return Ok(None),
            Err(errno) => return Err(refusal::failed("look at", path, errno)),
        }
        let flags = access | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        let descriptor = match openat(&folder.descriptor, name, flags, Mode::empty()) {
            Ok(descriptor) => descriptor,
            Err(Errno::NOENT) => return Ok(None),
            Err(errno) => return Err(refusal::failed("open", path, errno)),
        };
        let stat = fstat(&descriptor).map_err(|errno| refusal::failed("look at", path, errno))?;
        self.check(&stat, path)?;
        Ok(Some(Opened {
            identity: Identity::of(&stat),
            file: File::from(descriptor),
        }))
    }

    /// Refuses what is not a regular file of our own.
    pub(super) fn check(&self, stat: &Stat, path: &Path) -> Result<(), Error> {
        let is = match FileType::from_raw_mode(stat.st_mode) {
            FileType::RegularFile => return self.check_owner(stat, path),
            FileType::Directory => "is a folder",
            FileType::Symlink => "is a symbolic link",
            FileType::Fifo => "is a FIFO",
            FileType::Socket => "is a socket",
            FileType::CharacterDevice | FileType::BlockDevice => "is a device",
            FileType::Unknown => "is not a regular file",
        };
        let instead = "name a regular file, or one that does not exist yet";
        Err(refusal::unsuitable(path, is, instead))
    }

    /// Root is no exception: it would take the file over, and lock its owner out.
    fn check_owner(&self, stat: &Stat, path: &Path) -> Result<(), Error> {
        let (owner, we) = (stat.st_uid, geteuid().as_raw());
        match self.role {
            Role::Onlooker => Ok(()),
            Role::Candidate if owner == we => Ok(()),
            Role::Candidate => {
                let is = format!("it belongs to user {owner} and this is user {we}");
                let instead = "run all candidates of an election as one user, or name another file";
                Err(refusal::not_ours(path, &is, instead))
            }
        }
    }
}
