//! Every case over every flawed store: each flaw is found by its own case, and by no other.

use super::flawed::{Flawed, Shelf, Tokened};
use super::flaws::Flaw;
use consensus::kit::{Case, Place, cases};
use std::any::Any;
use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// A case that should fail may do so by hanging. The time is short, because it is always waited for.
const HANGS: Duration = Duration::from_secs(1);
/// A case that should pass has all the time that a machine under load may need.
const PASSES: Duration = Duration::from_secs(60);

/// How many rows run at once: most of their time is spent waiting.
const THREADS: usize = 6;

fn place(case: &str, flaw: Option<Flaw>, tokened: Tokened) -> Place<Flawed> {
    let shelf = Arc::new(Shelf::new(flaw, tokened));
    let at = || Arc::clone(&shelf);
    let (open, delete, garble, outdate, annotate, annotated) = (at(), at(), at(), at(), at(), at());
    Place::new(case, move |_| Flawed::open(&open))
        .deletion(async move |_: &str| delete.delete())
        .foreign(async move |_: &str| garble.garble())
        .formats(async move |_: &str| outdate.outdate())
        .fields(
            async move |_: &str| annotate.annotate(),
            async move |_: &str| annotated.is_annotated(),
        )
        .proof(drop)
}

/// Why the case fails over this store. `None`: it passes.
fn failure(case: &Case<Flawed>, flaw: Option<Flaw>, tokened: Tokened) -> Option<String> {
    let expected = flaw.is_some_and(|flaw| flaw.found_by() == case.name());
    let limit = if expected { HANGS } else { PASSES };
    let place = place(case.name(), flaw, tokened);
    let outcome = catch_unwind(AssertUnwindSafe(|| case.run(place, limit)));
    outcome.err().map(|panic| message(&*panic))
}

fn message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| panic.downcast_ref().copied());
    text.unwrap_or("it panicked with something that is no text")
        .to_owned()
}

/// One line of the table: what a flaw should be found by, and what did find it.
struct Row {
    flaw: Flaw,
    found_by: Vec<(&'static str, String)>,
}

impl Row {
    fn of(flaw: Flaw) -> Self {
        let tokened = if flaw.is_in_revisions() {
            Tokened::ByRevision
        } else {
            Tokened::ByProtocol
        };
        let found_by = cases()
            .iter()
            .filter_map(|case| Some((case.name(), failure(case, Some(flaw), tokened)?)))
            .collect();
        Self { flaw, found_by }
    }

    fn is_diagonal(&self) -> bool {
        matches!(&self.found_by[..], [(case, _)] if *case == self.flaw.found_by())
    }
}

#[test]
fn a_sound_store_passes_every_case() {
    for tokened in [Tokened::ByProtocol, Tokened::ByRevision] {
        for case in cases() {
            let failure = failure(&case, None, tokened);
            assert!(
                failure.is_none(),
                "{}, {tokened:?}: {failure:?}",
                case.name()
            );
        }
    }
}

#[test]
fn every_case_has_a_flaw_that_it_finds() {
    let cases: BTreeSet<_> = cases::<Flawed>().iter().map(Case::name).collect();
    let found: BTreeSet<_> = Flaw::ALL.iter().map(|flaw| flaw.found_by()).collect();
    assert_eq!(found, cases, "flaws on the left, cases on the right");
}

#[test]
fn every_flaw_is_found_by_its_case_and_by_no_other() {
    let (next, rows) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                while let Some(flaw) = Flaw::ALL.get(next.fetch_add(1, Ordering::SeqCst)) {
                    let row = Row::of(*flaw);
                    rows.lock().expect("no row panics in here").push(row);
                }
            });
        }
    });
    let rows = rows.into_inner().expect("no row panics in here");
    assert_eq!(rows.len(), Flaw::ALL.len());
    let table: Vec<_> = rows
        .iter()
        .filter(|row| !row.is_diagonal())
        .map(in_words)
        .collect();
    assert!(table.is_empty(), "off the diagonal:\n{}", table.join("\n"));
}

fn in_words(row: &Row) -> String {
    let expected = row.flaw.found_by();
    let mut lines = vec![format!("{:?}, which `{expected}` should find:", row.flaw)];
    if row.found_by.iter().all(|(case, _)| *case != expected) {
        lines.push("    MISSED    it does not".to_owned());
    }
    for (case, why) in &row.found_by {
        let verdict = if *case == expected { "found" } else { "ALSO" };
        lines.push(format!("    {verdict:9} {case}: {why}"));
    }
    lines.join("\n")
}
