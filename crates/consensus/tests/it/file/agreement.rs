//! Of many saves on one version, one is stored, whoever is stopped or killed in the middle.

use super::child::Player;
use super::ground::{Ground, is_conflict, lead, load_until, next_token, record, released, stored};
use consensus::file::{FileStore, Moment};
use consensus::store::{Proof, Saved, Store};
use consensus::{ErrorKind, Token};
use rustix::process::Signal;
use std::fs;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_saves_on_one_version_one_is_stored() {
    let ground = Ground::new();
    let mut first = ground.store();
    let (_, mut version) = lead(&mut first, "first").await;
    for round in 0..20 {
        let mut tasks = Vec::new();
        for number in 0..4 {
            let mut store = ground.store();
            let on = version.clone();
            tasks.push(tokio::spawn(async move {
                let seen = store.load().await.unwrap();
                let token = Token::new(next_token(&seen).get() + number);
                let saved = store.save(&record("many", token), &on).await.unwrap();
                store.let_go().await;
                (saved, token)
            }));
        }
        let mut won = Vec::new();
        for task in tasks {
            match task.await.unwrap() {
                (Saved::Stored { version, .. }, token) => won.push((version, token)),
                (Saved::Conflict, _) => {}
            }
        }
        assert_eq!(won.len(), 1, "round {round}");
        let token;
        (version, token) = won.remove(0);
        let seen = first.load().await.unwrap();
        assert_eq!(
            (seen.version, seen.record.unwrap().token),
            (version.clone(), Some(token))
        );
    }
    assert_eq!(ground.names(), ["leader.json", "leader.json.lock"]);
}

#[tokio::test]
async fn what_was_saved_is_loaded_by_everybody_and_versions_differ() {
    let ground = Ground::new();
    let (mut a, mut b) = (ground.store(), ground.store());
    let (written, version) = lead(&mut a, "a").await;
    let seen = b.load().await.unwrap();
    assert_eq!(
        (seen.record, &seen.version),
        (Some(written.clone()), &version)
    );
    let token = written.token.unwrap();
    let next = stored(a.save(&record("a", token), &version).await);
    assert_ne!(next, version);
    assert_eq!(b.load().await.unwrap().version, next);
    assert!(is_conflict(&a.save(&record("a", token), &version).await));
    assert_eq!(b.load().await.unwrap().version, next);
}

#[tokio::test]
async fn absence_has_a_version_that_differs_after_the_record_came_and_went() {
    let ground = Ground::new();
    let mut a = ground.store();
    let never = a.load().await.unwrap();
    assert!(never.record.is_none());
    let (_, version) = lead(&mut a, "a").await;
    fs::remove_file(ground.record()).unwrap();
    let gone = a.load().await.unwrap();
    assert!(gone.record.is_none() && gone.version != never.version);
    let token = next_token(&gone);
    assert!(is_conflict(&a.save(&record("a", token), &version).await));
    assert!(is_conflict(
        &a.save(&record("a", token), &never.version).await
    ));
    stored(a.save(&record("a", token), &gone.version).await);
}

/// Fails if the first creation replaces whatever is there.
#[tokio::test]
async fn the_first_creation_replaces_nothing() {
    let ground = Ground::new();
    let (mut a, mut b) = (ground.store(), ground.store());
    let nothing = a.load().await.unwrap();
    lead(&mut b, "b").await;
    let token = Token::new(next_token(&nothing).get() + 1000);
    assert!(is_conflict(
        &a.save(&record("a", token), &nothing.version).await
    ));
    let holder = a.load().await.unwrap().record.unwrap().holder;
    assert_eq!(holder.as_deref(), Some("b"));
}

/// Fails if the first creation replaces what a stranger, who knows no mutex, puts there meanwhile.
#[tokio::test]
async fn the_first_creation_replaces_nothing_that_appears_at_the_last_moment() {
    let ground = Ground::new();
    let path = ground.record();
    let appears = {
        let path = path.clone();
        move |moment| {
            if moment == Moment::BeforeRename {
                fs::write(&path, "a stranger's").unwrap();
            }
        }
    };
    let mut store = FileStore::new(&path).with_probe(appears);
    let nothing = store.load().await.unwrap();
    let record = record("a", next_token(&nothing));
    assert!(is_conflict(&store.save(&record, &nothing.version).await));
    assert_eq!(fs::read_to_string(&path).unwrap(), "a stranger's");
}

#[tokio::test]
async fn who_is_stopped_before_its_rename_blocks_savers_who_name_it_until_it_dies() {
    let ground = Ground::new();
    let mut other = ground.store();
    let mut stopped = Player::start("stop before", &ground.record());
    let wanted = stopped.says("wants");
    stopped.says("stops");
    stopped.is_stopped();

    // It holds a proof of life, so that nobody may think that nothing goes on.
    let seen = other.load().await.unwrap();
    assert!(seen.record.is_none());
    assert_eq!(seen.proof, Proof::Alive);
    let token = next_token(&seen);
    let error = other
        .save(&record("other", token), &seen.version)
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert!(
        error
            .to_string()
            .contains(&format!("process {} (", stopped.pid())),
        "{error}"
    );

    stopped.kill();
    let seen = load_until(&mut other, |seen| seen.proof == Proof::Dead).await;
    assert!(seen.record.is_none());
    let token = next_token(&seen);
    assert!(
        token.get() > wanted.parse().unwrap(),
        "{token} after {wanted}"
    );
    stored(other.save(&record("other", token), &seen.version).await);
}

