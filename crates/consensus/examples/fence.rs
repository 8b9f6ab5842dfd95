//! A leader that is late, and the fence that stops it.
//!
//! `cargo run -p consensus-election --example fence`
//!
//! Two processes, one election, and an SQLite file that the leader writes to. The first leads, asks
//! whether it does, hears "yes", and is stopped before it acts. The second leads and writes. Then the first
//! goes on, and acts. Each writes two rows: one with the token in the condition of its UPDATE, the other
//! without. `consensus::fence` in the library's documentation tells why it is done in this way.
//!
//! This program starts the two processes and is what happens to them. All of it is in one folder, which
//! is gone when the story is over.

use consensus::{Config, FileBackend, Manager, Token};
use rusqlite::{Connection, named_params};
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process, waitid};
use std::error::Error;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

type Failure = Box<dyn Error>;

/// Set for a candidate: what it is called.
pub const NAME: &str = "FENCE_NAME";
/// Set for a candidate: the folder of the story.
pub const FOLDER: &str = "FENCE_FOLDER";

/// The row with a fence: a token that is lower than the row's changes nothing.
pub const FENCED: &str =
    "UPDATE job SET state = :state, token = :token WHERE id = :id AND token <= :token";
const FENCED_ID: i64 = 1;

/// The row without: whoever comes last wins, however late.
const OPEN: &str = "UPDATE job SET state = :state, token = :token WHERE id = :id";
const OPEN_ID: i64 = 2;

const LEASE: Duration = Duration::from_secs(3);
/// How long any one thing may take before the story is given up. Generous: machines are busy.
const PATIENCE: Duration = Duration::from_secs(120);

/// What a candidate prints for us starts with this: its line may have other things before it.
const MARK: &str = "[fence] ";

fn main() -> Result<(), Failure> {
    if let Some(folder) = std::env::var_os(FOLDER) {
        return candidate(&PathBuf::from(folder));
    }
    let program = std::env::current_exe()?;
    tell(|| Command::new(&program)).map(drop)
}

/// One of the two: leads, asks, and acts when it is told to, which may be too late.
///
/// # Errors
/// If the election or the database fails.
pub fn candidate(folder: &Path) -> Result<(), Failure> {
    // Nobody is left behind, stopped or not, if the story ends early.
    rustix::process::set_parent_process_death_signal(Some(Signal::KILL))?;
    let name = std::env::var(NAME)?;
    let db = Connection::open(folder.join("jobs.sqlite"))?;
    let backend = FileBackend::new(folder.join("leader.json"));
    let manager = Manager::new(backend, Config::new(&name).lease_duration(LEASE))?;
    let lease = manager.start();
    let mut words = std::io::stdin().lines();

    let term = loop {
        let term = lease.blocking_wait_for_leadership()?;
        // The question. `is_leader()` asks the same.
        if term.is_current() {
            break term;
        }
    };
    println!("{MARK}asked {}", term.token());
    // Anything may happen here, between asking and acting. Here it is a SIGSTOP.
    let _act = words.next();
    let fenced = update(&db, FENCED, FENCED_ID, &name, term.token())?;
    let open = update(&db, OPEN, OPEN_ID, &name, term.token())?;
    println!("{MARK}acted {fenced} {open} {}", term.is_current());

    let _end = words.next();
    Ok(manager.blocking_stop()?)
}

/// The number of rows that were changed: none says that we are late.
fn update(db: &Connection, sql: &str, id: i64, name: &str, token: Token) -> Result<usize, Failure> {
    let state = format!("written by the {name}");
    let token = i64::try_from(token.get())?;
    let values = named_params! { ":id": id, ":state": state, ":token": token };
    Ok(db.execute(sql, values)?)
}

/// What was seen of one candidate.
#[derive(Debug)]
pub struct Seen {
    /// The token of its term.
    pub token: u64,
    /// How many rows its UPDATE changed that had the token in its condition.
    pub fenced: usize,
    /// How many the other changed.
    pub open: usize,
    /// Whether its term went on when it had acted.
    pub current: bool,
}

/// What happened.
#[derive(Debug)]
pub struct Story {
    /// The one that was stopped.
    pub first: Seen,
    /// The one that took over.
    pub second: Seen,
    /// Who wrote the row with a fence last, and under which token.
    pub fenced: (String, u64),
    /// The same of the row without.
    pub open: (String, u64),
}

