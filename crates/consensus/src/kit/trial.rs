//! The few steps of which all cases are made, and the world that the protocol's cases run in.
//!
//! `Err` from a save is read back here, as the contract allows it, so that one broken sentence of the
//! contract fails the case of that sentence and no other.

use super::Place;
use crate::backend::WorkScope;
use crate::store::{Nonce, Record, Saved, Snapshot, Store};
use crate::world::{Instant, World};
use crate::{Error, Token};
use std::future::{Future, pending, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::Poll;
use std::thread;
use std::time::Duration;
use tokio::runtime::Builder;
use tokio::sync::oneshot;

/// The wall clock of every record here, far from now: in the year 2100, a whole second.
pub(super) const WALL_MS: u64 = 4_102_444_800_000;

/// How long nothing must happen before it is said that nothing happens.
pub(super) const QUIET: Duration = Duration::from_millis(50);

/// Waits for an answer, for so long. `None`: there was none. Nothing else here waits in real time.
pub(super) async fn within<T>(limit: Duration, what: impl Future<Output = T>) -> Option<T> {
    tokio::time::timeout(limit, what).await.ok()
}

pub(super) async fn pause(time: Duration) {
    within(time, pending::<()>()).await;
}

/// Polls a future once. `None`: it is not ready.
pub(super) async fn polled<T>(mut future: Pin<&mut impl Future<Output = T>>) -> Option<T> {
    poll_fn(|cx| match future.as_mut().poll(cx) {
        Poll::Ready(answer) => Poll::Ready(Some(answer)),
        Poll::Pending => Poll::Ready(None),
    })
    .await
}

/// Polls a call this often, with some time in between, and drops it.
pub(super) async fn cut_short<T>(polls: u32, call: impl Future<Output = T>) {
    let mut call = pin!(call);
    for _ in 0..polls {
        if polled(call.as_mut()).await.is_some() {
            return;
        }
        pause(Duration::from_millis(1)).await;
    }
}

/// A record that `holder` might write. The number tells it from others of that holder, in nonce,
/// token and times. Only what the case is about should be out of the ordinary, so the rest is plain,
/// and as the protocol would write it: who takes over has a higher number, and so a higher token.
pub(super) fn record(holder: &str, number: u64) -> Record {
    Record {
        holder: Some(holder.into()),
        address: None,
        nonce: Some(nonce(holder, number)),
        lease_duration: Duration::from_secs(15),
        token: Some(Token::new(1 + number)),
        work: WorkScope::Process,
        acquired_ms: WALL_MS,
        renewed_ms: WALL_MS + 1000 * number,
    }
}

/// The same, released.
pub(super) fn released(holder: &str, number: u64) -> Record {
    Record {
        holder: None,
        ..record(holder, number)
    }
}

/// Another one for every holder and number.
fn nonce(holder: &str, number: u64) -> Nonce {
    let bits = holder.bytes().fold(number, |bits, byte| {
        bits.wrapping_mul(257).wrapping_add(u64::from(byte))
    });
    Nonce::from_bits(u128::from(bits))
}

pub(super) async fn load<S: Store>(store: &mut S) -> Snapshot<S::Version> {
    let loaded = store.load().await;
    loaded.expect("a store that nobody disturbs answers a load")
}

/// The nonce of what the store holds, by which a write is known again.
pub(super) async fn held<S: Store>(store: &mut S) -> Option<Nonce> {
    load(store).await.record.and_then(|record| record.nonce)
}

/// Saves, and reads back if the outcome is unknown. `None`: it was not stored.
pub(super) async fn save<S: Store>(
    store: &mut S,
    record: &Record,
    on: &S::Version,
) -> Option<S::Version> {
    let answer = store.save(record, on).await;
    resolve(store, record, answer).await
}

/// Saves on what the store holds now, which nobody else changes.
pub(super) async fn put<S: Store>(store: &mut S, record: &Record) -> S::Version {
    let seen = load(store).await;
    let answer = store.save(record, &seen.version).await;
    let words = format!("{answer:?}");
    let stored = resolve(store, record, answer).await;
    stored.unwrap_or_else(|| {
        panic!(
            "Atomicity: \"stores the whole record if … the store still holds exactly \
             `if_version`\"; a save on the loaded version was not stored, but answered by {words}"
        )
    })
}

async fn resolve<S: Store>(
    store: &mut S,
    record: &Record,
    answer: Result<Saved<S::Version>, Error>,
) -> Option<S::Version> {
    match answer {
        Ok(Saved::Stored { version, .. }) => Some(version),
        Ok(Saved::Conflict) => None,
        Err(_) => {
            let seen = load(store).await;
            let stored = seen.record.is_some_and(|found| found.nonce == record.nonce);
            stored.then_some(seen.version)
        }
    }
}

/// Does something on a thread of its own, with a runtime and a handle of its own.
pub(super) fn elsewhere<S, T, F, W>(
    place: &Place<S>,
    work: W,
) -> impl Future<Output = T> + use<S, T, F, W>
where
    S: Store,
    T: Send + 'static,
    F: Future<Output = T>,
    W: FnOnce(S) -> F + Send + 'static,
{
    let place = place.clone();
    let (tell, told) = oneshot::channel();
    let thread = thread::spawn(move || {
        let runtime = Builder::new_current_thread().enable_all().build();
        let runtime = runtime.expect("a thread needs a runtime, which the system refuses");
        let outcome = runtime.block_on(async { work(place.open()).await });
        runtime.shutdown_background();
        // If the case is over by now, nobody wants to know.
        let _ = tell.send(outcome);
    });
    async move {
        match told.await {
            Ok(outcome) => outcome,
            Err(_) => match thread.join() {
                Ok(()) => unreachable!("the thread tells before it ends"),
                Err(panic) => std::panic::resume_unwind(panic),
            },
        }
    }
}

/// A clock that stands still until it is told otherwise, and plain nonces: nothing here takes time.
#[derive(Clone, Debug, Default)]
pub(super) struct Paper {
    now: Arc<AtomicU64>,
    nonces: Arc<AtomicU64>,
}

impl Paper {
    pub(super) fn pass(&self, time: Duration) {
        let nanos = u64::try_from(time.as_nanos()).expect("a lease is not centuries long");
        self.now.fetch_add(nanos, Ordering::SeqCst);
    }
}

impl World for Paper {
    fn now(&self) -> Instant {
        // No clock shows zero.
        Instant::from_nanos(1 + self.now.load(Ordering::SeqCst))
    }

    fn wall_ms(&self) -> u64 {
        // Another one for every write: records should not look alike where that is not the point.
        WALL_MS + 1000 * self.nonces.load(Ordering::SeqCst)
    }

    fn nonce(&self) -> Result<Nonce, Error> {
        let number = self.nonces.fetch_add(1, Ordering::SeqCst);
        Ok(nonce("nonce", number))
    }

    async fn sleep_until(&self, _: Instant) {
        // The protocol has no time limits of its own.
        pending::<()>().await;
    }
}
