//! Where a case runs: how to open handles on one record, and what only a stranger does to it.
//!
//! A [`Place`] is all that a case knows of the store under test. [`run`] gives it a runtime and a
//! time limit. Read `trial.rs` next: the few steps of which all cases are made.

use super::trial::within;
use crate::store::Store;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::Builder;

/// How long a case may take before it is said to hang.
const LIMIT: Duration = Duration::from_secs(60);

/// A place that holds one record of the store under test, and what may be done there. Clones are the
/// same place.
///
/// Its methods say what each of them does to the place that it is given, by name;
/// [`conformance!`](crate::conformance) calls them.
pub struct Place<S: Store>(Arc<Inner<S>>);

struct Inner<S: Store> {
    name: String,
    open: Box<dyn Fn(&str) -> S + Send + Sync>,
    deletion: Option<Box<dyn Hook<()>>>,
    foreign: Option<Box<dyn Hook<()>>>,
    formats: Option<Box<dyn Hook<()>>>,
    fields: Option<Fields>,
    proof: Option<Box<dyn Fn(S) + Send + Sync>>,
}

struct Fields {
    annotate: Box<dyn Hook<()>>,
    annotated: Box<dyn Hook<bool>>,
}

/// The object-safe twin of an async closure.
trait Hook<T>: Send + Sync {
    fn call<'a>(&'a self, place: &'a str) -> Pin<Box<dyn Future<Output = T> + 'a>>;
}

impl<T, F: AsyncFn(&str) -> T + Send + Sync> Hook<T> for F {
    fn call<'a>(&'a self, place: &'a str) -> Pin<Box<dyn Future<Output = T> + 'a>> {
        Box::pin(self(place))
    }
}

impl<S: Store> Place<S> {
    /// The place of this name, and how to open one more handle on its record.
    pub fn new(name: &str, open: impl Fn(&str) -> S + Send + Sync + 'static) -> Self {
        Self(Arc::new(Inner {
            name: name.to_owned(),
            open: Box::new(open),
            deletion: None,
            foreign: None,
            formats: None,
            fields: None,
            proof: None,
        }))
    }

    /// How to delete the record.
    #[must_use]
    pub fn deletion(self, delete: impl AsyncFn(&str) + Send + Sync + 'static) -> Self {
        self.with(|inner| inner.deletion = Some(Box::new(delete)))
    }

    /// How to put something in the record's place that is not a record.
    #[must_use]
    pub fn foreign(self, garble: impl AsyncFn(&str) + Send + Sync + 'static) -> Self {
        self.with(|inner| inner.foreign = Some(Box::new(garble)))
    }

    /// How to put a record of a newer major format in the record's place.
    #[must_use]
    pub fn formats(self, outdate: impl AsyncFn(&str) + Send + Sync + 'static) -> Self {
        self.with(|inner| inner.formats = Some(Box::new(outdate)))
    }

    /// How to give the record a field that is unknown to us, and to tell whether it has it.
    #[must_use]
    pub fn fields(
        self,
        annotate: impl AsyncFn(&str) + Send + Sync + 'static,
        annotated: impl AsyncFn(&str) -> bool + Send + Sync + 'static,
    ) -> Self {
        let (annotate, annotated) = (Box::new(annotate), Box::new(annotated));
        self.with(|inner| {
            inner.fields = Some(Fields {
                annotate,
                annotated,
            });
        })
    }

    /// How to end a holder as its death would, without a release.
    #[must_use]
    pub fn proof(self, end: impl Fn(S) + Send + Sync + 'static) -> Self {
        self.with(|inner| inner.proof = Some(Box::new(end)))
    }

    /// Opens one more handle on the record.
    pub(super) fn open(&self) -> S {
        (self.0.open)(&self.0.name)
    }

    pub(super) async fn delete(&self) {
        self.done(self.0.deletion.as_deref(), "deletion").await;
    }

    pub(super) async fn garble(&self) {
        self.done(self.0.foreign.as_deref(), "foreign").await;
    }

    pub(super) async fn outdate(&self) {
        self.done(self.0.formats.as_deref(), "formats").await;
    }

    pub(super) async fn annotate(&self) {
        let annotate = self.0.fields.as_ref().map(|fields| &*fields.annotate);
        self.done(annotate, "fields").await;
    }

    pub(super) async fn is_annotated(&self) -> bool {
        let annotated = self.0.fields.as_ref().map(|fields| &*fields.annotated);
        self.done(annotated, "fields").await
    }

    pub(super) fn end(&self, holder: S) {
        let end = self.0.proof.as_ref();
        end.expect("this case needs `proof:`, which the store's author did not hand in")(holder);
    }

    async fn done<T>(&self, hook: Option<&dyn Hook<T>>, name: &str) -> T {
        let Some(hook) = hook else {
            panic!("this case needs `{name}:`, which the store's author did not hand in");
        };
        hook.call(&self.0.name).await
    }

    fn with(mut self, set: impl FnOnce(&mut Inner<S>)) -> Self {
        let inner = Arc::get_mut(&mut self.0);
        set(inner.expect("a place is described before it is shared"));
        self
    }
}

impl<S: Store> Clone for Place<S> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<S: Store> fmt::Debug for Place<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Place").field(&self.0.name).finish()
    }
}

/// A case of the conformance suite, as data.
pub struct Case<S: Store> {
    name: &'static str,
    needs: &'static [&'static str],
    run: fn(Place<S>, Duration),
}

impl<S: Store> Case<S> {
    /// What the case claims of the store.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// What the store must be able to do, as [`conformance!`](crate::conformance) calls it.
    pub fn needs(&self) -> &'static [&'static str] {
        self.needs
    }

    /// Runs the case at a place of its own.
    ///
    /// # Panics
    /// If the store breaks the promise: the message is the sentence of the contract that it broke. Or
    /// if it takes longer than the limit.
    pub fn run(&self, place: Place<S>, limit: Duration) {
        (self.run)(place, limit);
    }
}

impl<S: Store> fmt::Debug for Case<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Case").field(&self.name).finish()
    }
}

/// All cases, for a test harness of one's own. Others use [`conformance!`](crate::conformance).
pub fn cases<S: Store>() -> Vec<Case<S>> {
    macro_rules! as_data {
        ($($case:ident [$($needs:ident)*];)*) => {
            vec![$(Case {
                name: stringify!($case),
                needs: &[$(stringify!($needs)),*],
                run: |place, limit| run_within(limit, place, super::suite::$case),
            }),*]
        };
    }
    crate::__conformance_cases! { { as_data } }
}

/// Runs one case at its place.
pub fn run<S: Store, F: Future<Output = ()>>(place: Place<S>, case: impl FnOnce(Place<S>) -> F) {
    run_within(LIMIT, place, case);
}

fn run_within<S: Store, F: Future<Output = ()>>(
    limit: Duration,
    place: Place<S>,
    case: impl FnOnce(Place<S>) -> F,
) {
    let name = place.0.name.clone();
    let runtime = Builder::new_current_thread().enable_all().build();
    let runtime = runtime.expect("a case needs a runtime, which the system refuses");
    let outcome = runtime.block_on(within(limit, case(place)));
    // A call that hangs on another thread must not hang the end of the case as well.
    runtime.shutdown_background();
    assert!(outcome.is_some(), "{name} hangs: not over after {limit:?}");
}
