//! From one state to the next: what each decision of `states.rs` does.

use super::{Dice, Election, Event, Failure, Hints, Hold, Intent, KEEP, MOST_HINTS, State, Step};
use super::{Then, Verb, Winding, begin};
use crate::Token;
use crate::backend::Leader;
use crate::ended::Ended;
use crate::world::Instant;
use std::time::Duration;

/// Within one of so many parts of the renew interval, elections renew together.
const TOGETHER: u32 = 64;

/// By so many of these parts luck shortens it at most, and rounding by less than one more: by less than a
/// tenth in all.
const LUCK: u32 = TOGETHER / 10 - 1;

impl Election {
    pub(super) fn acquire(&mut self, now: Instant) -> Step {
        self.state = State::Acquiring { sent: now };
        begin(Verb::Acquire)
    }

    /// A hint came. A store that hints without end costs no more than polling does.
    pub(super) fn look(&mut self, now: Instant, until: Instant) -> Step {
        let window = self.timing.retry_interval;
        if self.is_rare(now, window, MOST_HINTS) {
            return self.acquire(now);
        }
        self.state = State::Waiting {
            until: until.min(self.hints.since.plus(window)),
        };
        begin(Verb::Rest)
    }

    /// Counts a hint. Whether there were no more than `most` within this window.
    pub(super) fn is_rare(&mut self, now: Instant, window: Duration, most: u32) -> bool {
        if now.since(self.hints.since) >= window {
            self.hints = Hints {
                since: now,
                count: 0,
            };
        }
        self.hints.count += 1;
        self.hints.count <= most
    }

    pub(super) fn acquired(&mut self, now: Instant, sent: Instant, token: Token) -> Step {
        self.failures = 0;
        let deadline = sent.plus(self.timing.renew_deadline);
        if self.intent == Intent::Stop {
            return self.release(now, sent.plus(self.timing.lease_duration));
        }
        // Promise 11: over before it began. It is our own record, and taken anew.
        if now >= deadline {
            return self.acquire(now);
        }
        let hold = Hold {
            token,
            deadline,
            sent,
            tried: sent,
            checked_in: now,
            winding: None,
        };
        self.state = State::Leading {
            hold,
            renew_at: self.renew_at(sent),
        };
        Step {
            then: Then::Begin(Verb::Watch),
            event: Some(Event::Began(token)),
        }
    }

    pub(super) fn held(
        &mut self,
        now: Instant,
        sent: Instant,
        (leader, at_most, watched): (Option<Leader>, Option<Duration>, bool),
    ) -> Step {
        self.failures = 0;
        if self.intent == Intent::Stop {
            return self.release(now, sent.plus(self.timing.lease_duration));
        }
        let poll = now.plus(self.dice.shorten(self.timing.retry_interval, 4));
        let spread = self.dice.below(self.timing.retry_interval / 64);
        let until = match at_most {
            Some(at_most) if watched => now.plus(at_most).plus(spread),
            Some(at_most) => poll.min(now.plus(at_most).plus(spread)),
            None => poll,
        };
        self.state = State::Waiting { until };
        Step {
            then: Then::Begin(Verb::Watch),
            event: Some(Event::Follows { leader, at_most }),
        }
    }

    pub(super) fn missed(
        &mut self,
        now: Instant,
        sent: Instant,
        retry_after: Option<Duration>,
    ) -> Step {
        if self.intent == Intent::Stop {
            // It may have landed.
            return self.release(now, sent.plus(self.timing.lease_duration));
        }
        let asked = retry_after
            .unwrap_or_default()
            .min(self.timing.lease_duration);
        self.state = State::Waiting {
            until: now.plus(self.backoff().max(asked)),
        };
        begin(Verb::Rest)
    }

    pub(super) fn renew(&mut self, now: Instant, hold: Hold) -> Step {
        let hold = Hold { tried: now, ..hold };
        self.state = State::Renewing { hold, sent: now };
        begin(Verb::Renew(hold.token))
    }

