//! A release in place of a candidate that is dead: as conditional as any other (promises 3, 4 and 7).

#![allow(clippy::unwrap_used, reason = "what is not as expected is a failure")]

use consensus::backend::Candidate;
use consensus::kit::{Call, Fault, Faults, Faulty};
use consensus::memory::MemoryStore;
use consensus::store::{Claim, Record, RecordBackend, Saved, Store};
use consensus::{Backend, Token, backend::Acquisition};
use std::sync::{Arc, Mutex};
use std::time::Duration;

const LEASE: Duration = Duration::from_secs(3600);

/// What the heir was told last.
type Told = Arc<Mutex<Claim>>;

fn candidate() -> Candidate {
    Candidate::new("a", LEASE)
}

/// A candidate of this store that keeps its heir informed.
fn mortal<S: Store>(store: S) -> (RecordBackend<S>, Told) {
    let told = Told::default();
    let keep = Arc::clone(&told);
    let backend = RecordBackend::over(store).with_heir(move |claim| *keep.lock().unwrap() = claim);
    (backend, told)
}

fn claim(told: &Told) -> Claim {
    told.lock().unwrap().clone()
}

async fn acquire<S: Store>(backend: &mut RecordBackend<S>) -> Token {
    match backend.try_acquire(&candidate()).await.unwrap() {
        Acquisition::Acquired { token } => token,
        held @ Acquisition::Held { .. } => panic!("{held:?}"),
    }
}

async fn release_in_place(store: &MemoryStore, claim: Claim) {
    let heir = claim.candidate().expect("something is held");
    let mut backend = RecordBackend::over(store.clone()).inheriting(claim);
    backend.release(&heir).await.unwrap();
}

fn seen(store: &MemoryStore) -> Option<Record> {
    let mut copy = None;
    store.peek(|record| copy = record.cloned());
    copy
}

fn holder(store: &MemoryStore) -> Option<Arc<str>> {
    store.peek(|record| record.and_then(|record| record.holder.clone()))
}

#[tokio::test]
async fn what_the_dead_held_is_released_in_its_place() {
    let store = MemoryStore::new();
    let (mut leader, told) = mortal(store.clone());
    let token = acquire(&mut leader).await;
    leader.renew(&candidate(), token).await.unwrap();
    drop(leader);
    release_in_place(&store, claim(&told)).await;
    assert_eq!(holder(&store), None);
    // With the token that tells how far they have come (promise 8).
    assert_eq!(store.peek(|record| record.unwrap().token), Some(token));
    let (mut next, _) = mortal(store.clone());
    assert!(acquire(&mut next).await > token);
}

/// Dies if the heir is told only after the answer.
#[tokio::test]
async fn a_write_whose_answer_never_came_is_released_as_well() {
    let store = MemoryStore::new();
    let faults = Faults::new();
    let (mut leader, told) = mortal(Faulty::new(store.clone(), &faults));
    faults.next(Call::Save, Fault::LoseAnswer);
    assert!(leader.try_acquire(&candidate()).await.is_err());
    drop(leader);
    assert_eq!(holder(&store).as_deref(), Some("a"));
    release_in_place(&store, claim(&told)).await;
    assert_eq!(holder(&store), None);

    let (mut leader, told) = mortal(Faulty::new(store.clone(), &faults));
    let token = acquire(&mut leader).await;
    faults.next(Call::Save, Fault::LoseAnswer);
    assert!(leader.renew(&candidate(), token).await.is_err());
    drop(leader);
    release_in_place(&store, claim(&told)).await;
    assert_eq!(holder(&store), None);
}

/// What was still on its way when its sender died finds the version changed.
#[tokio::test]
async fn a_late_write_of_the_dead_comes_to_nothing_after_the_release() {
    let mut store = MemoryStore::new();
    let faults = Faults::new();
    let (mut leader, told) = mortal(Faulty::new(store.clone(), &faults));
    let token = acquire(&mut leader).await;
    let before = store.load().await.unwrap();
    faults.next(Call::Save, Fault::Refuse(consensus::ErrorKind::Unavailable));
    assert!(leader.renew(&candidate(), token).await.is_err());
    let claim = claim(&told);
    let on_its_way = claim.open.last().expect("it is unanswered").clone();
    drop(leader);
    release_in_place(&store, claim).await;
    let late = store.save(&on_its_way, &before.version).await.unwrap();
    assert_eq!(late, Saved::Conflict);
    assert_eq!(holder(&store), None);
}

/// If it lands first, it is known for the dead one's.
#[tokio::test]
async fn a_late_write_of_the_dead_that_lands_first_is_released() {
    let mut store = MemoryStore::new();
    let faults = Faults::new();
    let (mut leader, told) = mortal(Faulty::new(store.clone(), &faults));
    let token = acquire(&mut leader).await;
    let before = store.load().await.unwrap();
    faults.next(Call::Save, Fault::Refuse(consensus::ErrorKind::Unavailable));
    assert!(leader.renew(&candidate(), token).await.is_err());
    let claim = claim(&told);
    let on_its_way = claim.open.last().expect("it is unanswered").clone();
    drop(leader);
    let late = store.save(&on_its_way, &before.version).await.unwrap();
    assert!(matches!(late, Saved::Stored { .. }));
    release_in_place(&store, claim).await;
    assert_eq!(holder(&store), None);
}

/// Dies if the identity is enough to know a record by.
#[tokio::test]
async fn whoever_leads_by_then_is_left_alone() {
    let store = MemoryStore::new();
    let (mut leader, told) = mortal(store.clone());
    acquire(&mut leader).await;
    drop(leader);
    let claim = claim(&told);
    release_in_place(&store, claim.clone()).await;
    // Another process with the same identity.
    let (mut successor, _) = mortal(store.clone());
    acquire(&mut successor).await;
    let before = seen(&store);
    release_in_place(&store, claim.clone()).await;
    assert_eq!(seen(&store), before);
    // And one that carries everything of it along but the nonce.
    let mut edited = claim.confirmed.clone().expect("confirmed");
    edited.nonce = before.and_then(|record: Record| record.nonce);
    store.edit(|record| *record = Some(edited.clone()));
    release_in_place(&store, claim).await;
    assert_eq!(seen(&store), Some(edited));
}

#[tokio::test]
async fn who_holds_nothing_any_more_leaves_nothing_to_its_heir() {
    let store = MemoryStore::new();
    let (mut leader, told) = mortal(store.clone());
    acquire(&mut leader).await;
    assert!(claim(&told).candidate().is_some());
    leader.release(&candidate()).await.unwrap();
    assert_eq!(claim(&told).candidate(), None);

    // Nor who has seen that it lost.
    let token = acquire(&mut leader).await;
    store.edit(|record| record.as_mut().unwrap().holder = Some("b".into()));
    let _ = leader.renew(&candidate(), token).await.unwrap();
    assert_eq!(claim(&told).candidate(), None);
}
