//! News of one Lease, as long as the right to watch is granted.
//!
//! A task of the elections' thread holds one watch open and keeps what it told last. Owns when that
//! may be relied on: from the moment that the server said that it tells, until the first attempt to
//! go on fails. A connection that says nothing for much longer than the record lasts, where a leader
//! renews it, is taken for dead, and so is any that says nothing for longer than a server leaves
//! between its bookmarks. What is told is a hint: `store.rs` decides what it is good for.

use crate::answer::Verb;
use crate::api::Api;
use crate::version::{LeaseVersion, revision};
use crate::{lease, rights};
use consensus::Error;
use http_body_util::BodyExt as _;
use kube::client::Body;
use serde_json::Value;
use std::future::pending;
use std::hash::{BuildHasher as _, RandomState};
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::timeout;

/// How long a server may take to say that it tells.
const OPENING: Duration = Duration::from_secs(5);

/// Servers send a bookmark about every minute.
const LONGEST_SILENCE: Duration = Duration::from_secs(90);

/// A shorter lease does not make us ask more often than this whether somebody is still there.
const SHORTEST_SILENCE: Duration = Duration::from_secs(2);

/// The wait after a watch that ended or was refused, doubled each time.
const FIRST_WAIT: Duration = Duration::from_millis(50);
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// How long until a right that was missing is asked for again.
const UNTIL_GRANTED: Duration = Duration::from_secs(60);

/// What is known by the watch.
#[derive(Clone, Debug, Default)]
pub(crate) struct News {
    /// Whether every change from here on is told.
    pub(crate) state: State,
    /// How often it may be that something was missed.
    pub(crate) gaps: u64,
    /// How many changes were told.
    pub(crate) changes: u64,
    pub(crate) latest: Option<Latest>,
}

