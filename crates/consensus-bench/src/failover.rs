//! Failover after a crash: from just before `kill -9` of the leader to the first instruction of its
//! successor's work. Beside it, in the same run and round by round, waiters for a lock of the kernel.
//!
//! A new term is flushed three times, and each flush waits for the file system's own thread. Where all
//! processors are busy, that comes at the next tick of the scheduler only: up to 4 ms each. Measure on
//! a machine that has nothing else to do, or with `--folder` on a tmpfs to see what is ours.

use crate::failure::Failure;
use crate::lane::{End, Lane, replace_in_turn};
use crate::options::Options;
use crate::processes::Kind;
use crate::samples::{Samples, ratio};
use crate::table::{Row, Table, nanos};

/// Competitors of a kind: how many follow, and what they are called.
pub(crate) type Competitors = (Kind, usize, &'static str);

pub(crate) const LANES: [Competitors; 5] = [
    (Kind::Library, 1, "file store, 1 follower"),
    (Kind::Library, 3, "file store, 3 followers"),
    (Kind::FlockCommand, 1, "flock(1), 1 waiter"),
    (Kind::FlockCommand, 3, "flock(1), 3 waiters"),
    (Kind::FlockCall, 1, "flock(2) in process, 1 waiter"),
];

pub(crate) fn run(options: &Options, table: &mut Table) -> Result<(), Failure> {
    measure("failover", End::Killed, &LANES, options, table)
}

/// The rows of one way to end a leader.
pub(crate) fn measure(
    figure: &str,
    end: End,
    competitors: &[Competitors],
    options: &Options,
    table: &mut Table,
) -> Result<(), Failure> {
    let lane = |(kind, followers, _): &Competitors| Lane::new(*kind, *followers, &options.folder);
    let mut lanes: Vec<Lane> = competitors.iter().map(lane).collect::<Result<_, _>>()?;
    let samples = replace_in_turn(&mut lanes, end, options.rounds())?;
    for ((kind, followers, name), times) in competitors.iter().zip(&samples) {
        let row = Row::times(format!("{figure}: {name}"), times);
        table.add(match kind {
            Kind::Library | Kind::Program => row
                .beside(beside(*followers, times, competitors, &samples))
                .target("p50 ≤ 5 ms, p99 ≤ 20 ms", || {
                    times.median() <= 5_000_000 && times.percentile(99) <= 20_000_000
                }),
            Kind::FlockCommand | Kind::FlockCall => row,
        });
    }
    Ok(())
}

/// The waiters for a lock that there are as many of, and how often their time goes into ours.
fn beside(
    followers: usize,
    times: &Samples,
    competitors: &[Competitors],
    all: &[Samples],
) -> String {
    let lanes = competitors.iter().zip(all);
    let alike =
        lanes.filter(|((kind, waiters, _), _)| !kind.is_election() && *waiters == followers);
    let words = alike.map(|((kind, ..), other)| {
        let name = match kind {
            Kind::FlockCall => "flock(2)",
            Kind::FlockCommand | Kind::Library | Kind::Program => "flock(1)",
        };
        format!(
            "{name} p50 {}: {:.1} ×, p99 {}: {:.1} ×",
            nanos(other.median()),
            ratio(times.median(), other.median()),
            nanos(other.percentile(99)),
            ratio(times.percentile(99), other.percentile(99)),
        )
    });
    let words: Vec<String> = words.collect();
    words.join("; ")
}
