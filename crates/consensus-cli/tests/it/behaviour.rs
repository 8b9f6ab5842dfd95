//! What the program does, as a table: a state, what its command does, what is done to whom, and what comes
//! of it. Each row is played with real processes, and all of them make a document for people.
//!
//! Read `behaviour/row.rs` for the words, `behaviour/work.rs` for the commands, `behaviour/scene.rs` for how
//! a row is played; the other files are rows. `ROW=text` plays only those whose words contain the text.

mod document;
mod ending;
mod leading;
mod machine;
mod powers;
mod row;
mod scene;
mod start;
mod waiting;
mod work;

use row::Row;
use std::panic::catch_unwind;
use std::sync::Mutex;
use std::thread;

/// How many rows are played at a time. Most of their time they wait.
const AT_A_TIME: usize = 5;

/// All rows, in the order of the document.
const ALL: [&[Row]; 7] = [
    waiting::ROWS,
    leading::ROWS,
    powers::ROWS,
    ending::WINDING_DOWN,
    ending::ENDED,
    ending::STORE_SILENT,
    ending::LOST,
];

#[test]
fn the_program_does_what_the_table_says() {
    let asked = std::env::var("ROW").unwrap_or_default();
    let rows: Vec<(String, Row)> = ALL
        .concat()
        .into_iter()
        .map(|row| (name(&row), row))
        .collect();
    let mut waiting: Vec<_> = rows
        .iter()
        .filter(|(name, _)| name.contains(&asked))
        .collect();
    // Those that wait for a lease take longest.
    waiting.sort_by_key(|(_, row)| row.next == row::Next::AtOnce);
    waiting.reverse();
    let waiting = Mutex::new(waiting);
    let failed = Mutex::new(Vec::new());
    let play = || {
        while let Some((name, row)) = { waiting.lock().expect("whole").pop() } {
            if let Some(why) = machine::lacks(row) {
                machine::skip(name, why);
            } else if let Err(panic) = catch_unwind(|| scene::play(row)) {
                let why = panic.downcast_ref::<String>().cloned();
                let why = why.or_else(|| panic.downcast_ref::<&str>().map(ToString::to_string));
                let why = why.unwrap_or_default();
                failed.lock().expect("whole").push(format!("{name}: {why}"));
            }
        }
    };
    thread::scope(|scope| {
        for _ in 0..AT_A_TIME {
            scope.spawn(play);
        }
    });
    let failed = failed.into_inner().expect("whole");
    assert!(
        failed.is_empty(),
        "{} rows: {}",
        failed.len(),
        failed.join("\n\n")
    );
}

#[test]
fn the_document_has_every_row() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/BEHAVIOUR.md");
    let expected = document::write(&ALL.concat());
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(path, &expected).expect("written");
    }
    let found = std::fs::read_to_string(path).unwrap_or_default();
    assert_eq!(
        found, expected,
        "BLESS=1 cargo test -p consensus-cli behaviour"
    );
}

/// A row, so that it can be found.
fn name(row: &Row) -> String {
    let acts: Vec<String> = row.acts.iter().map(|act| act.words()).collect();
    format!(
        "{}; the command {}; {}",
        row.state.words(),
        row.work.does,
        acts.join("; ")
    )
}
