//! Graceful hand-over: from just before SIGTERM for the leader to the first instruction of its successor's work.
//! It comes at a random time of everybody's rhythm: client-go's followers, and ours without the right to watch,
//! take over at their next poll.

use super::ROUNDS;
use super::bed::Bed;
use super::candidate::Kind;
use super::lane::{Lane, replace};
use crate::failure::Failure;
use crate::lane::End;
use crate::options::Options;
use crate::samples::Samples;
use crate::table::{Row, Table, nanos};
use std::sync::Mutex;

/// What this may take with the right to watch, in the median, in nanoseconds.
const MOST: u64 = 15_000_000;

pub(crate) fn run(options: &Options, table: &mut Table) -> Result<(), Failure> {
    let Some(bed) = Bed::start()? else {
        return Ok(());
    };
    let rounds = options.rounds.unwrap_or(ROUNDS);
    eprintln!("  {rounds} rounds of each kind, seed {}", options.seed);
    let mut random = fastrand::Rng::with_seed(options.seed);
    // One lane of each kind, of which one at a time does anything but wait.
    let turn = Mutex::new(());
    let [watching, polling, client_go] = std::thread::scope(|scope| {
        let (bed, turn) = (&bed, &turn);
        let lanes = Kind::ALL.map(|kind| {
            let random = random.fork();
            let lane = Lane::new(bed, kind, kind.lease().to_owned());
            scope.spawn(move || replace(lane, End::Asked, rounds, random, Some(turn)))
        });
        lanes.map(|lane| {
            lane.join()
                .unwrap_or_else(|_| Err(Failure::new("a lane panicked")))
        })
    });
    let (watching, polling, client_go) = (watching?, polling?, client_go?);
    let row = |kind: Kind, times: &Samples| {
        let row = Row::times(format!("Kubernetes hand-over: {}", kind.name()), times);
        row.beside(format!("mean {}", nanos(times.mean())))
    };
    table.add(row(Kind::Watching, &watching).target("p50 ≤ 15 ms", || watching.median() <= MOST));
    table.add(
        row(Kind::Polling, &polling).target("mean ≤ client-go's", || {
            polling.mean() <= client_go.mean()
        }),
    );
    table.add(row(Kind::ClientGo, &client_go));
    Ok(())
}
