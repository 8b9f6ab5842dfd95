//! What the file store asks of the kernel while nothing happens: system calls a second of a leader,
//! which renews, and of a follower, which is told of it. For information; there is no target.

use crate::failure::Failure;
use crate::lane::Lane;
use crate::options::Options;
use crate::processes::{Kind, Process};
use crate::strace::{self, Calls};
use crate::table::{Row, Table};
use std::time::Duration;

/// Six renewals of the default times.
const WATCHED: Duration = Duration::from_secs(30);

pub(crate) fn run(options: &Options, table: &mut Table) -> Result<(), Failure> {
    if !strace::is_installed() {
        eprintln!("  not measured: there is no strace");
        return Ok(());
    }
    let mut lane = Lane::new(Kind::Library, 1, &options.folder)?;
    lane.settle()?;
    for (what, process) in [("leader", lane.leader()), ("follower", lane.follower())] {
        let Some(calls) = process.map(Process::id) else {
            return Err(Failure::new(format!("there is no {what}")));
        };
        let calls = strace::count_during(calls, WATCHED)?;
        table.add(row(what, &calls));
    }
    Ok(())
}

#[allow(
    clippy::cast_precision_loss,
    reason = "for people to read, with one digit"
)]
fn row(what: &str, calls: &Calls) -> Row {
    let a_second = calls.total() as f64 / WATCHED.as_secs_f64();
    let count = usize::try_from(calls.total()).unwrap_or(usize::MAX);
    let most: Vec<String> = calls
        .by_frequency()
        .iter()
        .take(5)
        .map(|(name, count)| format!("{name} {count}"))
        .collect();
    Row::number(
        format!("file store: system calls of a {what}"),
        format!("{a_second:.1}/s"),
        count,
    )
    .beside(format!("in {} s: {} …", WATCHED.as_secs(), most.join(", ")))
}
