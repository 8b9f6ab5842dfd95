//! `is_leader()` beside one reading of `CLOCK_BOOTTIME`, in turn, so that both meet the same load;
//! whether it allocates; and whether it takes a lock (`locks.rs`).

use crate::clock;
use crate::failure::Failure;
use crate::heap;
use crate::locks;
use crate::options::Options;
use crate::samples::{Samples, ratio};
use crate::table::{Row, Table};
use consensus::memory::MemoryStore;
use consensus::store::RecordBackend;
use consensus::{Config, Lease, Manager, Status};
use std::hint::black_box;
use std::time::Duration;

const BATCHES: usize = 2_000;
const CALLS: u64 = 5_000;

/// Nothing is renewed while it is measured, so that whatever is allocated is of the calls.
const LEASE: Duration = Duration::from_secs(3600);

pub(crate) fn run(_: &Options, table: &mut Table) -> Result<(), Failure> {
    let store = MemoryStore::new();
    let (_leader, leading) = candidate(&store, "leader")?;
    leading.blocking_wait_for_leadership()?;
    let (_follower, following) = candidate(&store, "follower")?;
    while !matches!(following.status(), Status::Following { leader: Some(_) }) {
        clock::pause(Duration::from_millis(1));
    }

    let before = heap::requests();
    for _ in 0..BATCHES {
        repeat(|| leading.is_leader() && !following.is_leader());
    }
    let allocated = heap::requests() - before;

    let [mut clock_alone, mut leads, mut follows] = <[Samples; 3]>::default();
    for _ in 0..BATCHES {
        clock_alone.add(batch(clock::read));
        leads.add(batch(|| leading.is_leader()));
        follows.add(batch(|| following.is_leader()));
    }
    table.add(Row::means(
        "clock_gettime(CLOCK_BOOTTIME)",
        &clock_alone,
        CALLS,
    ));
    for (what, samples) in [("leading", &leads), ("following", &follows)] {
        let times = ratio(samples.median(), clock_alone.median());
        table.add(
            Row::means(format!("is_leader(), {what}"), samples, CALLS)
                .beside(format!("{times:.2} × the clock"))
                .target("≤ 1.2 × the clock", || times <= 1.2),
        );
    }
    let count = BATCHES * usize::try_from(CALLS).unwrap_or(usize::MAX);
    table.add(
        Row::number("is_leader(): allocations", allocated.to_string(), count)
            .beside("of one that leads and one that follows; counted for all threads")
            .target("none", || allocated == 0),
    );
    locks::run(table)
}

fn candidate(store: &MemoryStore, identity: &str) -> Result<(Manager, Lease), Failure> {
    let config = Config::new(identity).lease_duration(LEASE);
    let manager = Manager::new(RecordBackend::over(store.clone()), config)?;
    let lease = manager.start();
    Ok((manager, lease))
}

fn repeat<T>(mut call: impl FnMut() -> T) {
    for _ in 0..CALLS {
        black_box(call());
    }
}

fn batch<T>(call: impl FnMut() -> T) -> u64 {
    clock::time(|| repeat(call))
}
