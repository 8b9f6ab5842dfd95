//! Real processes, killed, stopped and asked to end: three candidates an election, which are the local
//! example itself, write down their own work on one clock, and the intervals must not overlap.
//!
//! Minutes long, so ignored unless asked for: `cargo xtask soak`. `SOAK_SEED` repeats a run's choices.

mod arena;
mod checker;
mod no_compare;

#[path = "../../examples/local.rs"]
#[allow(dead_code, unreachable_pub, reason = "its `main` is not ours")]
mod local;

use arena::{Act, Aim, Arena, Dice};
use checker::Findings;
use consensus::FileBackend;
use consensus::store::RecordBackend;
use no_compare::NoCompare;
use std::path::PathBuf;
use std::time::Duration;

const ARENAS: u64 = 8;
/// Of each kind, in each arena.
const ROUNDS: u32 = 8;

/// What a candidate is: this test program, started again to run this one test.
#[test]
fn soak_candidate() {
    let Some(kind) = std::env::var_os(arena::STORE) else {
        return;
    };
    let path = std::env::var_os("LEADER_FILE")
        .map(PathBuf::from)
        .expect("set with the store");
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("one");
    let ended = if kind == "file" {
        runtime.block_on(local::run(FileBackend::new(path)))
    } else {
        runtime.block_on(local::run(RecordBackend::over(NoCompare::new(path))))
    };
    ended.expect("a good end");
}

/// What one arena went through.
#[derive(Debug, Default)]
struct Tally {
    kills: u32,
    stops: u32,
    terms: u32,
    aimed: u32,
    findings: Findings,
}

#[test]
#[ignore = "minutes of real processes: cargo xtask soak"]
fn soak_three_candidates_under_kill_stop_and_term_never_work_at_once() {
    let seed = arena::seed();
    println!("SOAK_SEED={seed}");
    let arenas: Vec<_> = (0..ARENAS)
        .map(|number| std::thread::spawn(move || one_arena(seed.wrapping_add(number))))
        .collect();
    let mut all = Tally::default();
    for arena in arenas {
        let tally = arena.join().expect("an arena");
        all.kills += tally.kills;
        all.stops += tally.stops;
        all.terms += tally.terms;
        all.aimed += tally.aimed;
        all.findings.add(&tally.findings);
    }
    println!("{all:?}");
    assert!(
        all.kills >= 50 && all.stops >= 50 && all.terms >= 50,
        "too little happened"
    );
    assert!(
        all.aimed >= 30,
        "too few were aimed at a renewal in progress"
    );
    assert!(
        all.findings.terms >= u64::from(all.kills + all.stops + all.terms),
        "too few terms"
    );
    assert_eq!((all.findings.overlaps, all.findings.falls), (0, 0));
}

fn one_arena(seed: u64) -> Tally {
    let mut dice = Dice::new(seed);
    let mut arena = Arena::open("file");
    let mut acts = [Act::Kill, Act::Stop, Act::Term].repeat(ROUNDS as usize);
    dice.shuffle(&mut acts);
    let mut tally = Tally::default();
    for act in acts {
        let leader = arena.await_leader();
        let aim = if dice.one_in(2) {
            Aim::AtARenewal
        } else {
            Aim::Anywhere
        };
        if arena.take_aim(aim, &mut dice) {
            tally.aimed += 1;
        }
        match act {
            Act::Kill => tally.kills += 1,
            Act::Stop => tally.stops += 1,
            Act::Term => tally.terms += 1,
        }
        arena.act(act, leader, &mut dice);
    }
    arena.await_leader();
    tally.findings = arena.close();
    tally
}

/// The checker is worth something only if it finds what is wrong.
#[test]
#[ignore = "a minute of real processes: cargo xtask soak"]
fn soak_the_same_checker_finds_overlaps_over_a_store_without_compare() {
    let mut dice = Dice::new(arena::seed());
    let mut findings = Findings::default();
    for _ in 0..3 {
        let mut arena = Arena::open("no-compare");
        for _ in 0..2 {
            let leader = arena.await_leader();
            arena.act(Act::Kill, leader, &mut dice);
        }
        std::thread::sleep(Duration::from_secs(5));
        findings.add(&arena.close());
    }
    println!("without compare: {findings:?}");
    assert!(findings.overlaps > 0, "{findings:?}");
}
