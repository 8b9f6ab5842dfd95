//! A record counts only beside the lock file that it names. Where somebody changes the files under a
//! living leader, it has lost, and nobody takes anything early.

use super::ground::{Ground, LEASE, hears, is_conflict, lead, record, released};
use consensus::backend::{Acquisition, Backend, Candidate, Renewal};
use consensus::file::{FileStore, FileVersion, Moment};
use consensus::store::{Proof, RecordBackend, Snapshot, Store};
use consensus::{FileBackend, Token};
use std::fs;
use std::path::Path;
use std::time::Duration;

/// A leader and a follower that watches it.
struct Scene {
    ground: Ground,
    leader: FileBackend,
    token: Token,
    follower: FileBackend,
}

impl Scene {
    async fn new() -> Self {
        let ground = Ground::new();
        let mut leader = FileBackend::new(ground.record());
        let mut follower = FileBackend::new(ground.record());
        let token = acquired(&mut leader).await.unwrap();
        assert_eq!(acquired(&mut follower).await, Err(LEASE));
        Self {
            ground,
            leader,
            token,
            follower,
        }
    }

    /// The leader is told, and has lost.
    async fn ends_for_the_leader(&mut self) {
        tokio::time::timeout(super::ground::PATIENCE, self.leader.changed())
            .await
            .expect("the leader must be woken");
        let renewal = self.leader.renew(&candidate(), self.token).await.unwrap();
        assert!(matches!(renewal, Renewal::Lost { .. }), "{renewal:?}");
    }

    /// Who watched has to wait for the whole lease anew, and so has who comes now.
    async fn gives_nobody_anything(mut self) {
        assert_eq!(acquired(&mut self.follower).await, Err(LEASE));
        let mut fresh = FileBackend::new(self.ground.record());
        assert_eq!(acquired(&mut fresh).await, Err(LEASE));
    }

    async fn ends_for_the_leader_and_gives_nobody_anything(mut self) {
        self.ends_for_the_leader().await;
        self.gives_nobody_anything().await;
    }

    /// To the follower it is the record that it watched already.
    async fn ends_for_the_leader_and_the_follower_waits_on(mut self) {
        self.ends_for_the_leader().await;
        let left = acquired(&mut self.follower).await.unwrap_err();
        assert!(left > LEASE / 2, "{left:?}");
    }
}

fn candidate() -> Candidate {
    Candidate::new("candidate", LEASE)
}

/// The token, or how long the lease may be held yet.
async fn acquired(backend: &mut FileBackend) -> Result<Token, Duration> {
    match backend.try_acquire(&candidate()).await.unwrap() {
        Acquisition::Acquired { token } => Ok(token),
        Acquisition::Held { at_most, .. } => Err(at_most.unwrap()),
    }
}

#[tokio::test]
async fn a_removed_lock_file_ends_the_term() {
    let scene = Scene::new().await;
    fs::remove_file(scene.ground.lock()).unwrap();
    scene.ends_for_the_leader_and_gives_nobody_anything().await;
}

#[tokio::test]
async fn a_replaced_lock_file_ends_the_term() {
    let scene = Scene::new().await;
    let copy = scene.ground.folder.join("copy");
    fs::copy(scene.ground.lock(), &copy).unwrap();
    fs::rename(&copy, scene.ground.lock()).unwrap();
    scene.ends_for_the_leader_and_gives_nobody_anything().await;
}

#[tokio::test]
async fn a_removed_record_ends_the_term() {
    let scene = Scene::new().await;
    fs::remove_file(scene.ground.record()).unwrap();
    scene.ends_for_the_leader_and_gives_nobody_anything().await;
}

#[tokio::test]
async fn both_files_removed_end_the_term() {
    let scene = Scene::new().await;
    fs::remove_file(scene.ground.record()).unwrap();
    fs::remove_file(scene.ground.lock()).unwrap();
    scene.ends_for_the_leader_and_gives_nobody_anything().await;
}

