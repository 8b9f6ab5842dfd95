//! Candidates as processes of their own, by our library and by client-go's elector, which say the same
//! words and write the same record of their work.
//!
//! None outlives the test. Whoever ends it early, closes their standard input; and who stands still then, in
//! a process group of its own that nobody leads any more, is ended by the kernel.

use crate::place::{Place, patience};
use crate::work::{self, Term};
use consensus_testbed::{Cluster, client_go_elector};
use rustix::process::{Pid, Signal, kill_process};
use rustix::time::{ClockId, clock_gettime};
use std::fs::{self, File, OpenOptions};
use std::os::unix::fs::FileExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::{panicking, sleep};
use std::time::{Duration, Instant};

/// Of every candidate here, of both kinds.
pub(crate) const LEASE: Duration = Duration::from_secs(3);

/// How often who is in no hurry looks again. A leader of client-go's renews that often as well.
pub(crate) const RETRY: Duration = Duration::from_millis(500);

/// Whose candidate it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    Ours,
    /// Whether with `ReleaseOnCancel`.
    ClientGo {
        releases: bool,
    },
}

/// One Lease, and what its candidates leave behind.
#[derive(Debug)]
pub(crate) struct Election {
    pub(crate) place: Place,
    folder: PathBuf,
}

impl Election {
    pub(crate) fn over(place: Place) -> Self {
        // It goes with the cluster, also if the test is killed.
        let name = format!("{}-{}", place.namespace, place.name);
        let folder = Cluster::shared().folder().join(name);
        fs::create_dir(&folder).expect("one election there");
        Self { place, folder }
    }

    /// Starts a candidate that reaches the cluster by this.
    pub(crate) fn start(
        &self,
        kind: Kind,
        identity: &str,
        kubeconfig: &Path,
        retry: Duration,
    ) -> Process {
        let (lease, retry) = (LEASE.as_secs(), retry.as_millis());
        let mut command = match kind {
            Kind::Ours => {
                let mut command = Command::new(env!("CARGO_BIN_EXE_candidate"));
                command.arg(format!("--lease={lease}"));
                command.arg(format!("--retry={retry}"));
                command
            }
            Kind::ClientGo { releases } => {
                let program = client_go_elector().unwrap_or_else(|failure| panic!("{failure}"));
                let mut command = Command::new(program);
                // As long as ours are leaders after their last renewal.
                command.args([&format!("-lease={lease}s"), "-renew=2s"]);
                command.arg(format!("-retry={retry}ms"));
                command.arg(format!("-release={releases}"));
                // The API server notes by this name who wrote what.
                command.arg0(identity);
                command
            }
        };
        let Place {
            namespace, name, ..
        } = &self.place;
        let child = command
            .arg("--tied")
            .arg(format!("--kubeconfig={}", kubeconfig.display()))
            .arg(format!("--namespace={namespace}"))
            .arg(format!("--name={name}"))
            .arg(format!("--identity={identity}"))
            .arg(format!("--work={}", self.folder.join("work").display()))
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(self.file("said"))
            .stderr(self.file("complaints"))
            .spawn()
            .expect("it was built");
        Process {
            identity: identity.to_owned(),
            child,
        }
    }

    fn file(&self, name: &str) -> File {
        let file = OpenOptions::new()
            .create(true)
            .append(true)
            .open(self.folder.join(name));
        file.expect("the folder is ours")
    }

    fn text(&self, name: &str) -> String {
        fs::read_to_string(self.folder.join(name)).unwrap_or_default()
    }

    /// Whether this candidate has said this.
    pub(crate) fn has_said(&self, identity: &str, what: &str) -> bool {
        let end = format!(" {identity} {what}");
        self.text("said").lines().any(|line| line.ends_with(&end))
    }

    /// All work until now.
    pub(crate) fn work(&self) -> Vec<Term> {
        work::terms(&self.text("work"))
    }

    /// Who did the last piece of work, and when.
    pub(crate) fn last_piece(&self) -> Option<(i64, String)> {
        let file = File::open(self.folder.join("work")).ok()?;
        let mut end = [0; 256];
        let from = file.metadata().ok()?.len().saturating_sub(256);
        let read = file.read_at(&mut end, from).ok()?;
        let text = String::from_utf8_lossy(&end[..read]);
        let whole = &text[..text.rfind('\n')?];
        let (at, identity, _) = work::piece(whole.lines().next_back()?)?;
        Some((at, identity.to_owned()))
    }

    /// Waits for a piece of work that this candidate does from now on.
    pub(crate) fn until_works(&self, identity: &str) {
        let from = now();
        let works = || {
            let mut terms = self.work().into_iter();
            terms.any(|term| term.identity == identity && term.last() > from)
        };
        until(&format!("{identity} works"), works);
    }
}

/// Waits until something is so.
pub(crate) fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let given_up = Instant::now() + patience();
    while !is_so() {
        assert!(Instant::now() < given_up, "it never came that {what}");
        sleep(Duration::from_millis(10));
    }
}

/// Of a test that fails, what its candidates said last.
impl Drop for Election {
    fn drop(&mut self) {
        if !panicking() {
            return;
        }
        for name in ["said", "complaints"] {
            let text = self.text(name);
            let lines: Vec<&str> = text.lines().collect();
            let end = lines[lines.len().saturating_sub(20)..].join("\n");
            println!("{}, {name}:\n{end}", self.place.namespace);
        }
    }
}

/// A candidate that runs. Dropping it kills it.
#[derive(Debug)]
pub(crate) struct Process {
    pub(crate) identity: String,
    child: Child,
}

impl Process {
    pub(crate) fn gets(&self, signal: Signal) {
        let pid = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
        // It keeps its number until it is waited for, also if it has ended.
        let _ = kill_process(pid.expect("a number"), signal);
    }

    pub(crate) fn has_ended(&mut self) -> bool {
        self.child.try_wait().expect("our own child").is_some()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// In nanoseconds, of the clock of all records.
pub(crate) fn now() -> i64 {
    let time = clock_gettime(ClockId::Boottime);
    time.tv_sec * 1_000_000_000 + time.tv_nsec
}
