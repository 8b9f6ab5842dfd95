//! News of Leases, as long as the right to watch is granted.
//!
//! A task of the elections' thread holds one watch open, of one Lease or of all in a namespace, and
//! keeps what it told last of each. Owns when that may be relied on: from the moment that the server
//! said that it tells, until the first attempt to go on fails. A connection that says nothing for much
//! longer than a record lasts, where a leader renews it, is taken for dead, and so is any that says
//! nothing for longer than a server leaves between its bookmarks. What is told is a hint: `store.rs`
//! decides what it is good for. Which of the two kinds it is, `together.rs` decides.

use crate::answer::{Answer, Verb};
use crate::api::{Api, Extent};
use crate::news::{Latest, News, State};
use crate::together::{Listeners, Mode, Seat};
use crate::version::{LeaseVersion, revision};
use crate::{lease, rights};
use consensus::Error;
use http_body_util::BodyExt as _;
use kube::client::Body;
use serde_json::Value;
use std::future::{Future as _, pending, poll_fn};
use std::hash::{BuildHasher as _, RandomState};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::{JoinHandle, yield_now};
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

/// The same for the right to watch all, which nobody needs: who looks after the cluster sees each
/// refusal. Also until others' news may outweigh ours no more.
const UNTIL_TOGETHER: Duration = Duration::from_secs(60 * 60);

/// So many of others' news for each of ours outweigh the connections that are saved: each is memory on both
/// sides, and a handshake whenever the server ends it, which it does after minutes. Argued, not measured.
const OTHERS_FOR_OURS: u64 = 2;

/// So many of others' news by one connection weigh nothing.
const FEW: u64 = 100;

/// A watch that is held open until this is dropped.
#[derive(Debug)]
pub(crate) struct Watch {
    pub(crate) news: watch::Receiver<News>,
    task: JoinHandle<()>,
    _seat: Seat,
}

