//! The watch: a hint that may come late, but for every change once a store says that it watches.

use super::Place;
use super::trial::{QUIET, cut_short, load, polled, put, record, within};
use crate::store::{Snapshot, Store};
use std::pin::pin;
use std::time::Duration;

/// How long a watch may be late before it is asked again.
const LATE: Duration = Duration::from_millis(300);

/// Loads, and says whether there is a watch from there on. If there is none, one case says so, and
/// the others have nothing to wait for.
async fn watched<S: Store>(store: &mut S) -> Option<Snapshot<S::Version>> {
    Some(load(store).await).filter(|seen| seen.watched)
}

/// > Whether [`Store::changed`] will tell of every change from here on.
pub async fn a_store_that_watches_says_so<S: Store>(place: Place<S>) {
    let mut store = place.open();
    put(&mut store, &record("a", 0)).await;
    assert!(
        load(&mut store).await.watched,
        "Snapshot: `watched` is \"Whether `Store::changed` will tell of every change from here on\", \
         and it is false. A store that cannot tell declares it: \
         `unsupported: {{ watch => \"why\" }}`"
    );
}

/// > Level, not edge: a change between the load of `seen` and this call resolves it.
pub async fn a_change_before_the_watch_is_told<S: Store>(place: Place<S>) {
    let (mut store, mut other) = (place.open(), place.open());
    for number in 0..3 {
        let Some(seen) = watched(&mut store).await else {
            return;
        };
        put(&mut other, &record("a", number)).await;
        // If this hangs: "a change between the load of `seen` and this call resolves it".
        store.changed(Some(&seen.version)).await;
    }
}

/// > Resolves when the version may no longer be `seen`.
pub async fn a_change_during_the_watch_is_told<S: Store>(place: Place<S>) {
    let (mut store, mut other) = (place.open(), place.open());
    for number in 0..3 {
        let Some(seen) = watched(&mut store).await else {
            return;
        };
        let early = {
            let mut watch = pin!(store.changed(Some(&seen.version)));
            let early = polled(watch.as_mut()).await;
            put(&mut other, &record("a", number)).await;
            if early.is_none() {
                // If this hangs: "Resolves when the version may no longer be `seen`".
                watch.await;
            }
            early
        };
        if early.is_some() {
            // "It may come […] too often", and is asked again.
            store.changed(Some(&seen.version)).await;
        }
    }
}

/// > Dropped and asked again at will.
pub async fn a_dropped_watch_can_be_asked_again<S: Store>(place: Place<S>) {
    let (mut store, mut other) = (place.open(), place.open());
    for number in 0..3 {
        let Some(seen) = watched(&mut store).await else {
            return;
        };
        cut_short(2, store.changed(Some(&seen.version))).await;
        let change = async { put(&mut other, &record("a", number)).await };
        is_told_of(&mut store, &seen, change).await;
    }
}

/// > One's own save, whose version is `seen`, does not.
pub async fn ones_own_save_is_no_change<S: Store>(place: Place<S>) {
    let mut store = place.open();
    for number in 0..2 {
        let Some(seen) = watched(&mut store).await else {
            return;
        };
        cut_short(1, store.changed(Some(&seen.version))).await;
        let own = put(&mut store, &record("a", number)).await;
        let told = within(QUIET, store.changed(Some(&own))).await;
        assert!(
            told.is_none(),
            "changed: \"One's own save, whose version is `seen`, does not\" resolve it; it did"
        );
    }
}

/// > [`Store::changed`] will tell of every change from here on.
///
/// A deletion is one.
pub async fn a_deletion_is_told<S: Store>(place: Place<S>) {
    let mut store = place.open();
    put(&mut place.open(), &record("a", 0)).await;
    let Some(seen) = watched(&mut store).await else {
        return;
    };
    is_told_of(&mut store, &seen, place.delete()).await;
}

/// That a watch tells of a change while it waits, or else when it is asked again: which of the two
/// is told by cases of their own.
async fn is_told_of<S: Store, T>(
    store: &mut S,
    seen: &Snapshot<S::Version>,
    change: impl Future<Output = T>,
) {
    {
        let mut watch = pin!(store.changed(Some(&seen.version)));
        let early = polled(watch.as_mut()).await;
        change.await;
        if early.is_none() && within(LATE, watch).await.is_some() {
            return;
        }
    }
    // If this hangs: "will tell of every change from here on".
    store.changed(Some(&seen.version)).await;
}
