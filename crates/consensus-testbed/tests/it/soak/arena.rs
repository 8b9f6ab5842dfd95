//! One election among three candidates of ours and three of client-go's, each followed by another as soon as
//! it ends, and what is done to them.

use super::dice::Dice;
use super::judge::{Act, Hit};
use crate::candidates::{Election, Kind, LEASE, Process, RETRY, now, until};
use crate::place::Place;
use crate::work::Term;
use rustix::process::Signal;
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// Of each kind.
const CANDIDATES: usize = 3;

/// Between two hits in one arena, in milliseconds: on average half of it.
const PAUSE: u64 = 1_500;

/// How long an election may be without work: longer than what no hit explains.
const PATIENCE: Duration = Duration::from_secs(60);

pub(super) struct Arena {
    election: Election,
    kubeconfig: PathBuf,
    candidates: Vec<Candidate>,
    started: u32,
    hits: Vec<Hit>,
}

struct Candidate {
    kind: Kind,
    process: Process,
    /// Until when it stands still, and whether it is asked to end then.
    stopped: Option<(Instant, bool)>,
}

impl Arena {
    pub(super) fn open(place: Place, kubeconfig: &Path) -> Self {
        let mut arena = Self {
            election: Election::over(place),
            kubeconfig: kubeconfig.to_owned(),
            candidates: Vec::new(),
            started: 0,
            hits: Vec::new(),
        };
        for _ in 0..CANDIDATES {
            arena.start(Kind::Ours);
            arena.start(Kind::ClientGo { releases: true });
        }
        arena
    }

    fn start(&mut self, kind: Kind) {
        self.started += 1;
        let who = match kind {
            Kind::Ours => "ours",
            Kind::ClientGo { .. } => "go",
        };
        let identity = format!("{who}-{}", self.started);
        let process = self
            .election
            .start(kind, &identity, &self.kubeconfig, RETRY);
        self.candidates.push(Candidate {
            kind,
            process,
            stopped: None,
        });
    }

    /// Hits them for this long. What they did then, and what was done to them.
    pub(super) fn run(mut self, time: Duration, dice: &mut Dice) -> (Vec<Term>, Vec<Hit>) {
        let begin = Instant::now();
        let mut next = begin;
        let mut heard = begin;
        while begin.elapsed() < time {
            self.keep_up();
            let last = self.election.last_piece();
            let leader = last.filter(|(at, _)| now() - at < 100_000_000);
            if leader.is_some() {
                heard = Instant::now();
            }
            assert!(heard.elapsed() < PATIENCE, "nobody works");
            if Instant::now() >= next {
                self.hit(leader.map(|(_, identity)| identity).as_deref(), dice);
                next = Instant::now() + Duration::from_millis(dice.below(PAUSE));
            }
            sleep(Duration::from_millis(20));
        }
        self.close()
    }

    /// What is due, and another candidate for each that has ended.
    fn keep_up(&mut self) {
        for number in 0..self.candidates.len() {
            self.go_on(number, false);
        }
        let mut ended = Vec::new();
        self.candidates.retain_mut(|candidate| {
            let has_ended = candidate.process.has_ended();
            ended.extend(has_ended.then_some(candidate.kind));
            !has_ended
        });
        for kind in ended {
            self.start(kind);
        }
    }

    fn go_on(&mut self, number: usize, now_already: bool) {
        let candidate = &mut self.candidates[number];
        let Some((until, is_asked)) = candidate.stopped else {
            return;
        };
        if Instant::now() < until && !now_already {
            return;
        }
        candidate.stopped = None;
        // Before it goes on, so that it finds it then.
        if is_asked {
            self.gets(number, Act::Term);
        }
        self.gets(number, Act::Continue);
    }

    fn hit(&mut self, leader: Option<&str>, dice: &mut Dice) {
        let stands = |candidate: &Candidate| candidate.stopped.is_some();
        let leads = |candidate: &Candidate| Some(&*candidate.process.identity) == leader;
        let all = self.candidates.iter().enumerate();
        let running = all.filter(|(_, candidate)| !stands(candidate));
        // The leader, most of the time.
        let anybody = dice.one_in(4);
        let among = running.filter(|(_, candidate)| anybody || leads(candidate));
        let among: Vec<usize> = among.map(|(number, _)| number).collect();
        let Some(number) = dice.pick(&among) else {
            return;
        };
        match dice.below(12) {
            0..3 => self.gets(number, Act::Kill),
            3..6 => self.gets(number, Act::Term),
            6..8 => self.stop_all_of_ours(dice),
            chosen => self.stop(number, chosen >= 10, dice),
        }
    }

    fn stop(&mut self, number: usize, is_asked: bool, dice: &mut Dice) {
        let over = LEASE + Duration::from_millis(200 + dice.below(2_000));
        self.gets(number, Act::Stop);
        self.candidates[number].stopped = Some((Instant::now() + over, is_asked));
    }

    /// Else these would nearly always be the first: they are told of changes, the others look for them.
    fn stop_all_of_ours(&mut self, dice: &mut Dice) {
        for number in 0..self.candidates.len() {
            let candidate = &self.candidates[number];
            if candidate.kind == Kind::Ours && candidate.stopped.is_none() {
                self.stop(number, false, dice);
            }
        }
    }

    fn gets(&mut self, number: usize, act: Act) {
        let process = &self.candidates[number].process;
        self.hits.push(Hit {
            at: now(),
            identity: process.identity.clone(),
            act,
        });
        process.gets(match act {
            Act::Kill => Signal::KILL,
            Act::Stop => Signal::STOP,
            Act::Continue => Signal::CONT,
            Act::Term => Signal::TERM,
        });
    }

    /// Ends everybody.
    fn close(mut self) -> (Vec<Term>, Vec<Hit>) {
        for number in 0..self.candidates.len() {
            self.go_on(number, true);
            self.gets(number, Act::Term);
        }
        let candidates = &mut self.candidates;
        until("all have ended", || {
            candidates
                .iter_mut()
                .all(|candidate| candidate.process.has_ended())
        });
        (self.election.work(), self.hits)
    }
}
