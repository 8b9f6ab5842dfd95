//! The promises as checks, at every step, by an account of its own: who sent which write when, who
//! was told what, and until when who believes and works in true time. Nothing here looks into the
//! machine or the protocol; nothing there can look in here.

use crate::clock::{Clock, Time};
use crate::overlap::Account;
use crate::plan::{Part, Promises};
use consensus::Token;
use std::fmt;

/// A promise that was broken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Its number in the design.
    pub promise: u8,
    /// Who did what.
    pub what: String,
    /// When, in true nanoseconds of the run.
    pub at: u64,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = crate::clock::seconds(self.at);
        write!(f, "promise {}: at {at:.6} s: {}", self.promise, self.what)
    }
}

/// What a request is for, as seen from outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    Look,
    Begin,
    Renew,
    Release,
}

/// One life of one candidate: who wrote a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Author {
    pub(crate) candidate: usize,
    pub(crate) life: u32,
}

/// What holds between all of them.
#[derive(Debug, Default)]
pub(crate) struct Checks {
    pub(crate) accounts: Vec<Account>,
    /// The highest token that any stored record began a term with.
    begun: Token,
    /// The highest token that anybody led under.
    pub(crate) led: Token,
    promises: Option<u8>,
    pub(crate) terms: u64,
    pub(crate) violation: Option<Violation>,
}

impl Checks {
    pub(crate) fn new(promises: Promises) -> Self {
        Self {
            promises: match promises {
                Promises::All => None,
                Promises::Only(promise) => Some(promise),
            },
            ..Self::default()
        }
    }

    pub(crate) fn broken(&mut self, promise: u8, at: Time, what: fmt::Arguments<'_>) {
        if self.violation.is_none() && self.promises.is_none_or(|only| only == promise) {
            self.violation = Some(Violation {
                promise,
                what: what.to_string(),
                at,
            });
        }
    }

    /// A life begins, and knows nothing of the ones before it.
    pub(crate) fn born(&mut self, who: usize, clock: Clock, part: &Part) {
        let orphan = self.accounts.get(who).map_or(0, |before| before.orphan);
        let account = Account::new(clock, part, orphan);
        match self.accounts.get_mut(who) {
            Some(before) => *before = account,
            None => self.accounts.push(account),
        }
    }

    /// A life ends. Whatever work it leaves behind keeps within its grace; says until when.
    pub(crate) fn died(&mut self, who: usize, now: Time, leaves_work: bool) -> Time {
        let account = &mut self.accounts[who];
        let orphan = if leaves_work && account.works(now) {
            account.limit()
        } else {
            0
        };
        account.orphan = account.orphan.max(orphan);
        account.belief = None;
        account.ends = 0;
        account.registered = 0;
        account.asked = 0;
        orphan
    }

    /// A request leaves. `on`: the version that a write is conditional on.
    pub(crate) fn sends(&mut self, who: usize, now: Time, purpose: Purpose, on: u64) {
        let account = &self.accounts[who];
        let (told, registered) = (account.told, account.registered);
        let asked = account.asked > now;
        if purpose == Purpose::Look {
            return;
        }
        if told != Some(on) {
            self.broken(
                3,
                now,
                format_args!("c{} writes on version {on}, was told {told:?}", who + 1),
            );
        }
        if purpose == Purpose::Renew {
            return self.renews(who, now);
        }
        if registered == 0 && !asked {
            return;
        }
        let what = if purpose == Purpose::Begin {
            "begins another term"
        } else {
            "releases"
        };
        let work = if registered > 0 {
            "registered work"
        } else {
            "work that asked"
        };
        self.broken(
            7,
            now,
            format_args!("c{} {what} while {work} goes on", who + 1),
        );
    }

