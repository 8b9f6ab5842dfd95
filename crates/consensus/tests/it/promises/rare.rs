//! Rarer ways to be wrong: each was found by a mutant that no test of a promise killed.

use super::strangers;
use crate::bench::{Bench, Fate, ms, secs};
use consensus::backend::Candidate;
use consensus::internals::Ask;
use consensus::store::Record;
use consensus::{Config, Ended, ErrorKind, Lease, Status, Token};
use std::sync::Arc;

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

/// Promise 6. Writes stall while reads go on: what was sent first lands first, on the version that was
/// looked at again meanwhile, and is still known for one's own.
///
/// Breaks if `see` in `knowledge.rs` forgets what was sent on the very version that it sees.
#[test]
fn an_own_write_that_stalled_is_known_when_it_lands() {
    for holder in [Some("stranger".into()), None] {
        let mut bench = Bench::new();
        let record = Record {
            holder,
            ..strangers("", 15)
        };
        bench.store.edit(|stored| *stored = Some(record));
        let candidate = bench.join("candidate");
        let script = &bench.players[candidate].script;
        script.saves(&[Fate::Stalls, Fate::Stalls, Fate::Answered]);
        bench.run(secs(24));
        assert!(bench.players[candidate].leads(), "{:?}", bench.record());
    }
}

/// A reader saw an earlier term over and was held up before it could say so.
///
/// Breaks if `take_asked` in `board.rs` passes it on to a term that goes on.
#[test]
fn who_says_late_that_a_term_is_over_ends_no_later_term() {
    let mut bench = Bench::with_leader(0);
    bench.run(secs(1));
    let token = bench.players[0].token();
    bench.ask(0, Ask::SeenOver);
    bench.run(ms(10));
    assert!(bench.players[0].leads() && bench.players[0].token() == token);
}

/// Promise 8. No token can follow this one.
///
/// Breaks if `refuse_impossible` in `knowledge.rs` lets it pass.
#[test]
fn a_record_whose_token_none_can_follow_is_never_taken() {
    let mut bench = Bench::new();
    let last = Record {
        token: Some(Token::new(u64::MAX)),
        ..strangers("stranger", 15)
    };
    bench.store.edit(|record| *record = Some(last));
    let follower = bench.join("follower");
    bench.run(secs(60));
    assert!(bench.players[follower].terms.is_empty());
}

/// Promise 7. Work that was registered once and is over says nothing of who asks `is_leader()` now.
///
/// Breaks if `publish` in `board.rs` counts work that had ended before the term did.
#[test]
fn work_that_was_over_before_the_term_takes_no_grace_from_others() {
    let mut bench = Bench::with_leader(1);
    assert!(bench.players[0].begin_work());
    bench.players[0].board.end_work();
    bench.run(secs(3));
    bench.ask(0, Ask::StepDown);
    bench.run(ms(3_900));
    assert!(!bench.players[1].leads());
    bench.run(ms(200));
    assert!(bench.players[1].leads());
}

/// Promise 7. The last renewal arrived and its answer was lost: the release is tried for as long as
/// that one lasts.
///
/// Breaks if `run_out` in `election/moves.rs` counts from the last confirmed write.
#[test]
fn a_release_is_tried_for_as_long_as_any_write_of_ours_may_last() {
    let mut bench = Bench::with_leader(1);
    bench.players[0].script.saves(&[Fate::AnswerLost]);
    bench.run(ms(5_010));
    bench.players[0].script.all(&[Fate::Lost]);
    bench.run(secs(7));
    bench.ask(0, Ask::Stop);
    // Later than the last confirmed write allows: 15 s, and a request, after it was sent.
    bench.run(ms(5_600));
    bench.players[0].script.all(&[Fate::Answered]);
    bench.run(ms(2_300));
    assert!(
        bench.players[1].leads(),
        "released before it ran out at 20 s"
    );
}

/// Promise 5. The record that a follower watches is gone for a while, and comes back just as it was: it
/// has changed, and is waited for anew.
///
/// Breaks if `saw_foreign` in `knowledge.rs` notes nothing.
#[test]
fn a_record_that_comes_back_after_something_else_is_waited_for_anew() {
    let mut bench = Bench::new();
    bench
        .store
        .edit(|record| *record = Some(strangers("stranger", 15)));
    let follower = bench.join("follower");
    bench.run(secs(10));
    bench.players[follower]
        .script
        .loads(&[Fate::Refused(ErrorKind::Foreign)]);
    // Only a reason to look.
    bench.store.edit(|_| {});
    bench.run(secs(3));
    bench.players[follower].script.loads(&[Fate::Answered]);
    bench.run(secs(13));
    assert!(
        !bench.players[follower].leads(),
        "seen again at 15 s at the latest"
    );
    bench.run(secs(3));
    assert!(bench.players[follower].leads());
}

/// Only an answer of the store says that it answers again.
///
/// Breaks if `answer` in `report.rs` takes the end of `Verb::LetGo`, which asks no store, for one.
#[test]
fn letting_go_is_no_sign_of_a_store_that_answers() {
    let mut bench = Bench::with_leader(0);
    bench.players[0].script.all(&[Fate::Lost]);
    bench.run(secs(6));
    bench.ask(0, Ask::Stop);
    bench.run(secs(60));
    assert!(bench.players[0].is_stopped());
    let lease = Lease::new(Arc::clone(&bench.players[0].board));
    assert!(lease.trouble().is_some(), "nothing was answered since");
}
