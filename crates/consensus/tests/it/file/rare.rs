//! Rarer ways to be wrong: each was found by a review that looked for the interleaving that breaks it.

use super::child::Player;
use super::ground::{Ground, LEASE, PATIENCE, lead, load_until};
use super::ground::{released, stored};
use consensus::backend::{Acquisition, Backend, Candidate};
use consensus::store::{Proof, RecordBackend, Store};
use consensus::{Config, Ended, FileBackend, Manager};
use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::time::timeout;

/// Breaks if a free byte of the token that the record names is proof enough.
#[tokio::test]
async fn an_older_record_of_a_dead_leader_that_is_put_back_proves_no_death() {
    let ground = Ground::new();
    let mut dead = Player::start("lead", &ground.record());
    dead.says("leads");
    dead.kill();
    let old = fs::read(ground.record()).unwrap();
    load_until(&mut ground.store(), |seen| seen.proof == Proof::Dead).await;

    let mut follower = FileBackend::new(ground.record());
    let candidate = Candidate::new("follower", LEASE);
    let mut alive = Player::start("lead", &ground.record());
    alive.says("leads");
    let held = follower.try_acquire(&candidate).await.unwrap();
    assert!(matches!(held, Acquisition::Held { .. }), "{held:?}");
    fs::write(ground.record(), old).unwrap();
    let proof = ground.store().load().await.unwrap().proof;
    assert_ne!(proof, Proof::Dead);
    let held = follower.try_acquire(&candidate).await.unwrap();
    assert!(matches!(held, Acquisition::Held { .. }), "{held:?}");
}

/// Breaks if a look counts the bytes that are held one by one without end.
#[tokio::test]
async fn a_lock_on_all_of_the_file_is_an_error_and_no_endless_look() {
    let ground = Ground::new();
    let mut store = ground.store();
    lead(&mut store, "a").await;
    store.let_go().await;
    let tool = fs::File::options()
        .read(true)
        .write(true)
        .open(ground.lock())
        .unwrap();
    let mut all: libc_flock::Flock = libc_flock::all();
    libc_flock::take(&tool, &mut all);
    let loaded = timeout(PATIENCE, ground.store().load())
        .await
        .expect("an end");
    let error = loaded.unwrap_err().to_string();
    assert!(error.contains("has locked all of"), "{error}");
}

/// As a tool does that knows nothing of us.
mod libc_flock {
    use nix::fcntl::{FcntlArg, fcntl};
    pub use nix::libc::flock as Flock;

    pub fn all() -> Flock {
        Flock {
            l_type: 1, // F_WRLCK
            l_whence: 0,
            l_start: 0,
            l_len: 0,
            l_pid: 0,
        }
    }

    pub fn take(file: &std::fs::File, lock: &mut Flock) {
        fcntl(file, FcntlArg::F_OFD_SETLK(lock)).expect("nobody else holds any of it");
    }
}

/// Breaks if a folder that is moved together with one above it is taken for one that stayed.
#[test]
fn a_folder_above_that_is_replaced_twice_ends_the_term() {
    let ground = Ground::new();
    let (parent, old) = (ground.above().join("parent"), ground.above().join("old"));
    let folder = parent.join("election");
    fs::create_dir_all(&folder).unwrap();
    let config = Config::new("a").lease_duration(LEASE);
    let manager = Manager::new(FileBackend::new(folder.join("leader.json")), config).unwrap();
    let lease = manager.start();
    let first = lease.blocking_wait_for_leadership().unwrap();
    fs::rename(&parent, &old).unwrap();
    fs::create_dir(&parent).unwrap();
    fs::rename(old.join("election"), &folder).unwrap();
    // Whether or not that moment was seen, it leads here, and hears of the next one: long before its
    // next renewal, which would find out by itself.
    std::thread::sleep(Duration::from_millis(500));
    let current = lease.term().unwrap_or(first);
    fs::rename(&parent, ground.above().join("older")).unwrap();
    fs::create_dir_all(&folder).unwrap();
    let began = std::time::Instant::now();
    assert_eq!(current.blocking_ended(), Ended::Lost);
    assert!(
        began.elapsed() < LEASE / 4,
        "told by the watch, not by a renewal"
    );
}

/// Breaks if the wish to let go is lost when the call before it hangs.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stop_while_the_disk_hangs_leaves_no_proof_of_life_behind() {
    let ground = Ground::new();
    let hang = Arc::new(AtomicBool::new(false));
    let hangs = Arc::clone(&hang);
    let store = ground.store().with_probe(move |_| {
        while hangs.load(Ordering::Relaxed) {
            std::thread::sleep(Duration::from_millis(5));
        }
    });
    let config = Config::new("a").lease_duration(Duration::from_millis(400));
    let manager = Manager::new(RecordBackend::over(store), config).unwrap();
    manager.start().wait_for_leadership().await.unwrap();
    hang.store(true, Ordering::Relaxed);
    // A renewal is under way by now.
    std::thread::sleep(Duration::from_millis(200));
    let _ = manager.stop().await;
    drop(manager);
    hang.store(false, Ordering::Relaxed);

    let mut other = ground.store();
    load_until(&mut other, |seen| seen.proof == Proof::Dead).await;
    let (led, version) = lead(&mut other, "b").await;
    stored(other.save(&released(led.token.unwrap()), &version).await);
    load_until(&mut other, |seen| seen.proof == Proof::None).await;
}
