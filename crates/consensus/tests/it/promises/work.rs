//! Promises 7 and 10: the work, the release, and the end of a term.

use super::strangers;
use crate::bench::{Bench, Fate, ms, secs};
use consensus::ErrorKind;
use consensus::internals::Ask;

/// Promise 7. The lease is given up only after registered work is over, and is renewed meanwhile.
///
/// Breaks if `tell_of_work` in `driver.rs` takes work that is left for done.
#[test]
fn promise_7_release_comes_last() {
    let mut bench = Bench::with_leader(1);
    assert!(bench.players[0].begin_work());
    bench.run(secs(3));
    bench.ask(0, Ask::Stop);
    assert!(!bench.players[0].leads(), "the term ends at once");
    bench.run(secs(12));
    let record = bench.record().expect("a record");
    assert_eq!(
        record.holder.as_deref(),
        Some("leader"),
        "the work is not over"
    );
    assert!(bench.players[1].terms.is_empty());
    bench.players[0].board.end_work();
    bench.run(ms(100));
    assert!(bench.players[1].leads(), "released, and taken at once");
    assert!(bench.players[0].is_stopped());
}

/// Promise 7: who only asked `is_leader()` is given the stop grace after a step-down; work that
/// outlives deadline and grace is followed by no release and no new term.
///
/// Breaks if `StepDown` in `election/states.rs` gives no grace, or if `while_draining` there releases
/// after overdue work.
#[test]
fn promise_7_unregistered_work_has_its_grace_and_overdue_work_no_release() {
    let mut bench = Bench::with_leader(1);
    bench.run(secs(1));
    bench.ask(0, Ask::StepDown);
    bench.run(ms(3_900));
    assert!(bench.players[1].terms.is_empty(), "the grace is 4 s");
    bench.run(ms(200));
    assert!(bench.players[1].leads());

    let mut bench = Bench::with_leader(0);
    assert!(bench.players[0].begin_work());
    bench.players[0].script.all(&[Fate::Lost]);
    bench.run(secs(40));
    let (record, token) = (bench.record(), bench.players[0].token());
    bench.players[0].script.all(&[Fate::Answered]);
    bench.run(secs(60));
    assert_eq!(bench.record(), record, "no new term while old work goes on");
    let sent = bench.players[0].script.sent();
    bench.players[0].board.end_work();
    bench.run(secs(1));
    assert!(bench.players[0].leads() && bench.players[0].token() > token);
    assert_eq!(
        bench.players[0].script.sent() - sent,
        2,
        "a look and a write: no release"
    );
    let holder = bench.record().and_then(|record| record.holder);
    assert_eq!(holder.as_deref(), Some("leader"));
}

/// Promise 7: nobody else's record is ever erased by a release.
///
/// Breaks if `write` in `protocol.rs` looks again and writes on what it finds.
#[test]
fn promise_7_a_release_never_erases_anybody_elses_record() {
    let mut bench = Bench::with_leader(0);
    bench.players[0].script.overtake(strangers("faster", 15));
    bench.ask(0, Ask::Stop);
    bench.run(secs(20));
    assert_eq!(bench.record(), Some(strangers("faster", 15)));
    assert!(bench.players[0].is_stopped());
}

/// Promise 10. An outage of any length ends no election, and a short one no term.
///
/// Breaks if `while_renewing` in `election/states.rs` ends the term at the first error.
#[test]
fn promise_10_errors_do_not_end_the_election() {
    let mut bench = Bench::with_leader(0);
    let token = bench.players[0].token();
    bench.run(ms(4_900));
    bench.players[0]
        .script
        .all(&[Fate::Refused(ErrorKind::Unavailable)]);
    bench.run(secs(3));
    bench.players[0].script.all(&[Fate::Answered]);
    bench.run(secs(10));
    assert!(bench.players[0].leads(), "3 s of refusals are ridden out");
    assert_eq!(bench.players[0].token(), token);

    bench.players[0]
        .script
        .all(&[Fate::Refused(ErrorKind::Denied)]);
    bench.run(secs(3_600));
    assert!(!bench.players[0].leads());
    bench.players[0].script.all(&[Fate::Answered]);
    bench.run(secs(3));
    assert!(
        bench.players[0].leads(),
        "and an hour of them is over when it is over"
    );
}

/// Promise 10, losing: seeing another holder ends the term at once, and the leader watches.
///
/// Breaks if `acquired` or `renewed` in `election/moves.rs` rest instead of watching.
#[test]
fn promise_10_losing_ends_the_term_at_once() {
    let mut bench = Bench::with_leader(0);
    bench.run(secs(2));
    bench
        .store
        .edit(|record| *record = Some(strangers("usurper", 15)));
    bench.run(ms(1));
    assert_eq!(
        bench.players[0].deadline(),
        None,
        "told by the watch, long before the renewal"
    );
    assert_eq!(bench.record(), Some(strangers("usurper", 15)));
}
