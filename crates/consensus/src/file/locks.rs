//! Open-file-description locks: to take, to ask, to give back. What they mean is `lockfile.rs`'s.
//!
//! They belong to the open file description, not to the process: they end when its last descriptor is
//! closed, by whoever inherited one. A byte is asked for without being taken: testers that took it
//! would wake each other for ever.

use crate::Token;
use nix::errno::Errno;
use nix::fcntl::{FcntlArg, fcntl};
use nix::libc;
use std::ffi::OsStr;
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt;

/// Some bytes of a file, which need not exist.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Bytes {
    start: i64,
    /// Zero: to the end of all bytes.
    length: i64,
}

/// How to hold them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Exclusive,
    Shared,
}

/// What came of the attempt to take them. Nobody waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub(super) enum Taken {
    Yes,
    HeldByAnother,
}

/// There are as many bytes for lives as a lock can name, but for the first.
const LIVES: u64 = 1 << 62;

impl Bytes {
    /// The mutex: held for some microseconds by whoever is saving.
    pub(super) const MUTEX: Self = Self {
        start: 0,
        length: 1,
    };

    /// All proofs of life together.
    pub(super) const EVERY_LIFE: Self = Self {
        start: 1,
        length: 0,
    };

    /// The proof of life of whoever leads under this token.
    pub(super) fn life(token: Token) -> Self {
        Self::numbered(token.get())
    }

    /// On a folder: some life of the election whose record has this name there.
    pub(super) fn folder(name: &OsStr) -> Self {
        Self::numbered(hash(name.as_bytes()))
    }

    fn numbered(number: u64) -> Self {
        let start = 1 + i64::try_from(number % LIVES).unwrap_or_default();
        Self { start, length: 1 }
    }

    fn lock(self, kind: libc::c_int) -> Result<libc::flock, Errno> {
        let start = libc::off_t::try_from(self.start).map_err(|_| Errno::EOVERFLOW)?;
        let length = libc::off_t::try_from(self.length).map_err(|_| Errno::EOVERFLOW)?;
        Ok(libc::flock {
            l_type: short(kind),
            l_whence: short(libc::SEEK_SET),
            l_start: start,
            l_len: length,
            l_pid: 0,
        })
    }
}

/// Takes the bytes, or says that somebody else has some of them. To take what one has is nothing.
pub(super) fn take(on: impl AsFd, bytes: Bytes, kind: Kind) -> Result<Taken, Errno> {
    let kind = match kind {
        Kind::Exclusive => libc::F_WRLCK,
        Kind::Shared => libc::F_RDLCK,
    };
    match fcntl(on, FcntlArg::F_OFD_SETLK(&bytes.lock(kind)?)) {
        Ok(_) => Ok(Taken::Yes),
        Err(Errno::EAGAIN | Errno::EACCES) => Ok(Taken::HeldByAnother),
        Err(errno) => Err(errno),
    }
}

/// Gives the bytes back, also on behalf of a forked child that still has the descriptor.
pub(super) fn give_back(on: impl AsFd, bytes: Bytes) -> Result<(), Errno> {
    fcntl(on, FcntlArg::F_OFD_SETLK(&bytes.lock(libc::F_UNLCK)?)).map(drop)
}

/// Whether another open file description than `on` holds any of the bytes, in whatever way.
pub(super) fn held_by_another(on: impl AsFd, bytes: Bytes) -> Result<bool, Errno> {
    let mut lock = bytes.lock(libc::F_WRLCK)?;
    fcntl(on, FcntlArg::F_OFD_GETLK(&mut lock))?;
    Ok(lock.l_type != short(libc::F_UNLCK))
}

#[allow(
    clippy::cast_possible_truncation,
    reason = "these constants are all below ten"
)]
fn short(constant: libc::c_int) -> libc::c_short {
    constant as libc::c_short
}

/// FNV-1a: the same in every process and every version, which the standard library's is not.
pub(super) fn hash(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::{Bytes, Kind, Taken, give_back, hash, held_by_another, take};
    use crate::Token;
    use std::fs::{File, OpenOptions};
    use std::process::{Command, Stdio};

    /// Two open file descriptions of one file without a name.
    fn two() -> (File, File) {
        let path =
            std::env::temp_dir().join(format!("consensus-locks-{}", crate::host::seed().unwrap()));
        let open = || {
            OpenOptions::new()
                .read(true)
                .append(true)
                .create(true)
                .open(&path)
        };
        let both = (open().unwrap(), open().unwrap());
        std::fs::remove_file(&path).unwrap();
        both
    }

    #[test]
    fn every_token_has_a_byte_that_is_not_the_mutex() {
        for token in [0, 1, (1 << 62) - 1, 1 << 62, u64::MAX] {
            let bytes = Bytes::life(Token::new(token));
            assert!(bytes.start >= 1 && bytes.length == 1, "{token}");
        }
        assert_ne!(Bytes::life(Token::new(1)), Bytes::life(Token::new(2)));
    }

    #[test]
    fn the_highest_byte_can_be_taken() {
        let (a, b) = two();
        let bytes = Bytes::life(Token::new((1 << 62) - 1));
        assert_eq!(take(&a, bytes, Kind::Exclusive), Ok(Taken::Yes));
        assert_eq!(take(&b, bytes, Kind::Exclusive), Ok(Taken::HeldByAnother));
        assert_eq!(held_by_another(&b, Bytes::EVERY_LIFE), Ok(true));
    }

    #[test]
    fn asking_takes_nothing_and_ones_own_is_no_others() {
        let (a, b) = two();
        assert_eq!(
            take(&a, Bytes::life(Token::new(7)), Kind::Exclusive),
            Ok(Taken::Yes)
        );
        assert_eq!(
            take(&a, Bytes::life(Token::new(7)), Kind::Exclusive),
            Ok(Taken::Yes)
        );
        assert_eq!(held_by_another(&a, Bytes::EVERY_LIFE), Ok(false));
        assert_eq!(held_by_another(&b, Bytes::EVERY_LIFE), Ok(true));
        assert_eq!(held_by_another(&b, Bytes::MUTEX), Ok(false));
        assert_eq!(held_by_another(&b, Bytes::life(Token::new(8))), Ok(false));
    }

    /// Fails without the `give_back`: a child that was forked meanwhile keeps what only was closed.
    #[test]
    fn a_forked_child_keeps_a_closed_lock_but_not_one_that_was_given_back() {
        let (a, b) = two();
        assert_eq!(take(&a, Bytes::MUTEX, Kind::Exclusive), Ok(Taken::Yes));
        let mut child = Command::new("sleep")
            .arg("60")
            .stdin(Stdio::from(a.try_clone().unwrap()))
            .spawn()
            .unwrap();
        let dup = a.try_clone().unwrap();
        drop(a);
        assert_eq!(held_by_another(&b, Bytes::MUTEX), Ok(true));
        assert_eq!(give_back(&dup, Bytes::MUTEX), Ok(()));
        assert_eq!(held_by_another(&b, Bytes::MUTEX), Ok(false));
        child.kill().unwrap();
        child.wait().unwrap();
    }

    #[test]
    fn the_hash_is_fnv_and_stays() {
        assert_eq!(hash(b""), 0xcbf2_9ce4_8422_2325);
        assert_eq!(hash(b"foobar"), 0x8594_4171_f739_67e8);
    }
}
