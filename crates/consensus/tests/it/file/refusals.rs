//! Bad input is named and kept: what is wrong, where, and what to do.

use super::child::Player;
use super::ground::{Ground, is_root, lead, record, skip};
use consensus::backend::{Backend, Candidate};
use consensus::file::FileStore;
use consensus::store::{Store, Tokens};
use consensus::{Error, ErrorKind, FileBackend, Token};
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::net::UnixListener;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Nobody's user number.
const NOBODY: u32 = 65534;

async fn refused(path: &Path) -> Error {
    FileStore::new(path).load().await.unwrap_err()
}

/// Asserts that the error is of this kind and names the path and each of these words.
fn says(error: &Error, kind: ErrorKind, path: &Path, words: &[&str]) {
    let text = error.to_string();
    assert_eq!(error.kind(), kind, "{text}");
    assert!(text.contains(path.to_str().unwrap()), "no path: {text}");
    for word in words {
        assert!(text.contains(word), "no {word:?}: {text}");
    }
}

/// Runs this binary as a user for whom modes count, whoever runs the tests.
fn as_nobody(ground: &Ground, part: &str, path: &Path) -> Player {
    let mut command = Player::command(part, path);
    if is_root() {
        let copy = ground.above().join(format!("binary for {part}"));
        fs::copy(std::env::current_exe().unwrap(), &copy).unwrap();
        let mut nobodys = Command::new(copy);
        nobodys.args(command.get_args());
        nobodys.envs(
            command
                .get_envs()
                .filter_map(|(name, value)| Some((name, value?))),
        );
        nobodys.uid(NOBODY).gid(NOBODY);
        command = nobodys;
    }
    Player::start_with(command)
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

#[tokio::test]
async fn what_is_no_regular_file_is_refused() {
    let ground = Ground::new();
    let at = |name: &str| ground.folder.join(name);
    fs::create_dir(at("folder")).unwrap();
    fs::write(at("file"), "").unwrap();
    symlink(at("file"), at("link")).unwrap();
    symlink(at("nothing"), at("dangling")).unwrap();
    let fifo = Command::new("mkfifo").arg(at("fifo")).status().unwrap();
    assert!(fifo.success());
    let _socket = UnixListener::bind(at("socket")).unwrap();
    let cases: [(PathBuf, &str); 6] = [
        (at("folder"), "is a folder"),
        (at("link"), "is a symbolic link"),
        (at("dangling"), "is a symbolic link"),
        (at("fifo"), "is a FIFO"),
        (at("socket"), "is a socket"),
        (PathBuf::from("/dev/null"), "is a device"),
    ];
    for (path, is) in cases {
        says(
            &refused(&path).await,
            ErrorKind::Invalid,
            &path,
            &[is, "name a regular file"],
        );
    }
    // And in the lock file's place.
    fs::create_dir(ground.lock()).unwrap();
    let error = refused(&ground.record()).await;
    says(&error, ErrorKind::Invalid, &ground.lock(), &["is a folder"]);
}

#[tokio::test]
async fn what_takes_the_records_place_before_a_save_is_refused_by_the_save() {
    let ground = Ground::new();
    let mut store = ground.store();
    let seen = store.load().await.unwrap();
    symlink("/nowhere", ground.record()).unwrap();
    let token = super::ground::next_token(&seen);
    let error = store
        .save(&record("a", token), &seen.version)
        .await
        .unwrap_err();
    says(
        &error,
        ErrorKind::Invalid,
        &ground.record(),
        &["is a symbolic link"],
    );
    assert_eq!(
        fs::read_link(ground.record()).unwrap(),
        Path::new("/nowhere")
    );
}

#[tokio::test]
async fn a_path_that_can_be_none_is_refused() {
    let ground = Ground::new();
    let long = ground.folder.join("x".repeat(300));
    says(
        &refused(&long).await,
        ErrorKind::Invalid,
        &long,
        &["too long"],
    );
    says(
        &refused(Path::new("/")).await,
        ErrorKind::Invalid,
        Path::new("/"),
        &["names no file"],
    );
    fs::write(ground.folder.join("file"), "").unwrap();
    let beneath = ground.folder.join("file/leader.json");
    let folder = ground.folder.join("file");
    says(
        &refused(&beneath).await,
        ErrorKind::Invalid,
        &folder,
        &["is a file"],
    );
    assert_eq!(
        refused(Path::new("a\0b/c")).await.kind(),
        ErrorKind::Invalid
    );
}

#[tokio::test]
async fn a_missing_folder_is_named_and_not_made() {
    let ground = Ground::new();
    let folder = ground.folder.join("missing");
    let error = refused(&folder.join("leader.json")).await;
    says(
        &error,
        ErrorKind::Unavailable,
        &folder,
        &["create the folder"],
    );
    assert!(!folder.exists());
}

#[tokio::test]
async fn content_that_is_no_record_is_named_and_kept() {
    let ground = Ground::new();
    lead(&mut ground.store(), "a").await;
    let good = fs::read_to_string(ground.record()).unwrap();
    let enormous = "x".repeat(10_000_000);
    let bad = [
        ("garbage".to_owned(), "JSON"),
        (good[..good.len() / 2].to_owned(), "JSON"),
        (enormous, "longer than 65536 bytes"),
        ("\0\0\0garbage".to_owned(), "JSON"),
        ("[]".to_owned(), "JSON"),
        ("{}".to_owned(), "format"),
        (
            good.replace("consensus/1", "consensus/2"),
            "update this program",
        ),
        (good.replace("\"1m\"", "\"0s\""), "lease_duration"),
        (good.replace("\"1m\"", "\"-1m\""), "lease_duration"),
        (good.replace("\"1m\"", "\"NaN\""), "lease_duration"),
        (
            good.replace("\"1m\"", "\"99999999999999999h\""),
            "lease_duration",
        ),
        (good.replace("\"a\"", "\"\""), "holder"),
        (good.replace("\"a\"", "\"\\u0007\""), "holder"),
        (
            good.replace("\"a\"", &format!("\"{}\"", "x".repeat(9_000))),
            "holder",
        ),
    ];
    for (content, word) in bad {
        assert_ne!(content, good, "{word}");
        fs::write(ground.record(), &content).unwrap();
        let error = refused(&ground.record()).await;
        says(
            &error,
            ErrorKind::Foreign,
            &ground.record(),
            &[word, "name another file"],
        );
        assert_eq!(fs::read_to_string(ground.record()).unwrap(), content);
    }
}

/// Promise 5: a lease beyond all reason is an error too, and nobody takes it.
#[tokio::test]
async fn a_huge_lease_duration_is_refused() {
    let ground = Ground::new();
    lead(&mut ground.store(), "a").await;
    let good = fs::read_to_string(ground.record()).unwrap();
    fs::write(ground.record(), good.replace("\"1m\"", "\"8760h\"")).unwrap();
    let mut backend = FileBackend::new(ground.record());
    let candidate = Candidate::new("b", super::ground::LEASE);
    let error = backend.try_acquire(&candidate).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Foreign);
}

