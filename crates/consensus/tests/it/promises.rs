//! The promises of the design, each a test of that name that runs the shipped driver. Each says which
//! one-line break of the shipped code makes it fail; `cargo xtask mutants` breaks it, and sees to it.

use crate::bench::{Bench, Fate, at, ms, secs};
use consensus::backend::Candidate;
use consensus::internals::{Ask, Board, Election, Host, Instant, World, drive};
use consensus::store::{Nonce, Record, RecordBackend};
use consensus::{Config, ErrorKind, Lease, MemoryBackend, Status, Token, WorkScope};
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Waker};

/// A record as a stranger might write it.
fn strangers(holder: &str, lease_secs: u64) -> Record {
    Record {
        holder: Some(holder.into()),
        address: None,
        nonce: Some(Nonce::from_bits(0xF0F0)),
        lease_duration: secs(lease_secs),
        token: Some(Token::new(1_000)),
        work: WorkScope::Process,
        acquired_ms: u64::MAX,
        renewed_ms: u64::MAX,
    }
}

/// Promise 1. On the real clock: once a leader runs, nobody runs its election any more, as if its
/// thread were starved, and it answers `false` by itself; a renewal that comes later brings nothing
/// back.
///
/// Breaks if `Belief::read` says yes without comparing the clock with the deadline, or if
/// `Belief::publish` stores a later deadline without comparing.
#[test]
fn promise_1_belief_is_a_deadline() {
    let board = Arc::new(Board::default());
    let lease = Lease::new(Arc::clone(&board));
    let timing = Config::new("a")
        .lease_duration(ms(400))
        .timing()
        .expect("valid");
    let candidate = Candidate::new("a", timing.lease_duration);
    let mut backend = MemoryBackend::new();
    let election = Election::new(timing, 0);
    let mut task = pin!(drive(&mut backend, &candidate, election, &Host, &board));
    let mut poll = || {
        task.as_mut()
            .poll(&mut Context::from_waker(Waker::noop()))
            .is_ready()
    };

    poll();
    let term = lease.term().expect("nobody else is there");
    assert!(lease.is_leader() && term.is_current());
    std::thread::sleep(term.remaining() + ms(1));
    assert!(
        !lease.is_leader(),
        "nobody ran the election, and the deadline has passed"
    );
    assert!(!term.is_current() && term.remaining().is_zero());

    for _ in 0..3 {
        poll();
        assert!(!term.is_current(), "over is over");
    }
}

/// Promise 1, the other half: a renewal that is under way while a reader sees the term over.
///
/// Breaks if `Belief::publish` stores a later deadline without comparing.
#[test]
fn promise_1_no_later_confirmation_revives_a_term_that_was_seen_over() {
    let mut bench = Bench::with_leader(0);
    bench.run(secs(4));
    // A reader's clock is ahead: it sees the deadline passed, which for the driver it has not.
    let lease = Lease::new(Arc::clone(&bench.players[0].board));
    assert!(
        !lease.is_leader(),
        "the real clock is far ahead of the paper one"
    );
    let token = bench.players[0].token();
    bench.run(secs(10));
    let first = bench.players[0]
        .terms
        .iter()
        .filter(|(term, _)| *term == token);
    assert_eq!(
        first.count(),
        1,
        "no renewal brought it back: {:?}",
        bench.players[0].terms
    );
}

/// Promise 2. The answer to the acquisition and to a renewal come late: the deadline is counted from
/// before the request left.
///
/// Breaks if `acquired` or `renewed` in `election/moves.rs` count from `now` instead of `sent`.
#[test]
fn promise_2_counted_from_before_the_request_left() {
    let mut bench = Bench::new();
    let leader = bench.join("leader");
    bench.players[leader]
        .script
        .saves(&[Fate::AnswerLate(secs(2))]);
    bench.run(secs(2));
    assert_eq!(bench.players[leader].deadline(), Some(at(secs(10))));
    bench.run(secs(6));
    // Renewed at 5 s, answered at 7 s.
    assert_eq!(bench.players[leader].deadline(), Some(at(secs(15))));
}

/// Promise 2, the other way: a follower counts from the *arrival* of the first answer that showed it
/// the record.
///
/// Breaks if `try_acquire` in `protocol.rs` reads the clock before the load.
#[test]
fn promise_2_a_follower_counts_from_the_arrival_of_the_answer() {
    let mut bench = Bench::new();
    bench
        .store
        .edit(|record| *record = Some(strangers("stranger", 15)));
    let follower = bench.join("follower");
    bench.players[follower]
        .script
        .loads(&[Fate::AnswerLate(secs(2)), Fate::Answered]);
    bench.run(secs(16));
    assert!(
        !bench.players[follower].leads(),
        "asked at 0 s, answered at 2 s"
    );
    bench.run(secs(2));
    assert!(bench.players[follower].leads());
}

