//! The machine alone: what it says, step by step. The promises are tested on the whole driver, in
//! `tests/it`.

use super::{Election, Event, Failure, Input, Step, Then, Verb};
use crate::backend::{Acquisition, Leader, Renewal};
use crate::config::Config;
use crate::ended::Ended;
use crate::world::Instant;
use crate::{ErrorKind, Token};
use std::collections::BTreeSet;
use std::time::Duration;

const TOKEN: Token = Token::new(7);

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

fn at(after_ms: u64) -> Instant {
    Instant::from_nanos(1_000_000_000).plus(ms(after_ms))
}

fn acquired() -> Input {
    Input::Acquire(Ok(Acquisition::Acquired { token: TOKEN }))
}

fn held(at_most_ms: u64, watched: bool) -> Input {
    let leader = Some(Leader {
        identity: "other".into(),
        address: None,
    });
    let at_most = Some(ms(at_most_ms));
    Input::Acquire(Ok(Acquisition::Held {
        leader,
        at_most,
        watched,
    }))
}

fn failed(kind: ErrorKind, retry_after_ms: Option<u64>) -> Failure {
    Failure {
        kind,
        retry_after: retry_after_ms.map(ms),
    }
}

/// Without luck: renewals at 5 s, polls at 2 s, a request timeout of 2.25 s, a grace of 4 s.
fn machine(config: &Config) -> Election {
    Election::new(config.timing().expect("valid"), 0)
}

fn defaults() -> Config {
    Config::new("a")
}

fn leading(config: &Config) -> Election {
    let mut machine = machine(config);
    assert_eq!(
        machine.step(at(0), Input::Tick).then,
        Then::Begin(Verb::Acquire)
    );
    let step = machine.step(at(40), acquired());
    assert_eq!(step, begins(Verb::Watch, Some(Event::Began(TOKEN))));
    machine
}

fn begins(verb: Verb, event: Option<Event>) -> Step {
    Step {
        then: Then::Begin(verb),
        event,
    }
}

#[test]
fn a_follower_without_notice_polls_and_one_with_notice_waits_until_it_can_be_free() {
    for (watched, wake) in [(false, at(2_010)), (true, at(9_010))] {
        let mut machine = machine(&defaults());
        machine.step(at(0), Input::Tick);
        let step = machine.step(at(10), held(9_000, watched));
        assert_eq!(step.then, Then::Begin(Verb::Watch));
        assert_eq!(machine.wake(), Some(wake), "watched: {watched}");
    }
    // What is free earlier than the next poll is tried for when it is free.
    let mut machine = machine(&defaults());
    machine.step(at(0), Input::Tick);
    machine.step(at(10), held(300, false));
    assert_eq!(machine.wake(), Some(at(310)));
}

#[test]
fn a_follower_that_is_told_of_a_change_looks_at_once_but_not_without_end() {
    let mut machine = machine(&defaults());
    machine.step(at(0), Input::Tick);
    let mut looks = 0;
    for hint in 0..100 {
        if machine.step(at(hint), Input::Changed).then == Then::Begin(Verb::Acquire) {
            looks += 1;
        }
        machine.step(at(hint), held(9_000, true));
    }
    assert_eq!(looks, super::MOST_HINTS);
    assert!(
        machine.wake().is_some_and(|wake| wake <= at(2_000)),
        "{:?}",
        machine.wake()
    );
}

#[test]
fn a_store_that_asks_for_patience_gets_it() {
    let mut machine = machine(&defaults());
    machine.step(at(0), Input::Tick);
    machine.step(
        at(10),
        Input::Acquire(Err(failed(ErrorKind::Unavailable, Some(7_000)))),
    );
    assert_eq!(machine.wake(), Some(at(7_010)));
    // A leader gives it no more than a retry interval: its deadline does not wait.
    let mut machine = leading(&defaults());
    machine.step(at(5_000), Input::Tick);
    machine.step(
        at(5_010),
        Input::Renew(Err(failed(ErrorKind::Unavailable, Some(7_000)))),
    );
    assert_eq!(machine.wake(), Some(at(7_010)));
}

#[test]
fn failures_in_a_row_are_retried_ever_slower_up_to_the_retry_interval() {
    let mut machine = machine(&defaults());
    let (mut now, mut waits) = (0, Vec::new());
    for _ in 0..7 {
        machine.step(at(now), Input::Tick);
        machine.step(
            at(now),
            Input::Acquire(Err(failed(ErrorKind::Denied, None))),
        );
        let wait = machine.wake().expect("it tries again").since(at(now));
        waits.push(u64::try_from(wait.as_millis()).expect("small"));
        now += waits[waits.len() - 1];
    }
    assert_eq!(waits, [125, 250, 500, 1_000, 2_000, 2_000, 2_000]);
}

