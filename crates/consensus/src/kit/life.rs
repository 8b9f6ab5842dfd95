//! Proof of life: what a store says of whoever led last. To call a living holder dead makes two
//! leaders; to call a dead one alive only costs time.
//!
//! A store that knows nothing of it says [`Proof::None`], which is never wrong.

use super::Place;
use super::trial::{QUIET, elsewhere, load, pause, put, record, released};
use crate::backend::WorkScope;
use crate::store::{Proof, Record, Store};
use std::time::Duration;
use tokio::sync::oneshot;

/// > Nobody can still be leading or working, under this record or any before it.
///
/// So it is not said of a holder that has just created the record, or taken it over.
pub async fn a_living_holder_is_not_called_dead<S: Store>(place: Place<S>) {
    let (mut one, mut other, mut reader) = (place.open(), place.open(), place.open());
    put(&mut one, &record("a", 0)).await;
    is_not_dead(
        &mut reader,
        "the holder that created the record is called dead",
    )
    .await;
    one.let_go().await;
    put(&mut other, &record("b", 1)).await;
    is_not_dead(
        &mut reader,
        "the holder that took the record over is called dead",
    )
    .await;
}

/// > A store with a proof of life marks the holder as living *before* the record can be read
pub async fn a_holder_is_marked_before_its_record_can_be_read<S: Store>(place: Place<S>) {
    let mut store = place.open();
    for number in 0..6 {
        let held = record("a", number);
        let (tell, ready) = oneshot::channel();
        let first_sight = elsewhere(&place, {
            let nonce = held.nonce;
            async move |mut reader: S| {
                load(&mut reader).await;
                // The case waits for it.
                let _ = tell.send(());
                loop {
                    let seen = load(&mut reader).await;
                    if seen.record.is_some_and(|record| record.nonce == nonce) {
                        return seen.proof;
                    }
                }
            }
        });
        // If it cannot be received, the reader has panicked, and says so below.
        let _ = ready.await;
        put(&mut store, &held).await;
        assert!(
            first_sight.await != Proof::Dead,
            "save: \"marks the holder as living *before* the record can be read\"; it was read, \
             and its holder called dead"
        );
        put(
            &mut store,
            &Record {
                nonce: record("left", number).nonce,
                ..released("a", number)
            },
        )
        .await;
    }
}

/// > keeps the mark until a save without a holder
pub async fn a_released_record_has_no_living_holder<S: Store>(place: Place<S>) {
    let mut store = place.open();
    for (number, work) in [(0, WorkScope::Process), (2, WorkScope::Beyond)] {
        put(
            &mut store,
            &Record {
                work,
                ..record("a", number)
            },
        )
        .await;
        put(
            &mut store,
            &Record {
                work,
                ..released("a", number + 1)
            },
        )
        .await;
        let proof = load(&mut place.open()).await.proof;
        assert!(
            proof != Proof::Alive,
            "save: \"keeps the mark until a save without a holder\"; after one by a holder whose \
             work reaches {work:?} it says {proof:?}"
        );
    }
}

/// > Takes away the mark of a living holder, if the store has such a thing
pub async fn letting_go_takes_the_mark_away<S: Store>(place: Place<S>) {
    let mut store = place.open();
    put(&mut store, &record("a", 0)).await;
    store.let_go().await;
    let proof = load(&mut place.open()).await.proof;
    assert!(
        proof != Proof::Alive,
        "let_go: \"Takes away the mark of a living holder\"; it says {proof:?}"
    );
}

/// > Nobody can still be leading or working, under this record or any before it.
///
/// Somebody may have deleted the record under a leader.
pub async fn a_living_holder_without_a_record_is_not_called_dead<S: Store>(place: Place<S>) {
    let mut store = place.open();
    put(&mut store, &record("a", 0)).await;
    place.delete().await;
    let broken = "a holder whose record was deleted is called dead";
    is_not_dead(&mut place.open(), broken).await;
    is_not_dead(&mut store, broken).await;
}

/// > Somebody who led may still be working, whatever the record says.
///
/// A release by somebody else is not one's own.
pub async fn a_mark_outlives_its_record<S: Store>(place: Place<S>) {
    let (mut store, mut stranger) = (place.open(), place.open());
    put(&mut store, &record("a", 0)).await;
    put(&mut stranger, &released("stranger", 1)).await;
    assert!(
        load(&mut stranger).await.proof == Proof::Alive,
        "Alive: \"Somebody who led may still be working, whatever the record says\"; after a \
         stranger's release it does not say so"
    );
    drop(store);
}

/// > Nobody can still be leading or working […] The record may be taken at once.
///
/// The proof may come a moment after the end.
pub async fn an_ended_holder_is_proven_dead<S: Store>(place: Place<S>) {
    let (mut store, mut reader) = (place.open(), place.open());
    put(&mut store, &record("a", 0)).await;
    place.end(store);
    // If this hangs: "The record may be taken at once".
    while load(&mut reader).await.proof != Proof::Dead {
        pause(Duration::from_millis(1)).await;
    }
}

/// > Nobody can still be leading or working
///
/// Where work may outlive its process, the end of the process proves nothing.
pub async fn work_beyond_its_process_is_never_proven_over<S: Store>(place: Place<S>) {
    let (mut store, mut reader) = (place.open(), place.open());
    let beyond = Record {
        work: WorkScope::Beyond,
        ..record("a", 0)
    };
    put(&mut store, &beyond).await;
    place.end(store);
    let broken = "work that may outlive its process is called over because that has ended";
    is_not_dead(&mut reader, broken).await;
    pause(QUIET).await;
    is_not_dead(&mut reader, broken).await;
}

async fn is_not_dead<S: Store>(reader: &mut S, broken: &str) {
    let proof = load(reader).await.proof;
    assert!(
        proof != Proof::Dead,
        "Dead: \"Nobody can still be leading or working, under this record or any before it\"; \
         {broken}"
    );
}
