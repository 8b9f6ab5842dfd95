//! What was saved is what is loaded: the protocol knows its own writes by comparing whole records.

use super::Place;
use super::trial::{WALL_MS, load, put, record, save};
use crate::Token;
use crate::backend::WorkScope;
use crate::store::{Nonce, Proof, Record, Store};
use std::time::Duration;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Saves it on one handle, and loads it on another.
async fn is_kept<S: Store>(place: &Place<S>, record: &Record) {
    put(&mut place.open(), record).await;
    let found = load(&mut place.open()).await.record;
    assert_eq!(
        found.as_ref(),
        Some(record),
        "Atomicity: \"What was saved is what is loaded, by everybody\"; found on the left, saved on \
         the right"
    );
}

/// > What was saved is what is loaded, by everybody, from then on
///
/// Every field, with and without what it may be without.
pub async fn every_field_is_kept<S: Store>(place: Place<S>) {
    let plain = record("plain", 0);
    let full = Record {
        address: Some("http://[2001:db8::1]:8080/?a=b&c".into()),
        token: Some(Token::new(7)),
        work: WorkScope::Beyond,
        lease_duration: Duration::from_secs(61),
        acquired_ms: WALL_MS + 1_234,
        renewed_ms: WALL_MS + 5_678,
        ..record("full", 1)
    };
    let by_revision = Record {
        token: None,
        address: Some("next:1".into()),
        ..record("by-revision", 2)
    };
    let strangers = Record {
        nonce: None,
        token: None,
        work: WorkScope::Beyond,
        ..record("stranger", 3)
    };
    for record in [plain, full, by_revision, strangers] {
        is_kept(&place, &record).await;
    }
}

/// > The mark of this write.
///
/// 128 bits of it.
pub async fn every_bit_of_a_nonce_is_kept<S: Store>(place: Place<S>) {
    let patterns = [u128::MAX, 1 << 127, 0, (1 << 64) + 1];
    for (number, bits) in (0..).zip(patterns) {
        let record = Record {
            nonce: Some(Nonce::from_bits(bits)),
            ..record(&format!("nonce-{number}"), number)
        };
        is_kept(&place, &record).await;
    }
}

/// > What was saved is what is loaded
///
/// Up to the ends of what a candidate may be configured to be.
pub async fn the_greatest_values_are_kept<S: Store>(place: Place<S>) {
    let great = Record {
        holder: Some("i".repeat(256).into()),
        address: Some("a".repeat(1024).into()),
        lease_duration: DAY,
        token: Some(Token::new((1 << 62) - 1)),
        ..record("", 0)
    };
    is_kept(&place, &great).await;
}

/// > What was saved is what is loaded
///
/// Also what needs quotes in one format or another.
pub async fn an_identity_in_any_script_is_kept<S: Store>(place: Place<S>) {
    let names = [
        "Łódź-1",
        "選挙 🗳️",
        "שלום\u{200f}",
        "\"quoted\" \\ 'twice' <&> %41 {}",
        " a: b# ",
    ];
    for (number, name) in (0..).zip(names) {
        let record = Record {
            holder: Some(name.into()),
            address: Some(name.into()),
            ..record("named", number)
        };
        is_kept(&place, &record).await;
    }
}

/// > How long the record counts as held after it was last seen to change.
///
/// To the millisecond, unless the store declares `fractions` unsupported.
pub async fn a_fraction_of_a_second_is_kept<S: Store>(place: Place<S>) {
    for (number, millis) in (0..).zip([1, 320, 1_500]) {
        let record = Record {
            lease_duration: Duration::from_millis(millis),
            ..record(&format!("short-{number}"), number)
        };
        is_kept(&place, &record).await;
    }
}

/// > A store reads no clock for a decision. Wall-clock times in a record are for people.
///
/// This record would have run out in 1970.
pub async fn wall_clock_times_decide_nothing<S: Store>(place: Place<S>) {
    let (mut store, mut other) = (place.open(), place.open());
    let absence = load(&mut other).await.version;
    let ancient = Record {
        lease_duration: Duration::from_secs(1),
        acquired_ms: 0,
        renewed_ms: 1_000,
        ..record("ancient", 0)
    };
    put(&mut store, &ancient).await;
    let seen = load(&mut other).await;
    assert!(
        seen.record == Some(ancient) && seen.proof != Proof::Dead,
        "Time: \"A store reads no clock for a decision\"; it holds a record to have run out: {seen:?}"
    );
    assert!(
        save(&mut other, &record("b", 1), &absence).await.is_none(),
        "Time: \"A store reads no clock for a decision\"; a creation replaced an ancient record"
    );
}
