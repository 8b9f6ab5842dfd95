//! Unknown outcomes and cancellation: a call whose future was dropped may have been carried out, or
//! may yet be. The next calls find out, and nothing comes after them.

use super::Place;
use super::trial::{QUIET, cut_short, held, load, pause, put, record, save};
use crate::store::Store;

/// > Dropping a future is an unknown outcome.
///
/// So the next load shows the record or does not, a save on what it shows is decided on that, and
/// then the dropped save has come too late for good.
pub async fn a_dropped_save_is_resolved_by_the_next_calls<S: Store>(place: Place<S>) {
    let mut store = place.open();
    for polls in 0..5 {
        let before = load(&mut store).await;
        let dropped = record("dropped", u64::from(polls));
        cut_short(polls, store.save(&dropped, &before.version)).await;
        let next = record("next", u64::from(polls));
        let mut stored = false;
        while !stored {
            let seen = load(&mut store).await;
            let before = before.record.as_ref().and_then(|record| record.nonce);
            let nonce = seen.record.and_then(|record| record.nonce);
            assert!(
                nonce == before || nonce == dropped.nonce,
                "Cancellation: \"Dropping a future is an unknown outcome\"; after a dropped save the \
                 store holds neither its record nor the one before"
            );
            stored = save(&mut store, &next, &seen.version).await.is_some();
        }
        pause(QUIET / 10).await;
        assert_eq!(
            held(&mut place.open()).await,
            next.nonce,
            "Cancellation: \"Dropping a future is an unknown outcome\", but not for ever; a save \
             that was dropped after {polls} polls replaced one that was stored later"
        );
    }
}

/// > What goes on without its future (a file call on another thread) is waited for by the next call.
///
/// Unless it is on its way through a network, and the store declares `stragglers` unsupported.
pub async fn a_dropped_save_is_over_before_the_next_call<S: Store>(place: Place<S>) {
    let mut store = place.open();
    put(&mut store, &record("a", 0)).await;
    for polls in 1..4 {
        let before = load(&mut store).await.version;
        cut_short(
            polls,
            store.save(&record("dropped", u64::from(polls)), &before),
        )
        .await;
        let then = held(&mut store).await;
        pause(QUIET).await;
        assert_eq!(
            held(&mut place.open()).await,
            then,
            "Cancellation: \"What goes on without its future […] is waited for by the next call\"; \
             a save that was dropped after {polls} polls came after that call"
        );
    }
}

/// > Dropping a future is an unknown outcome.
///
/// That of a load as well, and it leaves a handle that works.
pub async fn a_handle_goes_on_after_a_dropped_load<S: Store>(place: Place<S>) {
    let mut store = place.open();
    for polls in 0..4 {
        cut_short(polls, store.load()).await;
        let loaded = store.load().await;
        assert!(
            loaded.is_ok(),
            "Cancellation: a dropped load is \"waited for by the next call\"; that failed: {loaded:?}"
        );
        put(&mut store, &record("a", u64::from(polls))).await;
    }
}