/// Lets it happen, and tells it. The command starts a candidate.
///
/// # Errors
/// If something did not go as told here.
pub fn tell(command: impl Fn() -> Command) -> Result<Story, Failure> {
    let folder = tempfile::Builder::new().prefix("fence").tempdir()?;
    let folder = folder.path();
    let db = Connection::open(folder.join("jobs.sqlite"))?;
    db.execute_batch(
        "CREATE TABLE job (id INTEGER PRIMARY KEY, state TEXT NOT NULL, token INTEGER NOT NULL);
         INSERT INTO job VALUES (1, 'new', 0), (2, 'new', 0);",
    )?;

    let mut first = Actor::start(command(), "first", folder)?;
    let first_token = first.await_asked()?;
    first.stop()?;
    println!("first:  is stopped before it acts (SIGSTOP)");

    let mut second = Actor::start(command(), "second", folder)?;
    let second_token = second.await_asked()?;
    let second = (second.act(second_token)?, second);

    println!("first:  goes on (SIGCONT) and acts, too late");
    first.go_on()?;
    let first = (first.act(first_token)?, first);

    let story = Story {
        fenced: row(&db, FENCED_ID)?,
        open: row(&db, OPEN_ID)?,
        first: first.0,
        second: second.0,
    };
    let ((fenced, by_fenced), (open, by_open)) = (&story.fenced, &story.open);
    println!("the row with a fence: {fenced}, token {by_fenced}");
    println!("the row without:      {open}, token {by_open}");
    first.1.end()?;
    second.1.end()?;
    Ok(story)
}

fn row(db: &Connection, id: i64) -> Result<(String, u64), Failure> {
    let sql = "SELECT state, token FROM job WHERE id = ?1";
    let (state, token): (_, i64) = db.query_row(sql, [id], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok((state, u64::try_from(token)?))
}

/// A candidate as seen from here.
struct Actor {
    name: &'static str,
    process: Child,
    /// `None`: it was told to end.
    words: Option<ChildStdin>,
    lines: Receiver<String>,
}

impl Actor {
    fn start(mut command: Command, name: &'static str, folder: &Path) -> Result<Self, Failure> {
        let mut process = command
            .env(NAME, name)
            .env(FOLDER, folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let words = process.stdin.take();
        let output = process.stdout.take().ok_or("its output is ours")?;
        let (sender, lines) = channel();
        // So that we need not wait for ever. It ends with the process.
        std::thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                if let Some((_, words)) = line.split_once(MARK) {
                    let _ = sender.send(words.to_owned());
                }
            }
        });
        Ok(Self {
            name,
            process,
            words,
            lines,
        })
    }

    /// Its token, when it leads, has asked and was told "yes".
    fn await_asked(&self) -> Result<u64, Failure> {
        let line = self.lines.recv_timeout(PATIENCE)?;
        let token = line
            .strip_prefix("asked ")
            .ok_or_else(|| unexpected(&line))?;
        let name = self.colon();
        println!("{name:7} leads, token {token}; asks whether it does: yes");
        Ok(token.parse()?)
    }

    fn act(&mut self, token: u64) -> Result<Seen, Failure> {
        let words = self.words.as_mut().ok_or("it was told to end")?;
        words.write_all(b"act\n")?;
        let line = self.lines.recv_timeout(PATIENCE)?;
        let mut rest = line.split(' ').skip(1);
        let mut next = || rest.next().ok_or_else(|| unexpected(&line));
        let seen = Seen {
            token,
            fenced: next()?.parse()?,
            open: next()?.parse()?,
            current: next()?.parse()?,
        };
        let (name, Seen { fenced, open, .. }) = (self.colon(), &seen);
        let answer = if seen.current { "yes" } else { "no" };
        println!("{name:7} its UPDATE with a fence, rows changed: {fenced}");
        println!("{name:7} its UPDATE without, rows changed:      {open}");
        println!("{name:7} asks again whether it leads: {answer}");
        Ok(seen)
    }

    fn stop(&self) -> Result<(), Failure> {
        kill_process(self.pid()?, Signal::STOP)?;
        // Only looks: if it has ended, that is for `Child` to learn.
        let looks = WaitIdOptions::STOPPED | WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
        match waitid(WaitId::Pid(self.pid()?), looks)? {
            Some(status) if status.stopped() => Ok(()),
            Some(_) | None => Err("it ended and was not stopped".into()),
        }
    }

    fn go_on(&self) -> Result<(), Failure> {
        Ok(kill_process(self.pid()?, Signal::CONT)?)
    }

    /// Its lease is released, if it has one.
    fn end(mut self) -> Result<(), Failure> {
        self.words = None;
        // It has nothing more to say: what comes is that its output is closed.
        if self.lines.recv_timeout(PATIENCE) != Err(RecvTimeoutError::Disconnected) {
            return Err(format!("the {} does not end", self.name).into());
        }
        let status = self.process.wait()?;
        if status.success() {
            return Ok(());
        }
        Err(format!("the {} ended with {status}", self.name).into())
    }

    fn pid(&self) -> Result<Pid, Failure> {
        Ok(Pid::from_raw(i32::try_from(self.process.id())?).ok_or("a process has a number")?)
    }

    fn colon(&self) -> String {
        format!("{}:", self.name)
    }
}

fn unexpected(line: &str) -> String {
    format!("a candidate said what it should not: {line}")
}

/// Nobody outlives the story, also if it fails.
impl Drop for Actor {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
