//! Failover after a crash: from just before `kill -9` of the leader's process to the first instruction of its
//! successor's work. The yardstick is the lease: it began with the last renewal, and the leader is killed at a
//! random time after that, so that a successor may lead before a whole lease has passed since the kill.

use super::bed::Bed;
use super::candidate::Kind;
use super::lane::{Lane, replace};
use super::{LEASE, ROUNDS};
use crate::failure::Failure;
use crate::lane::End;
use crate::options::Options;
use crate::samples::Samples;
use crate::table::{Row, Table, nanos};
use std::time::Duration;

/// So many Leases of each kind side by side: nearly all of a round is waiting.
const LANES: usize = 8;

/// What ours may take longer than the lease.
const MOST: Duration = Duration::from_millis(100);

pub(crate) fn run(options: &Options, table: &mut Table) -> Result<(), Failure> {
    let Some(bed) = Bed::start()? else {
        return Ok(());
    };
    let rounds = options.rounds.unwrap_or(ROUNDS);
    eprintln!(
        "  {rounds} rounds of each kind in {LANES} lanes, seed {}",
        options.seed
    );
    let mut random = fastrand::Rng::with_seed(options.seed);
    let all = std::thread::scope(|scope| {
        let bed = &bed;
        let lanes = (0..LANES).flat_map(|number| Kind::ALL.map(|kind| (number, kind)));
        let lanes = lanes.map(|(number, kind)| {
            let random = random.fork();
            let lane = Lane::new(bed, kind, format!("{}-{number}", kind.lease()));
            // What does not divide evenly goes to the first ones.
            let rounds = (rounds + LANES - 1 - number) / LANES;
            let times = scope.spawn(move || replace(lane, End::Killed, rounds, random, None));
            (kind, times)
        });
        let lanes: Vec<_> = lanes.collect();
        let times = lanes.into_iter().map(|(kind, times)| {
            let times = times.join();
            let times = times.unwrap_or_else(|_| Err(Failure::new("a lane panicked")))?;
            Ok((kind, times))
        });
        times.collect::<Result<Vec<_>, Failure>>()
    })?;
    for kind in Kind::ALL {
        let mut times = Samples::default();
        let own = all.iter().filter(|(of, _)| *of == kind);
        own.for_each(|(_, more)| times.merge(more));
        let row = Row::times(format!("Kubernetes failover: {}", kind.name()), &times);
        let row = row.beside(format!(
            "since the kill, less the lease: mean {}, max {}",
            over(times.mean()),
            over(times.max())
        ));
        table.add(match kind {
            Kind::Watching => row.target("max ≤ lease + 100 ms", || {
                Duration::from_nanos(times.max()) <= LEASE + MOST
            }),
            Kind::Polling | Kind::ClientGo => row,
        });
    }
    Ok(())
}

/// How much longer than the lease, or shorter.
fn over(time: u64) -> String {
    let time = Duration::from_nanos(time);
    let sign = if time >= LEASE { '+' } else { '−' };
    let difference = u64::try_from(time.abs_diff(LEASE).as_nanos());
    format!("{sign}{}", nanos(difference.unwrap_or(u64::MAX)))
}
