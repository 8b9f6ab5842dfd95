//! What the tests are made of: a place for an election, and a program that runs in it.

use rustix::process::{Pid, Signal, geteuid, kill_process};
use std::fmt::Write as _;
use std::fs::{self, File, OpenOptions};
use std::io::{BufRead, BufReader, Read, Write as _};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// How long anything may take before a test gives up on it. Shorter where it is known to fail.
fn patience() -> Duration {
    let seconds = std::env::var("TEST_PATIENCE_SECONDS").ok();
    let seconds = seconds.and_then(|seconds| seconds.parse().ok());
    Duration::from_secs(seconds.unwrap_or(60))
}

/// A folder with a file for an election.
pub struct Place {
    folder: TempDir,
}

impl Place {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        Self { folder }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn record(&self) -> PathBuf {
        self.path("leader.json")
    }

    pub fn url(&self) -> String {
        format!("file:{}", self.record().display())
    }

    /// How many files there are.
    pub fn files(&self) -> usize {
        fs::read_dir(self.folder.path())
            .expect("the folder")
            .count()
    }

    /// `consensus run` here, with these flags and this shell script. The script's `$1` is the folder.
    pub fn run(&self, flags: &str, script: &str) -> Started {
        Started::new(self.command(flags, script))
    }

    /// The same as a shell with job control does it, in a group of its own: else, if the tests lead their
    /// session, nobody could let it go on after a pause.
    pub fn run_as_a_job(&self, flags: &str, script: &str) -> Started {
        let mut command = self.command(flags, script);
        command.process_group(0);
        Started::new(command)
    }

    fn command(&self, flags: &str, script: &str) -> Command {
        let mut command = consensus();
        command.arg("run").args(flags.split_whitespace());
        command.arg(self.url()).arg("--");
        command
            .args(["sh", "-c", script, "sh"])
            .arg(self.folder.path());
        command
    }

    /// Waits until the command has written this file, and gives what it says.
    pub fn wait_for_file(&self, name: &str) -> String {
        let mut content = String::new();
        until(&format!("the file {name}"), || {
            content = fs::read_to_string(self.path(name)).unwrap_or_default();
            content.ends_with('\n')
        });
        content.trim().to_owned()
    }

    /// Waits until a file that others write has this in it.
    pub fn wait_for_text(&self, name: &str, text: &str) {
        until(&format!("{text:?} in the file {name}"), || {
            let content = fs::read_to_string(self.path(name));
            content.is_ok_and(|content| content.contains(text))
        });
    }

    /// Stops everybody from writing the record, as long as it lives: a process that is stopped in the
    /// middle of a write would do the same.
    pub fn block_writes(&self) -> File {
        use nix::fcntl::{FcntlArg, fcntl};
        let lock_file = OpenOptions::new()
            .write(true)
            .open(self.path("leader.json.lock"))
            .expect("the lock file");
        let mutex = nix::libc::flock {
            l_type: i16::try_from(nix::libc::F_WRLCK).expect("small"),
            l_whence: i16::try_from(nix::libc::SEEK_SET).expect("small"),
            l_start: 0,
            l_len: 1,
            l_pid: 0,
        };
        until("the lock", || {
            fcntl(&lock_file, FcntlArg::F_OFD_SETLK(&mutex)).is_ok()
        });
        lock_file
    }
}

/// The program, with nothing of ours in its environment.
pub fn consensus() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_consensus"));
    clean(&mut command);
    command
}

/// Takes what is meant for `consensus` out of a command's environment.
pub fn clean(command: &mut Command) {
    for (name, _) in std::env::vars_os() {
        if name.as_encoded_bytes().starts_with(b"CONSENSUS_") {
            command.env_remove(name);
        }
    }
    command.stdin(Stdio::null());
}

/// Waits until something is so.
pub fn until(what: &str, is_so: impl FnMut() -> bool) {
    look_until(what, Duration::from_millis(5), is_so);
}

fn look_until(what: &str, pause: Duration, mut is_so: impl FnMut() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed() < patience(), "never came: {what}");
        thread::sleep(pause);
    }
}

/// Whether a process lives: it is there, and not just waiting to be reaped.
pub fn lives(process: &str) -> bool {
    fs::read_to_string(format!("/proc/{process}/stat")).is_ok_and(|stat| {
        let state = stat.rsplit(')').next().unwrap_or_default();
        !state.trim_start().starts_with(['Z', 'X'])
    })
}

/// Whether a process is stopped, as Ctrl-Z does it.
pub fn is_stopped(process: &str) -> bool {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    stat.contains(") T ")
}

/// The children of a process that has one thread, or starts all from its first.
pub fn children(process: &str) -> Vec<String> {
    let list = format!("/proc/{process}/task/{process}/children");
    let list = fs::read_to_string(list).unwrap_or_default();
    list.split_whitespace().map(str::to_owned).collect()
}

/// A shell script that knows `$run`, `$url` and `$D`, the folder.
pub fn script(place: &Place, text: &str) -> Command {
    let mut command = Command::new("sh");
    clean(&mut command);
    command.args(["-c", text]);
    know(&mut command, place);
    command
}

/// Lets a shell know what is tested, and where.
pub fn know(command: &mut Command, place: &Place) {
    command
        .env("run", format!("{} run", env!("CARGO_BIN_EXE_consensus")))
        .env("url", place.url())
        .env("D", place.path(""));
}

