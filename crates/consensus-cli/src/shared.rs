//! What `consensus` and its guard both see: a piece of memory that outlives either of them.
//!
//! Owns how one process reads what another may be writing, or has died while writing. It is a file in
//! memory, written and read by system calls. Each word has two places that are written in turn, with a
//! number that rises and a checksum: the newest that is whole counts. So what is read was written by one
//! write, and an old value is never taken for a new one.
//!
//! A queue would not do. Who was stopped must act on what holds *now*.

use crate::times::Instant;
use consensus::store::Claim;
use rustix::fs::{MemfdFlags, memfd_create};
use std::fs::File;
use std::hash::{DefaultHasher, Hasher};
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::FileExt;
use std::sync::Mutex;

/// When the work is ended. Only `consensus` writes them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Times {
    /// When the command gets SIGTERM.
    pub(crate) term_at: Instant,
    /// When everything that is left gets SIGKILL.
    pub(crate) kill_at: Instant,
}

/// The memory.
#[derive(Debug)]
pub(crate) struct Shared {
    file: File,
    times: Mutex<Word>,
    claim: Mutex<Word>,
}

/// One word of it.
#[derive(Debug)]
struct Word {
    at: u64,
    size: u64,
    written: u64,
}

/// What one of the two places of a word holds.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Place {
    Blank,
    Torn,
    Whole(u64, Vec<u8>),
}

/// Where a job is written, once, before anybody reads it.
const JOB_AT: u64 = 4096 + 2 * CLAIM_SIZE;
/// A claim names few records, of texts that are short.
const CLAIM_SIZE: u64 = 64 << 10;
/// Number, length and checksum.
const HEAD: u64 = 24;
/// More than this a torn word is not looked at again.
const LOOKS: u32 = 1000;

impl Shared {
    /// New memory, which says nothing yet.
    pub(crate) fn new() -> io::Result<Self> {
        Ok(memfd_create("election", MemfdFlags::CLOEXEC)?.into())
    }

    /// The file, to hand over.
    pub(crate) fn descriptor(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }

    /// When the work is to be ended from now on.
    pub(crate) fn set_times(&self, times: Times) -> io::Result<()> {
        let [term, kill] = [times.term_at, times.kill_at].map(|at| at.to_nanos().to_le_bytes());
        self.write(&self.times, &[term, kill].concat())
    }

    /// When the work is to be ended, as of now. `None`: nothing was said.
    pub(crate) fn times(&self) -> Option<Times> {
        let bytes = self.read(&self.times)?;
        let (term, kill) = bytes.split_first_chunk::<8>()?;
        let read = |bytes| Instant::from_nanos(u64::from_le_bytes(bytes));
        Some(Times {
            term_at: read(*term),
            kill_at: read(kill.try_into().ok()?),
        })
    }

    /// What `consensus` may hold from now on.
    pub(crate) fn set_claim(&self, claim: &Claim) -> io::Result<()> {
        self.write(&self.claim, &crate::claim::to_bytes(claim))
    }

    /// What `consensus` may hold, as of now.
    pub(crate) fn claim(&self) -> Claim {
        let bytes = self.read(&self.claim);
        let claim = bytes.as_deref().and_then(crate::claim::from_bytes);
        claim.unwrap_or_default()
    }

    /// Writes what the guard is there for.
    pub(crate) fn set_job(&self, job: &[u8]) -> io::Result<()> {
        self.file.write_all_at(job, JOB_AT)
    }

    /// What the guard is there for.
    pub(crate) fn job(&self) -> io::Result<Vec<u8>> {
        let length = self.file.metadata()?.len().saturating_sub(JOB_AT);
        let mut job = vec![0; usize::try_from(length).unwrap_or_default()];
        self.file.read_exact_at(&mut job, JOB_AT)?;
        Ok(job)
    }