#[tokio::test]
async fn an_emptied_record_ends_the_term() {
    let scene = Scene::new().await;
    fs::write(scene.ground.record(), "").unwrap();
    scene.ends_for_the_leader_and_gives_nobody_anything().await;
}

#[tokio::test]
async fn an_older_record_put_back_ends_the_term() {
    let mut scene = Scene::new().await;
    let older = fs::read(scene.ground.record()).unwrap();
    let renewal = scene.leader.renew(&candidate(), scene.token).await.unwrap();
    assert_eq!(renewal, Renewal::Renewed);
    fs::write(scene.ground.record(), older).unwrap();
    scene.ends_for_the_leader_and_the_follower_waits_on().await;
}

#[tokio::test]
async fn a_folder_restored_from_a_copy_ends_the_term() {
    let scene = Scene::new().await;
    let copy = scene.ground.copy_to("backup");
    fs::rename(&scene.ground.folder, scene.ground.above().join("old")).unwrap();
    fs::rename(copy, &scene.ground.folder).unwrap();
    scene.ends_for_the_leader_and_gives_nobody_anything().await;
}

/// Even where the copy has the very same files, it is not where the leader holds its lock.
#[tokio::test]
async fn a_folder_of_hard_links_to_the_same_files_ends_the_term() {
    let scene = Scene::new().await;
    let copy = scene.ground.above().join("links");
    fs::create_dir(&copy).unwrap();
    for name in scene.ground.names() {
        fs::hard_link(scene.ground.folder.join(&name), copy.join(&name)).unwrap();
    }
    fs::rename(&scene.ground.folder, scene.ground.above().join("old")).unwrap();
    fs::rename(copy, &scene.ground.folder).unwrap();
    scene.ends_for_the_leader_and_the_follower_waits_on().await;
}

/// The leader is woken and has lost. A follower that saw it lead waits; one that comes later may find
/// an empty folder, which is a fresh start: the leader knows by then.
#[tokio::test]
async fn a_folder_replaced_by_an_empty_one_ends_the_term_and_who_saw_it_waits() {
    let mut scene = Scene::new().await;
    fs::rename(&scene.ground.folder, scene.ground.above().join("old")).unwrap();
    fs::create_dir(&scene.ground.folder).unwrap();
    scene.ends_for_the_leader().await;
    assert_eq!(acquired(&mut scene.follower).await, Err(LEASE));
    assert_eq!(scene.ground.names(), Vec::<String>::new());
}

#[tokio::test]
async fn a_deleted_folder_ends_the_term() {
    let mut scene = Scene::new().await;
    fs::remove_dir_all(&scene.ground.folder).unwrap();
    scene.ends_for_the_leader().await;
    // Without a folder nothing can be taken at all.
    let refused = scene.follower.try_acquire(&candidate()).await.unwrap_err();
    assert!(refused.to_string().contains("folder"), "{refused}");
}

#[tokio::test]
async fn a_renamed_folder_above_wakes_the_leader() {
    let ground = Ground::new();
    let inner = ground.folder.join("inner");
    fs::create_dir(&inner).unwrap();
    let mut store = FileStore::new(inner.join("leader.json"));
    let (_, version) = lead(&mut store, "a").await;
    // The first look after the own save is over.
    let moved = async {
        tokio::time::sleep(Duration::from_millis(50)).await;
        fs::rename(&ground.folder, ground.above().join("old")).unwrap();
    };
    tokio::join!(hears(&mut store, &version), moved);
}

