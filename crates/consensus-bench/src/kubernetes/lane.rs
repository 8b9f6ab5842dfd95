//! Candidates of one kind for one Lease, of whom one leads: it is replaced again and again, at a random time of
//! everybody's rhythm, and the time that this takes is measured.

use super::bed::Bed;
use super::candidate::{Candidate, Kind, Said};
use crate::clock;
use crate::failure::Failure;
use crate::lane::End;
use crate::samples::Samples;
use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::Duration;

/// How many wait for the leader's place.
const FOLLOWERS: usize = 2;

/// Longer than anybody's rhythm: ours renew every 5 s at the latest, and client-go's poll every 2 to 4.4 s.
const RHYTHM: Duration = Duration::from_secs(5);

/// Nothing here takes as long: not even the wait for a lease to run out.
const PATIENCE: u64 = 90_000_000_000;

pub(crate) struct Lane<'a> {
    bed: &'a Bed,
    kind: Kind,
    lease: String,
    started: usize,
    candidates: Vec<Candidate>,
    leader: Option<String>,
    /// Whom each candidate has last seen leading.
    seen: BTreeMap<String, String>,
    speak: Sender<(String, Said)>,
    hear: Receiver<(String, Said)>,
}

/// Replaces the leader of a new lane so many times. With a `turn`, only one lane at a time does anything but
/// wait.
pub(crate) fn replace(
    mut lane: Lane<'_>,
    end: End,
    rounds: usize,
    mut random: fastrand::Rng,
    turn: Option<&Mutex<()>>,
) -> Result<Samples, Failure> {
    let mut samples = Samples::default();
    lane.settle()?;
    for _ in 0..rounds {
        clock::pause(RHYTHM.mul_f64(random.f64()));
        // Who failed in its turn has said so.
        let turn = turn.map(|turn| {
            turn.lock()
                .unwrap_or_else(std::sync::PoisonError::into_inner)
        });
        samples.add(lane.replace(end)?);
        lane.settle()?;
        drop(turn);
    }
    Ok(samples)
}

impl<'a> Lane<'a> {
    /// Nobody takes part yet.
    pub(crate) fn new(bed: &'a Bed, kind: Kind, lease: String) -> Self {
        let (speak, hear) = channel();
        Self {
            bed,
            kind,
            lease,
            started: 0,
            candidates: Vec::new(),
            leader: None,
            seen: BTreeMap::new(),
            speak,
            hear,
        }
    }

    /// Starts who is missing, and waits until one leads and all others know whom to wait for.
    fn settle(&mut self) -> Result<(), Failure> {
        while self.candidates.len() <= FOLLOWERS {
            self.started += 1;
            let identity = format!("{}-{}", self.lease, self.started);
            let speak = self.speak.clone();
            let candidate = Candidate::start(self.bed, self.kind, &self.lease, identity, speak)?;
            self.candidates.push(candidate);
        }
        let since = clock::now();
        while !self.all_wait() {
            self.listen()?;
            self.check_patience(since, "all others wait for the leader's end")?;
        }
        Ok(())
    }

    /// Ends the leader, and gives the time until its successor's first instruction, in nanoseconds.
    fn replace(&mut self, end: End) -> Result<u64, Failure> {
        let is_leader = |candidate: &Candidate| Some(&candidate.identity) == self.leader.as_ref();
        let Some(leads) = self.candidates.iter().position(is_leader) else {
            return Err(Failure::new("nobody leads"));
        };
        let mut leader = self.candidates.remove(leads);
        self.leader = None;
        let ended = clock::now();
        leader.end(end)?;
        let at = loop {
            if let Some(at) = self.listen()? {
                break at;
            }
            self.check_patience(ended, "somebody takes the leader's place")?;
        };
        leader.wait()?;
        at.checked_sub(ended)
            .ok_or_else(|| Failure::new("somebody led before the leader had been ended"))
    }

    /// Hears the next thing that is said. `Some`: somebody leads, since then.
    fn listen(&mut self) -> Result<Option<u64>, Failure> {
        let (identity, said) = match self.hear.recv_timeout(Duration::from_millis(100)) {
            Ok(heard) => heard,
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => return Ok(None),
        };
        match said {
            Said::Sees(leader) => {
                self.seen.insert(identity, leader);
                Ok(None)
            }
            Said::Leads(at) => {
                if let Some(leader) = &self.leader {
                    return Err(Failure::new(format!("{identity} leads after {leader}")));
                }
                self.leader = Some(identity);
                Ok(Some(at))
            }
        }
    }

    fn all_wait(&self) -> bool {
        let Some(leader) = &self.leader else {
            return false;
        };
        let others = self.candidates.iter().map(|candidate| &candidate.identity);
        let mut others = others.filter(|identity| *identity != leader);
        others.all(|identity| self.seen.get(identity) == Some(leader))
    }

    fn check_patience(&self, since: u64, what: &str) -> Result<(), Failure> {
        if clock::now() - since < PATIENCE {
            return Ok(());
        }
        let kind = self.kind.name();
        let message = format!("waited for too long until {what} ({kind})");
        Err(Failure::new(message))
    }
}