/// Breaks if the times of renewals are not gathered.
#[test]
fn elections_that_read_one_clock_renew_together() {
    let mut wakes = BTreeSet::new();
    for seed in 1..1_000 {
        let mut machine = Election::new(defaults().timing().expect("valid"), seed);
        let start = at(0).plus(Duration::from_micros(seed));
        machine.step(start, Input::Tick);
        machine.step(start, acquired());
        wakes.insert(machine.wake());
    }
    // Less than half a second of luck, in parts of 78 ms.
    assert!((5..=8).contains(&wakes.len()), "{}", wakes.len());
}

/// Breaks if the luck of a renewal is drawn from when it was sent, and not from its part of the interval.
#[test]
fn neighbours_that_renewed_together_do_so_from_then_on() {
    let timing = defaults().timing().expect("valid");
    let neighbour = |own| Election::new(timing, own).with_neighbours(7);
    let mut all = [neighbour(1), neighbour(2), Election::new(timing, 3)];
    for (machine, sent) in all.iter_mut().zip([at(0), at(1), at(1)]) {
        machine.step(sent, Input::Tick);
        machine.step(sent, acquired());
    }
    // Luck only shortens.
    let early = timing.renew_interval * 9 / 10..timing.renew_interval;
    let mut parted = 0;
    for _ in 0..100 {
        let due = all[0].wake().expect("it renews");
        assert_eq!(all[1].wake(), Some(due));
        parted += u32::from(all[2].wake() != Some(due));
        for (late, machine) in (1..).zip(&mut all) {
            let before = machine.wake().expect("it renews");
            let sent = before.plus(Duration::from_micros(late));
            machine.step(sent, Input::Tick);
            machine.step(sent, Input::Renew(Ok(Renewal::Renewed)));
            let waits = machine.wake().expect("it renews").since(sent);
            assert!(early.contains(&waits), "{waits:?}");
        }
    }
    assert!(
        parted > 50,
        "who is no neighbour goes its own way: {parted}"
    );
}

#[test]
fn somebodys_content_in_place_of_the_record_is_losing() {
    let mut machine = leading(&defaults());
    machine.step(at(5_000), Input::Tick);
    let step = machine.step(
        at(5_010),
        Input::Renew(Err(failed(ErrorKind::Foreign, None))),
    );
    assert_eq!(
        step,
        begins(Verb::Rest, Some(Event::Ended(TOKEN, Ended::Lost)))
    );
    assert_eq!(machine.belief(), None);
}

#[test]
fn a_stop_while_acquiring_waits_for_the_answer_and_releases_whatever_came() {
    let answers = [
        (acquired(), 100),
        (
            Input::Acquire(Err(failed(ErrorKind::Unavailable, None))),
            100,
        ),
        (held(9_000, true), 100),
        (Input::Tick, 2_250),
    ];
    for (answer, when) in answers {
        let mut machine = machine(&defaults());
        machine.step(at(0), Input::Tick);
        assert_eq!(machine.step(at(10), Input::Stop).then, Then::Keep);
        assert_eq!(
            machine.step(at(when), answer).then,
            Then::Begin(Verb::Release)
        );
        assert_eq!(machine.belief(), None);
        let step = machine.step(at(3_000), Input::Release(Ok(())));
        assert_eq!(
            step,
            Step {
                then: Then::Finish,
                event: Some(Event::Over)
            }
        );
    }
}

#[test]
fn while_work_winds_down_the_lease_is_renewed_for_at_most_one_lease_duration() {
    let mut machine = leading(&defaults());
    machine.step(at(4_000), Input::Stop);
    let mut now = at(5_000);
    let mut renewals = 0;
    while machine.step(now, Input::Tick).then == Then::Begin(Verb::Renew(TOKEN)) {
        machine.step(now, Input::Renew(Ok(Renewal::Renewed)));
        renewals += 1;
        now = machine.wake().expect("not over yet");
    }
    assert_eq!(
        (renewals, now),
        (3, at(19_000)),
        "stopped at 4 s, with a lease of 15 s"
    );
    assert!(machine.awaits_work());
}

#[test]
fn work_that_says_nothing_loses_its_term_and_is_not_renewed() {
    let mut machine = leading(&defaults().check_in(ms(3_000)));
    machine.step(at(2_000), Input::CheckedIn(at(2_000)));
    assert_eq!(machine.wake(), Some(at(5_000)));
    let step = machine.step(at(5_000), Input::Tick);
    assert_eq!(
        step,
        begins(Verb::Rest, Some(Event::Ended(TOKEN, Ended::CheckInMissed)))
    );
    assert_eq!(machine.belief(), None);
    // It had its grace; then others go first.
    assert_eq!(machine.wake(), Some(at(9_000)));
    assert_eq!(
        machine.step(at(9_000), Input::NoWork).then,
        Then::Begin(Verb::Release)
    );
    machine.step(at(9_010), Input::Release(Ok(())));
    assert_eq!(machine.wake(), Some(at(13_010)));
}