/// Removed between the comparison and the end of the save.
#[tokio::test]
async fn a_lock_file_that_goes_away_during_a_save_is_noticed_after_its_rename() {
    let ground = Ground::new();
    let lock = ground.lock();
    let mut store = ground.store().with_probe(move |moment| {
        if moment == Moment::AfterRename {
            fs::remove_file(&lock).unwrap();
        }
    });
    let seen = store.load().await.unwrap();
    let token = super::ground::next_token(&seen);
    assert!(is_conflict(
        &store.save(&record("a", token), &seen.version).await
    ));
    let seen = store.load().await.unwrap();
    assert_eq!(
        seen.record.unwrap().nonce,
        None,
        "nobody knows it for its own"
    );
}

#[tokio::test]
async fn a_folder_that_goes_away_during_a_save_is_noticed_after_its_rename() {
    let ground = Ground::new();
    let (folder, elsewhere) = (ground.folder.clone(), ground.above().join("old"));
    let mut store = ground.store().with_probe(move |moment| {
        if moment == Moment::AfterRename {
            fs::rename(&folder, &elsewhere).unwrap();
        }
    });
    let seen = store.load().await.unwrap();
    let token = super::ground::next_token(&seen);
    assert!(is_conflict(
        &store.save(&record("a", token), &seen.version).await
    ));
}

#[tokio::test]
async fn a_leader_whose_lock_file_goes_away_during_a_renewal_has_lost() {
    let ground = Ground::new();
    let (lock, armed) = (ground.lock(), std::sync::atomic::AtomicBool::new(false));
    let store = ground.store().with_probe(move |moment| {
        let second =
            moment == Moment::AfterRename && armed.swap(true, std::sync::atomic::Ordering::Relaxed);
        if second {
            fs::remove_file(&lock).unwrap();
        }
    });
    let mut leader = RecordBackend::over(store);
    let token = acquired(&mut leader).await.unwrap();
    let renewal = leader.renew(&candidate(), token).await.unwrap();
    assert!(matches!(renewal, Renewal::Lost { .. }), "{renewal:?}");
}

#[tokio::test]
async fn a_released_record_restored_elsewhere_is_not_free_at_once() {
    let ground = Ground::new();
    let mut store = ground.store();
    let (led, version) = lead(&mut store, "a").await;
    let version = super::ground::stored(store.save(&released(led.token.unwrap()), &version).await);
    let before = ground.store().load().await.unwrap();
    assert_eq!((before.proof, before.version), (Proof::None, version));
    let copy = ground.copy_to("backup");
    let there = look(&copy.join("leader.json")).await;
    assert_eq!(there.proof, Proof::Alive);
}

#[tokio::test]
async fn a_dead_leaders_record_restored_elsewhere_is_waited_for() {
    let ground = Ground::new();
    let mut child = super::child::Player::start("lead", &ground.record());
    child.says("leads");
    let copy = ground.copy_to("backup");
    child.kill();
    let there = look(&copy.join("leader.json")).await;
    assert_eq!(there.proof, Proof::None);
}

#[tokio::test]
async fn what_is_saved_after_the_wait_names_the_new_lock_file() {
    let ground = Ground::new();
    let mut a = ground.store();
    lead(&mut a, "a").await;
    fs::remove_file(ground.lock()).unwrap();
    let mut b = ground.store();
    let (written, version) = lead(&mut b, "b").await;
    let seen = ground.store().load().await.unwrap();
    assert_eq!((seen.record, seen.version), (Some(written), version));
}

#[tokio::test]
async fn renewals_touch_the_lock_file() {
    let mut scene = Scene::new().await;
    let old = std::time::UNIX_EPOCH + Duration::from_secs(1_000_000);
    let file = fs::File::options()
        .append(true)
        .open(scene.ground.lock())
        .unwrap();
    file.set_modified(old).unwrap();
    let renewal = scene.leader.renew(&candidate(), scene.token).await.unwrap();
    assert_eq!(renewal, Renewal::Renewed);
    assert!(file.metadata().unwrap().modified().unwrap() > old + LEASE);
}

async fn look(path: &Path) -> Snapshot<FileVersion> {
    FileStore::new(path).load().await.unwrap()
}
