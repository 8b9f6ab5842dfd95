//! The two verbs of a store, and its watch, over one Lease.
//!
//! Decides what a decision may be made on: an answer to a read, the answer to one's own write, or,
//! after a hint or a write without success, what the watch told since. Every write names the version
//! that it was decided on (promise 3), so an older look costs a conflict and never a leader. Read
//! `lease.rs` next: what a Lease says.

use crate::answer::{Outcome, Place};
use crate::api::Api;
use crate::cluster::Cluster;
use crate::events::{Events, Happened};
use crate::lease;
use crate::news::{Latest, News, State};
use crate::version::LeaseVersion;
use crate::watch::Watch;
use consensus::store::{Record, RecordBackend, Saved, Snapshot, Store, Tokens};
use consensus::{Error, ErrorKind};
use serde_json::Value;
use std::future::pending;
use std::mem;
use std::time::Duration;
use tokio::time::timeout;

/// How long the first load waits for the watch to be there: longer than an API server takes that is
/// not in trouble.
const UNTIL_WATCHED: Duration = Duration::from_millis(500);

/// The part of the lease in which the watch has to tell who won, before who lost reads it, and the longest
/// that this may be: a request's time does not grow with the lease.
const TOLD_WITHIN: u32 = 30;
const TOLD_WITHIN_AT_MOST: Duration = Duration::from_millis(500);

/// The longest name of a Lease, and of a namespace, that an API server accepts.
const LONGEST_NAME: usize = 253;

/// A shorter lease is warned of: a request over a network, with TLS, would have less than 0.75 s.
const SHORTEST_LEASE: Duration = Duration::from_secs(5);

/// One `coordination.k8s.io/v1` Lease. The crate's front page says what it promises.
///
/// Its futures are to be polled in the context of one tokio runtime.
#[derive(Debug)]
pub struct KubernetesStore {
    api: Api,
    role: Role,
    /// As it is created, where there is none.
    new: Value,
    events: Events,
    watch: Option<Watch>,
    /// Whether it was said that the lease is short for a network.
    has_warned: bool,
    /// Whether a load has waited for the watch, once for all.
    has_waited: bool,
    /// What the next load may go by.
    next: Next,
    /// What the last load could go by.
    last: Next,
    /// As the watch stood at the last load.
    mark: Mark,
}

/// Elections among pods, or whatever else reaches the cluster.
pub type KubernetesBackend = RecordBackend<KubernetesStore>;

/// What a store is used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    Candidate,
    /// Somebody who only wants to know who leads.
    Onlooker,
}

/// What a load may go by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Next {
    /// Only a read: what the watch told may be older than somebody's write.
    #[default]
    Read,
    /// What the watch told, if that is newer than all that was seen.
    Told,
    /// The same, and the watch has this long to tell it: many lose to one, and would all read at once.
    ToldWithin(Duration),
}

/// Where the watch stood.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Mark {
    is_live: bool,
    gaps: u64,
    changes: u64,
    /// The last revision that was seen.
    revision: u64,
}

impl KubernetesStore {
    /// The Lease of this name in this namespace. If it is not there, the first leader creates it;
    /// nobody ever creates a namespace.
    ///
    /// Nothing is asked yet: what is wrong with the cluster or our rights is said by each load and
    /// save.
    ///
    /// # Errors
    /// [`Invalid`](ErrorKind::Invalid) if one of the names can be none.
    pub fn new(
        cluster: &Cluster,
        namespace: impl Into<String>,
        name: impl Into<String>,
    ) -> Result<Self, Error> {
        Self::for_role(cluster, namespace.into(), name.into(), Role::Candidate)
    }

    /// The same for somebody who only wants to know who leads: the right to get is enough. It does not
    /// watch, and refuses to save.
    ///
    /// # Errors
    /// [`Invalid`](ErrorKind::Invalid) if one of the names can be none.
    pub fn onlooker(
        cluster: &Cluster,
        namespace: impl Into<String>,
        name: impl Into<String>,
    ) -> Result<Self, Error> {
        Self::for_role(cluster, namespace.into(), name.into(), Role::Onlooker)
    }

    fn for_role(
        cluster: &Cluster,
        namespace: String,
        name: String,
        role: Role,
    ) -> Result<Self, Error> {
        check("a namespace", &namespace)?;
        check("a Lease", &name)?;
        Ok(Self {
            new: lease::new(&namespace, &name),
            api: Api::new(cluster.clone(), Place { namespace, name }),
            role,
            events: Events::default(),
            watch: None,
            has_warned: false,
            has_waited: false,
            next: Next::Read,
            last: Next::Read,
            mark: Mark::default(),
        })
    }

    /// A label that the Lease gets if this candidate creates it. One that is there is left as it is.
    #[must_use]
    pub fn label(mut self, name: &str, value: &str) -> Self {
        self.new["metadata"]["labels"][name] = value.into();
        self
    }