#[tokio::test]
async fn a_leader_that_finds_something_else_in_its_place_has_lost_and_leaves_it() {
    let ground = Ground::new();
    let mut backend = FileBackend::new(ground.record());
    let candidate = Candidate::new("a", super::ground::LEASE);
    let acquired = backend.try_acquire(&candidate).await.unwrap();
    let consensus::backend::Acquisition::Acquired { token } = acquired else {
        panic!("{acquired:?}")
    };
    fs::write(ground.record(), "garbage").unwrap();
    let error = backend.renew(&candidate, token).await.unwrap_err();
    says(&error, ErrorKind::Foreign, &ground.record(), &["JSON"]);
    assert_eq!(fs::read_to_string(ground.record()).unwrap(), "garbage");
}

#[tokio::test]
async fn an_empty_or_all_nul_file_is_absent_and_can_be_saved_on() {
    for content in [vec![], vec![0; 300]] {
        let ground = Ground::new();
        fs::write(ground.record(), &content).unwrap();
        let mut store = ground.store();
        let seen = store.load().await.unwrap();
        assert!(seen.record.is_none());
        lead(&mut store, "a").await;
        assert!(store.load().await.unwrap().record.is_some());
    }
}

#[tokio::test]
async fn a_lock_file_that_is_somebody_elses_is_named_and_kept() {
    let ground = Ground::new();
    fs::write(ground.lock(), "4711\n").unwrap();
    let error = refused(&ground.record()).await;
    says(
        &error,
        ErrorKind::Foreign,
        &ground.lock(),
        &["not the lock file"],
    );
    assert_eq!(fs::read_to_string(ground.lock()).unwrap(), "4711\n");
}

