//! The program under fire: three candidates an election, each of whose processes (`consensus`, its guard, what
//! these become for a moment, the command, its child, and what left it by a double fork and `setsid`) is
//! killed, stopped and asked to end. The work writes down when it works, and must not overlap.
//!
//! Minutes long, so ignored unless asked for: `cargo xtask soak`. `SOAK_SEED` repeats a run's choices.

mod arena;
mod hits;
mod processes;
mod unguarded;
mod work;

pub mod checker;
mod clock;
mod dice;

use arena::{Arena, Kind, LEASE};
use checker::Findings;
use dice::Dice;
use hits::{Hit, Hitter, Tally};
use processes::Role;
use std::process::Command;
use std::time::{Duration, Instant};

const ARENAS: u64 = 6;
/// How long they go on.
const TIME: Duration = Duration::from_secs(140);
/// Between two hits in one arena, in milliseconds: on average half of it.
const PAUSE: u64 = 500;

/// What a candidate runs: this test program, started again to run this one test.
#[test]
fn soak_work() {
    if let (Ok(role), Ok(_)) = (std::env::var(processes::ROLE), std::env::var(work::LOG)) {
        work::run(&role);
    }
}

/// What a candidate without a guard is.
#[test]
fn soak_unguarded() {
    if let Ok(record) = std::env::var(unguarded::RECORD) {
        let mut command = Command::new(std::env::current_exe().expect("this program"));
        command.args(work::ARGUMENTS);
        unguarded::run(&record, LEASE, command);
    }
}

#[test]
#[ignore = "minutes of real processes: cargo xtask soak"]
fn soak_no_work_outlives_its_leadership_whatever_is_killed_or_stopped() {
    let (tally, findings) = soak(Kind::Program, ARENAS, TIME);
    println!("{tally:#?}\n{findings:#?}");
    assert!(tally.all() >= 1_000, "too few hits");
    for hit in [Hit::Kill, Hit::Stop, Hit::Freeze, Hit::Term, Hit::Suspend] {
        assert!(tally.of_hit(hit) >= 50, "too few of {hit:?}");
    }
    let steady = [
        Role::Consensus,
        Role::Guard,
        Role::Command,
        Role::Child,
        Role::Escaped,
    ];
    for role in steady {
        assert!(tally.of_role(role) >= 50, "too few of {role:?}");
    }
    for role in [Role::Starter, Role::Heir] {
        assert!(tally.of_role(role) >= 5, "too few of {role:?}");
    }
    for hit in [Hit::Kill, Hit::Freeze] {
        let count = tally.double.get(&hit).copied().unwrap_or_default();
        assert!(count >= 5, "too few double hits");
    }
    assert!(findings.terms >= 200, "too few terms");
    assert_eq!((findings.overlaps, findings.falls), (0, 0));
    assert_eq!(findings.left, 0, "of candidates that were over");
}

/// The checker is worth something only if it finds what is wrong.
#[test]
#[ignore = "a minute of real processes: cargo xtask soak"]
fn soak_the_same_checker_finds_overlaps_where_there_is_no_guard() {
    let (tally, findings) = soak(Kind::Unguarded, 1, Duration::from_secs(30));
    println!("without a guard: {} hits, {findings:#?}", tally.all());
    assert!(findings.overlaps > 0);
}

fn soak(kind: Kind, arenas: u64, time: Duration) -> (Tally, Findings) {
    let seed = seed();
    println!("SOAK_SEED={seed}");
    let arenas: Vec<_> = (0..arenas)
        .map(|number| std::thread::spawn(move || one_arena(kind, seed.wrapping_add(number), time)))
        .collect();
    let (mut tally, mut findings) = (Tally::default(), Findings::default());
    for arena in arenas {
        let (its_tally, its_findings) = arena.join().expect("an arena");
        tally += its_tally;
        findings += its_findings;
    }
    (tally, findings)
}

fn one_arena(kind: Kind, seed: u64, time: Duration) -> (Tally, Findings) {
    let mut dice = Dice::new(seed);
    let mut arena = Arena::open(kind, &mut dice);
    let mut hitter = Hitter::new();
    let start = Instant::now();
    let mut next = start;
    while start.elapsed() < time {
        arena.keep_up(&mut dice);
        hitter.keep_up(&arena);
        if Instant::now() >= next {
            hitter.hit_one(&mut arena, &mut dice);
            next = Instant::now() + Duration::from_millis(dice.below(PAUSE));
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    hitter.finish();
    (hitter.tally, arena.close())
}

fn seed() -> u64 {
    let given = std::env::var("SOAK_SEED")
        .ok()
        .and_then(|seed| seed.parse().ok());
    given.unwrap_or_else(clock::now)
}
