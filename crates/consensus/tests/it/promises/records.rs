//! Promises 3 to 6 and 8: whose a record is, when it may be taken, and its token.

use super::strangers;
use crate::bench::{Bench, Fate, at, ms, secs};
use consensus::internals::Ask;

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
/// Breaks if `see` in `knowledge.rs` takes every record for our own.
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
/// Breaks if `wrote` in `knowledge.rs` compares holders instead of records.
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
