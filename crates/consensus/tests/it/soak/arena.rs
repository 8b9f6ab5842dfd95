//! One election among three real processes, and what is done to them.

use super::checker::{self, Findings};
use rustix::process::{Pid, Signal, kill_process};
use rustix::time::{ClockId, clock_gettime};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// Set for a candidate: which store it runs on.
pub const STORE: &str = "SOAK_STORE";
const LEASE: Duration = Duration::from_secs(3);
/// How long any one thing may take before the run is given up. Generous: machines are busy.
const PATIENCE: Duration = Duration::from_secs(120);

#[derive(Clone, Copy, Debug)]
pub enum Act {
    /// SIGKILL.
    Kill,
    /// SIGSTOP for longer than the lease, then SIGCONT.
    Stop,
    /// SIGTERM.
    Term,
}

#[derive(Clone, Copy, Debug)]
pub enum Aim {
    Anywhere,
    /// At the moment at which the leader has written its renewal aside.
    AtARenewal,
}

pub struct Arena {
    folder: PathBuf,
    store: &'static str,
    candidates: Vec<Child>,
    started: u32,
}

impl Arena {
    pub fn open(store: &'static str) -> Self {
        let folder = tempfile::Builder::new()
            .prefix("soak")
            .tempdir()
            .expect("a folder")
            .keep();
        let mut arena = Self {
            folder,
            store,
            candidates: Vec::new(),
            started: 0,
        };
        for _ in 0..3 {
            arena.start();
        }
        arena
    }

    fn start(&mut self) {
        self.started += 1;
        let program = std::env::current_exe().expect("this program");
        let child = Command::new(program)
            .args([
                "--exact",
                "soak::soak_candidate",
                "--nocapture",
                "--test-threads=1",
            ])
            .env(STORE, self.store)
            .env("INSTANCE_ID", format!("instance-{}", self.started))
            .env("LEADER_FILE", self.folder.join("leader.json"))
            .env("WORK_LOG", self.log())
            .env("LEASE", LEASE.as_secs().to_string())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .expect("a candidate");
        self.candidates.push(child);
    }

    /// The process that works now.
    pub fn await_leader(&mut self) -> u32 {
        let given_up = Instant::now() + PATIENCE;
        loop {
            if let Some((at, _, pid)) = self.last_piece()
                && boot_nanos().saturating_sub(at) < 100_000_000
                && self.candidates.iter().any(|child| child.id() == pid)
            {
                return pid;
            }
            assert!(
                Instant::now() < given_up,
                "nobody leads in {}",
                self.folder.display()
            );
            sleep(Duration::from_millis(2));
        }
    }

    /// Waits for the moment to act. Whether a renewal was seen in progress.
    pub fn take_aim(&self, aim: Aim, dice: &mut Dice) -> bool {
        match aim {
            Aim::Anywhere => {
                sleep(Duration::from_millis(dice.below(1_200)));
                false
            }
            Aim::AtARenewal => {
                let given_up = Instant::now() + LEASE;
                while Instant::now() < given_up {
                    if is_written_aside(&self.folder) {
                        return true;
                    }
                }
                false
            }
        }
    }

    pub fn act(&mut self, act: Act, leader: u32, dice: &mut Dice) {
        let number = self
            .candidates
            .iter()
            .position(|child| child.id() == leader);
        let number = number.expect("the leader is one of ours");
        match act {
            Act::Kill => {
                self.candidates[number].kill().expect("kill");
                self.end(number);
                sleep(Duration::from_millis(dice.below(500)));
                self.start();
            }
            Act::Stop => {
                signal(leader, Signal::STOP);
                sleep(LEASE + Duration::from_millis(300 + dice.below(1_500)));
                signal(leader, Signal::CONT);
            }
            Act::Term => {
                signal(leader, Signal::TERM);
                self.end(number);
                self.start();
            }
        }
    }

    fn end(&mut self, number: usize) {
        let mut child = self.candidates.remove(number);
        let given_up = Instant::now() + PATIENCE;
        while child.try_wait().expect("wait").is_none() {
            assert!(
                Instant::now() < given_up,
                "process {} does not end",
                child.id()
            );
            sleep(Duration::from_millis(1));
        }
    }

    /// Ends everybody, and looks at what they did.
    pub fn close(mut self) -> Findings {
        while let Some(child) = self.candidates.first() {
            signal(child.id(), Signal::TERM);
            self.end(0);
        }
        let findings = checker::check(&fs::read_to_string(self.log()).expect("the log"));
        if findings.overlaps == 0 && findings.falls == 0 {
            fs::remove_dir_all(&self.folder).expect("our own folder");
        }
        findings
    }

    fn log(&self) -> PathBuf {
        self.folder.join("work.log")
    }

    fn last_piece(&self) -> Option<(u64, u64, u32)> {
        let log = fs::read(self.log()).ok()?;
        let whole = &log[..log.iter().rposition(|byte| *byte == b'\n')?];
        let last = whole.rsplit(|byte| *byte == b'\n').next()?;
        checker::parse(std::str::from_utf8(last).ok()?)
    }
}

/// No candidate outlives the test, also if it fails.
impl Drop for Arena {
    fn drop(&mut self) {
        for child in &mut self.candidates {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

fn is_written_aside(folder: &Path) -> bool {
    let Ok(entries) = fs::read_dir(folder) else {
        return false;
    };
    entries
        .flatten()
        .any(|entry| entry.path().extension().is_some_and(|kind| kind == "aside"))
}

fn signal(pid: u32, signal: Signal) {
    let pid = i32::try_from(pid)
        .ok()
        .and_then(Pid::from_raw)
        .expect("a pid");
    kill_process(pid, signal).expect("one of our own children, not yet waited for");
}

fn boot_nanos() -> u64 {
    let now = clock_gettime(ClockId::Boottime);
    now.tv_sec.unsigned_abs() * 1_000_000_000 + now.tv_nsec.unsigned_abs()
}

pub fn seed() -> u64 {
    let given = std::env::var("SOAK_SEED")
        .ok()
        .and_then(|seed| seed.parse().ok());
    given.unwrap_or_else(boot_nanos)
}

/// Choices that a seed repeats.
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    pub fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % end
    }

    pub fn one_in(&mut self, many: u64) -> bool {
        self.below(many) == 0
    }

    pub fn shuffle<T>(&mut self, things: &mut [T]) {
        for last in (1..things.len()).rev() {
            let other = usize::try_from(self.below(last as u64 + 1)).expect("small");
            things.swap(last, other);
        }
    }
}
