//! A thousand candidates on one Lease, each with connections of its own: what they ask while nothing happens,
//! how often they ask when the leader stops, and how soon somebody leads. Counted by the API server, whose
//! processors they share here.

use super::LEASE;
use super::bed::Bed;
use super::candidate::{Candidate, Kind};
use super::crowd::{Crowd, connections};
use super::metrics::Requests;
use crate::clock;
use crate::failure::Failure;
use crate::lane::End;
use crate::options::Options;
use crate::samples::{Samples, ratio};
use crate::table::{Row, Table, nanos};
use std::sync::mpsc::channel;
use std::time::Duration;

const CANDIDATES: usize = 1_000;

/// How often the leader stops.
const HAND_OVERS: usize = 10;

/// Longer than a connection is kept on which nothing is asked (90 s): what comes next begins with a handshake,
/// as it does where a leader stops after hours.
const STEADY: Duration = Duration::from_secs(100);

/// By then all has been asked that a change of leaders brings.
const AFTERMATH: Duration = Duration::from_secs(5);

/// What the API server may be asked a second by all together while nothing happens.
const A_SECOND: f64 = 1.0;

/// How often a candidate may ask at a hand-over.
const EACH: f64 = 2.0;

/// By when somebody is to lead, in nanoseconds.
const SOON: u64 = 1_000_000_000;

const NAME: &str = "crowd";

pub(crate) fn run(_: &Options, table: &mut Table) -> Result<(), Failure> {
    let Some(bed) = Bed::start()? else {
        return Ok(());
    };
    let Some(port) = bed.port() else {
        return Err(Failure::new("the API server's address has no port"));
    };
    let others = connections(port)?;
    let (mut leader, mut crowd) = start(&bed)?;
    crowd.settle()?;
    clock::pause(AFTERMATH);
    let open = connections(port)?.saturating_sub(others);
    let start = Requests::counted(&bed.control)?;
    clock::pause(STEADY);
    let rest = Requests::counted(&bed.control)?;
    table.add(steady(&(&rest - &start), open));

    let killed = clock::now();
    leader.end(End::Killed)?;
    let at = crowd.successor()?;
    clock::pause(AFTERMATH);
    let after = Requests::counted(&bed.control)?;
    table.add(crash(&(&after - &rest), at - killed));

    let (mut times, mut worst) = (Samples::default(), Requests::default());
    for round in 0..HAND_OVERS {
        crowd.join()?;
        crowd.settle()?;
        clock::pause(if round == 0 { STEADY } else { AFTERMATH });
        let before = Requests::counted(&bed.control)?;
        let asked = crowd.stop_leader()?;
        let at = crowd.successor()?;
        clock::pause(AFTERMATH);
        let asked_for = &Requests::counted(&bed.control)? - &before;
        eprintln!("  after {}: {}", nanos(at - asked), asked_for.words());
        times.add(at - asked);
        if asked_for.total() >= worst.total() {
            worst = asked_for;
        }
    }
    let row = Row::times("Kubernetes, 1,000 candidates: hand-over", &times);
    let row = row.beside("the first after 100 s at rest, with no connection to write on");
    table.add(row.target("max ≤ 1 s", || times.max() <= SOON));
    table.add(hand_over(&worst));
    crowd.go()
}

/// One in a process of its own, which leads and can be killed, and all others.
fn start(bed: &Bed) -> Result<(Candidate, Crowd<'_>), Failure> {
    let (said, hear) = channel();
    let leader = Candidate::start(bed, Kind::Watching, NAME, "first".to_owned(), said)?;
    let heard = hear.recv_timeout(LEASE * 2);
    heard.map_err(|error| Failure::cannot("hear from the first leader", error))?;
    let mut crowd = Crowd::new(bed, NAME)?;
    for _ in 1..CANDIDATES {
        crowd.join()?;
    }
    Ok((leader, crowd))
}

fn steady(asked: &Requests, connections: usize) -> Row {
    let a_second = ratio(asked.total(), STEADY.as_secs());
    let what = "Kubernetes, 1,000 candidates: requests at rest";
    let row = Row::number(what, format!("{a_second:.2}/s"), CANDIDATES);
    let (watches, words) = (asked.watches, asked.words());
    let row = row.beside(format!(
        "{connections} connections, {watches} watches; with the server's own, in 100 s: {words}"
    ));
    row.target("≤ 1/s", || a_second <= A_SECOND)
}

fn crash(asked: &Requests, time: u64) -> Row {
    let what = "Kubernetes, 1,000 candidates: failover, since the kill";
    Row::number(what, nanos(time), 1).beside(asked.words())
}

/// Of those hand-overs the one with most requests.
fn hand_over(asked: &Requests) -> Row {
    let each = ratio(asked.total(), u64::try_from(CANDIDATES).unwrap_or(u64::MAX));
    let what = "Kubernetes, 1,000 candidates: requests of each at a hand-over";
    let row = Row::number(what, format!("{each:.2}"), HAND_OVERS);
    let row = row.beside(format!("most of all rounds: {}", asked.words()));
    row.target("≤ 2", || each <= EACH)
}
