//! Promises 1, 2, 9 and 11: what is counted from when, and when it is over.

use super::strangers;
use crate::bench::{Bench, Fate, at, ms, secs};
use consensus::backend::Candidate;
use consensus::internals::{Ask, Board, Election, Host, Instant, drive};
use consensus::{Config, Lease, MemoryBackend, Status, Token};
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Waker};

/// Promise 1. On the real clock: once a leader runs, nobody runs its election any more, as if its
/// thread were starved, and it answers `false` by itself; a renewal that comes later brings nothing
/// back.
///
/// Breaks if `Belief::read` says yes without comparing the clock with the deadline.
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
    let mut election = Election::new(timing, 0);
    let mut task = pin!(drive(
        &mut backend,
        &candidate,
        &mut election,
        &Host,
        &board
    ));
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

/// Promise 1, the other half: over is over. (Where a reader and a renewal race for the same word, it
/// is the compare in `Belief::publish` that decides: loom explores that, in `belief.rs`.)
///
/// Breaks if `while_holding` in `election/states.rs` takes no notice of a reader that saw it over.
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
    let terms = &bench.players[0].terms;
    let of_first = terms.iter().filter(|(term, _)| *term == token);
    assert_eq!(of_first.count(), 1, "no renewal brought it back: {terms:?}");
    assert!(
        bench.players[0].token() > token,
        "and it is not renewed for nobody: {terms:?}"
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
    bench.run(ms(15_500));
    // Nothing of the record changes, but it is a reason to look.
    bench.store.edit(|_| {});
    bench.run(ms(500));
    assert!(
        !bench.players[follower].leads(),
        "asked at 0 s, answered at 2 s"
    );
    bench.run(secs(2));
    assert!(bench.players[follower].leads());
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
