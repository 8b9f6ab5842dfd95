//! What the rows need of the machine: processes found by what is on their lines, and means to make them
//! stand still. What a machine lacks is said where nobody can miss it.

use super::row::{Act, Freezer, Row};
use super::work::Kind;
use crate::bench::{lives, until};
use rustix::fs::{StatVfsMountFlags, statvfs};
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

/// A program that becomes another user for good, as `sudo` does.
pub const SETPRIV: &str = "/usr/bin/setpriv";

/// The processes whose command lines have this in them, but for `consensus run`, which names its command.
pub fn processes_of(mark: &Path) -> Vec<String> {
    let mark = mark.as_os_str().as_encoded_bytes();
    all()
        .filter(|process| {
            let line = fs::read(format!("/proc/{process}/cmdline")).unwrap_or_default();
            let is_ours = line.split(|byte| *byte == 0).any(|word| word == b"run");
            !is_ours && line.windows(mark.len()).any(|part| part == mark) && lives(process)
        })
        .collect()
}

/// The process of the program that elects: what is below an init, or this process itself.
pub fn elector_of(consensus: &str) -> String {
    child_of(consensus, "consensus").unwrap_or_else(|| consensus.to_owned())
}

/// The guard of this `consensus`.
pub fn guard_of(consensus: &str) -> String {
    let mut guard = None;
    until("a guard", || {
        guard = child_of(&elector_of(consensus), "leader-guard");
        guard.is_some()
    });
    guard.expect("found")
}

fn child_of(process: &str, name: &str) -> Option<String> {
    all().find(|child| comm(child) == name && parent(child).as_deref() == Some(process))
}

pub fn is_stopped(process: &str) -> bool {
    state(process).is_some_and(|state| state.starts_with('T'))
}

pub fn comm(process: &str) -> String {
    let name = fs::read_to_string(format!("/proc/{process}/comm")).unwrap_or_default();
    name.trim_end().to_owned()
}

fn all() -> impl Iterator<Item = String> {
    let names = fs::read_dir("/proc").expect("/proc").flatten();
    names
        .filter_map(|name| name.file_name().into_string().ok())
        .filter(|name| name.bytes().all(|byte| byte.is_ascii_digit()))
}

/// What stands behind the name in a process's account of itself.
fn state(process: &str) -> Option<String> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    let (_, state) = stat.rsplit_once(") ")?;
    Some(state.to_owned())
}

fn parent(process: &str) -> Option<String> {
    let state = state(process)?;
    state.split(' ').nth(1).map(str::to_owned)
}

/// What a machine lacks to play a row.
#[derive(Clone, Copy, Debug)]
pub enum Lack {
    /// A right, or a part of the kernel: nobody can install that.
    Ability(&'static str),
    Package(&'static str),
}

/// What this machine lacks to play a row.
pub fn lacks(row: &Row) -> Option<Lack> {
    let setuid = matches!(row.work.kind, Kind::Unprivileged | Kind::MayGainPrivileges);
    if setuid && !can_set_uid() {
        let why = "needs root, setpriv(1), and a temporary folder where setuid programs work";
        return Some(Lack::Ability(why));
    }
    if row.work.script.contains("perl") && !Path::new("/usr/bin/perl").exists() {
        return Some(Lack::Package("needs perl"));
    }
    let freezer = row.acts.iter().copied().find_map(Act::freezer);
    match freezer {
        Some(freezer) if Frozen::begin(freezer).is_none() => Some(Lack::Ability(match freezer {
            Freezer::V1 => "needs root, and the freezer of cgroup 1",
            Freezer::V2 => "needs root, and cgroup 2",
        })),
        Some(_) | None => None,
    }
}

/// Says why a row was not played, past what keeps the output of tests that pass. In CI nothing is skipped
/// that could be installed.
pub fn skip(row: &str, lack: Lack) {
    let why = match lack {
        Lack::Ability(why) => why,
        Lack::Package(why) => {
            let in_ci = std::env::var_os("CI").is_some();
            assert!(!in_ci, "in CI this is not skipped: {row}: {why}");
            why
        }
    };
    let _ = writeln!(std::io::stderr(), "SKIPPED: {row}: {why}");
}

fn can_set_uid() -> bool {
    let mounted = statvfs(std::env::temp_dir()).expect("the temporary folder");
    let is_root = rustix::process::geteuid().is_root();
    is_root && Path::new(SETPRIV).exists() && !mounted.f_flag.contains(StatVfsMountFlags::NOSUID)
}

/// A control group that freezes.
pub struct Frozen {
    freezer: Freezer,
    folder: PathBuf,
}

static GROUPS: AtomicU32 = AtomicU32::new(0);

impl Frozen {
    /// An empty one. `None`: this machine has none, or we may not.
    pub fn begin(freezer: Freezer) -> Option<Self> {
        let mounts = fs::read_to_string("/proc/mounts").ok()?;
        let is_it = |mount: &&str| {
            let words: Vec<&str> = mount.split(' ').collect();
            match freezer {
                Freezer::V1 => {
                    words[2] == "cgroup" && words[3].split(',').any(|word| word == "freezer")
                }
                Freezer::V2 => words[2] == "cgroup2",
            }
        };
        let mount = mounts.lines().find(is_it)?;
        let us = std::process::id();
        let number = GROUPS.fetch_add(1, Ordering::SeqCst);
        let folder = Path::new(mount.split(' ').nth(1)?).join(format!("consensus-{us}-{number}"));
        fs::create_dir(&folder).ok()?;
        let frozen = Self { freezer, folder };
        frozen
            .folder
            .join(frozen.switch().0)
            .exists()
            .then_some(frozen)
    }

    pub fn freeze(&self, process: &str) {
        fs::write(self.folder.join("cgroup.procs"), process).expect("it is moved");
        let (name, on, _) = self.switch();
        fs::write(self.folder.join(name), on).expect("it is frozen");
        let (name, is_so) = match self.freezer {
            Freezer::V1 => (name, "FROZEN"),
            Freezer::V2 => ("cgroup.events", "frozen 1"),
        };
        until("the frost", || {
            let state = fs::read_to_string(self.folder.join(name));
            state.is_ok_and(|state| state.contains(is_so))
        });
    }

    pub fn thaw(&self) {
        let (name, _, off) = self.switch();
        let _ = fs::write(self.folder.join(name), off);
    }

    /// The file that does it, and what to write.
    fn switch(&self) -> (&'static str, &'static str, &'static str) {
        match self.freezer {
            Freezer::V1 => ("freezer.state", "FROZEN", "THAWED"),
            Freezer::V2 => ("cgroup.freeze", "1", "0"),
        }
    }
}

impl Drop for Frozen {
    fn drop(&mut self) {
        self.thaw();
        // Once what was in it is gone.
        let mut looks = 0..500;
        while fs::remove_dir(&self.folder).is_err() && looks.next().is_some() {
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
    }
}
