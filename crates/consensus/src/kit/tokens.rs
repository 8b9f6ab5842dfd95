//! Tokens: they only rise, whether the protocol counts them or the store numbers its writes.

use super::Place;
use super::trial::{load, put, record, released};
use crate::Token;
use crate::store::{Record, Saved, Store, Tokens};

/// > No [`Tokens::Above`] is ever below a token that was saved, also after the record was deleted. A
/// > store that numbers its writes across deletion says [`Tokens::Revisions`] instead.
pub async fn no_token_falls_when_the_record_is_deleted<S: Store>(place: Place<S>) {
    let mut store = place.open();
    let (before, after) = match load(&mut store).await.tokens {
        Tokens::Above(_) => {
            let given = Record {
                token: Some(Token::new(41)),
                ..record("a", 0)
            };
            put(&mut store, &given).await;
            place.delete().await;
            let (here, elsewhere) = (floor(&mut store).await, floor(&mut place.open()).await);
            (41, here.min(elsewhere).next().get())
        }
        Tokens::Revisions => {
            let before = write_numbered(&mut store, &by_revision("a", 0)).await;
            place.delete().await;
            (
                before,
                write_numbered(&mut store, &by_revision("a", 1)).await,
            )
        }
    };
    assert!(
        after > before,
        "Tokens: none \"is ever below a token that was saved, also after the record was deleted\"; \
         {before} was given before the deletion, and the next one is {after}"
    );
}

/// > With [`Tokens::Revisions`], a number that rises with every write of this election
pub async fn revisions_rise_with_every_write<S: Store>(place: Place<S>) {
    let mut store = place.open();
    if let Tokens::Above(_) = load(&mut store).await.tokens {
        return; // The protocol counts, and `tokens_rise_from_term_to_term` watches it.
    }
    let mut last = 0;
    for record in [
        by_revision("a", 0),
        record("a", 1),
        record("a", 2),
        released("a", 3),
        by_revision("a", 4),
    ] {
        let revision = write_numbered(&mut store, &record).await;
        assert!(
            revision > last,
            "Saved: a revision \"rises with every write of this election\"; after {last} came \
             {revision}"
        );
        last = revision;
    }
}

/// Above what the next token will be.
async fn floor<S: Store>(store: &mut S) -> Token {
    match load(store).await.tokens {
        Tokens::Above(floor) => floor,
        Tokens::Revisions => panic!("Tokens: where they come from does not change"),
    }
}

/// What begins a term whose token will be the revision of this write.
fn by_revision(holder: &str, number: u64) -> Record {
    Record {
        token: None,
        ..record(holder, number)
    }
}

async fn write_numbered<S: Store>(store: &mut S, record: &Record) -> u64 {
    let seen = load(store).await;
    match store.save(record, &seen.version).await {
        Ok(Saved::Stored {
            revision: Some(revision),
            ..
        }) => revision,
        answer => panic!(
            "Saved: \"With `Tokens::Revisions`, a number that rises with every write\"; the answer \
             to a write was {answer:?}"
        ),
    }
}
