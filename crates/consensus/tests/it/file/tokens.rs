//! Tokens only rise, whatever is removed and whoever is killed.

use super::child::Player;
use super::ground::{Ground, is_conflict, lead, load_until, next_token, record, released, stored};
use consensus::Token;
use consensus::store::{Proof, Store};
use std::fs;

/// Above the clock, so that not the clock is what makes the next one higher.
const FAR: Token = Token::new(5_000_000_000_000);

#[tokio::test]
async fn a_token_is_no_less_than_the_milliseconds_since_1970() {
    let ground = Ground::new();
    let now = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap();
    let seen = ground.store().load().await.unwrap();
    assert!(u128::from(next_token(&seen).get()) >= now.as_millis());
}

#[tokio::test]
async fn a_new_token_is_above_the_highest_ever_even_if_the_record_is_removed() {
    let ground = Ground::new();
    let mut store = ground.store();
    let seen = store.load().await.unwrap();
    let version = stored(store.save(&record("a", FAR), &seen.version).await);
    assert_eq!(next_token(&store.load().await.unwrap()), FAR.next());
    stored(store.save(&released(FAR), &version).await);
    assert_eq!(next_token(&store.load().await.unwrap()), FAR.next());
    fs::remove_file(ground.record()).unwrap();
    assert_eq!(
        next_token(&ground.store().load().await.unwrap()),
        FAR.next()
    );
}

#[tokio::test]
async fn a_token_that_is_not_above_the_highest_ever_begins_no_term() {
    let ground = Ground::new();
    let mut store = ground.store();
    let seen = store.load().await.unwrap();
    stored(store.save(&record("a", FAR), &seen.version).await);
    fs::remove_file(ground.record()).unwrap();
    store.let_go().await;
    let seen = store.load().await.unwrap();
    let lower = Token::new(FAR.get() - 1);
    assert!(is_conflict(
        &store.save(&record("a", lower), &seen.version).await
    ));
    stored(store.save(&record("a", FAR.next()), &seen.version).await);
}

/// As a guard does for the leader that it outlived. While that lives, its byte forbids it.
#[tokio::test]
async fn a_record_can_be_kept_up_under_its_own_token_by_another_once_the_holder_let_go() {
    let ground = Ground::new();
    let (mut leader, mut guard) = (ground.store(), ground.store());
    let (led, version) = lead(&mut leader, "a").await;
    let same = record("a", led.token.unwrap());
    assert!(is_conflict(&guard.save(&same, &version).await));
    leader.let_go().await;
    load_until(&mut guard, |seen| seen.proof == Proof::Dead).await;
    stored(guard.save(&same, &version).await);
}

#[tokio::test]
async fn a_candidate_that_is_killed_before_its_rename_has_used_up_its_token() {
    let ground = Ground::new();
    let mut stopped = Player::start("stop before", &ground.record());
    let wanted = Token::new(stopped.says("wants").parse().unwrap());
    stopped.says("stops");
    stopped.kill();
    let note = fs::read_to_string(ground.lock()).unwrap();
    assert!(note.contains(&wanted.to_string()), "{note}");
    let mut store = ground.store();
    let seen = load_until(&mut store, |seen| seen.proof == Proof::Dead).await;
    assert!(next_token(&seen) > wanted);
}

#[tokio::test]
async fn every_term_has_a_higher_token_than_the_one_before() {
    let ground = Ground::new();
    let mut stores = [ground.store(), ground.store()];
    let mut last = Token::default();
    for turn in 0..10 {
        let store = &mut stores[turn % 2];
        let (led, version) = lead(store, "a").await;
        let token = led.token.unwrap();
        assert!(token > last);
        last = token;
        match turn % 3 {
            0 => drop(stored(store.save(&released(token), &version).await)),
            1 => fs::remove_file(ground.record()).unwrap(),
            _ => store.let_go().await,
        }
    }
}
