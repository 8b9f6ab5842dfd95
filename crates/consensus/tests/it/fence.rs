//! A leader that was stopped between asking and acting, and the fence that refuses it: the example
//! `fence`, with real processes and an SQLite file.

#[path = "../../examples/fence.rs"]
#[allow(dead_code, unreachable_pub, reason = "its `main` is not ours")]
mod story;

use rusqlite::Connection;
use std::path::PathBuf;
use std::process::Command;

/// What a candidate is: this test program, started again to run this one test.
#[test]
fn fence_candidate() {
    if let Some(folder) = std::env::var_os(story::FOLDER) {
        story::candidate(&PathBuf::from(folder)).expect("a good end");
    }
}

/// Fails if `<=` in the UPDATE of the example is `>=`, and if its condition is left out. What it would be
/// without is shown by the second row.
#[test]
fn a_leader_that_acts_late_changes_no_row_with_a_fence_and_every_row_without() {
    let program = std::env::current_exe().expect("this program");
    let story = story::tell(|| {
        let mut command = Command::new(&program);
        command.args([
            "--exact",
            "fence::fence_candidate",
            "--nocapture",
            "--test-threads=1",
        ]);
        command
    });
    let story = story.expect("a story that is told to its end");
    let (first, second) = (&story.first, &story.second);
    assert!(second.token > first.token, "{story:?}");
    assert!(!first.current, "promise 1: {story:?}");

    assert_eq!((second.fenced, first.fenced), (1, 0), "{story:?}");
    let by_second = ("written by the second".to_owned(), second.token);
    assert_eq!(story.fenced, by_second);

    assert_eq!((second.open, first.open), (1, 1), "{story:?}");
    let by_first = ("written by the first".to_owned(), first.token);
    assert_eq!(story.open, by_first, "the control: nothing was late");
}

const RECIPES: &str = include_str!("../../src/fence.rs");

#[test]
fn the_documents_show_the_update_that_is_tested() {
    for document in [include_str!("../../../../README.md"), RECIPES] {
        assert!(document.contains(story::FENCED));
    }
}

#[test]
fn a_late_transaction_takes_no_row_of_the_recipe_for_many_rows() {
    let recipes = RECIPES.replace("//! ", "");
    let mut blocks = recipes.split("```sql\n").skip(1);
    let recipe = blocks.find(|block| block.starts_with("BEGIN"));
    let recipe = recipe.and_then(|block| block.split("```").next());
    let recipe = recipe.expect("a transaction");

    let db = Connection::open_in_memory().expect("a database");
    db.execute_batch("CREATE TABLE fence (name TEXT PRIMARY KEY, token BIGINT NOT NULL);")
        .expect("a table");
    db.execute_batch("INSERT INTO fence (name, token) VALUES ('jobs', 0)")
        .expect("the row");
    let taken = |token: &str| {
        db.execute_batch(&recipe.replace(":token", token))
            .expect("a transaction");
        db.changes()
    };
    assert_eq!([taken("7"), taken("7"), taken("9")], [1, 1, 1]);
    assert_eq!(taken("7"), 0, "late");
}