#[tokio::test]
async fn who_is_stopped_before_its_rename_and_goes_on_is_stored() {
    let ground = Ground::new();
    let mut other = ground.store();
    let mut stopped = Player::start("stop before", &ground.record());
    stopped.says("stops");
    stopped.is_stopped();
    let before = other.load().await.unwrap();
    stopped.signal(Signal::CONT);
    assert_eq!(stopped.says("saved"), "Ok(true)");
    let token = next_token(&before);
    assert!(is_conflict(
        &other.save(&record("other", token), &before.version).await
    ));
}

#[tokio::test]
async fn who_is_stopped_after_its_rename_leads_for_all_to_see_and_blocks_savers_until_it_dies() {
    let ground = Ground::new();
    let mut other = ground.store();
    let mut stopped = Player::start("stop after", &ground.record());
    stopped.says("stops");
    stopped.is_stopped();
    let seen = other.load().await.unwrap();
    assert_eq!(
        seen.record.as_ref().unwrap().holder.as_deref(),
        Some("child")
    );
    assert_eq!(seen.proof, Proof::None);
    let token = next_token(&seen);
    let error = other
        .save(&record("other", token), &seen.version)
        .await
        .unwrap_err();
    assert!(
        error
            .to_string()
            .contains(&format!("process {} (", stopped.pid())),
        "{error}"
    );

    stopped.kill();
    let seen = load_until(&mut other, |seen| seen.proof == Proof::Dead).await;
    stored(
        other
            .save(&record("other", next_token(&seen)), &seen.version)
            .await,
    );
}

#[tokio::test]
async fn who_is_stopped_before_its_rename_but_outside_the_mutex_blocks_nobody_and_loses() {
    let ground = Ground::new();
    let mut stopped = Player::start("stop aside", &ground.record());
    stopped.says("stops");
    stopped.is_stopped();
    let mut other = ground.store();
    let seen = other.load().await.unwrap();
    assert_eq!(
        seen.proof,
        Proof::Alive,
        "its proof of life delays, but does not forbid"
    );
    let (led, version) = lead(&mut other, "other").await;
    // The first save that begins no term sweeps, and leaves what a living writer wrote.
    stored(
        other
            .save(&record("other", led.token.unwrap()), &version)
            .await,
    );
    assert_eq!(asides(&ground).len(), 1);
    stopped.signal(Signal::CONT);
    assert_eq!(stopped.says("saved"), "Ok(false)");
    assert!(asides(&ground).is_empty());
    load_until(&mut other, |seen| {
        seen.record.as_ref().unwrap().holder.as_deref() == Some("other")
    })
    .await;
}

#[tokio::test]
async fn what_a_dead_writer_left_is_swept_and_nothing_else() {
    let ground = Ground::new();
    let mut stopped = Player::start("stop before", &ground.record());
    stopped.says("stops");
    stopped.is_stopped();
    stopped.kill();
    assert_eq!(asides(&ground).len(), 1);
    fs::write(ground.folder.join(".leader.json.notes.aside"), "not ours").unwrap();
    let mut late = ground.store();
    let (led, version) = lead(&mut late, "late").await;
    stored(late.save(&released(led.token.unwrap()), &version).await);
    assert_eq!(asides(&ground), [".leader.json.notes.aside"]);
}

/// What is written aside at the moment.
fn asides(ground: &Ground) -> Vec<String> {
    let names = ground.names().into_iter();
    names
        .filter(|name| name.starts_with(".leader.json."))
        .collect()
}

#[tokio::test]
async fn a_save_that_nobody_waits_for_goes_on_and_the_next_call_waits_for_it() {
    let ground = Ground::new();
    let (go_on, held_up) = std::sync::mpsc::channel();
    let (tell, told) = std::sync::mpsc::channel();
    let mut store = ground.store().with_probe(move |moment| {
        if moment == Moment::BeforeMutex {
            return;
        }
        tell.send(()).unwrap();
        held_up.recv().unwrap();
    });
    let seen = store.load().await.unwrap();
    let token = next_token(&seen);
    let written = record("a", token);
    let save = store.save(&written, &seen.version);
    let dropped = tokio::time::timeout(std::time::Duration::from_millis(50), save).await;
    assert!(dropped.is_err());
    told.recv().unwrap();
    let release = std::thread::spawn(move || {
        std::thread::sleep(std::time::Duration::from_millis(50));
        go_on.send(()).unwrap();
        go_on.send(()).unwrap();
    });
    let seen = store.load().await.unwrap();
    assert_eq!(seen.record, Some(written));
    release.join().unwrap();
}

#[tokio::test]
async fn unknown_fields_and_the_mode_survive_a_save() {
    use std::os::unix::fs::PermissionsExt;
    let ground = Ground::new();
    let mut store = ground.store();
    let (first, _) = lead(&mut store, "a").await;
    let mode = |path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(ground.record()), mode(ground.lock())), (0o600, 0o600));

    let text = fs::read_to_string(ground.record()).unwrap();
    let text = text.replace("consensus/1", "consensus/1.4");
    let text = text.replacen('{', "{ \"colour\": [1, 2.50],", 1);
    fs::write(ground.record(), text).unwrap();
    fs::set_permissions(ground.record(), fs::Permissions::from_mode(0o644)).unwrap();
    let seen = store.load().await.unwrap();
    let token = first.token.unwrap();
    stored(store.save(&released(token), &seen.version).await);
    let text = fs::read_to_string(ground.record()).unwrap();
    assert!(
        text.contains("\"colour\": [1, 2.50]") && text.contains("consensus/1.4"),
        "{text}"
    );
    assert_eq!(mode(ground.record()), 0o644);
}