    pub(super) fn renewed(&mut self, sent: Instant, hold: Hold) -> Step {
        self.failures = 0;
        // Promise 2: counted from before the request left, never from the answer.
        let deadline = sent.plus(self.timing.renew_deadline);
        let hold = Hold {
            deadline,
            sent,
            ..hold
        };
        self.state = State::Leading {
            hold,
            renew_at: self.renew_at(sent),
        };
        begin(Verb::Watch)
    }

    pub(super) fn not_renewed(&mut self, now: Instant, hold: Hold, failure: Failure) -> Step {
        let asked = failure
            .retry_after
            .unwrap_or_default()
            .min(self.timing.retry_interval);
        let renew_at = now.plus(self.backoff().max(asked));
        self.state = State::Leading { hold, renew_at };
        begin(Verb::Rest)
    }

    /// The deadline, the check-in or the time to wind down has passed.
    pub(super) fn limit_passed(&mut self, now: Instant, hold: Hold) -> Step {
        if now >= hold.deadline || hold.winding.is_some() {
            return self.drain(now, hold, Ended::Expired, now.min(hold.deadline));
        }
        // Who is stuck lets others go first.
        self.sit_out();
        self.drain(now, hold, Ended::CheckInMissed, now)
    }

    /// Ends the term, if it has not ended before. The lease is renewed until its work is over.
    pub(super) fn wind_down(
        &mut self,
        now: Instant,
        hold: Hold,
        why: Ended,
        quiet_from: Option<Instant>,
    ) -> Step {
        let since = hold.winding.map_or(now, |winding| winding.since);
        let event = hold
            .winding
            .is_none()
            .then_some(Event::Ended(hold.token, why));
        let winding = Some(Winding { since, quiet_from });
        self.state = match self.state {
            State::Leading { hold, renew_at } => State::Leading {
                hold: Hold { winding, ..hold },
                renew_at,
            },
            State::Renewing { hold, sent } => State::Renewing {
                hold: Hold { winding, ..hold },
                sent,
            },
            // Nothing is held.
            other @ (State::Waiting { .. }
            | State::Acquiring { .. }
            | State::Draining { .. }
            | State::Releasing { .. }
            | State::Unreleased { .. }
            | State::LettingGo { .. }
            | State::Stopped) => other,
        };
        Step { event, ..KEEP }
    }

    /// Promise 7: what readers began on the strength of what they were told until now, or until the
    /// deadline, has its grace from there, however old the reading of the clock was that ended the
    /// term: the election's thread may have stood still since.
    pub(super) fn told(&mut self, now: Instant) -> Step {
        let grace = self.timing.stop_grace;
        let overdue = grace.saturating_add(self.timing.kill_allowance);
        let at_least = |time: &mut Option<Instant>, deadline: Instant, wait: Duration| {
            *time = time.map(|time| time.max(now.min(deadline).plus(wait)));
        };
        match &mut self.state {
            State::Leading { hold, .. } | State::Renewing { hold, .. } => {
                if let Some(winding) = &mut hold.winding {
                    at_least(&mut winding.quiet_from, hold.deadline, grace);
                }
            }
            State::Draining {
                deadline,
                quiet_from,
                overdue_at,
                ..
            } => {
                at_least(quiet_from, *deadline, grace);
                at_least(overdue_at, *deadline, overdue);
            }
            State::Waiting { .. }
            | State::Acquiring { .. }
            | State::Releasing { .. }
            | State::Unreleased { .. }
            | State::LettingGo { .. }
            | State::Stopped => {}
        }
        KEEP
    }

    /// Ends the term, if it has not ended before, and renews no more. It was over at `over`.
    pub(super) fn drain(&mut self, now: Instant, hold: Hold, why: Ended, over: Instant) -> Step {
        let grace_ends = over.plus(self.timing.stop_grace);
        let quiet_from = match hold.winding {
            None => Some(grace_ends),
            Some(winding) => winding.quiet_from.filter(|quiet_from| now < *quiet_from),
        };
        self.state = State::Draining {
            token: hold.token,
            deadline: hold.deadline,
            quiet_from,
            overdue_at: Some(grace_ends.plus(self.timing.kill_allowance)),
            runs_out: self.run_out(&hold),
        };
        // Who winds down has been told of the end, but not that there is no time left for it.
        let is_news = hold.winding.is_none() || why == Ended::Lost;
        let event = is_news.then_some(Event::Ended(hold.token, why));
        Step {
            then: Then::Begin(Verb::Rest),
            event,
        }
    }