    /// The object that a Lease which this candidate creates belongs to: it is deleted with it. As an
    /// `ownerReference` has it: apiVersion, kind, name and uid, of an object in the same namespace.
    #[must_use]
    pub fn owner(mut self, api_version: &str, kind: &str, name: &str, uid: &str) -> Self {
        self.new["metadata"]["ownerReferences"] = serde_json::json!([
            { "apiVersion": api_version, "kind": kind, "name": name, "uid": uid }
        ]);
        self
    }

    /// The election over this Lease.
    pub fn into_backend(self) -> KubernetesBackend {
        RecordBackend::over(self)
    }

    /// The Lease that the watch told of, if that is newer than all that was seen, once it did or this
    /// time is over.
    async fn told(&mut self, within: Duration) -> Option<LeaseVersion> {
        let watch = self.watch.as_mut()?;
        let seen = self.mark.revision;
        let is_over = |news: &News| news.state != State::Live || news.revision() > seen;
        // Whether it did is read below.
        let _ = timeout(within, watch.news.wait_for(is_over)).await;
        let news = watch.news.borrow();
        match &news.latest {
            Some(Latest::Lease(version)) if news.state == State::Live => {
                version.revision().filter(|told| *told > seen)?;
                Some(version.clone())
            }
            Some(Latest::Lease(_) | Latest::Gone(_)) | None => None,
        }
    }

    /// Begins to watch, if that was not done yet, and waits a moment for it: what happens after the
    /// load that follows should be told.
    async fn watched(&mut self) -> Mark {
        if self.role == Role::Onlooker {
            return Mark::default();
        }
        let watch = self
            .watch
            .get_or_insert_with(|| Watch::begin(self.api.clone()));
        if !mem::replace(&mut self.has_waited, true) {
            let known = watch.news.wait_for(|news| news.state != State::Opening);
            // Whether it is or not is read below.
            let _ = timeout(UNTIL_WATCHED, known).await;
        }
        let news = watch.news.borrow();
        Mark {
            is_live: news.state == State::Live,
            gaps: news.gaps,
            changes: news.changes,
            revision: self.mark.revision,
        }
    }

    /// What a Lease means, wherever it was seen.
    fn snapshot(&mut self, version: LeaseVersion) -> Result<Snapshot<LeaseVersion>, Error> {
        let record = match version.lease() {
            None => None,
            Some(lease) => lease::read(lease).map_err(|why| {
                Error::new(ErrorKind::Foreign, format!("{}: {why}", self.api.place))
            })?,
        };
        self.mark.revision = version.revision().unwrap_or(self.mark.revision);
        let mut snapshot = Snapshot::new(record, version);
        snapshot.tokens = Tokens::Revisions;
        snapshot.watched = self.mark.is_live;
        Ok(snapshot)
    }

    fn warn_of_short_lease(&mut self, lease: Duration) {
        if lease >= SHORTEST_LEASE || mem::replace(&mut self.has_warned, true) {
            return;
        }
        let place = &self.api.place;
        tracing::warn!(lease = %place, duration = ?lease, "this lease leaves less than 0.75 s for a \
            request, TLS included: a busy API server or network will cost terms");
    }

    /// Lets people know of the beginning and the end of a term.
    fn tell(&self, record: &Record, before: &LeaseVersion, after: &LeaseVersion) {
        let (who, what) = match &record.holder {
            // The token of a term that begins is this write's revision.
            Some(holder) if record.token.is_none() => (&**holder, Happened::BecameLeader),
            Some(_) => return,
            None => match before
                .lease()
                .and_then(|lease| lease["spec"]["holderIdentity"].as_str())
            {
                Some(holder) if !holder.is_empty() => (holder, Happened::StoppedLeading),
                Some(_) | None => return,
            },
        };
        self.events
            .send(&self.api, who, what, after, record.renewed_ms);
    }

    fn version(&self, lease: Value) -> Result<LeaseVersion, Error> {
        LeaseVersion::of(lease).ok_or_else(|| {
            let place = &self.api.place;
            let message = format!(
                "{place}: its resourceVersion is no number, so that no token can be made of it: is \
                 this a real API server?"
            );
            Error::new(ErrorKind::Unavailable, message)
        })
    }
}

impl Store for KubernetesStore {
    type Version = LeaseVersion;

