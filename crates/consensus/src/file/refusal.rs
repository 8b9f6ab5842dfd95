//! Every complaint of the file store: what is wrong, where, and what to do (promise 12).
//!
//! One place turns the system's error numbers into kinds, so that the same trouble has the same kind
//! wherever it is met.

use super::format::NotARecord;
use crate::{Error, ErrorKind};
use rustix::io::Errno;
use std::path::Path;

/// Says what was tried on which file when the system refused.
pub(super) fn failed(doing: &str, path: &Path, errno: Errno) -> Error {
    let (kind, advice) = kind_and_advice(errno);
    let message = format!("cannot {doing} {}: {advice}", path.display());
    Error::new(kind, message).with_source(errno)
}

/// Says that what stands at the path can never be a record, whoever tries.
pub(super) fn unsuitable(path: &Path, is: &str, instead: &str) -> Error {
    let message = format!("{} {is}: {instead}", path.display());
    Error::new(ErrorKind::Invalid, message)
}

/// Says that what stands at the path is somebody else's, and stays as it is.
pub(super) fn not_ours(path: &Path, is: &str, instead: &str) -> Error {
    let message = format!(
        "{} is left as it is, because {is}: {instead}",
        path.display()
    );
    Error::new(ErrorKind::Foreign, message)
}

pub(super) fn not_a_record(path: &Path, why: &NotARecord) -> Error {
    let is = format!("it is not a record of an election: {why}");
    let instead = "name another file, or move this one away if nobody needs it";
    not_ours(path, &is, instead)
}

fn kind_and_advice(errno: Errno) -> (ErrorKind, &'static str) {
    match errno {
        Errno::ACCESS | Errno::PERM => (
            ErrorKind::Denied,
            "let this user search the folder, and read and write the file and the folder",
        ),
        Errno::ROFS => (
            ErrorKind::Denied,
            "the file system is read-only; name a file on one that can be written",
        ),
        Errno::LOOP => (
            ErrorKind::Invalid,
            "it is a symbolic link; name the file that it points to",
        ),
        Errno::NAMETOOLONG => (ErrorKind::Invalid, "the name is too long; shorten it"),
        Errno::NOTDIR => (
            ErrorKind::Invalid,
            "what should be its folder is a file; name a file in a folder",
        ),
        Errno::INVAL => (
            ErrorKind::Invalid,
            "the file system does not support it; name a file on a local file system",
        ),
        Errno::NOENT => (
            ErrorKind::Unavailable,
            "it, or its folder, is missing; create the folder",
        ),
        Errno::NOSPC | Errno::DQUOT => (
            ErrorKind::Unavailable,
            "the disk or quota is full; free some space",
        ),
        Errno::MFILE | Errno::NFILE => (
            ErrorKind::Unavailable,
            "too many files are open; raise the limit (ulimit -n)",
        ),
        _ => (
            ErrorKind::Unavailable,
            "the system refused; it is tried again",
        ),
    }
}
