//! What the guard is there for: written once, before it is hired, into the memory that it shares.
//!
//! Words that end in a zero byte, which neither arguments nor variables can contain.

use crate::say::Loudness;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::time::Duration;

/// What the guard is to start, for whom, and for how long it may take to end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Job {
    /// Where the election takes place.
    pub(crate) election: OsString,
    /// The identity.
    pub(crate) holder: String,
    pub(crate) command: Vec<OsString>,
    pub(crate) times: JobTimes,
    pub(crate) loudness: Loudness,
    pub(crate) privileges: Privileges,
    /// The signals that were blocked when the program was started, one bit each, from 1.
    pub(crate) blocked: u64,
    /// The process group of `consensus`. 0: it has no number here.
    pub(crate) group: i32,
}

/// The times that the guard needs for itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct JobTimes {
    pub(crate) grace: Duration,
    pub(crate) lease: Duration,
    pub(crate) request: Duration,
}

/// Whether the command may become more powerful than we are: what we may not kill we cannot end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Privileges {
    Kept,
    MayBeGained,
}

impl Job {
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let loudness = match self.loudness {
            Loudness::Quiet => -1,
            Loudness::Usual => 0,
            Loudness::Verbose(times) => i32::from(times),
        };
        let times = [self.times.grace, self.times.lease, self.times.request];
        let mut words = vec![self.election.clone(), self.holder.clone().into()];
        words.extend(times.map(|time| time.as_nanos().to_string().into()));
        words.push(loudness.to_string().into());
        let gained = self.privileges == Privileges::MayBeGained;
        words.push(u8::from(gained).to_string().into());
        words.push(self.blocked.to_string().into());
        words.push(self.group.to_string().into());
        words.extend(self.command.iter().cloned());
        let bytes = words.iter().flat_map(|word| {
            let bytes = word.as_bytes().iter().copied();
            bytes.chain([0])
        });
        bytes.collect()
    }

    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let mut words = bytes.strip_suffix(&[0])?.split(|byte| *byte == 0);
        let mut next = || words.next().map(OsStr::from_bytes);
        let (election, holder) = (next()?.to_owned(), next()?.to_str()?.to_owned());
        let mut time = || Some(Duration::from_nanos(number(next()?)?));
        let times = JobTimes {
            grace: time()?,
            lease: time()?,
            request: time()?,
        };
        let loudness = match number::<i32>(next()?)? {
            ..0 => Loudness::Quiet,
            0 => Loudness::Usual,
            times => Loudness::Verbose(u8::try_from(times).ok()?),
        };
        let privileges = match number::<u8>(next()?)? {
            0 => Privileges::Kept,
            _ => Privileges::MayBeGained,
        };
        let (blocked, group) = (number(next()?)?, number(next()?)?);
        let command = words.map(|word| OsString::from_vec(word.to_vec()));
        Some(Self {
            election,
            holder,
            command: command.collect(),
            times,
            loudness,
            privileges,
            blocked,
            group,
        })
    }
}

fn number<T: std::str::FromStr>(word: &OsStr) -> Option<T> {
    word.to_str()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::{Job, JobTimes, Privileges};
    use crate::say::Loudness;
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    use std::time::Duration;

    #[test]
    fn a_job_comes_back_as_it_was() {
        let strange = OsStr::from_bytes(b"\xff\n \x01");
        let job = Job {
            election: "file:/x y".into(),
            holder: "Köln".into(),
            command: vec!["sh".into(), "".into(), strange.into(), "".into()],
            times: JobTimes {
                grace: Duration::from_secs(4),
                lease: Duration::from_secs(15),
                request: Duration::from_nanos(1),
            },
            loudness: Loudness::Verbose(3),
            privileges: Privileges::MayBeGained,
            blocked: 1 << 14,
            group: 4711,
        };
        assert_eq!(Job::from_bytes(&job.to_bytes()), Some(job));
        assert_eq!(Job::from_bytes(b"file:/x\0"), None);
    }
}