#[test]
fn who_steps_down_sits_out_and_a_second_asking_changes_nothing() {
    let mut machine = leading(&defaults());
    machine.step(at(100), Input::StepDown);
    machine.step(at(2_000), Input::StepDown);
    assert_eq!(
        machine.step(at(4_090), Input::NoWork).then,
        Then::Keep,
        "in its grace"
    );
    assert_eq!(machine.wake(), Some(at(4_100)));
    assert_eq!(
        machine.step(at(4_100), Input::NoWork).then,
        Then::Begin(Verb::Release)
    );
    machine.step(at(4_110), Input::Release(Ok(())));
    assert_eq!(machine.wake(), Some(at(8_110)));
}

#[test]
fn a_stop_after_a_step_down_waits_for_registered_work_only() {
    let mut machine = leading(&defaults());
    machine.step(at(100), Input::StepDown);
    let step = machine.step(at(200), Input::Stop);
    assert_eq!(step.event, None, "the term had ended before");
    assert_eq!(
        machine.step(at(200), Input::NoWork).then,
        Then::Begin(Verb::Release)
    );
}

#[test]
fn a_release_that_fails_is_tried_until_the_lease_has_run_out() {
    let mut machine = leading(&defaults());
    machine.step(at(1_000), Input::Stop);
    machine.step(at(1_000), Input::NoWork);
    let mut now = at(1_010);
    let last = loop {
        let failed = failed(ErrorKind::Unavailable, None);
        let step = machine.step(now, Input::Release(Err(failed)));
        if step.then == Then::Begin(Verb::LetGo) {
            break step.event;
        }
        now = machine.wake().expect("again");
        assert_eq!(
            machine.step(now, Input::Tick).then,
            Then::Begin(Verb::Release)
        );
    };
    assert_eq!(last, Some(Event::Unreleased));
    // The lease, the time that a request may take, and less than one retry interval.
    assert!(now >= at(17_250) && now < at(19_250), "{now:?}");
    assert_eq!(machine.step(now, Input::LetGo).then, Then::Finish);
}

#[test]
fn who_winds_down_hears_of_a_loss_and_overdue_counts_the_time_to_kill() {
    let mut machine = leading(&defaults().leave_time_to_kill());
    machine.step(at(4_000), Input::Stop);
    machine.step(at(5_000), Input::Tick);
    let step = machine.step(at(5_010), Input::Renew(Ok(Renewal::Lost { leader: None })));
    assert_eq!(step.event, Some(Event::Ended(TOKEN, Ended::Lost)));
    // 4 s of grace and 0.45 s for SIGKILL.
    assert_eq!(machine.step(at(9_459), Input::Tick).event, None);
    assert_eq!(
        machine.step(at(9_460), Input::Tick).event,
        Some(Event::Overdue(TOKEN))
    );
}

#[test]
fn a_leader_looks_at_once_after_a_hint_but_not_without_end() {
    let mut machine = leading(&defaults());
    for hint in 0..super::MOST_LOOKS {
        let now = at(100 + u64::from(hint));
        assert_eq!(
            machine.step(now, Input::Changed).then,
            Then::Begin(Verb::Renew(TOKEN))
        );
        machine.step(now, Input::Renew(Ok(Renewal::Renewed)));
    }
    assert_eq!(
        machine.step(at(150), Input::Changed).then,
        Then::Begin(Verb::Rest)
    );
    // An eighth of 2.25 s after the first of them.
    let wake = machine.wake().expect("it looks soon");
    assert_eq!(wake, at(381).plus(Duration::from_micros(250)));
    assert_eq!(
        machine.step(wake, Input::Tick).then,
        Then::Begin(Verb::Renew(TOKEN))
    );
}

#[test]
fn grace_counts_from_when_readers_were_told_or_from_the_deadline() {
    let mut machine = leading(&defaults());
    machine.step(at(100), Input::StepDown);
    machine.step(at(3_000), Input::Told);
    assert_eq!(machine.step(at(6_999), Input::NoWork).then, Then::Keep);
    assert_eq!(
        machine.step(at(7_000), Input::NoWork).then,
        Then::Begin(Verb::Release)
    );

    let mut machine = leading(&defaults());
    machine.step(at(5_000), Input::Tick);
    machine.step(at(5_010), Input::Renew(Ok(Renewal::Lost { leader: None })));
    machine.step(at(20_000), Input::Told);
    assert_eq!(
        machine.wake(),
        Some(at(14_000)),
        "after the deadline nobody was told yes"
    );
}
