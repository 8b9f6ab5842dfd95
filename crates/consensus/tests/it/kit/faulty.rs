//! The wrapper that disturbs a store does what it is told, and counts it.

use consensus::kit::{Call, Fault, Faults, Faulty};
use consensus::memory::MemoryStore;
use consensus::store::{Record, Saved, Store};
use consensus::{Error, ErrorKind, WorkScope};
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

const LATE: Duration = Duration::from_millis(20);

fn record() -> Record {
    Record {
        holder: Some("a".into()),
        address: None,
        nonce: None,
        lease_duration: Duration::from_secs(15),
        token: None,
        work: WorkScope::Process,
        acquired_ms: 0,
        renewed_ms: 0,
    }
}

fn is_stored(store: &MemoryStore) -> bool {
    store.peek(|record| record.is_some())
}

async fn save(store: &mut Faulty<MemoryStore>) -> Result<Saved<u64>, Error> {
    store.save(&record(), &0).await
}

fn disturbed(fault: Fault) -> (MemoryStore, Faults, Faulty<MemoryStore>) {
    let (store, faults) = (MemoryStore::new(), Faults::new());
    faults.next(Call::Save, fault);
    let handle = Faulty::new(store.clone(), &faults);
    (store, faults, handle)
}

#[tokio::test]
async fn a_refused_call_is_not_carried_out() {
    let (store, faults, mut handle) = disturbed(Fault::Refuse(ErrorKind::Denied));
    let refused = save(&mut handle).await.expect_err("it is to be refused");
    assert_eq!(refused.kind(), ErrorKind::Denied);
    assert!(!is_stored(&store));
    assert_eq!(faults.injected().refused, 1);
    assert!(
        save(&mut handle).await.is_ok(),
        "the next one is not disturbed"
    );
}

#[tokio::test]
async fn a_call_whose_answer_is_lost_is_carried_out() {
    let (store, faults, mut handle) = disturbed(Fault::LoseAnswer);
    let lost = save(&mut handle)
        .await
        .expect_err("its answer is to be lost");
    assert_eq!(lost.kind(), ErrorKind::Unavailable);
    assert!(is_stored(&store));
    assert_eq!(faults.injected().lost, 1);
}

#[test]
fn a_call_that_hangs_is_carried_out_or_not_as_told() {
    for (fault, carried_out) in [(Fault::HangBefore, false), (Fault::HangAfter, true)] {
        let (store, faults, mut handle) = disturbed(fault);
        {
            let mut call = pin!(save(&mut handle));
            let answer = call.as_mut().poll(&mut Context::from_waker(Waker::noop()));
            assert!(answer.is_pending(), "{fault:?}: {answer:?}");
        }
        assert_eq!(is_stored(&store), carried_out, "{fault:?}");
        assert_eq!(faults.injected().hung, 1, "{fault:?}");
    }
}

#[tokio::test]
async fn a_call_is_late_before_or_after_it_is_carried_out() {
    for (fault, at_once) in [
        (Fault::Delay(LATE), false),
        (Fault::DelayAnswer(LATE), true),
    ] {
        let (store, faults, mut handle) = disturbed(fault);
        let mut call = pin!(save(&mut handle));
        let answer = call.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        assert!(answer.is_pending(), "{fault:?}: {answer:?}");
        assert_eq!(is_stored(&store), at_once, "{fault:?}");
        let answer = call.await;
        assert!(
            matches!(answer, Ok(Saved::Stored { .. })),
            "{fault:?}: {answer:?}"
        );
        assert_eq!(faults.injected().delayed, 1, "{fault:?}");
    }
}

#[tokio::test]
async fn faults_are_switched_at_run_time_for_all_handles() {
    let (store, faults) = (MemoryStore::new(), Faults::new());
    let mut handles = [(); 2].map(|()| Faulty::new(store.clone(), &faults));
    faults.always(Call::Load, Fault::Refuse(ErrorKind::Unavailable));
    faults.next(Call::Load, Fault::LoseAnswer);
    for handle in &mut handles {
        assert!(handle.load().await.is_err());
        assert!(save(handle).await.is_ok(), "only loads are disturbed");
    }
    assert_eq!((faults.injected().lost, faults.injected().refused), (1, 1));
    faults.clear();
    for handle in &mut handles {
        assert!(handle.load().await.is_ok());
    }
    assert_eq!(faults.injected().hung + faults.injected().delayed, 0);
}

#[test]
fn the_watch_is_not_disturbed() {
    let (store, faults) = (MemoryStore::new(), Faults::new());
    faults.always(Call::Load, Fault::HangBefore);
    let mut handle = Faulty::new(store.clone(), &faults);
    let mut watch = pin!(handle.changed(Some(&0)));
    let mut poll = || watch.as_mut().poll(&mut Context::from_waker(Waker::noop()));
    assert!(poll().is_pending());
    store.delete();
    assert_eq!(poll(), Poll::Ready(()));
}
