//! Atomicity: a save is stored if, and only if, the store still holds what it was decided on. This is
//! what two leaders at once are kept apart by.

use super::Place;
use super::trial::{elsewhere, held, load, put, record, save};
use crate::store::{Saved, Store};
use std::sync::{Arc, Barrier};

/// How many save at once.
const CONTENDERS: usize = 8;
/// How often they do.
const ROUNDS: u64 = 8;

/// > [`save`](Store::save) stores the whole record if […] the store still holds exactly `if_version`
pub async fn a_save_on_the_loaded_version_is_stored<S: Store>(place: Place<S>) {
    let mut store = place.open();
    for number in 0..24 {
        put(&mut store, &record("a", number)).await;
    }
    assert_eq!(
        held(&mut place.open()).await,
        record("a", 23).nonce,
        "Atomicity: \"what was saved is what is loaded, by everybody\"; the last of 24 saves was not"
    );
}

/// > […] and only if the store still holds exactly `if_version`
///
/// Not even if it is the same holder, which may be two processes under one name.
pub async fn a_save_on_an_old_version_is_refused<S: Store>(place: Place<S>) {
    let (mut one, mut other) = (place.open(), place.open());
    put(&mut one, &record("a", 0)).await;
    let old = load(&mut other).await.version;
    put(&mut one, &record("a", 1)).await;
    let stored = save(&mut other, &record("a", 2), &old).await;
    assert!(
        stored.is_none(),
        "Atomicity: stored \"only if the store still holds exactly `if_version`\"; a save on an old \
         version was stored"
    );
}

/// > [`Saved::Conflict`]: The version is another by now. Nothing was changed.
pub async fn a_refused_save_changes_nothing<S: Store>(place: Place<S>) {
    let (mut one, mut other) = (place.open(), place.open());
    let old = load(&mut other).await.version;
    let current = put(&mut one, &record("a", 0)).await;
    let stored = save(&mut other, &record("b", 1), &old).await;
    assert!(
        stored.is_none() && held(&mut place.open()).await == record("a", 0).nonce,
        "Conflict: \"Nothing was changed\"; a refused save changed the record"
    );
    assert!(
        save(&mut one, &record("a", 1), &current).await.is_some(),
        "Conflict: \"Nothing was changed\"; a refused save changed the version"
    );
}

/// > Of many saves on one version, one is stored.
///
/// They come from many threads, each with a handle of its own.
pub async fn of_many_saves_on_one_version_one_is_stored<S: Store>(place: Place<S>) {
    let mut store = place.open();
    put(&mut store, &record("first", 0)).await;
    for round in 0..ROUNDS {
        let on = load(&mut store).await.version;
        one_wins(&place, &on, 1 + round).await;
    }
}

/// > Absence has one too: saving on it creates.
///
/// And then, too, one of many saves is stored.
pub async fn of_many_creations_one_is_stored<S: Store>(place: Place<S>) {
    let on = load(&mut place.open()).await.version;
    one_wins(&place, &on, 0).await;
}

async fn one_wins<S: Store>(place: &Place<S>, on: &S::Version, round: u64) {
    let start = Arc::new(Barrier::new(CONTENDERS));
    let contend = |number: usize| {
        let (on, start) = (on.clone(), Arc::clone(&start));
        elsewhere(place, async move |mut store: S| {
            let record = record(&format!("contender-{number}"), round);
            start.wait();
            let stored = save(&mut store, &record, &on).await;
            stored.and(record.nonce)
        })
    };
    let contenders: Vec<_> = (0..CONTENDERS).map(contend).collect();
    let mut winners = Vec::new();
    for contender in contenders {
        winners.extend(contender.await);
    }
    assert_eq!(
        winners.len(),
        1,
        "Atomicity: \"Of many saves on one version, one is stored\"; in round {round} it was not one"
    );
    assert_eq!(
        held(&mut place.open()).await,
        winners.pop(),
        "Atomicity: \"Of many saves on one version, one is stored\"; in round {round} the store \
         holds another than the one that it said it had stored"
    );
}

/// > Reads are never older than the last write that was acknowledged to anybody.
///
/// However often the reader has looked before: a cache answers sooner or later.
pub async fn a_read_is_never_older_than_an_acknowledged_write<S: Store>(place: Place<S>) {
    let (mut writer, mut reader) = (place.open(), place.open());
    for looks in 0..6 {
        for _ in 0..looks {
            load(&mut reader).await;
        }
        put(&mut writer, &record("a", looks)).await;
        assert_eq!(
            held(&mut reader).await,
            record("a", looks).nonce,
            "Atomicity: \"reads are never older than the last write that was acknowledged to \
             anybody\"; one was, after {looks} looks before that write"
        );
    }
}

/// > `Err` is never returned to say "no": that is [`Saved::Conflict`].
pub async fn a_refusal_is_data_not_an_error<S: Store>(place: Place<S>) {
    let (mut one, mut other) = (place.open(), place.open());
    let old = load(&mut other).await.version;
    put(&mut one, &record("a", 0)).await;
    match other.save(&record("b", 1), &old).await {
        Ok(Saved::Conflict | Saved::Stored { .. }) => {}
        Err(error) => panic!(
            "Unknown outcomes: \"`Err` is never returned to say 'no'\"; a save on an old version \
             was answered by {error:?}"
        ),
    }
}
