//! Whether `is_leader()` takes a lock. Threads ask it as fast as they can while the election's thread
//! renews every millisecond, and strace counts how often they asked the kernel to make them wait
//! (`futex`). A mutex in its place, in the same program, shows that this would be seen.
//!
//! And that one who asks does not slow down another: the same calls by one thread and by two.

use crate::clock;
use crate::failure::Failure;
use crate::processes::this_program;
use crate::samples::ratio;
use crate::strace;
use crate::table::{Row, Table};
use consensus::memory::MemoryStore;
use consensus::store::RecordBackend;
use consensus::{Config, Lease, Manager};
use std::hint::black_box;
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Duration;

pub(crate) const HIDDEN: &str = "__ask";

const THREADS: u64 = 4;
const CALLS: u64 = 10_000_000;

const IS_LEADER: &str = "is-leader";
const MUTEX: &str = "mutex";

pub(crate) fn run(table: &mut Table) -> Result<(), Failure> {
    scaling(table)?;
    if !strace::is_installed() {
        eprintln!("  locks not counted: there is no strace");
        return Ok(());
    }
    // What the threads' start and the renewals bring about by themselves.
    let none = futexes(IS_LEADER, 0)?;
    let asked = futexes(IS_LEADER, CALLS)?;
    let mutex = futexes(MUTEX, CALLS)?;
    let count = usize::try_from(CALLS).unwrap_or(usize::MAX);
    table.add(
        Row::number(
            "is_leader(): waits for a lock (futex calls)",
            asked.to_string(),
            count,
        )
        .beside(format!(
            "{none} without any call; {mutex} with a mutex in its place"
        ))
        .target("no more than without calls", || asked <= none + THREADS),
    );
    Ok(())
}

fn futexes(what: &str, calls: u64) -> Result<u64, Failure> {
    let mut command = this_program()?;
    command.args([HIDDEN, what, &calls.to_string()]);
    Ok(strace::count_in(&command, "futex")?.of("futex"))
}

/// The hidden program: so many calls by some threads, while the term is renewed all the time.
pub(crate) fn ask(what: &str, calls: &str) -> Result<(), Failure> {
    let calls: u64 = calls
        .parse()
        .map_err(|error| Failure::cannot("read the number of calls", error))?;
    let (_manager, lease) = busy_leader()?;
    let mutex = Mutex::new(true);
    let by_mutex = || *mutex.lock().unwrap_or_else(PoisonError::into_inner);
    let leads = || lease.is_leader();
    match what {
        MUTEX => at_once(THREADS, calls / THREADS, &by_mutex),
        _ => at_once(THREADS, calls / THREADS, &leads),
    };
    Ok(())
}

/// A leader whose term is renewed as often as can be set.
fn busy_leader() -> Result<(Manager, Lease), Failure> {
    let config = Config::new("busy").renew_interval(Duration::from_millis(1));
    let manager = Manager::new(RecordBackend::over(MemoryStore::new()), config)?;
    let lease = manager.start();
    lease.blocking_wait_for_leadership()?;
    Ok((manager, lease))
}

fn scaling(table: &mut Table) -> Result<(), Failure> {
    let (_manager, lease) = busy_leader()?;
    let leads = || lease.is_leader();
    let of_each = CALLS / 4;
    let alone = at_once(1, of_each, &leads) * 1000 / of_each;
    let both = at_once(2, of_each, &leads) * 1000 / of_each;
    let count = usize::try_from(of_each).unwrap_or(usize::MAX);
    let cell = format!("{:.2} ×", ratio(both, alone));
    table.add(
        Row::number("is_leader(): by two threads at once", cell, count)
            .beside("as long as one alone takes for as many each"),
    );
    Ok(())
}

/// The time that these threads take, all of them, for so many calls each.
fn at_once(threads: u64, calls: u64, call: &(dyn Fn() -> bool + Sync)) -> u64 {
    let repeat = || {
        for _ in 0..calls {
            black_box(call());
        }
    };
    clock::time(|| {
        thread::scope(|scope| {
            for _ in 0..threads {
                scope.spawn(repeat);
            }
        });
    })
}