/// This command, as the first process of a namespace of its own, if that can be had here.
pub fn first_process(inner: &Command) -> Option<Command> {
    let mut flags = vec!["--pid", "--fork", "--mount-proc"];
    if !geteuid().is_root() {
        flags.extend(["--user", "--map-root-user"]);
    }
    let mut probe = Command::new("unshare");
    let works = probe.args(&flags).arg("true").status();
    if !works.is_ok_and(|status| status.success()) {
        skip("no pid namespace can be made with unshare(1)");
        return None;
    }
    flags.push("--");
    Some(below("unshare", &flags, inner))
}

/// This command, started by another.
pub fn below(outer: &str, flags: &[&str], inner: &Command) -> Command {
    let mut command = Command::new(outer);
    clean(&mut command);
    command.args(flags);
    command.arg(inner.get_program()).args(inner.get_args());
    for (name, value) in inner.get_envs() {
        if let Some(value) = value {
            command.env(name, value);
        }
    }
    command
}

/// Whether there is such a program.
pub fn has(name: &str) -> bool {
    let there = Command::new(name).arg("--version").output().is_ok();
    if !there {
        skip(&format!("there is no {name}"));
    }
    there
}

/// Says why a test did nothing. In CI nothing is skipped.
pub fn skip(why: &str) {
    assert!(
        std::env::var_os("CI").is_none(),
        "in CI nothing is skipped: {why}"
    );
    // Not by a macro, whose output the test runner keeps to itself.
    let _ = writeln!(std::io::stderr(), "SKIPPED: {why}");
}

/// Signals a process that may have ended meanwhile, and has not been reaped by a test.
pub fn signal_if_there(process: &str, signal: Signal) {
    let process: i32 = process.parse().expect("a process id");
    let process = Pid::from_raw(process).expect("a process id");
    let _ = kill_process(process, signal);
}

/// Signals a process that a test started, directly or not.
pub fn signal(process: &str, signal: Signal) {
    let process: i32 = process.parse().expect("a process id");
    let process = Pid::from_raw(process).expect("a process id");
    kill_process(process, signal).expect("it is there");
}

/// A program that was started.
pub struct Started {
    child: Child,
    stdout: Receiver<String>,
    stderr: Receiver<String>,
    said: String,
}

/// How a program ended.
#[derive(Debug)]
pub struct Done {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Started {
    pub fn new(mut command: Command) -> Self {
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the program");
        let mut pipe = child.stdout.take().expect("piped");
        let (all, stdout) = channel();
        thread::spawn(move || {
            let mut text = String::new();
            if pipe.read_to_string(&mut text).is_ok() {
                let _ = all.send(text);
            }
        });
        let stderr = BufReader::new(child.stderr.take().expect("piped"));
        let (lines, heard) = channel();
        thread::spawn(move || {
            for line in stderr.lines().map_while(Result::ok) {
                let _ = lines.send(line);
            }
        });
        Self {
            child,
            stdout,
            stderr: heard,
            said: String::new(),
        }
    }

    /// Waits until it says this.
    #[must_use]
    pub fn says(mut self, words: &str) -> Self {
        self.hear(words);
        self
    }

    /// The same, for who has it in a place of its own.
    pub fn hear(&mut self, words: &str) {
        loop {
            let line = self
                .stderr
                .recv_timeout(patience())
                .unwrap_or_else(|error| {
                    panic!("never said {words:?} ({error}); it said:\n{}", self.said)
                });
            writeln!(self.said, "{line}").expect("a string takes all");
            if line.contains(words) {
                return;
            }
        }
    }

    /// What it has said so far, as far as that was waited for.
    pub fn said(&self) -> &str {
        &self.said
    }

    pub fn id(&self) -> String {
        self.child.id().to_string()
    }

    /// Its guard, as soon as there is one.
    pub fn guard(&self) -> String {
        let children = format!("/proc/{0}/task/{0}/children", self.child.id());
        let mut guard = String::new();
        look_until("a guard", Duration::ZERO, || {
            guard = fs::read_to_string(&children).unwrap_or_default();
            !guard.is_empty()
        });
        guard.trim().to_owned()
    }

    #[must_use]
    pub fn gets(self, signal: Signal) -> Self {
        self::signal(&self.id(), signal);
        self
    }

    /// Waits for its end alone. A signal that ended it is below zero.
    pub fn code(&mut self) -> i32 {
        let mut ended = None;
        until("its end", || {
            ended = self.child.try_wait().expect("a child");
            ended.is_some()
        });
        let status = ended.expect("ended");
        let signal = || -status.signal().unwrap_or_default();
        status.code().unwrap_or_else(signal)
    }

    /// Waits for its end, and that of all that it started.
    pub fn done(mut self) -> Done {
        let code = self.code();
        let stdout = self.stdout.recv_timeout(patience());
        let stdout = stdout.expect("it left something behind that holds its stdout");
        while let Ok(line) = self.stderr.recv_timeout(patience()) {
            writeln!(self.said, "{line}").expect("a string takes all");
        }
        Done {
            code,
            stdout,
            stderr: std::mem::take(&mut self.said),
        }
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        // A test that failed leaves nothing running.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Done {
    /// Asserts the exit code, and shows everything if it is another.
    #[must_use]
    pub fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{self:#?}");
        self
    }

    /// Asserts what was said, and shows everything if it was not.
    #[must_use]
    pub fn having_said(self, words: &str) -> Self {
        assert!(self.stderr.contains(words), "not {words:?}: {self:#?}");
        self
    }
}

/// Runs the program with these arguments to its end.
pub fn outcome(arguments: &[&str]) -> Done {
    let mut command = consensus();
    command.args(arguments);
    Started::new(command).done()
}
