//! The kernel lets go of a dead leader's lock, and of no other's.

use super::child::Player;
use super::ground::{
    Ground, hears, is_conflict, lead, load_until, next_token, record, released, stored,
};
use consensus::file::{FileStore, Moment};
use consensus::store::{Proof, Store};
use consensus::{Token, WorkScope};
use nix::fcntl::{FcntlArg, fcntl};
use nix::libc;
use rustix::process::Signal;
use std::fs;

/// Holds the byte of this token, as a candidate does that is stopped before it saves.
fn hold(ground: &Ground, token: Token) -> fs::File {
    let file = fs::File::options()
        .read(true)
        .append(true)
        .open(ground.lock())
        .unwrap();
    let lock = libc::flock {
        l_type: i16::try_from(libc::F_WRLCK).unwrap(),
        l_whence: i16::try_from(libc::SEEK_SET).unwrap(),
        l_start: i64::try_from(token.get()).unwrap() + 1,
        l_len: 1,
        l_pid: 0,
    };
    fcntl(&file, FcntlArg::F_OFD_SETLK(&lock)).unwrap();
    file
}

#[tokio::test]
async fn a_fresh_start_is_immediate_and_reading_creates_nothing() {
    let ground = Ground::new();
    let seen = ground.store().load().await.unwrap();
    assert!(seen.record.is_none());
    assert_eq!(seen.proof, Proof::Dead);
    assert!(ground.names().is_empty());
}

#[tokio::test]
async fn a_killed_leader_is_dead_and_a_stopped_one_is_not() {
    let ground = Ground::new();
    let mut store = ground.store();
    let mut child = Player::start("lead", &ground.record());
    child.says("leads");
    assert_eq!(store.load().await.unwrap().proof, Proof::None);
    child.signal(Signal::STOP);
    child.is_stopped();
    assert_eq!(store.load().await.unwrap().proof, Proof::None);
    child.kill();
    let seen = load_until(&mut store, |seen| seen.proof == Proof::Dead).await;
    assert_eq!(seen.record.unwrap().holder.as_deref(), Some("child"));
}

/// `changed` may come back before the kernel has let the lock go, but not without trying.
#[tokio::test]
async fn who_is_notified_of_a_death_finds_it_proven() {
    for _ in 0..10 {
        let ground = Ground::new();
        let mut store = ground.store();
        let mut child = Player::start("lead", &ground.record());
        child.says("leads");
        let seen = store.load().await.unwrap();
        assert_eq!(seen.proof, Proof::None);
        child.kill();
        hears(&mut store, &seen.version).await;
        load_until(&mut store, |seen| seen.proof == Proof::Dead).await;
    }
}

#[tokio::test]
async fn work_that_may_outlive_its_process_is_never_proven_dead() {
    let ground = Ground::new();
    let mut store = ground.store();
    let mut child = Player::start("lead beyond", &ground.record());
    let token = child.says("leads").parse().unwrap();
    child.kill();
    // Its byte is free by the time that the next token's is tried.
    let seen = load_until(&mut store, |seen| {
        seen.tokens != consensus::store::Tokens::Above(Token::new(token))
    })
    .await;
    assert_eq!(seen.record.unwrap().work, WorkScope::Beyond);
    assert_eq!(seen.proof, Proof::None);
    fs::remove_file(ground.record()).unwrap();
    let seen = store.load().await.unwrap();
    assert!(seen.record.is_none());
    assert_eq!(
        seen.proof,
        Proof::None,
        "the lock file remembers how far the work reached"
    );
}

#[tokio::test]
async fn a_process_that_the_leader_started_does_not_keep_its_proof_of_life() {
    let ground = Ground::new();
    let mut store = ground.store();
    let mut child = Player::start("lead and start", &ground.record());
    let grandchild: i32 = child.says("started").parse().unwrap();
    child.kill();
    load_until(&mut store, |seen| seen.proof == Proof::Dead).await;
    let grandchild = rustix::process::Pid::from_raw(grandchild).unwrap();
    rustix::process::kill_process(grandchild, Signal::KILL).unwrap();
}

