//! A line of processes of one kind, of which one leads: it is replaced again and again, and the time
//! that this takes is measured.

use crate::clock;
use crate::failure::Failure;
use crate::processes::{Kind, Process, Said};
use crate::samples::Samples;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::Duration;

/// How a leader ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// It is killed, and its end found out by the others.
    Killed,
    /// It is asked to stop, and gives up what it has.
    Asked,
}

/// One leader and those that wait to take its place.
#[derive(Debug)]
pub(crate) struct Lane {
    kind: Kind,
    followers: usize,
    folder: PathBuf,
    started: usize,
    processes: Vec<Process>,
    leader: Option<String>,
    /// Whom each candidate has last seen leading.
    seen: BTreeMap<String, String>,
    highest: u64,
    speak: Sender<(String, Said)>,
    hear: Receiver<(String, Said)>,
}

/// How long everybody is left alone once all wait, so that nobody is still busy with that.
const REST: Duration = Duration::from_millis(20);

/// Nothing here takes as long: not even the wait for a lease to run out.
const PATIENCE: u64 = 60_000_000_000;

/// Replaces the leader of each lane in turn, so that all meet the same load, and gives the times.
pub(crate) fn replace_in_turn(
    lanes: &mut [Lane],
    end: End,
    rounds: usize,
) -> Result<Vec<Samples>, Failure> {
    let mut samples: Vec<Samples> = lanes.iter().map(|_| Samples::default()).collect();
    for _ in 0..rounds {
        for (lane, samples) in lanes.iter_mut().zip(&mut samples) {
            lane.settle()?;
            samples.add(lane.replace(end)?);
        }
    }
    Ok(samples)
}

impl Lane {
    /// Nobody takes part yet. The files are in a new folder in this one.
    pub(crate) fn new(kind: Kind, followers: usize, within: &Path) -> Result<Self, Failure> {
        let name = format!(
            "consensus-bench-{}-{kind:?}-{followers}",
            std::process::id()
        );
        let folder = within.join(name);
        let failed = |error| Failure::cannot(&format!("make {}", folder.display()), error);
        fs::create_dir(&folder).map_err(failed)?;
        let (speak, hear) = channel();
        Ok(Self {
            kind,
            followers,
            folder,
            started: 0,
            processes: Vec::new(),
            leader: None,
            seen: BTreeMap::new(),
            highest: 0,
            speak,
            hear,
        })
    }

    /// Starts who is missing, and waits until one leads and all others wait to take its place.
    pub(crate) fn settle(&mut self) -> Result<(), Failure> {
        while self.processes.len() <= self.followers {
            self.started += 1;
            let name = format!("{:?}-{}", self.kind, self.started);
            let file = self.folder.join("leader");
            let process = Process::start(self.kind, &file, name, self.speak.clone())?;
            self.processes.push(process);
        }
        let since = clock::now();
        while !self.all_wait()? {
            self.listen(Duration::from_millis(1))?;
            self.check_patience(since, "all others wait for the leader's end")?;
        }
        clock::pause(REST);
        Ok(())
    }

    /// Ends the leader, and gives the time until its successor's first instruction, in nanoseconds.
    fn replace(&mut self, end: End) -> Result<u64, Failure> {
        let (led, waited): (Vec<_>, Vec<_>) = self
            .processes
            .drain(..)
            .partition(|process| Some(&process.name) == self.leader.as_ref());
        self.processes = waited;
        self.leader = None;
        let Some(mut leader) = led.into_iter().next() else {
            return Err(Failure::new("nobody leads"));
        };
        let asked = clock::now();
        match end {
            End::Killed => leader.kill()?,
            End::Asked => leader.ask_to_stop()?,
        }
        let at = loop {
            if let Some(at) = self.listen(Duration::from_secs(1))? {
                break at;
            }
            self.check_patience(asked, "somebody takes the leader's place")?;
        };
        leader.wait()?;
        at.checked_sub(asked)
            .ok_or_else(|| Failure::new("somebody led before the leader had been ended"))
    }

    pub(crate) fn leader(&self) -> Option<&Process> {
        let is_leader = |process: &&Process| Some(&process.name) == self.leader.as_ref();
        self.processes.iter().find(is_leader)
    }

    pub(crate) fn follower(&self) -> Option<&Process> {
        let follows = |process: &&Process| Some(&process.name) != self.leader.as_ref();
        self.processes.iter().find(follows)
    }

    /// Hears the next thing that is said, for so long. `Some`: somebody leads, since then.
    fn listen(&mut self, time: Duration) -> Result<Option<u64>, Failure> {
        let (name, said) = match self.hear.recv_timeout(time) {
            Ok(heard) => heard,
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => return Ok(None),
        };
        match said {
            Said::Follows(leader) => {
                self.seen.insert(name, leader);
                Ok(None)
            }
            Said::Leads { at, token } => {
                if self.kind.is_election() && token <= self.highest {
                    let highest = self.highest;
                    let message = format!("token {token} was given after {highest}");
                    return Err(Failure::new(message));
                }
                if let Some(leader) = &self.leader {
                    return Err(Failure::new(format!("{name} leads beside {leader}")));
                }
                self.highest = token;
                self.leader = Some(name);
                Ok(Some(at))
            }
        }
    }

    fn all_wait(&self) -> Result<bool, Failure> {
        let Some(leader) = &self.leader else {
            return Ok(false);
        };
        let locks = match self.kind {
            Kind::Library | Kind::Program => String::new(),
            Kind::FlockCommand | Kind::FlockCall => fs::read_to_string("/proc/locks")
                .map_err(|error| Failure::cannot("see who waits for a lock", error))?,
        };
        let waits = |process: &Process| match self.kind {
            Kind::Library | Kind::Program => self.seen.get(&process.name) == Some(leader),
            Kind::FlockCommand | Kind::FlockCall => is_blocked(process.id(), &locks),
        };
        let others = |process: &&Process| process.name != *leader;
        Ok(self.processes.iter().filter(others).all(waits))
    }

    fn check_patience(&self, since: u64, what: &str) -> Result<(), Failure> {
        if clock::now() - since < PATIENCE {
            return Ok(());
        }
        let message = format!("waited for too long until {what} ({:?})", self.kind);
        Err(Failure::new(message))
    }
}

impl Drop for Lane {
    fn drop(&mut self) {
        self.processes.clear();
        // What remains is in the folder for temporary files.
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// A line like `12: -> FLOCK  ADVISORY  WRITE 4711 08:01:1234 0 EOF` is of one that waits.
fn is_blocked(process: u32, locks: &str) -> bool {
    let process = process.to_string();
    locks.lines().any(|line| {
        let words: Vec<&str> = line.split_whitespace().collect();
        words.get(1..3) == Some(&["->", "FLOCK"]) && words.get(5) == Some(&process.as_str())
    })
}

#[cfg(test)]
mod tests {
    use super::is_blocked;

    #[test]
    fn only_who_waits_is_blocked() {
        let locks = "1: FLOCK  ADVISORY  WRITE 10 fe:00:7 0 EOF\n\
                     1: -> FLOCK  ADVISORY  WRITE 11 fe:00:7 0 EOF\n";
        assert!(!is_blocked(10, locks) && is_blocked(11, locks) && !is_blocked(12, locks));
    }
}
