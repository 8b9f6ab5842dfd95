//! What is not ours: content that is no record, or one that we cannot read, is named and kept, and so
//! is what a record of ours has beside what we know.

use super::Place;
use super::trial::{put, record, released};
use crate::ErrorKind;
use crate::store::{Saved, Store};

/// What a handle finds: the nonce of a record, absence, or what kind of error.
async fn found<S: Store>(store: &mut S) -> Result<String, ErrorKind> {
    let loaded = store.load().await;
    loaded
        .map(|seen| format!("{:?}", seen.record))
        .map_err(|error| error.kind())
}

/// > Content that is not a record […] is [`Foreign`](ErrorKind::Foreign)
pub async fn what_is_no_record_is_named<S: Store>(place: Place<S>) {
    let mut store = place.open();
    put(&mut store, &record("a", 0)).await;
    place.garble().await;
    for mut store in [store, place.open()] {
        assert_eq!(
            found(&mut store).await,
            Err(ErrorKind::Foreign),
            "What is not ours: \"Content that is not a record […] is `Foreign`\""
        );
    }
}

/// > […] and stays as it is.
pub async fn what_is_no_record_is_left_as_it_is<S: Store>(place: Place<S>) {
    let mut store = place.open();
    let old = put(&mut store, &record("a", 0)).await;
    place.garble().await;
    let before = found(&mut place.open()).await;
    // The answer is free, but for this: it cannot have been stored.
    let answer = store.save(&record("a", 1), &old).await;
    let after = found(&mut place.open()).await;
    assert!(
        before == after,
        "What is not ours: content that is not a record \"stays as it is\"; a save was answered by \
         {answer:?}, and instead of {before:?} there was {after:?}"
    );
}

/// > […] or is one of a newer major format, is [`Foreign`](ErrorKind::Foreign) and stays as it is.
pub async fn a_newer_format_is_refused_and_left_as_it_is<S: Store>(place: Place<S>) {
    let mut store = place.open();
    let old = put(&mut store, &record("a", 0)).await;
    place.outdate().await;
    let before = found(&mut store).await;
    let stored = save_quietly(&mut store, &old).await;
    for found in [before, found(&mut place.open()).await] {
        assert!(
            !stored && found == Err(ErrorKind::Foreign),
            "What is not ours: a record \"of a newer major format, is `Foreign` and stays as it \
             is\"; {found:?} was found, and a save on the version before it was stored: {stored}"
        );
    }
}

/// Tries to write over what cannot be read. An error is unknown, and what is there then tells.
async fn save_quietly<S: Store>(store: &mut S, on: &S::Version) -> bool {
    match store.save(&record("a", 1), on).await {
        Ok(saved) => saved != Saved::Conflict,
        Err(_) => false,
    }
}

/// > Unknown fields of a record of this format survive a save.
pub async fn unknown_fields_survive_a_save<S: Store>(place: Place<S>) {
    let mut store = place.open();
    put(&mut store, &record("a", 0)).await;
    place.annotate().await;
    assert!(
        place.is_annotated().await,
        "`fields:` was handed in, but does not find the field that it has just added"
    );
    put(&mut place.open(), &record("b", 1)).await;
    put(&mut store, &released("b", 2)).await;
    assert!(
        place.is_annotated().await,
        "What is not ours: \"Unknown fields of a record of this format survive a save\"; one did not"
    );
}
