//! One election among three candidates, each followed by another as soon as it ends.

use super::checker::{self, Findings, Piece};
use super::dice::Dice;
use super::processes::{self, CANDIDATE, Process, ROLE};
use super::work::{BRIEF, LENGTH, LOG};
use super::{clock, unguarded, work};
use crate::bench::{clean, consensus};
use rustix::process::{Pid, Signal, kill_process};
use std::collections::HashSet;
use std::fs::{self, File, OpenOptions};
use std::os::unix::fs::FileExt;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// Of all candidates.
pub const LEASE: Duration = Duration::from_secs(3);
const CANDIDATES: usize = 3;
/// How long any one thing may take before the run is given up. Generous: machines are busy.
const PATIENCE: Duration = Duration::from_secs(60);

/// Who takes part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `consensus run`.
    Program,
    /// The same work without a guard.
    Unguarded,
}

#[derive(Debug)]
pub struct Arena {
    kind: Kind,
    folder: PathBuf,
    log: File,
    candidates: Vec<(u64, Child)>,
    started: u64,
    heard: (u64, Instant),
    /// Those that were hit twice at once: nobody ended their work.
    pub doubled: HashSet<u64>,
}

impl Arena {
    pub fn open(kind: Kind, dice: &mut Dice) -> Self {
        let folder = tempfile::Builder::new()
            .prefix("soak")
            .tempdir()
            .expect("a folder")
            .keep();
        let log = OpenOptions::new()
            .read(true)
            .append(true)
            .create_new(true)
            .open(folder.join("work.log"))
            .expect("a log");
        let mut arena = Self {
            kind,
            folder,
            log,
            candidates: Vec::new(),
            started: 0,
            heard: (0, Instant::now()),
            doubled: HashSet::new(),
        };
        arena.keep_up(dice);
        arena
    }

    /// What all processes here are marked with.
    pub fn mark(&self) -> String {
        let name = self.folder.file_name().and_then(|name| name.to_str());
        name.expect("we named it").to_owned()
    }

    /// Every process of every candidate.
    pub fn processes(&self) -> Vec<Process> {
        processes::all(&self.mark())
    }

    /// Whether it has not been followed by another.
    pub fn takes_part(&self, candidate: u64) -> bool {
        self.candidates
            .iter()
            .any(|(number, _)| *number == candidate)
    }

    /// Starts another candidate for each that has ended.
    pub fn keep_up(&mut self, dice: &mut Dice) {
        self.candidates
            .retain_mut(|(_, child)| child.try_wait().expect("our child").is_none());
        while self.candidates.len() < CANDIDATES {
            self.start(dice);
        }
        let length = self.log.metadata().expect("the log").len();
        if length > self.heard.0 {
            self.heard = (length, Instant::now());
        }
        let silence = self.heard.1.elapsed();
        let folder = self.folder.display();
        assert!(silence < PATIENCE, "nobody works in {folder}");
    }

    fn start(&mut self, dice: &mut Dice) {
        self.started += 1;
        let mark = format!("{}-{}", self.mark(), self.started);
        let record = self.folder.join("leader.json");
        let said = File::options()
            .append(true)
            .create(true)
            .open(self.folder.join("said.log"))
            .expect("a file");
        let itself = std::env::current_exe().expect("this program");
        let mut command = match self.kind {
            Kind::Program => {
                let mut command = consensus();
                command.args(["run", "-v", &format!("--lease={}ms", LEASE.as_millis())]);
                command.arg(format!("--id=candidate-{}", self.started));
                command.arg(format!("file:{}", record.display())).arg("--");
                if dice.one_in(4) {
                    // Deaf: the work ignores SIGTERM, all of it.
                    command.args(["sh", "-c", "trap '' TERM; exec \"$@\"", "sh"]);
                }
                command.arg(itself).args(work::ARGUMENTS);
                command
            }
            Kind::Unguarded => {
                let mut command = Command::new(itself);
                clean(&mut command);
                command.args(unguarded::ARGUMENTS);
                command.env(unguarded::RECORD, record);
                command
            }
        };
        if dice.one_in(4) {
            command.env(BRIEF, (100 + dice.below(2_000)).to_string());
        }
        let child = command
            .env(CANDIDATE, mark)
            .env(ROLE, "command")
            .env(LOG, self.folder.join("work.log"))
            // What stops its group is not to stop this.
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(said)
            .spawn()
            .expect("a candidate");
        self.candidates.push((self.started, child));
    }

    /// The candidate that works now, if one does.
    pub fn leader(&self) -> Option<u64> {
        let length = self.log.metadata().ok()?.len();
        let mut line = [0; LENGTH];
        let at = length.checked_sub(LENGTH as u64)?;
        self.log.read_exact_at(&mut line, at).ok()?;
        let Piece { at, candidate, .. } = checker::parse(std::str::from_utf8(&line).ok()?)?;
        (clock::now().saturating_sub(at) < 100_000_000).then_some(candidate)
    }

    /// Ends everybody, and looks at what they did.
    pub fn close(mut self) -> Findings {
        for (_, child) in &self.candidates {
            let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
            let _ = kill_process(pid.expect("a pid"), Signal::TERM);
        }
        let given_up = Instant::now() + PATIENCE;
        let mut left = self.processes();
        let unguarded = self.kind == Kind::Unguarded;
        let is_excused = |process: &Process| unguarded || self.doubled.contains(&process.candidate);
        while !left.is_empty() && Instant::now() < given_up {
            for process in left.iter().filter(|process| is_excused(process)) {
                process.gets(Signal::KILL);
            }
            for (_, child) in &mut self.candidates {
                let _ = child.try_wait();
            }
            sleep(Duration::from_millis(20));
            left = self.processes();
        }
        let log = fs::read_to_string(self.folder.join("work.log")).expect("the log");
        let mut findings = checker::check(&log, &self.doubled);
        findings.left = left.len() as u64;
        if unguarded || findings.overlaps + findings.falls + findings.left == 0 {
            fs::remove_dir_all(&self.folder).expect("our own folder");
        } else {
            println!("see {}: left are {left:?}", self.folder.display());
        }
        findings
    }
}

/// Nothing outlives the test, also if it fails.
impl Drop for Arena {
    fn drop(&mut self) {
        for _ in 0..3 {
            for process in self.processes() {
                process.gets(Signal::KILL);
            }
        }
        for (_, child) in &mut self.candidates {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}
