//! Versions: the store's own marks on what it holds, and what it says when it holds nothing.

use super::Place;
use super::trial::{load, put, record, released, save};
use crate::store::{Record, Store};

/// > Absence has one too: saving on it creates.
///
/// But only while it lasts, even if what was created meanwhile has been renewed and released.
pub async fn a_creation_is_refused_if_somebody_created_meanwhile<S: Store>(place: Place<S>) {
    let (mut late, mut other) = (place.open(), place.open());
    let absence = load(&mut late).await.version;
    let others = [record("a", 0), record("a", 1), released("a", 2)];
    for (writes, other_record) in (1..).zip(&others) {
        put(&mut other, other_record).await;
        assert!(
            save(&mut late, &record("b", 3), &absence).await.is_none(),
            "Versions: \"Absence has a version as well\"; a creation was not refused after {writes} \
             writes of somebody else"
        );
    }
}

/// > Two versions are equal only if nothing was written between them.
///
/// Records of one holder may look alike but for their nonce.
pub async fn two_writes_never_share_a_version<S: Store>(place: Place<S>) {
    let mut store = place.open();
    let one = record("a", 0);
    let other = Record {
        nonce: record("a", 1).nonce,
        ..one.clone()
    };
    let mut versions = vec![load(&mut store).await.version];
    for record in [&one, &other] {
        versions.push(put(&mut store, record).await);
    }
    assert!(
        versions[0] != versions[1] && versions[1] != versions[2] && versions[0] != versions[2],
        "Versions: \"Two versions are equal only if nothing was written between them\"; two of \
         these are: {versions:?}"
    );
}

/// > `None`: there is none […] A record that its holder released is not `None`: it has no holder.
pub async fn a_released_record_is_not_absence<S: Store>(place: Place<S>) {
    let mut store = place.open();
    put(&mut store, &record("a", 0)).await;
    put(&mut store, &released("a", 1)).await;
    let found = load(&mut place.open()).await.record;
    assert_eq!(
        found,
        Some(released("a", 1)),
        "Snapshot: \"A record that its holder released is not `None`: it has no holder\""
    );
}

/// > Reads the record, and creates nothing.
pub async fn a_load_creates_nothing<S: Store>(place: Place<S>) {
    let (mut one, mut other) = (place.open(), place.open());
    let before = load(&mut one).await;
    let after = load(&mut other).await;
    assert!(
        before.record.is_none() && after.record.is_none(),
        "load: \"Reads the record, and creates nothing\"; a place where nobody wrote has a record"
    );
    assert!(
        save(&mut one, &record("a", 0), &before.version)
            .await
            .is_some(),
        "load: \"Reads the record, and creates nothing\"; a load made another's version an old one"
    );
}

/// > what there was has been deleted […] saving on it creates.
pub async fn a_deleted_record_is_absent_and_can_be_created<S: Store>(place: Place<S>) {
    let mut store = place.open();
    let old = put(&mut store, &record("a", 0)).await;
    place.delete().await;
    let found = load(&mut store).await.record;
    assert!(
        found.is_none(),
        "Snapshot: \"`None`: […] what there was has been deleted\"; {found:?} was found"
    );
    assert!(
        save(&mut place.open(), &record("b", 1), &old)
            .await
            .is_none(),
        "Atomicity: stored \"only if the store still holds exactly `if_version`\"; a save on the \
         version of a deleted record was stored"
    );
    let absence = load(&mut store).await.version;
    assert!(
        save(&mut store, &record("a", 1), &absence).await.is_some(),
        "Snapshot: \"Absence has one too: saving on it creates\"; not after a deletion"
    );
}

/// > Two versions are equal only if nothing was written between them.
///
/// Nor if the record was deleted in between.
pub async fn a_record_created_again_has_another_version<S: Store>(place: Place<S>) {
    let (mut one, mut other) = (place.open(), place.open());
    let old = put(&mut one, &record("a", 0)).await;
    place.delete().await;
    let new = put(&mut one, &record("a", 1)).await;
    assert!(
        old != new,
        "Versions: \"Two versions are equal only if nothing was written between them\"; a record \
         that was deleted and created again has the version {new:?} again"
    );
    assert!(
        save(&mut other, &record("b", 2), &old).await.is_none(),
        "Atomicity: stored \"only if the store still holds exactly `if_version`\"; a save on a \
         version from before the deletion was stored"
    );
}

/// > a record that was created and deleted again leaves another one, if the store can tell.
pub async fn an_absence_is_told_from_an_earlier_one<S: Store>(place: Place<S>) {
    let mut store = place.open();
    let before = load(&mut store).await.version;
    put(&mut store, &record("a", 0)).await;
    place.delete().await;
    let after = load(&mut store).await.version;
    assert!(
        before != after,
        "Versions: \"a record that was created and deleted again leaves another one, if the store \
         can tell\": {after:?} stands for both. If it cannot tell, declare `absences` unsupported"
    );
}
