//! What a candidate believes, as its board shows it after every step, held against what it was told
//! (promises 1, 2, 6, 8, 10 and 11).

use crate::checks::Checks;
use crate::clock::{NEVER, Time};
use consensus::Token;

/// What became of a belief in a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    None,
    Began,
    Prolonged,
    Ended,
}

/// What a board shows, and to whom.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shown {
    pub(crate) deadline: Option<u64>,
    /// Of the last term that began.
    pub(crate) token: Token,
    pub(crate) eye: Eye,
}

/// Who looks at a board.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Eye {
    /// The election has just done what there was to do.
    Prompt,
    /// The same, but it began with a reading of the clock that was old.
    Stale,
    /// A reader, whatever the election does.
    Reader,
}

impl Checks {
    /// Looks at what a candidate believes.
    pub(crate) fn believes(&mut self, who: usize, now: Time, shown: Shown) -> Change {
        let Shown {
            deadline,
            token,
            eye,
        } = shown;
        self.passed_by(who, now, token, deadline, eye);
        let account = &mut self.accounts[who];
        let belief = deadline.map(|deadline| (token, deadline));
        if belief == account.belief {
            self.still_leads(who, now, eye);
            return Change::None;
        }
        let before = std::mem::replace(&mut account.belief, belief);
        let Some((token, deadline)) = belief else {
            account.ended = account.clock.at(now);
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
        if began {
            self.began(who, now, token, eye);
        }
        self.dates(who, now, token, deadline);
        self.still_leads(who, now, eye);
        self.overlaps(now);
        if began {
            Change::Began
        } else {
            Change::Prolonged
        }
    }

    /// What happened since somebody looked last: a term was over, or came and went.
    fn passed_by(&mut self, who: usize, now: Time, token: Token, deadline: Option<u64>, eye: Eye) {
        let account = &mut self.accounts[who];
        let current = account.ends > now;
        // An old reading of the clock may prolong a term that is over, if nobody has seen it over.
        if let Some((token, _)) = account.belief.filter(|_| !current && eye != Eye::Stale) {
            account.over = account.over.max(token);
        }
        let came_and_went = deadline.is_none() && account.shown != token;
        account.shown = token;
        if came_and_went && account.belief.is_none() && eye == Eye::Prompt {
            self.broken(
                11,
                now,
                format_args!("c{} was handed term {token}, which was over", who + 1),
            );
        }
    }

    /// A term begins.
    fn began(&mut self, who: usize, now: Time, token: Token, eye: Eye) {
        let account = &mut self.accounts[who];
        account.lost = false;
        account.heard = account.clock.at(now);
        let (current, granted, led) = (account.ends > now, account.granted, self.led);
        let c = who + 1;
        self.terms += 1;
        self.led = led.max(token);
        if !current && eye != Eye::Stale {
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

    /// A deadline is set: of a term that is not over, and no later than its last write allows.
    fn dates(&mut self, who: usize, now: Time, token: Token, deadline: u64) {
        let account = &self.accounts[who];
        let c = who + 1;
        let (current, over) = (account.ends > now, account.over);
        let latest = account
            .confirmed
            .map(|sent| account.clock.at(sent) + account.deadline);
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
    }

    /// Who leads on has not seen that it lost (promise 10), and its work is alive.
    fn still_leads(&mut self, who: usize, now: Time, eye: Eye) {
        let account = &self.accounts[who];
        if account.ends <= now || eye == Eye::Reader {
            return;
        }
        let (lost, shows) = (account.lost, account.clock.at(now));
        let heard = account.heard;
        let silent = account
            .check_in
            .is_some_and(|check_in| shows > heard + check_in);
        if lost {
            self.broken(
                10,
                now,
                format_args!("c{} leads on after it saw that it has lost", who + 1),
            );
        }
        if silent && eye == Eye::Prompt {
            self.broken(
                7,
                now,
                format_args!("c{} leads on although its work does not check in", who + 1),
            );
        }
    }

    /// The work said that it is alive, when the clock showed this.
    pub(crate) fn checked_in(&mut self, who: usize, shows: u64) {
        self.accounts[who].heard = shows;
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