#[tokio::test]
async fn a_record_that_could_not_be_read_again_is_not_written() {
    let ground = Ground::new();
    let mut store = ground.store();
    let seen = store.load().await.unwrap();
    let bad = record("two\nlines", super::ground::next_token(&seen));
    let error = store.save(&bad, &seen.version).await.unwrap_err();
    says(&error, ErrorKind::Invalid, &ground.record(), &["holder"]);
    let bad = record("a", Token::new(u64::MAX));
    let error = store.save(&bad, &seen.version).await.unwrap_err();
    says(&error, ErrorKind::Invalid, &ground.record(), &["token"]);
    assert!(!ground.record().exists());
}

#[tokio::test]
async fn an_unreadable_file_is_denied_and_named() {
    let ground = Ground::new();
    set_mode(&ground.folder, 0o777);
    lead(&mut ground.store(), "a").await;
    let path = ground.record();
    if is_root() {
        std::os::unix::fs::chown(&path, Some(NOBODY), None).unwrap();
    }
    set_mode(&path, 0);
    let text = as_nobody(&ground, "look", &path).says("refused");
    assert!(text.starts_with("Denied"), "{text}");
    assert!(
        text.contains(path.to_str().unwrap()) && text.contains("let this user"),
        "{text}"
    );
}

#[tokio::test]
async fn a_read_only_folder_can_be_looked_at_and_not_saved_in() {
    let ground = Ground::new();
    set_mode(&ground.folder, 0o555);
    assert_eq!(
        as_nobody(&ground, "look", &ground.record()).says("saw"),
        "None"
    );
    let text = as_nobody(&ground, "save", &ground.record()).says("refused");
    assert!(
        text.starts_with("Denied") && text.contains("folder"),
        "{text}"
    );
    set_mode(&ground.folder, 0o755);
    assert!(ground.names().is_empty());
}

#[tokio::test]
async fn a_file_of_another_user_is_refused_but_onlookers_may_look() {
    if !is_root() {
        return skip("only root can make files of another user");
    }
    let ground = Ground::new();
    set_mode(&ground.folder, 0o777);
    lead(&mut ground.store(), "root").await;
    set_mode(&ground.record(), 0o644);
    let content = fs::read(ground.record()).unwrap();
    let text = as_nobody(&ground, "look", &ground.record()).says("refused");
    assert!(
        text.starts_with("Foreign") && text.contains("belongs to user 0"),
        "{text}"
    );
    let text = as_nobody(&ground, "look on", &ground.record()).says("saw");
    assert_eq!(text, "Some(\"root\")");

    // Root is no exception, or it would take the file from its owner.
    std::os::unix::fs::chown(ground.record(), Some(NOBODY), None).unwrap();
    let error = refused(&ground.record()).await;
    says(
        &error,
        ErrorKind::Foreign,
        &ground.record(),
        &["belongs to user 65534"],
    );
    assert_eq!(fs::read(ground.record()).unwrap(), content);
}

#[tokio::test]
async fn an_onlooker_sees_who_leads_and_saves_nothing() {
    let ground = Ground::new();
    let mut onlooker = FileStore::onlooker(ground.record());
    let seen = onlooker.load().await.unwrap();
    let error = onlooker
        .save(&record("a", Token::new(1)), &seen.version)
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    assert!(ground.names().is_empty());
    lead(&mut ground.store(), "a").await;
    let seen = onlooker.load().await.unwrap();
    assert_eq!(seen.record.unwrap().holder.as_deref(), Some("a"));
    assert!(matches!(seen.tokens, Tokens::Above(_)));
}

#[tokio::test]
async fn without_notifications_a_store_says_that_it_does_not_watch() {
    let ground = Ground::new();
    set_mode(&ground.folder, 0o777);
    let text = as_nobody(&ground, "look without inotify", &ground.record()).says("watched");
    assert_eq!(text, "false");
}
