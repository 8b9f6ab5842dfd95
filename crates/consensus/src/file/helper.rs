//! File calls happen on another thread, one at a time for each store.
//!
//! A call that nobody waits for any more goes on, because nothing can take it back; the next one waits
//! for it. So what the calls work on moves to the helper thread and comes back from there.

use crate::{Error, ErrorKind, host};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::task::{JoinHandle, spawn_blocking};

/// The first wait of some that double.
const FIRST_WAIT: Duration = Duration::from_micros(50);

/// No wait is longer, so that no change is noticed much later than it happens.
const LONGEST_WAIT: Duration = Duration::from_millis(10);

/// What file calls work on, here or on the thread that has a call outstanding.
#[derive(Debug)]
pub(super) struct Helper<S> {
    here: Option<S>,
    away: Option<JoinHandle<S>>,
}

impl<S: Send + 'static> Helper<S> {
    pub(super) fn new(state: S) -> Self {
        Self {
            here: Some(state),
            away: None,
        }
    }

    /// Calls on another thread, after the call before has returned.
    ///
    /// # Errors
    /// [`Unavailable`](ErrorKind::Unavailable) if the call panicked, or its runtime was shut down.
    pub(super) async fn call<R: Send + 'static>(
        &mut self,
        call: impl FnOnce(&mut S) -> Result<R, Error> + Send + 'static,
    ) -> Result<R, Error> {
        self.wait().await;
        let mut state = self.here.take().ok_or_else(gone)?;
        let (tell, told) = oneshot::channel();
        self.away = Some(spawn_blocking(move || {
            // What a panic would drop might be the proof that the work is alive.
            let outcome = catch_unwind(AssertUnwindSafe(|| call(&mut state)));
            // Nobody listens if the future was dropped.
            let _ = tell.send(outcome.unwrap_or_else(|_| Err(panicked())));
            state
        }));
        self.wait().await;
        told.await.unwrap_or_else(|_| Err(gone()))
    }

    /// What the calls work on, unless one is outstanding.
    pub(super) fn here(&mut self) -> Option<&mut S> {
        self.here.as_mut()
    }

    async fn wait(&mut self) {
        if let Some(away) = &mut self.away {
            self.here = away.await.ok();
            self.away = None;
        }
    }
}

fn panicked() -> Error {
    let message = "a file call of the election panicked: a mistake in the file store";
    Error::new(ErrorKind::Unavailable, message)
}

fn gone() -> Error {
    let message = "the runtime of the election's file calls was shut down";
    Error::new(ErrorKind::Unavailable, message)
}

/// Waits that double, up to a sum. Counted, not measured: no clock decides.
#[derive(Debug)]
pub(super) struct Waits {
    next: Duration,
    left: Duration,
}

impl Waits {
    pub(super) fn up_to(sum: Duration) -> Self {
        Self {
            next: FIRST_WAIT,
            left: sum,
        }
    }

    /// Waits a little on this helper thread, or says that it is enough.
    #[must_use]
    pub(super) fn wait(&mut self) -> bool {
        let wait = self.next.min(self.left);
        if wait.is_zero() {
            return false;
        }
        // What it waits for tells nobody when it happens.
        host::pause(wait);
        self.left -= wait;
        self.next = (self.next * 2).min(LONGEST_WAIT);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::{Helper, Waits};
    use std::sync::mpsc;
    use std::time::Duration;

    #[tokio::test]
    async fn a_call_that_nobody_waits_for_is_waited_for_by_the_next() {
        let mut helper = Helper::new(0_u32);
        let (go_on, held_up) = mpsc::channel();
        let stuck = helper.call(move |state| {
            held_up.recv().unwrap();
            *state += 1;
            Ok(())
        });
        assert!(
            tokio::time::timeout(Duration::from_millis(20), stuck)
                .await
                .is_err()
        );
        assert!(helper.here().is_none());
        let next = helper.call(|state| Ok(*state));
        let (state, ()) = tokio::join!(next, async { go_on.send(()).unwrap() });
        assert_eq!(state.unwrap(), 1);
    }

    #[tokio::test]
    async fn a_panic_is_an_error_and_loses_nothing() {
        let mut helper = Helper::new(7_u32);
        let outcome: Result<(), _> = helper.call(|_| panic!("on purpose")).await;
        assert!(outcome.is_err());
        assert_eq!(helper.here(), Some(&mut 7));
    }

    #[test]
    fn waits_double_up_to_their_sum() {
        let mut waits = Waits::up_to(Duration::from_micros(400));
        let count = std::iter::from_fn(|| waits.wait().then_some(())).count();
        // 50, 100, 200, and what is left of 400.
        assert_eq!(count, 4);
        assert!(!waits.wait());
    }
}
