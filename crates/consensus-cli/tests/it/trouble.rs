//! What happens to an election when its cluster is in trouble, as a table: no two lead at once, one leads
//! afterwards, and every line of the log that an operator reads of it. Each row is played on a real API
//! server, and all of them make a document for people.
//!
//! Read `trouble/row.rs` for what a row is, `trouble/scene.rs` for how it is played; `trouble/rows.rs` has
//! them. `ROW=text` plays only those whose words contain the text, and `SHOW=1` shows what was said.

mod document;
mod row;
mod rows;
mod scene;

use consensus_testbed::Cluster;
use row::{Ground, Row};
use rows::ALL;
use std::panic::catch_unwind;
use std::sync::Mutex;
use std::thread;

/// How many rows are played at a time on a cluster that nothing happens to. Most of their time they wait.
const AT_A_TIME: usize = 3;

/// How many clusters there are to be disturbed: on each, one row after the other is played.
const DISTURBED: usize = 2;

fn an_operator_reads_what_the_table_says() {
    let asked = std::env::var("ROW").unwrap_or_default();
    let on = |ground: Ground| {
        let rows = ALL.iter().rev();
        let rows = rows.filter(|row| row.ground == ground && row.what.contains(&asked));
        Mutex::new(rows.collect::<Vec<_>>())
    };
    let (shared, disturbed) = (on(Ground::Shared), on(Ground::Disturbed));
    let failed = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..DISTURBED {
            scope.spawn(|| {
                let cluster = Cluster::start().expect("a cluster of its own");
                play_all(&disturbed, &cluster, &failed);
            });
        }
        for _ in 0..AT_A_TIME {
            scope.spawn(|| play_all(&shared, Cluster::shared(), &failed));
        }
    });
    let failed = failed.into_inner().expect("whole");
    let count = failed.len();
    assert!(failed.is_empty(), "{count} rows: {}", failed.join("\n\n"));
}

/// Plays what is left of these rows.
fn play_all(rows: &Mutex<Vec<&Row>>, cluster: &Cluster, failed: &Mutex<Vec<String>>) {
    while let Some(row) = { rows.lock().expect("whole").pop() } {
        let played = catch_unwind(|| scene::play(row, cluster)).unwrap_or_else(|panic| {
            let why = panic.downcast_ref::<String>().cloned();
            let why = why.or_else(|| panic.downcast_ref::<&str>().map(ToString::to_string));
            Err(why.unwrap_or_default())
        });
        if let Err(why) = played {
            let why = format!("{}: {why}", row.what);
            failed.lock().expect("whole").push(why);
        }
    }
}

#[test]
fn the_document_has_every_row() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/TROUBLE.md");
    let expected = document::write(ALL);
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(path, &expected).expect("written");
    }
    let found = std::fs::read_to_string(path).unwrap_or_default();
    assert_eq!(
        found, expected,
        "BLESS=1 cargo test -p consensus-cli trouble"
    );
}

mod tests {
    consensus_testbed::tests_with_a_cluster!(an_operator_reads_what_the_table_says);
}