    async fn load(&mut self) -> Result<Snapshot<LeaseVersion>, Error> {
        let next = mem::take(&mut self.next);
        self.mark = self.watched().await;
        self.last = next;
        let told = match next {
            Next::Read => None,
            Next::Told => self.told(Duration::ZERO).await,
            Next::ToldWithin(time) => self.told(time).await,
        };
        if let Some(told) = told {
            return self.snapshot(told);
        }
        let watch = self.watch.as_ref();
        let before = watch.map_or(0, |watch| watch.news.borrow().revision());
        let version = match self.api.get().await? {
            Outcome::Lease(lease) => self.version(lease)?,
            Outcome::Absent | Outcome::Conflict => LeaseVersion::ABSENT,
        };
        // Less than it told before: the server was put back to a backup. All is to be told anew.
        if version.revision().is_some_and(|read| read < before) {
            self.watch = None;
            self.mark.is_live = false;
        }
        self.snapshot(version)
    }

    async fn save(
        &mut self,
        record: &Record,
        if_version: &LeaseVersion,
    ) -> Result<Saved<LeaseVersion>, Error> {
        if self.role == Role::Onlooker {
            let message =
                "a store for onlookers does not save: make one with `KubernetesStore::new`";
            return Err(Error::new(ErrorKind::Invalid, message));
        }
        self.warn_of_short_lease(record.lease_duration);
        // Of a write that is refused, dropped or never answered, the watch may tell more.
        self.next = match if_version.lease() {
            Some(_) => Next::Told,
            None => Next::Read,
        };
        let place = &self.api.place;
        let (sent, outcome) = if let Some(before) = if_version.lease() {
            let sent = lease::write(record, before);
            let outcome = self.api.update(&sent).await?;
            (sent, outcome)
        } else {
            let sent = lease::write(record, &self.new);
            let outcome = self.api.create(&sent).await?;
            (sent, outcome)
        };
        let answer = match outcome {
            Outcome::Lease(answer) => answer,
            // Also if it was our own request, carried out before by a way that sent it twice: the
            // protocol looks, and knows its nonce (promise 6).
            Outcome::Conflict | Outcome::Absent => {
                // A leader is alone, and its time is short. And what was told may be old each time.
                let begins = record.holder.is_some() && record.token.is_none();
                let is_again = matches!(self.last, Next::ToldWithin(_));
                let part = record.lease_duration / TOLD_WITHIN;
                self.next = if self.next == Next::Told && begins && !is_again {
                    Next::ToldWithin(part.min(TOLD_WITHIN_AT_MOST))
                } else {
                    Next::Read
                };
                return Ok(Saved::Conflict);
            }
        };
        if let Some(field) = lease::changed(&sent, &answer) {
            let message = format!(
                "{place}: a webhook or policy of the cluster changed {field} of what we wrote; no \
                 election can be held like that: exempt this Lease from it"
            );
            return Err(Error::new(ErrorKind::Invalid, message));
        }
        let version = self.version(answer)?;
        self.next = Next::Read;
        let revision = version.revision();
        self.tell(record, if_version, &version);
        self.mark.revision = self.mark.revision.max(revision.unwrap_or_default());
        Ok(Saved::Stored { version, revision })
    }

    async fn changed(&mut self, seen: Option<&LeaseVersion>) {
        let Some(watch) = self.watch.as_mut().filter(|_| self.mark.is_live) else {
            return pending().await;
        };
        let mark = self.mark;
        let told = watch.news.wait_for(|news| is_news(news, mark, seen)).await;
        if told.map(drop).is_err() {
            // Only if the runtime shuts down.
            return pending().await;
        }
        // Of a Lease that was there before: what was told of one that is gone or new is looked at
        // again, since a read may have seen more.
        if seen.is_some_and(|seen| seen.lease().is_some()) {
            self.next = Next::Told;
        }
    }
}

/// Whether it is worth looking again.
fn is_news(news: &News, mark: Mark, seen: Option<&LeaseVersion>) -> bool {
    if news.state != State::Live || news.gaps != mark.gaps {
        return true;
    }
    let Some(seen) = seen else {
        return news.changes != mark.changes;
    };
    match (&news.latest, seen.revision()) {
        (None, _) | (Some(Latest::Gone(_)), None) => false,
        (Some(Latest::Lease(_)), None) => news.changes != mark.changes,
        (Some(Latest::Lease(now)), Some(seen)) => now.revision().is_some_and(|now| now > seen),
        (Some(Latest::Gone(at)), Some(seen)) => *at > seen,
    }
}

/// Names are parts of a request's path: only what can be one goes there.
fn check(what: &str, name: &str) -> Result<(), Error> {
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '.');
    let is_good = (1..=LONGEST_NAME).contains(&name.len())
        && name.chars().all(fits)
        && !name.starts_with(['-', '.'])
        && !name.ends_with(['-', '.']);
    if is_good {
        return Ok(());
    }
    let message = format!(
        "{name:?} cannot be the name of {what}: lower case letters, digits, `-` and `.`, beginning \
         and ending with a letter or digit"
    );
    Err(Error::new(ErrorKind::Invalid, message))
}
