//! What a watch told of one Lease: what `watch.rs` says, and `store.rs` asks.

use crate::version::LeaseVersion;

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
    /// Nothing is told any more.
    pub(crate) fn go_down(&mut self) {
        self.state = State::Down;
    }

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
