//! Ten thousand elections in one process, on the memory store: what each takes of the heap, and what
//! all take of a processor while nothing happens but renewals.

use crate::clock;
use crate::failure::Failure;
use crate::heap;
use crate::options::Options;
use crate::table::{Row, Table};
use consensus::memory::MemoryStore;
use consensus::store::RecordBackend;
use consensus::{Config, Lease, Manager, Status};
use std::time::Duration;

const ELECTIONS: usize = 10_000;

/// After this, what the start brought has settled, and who began together begins to drift apart.
const SETTLING: Duration = Duration::from_secs(60);

const STEADY: Duration = Duration::from_secs(30);

/// What all elections together are to be content with, of one processor.
const PERCENT: f64 = 1.0;

const BYTES: usize = 4096;

pub(crate) fn run(_: &Options, table: &mut Table) -> Result<(), Failure> {
    let stores: Vec<MemoryStore> = (0..ELECTIONS).map(|_| MemoryStore::new()).collect();
    start_the_thread()?;

    let before = heap::in_use();
    let (leaders, leading) = start(&stores, "leader", Lease::is_leader)?;
    clock::pause(SETTLING);
    table.add(bytes("many: heap of one that leads", before));
    let leaders_alone = processor_share();
    table.add(
        share("many: CPU of all that lead", leaders_alone)
            .beside("each renews every 5 s: 2,000 writes a second"),
    );

    let before = heap::in_use();
    let (followers, _following) = start(&stores, "follower", follows)?;
    clock::pause(SETTLING);
    table.add(bytes("many: heap of one that follows", before));
    let both = processor_share();
    let row = share(
        "many: CPU of all that lead and as many that watch them",
        both,
    );
    table.add(row.beside("each that watches is told of each renewal"));

    if !leading.iter().all(Lease::is_leader) {
        return Err(Failure::new("not all that led lead still"));
    }
    for manager in followers.iter().chain(&leaders) {
        manager.blocking_stop()?;
    }
    Ok(())
}

/// What is made once for a process is not part of an election.
fn start_the_thread() -> Result<(), Failure> {
    let (managers, _) = start(&[MemoryStore::new()], "first", Lease::is_leader)?;
    for manager in &managers {
        manager.blocking_stop()?;
    }
    Ok(())
}

/// Starts a candidate on each store, and waits until all are what they are to be.
fn start(
    stores: &[MemoryStore],
    identity: &str,
    is: fn(&Lease) -> bool,
) -> Result<(Vec<Manager>, Vec<Lease>), Failure> {
    let manager = |(number, store): (usize, &MemoryStore)| {
        let backend = RecordBackend::over(store.clone());
        Manager::new(backend, Config::new(format!("{identity}-{number}")))
    };
    let managers = stores.iter().enumerate().map(manager);
    let managers: Vec<Manager> = managers.collect::<Result<_, _>>()?;
    let leases: Vec<Lease> = managers.iter().map(Manager::start).collect();
    for lease in &leases {
        while !is(lease) {
            clock::pause(Duration::from_millis(1));
        }
    }
    Ok((managers, leases))
}

fn follows(lease: &Lease) -> bool {
    matches!(lease.status(), Status::Following { leader: Some(_) })
}

/// How many per cent of one processor this process takes, over a while.
fn processor_share() -> f64 {
    let before = (clock::processor_time(), clock::now());
    clock::pause(STEADY);
    let spent = clock::processor_time().saturating_sub(before.0);
    let passed = Duration::from_nanos(clock::now() - before.1);
    100.0 * spent.as_secs_f64() / passed.as_secs_f64()
}

fn bytes(what: &str, before: usize) -> Row {
    let each = heap::in_use().saturating_sub(before) / ELECTIONS;
    Row::number(what, format!("{each} bytes"), ELECTIONS)
        .target(format!("≤ {BYTES} bytes"), || each <= BYTES)
}

fn share(what: &str, percent: f64) -> Row {
    Row::number(what, format!("{percent:.2} %"), ELECTIONS)
        .target(format!("≤ {PERCENT} % of a core"), || percent <= PERCENT)
}
