//! How late the end of a term is told, when nothing but the deadline ends it: renewals hang. That the
//! work of [`Term::run`] is dropped by then is measured by the work itself.

use crate::clock;
use crate::failure::Failure;
use crate::options::Options;
use crate::samples::Samples;
use crate::table::{Row, Table};
use consensus::backend::{Acquisition, Candidate, Renewal};
use consensus::{Backend, Config, Error, Manager, Term, Token};
use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::runtime::{Builder, Runtime};

const ROUNDS: usize = 50;

/// Gives a term, and then never answers.
#[derive(Debug)]
struct Hung;

impl Backend for Hung {
    async fn try_acquire(&mut self, _: &Candidate) -> Result<Acquisition, Error> {
        let token = Token::new(clock::now());
        Ok(Acquisition::Acquired { token })
    }

    async fn renew(&mut self, _: &Candidate, _: Token) -> Result<Renewal, Error> {
        pending().await
    }

    async fn release(&mut self, _: &Candidate) -> Result<(), Error> {
        Ok(())
    }
}

/// Waits for the end, and says when it was told.
type Told = fn(&Runtime, &Term) -> u64;

const WAYS: [(&str, Told); 3] = [
    ("ended().await, late by", ended),
    ("blocking_ended(), late by", blocking_ended),
    ("run(): the work dropped, late by", run_dropped),
];

pub(crate) fn run(_: &Options, table: &mut Table) -> Result<(), Failure> {
    let runtime = Builder::new_current_thread()
        .build()
        .map_err(|error| Failure::cannot("make a runtime", error))?;
    for (what, told) in WAYS {
        let mut late = Samples::default();
        for _ in 0..ROUNDS {
            late.add(lateness(&runtime, told)?);
        }
        let met = late.max() <= 1_000_000;
        table.add(Row::times(what, &late).target("max ≤ 1 ms", || met));
    }
    Ok(())
}

fn lateness(runtime: &Runtime, told: Told) -> Result<u64, Failure> {
    let config = Config::new("hung").lease_duration(Duration::from_millis(320));
    let manager = Manager::new(Hung, config)?;
    let term = manager.start().blocking_wait_for_leadership()?;
    let now = clock::now();
    let deadline = now + u64::try_from(term.remaining().as_nanos()).unwrap_or(u64::MAX - now);
    let told = told(runtime, &term);
    told.checked_sub(deadline)
        .ok_or_else(|| Failure::new("a term was told to be over before its deadline"))
}

fn ended(runtime: &Runtime, term: &Term) -> u64 {
    runtime.block_on(term.ended());
    clock::now()
}

fn blocking_ended(_: &Runtime, term: &Term) -> u64 {
    term.blocking_ended();
    clock::now()
}

fn run_dropped(runtime: &Runtime, term: &Term) -> u64 {
    struct StampedWhenDropped(Arc<AtomicU64>);
    impl Drop for StampedWhenDropped {
        fn drop(&mut self) {
            self.0.store(clock::now(), Ordering::SeqCst);
        }
    }
    let dropped = Arc::new(AtomicU64::new(0));
    let work = StampedWhenDropped(Arc::clone(&dropped));
    let _ = runtime.block_on(term.run(async move {
        let _work = work;
        pending::<()>().await;
    }));
    dropped.load(Ordering::SeqCst)
}
