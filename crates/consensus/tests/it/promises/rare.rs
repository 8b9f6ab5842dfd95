//! Rarer ways to be wrong: each was found by a mutant that no test of a promise killed.

use super::strangers;
use crate::bench::{Bench, Fate, ms, secs};
use consensus::backend::Candidate;
use consensus::{Config, Ended, ErrorKind, Status};

/// Promise 4. The answer to an acquisition is lost; then another record is seen; then a backup brings
/// the lost one back. Its nonce is dead: the record is waited for like anybody's.
///
/// Breaks if `see` in `knowledge.rs` keeps open writes although another record was seen.
#[test]
fn an_open_write_is_dead_once_another_record_was_seen() {
    let mut bench = Bench::new();
    let candidate = bench.join("candidate");
    bench.players[candidate]
        .script
        .saves(&[Fate::AnswerLost, Fate::Answered]);
    bench.run(ms(100));
    let lost = bench.record().expect("it was carried out");
    bench
        .store
        .edit(|record| *record = Some(strangers("stranger", 15)));
    bench.run(secs(5));
    bench.store.edit(|record| *record = Some(lost));
    bench.run(ms(14_900));
    assert!(bench.players[candidate].terms.is_empty());
    bench.run(secs(1));
    assert!(bench.players[candidate].leads());
}

/// Promise 5. A record that names more than the longest lease is an error, and is never taken.
///
/// Breaks if `refuse_endless` in `knowledge.rs` lets it pass.
#[test]
fn a_record_that_names_more_than_the_longest_lease_is_never_taken() {
    let mut bench = Bench::new();
    let endless = strangers("stranger", 24 * 60 * 60 + 1);
    bench.store.edit(|record| *record = Some(endless.clone()));
    let follower = bench.join("follower");
    bench.run(secs(25 * 60 * 60));
    assert!(bench.players[follower].terms.is_empty());
    assert_eq!(bench.record(), Some(endless));
}

/// Promise 12. A leader that finds somebody else's content in place of its record has lost.
///
/// Breaks if `while_renewing` in `election/states.rs` takes it for an outage.
#[test]
fn a_leader_that_finds_foreign_content_has_lost_at_once() {
    let mut bench = Bench::with_leader(0);
    bench.players[0]
        .script
        .all(&[Fate::Refused(ErrorKind::Foreign)]);
    bench.run(ms(4_900));
    assert!(bench.players[0].leads(), "it has not looked yet");
    bench.run(ms(200));
    assert_eq!(bench.players[0].deadline(), None, "it renews at 5 s");
}

/// A leader whose work does not check in ends its term, long before its deadline.
///
/// Breaks if `limit` in `election.rs` does not look at the check-in.
#[test]
fn a_missed_check_in_ends_the_term() {
    let mut bench = Bench::new();
    let config = Config::new("as the candidate says").check_in(secs(3));
    let leader = bench.join_with(Candidate::new("leader", secs(15)), &config);
    bench.run(ms(2_900));
    assert!(bench.players[leader].leads());
    bench.run(ms(200));
    assert_eq!(bench.players[leader].deadline(), None);
    let why = Ended::CheckInMissed;
    assert!(matches!(
        bench.players[leader].board.status(),
        Status::Ending { why: said, .. } if said == why
    ));
}