    fn write(&self, word: &Mutex<Word>, content: &[u8]) -> io::Result<()> {
        let mut word = word
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        let number = word.written + 1;
        let mut bytes = head(number, content).concat();
        bytes.extend_from_slice(content);
        let room = usize::try_from(word.size).unwrap_or_default();
        if bytes.len() > room {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.file.write_all_at(&bytes, word.place(number))?;
        word.written = number;
        Ok(())
    }

    fn read(&self, word: &Mutex<Word>) -> Option<Vec<u8>> {
        let word = word
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        let mut newest = None;
        for _ in 0..LOOKS {
            let places = [0, 1].map(|turn| self.read_at(word.place(turn), word.size));
            let whole = places.iter().all(|place| *place != Place::Torn);
            newest = places.into_iter().filter_map(Place::content).max();
            if whole {
                break;
            }
            // It is being written. Meanwhile the other place may be an older one than was seen before.
        }
        // If the writer died in the middle, what it wrote before holds.
        newest.map(|(_, content)| content)
    }

    fn read_at(&self, at: u64, size: u64) -> Place {
        let mut head_read = [[0; 8]; 3];
        let read = self.file.read_exact_at(head_read.as_flattened_mut(), at);
        let [number, length, _] = head_read.map(u64::from_le_bytes);
        if read.is_err() || number == 0 {
            return Place::Blank;
        }
        let length = usize::try_from(length.min(size)).unwrap_or_default();
        let mut content = vec![0; length];
        let read = self.file.read_exact_at(&mut content, at + HEAD);
        if read.is_ok() && head(number, &content) == head_read {
            Place::Whole(number, content)
        } else {
            Place::Torn
        }
    }
}

impl Place {
    fn content(self) -> Option<(u64, Vec<u8>)> {
        match self {
            Self::Whole(number, content) => Some((number, content)),
            Self::Blank | Self::Torn => None,
        }
    }
}

impl From<OwnedFd> for Shared {
    fn from(descriptor: OwnedFd) -> Self {
        Self {
            file: descriptor.into(),
            times: Mutex::new(Word::new(0, 64)),
            claim: Mutex::new(Word::new(4096, CLAIM_SIZE)),
        }
    }
}

impl Word {
    fn new(at: u64, size: u64) -> Self {
        Self {
            at,
            size,
            written: 0,
        }
    }

    fn place(&self, number: u64) -> u64 {
        self.at + number % 2 * self.size
    }
}

fn head(number: u64, content: &[u8]) -> [[u8; 8]; 3] {
    let mut hasher = DefaultHasher::new();
    hasher.write_u64(number);
    hasher.write(content);
    [number, content.len() as u64, hasher.finish()].map(u64::to_le_bytes)
}

#[cfg(test)]
mod tests {
    use super::{Shared, Times};
    use crate::times::Instant;
    use consensus::store::Claim;
    use std::os::unix::fs::FileExt;
    use std::sync::Arc;

    fn times(at: u64) -> Times {
        Times {
            term_at: Instant::from_nanos(at),
            kill_at: Instant::from_nanos(at + 1),
        }
    }

    #[test]
    fn what_was_written_last_is_read() {
        let shared = Shared::new().expect("memory");
        assert_eq!(shared.times(), None);
        assert_eq!(shared.claim(), Claim::default());
        for at in 1..10 {
            shared.set_times(times(at)).expect("written");
            assert_eq!(shared.times(), Some(times(at)));
        }
        shared.set_job(b"job").expect("written");
        assert_eq!(shared.job().expect("read"), b"job");
    }

    #[test]
    fn a_write_that_was_cut_off_has_not_been() {
        let shared = Shared::new().expect("memory");
        shared.set_times(times(1)).expect("written");
        shared.set_times(times(2)).expect("written");
        // The next one, as far as its first byte of content.
        let third = [3_u64, 16, 0].map(u64::to_le_bytes).concat();
        shared.file.write_all_at(&third, 64).expect("written");
        assert_eq!(shared.times(), Some(times(2)));
    }

    #[test]
    fn a_reader_never_sees_half_of_a_write() {
        let shared = Arc::new(Shared::new().expect("memory"));
        shared.set_times(times(1)).expect("written");
        let other = shared.file.try_clone().expect("a descriptor");
        let reader = std::thread::spawn(move || {
            let shared = Shared::from(std::os::fd::OwnedFd::from(other));
            let mut last = times(0);
            for _ in 0..20_000 {
                let seen = shared.times().expect("there is always one");
                assert_eq!(seen, times(seen.term_at.to_nanos()));
                assert!(seen.term_at >= last.term_at, "{seen:?} after {last:?}");
                last = seen;
            }
        });
        let mut at = 1;
        while !reader.is_finished() {
            at += 1;
            shared.set_times(times(at)).expect("written");
        }
        reader.join().expect("no half was seen");
    }
}