    /// A renewal leaves: in a term, or for the work of one that is over, for one lease at most.
    fn renews(&mut self, who: usize, now: Time) {
        let account = &self.accounts[who];
        let shows = account.clock.at(now);
        let last = account
            .confirmed
            .map_or(0, |sent| account.clock.at(sent) + account.deadline);
        // Who looks first and is then paused renews late, and in vain if anybody was faster.
        if account.looked == now {
            return;
        }
        let long_over = account.belief.is_none() && shows > account.ended + account.lease;
        if shows > last {
            self.broken(
                4,
                now,
                format_args!("c{} renews after the end of its term", who + 1),
            );
        } else if long_over {
            self.broken(
                7,
                now,
                format_args!("c{} renews for longer than a lease after its term", who + 1),
            );
        }
    }

    /// A write was stored. `before`: who wrote what stood there.
    pub(crate) fn stored(
        &mut self,
        by: Author,
        now: Time,
        (purpose, token): (Purpose, Option<Token>),
        before: Option<Author>,
    ) {
        let who = by.candidate + 1;
        match purpose {
            Purpose::Begin => {
                let token = token.unwrap_or_default();
                let begun = self.begun;
                if token <= begun {
                    self.broken(
                        8,
                        now,
                        format_args!("c{who} begins term {token} after {begun}"),
                    );
                }
                self.begun = begun.max(token);
            }
            Purpose::Renew if before != Some(by) => {
                self.broken(
                    4,
                    now,
                    format_args!("c{who} renews what it did not write: {before:?}"),
                );
            }
            Purpose::Release if before != Some(by) => {
                self.broken(
                    7,
                    now,
                    format_args!("c{who} releases what is not its own: {before:?}"),
                );
            }
            Purpose::Look | Purpose::Renew | Purpose::Release => {}
        }
    }

    /// A candidate is told what the store holds. `own`: it wrote that.
    pub(crate) fn looked(&mut self, who: usize, now: Time, version: u64, own: bool) {
        let account = &mut self.accounts[who];
        account.looked = now;
        account.told = Some(version);
        account.lost |= !own && account.belief.is_some();
    }

    /// A candidate is told that there is no record to be read.
    pub(crate) fn looked_at_garbage(&mut self, who: usize) {
        let account = &mut self.accounts[who];
        account.lost |= account.belief.is_some();
    }

    /// A candidate is told that its write was stored. `sent`: when it left.
    pub(crate) fn confirmed(
        &mut self,
        who: usize,
        now: Time,
        (version, sent): (u64, Time),
        (purpose, token): (Purpose, Option<Token>),
    ) {
        let account = &mut self.accounts[who];
        account.told = Some(version);
        match purpose {
            Purpose::Look | Purpose::Release => {}
            Purpose::Begin => {
                account.granted = token;
                account.ended = account.clock.at(now);
                account.confirmed = Some(sent);
            }
            Purpose::Renew => account.confirmed = Some(sent),
        }
    }

    /// The token of the term that a candidate was last granted.
    pub(crate) fn granted(&self, who: usize) -> Option<Token> {
        self.accounts[who].granted
    }

    /// Whether anybody leads.
    pub(crate) fn anybody_leads(&self, now: Time) -> bool {
        self.accounts.iter().any(|account| account.ends > now)
    }

    /// Nobody leads although nothing has gone wrong for long enough.
    pub(crate) fn nobody_leads(&mut self, now: Time) {
        self.broken(
            10,
            now,
            format_args!("nobody leads, although nothing has gone wrong for ten leases"),
        );
    }

    /// Until when a candidate leads, in true time.
    pub(crate) fn leads_until(&self, who: usize) -> Time {
        self.accounts[who].ends
    }

    /// Registered work begins.
    pub(crate) fn work_begins(&mut self, who: usize) {
        self.accounts[who].registered += 1;
    }

    /// Registered work ends.
    pub(crate) fn work_ends(&mut self, who: usize) {
        self.accounts[who].registered -= 1;
    }

    /// Work goes on until then, on the strength of an answer to `is_leader()`.
    pub(crate) fn asked(&mut self, who: usize, until: Time) {
        let account = &mut self.accounts[who];
        account.asked = account.asked.max(until);
    }

    /// Work that only asked is over.
    pub(crate) fn asked_no_more(&mut self, who: usize) {
        self.accounts[who].asked = 0;
    }
}
