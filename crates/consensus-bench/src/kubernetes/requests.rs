//! What an API server is asked while nothing happens, by the role of who asks, as it counts itself. A follower's
//! part is what so many of them make it more. A watch is counted when it ends, after half an hour or more.

use super::bed::Bed;
use super::candidate::{Candidate, Kind, Said};
use super::metrics::Requests;
use crate::clock;
use crate::failure::Failure;
use crate::options::Options;
use crate::table::{Row, Table};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

/// How long is counted.
const WATCHED: Duration = Duration::from_secs(60);

/// By then, what a start brings has been asked.
const SETTLING: Duration = Duration::from_secs(5);

/// Several, so that one request more or less of the leader's is not seen.
const FOLLOWERS: u32 = 10;

const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) fn run(_: &Options, table: &mut Table) -> Result<(), Failure> {
    let Some(bed) = Bed::start()? else {
        return Ok(());
    };
    clock::pause(SETTLING);
    // The server holds Leases of its own.
    let own = count(&bed)?;
    for kind in Kind::ALL {
        let (said, hear) = channel();
        let start = |number: u32| {
            let identity = format!("{}-{number}", kind.lease());
            Candidate::start(&bed, kind, kind.lease(), identity, said.clone())
        };
        let mut all = vec![start(0)?];
        wait_for(1, &hear, |said| matches!(said, Said::Leads(_)))?;
        clock::pause(SETTLING);
        let alone = count(&bed)?;
        for number in 1..=FOLLOWERS {
            all.push(start(number)?);
        }
        wait_for(FOLLOWERS, &hear, |said| matches!(said, Said::Sees(_)))?;
        clock::pause(SETTLING);
        let together = count(&bed)?;
        drop(all);
        let leader = rate(&alone, &own);
        table.add(
            Row::number(
                format!("Kubernetes requests: leader, {}", kind.name()),
                format!("{leader:.2}/s"),
                1,
            )
            .beside(format!("in 60 s: {}", (&alone - &own).words())),
        );
        let followers = rate(&together, &alone) / f64::from(FOLLOWERS);
        let row = Row::number(
            format!("Kubernetes requests: follower, {}", kind.name()),
            format!("{followers:.2}/s"),
            usize::try_from(FOLLOWERS).unwrap_or(usize::MAX),
        );
        let asked = (&together - &alone).words();
        let row = row.beside(format!(
            "in 60 s, all: {asked}; {} watches",
            together.watches
        ));
        table.add(match kind {
            Kind::Watching => row.target("0", || followers < 0.005),
            Kind::Polling | Kind::ClientGo => row,
        });
    }
    Ok(())
}

/// What is asked in a while.
fn count(bed: &Bed) -> Result<Requests, Failure> {
    let before = Requests::counted(&bed.control)?;
    clock::pause(WATCHED);
    let after = Requests::counted(&bed.control)?;
    Ok(&after - &before)
}

/// How many requests a second there were more than without.
#[allow(
    clippy::cast_precision_loss,
    reason = "for people to read, with two digits"
)]
fn rate(with: &Requests, without: &Requests) -> f64 {
    (with.total() as f64 - without.total() as f64) / WATCHED.as_secs_f64()
}

/// Hears until so many have said this.
fn wait_for(
    many: u32,
    hear: &Receiver<(String, Said)>,
    is: fn(&Said) -> bool,
) -> Result<(), Failure> {
    let mut heard = 0;
    while heard < many {
        let said = hear.recv_timeout(PATIENCE);
        let failed = |error| Failure::cannot("hear from all candidates", error);
        heard += u32::from(is(&said.map_err(failed)?.1));
    }
    Ok(())
}