/// Promise 3. Somebody writes between our look and our write: ours is refused, theirs stays.
///
/// Breaks if `write` in `protocol.rs` looks again and writes on what it finds.
#[test]
fn promise_3_every_write_is_conditional() {
    let mut bench = Bench::new();
    let candidate = bench.join("candidate");
    bench.players[candidate]
        .script
        .overtake(strangers("faster", 15));
    bench.run(secs(1));
    assert!(!bench.players[candidate].leads());
    assert_eq!(bench.record(), Some(strangers("faster", 15)));
    // As a leader, too.
    let mut bench = Bench::with_leader(0);
    bench.players[0].script.overtake(strangers("faster", 15));
    bench.run(secs(5));
    assert!(!bench.players[0].leads());
    assert_eq!(bench.record(), Some(strangers("faster", 15)));
}

/// Promise 4. A restart under the same identity does not inherit, and a second process with it never
/// leads together with the first.
///
/// Breaks if `wrote` in `knowledge.rs` compares holders instead of records.
#[test]
fn promise_4_believe_only_what_you_wrote() {
    let mut bench = Bench::with_leader(0);
    let twin = bench.join("leader");
    bench.run(secs(60));
    assert!(bench.players[0].leads() && bench.players[twin].terms.is_empty());
    bench.players[0].kill();
    let restarted = bench.join("leader");
    bench.run(secs(14));
    assert!(
        !bench.players[restarted].leads() && !bench.players[twin].leads(),
        "it runs out first"
    );
    bench.run(secs(20));
    assert!(bench.players[restarted].leads() || bench.players[twin].leads());
}

/// Promise 4, nonces: a restored backup shows an older write of the leader's own. It has lost.
///
/// Breaks if `stored` in `knowledge.rs` leaves confirmed writes among those that may be seen.
#[test]
fn promise_4_an_older_nonce_of_ones_own_is_dead_for_good() {
    let mut bench = Bench::with_leader(0);
    let backup = bench.record();
    bench.run(secs(8));
    assert_ne!(bench.record(), backup, "it was renewed at 5 s");
    let token = bench.players[0].token();
    bench.store.edit(|record| *record = backup);
    bench.run(ms(300));
    assert!(
        !bench.players[0].leads(),
        "the record is not its last write"
    );
    bench.run(secs(60));
    assert!(
        bench.players[0].token() > token,
        "and leads again only under a new term"
    );
}

/// Promise 5. A follower waits, on its own clock, as long as the record names; timestamps in it do
/// not matter.
///
/// Breaks if `observe` in `knowledge.rs` waits for half of it.
#[test]
fn promise_5_others_expire_by_observation() {
    let mut bench = Bench::new();
    bench
        .store
        .edit(|record| *record = Some(strangers("stranger", 40)));
    let follower = bench.join("follower");
    bench.run(ms(39_900));
    assert!(!bench.players[follower].leads());
    bench.run(secs(1));
    assert!(bench.players[follower].leads());
}

/// Promise 5, absence: what vanishes counts as held for the longest duration seen lately; what is
/// absent at first sight for one lease.
///
/// Breaks if `observe` in `knowledge.rs` takes `Duration::ZERO` for what is absent at first sight, or
/// forgets the record that was there before.
#[test]
fn promise_5_what_vanishes_or_is_absent_at_first_sight_counts_as_held() {
    let mut bench = Bench::new();
    bench
        .store
        .edit(|record| *record = Some(strangers("stranger", 40)));
    let follower = bench.join("follower");
    bench.run(secs(10));
    bench.store.delete();
    let late = bench.join("late");
    bench.run(ms(14_900));
    assert!(
        !bench.players[late].leads(),
        "somebody may lead: it was deleted, for all it knows"
    );
    bench.players[late].kill();
    bench.run(secs(25));
    assert!(
        !bench.players[follower].leads(),
        "it saw a record that names 40 s"
    );
    bench.run(secs(1));
    assert!(bench.players[follower].leads());
}

