//! A store that does to any other what networks do: it is late, refuses, loses answers and hangs.
//!
//! Which call it does what to is decided at run time, through a [`Faults`] that the test keeps.

use super::trial::pause;
use crate::store::{Record, Saved, Snapshot, Store};
use crate::{Error, ErrorKind};
use std::collections::VecDeque;
use std::future::pending;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// A store behind a network that the test disturbs.
///
/// Without faults it does what the store does that it wraps. The watch and [`Store::let_go`] are
/// never disturbed: both are hints.
///
/// ```
/// use consensus::kit::{Call, Fault, Faults, Faulty};
/// use consensus::memory::MemoryStore;
/// use consensus::store::RecordBackend;
/// use consensus::{Config, Manager};
/// use std::time::Duration;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), consensus::Error> {
/// let faults = Faults::new();
/// let store = Faulty::new(MemoryStore::new(), &faults);
/// let config = Config::new("a").lease_duration(Duration::from_secs(2));
/// let manager = Manager::new(RecordBackend::over(store), config)?;
///
/// // The first acquisition is stored, but its answer is lost.
/// faults.next(Call::Save, Fault::LoseAnswer);
/// let term = manager.start().wait_for_leadership().await?;
/// assert_eq!(term.token().get(), 2, "it was found, and taken anew");
/// assert_eq!(faults.injected().lost, 1);
///
/// // From now on nothing arrives any more, and the term ends at its deadline.
/// faults.always(Call::Load, Fault::HangBefore);
/// faults.always(Call::Save, Fault::HangBefore);
/// term.ended().await;
/// assert!(!term.is_current());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Faulty<S> {
    store: S,
    faults: Faults,
}

impl<S> Faulty<S> {
    /// That store, disturbed by these faults. Many handles may share one [`Faults`].
    pub fn new(store: S, faults: &Faults) -> Self {
        Self {
            store,
            faults: faults.clone(),
        }
    }
}

/// What a fault happens to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Call {
    /// [`Store::load`].
    Load,
    /// [`Store::save`].
    Save,
}

/// What happens to a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Fault {
    /// It arrives this much later. If its future is dropped before that, it never does.
    Delay(Duration),
    /// It is carried out at once, and answered this much later.
    DelayAnswer(Duration),
    /// It is not carried out, and answered by an error of this kind.
    Refuse(ErrorKind),
    /// It is carried out, and answered by an error all the same.
    LoseAnswer,
    /// It is not carried out, and never answered.
    HangBefore,
    /// It is carried out, and never answered.
    HangAfter,
}

/// How often each fault was injected.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Injected {
    /// Calls or answers that were late.
    pub delayed: u64,
    /// Calls that were answered by an error and not carried out.
    pub refused: u64,
    /// Calls that were carried out, and answered by an error.
    pub lost: u64,
    /// Calls that were never answered.
    pub hung: u64,
}

/// Decides what happens to which call, at run time. Clones decide together.
#[derive(Clone, Debug, Default)]
pub struct Faults(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    load: Plan,
    save: Plan,
    injected: Injected,
}

#[derive(Debug, Default)]
struct Plan {
    next: VecDeque<Fault>,
    always: Option<Fault>,
}

impl Faults {
    /// No faults.
    pub fn new() -> Self {
        Self::default()
    }

    /// Lets this happen to the next such call. Asked again before that one comes: to the one after
    /// it.
    pub fn next(&self, call: Call, fault: Fault) {
        self.lock().plan(call).next.push_back(fault);
    }

    /// Lets this happen to every such call from now on, once those of [`next`](Faults::next) have
    /// had their turn.
    pub fn always(&self, call: Call, fault: Fault) {
        self.lock().plan(call).always = Some(fault);
    }

    /// Lets nothing happen any more. Calls that hang already go on hanging.
    pub fn clear(&self) {
        let mut state = self.lock();
        (state.load, state.save) = (Plan::default(), Plan::default());
    }

    /// How often each fault was injected so far.
    pub fn injected(&self) -> Injected {
        self.lock().injected
    }

    /// The fault for a call that begins now, counted.
    fn take(&self, call: Call) -> Option<Fault> {
        let mut state = self.lock();
        let plan = state.plan(call);
        let fault = plan.next.pop_front().or(plan.always)?;
        let injected = &mut state.injected;
        match fault {
            Fault::Delay(_) | Fault::DelayAnswer(_) => injected.delayed += 1,
            Fault::Refuse(_) => injected.refused += 1,
            Fault::LoseAnswer => injected.lost += 1,
            Fault::HangBefore | Fault::HangAfter => injected.hung += 1,
        }
        Some(fault)
    }

    async fn disturb<T>(
        &self,
        call: Call,
        carry_out: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Error> {
        match self.take(call) {
            None => carry_out.await,
            Some(Fault::Delay(time)) => {
                pause(time).await;
                carry_out.await
            }
            Some(Fault::DelayAnswer(time)) => {
                let answer = carry_out.await;
                pause(time).await;
                answer
            }
            Some(Fault::Refuse(kind)) => Err(Error::new(kind, "the test refuses this call")),
            Some(Fault::LoseAnswer) => {
                carry_out.await?;
                Err(Error::new(
                    ErrorKind::Unavailable,
                    "the test loses the answer to this call",
                ))
            }
            Some(Fault::HangBefore) => pending().await,
            Some(Fault::HangAfter) => {
                carry_out.await?;
                pending().await
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn plan(&mut self, call: Call) -> &mut Plan {
        match call {
            Call::Load => &mut self.load,
            Call::Save => &mut self.save,
        }
    }
}

impl<S: Store> Store for Faulty<S> {
    type Version = S::Version;

    async fn load(&mut self) -> Result<Snapshot<S::Version>, Error> {
        self.faults.disturb(Call::Load, self.store.load()).await
    }

    async fn save(
        &mut self,
        record: &Record,
        if_version: &S::Version,
    ) -> Result<Saved<S::Version>, Error> {
        let carry_out = self.store.save(record, if_version);
        self.faults.disturb(Call::Save, carry_out).await
    }

    async fn changed(&mut self, seen: Option<&S::Version>) {
        self.store.changed(seen).await;
    }

    async fn let_go(&mut self) {
        self.store.let_go().await;
    }
}