impl Watch {
    /// Begins to watch, on the runtime that this is called on.
    pub(crate) fn begin(api: Api) -> Self {
        let (sender, news) = watch::channel(News::default());
        let seat = api.join(sender.clone());
        let keeper = Keeper::new(api, Ears::One(sender));
        Self {
            news,
            task: tokio::spawn(keeper.keep_alone(seat.mode())),
            _seat: seat,
        }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Holds a watch open.
pub(crate) struct Keeper {
    api: Api,
    ears: Ears,
    /// Where the next watch goes on. `None`: from what is there then.
    after: Option<u64>,
    wait: Duration,
    /// Whether it was said that there is no right to watch.
    has_told: bool,
}

/// Whom a watch tells.
enum Ears {
    /// One election, which watches its own Lease.
    One(watch::Sender<News>),
    /// All of the namespace.
    All(Arc<Listeners>),
}

/// How a watch ended.
enum End {
    /// As every watch does sooner or later: the next one goes on where it was.
    Over,
    /// What came after is not known to the server: no longer (410), or perhaps not yet: nothing at all
    /// came, not even a bookmark, as from one that was put back to a backup.
    Unknown,
    /// Others' news outweigh ours.
    Crowded,
}

/// What came by one connection.
struct Heard {
    /// How long it may say nothing.
    silence: Duration,
    anything: bool,
    ours: u64,
    others: u64,
}

impl Keeper {
    fn new(api: Api, ears: Ears) -> Self {
        Self {
            api,
            ears,
            after: None,
            wait: FIRST_WAIT,
            has_told: false,
        }
    }

    pub(crate) fn of_all(api: Api, listeners: Arc<Listeners>) -> Self {
        Self::new(api, Ears::All(listeners))
    }

    /// Watches one Lease whenever it is not watched together with others.
    async fn keep_alone(mut self, mut mode: watch::Receiver<Mode>) {
        while mode.wait_for(|mode| *mode == Mode::Alone).await.is_ok() {
            self.after = None;
            self.wait = FIRST_WAIT;
            let mut together = pin!(mode.wait_for(|mode| *mode == Mode::Together));
            let mut kept = pin!(self.keep());
            poll_fn(|cx| match together.as_mut().poll(cx) {
                // Before anything else is told: it is for the watch of all to tell now.
                Poll::Ready(_) => Poll::Ready(()),
                Poll::Pending => kept.as_mut().poll(cx),
            })
            .await;
        }
    }

    /// Watches, for ever.
    pub(crate) async fn keep(&mut self) {
        loop {
            let opened = timeout(OPENING, self.api.watch(self.extent(), self.after)).await;
            match opened {
                Ok(Ok(Ok(body))) => {
                    self.live();
                    // Each ends its own watch first: what is told next may be that this one is given up.
                    yield_now().await;
                    match self.follow(body).await {
                        End::Over => {}
                        End::Unknown => self.after = None,
                        End::Crowded => {
                            tracing::debug!(lease = %self.api.place, "others' news outweigh ours");
                            self.part().await;
                        }
                    }
                }
                Ok(Ok(Err(answer))) if answer.status == 410 => self.after = None,
                Ok(Ok(Err(answer))) if answer.status == 403 => self.refused(&answer).await,
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

    fn extent(&self) -> Extent {
        match &self.ears {
            Ears::One(_) => Extent::One,
            Ears::All(_) => Extent::All,
        }
    }

    fn live(&mut self) {
        self.has_told = false;
        // From what is there *now*: what came and went before is not told.
        let is_anew = self.after.is_none();
        let live = |news: &mut News| {
            news.state = State::Live;
            if is_anew {
                news.gaps += 1;
                news.latest = None;
            }
        };
        match &self.ears {
            Ears::One(news) => news.send_modify(live),
            Ears::All(listeners) => listeners.live(live),
        }
    }

    fn down(&self) {
        match &self.ears {
            Ears::One(news) => news.send_modify(News::go_down),
            Ears::All(listeners) => listeners.down(News::go_down),
        }
    }

    async fn refused(&mut self, answer: &Answer) {
        let error = answer.refusal(Verb::Watch, &self.api.place);
        if let Ears::All(_) = self.ears {
            tracing::debug!(%error, "no right to watch all Leases: each election watches its own");
            return self.part().await;
        }
        self.down();
        self.tell_of_missing_right(&error);
        self.after = None;
        pause(UNTIL_GRANTED).await;
    }

    /// Gives the watch of all up, for a long while.
    async fn part(&mut self) {
        self.down();
        self.after = None;
        if let Ears::All(listeners) = &self.ears {
            listeners.part();
        }
        pause(UNTIL_TOGETHER).await;
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
        let mut heard = Heard {
            silence: LONGEST_SILENCE,
            anything: false,
            ours: 0,
            others: 0,
        };
        loop {
            let frame = match timeout(heard.silence, body.frame()).await {
                Ok(Some(Ok(frame))) => frame,
                Err(_) if !heard.anything => return End::Unknown,
                Ok(Some(Err(_)) | None) | Err(_) => return End::Over,
            };
            heard.anything = true;
            lines.feed(frame.data_ref().map(AsRef::as_ref).unwrap_or_default());
            while let Some(mut event) = lines.next() {
                let object = event.get_mut("object").map(Value::take);
                let object = object.unwrap_or_default();
                match event["type"].as_str() {
                    Some("ERROR") if object["code"] == 410 => return End::Unknown,
                    Some("ERROR") | None => return End::Over,
                    Some(kind) => {
                        self.wait = FIRST_WAIT;
                        self.take(kind, object, &mut heard);
                    }
                }
            }
            if heard.others > FEW + OTHERS_FOR_OURS * heard.ours {
                return End::Crowded;
            }
        }
    }

    fn take(&mut self, kind: &str, object: Value, heard: &mut Heard) {
        let Some(revision) = revision(&object) else {
            return;
        };
        // What is there when a watch begins is told in any order.
        self.after = self.after.max(Some(revision));
        if kind == "BOOKMARK" {
            return;
        }
        let name = object["metadata"]["name"].as_str().unwrap_or_default();
        let name = name.to_owned();
        if !self.has(&name) {
            heard.others += 1;
            return;
        }
        heard.ours += 1;
        let deleted = kind == "DELETED";
        // While somebody holds it, its renewals are news. A leader that crashed is silent until the
        // record has run out: then its successor is news, and not all open a new watch at that moment.
        let held = lease::read(&object)
            .ok()
            .flatten()
            .filter(|record| record.holder.is_some() && !deleted);
        let lasts = held.map_or(LONGEST_SILENCE, |record| {
            let lasts = record.lease_duration.saturating_mul(3) / 2;
            lasts.clamp(SHORTEST_SILENCE, LONGEST_SILENCE)
        });
        let latest = match LeaseVersion::of(object) {
            Some(version) if !deleted => Latest::Lease(version),
            Some(_) | None => Latest::Gone(revision),
        };
        let told = |news: &mut News| {
            news.latest = Some(latest.clone());
            news.changes += 1;
        };
        match &self.ears {
            Ears::One(news) => {
                heard.silence = lasts;
                news.send_modify(told);
            }
            Ears::All(listeners) => {
                // One of them that is held is enough to be waited for.
                heard.silence = heard.silence.min(lasts);
                listeners.of(&name, told);
            }
        }
    }

    fn has(&self, name: &str) -> bool {
        match &self.ears {
            Ears::One(_) => true,
            Ears::All(listeners) => listeners.has(name),
        }
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
