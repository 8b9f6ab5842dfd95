//! Who has the mutex: asked on the slow path only, for an error that names a process.
//!
//! The kernel does not tell whose an open-file-description lock is. It shows with each descriptor the
//! locks that are held through it.

use super::place::Identity;
use std::fmt;
use std::fs;
use std::path::Path;

/// Whoever has the mutex, as far as this process can see.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Blocker {
    Process {
        pid: String,
        name: String,
    },
    /// It is another user's, or in another pid namespace.
    Unseen,
}

/// Looks through all processes for a descriptor that has the mutex of this lock file.
pub(super) fn find(lock: Identity) -> Blocker {
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    for process in processes {
        if has_mutex(&process.path(), lock) {
            let name = fs::read_to_string(process.path().join("comm")).unwrap_or_default();
            return Blocker::Process {
                pid: process.file_name().to_string_lossy().into_owned(),
                name: name.trim_end().to_owned(),
            };
        }
    }
    Blocker::Unseen
}

fn has_mutex(process: &Path, lock: Identity) -> bool {
    let descriptors = fs::read_dir(process.join("fd"))
        .into_iter()
        .flatten()
        .flatten();
    for descriptor in descriptors {
        // Only what has such a lock is looked at: another one might be on a file system that hangs.
        let about = process.join("fdinfo").join(descriptor.file_name());
        if shows_mutex(&fs::read_to_string(about).unwrap_or_default()) {
            let is_it = rustix::fs::stat(descriptor.path());
            if is_it.is_ok_and(|stat| Identity::of(&stat) == lock) {
                return true;
            }
        }
    }
    false
}

/// `lock: 1: OFDLCK  ADVISORY  WRITE -1 fe:00:131077 0 0`
fn shows_mutex(about: &str) -> bool {
    about.lines().any(|line| {
        line.starts_with("lock:") && line.contains(" OFDLCK ") && line.ends_with(" 0 0")
    })
}

impl fmt::Display for Blocker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Process { pid, name } => write!(f, "process {pid} ({name})"),
            Self::Unseen => f.write_str("a process that this one cannot see"),
        }
    }
}