/// Promise 6. The answer to an acquisition is lost: it is found by its nonce at once, taken anew under
/// a new token, and dated from that write.
///
/// Breaks if `see` in `knowledge.rs` forgets the writes that were not answered.
#[test]
fn promise_6_unknown_is_not_yes_and_not_no() {
    let mut bench = Bench::new();
    let candidate = bench.join("candidate");
    bench.players[candidate]
        .script
        .saves(&[Fate::AnswerLost, Fate::Answered]);
    bench.run(secs(1));
    let first = bench
        .record()
        .and_then(|record| record.token)
        .expect("it was carried out");
    assert!(!bench.players[candidate].leads(), "unknown is not yes");
    bench.run(secs(3));
    assert!(bench.players[candidate].leads(), "unknown is not no");
    let (token, deadline) = bench.players[candidate].terms[0];
    assert!(token > first, "{token} was the lost one's");
    assert!(deadline > at(secs(12)), "dated from the second write");
}

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
    bench.players[0].board.end_work();
    bench.run(secs(1));
    assert!(bench.players[0].leads() && bench.players[0].token() > token);
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

/// Promise 8. Across release, expiry, crash, deletion and re-creation.
///
/// Breaks if `next_token` in `knowledge.rs` gives the highest token again.
#[test]
fn promise_8_tokens_only_rise() {
    let mut bench = Bench::with_leader(0);
    let mut tokens = vec![bench.players[0].token()];
    let mut next = |bench: &mut Bench, leader: usize| {
        bench.run(secs(60));
        assert!(bench.players[leader].leads());
        tokens.push(bench.players[leader].token());
    };
    bench.ask(0, Ask::Stop);
    let released = bench.join("after a release");
    next(&mut bench, released);
    bench.players[released].kill();
    let crashed = bench.join("after a crash");
    next(&mut bench, crashed);
    bench.players[crashed].script.all(&[Fate::Lost]);
    let expired = bench.join("after an expiry");
    next(&mut bench, expired);
    bench.players[crashed].kill();
    bench.players[expired].kill();
    bench.store.delete();
    let deleted = bench.join("after a deletion");
    next(&mut bench, deleted);
    assert!(tokens.is_sorted_by(|a, b| a < b), "{tokens:?}");
}

/// Promise 9. A store that never answers: requests are given up and tried again, the term ends at its
/// deadline, and stopping comes to an end.
///
/// Breaks if `wake` in `election.rs` forgets the deadline while a renewal is under way, or if
/// `while_renewing` does not try again.
#[test]
fn promise_9_a_hung_store_delays_nothing() {
    let mut bench = Bench::with_leader(0);
    let sent = bench.players[0].script.sent();
    bench.players[0].script.all(&[Fate::Lost]);
    bench.run(ms(9_990));
    assert!(bench.players[0].leads());
    // Sent at 5, given up and sent again at 7.25 and 9.5 s.
    assert_eq!(bench.players[0].script.sent() - sent, 3);
    bench.run(ms(20));
    assert_eq!(
        bench.players[0].deadline(),
        None,
        "over at 10 s, whatever the store does"
    );
    bench.ask(0, Ask::Stop);
    bench.run(secs(30));
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

/// Promise 11. The process is paused while its acquisition is answered, until after the deadline: that
/// term is never handed out.
///
/// Breaks if `acquired` in `election/moves.rs` does not look at the time.
#[test]
fn promise_11_look_before_you_start() {
    let mut bench = Bench::new();
    let candidate = bench.join("candidate");
    bench.players[candidate]
        .script
        .saves(&[Fate::AnswerLate(ms(100)), Fate::Answered]);
    bench.run(ms(50));
    bench.players[candidate].pause();
    bench.run(secs(11));
    bench.players[candidate].go_on();
    bench.run(ms(10));
    let handed_out = &bench.players[candidate].terms;
    let over = |(_, deadline): &(Token, Instant)| *deadline <= at(ms(11_050));
    assert!(!handed_out.iter().any(over), "{handed_out:?}");
    assert!(bench.players[candidate].leads(), "it was taken anew");
}

/// A stopped and continued leader answers `false` from its first instruction on, although its election
/// has not run yet.
///
/// Breaks if belief were a flag: see promise 1.
#[test]
fn promise_1_a_paused_leader_is_over_before_it_runs_again() {
    let mut bench = Bench::with_leader(1);
    bench.players[0].pause();
    bench.run(secs(20));
    assert!(!bench.players[0].leads() && bench.players[1].leads());
    bench.players[0].go_on();
    bench.run(secs(20));
    assert!(bench.players[1].leads() && !bench.players[0].leads());
    assert_eq!(
        bench.players[0].board.status(),
        Status::Following {
            leader: bench.record().and_then(|record| record.leader())
        }
    );
}

/// The paper clock is what the driver runs on: nothing here waits in real time.
#[test]
fn the_bench_runs_on_paper() {
    let bench = Bench::new();
    assert_eq!(bench.now(), at(secs(0)));
    assert_ne!(Host.now(), bench.now());
    let _ = RecordBackend::in_world(bench.store.clone(), Host);
}