    pub(super) fn release(&mut self, now: Instant, runs_out: Instant) -> Step {
        self.state = State::Releasing {
            sent: now,
            runs_out,
        };
        begin(Verb::Release)
    }

    pub(super) fn unreleased(
        &mut self,
        now: Instant,
        runs_out: Instant,
        retry_after: Option<Duration>,
    ) -> Step {
        if now >= runs_out {
            return self.let_go(now, Some(Event::Unreleased));
        }
        let asked = retry_after
            .unwrap_or_default()
            .min(self.timing.retry_interval);
        self.state = State::Unreleased {
            again: now.plus(self.backoff().max(asked)),
            runs_out,
        };
        begin(Verb::Rest)
    }

    /// The lease runs out by itself, or is not ours.
    pub(super) fn let_go(&mut self, now: Instant, event: Option<Event>) -> Step {
        self.state = State::LettingGo { sent: now };
        Step {
            then: Then::Begin(Verb::LetGo),
            event,
        }
    }

    /// A term, its work and its release are over.
    pub(super) fn after(&mut self, now: Instant) -> Step {
        let then = match self.intent {
            Intent::Stop => {
                self.state = State::Stopped;
                Then::Finish
            }
            Intent::SitOut => {
                self.intent = Intent::Compete;
                self.state = State::Waiting {
                    until: now.plus(self.timing.retry_interval * 2),
                };
                Then::Begin(Verb::Rest)
            }
            Intent::Compete => {
                self.state = State::Waiting { until: now };
                Then::Begin(Verb::Rest)
            }
        };
        Step {
            then,
            event: Some(Event::Over),
        }
    }

    pub(super) fn sit_out(&mut self) {
        if self.intent == Intent::Compete {
            self.intent = Intent::SitOut;
        }
    }

    /// When the lease has run out by itself, whichever of our writes arrived last.
    pub(super) fn run_out(&self, hold: &Hold) -> Instant {
        hold.tried
            .plus(self.timing.lease_duration)
            .plus(self.timing.request_timeout)
    }

    /// Spread over the last tenth of the interval, so that many machines do not renew at once; and yet
    /// those elections together that one clock is read for. Ten thousand of them then wake their
    /// thread a dozen times a second, and not two thousand times.
    pub(super) fn renew_at(&self, sent: Instant) -> Instant {
        let interval = self.timing.renew_interval;
        if self.neighbours == 0 {
            return sent.plus(interval);
        }
        let step = interval / TOGETHER;
        let part = sent.rounded_down(step);
        // Of neighbours in one part of the interval, the same.
        let mut dice = Dice(self.neighbours.wrapping_add(part.as_nanos()));
        let luck = dice.below(step * LUCK);
        part.plus(interval.saturating_sub(luck)).rounded_down(step)
    }

    /// From a sixteenth of the retry interval to all of it, doubled with each failure in a row.
    pub(super) fn backoff(&mut self) -> Duration {
        let wait = self.timing.retry_interval / 16 * (1 << self.failures.min(4));
        self.failures = self.failures.saturating_add(1);
        self.dice.shorten(wait, 2)
    }
}

impl Hold {
    /// Whether unregistered work has had its grace.
    pub(super) fn is_quiet(&self, now: Instant) -> bool {
        let quiet_from = |winding: Winding| winding.quiet_from.is_none_or(|quiet| now >= quiet);
        self.winding.is_some_and(quiet_from)
    }

    pub(super) fn quiet_at(self, now: Instant) -> Self {
        let winding = self.winding.map(|winding| Winding {
            quiet_from: winding.quiet_from.filter(|quiet_from| now < *quiet_from),
            ..winding
        });
        Self { winding, ..self }
    }
}
