//! What is written aside before it takes the record's place.
//!
//! Each has a name of its own, and is locked by its writer while that lives. So what a crashed writer
//! left can be told from what a slow one is about to rename, and is swept when a store first goes on
//! leading or releases.

use super::locks::{self, Bytes, Kind, Taken};
use super::place::{Folder, Place};
use super::{lockfile, refusal};
use crate::{Error, ErrorKind, host};
use rustix::fs::{
    AtFlags, Dir, FileType, Mode, OFlags, RenameFlags, fchmod, fdatasync, fstat, linkat, openat,
    renameat, renameat_with, statat, unlinkat,
};
use rustix::io::Errno;
use std::fs::File;
use std::io::Write;
use std::os::fd::OwnedFd;

/// A sweeper may take a name between its making and its locking, which is rare; then there is another.
const NAMES: u32 = 8;

/// Whether it must survive a loss of power before it is renamed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Durability {
    Flushed,
    Buffered,
}

/// A finished file beside the record. Removed on drop, unless it was renamed.
#[derive(Debug)]
pub(super) struct Aside<'a> {
    place: &'a Place,
    folder: &'a Folder,
    name: Option<Vec<u8>>,
    /// Its lock says that its writer lives.
    _locked: OwnedFd,
}

/// How the record's place was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Renamed {
    Yes,
    /// Something else is there than what was decided on.
    No,
}

impl<'a> Aside<'a> {
    pub(super) fn write(
        place: &'a Place,
        folder: &'a Folder,
        content: &[u8],
        durability: Durability,
    ) -> Result<Self, Error> {
        let failed = |errno| refusal::failed("write beside", &place.record_path, errno);
        let aside = Self::create(place, folder)?;
        // Opened once more to write, and closed before the rename: that close wakes nobody.
        let name = aside.name.as_deref().unwrap_or_default();
        let flags = OFlags::WRONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let descriptor = openat(&folder.descriptor, name, flags, Mode::empty()).map_err(failed)?;
        if let Ok(before) = statat(&folder.descriptor, &place.record, AtFlags::SYMLINK_NOFOLLOW) {
            // Whom the owner let read the record may go on reading it.
            let mode = Mode::from_raw_mode(before.st_mode & 0o777);
            fchmod(&descriptor, mode).map_err(failed)?;
        }
        let mut file = File::from(descriptor);
        let written = file.write_all(content);
        written.map_err(|error| failed(Errno::from_io_error(&error).unwrap_or(Errno::IO)))?;
        match durability {
            Durability::Flushed => fdatasync(&file).map_err(failed)?,
            Durability::Buffered => {}
        }
        Ok(aside)
    }

    fn create(place: &'a Place, folder: &'a Folder) -> Result<Self, Error> {
        for _ in 0..NAMES {
            let mut name = prefix(place);
            name.extend_from_slice(format!("{:016x}{SUFFIX}", host::seed()?).as_bytes());
            let flags =
                OFlags::RDONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            let mode = Mode::RUSR | Mode::WUSR;
            let locked = openat(&folder.descriptor, name.as_slice(), flags, mode)
                .map_err(|errno| refusal::failed("write beside", &place.record_path, errno))?;
            let taken = locks::take(&locked, Bytes::MUTEX, Kind::Shared)
                .map_err(|errno| lockfile::lock_failed(&place.record_path, errno))?;
            let swept = taken == Taken::HeldByAnother
                || fstat(&locked).is_ok_and(|stat| stat.st_nlink == 0);
            if !swept {
                return Ok(Self {
                    place,
                    folder,
                    name: Some(name),
                    _locked: locked,
                });
            }
        }
        let message = format!(
            "cannot write beside {}: somebody removes what is written",
            place.record_path.display()
        );
        Err(Error::new(ErrorKind::Unavailable, message))
    }

    /// Takes the place of the record.
    pub(super) fn replace(self) -> Result<Renamed, Error> {
        let at = &self.folder.descriptor;
        let name = self.name.as_deref().unwrap_or_default();
        match renameat(at, name, at, &self.place.record) {
            Ok(()) => Ok(self.renamed()),
            Err(errno) => Err(self.failed(errno)),
        }
    }

    /// Takes the place of nothing.
    pub(super) fn put(self) -> Result<Renamed, Error> {
        let at = &self.folder.descriptor;
        let name = self.name.as_deref().unwrap_or_default();
        let record = &self.place.record;
        match renameat_with(at, name, at, record, RenameFlags::NOREPLACE) {
            Ok(()) => Ok(self.renamed()),
            Err(Errno::EXIST) => Ok(Renamed::No),
            // A file system that cannot; a link replaces nothing either.
            Err(Errno::INVAL) => match linkat(at, name, at, record, AtFlags::empty()) {
                Ok(()) => Ok(Renamed::Yes),
                Err(Errno::EXIST) => Ok(Renamed::No),
                Err(errno) => Err(self.failed(errno)),
            },
            Err(errno) => Err(self.failed(errno)),
        }
    }

    fn renamed(mut self) -> Renamed {
        self.name = None;
        Renamed::Yes
    }

    fn failed(&self, errno: Errno) -> Error {
        refusal::failed("replace", &self.place.record_path, errno)
    }
}

impl Drop for Aside<'_> {
    fn drop(&mut self) {
        if let Some(name) = &self.name {
            let at = &self.folder.descriptor;
            if let Err(error) = unlinkat(at, name.as_slice(), AtFlags::empty()) {
                tracing::debug!(%error, "cannot remove what was written aside");
            }
        }
    }
}

const SUFFIX: &str = ".aside";

fn prefix(place: &Place) -> Vec<u8> {
    let name = place.record.as_encoded_bytes();
    [b".", name, b"."].concat()
}

/// Removes what writers left that are dead.
pub(super) fn sweep(place: &Place, folder: &Folder) {
    let Ok(entries) = Dir::read_from(&folder.descriptor) else {
        return;
    };
    let prefix = prefix(place);
    for entry in entries.flatten() {
        let name = entry.file_name().to_bytes();
        let middle = name
            .strip_prefix(prefix.as_slice())
            .and_then(|rest| rest.strip_suffix(SUFFIX.as_bytes()));
        let ours = middle
            .is_some_and(|middle| middle.len() == 16 && middle.iter().all(u8::is_ascii_hexdigit));
        let Some(_locked) = ours.then(|| left_behind(place, folder, name)).flatten() else {
            continue;
        };
        let removed = unlinkat(&folder.descriptor, name, AtFlags::empty());
        tracing::debug!(?removed, "removed what a dead writer left");
    }
}

/// Locks what no living writer has locked. To be kept until it is removed.
fn left_behind(place: &Place, folder: &Folder, name: &[u8]) -> Option<OwnedFd> {
    let flags = OFlags::RDWR | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let descriptor = openat(&folder.descriptor, name, flags, Mode::empty()).ok()?;
    let suits = fstat(&descriptor).is_ok_and(|stat| {
        FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile
            && place.check(&stat, &place.record_path).is_ok()
    });
    // Exclusive: whoever is just making one of this name fails to lock it, and takes another name.
    let free = suits && locks::take(&descriptor, Bytes::MUTEX, Kind::Exclusive) == Ok(Taken::Yes);
    free.then_some(descriptor)
}