impl News {
    /// Of the last change that was told. 0 if there was none.
    pub(crate) fn revision(&self) -> u64 {
        match &self.latest {
            Some(Latest::Lease(version)) => version.revision().unwrap_or_default(),
            Some(Latest::Gone(at)) => *at,
            None => 0,
        }
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum State {
    /// Not known yet.
    #[default]
    Opening,
    /// Every change is told.
    Live,
    /// It is not: refused, or cut off.
    Down,
}

/// The last change that was told.
#[derive(Clone, Debug)]
pub(crate) enum Latest {
    Lease(LeaseVersion),
    /// Deleted, at this revision.
    Gone(u64),
}

/// A watch that is held open until this is dropped.
#[derive(Debug)]
pub(crate) struct Watch {
    pub(crate) news: watch::Receiver<News>,
    task: JoinHandle<()>,
}

impl Watch {
    /// Begins to watch, on the runtime that this is called on.
    pub(crate) fn begin(api: Api) -> Self {
        let (sender, news) = watch::channel(News::default());
        let keeper = Keeper {
            api,
            news: sender,
            after: None,
            wait: FIRST_WAIT,
            has_told: false,
        };
        Self {
            news,
            task: tokio::spawn(keeper.keep()),
        }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.task.abort();
    }
}

struct Keeper {
    api: Api,
    news: watch::Sender<News>,
    /// Where the next watch goes on. `None`: from what is there then.
    after: Option<u64>,
    wait: Duration,
    /// Whether it was said that there is no right to watch.
    has_told: bool,
}

/// How a watch ended.
enum End {
    /// As every watch does sooner or later: the next one goes on where it was.
    Over,
    /// What came after is no longer known (410).
    TooOld,
}

impl Keeper {
    async fn keep(mut self) {
        loop {
            let opened = timeout(OPENING, self.api.watch(self.after)).await;
            match opened {
                Ok(Ok(Ok(body))) => {
                    self.live();
                    let end = self.follow(body).await;
                    if let End::TooOld = end {
                        self.missed();
                    }
                }
                Ok(Ok(Err(answer))) if answer.status == 410 => self.missed(),
                Ok(Ok(Err(answer))) if answer.status == 403 => {
                    self.down();
                    self.tell_of_missing_right(&answer.refusal(Verb::Watch, &self.api.place));
                    self.after = None;
                    pause(UNTIL_GRANTED).await;
                }
                Ok(Ok(Err(answer))) => {
                    self.down();
                    let error = answer.refusal(Verb::Watch, &self.api.place);
                    tracing::debug!(%error, "cannot watch; trying again");
                    pause(answer.retry_after.unwrap_or_default()).await;
                }
                Ok(Err(error)) => {
                    self.down();
                    tracing::debug!(%error, "cannot watch; trying again");
                }
                Err(_) => {
                    self.down();
                    tracing::debug!(lease = %self.api.place, "the API server does not open a watch");
                }
            }
            // Not all at once after an outage.
            pause(self.wait.mul_f64(0.5 + 0.5 * chance())).await;
            self.wait = (self.wait * 2).min(LONGEST_WAIT);
        }
    }

    fn live(&mut self) {
        self.has_told = false;
        self.news.send_modify(|news| {
            // From what is there *now*: what came and went before is not told.
            news.gaps += u64::from(self.after.is_none() && news.latest.is_some());
            news.state = State::Live;
        });
    }

    fn down(&self) {
        self.news.send_if_modified(|news| {
            let was = std::mem::replace(&mut news.state, State::Down);
            was != State::Down
        });
    }

    fn missed(&mut self) {
        self.after = None;
        self.news.send_modify(|news| news.gaps += 1);
    }

    fn tell_of_missing_right(&mut self, error: &Error) {
        if std::mem::replace(&mut self.has_told, true) {
            return;
        }
        let place = &self.api.place;
        let role = rights::role(&place.namespace, &place.name);
        tracing::info!(%error, %role, lease = %place, "no right to watch: polling instead");
    }

    /// Takes what is told until the watch ends.
    async fn follow(&mut self, mut body: Body) -> End {
        let mut lines = Lines::default();
        let mut silence = LONGEST_SILENCE;
        loop {
            let Ok(Some(Ok(frame))) = timeout(silence, body.frame()).await else {
                return End::Over;
            };
            lines.feed(frame.data_ref().map(AsRef::as_ref).unwrap_or_default());
            while let Some(event) = lines.next() {
                match event["type"].as_str() {
                    Some("ERROR") if event["object"]["code"] == 410 => return End::TooOld,
                    Some("ERROR") | None => return End::Over,
                    Some(kind) => {
                        self.wait = FIRST_WAIT;
                        let deleted = kind == "DELETED";
                        let told = kind != "BOOKMARK";
                        self.take(event["object"].clone(), told, deleted, &mut silence);
                    }
                }
            }
        }
    }

    fn take(&mut self, object: Value, told: bool, deleted: bool, silence: &mut Duration) {
        let Some(revision) = revision(&object) else {
            return;
        };
        self.after = Some(revision);
        if !told {
            return;
        }
        // While somebody holds it, its renewals are news. A leader that crashed is silent until the
        // record has run out: then its successor is news, and not all open a new watch at that moment.
        let held = lease::read(&object)
            .ok()
            .flatten()
            .filter(|record| record.holder.is_some());
        let lasts = held
            .filter(|_| !deleted)
            .map(|record| record.lease_duration.saturating_mul(3) / 2);
        *silence = lasts.map_or(LONGEST_SILENCE, |lasts| {
            lasts.clamp(SHORTEST_SILENCE, LONGEST_SILENCE)
        });
        let latest = match LeaseVersion::of(object) {
            Some(version) if !deleted => Latest::Lease(version),
            Some(_) | None => Latest::Gone(revision),
        };
        self.news.send_modify(|news| {
            news.latest = Some(latest);
            news.changes += 1;
        });
    }
}

/// One JSON object a line, in pieces that end anywhere.
#[derive(Default)]
struct Lines(Vec<u8>);

impl Lines {
    fn feed(&mut self, piece: &[u8]) {
        self.0.extend_from_slice(piece);
    }

    /// The next line. What is no JSON has no type, and ends the watch.
    fn next(&mut self) -> Option<Value> {
        let end = self.0.iter().position(|byte| *byte == b'\n')?;
        let line: Vec<u8> = self.0.drain(..=end).collect();
        Some(serde_json::from_slice(&line).unwrap_or(Value::Null))
    }
}

/// Waits. A hint's time need not count suspend.
async fn pause(time: Duration) {
    let _ = timeout(time, pending::<()>()).await;
}

/// Between 0 and 1; nothing depends on nobody's guessing it.
fn chance() -> f64 {
    let bits = u32::try_from(RandomState::new().hash_one(()) >> 32).unwrap_or_default();
    f64::from(bits) / f64::from(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::Lines;
    use serde_json::json;

    #[test]
    fn a_line_is_read_once_it_is_whole() {
        let mut lines = Lines::default();
        lines.feed(b"{\"type\":\"ADD");
        assert_eq!(lines.next(), None);
        lines.feed(b"ED\"}\n{\"type\":\"ERROR\"}\nnoise\n{");
        assert_eq!(lines.next(), Some(json!({ "type": "ADDED" })));
        assert_eq!(lines.next(), Some(json!({ "type": "ERROR" })));
        assert_eq!(lines.next(), Some(json!(null)));
        assert_eq!(lines.next(), None);
    }
}
