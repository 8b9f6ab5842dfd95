//! From the start of `consensus run` where nobody leads to the first instruction of its command. Beside it, round
//! by round, `flock(1)` where nobody has the lock.

use crate::clock;
use crate::failure::Failure;
use crate::options::Options;
use crate::processes::{Kind, Process, Said};
use crate::samples::Samples;
use crate::table::{Row, Table, nanos};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::mpsc::channel;
use std::time::Duration;

/// What this may take longer than `flock(1)`, in nanoseconds.
const MOST: u64 = 10_000_000;

const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) fn run(options: &Options, table: &mut Table) -> Result<(), Failure> {
    let folder = Folder::new(&options.folder)?;
    let [mut lock, mut first, mut again] = [(); 3].map(|()| Samples::default());
    for round in 0..options.rounds() {
        let new = folder.make(&format!("{round}"))?;
        lock.add(time(Kind::FlockCommand, &new.join("lock"))?);
        first.add(time(Kind::Program, &new.join("leader"))?);
        again.add(time(Kind::Program, &folder.path.join("leader"))?);
    }
    let beside = format!(
        "flock(1) p50 {}, p99 {}",
        nanos(lock.median()),
        nanos(lock.percentile(99))
    );
    table.add(Row::times("start: flock(1), a new lock", &lock));
    let rows = [
        ("an election that is new", first),
        ("a released one", again),
    ];
    for (what, times) in rows {
        let row = Row::times(format!("start: consensus run, {what}"), &times);
        let met = times.median() <= lock.median() + MOST
            && times.percentile(99) <= lock.percentile(99) + MOST;
        table.add(
            row.beside(&beside)
                .target("p50, p99 ≤ flock + 10 ms", || met),
        );
    }
    Ok(())
}

/// Starts one and ends it, and gives the time in between until it led.
fn time(kind: Kind, file: &Path) -> Result<u64, Failure> {
    let (said, hear) = channel();
    let before = clock::now();
    let mut process = Process::start(kind, file, "alone".to_owned(), said)?;
    let heard = hear.recv_timeout(PATIENCE);
    let at = match heard.map_err(|error| Failure::cannot("hear from who was started", error))? {
        (_, Said::Leads { at, .. }) => at,
        (_, Said::Follows(leader)) => {
            return Err(Failure::new(format!("{leader} leads before the start")));
        }
    };
    process.ask_to_stop()?;
    process.wait()?;
    Ok(at - before)
}

/// Removed on drop.
struct Folder {
    path: PathBuf,
}

impl Folder {
    fn new(within: &Path) -> Result<Self, Failure> {
        let path = within.join(format!("consensus-bench-{}-start", std::process::id()));
        let folder = Self { path };
        folder.make("")?;
        Ok(folder)
    }

    fn make(&self, name: &str) -> Result<PathBuf, Failure> {
        let path = self.path.join(name);
        fs::create_dir(&path)
            .map_err(|error| Failure::cannot(&format!("make {}", path.display()), error))?;
        Ok(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What remains is in the folder for temporary files.
        let _ = fs::remove_dir_all(&self.path);
    }
}
