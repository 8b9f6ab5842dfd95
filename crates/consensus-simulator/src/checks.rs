//! The promises as checks, at every step, by an account of its own: who sent which write when, who
//! was told what, and until when who believes and works in true time. Nothing here looks into the
//! machine or the protocol; nothing there can look in here.

use crate::clock::{Clock, NEVER, Time};
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

/// What became of a belief in a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    None,
    Began,
    Prolonged,
    Ended,
}

/// What holds between all of them.
#[derive(Debug, Default)]
pub(crate) struct Checks {
    pub(crate) accounts: Vec<Account>,
    /// The highest token that any stored record began a term with.
    begun: Token,
    /// The highest token that anybody led under.
    led: Token,
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

    /// A life begins. `life` 0: the candidate's first.
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
        if purpose == Purpose::Renew || (registered == 0 && !asked) {
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
            Purpose::Look => {}
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
            Purpose::Renew | Purpose::Release => {}
        }
    }

    /// A candidate is told what the store holds. `own`: it wrote that.
    pub(crate) fn looked(&mut self, who: usize, version: u64, own: bool) {
        let account = &mut self.accounts[who];
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
        version: u64,
        sent: Time,
        (purpose, token): (Purpose, Option<Token>),
    ) {
        let account = &mut self.accounts[who];
        account.told = Some(version);
        match purpose {
            Purpose::Look | Purpose::Release => {}
            Purpose::Begin => {
                account.granted = token;
                account.confirmed = Some(sent);
            }
            Purpose::Renew => account.confirmed = Some(sent),
        }
    }

    /// The token of the term that a candidate was last granted.
    pub(crate) fn granted(&self, who: usize) -> Option<Token> {
        self.accounts[who].granted
    }

    /// Looks at what a candidate believes. `prompt`: it did not read its clock long ago.
    pub(crate) fn believes(
        &mut self,
        who: usize,
        now: Time,
        (deadline, token): (Option<u64>, Token),
        prompt: bool,
    ) -> Change {
        let account = &mut self.accounts[who];
        let belief = deadline.map(|deadline| (token, deadline));
        let current = account.ends > now;
        // An old reading of the clock may prolong a term before anybody has seen it over.
        if !current && prompt && account.ends > 0 {
            account.over = account
                .over
                .max(account.belief.map_or(token, |(token, _)| token));
        }
        if belief == account.belief {
            // Nothing new, but perhaps it is over by now.
            if !current && token > account.over {
                account.over = token;
            }
            return self.still_leads(who, now);
        }
        let before = std::mem::replace(&mut account.belief, belief);
        let Some((token, deadline)) = belief else {
            account.ends = 0;
            account.lost = false;
            account.over = account.over.max(before.map_or(token, |(token, _)| token));
            return Change::Ended;
        };
        account.ends = account.clock.when(deadline);
        if account.ends == NEVER {
            self.broken(1, now, format_args!("c{} leads for ever", who + 1));
        }
        let began = before.is_none_or(|(before, _)| before != token);
        self.new_belief(who, now, (token, deadline), began, prompt);
        self.overlaps(now);
        if began {
            Change::Began
        } else {
            Change::Prolonged
        }
    }

    fn new_belief(
        &mut self,
        who: usize,
        now: Time,
        (token, deadline): (Token, u64),
        began: bool,
        prompt: bool,
    ) {
        let account = &mut self.accounts[who];
        let c = who + 1;
        let (over, granted, led) = (account.over, account.granted, self.led);
        let current = account.ends > now;
        let latest = account
            .confirmed
            .map(|sent| account.clock.at(sent) + account.deadline);
        if !current {
            account.over = over.max(token);
        }
        if began {
            account.lost = false;
            self.terms += 1;
            self.led = led.max(token);
            if !current && prompt {
                self.broken(
                    11,
                    now,
                    format_args!("c{c} is handed term {token}, which is over"),
                );
            }
            if granted != Some(token) {
                self.broken(
                    6,
                    now,
                    format_args!("c{c} leads under {token}, was granted {granted:?}"),
                );
            }
            if token <= led {
                self.broken(8, now, format_args!("c{c} leads under {token} after {led}"));
            }
        }
        if current && over >= token {
            self.broken(
                1,
                now,
                format_args!("c{c}'s term {token} goes on after it was over"),
            );
        }
        if latest.is_none_or(|latest| deadline > latest) {
            self.broken(
                2,
                now,
                format_args!(
                    "c{c}'s deadline is later than what its last confirmed write allows: \
                     {deadline} > {latest:?} on its clock"
                ),
            );
        }
        self.still_leads(who, now);
    }

    /// Promise 10: losing ends the term at once.
    fn still_leads(&mut self, who: usize, now: Time) -> Change {
        let account = &self.accounts[who];
        if account.lost && account.ends > now {
            self.broken(
                10,
                now,
                format_args!("c{} leads on after it saw that it has lost", who + 1),
            );
        }
        Change::None
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

    /// A reader got an answer.
    pub(crate) fn read(&mut self, who: usize, now: Time, leads: bool) {
        let account = &mut self.accounts[who];
        let current = account.ends > now;
        if let Some((token, _)) = account.belief.filter(|_| !leads) {
            account.over = account.over.max(token);
        }
        if current != leads {
            self.broken(
                1,
                now,
                format_args!("c{} says {leads} about {current}", who + 1),
            );
        }
    }
}
