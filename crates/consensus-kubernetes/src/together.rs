//! Who watches together: one watch for all elections of a namespace, instead of one for each.
//!
//! Owns which of the two is done, by these rules:
//! 1. An election that is alone watches its own Lease: a watch of all carries everybody's news.
//! 2. The second one begins a watch of all. Until that is there the first one's goes on; if it is refused,
//!    each watches its own, and all is asked for again a while later.
//! 3. A watch of all in which others' news outweigh ours is given up like one that is refused: a
//!    namespace may have a heartbeat for every node of the cluster.
//! 4. Each is told of its own Lease only, by a channel that keeps what was told last: who does not listen
//!    holds up nobody.
//! 5. Who leaves changes nothing for the others. With the last one the watch of all ends.
//! 6. Who joins late is told nothing of what was before: its load, which comes after, sees that.
//!
//! `watch.rs` holds both kinds of watch open.

use crate::api::Api;
use crate::news::{News, State};
use crate::watch::Keeper;
use std::collections::HashMap;
use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use tokio::runtime::{self, Handle};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// From so many elections of a namespace on they watch together.
const MANY: usize = 2;

/// Whose elections of one cluster watch together: those of a runtime, by namespace.
#[derive(Clone, Debug, Default)]
pub(crate) struct Companies(Arc<Mutex<HashMap<Key, Weak<Company>>>>);

type Key = (runtime::Id, String);

/// The elections of one namespace, as long as there are any.
#[derive(Debug, Default)]
struct Company {
    listeners: Arc<Listeners>,
    task: Mutex<Option<JoinHandle<()>>>,
}

/// Whom the watch of all tells.
#[derive(Debug, Default)]
pub(crate) struct Listeners {
    list: Mutex<List>,
    mode: watch::Sender<Mode>,
}

#[derive(Debug, Default)]
struct List {
    by_name: HashMap<String, Vec<watch::Sender<News>>>,
    count: usize,
    /// Whether the watch of all tells of every change from here on.
    is_live: bool,
}

/// Who watches a Lease.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Its own election.
    #[default]
    Alone,
    /// Not known yet: who has no watch waits, and who has one goes on with it.
    Trying,
    /// The watch of all, also while that is cut off.
    Together,
}

/// One election's place in its company. Dropping it leaves.
#[derive(Debug)]
pub(crate) struct Seat {
    company: Arc<Company>,
    name: String,
    news: watch::Sender<News>,
}

impl Companies {
    /// Joins those who watch this namespace on this runtime. The first one begins with them.
    pub(crate) fn join(&self, api: &Api, news: watch::Sender<News>) -> Seat {
        let key = (Handle::current().id(), api.place.namespace.clone());
        let mut all = lock(&self.0);
        let company = all.get(&key).and_then(Weak::upgrade).unwrap_or_else(|| {
            let company = Arc::default();
            all.retain(|_, company| company.strong_count() > 0);
            all.insert(key, Arc::downgrade(&company));
            company
        });
        company.seat(api, news)
    }
}

impl Company {
    fn seat(self: Arc<Self>, api: &Api, news: watch::Sender<News>) -> Seat {
        let name = api.place.name.clone();
        let count = self.listeners.add(&name, news.clone());
        let mut task = lock(&self.task);
        if count >= MANY && task.is_none() {
            self.listeners.mode.send_replace(Mode::Trying);
            let mut keeper = Keeper::of_all(api.of_all(), Arc::clone(&self.listeners));
            *task = Some(tokio::spawn(async move { keeper.keep().await }));
        }
        drop(task);
        Seat {
            company: self,
            name,
            news,
        }
    }
}

impl Seat {
    /// Who watches this Lease, from now on.
    pub(crate) fn mode(&self) -> watch::Receiver<Mode> {
        self.company.listeners.mode.subscribe()
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.company.listeners.remove(&self.name, &self.news);
    }
}

impl Drop for Company {
    fn drop(&mut self) {
        if let Some(task) = lock(&self.task).take() {
            task.abort();
        }
    }
}

impl Listeners {
    /// Returns how many there are now.
    fn add(&self, name: &str, news: watch::Sender<News>) -> usize {
        let mut list = lock(&self.list);
        if list.is_live {
            news.send_modify(|news| news.state = State::Live);
        }
        list.by_name.entry(name.to_owned()).or_default().push(news);
        list.count += 1;
        list.count
    }

    fn remove(&self, name: &str, news: &watch::Sender<News>) {
        let mut list = lock(&self.list);
        if let Some(all) = list.by_name.get_mut(name) {
            all.retain(|other| !other.same_channel(news));
            if all.is_empty() {
                list.by_name.remove(name);
            }
        }
        list.count -= 1;
    }

    /// The watch of all is there, anew or where it was.
    pub(crate) fn live(&self, change: impl Fn(&mut News)) {
        let mut list = lock(&self.list);
        list.is_live = true;
        list.each(change);
        self.mode.send_replace(Mode::Together);
    }

    /// It cannot go on for now.
    pub(crate) fn down(&self, change: impl Fn(&mut News)) {
        let mut list = lock(&self.list);
        if mem::take(&mut list.is_live) {
            list.each(change);
        }
        // Who waited for the first try does without.
        self.mode.send_if_modified(|mode| {
            let is_first = *mode == Mode::Trying;
            if is_first {
                *mode = Mode::Alone;
            }
            is_first
        });
    }

    /// It is given up: each watches its own.
    pub(crate) fn part(&self) {
        self.mode.send_replace(Mode::Alone);
    }

    /// Tells those of this Lease, if there are any.
    pub(crate) fn of(&self, name: &str, change: impl Fn(&mut News)) {
        for news in lock(&self.list).by_name.get(name).into_iter().flatten() {
            news.send_modify(&change);
        }
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        lock(&self.list).by_name.contains_key(name)
    }
}

impl List {
    fn each(&self, change: impl Fn(&mut News)) {
        for news in self.by_name.values().flatten() {
            news.send_modify(&change);
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
