//! The memory of the program: of all its processes, `consensus`, its guard, and a starter that waits, of a
//! leader and of a follower. Each has its share of what several use (Pss). Not the command's.

use crate::clock;
use crate::failure::Failure;
use crate::lane::Lane;
use crate::options::Options;
use crate::processes::{Kind, Process};
use crate::samples::ratio;
use crate::table::{Row, Table};
use std::fs;
use std::time::Duration;

/// By then the leader has renewed: after 5 s at the latest.
const SETTLING: Duration = Duration::from_millis(5_500);

const MOST: u64 = 10_000_000;

pub(crate) fn run(options: &Options, table: &mut Table) -> Result<(), Failure> {
    let mut lane = Lane::new(Kind::Program, 1, &options.folder)?;
    lane.settle()?;
    clock::pause(SETTLING);
    let mut sum = 0;
    let mut parts = Vec::new();
    for (what, process) in [("leader", lane.leader()), ("follower", lane.follower())] {
        let Some(program) = process.map(Process::id) else {
            return Err(Failure::new(format!("there is no {what}")));
        };
        let guard = child_of(program)?;
        let mut all = vec![("consensus", program), ("guard", guard)];
        if what == "follower" {
            // The leader's has become the command.
            all.push(("starter", child_of(guard)?));
        }
        for (part, process) in all {
            let bytes = share(process)?;
            sum += bytes;
            parts.push(format!("{what}'s {part} {}", megabytes(bytes)));
        }
    }
    let all = parts.len();
    let row = Row::number("memory: consensus run, 1 follower", megabytes(sum), all);
    table.add(
        row.beside(parts.join(", "))
            .target("≤ 10 MB", || sum <= MOST),
    );
    Ok(())
}

fn child_of(program: u32) -> Result<u32, Failure> {
    let path = format!("/proc/{program}/task/{program}/children");
    let children = fs::read_to_string(&path);
    let children = children.map_err(|error| Failure::cannot(&format!("read {path}"), error))?;
    let child = children.split(' ').next().and_then(|pid| pid.parse().ok());
    child.ok_or_else(|| Failure::new(format!("process {program} has no child")))
}

/// The process's share of the memory, in bytes.
fn share(process: u32) -> Result<u64, Failure> {
    let path = format!("/proc/{process}/smaps_rollup");
    let text = fs::read_to_string(&path);
    let text = text.map_err(|error| Failure::cannot(&format!("read {path}"), error))?;
    let line = text.lines().find_map(|line| line.strip_prefix("Pss:"));
    let kilobytes = line.and_then(|line| line.trim().strip_suffix(" kB")?.parse::<u64>().ok());
    kilobytes
        .map(|kilobytes| kilobytes * 1024)
        .ok_or_else(|| Failure::new(format!("{path} does not say what it should")))
}

fn megabytes(bytes: u64) -> String {
    format!("{:.2} MB", ratio(bytes, 1_000_000))
}
