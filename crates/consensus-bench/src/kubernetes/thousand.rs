//! A thousand candidates on one Lease, each with connections of its own: what they ask while nothing happens,
//! and how many of them how often when the leader stops or is killed. Counted by the API server.

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

/// How often the leader stops. Each time all are replaced who lost it.
const HAND_OVERS: usize = 10;

/// Longer than a connection is kept that nothing is asked on (90 s): what comes next begins with a handshake,
/// as it does where a leader stops after hours.
const STEADY: Duration = Duration::from_secs(100);

/// By then all that a change of leaders brings has been asked.
const AFTERMATH: Duration = Duration::from_secs(5);

const NAME: &str = "crowd";

pub(crate) fn run(_: &Options, table: &mut Table) -> Result<(), Failure> {
    let Some(bed) = Bed::start()? else {
        return Ok(());
    };
    let Some(port) = bed.port() else {
        return Err(Failure::new("the API server's address has no port"));
    };
    let before = (connections(port)?, Requests::counted(&bed.control)?);
    let (said, hear) = channel();
    let first = "first".to_owned();
    let mut leader = Candidate::start(&bed, Kind::Watching, NAME, first, said)?;
    let heard = hear.recv_timeout(LEASE * 2);
    heard.map_err(|error| Failure::cannot("hear from the first leader", error))?;
    let mut crowd = Crowd::new(&bed, NAME)?;
    for _ in 1..CANDIDATES {
        crowd.join()?;
    }
    crowd.settle()?;
    clock::pause(AFTERMATH);
    let start = Requests::counted(&bed.control)?;
    let open = connections(port)? - before.0;
    eprintln!(
        "start: {} conns {open} watches {}",
        (&start - &before.1).words(),
        start.watches
    );
    clock::pause(STEADY);
    let end = Requests::counted(&bed.control)?;
    eprintln!(
        "steady: {} conns {} watches {}",
        (&end - &start).words(),
        connections(port)? - before.0,
        end.watches
    );
    let killed = clock::now();
    leader.end(End::Killed)?;
    let at = crowd.successor()?;
    clock::pause(AFTERMATH);
    let after = Requests::counted(&bed.control)?;
    eprintln!(
        "crash: {} after {}",
        (&after - &end).words(),
        nanos(at - killed)
    );
    crowd.join()?;
    crowd.settle()?;
    for round in 0..HAND_OVERS {
        clock::pause(if round == 0 { STEADY } else { AFTERMATH });
        let before = Requests::counted(&bed.control)?;
        let asked = crowd.stop_leader()?;
        let at = crowd.successor()?;
        clock::pause(AFTERMATH);
        let after = Requests::counted(&bed.control)?;
        eprintln!(
            "hand-over: {} after {}",
            (&after - &before).words(),
            nanos(at - asked)
        );
        crowd.join()?;
        crowd.settle()?;
    }
    let _ = (ratio(1, 1), Samples::default(), Row::default(), table);
    crowd.go()
}