#[tokio::test]
async fn a_missing_record_is_waited_for_while_its_holder_lives() {
    let ground = Ground::new();
    let mut store = ground.store();
    let mut child = Player::start("lead", &ground.record());
    child.says("leads");
    fs::remove_file(ground.record()).unwrap();
    assert_eq!(store.load().await.unwrap().proof, Proof::Alive);
    child.kill();
    load_until(&mut store, |seen| seen.proof == Proof::Dead).await;
}

/// As a guard does that shares a dead leader's lock and waits for its work to end.
#[tokio::test]
async fn a_missing_record_is_waited_for_while_only_a_byte_is_held() {
    let ground = Ground::new();
    let mut store = ground.store();
    fs::write(ground.lock(), "").unwrap();
    let held = hold(&ground, Token::new(77));
    assert_eq!(store.load().await.unwrap().proof, Proof::Alive);
    drop(held);
    load_until(&mut store, |seen| seen.proof == Proof::Dead).await;
}

#[tokio::test]
async fn both_files_missing_are_waited_for_while_the_holder_lives() {
    let ground = Ground::new();
    let mut store = ground.store();
    let mut child = Player::start("lead", &ground.record());
    child.says("leads");
    fs::remove_file(ground.record()).unwrap();
    fs::remove_file(ground.lock()).unwrap();
    assert_eq!(store.load().await.unwrap().proof, Proof::Alive);
    // Another election in the same folder is not concerned.
    let other = FileStore::new(ground.folder.join("other.json"))
        .load()
        .await
        .unwrap();
    assert_eq!(other.proof, Proof::Dead);
    child.kill();
    load_until(&mut store, |seen| seen.proof == Proof::Dead).await;
}

#[tokio::test]
async fn a_released_record_is_waited_for_while_somebody_holds_a_proof_of_life() {
    let ground = Ground::new();
    let mut store = ground.store();
    let (led, version) = lead(&mut store, "a").await;
    let token = led.token.unwrap();
    stored(store.save(&released(token), &version).await);
    load_until(&mut store, |seen| seen.proof == Proof::None).await;
    let held = hold(&ground, Token::new(77));
    assert_eq!(store.load().await.unwrap().proof, Proof::Alive);
    drop(held);
    load_until(&mut store, |seen| seen.proof == Proof::None).await;
}

#[tokio::test]
async fn a_release_and_letting_go_give_up_the_proof_of_life() {
    let ground = Ground::new();
    let (mut a, mut b) = (ground.store(), ground.store());
    let (led, version) = lead(&mut a, "a").await;
    stored(a.save(&released(led.token.unwrap()), &version).await);
    load_until(&mut b, |seen| seen.proof == Proof::None).await;
    lead(&mut a, "a").await;
    assert_eq!(b.load().await.unwrap().proof, Proof::None);
    a.let_go().await;
    load_until(&mut b, |seen| seen.proof == Proof::Dead).await;
}

/// A store is no proof of the work: that goes on in this process.
#[tokio::test]
async fn a_store_that_is_dropped_while_it_leads_keeps_the_proof_of_life() {
    let ground = Ground::new();
    let mut a = ground.store();
    lead(&mut a, "a").await;
    drop(a);
    assert_eq!(ground.store().load().await.unwrap().proof, Proof::None);
    fs::remove_file(ground.record()).unwrap();
    assert_eq!(ground.store().load().await.unwrap().proof, Proof::Alive);
}

