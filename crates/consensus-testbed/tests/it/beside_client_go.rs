//! The same faults, by the same scripts, for two candidates of ours and for two by client-go's elector,
//! unchanged: whether two work at once, by the work's own record. Two of ours never do. The table is also a
//! document, `BESIDE-CLIENT-GO.md` of the Kubernetes store.

mod document;
mod scene;
mod script;

use crate::candidates::{Kind, LEASE};
use consensus_testbed::client_go_elector;
use scene::Scene;
use script::{SCRIPTS, Script, paused_and_cancelled_just_now};
use std::thread;
use std::time::Duration;

/// How often a script is played until client-go's elector overlaps. What hangs on who looks first needs
/// some.
const TRIES: u32 = 6;

/// What was seen: the longest overlap, and at which try.
type Seen = (Option<Duration>, u32);

/// A column of the table: whose candidates, and why those of a script overlap.
type Column = (Kind, fn(&Script) -> Option<&'static str>);

const COLUMNS: [Column; 3] = [
    (Kind::Ours, |_| None),
    (Kind::ClientGo { releases: true }, |script| script.releasing),
    (Kind::ClientGo { releases: false }, |script| script.plain),
];

#[test]
fn no_two_of_ours_overlap_and_where_client_gos_do() {
    // Before anybody waits for it.
    client_go_elector().unwrap_or_else(|failure| panic!("{failure}"));
    let wrong: Vec<String> = thread::scope(|scope| {
        let play = |script| COLUMNS.map(|column| scope.spawn(move || play(script, column)));
        let played: Vec<_> = SCRIPTS.iter().map(play).collect();
        let rows = played.into_iter().zip(SCRIPTS);
        rows.flat_map(|(row, script)| {
            println!("{}", script.fault);
            let cells = row.into_iter().zip(COLUMNS);
            let wrong: Vec<_> = cells
                .filter_map(|(seen, column)| {
                    let what = format!("{:?}: {}", column.0, script.fault);
                    judge(seen.join().ok(), script, column).map(|wrong| format!("{what}: {wrong}"))
                })
                .collect();
            wrong
        })
        .collect()
    });
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// What is wrong with what was seen, which is printed.
fn judge(seen: Option<Seen>, script: &Script, (kind, why): Column) -> Option<&'static str> {
    match seen {
        Some((Some(time), tries)) => {
            println!(
                "    {kind:?}: at once for {} ms, try {tries}",
                time.as_millis()
            );
        }
        Some((None, _)) => println!("    {kind:?}: never at once"),
        None => println!("    {kind:?}: was not played to its end"),
    }
    match (kind, seen, why(script)) {
        (_, None, _) => Some("it was not played to its end"),
        (Kind::Ours, Some((Some(_), _)), _) => Some("two worked at once"),
        (Kind::ClientGo { .. }, Some((None, _)), Some(_)) => Some("it shows nothing"),
        (Kind::Ours, Some((None, _)), _) | (Kind::ClientGo { .. }, Some(_), _) => None,
    }
}

fn play(script: &Script, (kind, why): Column) -> Seen {
    let tries = why(script).map_or(1, |_| TRIES);
    for number in 1..=tries {
        let mut scene = Scene::of(kind);
        (script.play)(&mut scene);
        let overlap = scene.overlap(script.among);
        if overlap.is_some() {
            return (overlap, number);
        }
    }
    (None, tries)
}

/// What was ours when it was erased is held for a lease: nobody else can tell whether its leader knows.
#[test]
fn who_is_erased_by_one_of_client_gos_is_not_followed_at_once() {
    let mut scene = Scene::mixed([Kind::ClientGo { releases: true }, Kind::Ours]);
    paused_and_cancelled_just_now(&mut scene);
    scene.until_has_ended("second");
    scene.until_somebody_works();
    let work = scene.work();
    let of_ours: Vec<_> = work
        .iter()
        .filter(|term| term.identity != "first")
        .collect();
    let [erased, next] = of_ours.as_slice() else {
        panic!("one was erased, and one followed: {of_ours:?}");
    };
    assert_eq!(erased.identity, "second");
    // It has worked for two thirds of a lease at most, since it renewed.
    let least = i64::try_from((LEASE / 3).as_nanos()).expect("short");
    let gap = next.first() - erased.last();
    assert!(gap > least, "after {gap} ns");
}

/// A document that says what the table says cannot go stale.
#[test]
fn the_document_is_the_table() {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../consensus-kubernetes/BESIDE-CLIENT-GO.md"
    );
    let expected = document::write(SCRIPTS);
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(path, &expected).expect("written");
    }
    let found = std::fs::read_to_string(path).unwrap_or_default();
    assert_eq!(
        found, expected,
        "BLESS=1 cargo test -p consensus-testbed the_document"
    );
}
