//! Promise 12: bad input is named, and kept. On the file store; each kind of path and content has a test
//! of its own in `file/`.

use crate::soon;
use consensus::{Config, Ended, ErrorKind, FileBackend, Manager};
use std::fs;

/// What stands in the record's place and is none of ours is an error that names it, stays as it is,
/// and ends the term of a leader that finds it.
///
/// Breaks if the error of `parse` in `file/format.rs` is taken for absence.
#[test]
fn promise_12_bad_input_is_named_and_kept() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("leader.json");
    let manager = || Manager::new(FileBackend::new(&path), Config::new("a")).expect("valid");
    let strangers: [&[u8]; 3] = [
        b"name = 'somebody'",
        b"{\"format\":\"consensus/2\"}",
        b"\xff\xfe\x00",
    ];
    for content in strangers {
        fs::write(&path, content).expect("our own folder");
        let manager = manager();
        let mut lease = manager.start();
        let trouble = soon(move || {
            loop {
                lease.blocking_changed();
                if let Some(trouble) = lease.trouble() {
                    break trouble;
                }
            }
        });
        assert_eq!(trouble.kind(), ErrorKind::Foreign, "{trouble}");
        assert!(
            trouble.to_string().contains(&path.display().to_string()),
            "{trouble}"
        );
        manager.blocking_stop().expect("nothing was held");
        assert_eq!(fs::read(&path).expect("still there"), content);
    }

    fs::remove_file(&path).expect("our own folder");
    let manager = manager();
    let term = manager
        .start()
        .blocking_wait_for_leadership()
        .expect("alone");
    fs::write(&path, strangers[0]).expect("our own folder");
    assert_eq!(soon(move || term.blocking_ended()), Ended::Lost);
    manager.blocking_stop().expect("nothing was held any more");
    assert_eq!(fs::read(&path).expect("still there"), strangers[0]);
}