#[tokio::test]
async fn a_token_whose_byte_somebody_holds_is_refused_and_passed_over() {
    let ground = Ground::new();
    let mut store = ground.store();
    let far = Token::new(4_000_000_000_000);
    let seen = store.load().await.unwrap();
    let version = stored(store.save(&record("a", far), &seen.version).await);
    let version = stored(store.save(&released(far), &version).await);
    let next = [far.next(), far.next().next()];
    let held = next.map(|token| hold(&ground, token));
    assert!(is_conflict(
        &store.save(&record("a", next[0]), &version).await
    ));
    let seen = store.load().await.unwrap();
    assert_eq!(next_token(&seen), next[1].next());
    stored(
        store
            .save(&record("a", next[1].next()), &seen.version)
            .await,
    );
    drop(held);
}

/// An acquisition that nobody waited for, and that somebody undid: its byte is not a stranger's.
#[tokio::test]
async fn ones_own_byte_of_a_forgotten_acquisition_is_nobodys() {
    let ground = Ground::new();
    let (tell, told) = std::sync::mpsc::channel();
    let path = ground.record();
    let mut store = ground.store().with_probe(move |moment| {
        if moment == Moment::AfterRename {
            std::thread::sleep(std::time::Duration::from_millis(100));
            fs::remove_file(&path).unwrap();
            tell.send(()).unwrap();
        }
    });
    let seen = store.load().await.unwrap();
    let record = record("a", next_token(&seen));
    let save = store.save(&record, &seen.version);
    let save = tokio::time::timeout(std::time::Duration::from_millis(20), save).await;
    assert!(save.is_err());
    // A child that another test forks holds a copy of every descriptor, until it executes.
    let seen = load_until(&mut store, |seen| seen.proof == Proof::Dead).await;
    told.recv().unwrap();
    assert!(seen.record.is_none());
    // Nor does it stand in the way of others from then on.
    load_until(&mut ground.store(), |seen| seen.proof == Proof::Dead).await;
}

#[tokio::test]
async fn ones_own_living_term_is_no_proof_of_death() {
    let ground = Ground::new();
    let mut store = ground.store();
    let (led, _) = lead(&mut store, "a").await;
    let text = fs::read_to_string(ground.record()).unwrap();
    fs::write(ground.record(), text.replace("\"a\"", "\"edited\"")).unwrap();
    assert_eq!(store.load().await.unwrap().proof, Proof::None);
    fs::remove_file(ground.record()).unwrap();
    let seen = store.load().await.unwrap();
    assert_eq!(seen.proof, Proof::Alive);
    assert!(next_token(&seen) > led.token.unwrap());
}

/// The guard of a command holds it as well, and the death of the leader alone frees nothing.
#[tokio::test]
async fn a_shared_proof_of_life_lasts_until_the_last_who_holds_it() {
    let ground = Ground::new();
    let mut store = ground.store();
    let life = store.proof_of_life();
    assert!(life.descriptors().unwrap().is_empty(), "nobody leads");
    let (_, version) = lead(&mut store, "a").await;
    let shared = life.descriptors().unwrap();
    assert!(!shared.is_empty());
    let token = next_token(&store.load().await.unwrap());
    stored(store.save(&released(token), &version).await);
    assert!(life.descriptors().unwrap().is_empty(), "the term is over");
    let mut other = ground.store();
    let seen = other.load().await.unwrap();
    assert_eq!(seen.proof, Proof::Alive, "released, and somebody may work");
    drop(shared);
    load_until(&mut other, |seen| seen.proof != Proof::Alive).await;
}

/// Whoever asks for it at the wrong moment holds nothing that stands in the way of a later term.
#[tokio::test]
async fn a_proof_of_life_is_that_of_the_term_that_is_now() {
    let ground = Ground::new();
    let mut store = ground.store();
    let life = store.proof_of_life();
    for _ in 0..3 {
        let (_, version) = lead(&mut store, "a").await;
        assert_eq!(life.descriptors().unwrap().len(), 2);
        let token = next_token(&store.load().await.unwrap());
        stored(store.save(&released(token), &version).await);
    }
    store.let_go().await;
    assert!(life.descriptors().unwrap().is_empty());
}
