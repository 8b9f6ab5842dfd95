//! The work of a candidate: a command, its child, and what left by a double fork and `setsid`. Each writes
//! down when it works, while it does, in lines of one length that are appended at once: a SIGKILL leaves
//! the last of them whole, and the order of the lines is that of the writes.

use super::clock;
use super::processes::{CANDIDATE, ROLE};
use rustix::process::setsid;
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::process::Command;
use std::time::Duration;

/// Where it is written down.
pub const LOG: &str = "SOAK_LOG";
/// Set for a command that ends by itself: after so many milliseconds.
pub const BRIEF: &str = "SOAK_BRIEF";
/// A line's. It divides a page, so no line is torn between two.
pub const LENGTH: usize = 64;

/// Between two pieces of work of one process. Three for each election, and the machine is busy enough.
const PIECE: Duration = Duration::from_millis(4);

/// The test that is run again as the work.
pub const ARGUMENTS: [&str; 4] = [
    "--exact",
    "soak::soak_work",
    "--nocapture",
    "--test-threads=1",
];

/// Works in this role until it is killed, or its time is over.
#[allow(
    clippy::zombie_processes,
    reason = "what is left behind is the subject"
)]
pub fn run(role: &str) {
    let mut log = Log::open();
    if role == "leaver" {
        setsid().expect("a session of its own");
        again("escaped").spawn().expect("what escapes");
        return;
    }
    // First of all, before anything is started.
    log.write();
    if role == "command" {
        again("child").spawn().expect("a child");
        let mut leaver = again("leaver").spawn().expect("one that leaves");
        leaver.wait().expect("it only starts another");
    }
    let brief = std::env::var(BRIEF).ok().and_then(|time| time.parse().ok());
    let over = brief.map(|millis: u64| clock::now() + millis * 1_000_000);
    while role != "command" || over.is_none_or(|over| clock::now() < over) {
        log.write();
        std::thread::sleep(PIECE);
    }
}

fn again(role: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().expect("this program"));
    command.args(ARGUMENTS).env(ROLE, role);
    command
}

struct Log {
    file: File,
    token: u64,
    candidate: u64,
}

impl Log {
    fn open() -> Self {
        let variable = |name: &str| std::env::var(name).unwrap_or_else(|_| panic!("{name}?"));
        let candidate = variable(CANDIDATE);
        let (_, candidate) = candidate.rsplit_once('-').expect("a number at its end");
        Self {
            file: OpenOptions::new()
                .append(true)
                .open(variable(LOG))
                .expect("the log"),
            token: variable("CONSENSUS_TOKEN").parse().expect("a number"),
            candidate: candidate.parse().expect("a number"),
        }
    }

    fn write(&mut self) {
        let (now, token, candidate) = (clock::now(), self.token, self.candidate);
        let width = LENGTH - 1;
        let line = format!(
            "{:<width$}\n",
            format_args!("{now} {token} {candidate}").to_string()
        );
        self.file.write_all(line.as_bytes()).expect("written");
    }
}
