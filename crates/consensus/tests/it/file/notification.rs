//! Whoever waits is told, by the kernel, and makes no system call meanwhile.

use super::child::Player;
use super::ground::{
    Ground, PATIENCE, hears, hears_nothing, lead, load_until, record, released, stored,
};
use consensus::file::FileStore;
use consensus::store::{Proof, Store};
use std::fs;
use std::io::Write;
use std::time::{Duration, Instant};

#[tokio::test]
async fn others_saves_edits_and_removals_are_heard_and_nothing_else_is() {
    let ground = Ground::new();
    let (mut leader, mut follower) = (ground.store(), ground.store());
    let (led, version) = lead(&mut leader, "a").await;
    let token = led.token.unwrap();
    let seen = follower.load().await.unwrap();
    assert!(seen.watched);
    assert!(hears_nothing(&mut follower, &seen.version).await);
    fs::write(ground.folder.join("unrelated"), "").unwrap();
    assert!(hears_nothing(&mut follower, &seen.version).await);

    let version = stored(leader.save(&record("a", token), &version).await);
    hears(&mut follower, &seen.version).await;
    let seen = follower.load().await.unwrap();
    assert_eq!(seen.version, version);
    assert!(hears_nothing(&mut follower, &seen.version).await);

    stored(leader.save(&released(token), &version).await);
    hears(&mut follower, &seen.version).await;
    let seen = load_until(&mut follower, |seen| seen.proof == Proof::None).await;

    let mut by_hand = fs::File::options()
        .append(true)
        .open(ground.record())
        .unwrap();
    by_hand.write_all(b"\n").unwrap();
    drop(by_hand);
    hears(&mut follower, &seen.version).await;
    let seen = follower.load().await.unwrap();

    fs::remove_file(ground.record()).unwrap();
    hears(&mut follower, &seen.version).await;
}

#[tokio::test]
async fn ones_own_save_is_not_heard() {
    let ground = Ground::new();
    let mut store = ground.store();
    let (led, version) = lead(&mut store, "a").await;
    assert!(hears_nothing(&mut store, &version).await);
    let version = stored(store.save(&record("a", led.token.unwrap()), &version).await);
    assert!(hears_nothing(&mut store, &version).await);
}

#[tokio::test]
async fn a_change_between_the_load_and_the_wait_is_heard() {
    let ground = Ground::new();
    let (mut leader, mut follower) = (ground.store(), ground.store());
    let seen = follower.load().await.unwrap();
    lead(&mut leader, "a").await;
    hears(&mut follower, &seen.version).await;
    // For as long as nobody has looked.
    hears(&mut follower, &seen.version).await;
}

#[tokio::test]
async fn a_death_between_the_load_and_the_wait_is_heard() {
    let ground = Ground::new();
    let mut store = ground.store();
    let mut child = Player::start("lead", &ground.record());
    child.says("leads");
    let seen = store.load().await.unwrap();
    child.kill();
    tokio::time::sleep(Duration::from_millis(20)).await;
    hears(&mut store, &seen.version).await;
}

#[tokio::test]
async fn a_release_is_heard() {
    let ground = Ground::new();
    let mut store = ground.store();
    let mut child = Player::start("lead", &ground.record());
    child.says("leads");
    let seen = store.load().await.unwrap();
    child.finish();
    hears(&mut store, &seen.version).await;
}

#[tokio::test]
async fn a_folder_that_appears_again_is_watched_again() {
    let ground = Ground::new();
    let mut store = ground.store();
    store.load().await.unwrap();
    fs::remove_dir_all(&ground.folder).unwrap();
    assert!(store.load().await.is_err());
    fs::create_dir(&ground.folder).unwrap();
    let seen = store.load().await.unwrap();
    assert!(seen.watched);
    lead(&mut ground.store(), "a").await;
    hears(&mut store, &seen.version).await;
}

#[tokio::test]
async fn one_notification_descriptor_serves_all_elections_of_a_process() {
    let ground = Ground::new();
    let mut stores: Vec<FileStore> = (0..20)
        .map(|number| FileStore::new(ground.folder.join(format!("{number}.json"))))
        .collect();
    for store in &mut stores {
        assert!(store.load().await.unwrap().watched);
    }
    let descriptors = fs::read_dir("/proc/self/fd").unwrap().flatten();
    let count = descriptors
        .filter_map(|entry| fs::read_link(entry.path()).ok())
        .filter(|target| target.ends_with("anon_inode:inotify"))
        .count();
    assert_eq!(count, 1);
    drop(stores.split_off(1));
    let seen = stores[0].load().await.unwrap();
    lead(&mut FileStore::new(ground.folder.join("0.json")), "a").await;
    hears(&mut stores[0], &seen.version).await;
}

/// The kernel's count of how often each thread of the process was put to sleep or interrupted: no
/// thread that makes a system call now and then, and waits in between, keeps it.
fn switches(pid: u32) -> Vec<(String, String)> {
    let tasks = fs::read_dir(format!("/proc/{pid}/task")).unwrap().flatten();
    let mut counts: Vec<(String, String)> = tasks
        .filter_map(|task| {
            let status = fs::read_to_string(task.path().join("status")).ok()?;
            let count = status.lines().filter(|line| line.contains("ctxt_switches"));
            let count: Vec<&str> = count.collect();
            Some((task.file_name().into_string().unwrap(), count.join(" ")))
        })
        .collect();
    counts.sort();
    counts
}

/// At the default lease the retry interval is 2 s: whoever polled would be seen within the 3 s.
#[tokio::test]
async fn an_idle_follower_makes_no_system_call() {
    let ground = Ground::new();
    lead(&mut ground.store(), "a").await;
    let mut follower = Player::start("follow", &ground.record());
    follower.says("follows");
    let begin = Instant::now();
    tokio::time::sleep(Duration::from_secs(1)).await;
    loop {
        let before = switches(follower.pid());
        tokio::time::sleep(Duration::from_secs(3)).await;
        if switches(follower.pid()) == before {
            return follower.finish();
        }
        // It was still settling, or the helper thread just ended after its ten idle seconds.
        assert!(
            begin.elapsed() < PATIENCE,
            "{before:?}\n{:?}",
            switches(follower.pid())
        );
    }
}

#[tokio::test]
async fn who_wants_to_hear_of_nothing_says_so_and_reads_and_saves_all_the_same() {
    let ground = Ground::new();
    let (mut leader, mut heir) = (ground.store(), ground.store().unwatched());
    let (led, version) = lead(&mut leader, "a").await;
    let seen = heir.load().await.unwrap();
    assert!(!seen.watched);
    assert_eq!(seen.version, version);
    stored(
        heir.save(&released(led.token.unwrap()), &seen.version)
            .await,
    );
    assert!(hears_nothing(&mut heir, &version).await);
}
