//! The rules of each state: every pair of state and input, written out. "Cannot come" means that the
//! driver drops a request when the machine begins another, so that its answer never arrives. How one
//! state follows another is in `moves.rs`.

#![allow(
    clippy::match_same_arms,
    reason = "each pair stands where its reason is given"
)]
#![allow(
    clippy::needless_pass_by_value,
    reason = "an input is used up by the step that takes it"
)]

use super::{
    Election, Event, Failure, Hold, Input, Intent, KEEP, MOST_LOOKS, State, Step, Verb, begin,
};
use crate::ErrorKind;
use crate::backend::{Acquisition, Renewal};
use crate::ended::Ended;
use crate::world::Instant;

impl Election {
    pub(super) fn while_waiting(&mut self, now: Instant, until: Instant, input: Input) -> Step {
        match input {
            Input::Tick if now >= until => self.acquire(now),
            Input::Changed => self.look(now, until),
            Input::Stop => {
                self.intent = Intent::Stop;
                self.release(now, now.plus(self.timing.lease_duration))
            }
            // There is no term to end, and no work.
            Input::Tick
            | Input::StepDown
            | Input::SeenOver
            | Input::Told
            | Input::CheckedIn(_)
            | Input::WorkDone
            | Input::NoWork => KEEP,
            // Cannot come.
            Input::Acquire(_) | Input::Renew(_) | Input::Release(_) | Input::LetGo => KEEP,
        }
    }

    pub(super) fn while_acquiring(&mut self, now: Instant, sent: Instant, input: Input) -> Step {
        match input {
            Input::Tick if now >= sent.plus(self.timing.request_timeout) => {
                let step = self.missed(now, sent, None);
                Step {
                    event: Some(Event::Unanswered(Verb::Acquire)),
                    ..step
                }
            }
            Input::Acquire(Ok(Acquisition::Acquired { token })) => self.acquired(now, sent, token),
            Input::Acquire(Ok(Acquisition::Held {
                leader,
                at_most,
                watched,
            })) => self.held(now, sent, (leader, at_most, watched)),
            Input::Acquire(Err(failure)) => self.missed(now, sent, failure.retry_after),
            // Its answer, or the lack of it, decides: it may have made us leader.
            Input::Stop => {
                self.intent = Intent::Stop;
                KEEP
            }
            Input::Tick
            | Input::StepDown
            | Input::SeenOver
            | Input::Told
            | Input::CheckedIn(_)
            | Input::WorkDone
            | Input::NoWork => KEEP,
            // Cannot come.
            Input::Changed | Input::Renew(_) | Input::Release(_) | Input::LetGo => KEEP,
        }
    }

    pub(super) fn while_leading(
        &mut self,
        now: Instant,
        hold: Hold,
        renew_at: Instant,
        input: Input,
    ) -> Step {
        match input {
            Input::Tick if now >= self.limit(&hold) => self.limit_passed(now, hold),
            Input::Tick if now >= renew_at => self.renew(now, hold),
            Input::Tick => {
                self.state = State::Leading {
                    hold: hold.quiet_at(now),
                    renew_at,
                };
                KEEP
            }
            // Promise 4: after a pause the hint may come before the time.
            Input::Changed if now >= self.limit(&hold) => self.limit_passed(now, hold),
            // A stranger touched the record: look at once, but not without end.
            Input::Changed => {
                let window = self.timing.request_timeout / 8;
                if self.is_rare(now, window, MOST_LOOKS) {
                    return self.renew(now, hold);
                }
                let look_at = self.hints.since.plus(window);
                self.state = State::Leading {
                    hold,
                    renew_at: renew_at.min(look_at),
                };
                begin(Verb::Rest)
            }
            Input::CheckedIn(at) => {
                let hold = Hold {
                    checked_in: at.max(hold.checked_in),
                    ..hold
                };
                self.state = State::Leading { hold, renew_at };
                KEEP
            }
            Input::SeenOver
            | Input::Told
            | Input::WorkDone
            | Input::NoWork
            | Input::StepDown
            | Input::Stop => self.while_holding(now, hold, input),
            // Cannot come.
            Input::Acquire(_) | Input::Renew(_) | Input::Release(_) | Input::LetGo => KEEP,
        }
    }

    pub(super) fn while_renewing(
        &mut self,
        now: Instant,
        hold: Hold,
        sent: Instant,
        input: Input,
    ) -> Step {
        match input {
            Input::Tick if now >= self.limit(&hold) => self.limit_passed(now, hold),
            Input::Tick if now >= sent.plus(self.timing.request_timeout) => {
                let step = self.renew(now, hold.quiet_at(now));
                Step {
                    event: Some(Event::Unanswered(Verb::Renew(hold.token))),
                    ..step
                }
            }
            Input::Tick => {
                self.state = State::Renewing {
                    hold: hold.quiet_at(now),
                    sent,
                };
                KEEP
            }
            // Promise 10: losing ends the term at once. Somebody's content in its place is losing.
            Input::Renew(Ok(Renewal::Lost { .. })) => self.drain(now, hold, Ended::Lost, now),
            Input::Renew(Err(Failure {
                kind: ErrorKind::Foreign,
                ..
            })) => self.drain(now, hold, Ended::Lost, now),
            // Promise 1: over is over.
            Input::Renew(_) if now >= hold.deadline => self.limit_passed(now, hold),
            Input::Renew(Ok(Renewal::Renewed)) => self.renewed(sent, hold),
            Input::Renew(Err(failure)) => self.not_renewed(now, hold, failure),
            Input::CheckedIn(at) => {
                let hold = Hold {
                    checked_in: at.max(hold.checked_in),
                    ..hold
                };
                self.state = State::Renewing { hold, sent };
                KEEP
            }
            Input::SeenOver
            | Input::Told
            | Input::WorkDone
            | Input::NoWork
            | Input::StepDown
            | Input::Stop => self.while_holding(now, hold, input),
            // Cannot come.
            Input::Changed | Input::Acquire(_) | Input::Release(_) | Input::LetGo => KEEP,
        }
    }

    /// What is the same whether or not a renewal is under way.
    fn while_holding(&mut self, now: Instant, hold: Hold, input: Input) -> Step {
        match input {
            Input::SeenOver => self.drain(now, hold, Ended::Expired, now.min(hold.deadline)),
            Input::Told => self.told(now),
            Input::StepDown if hold.winding.is_none() => {
                self.sit_out();
                let quiet_from = Some(now.plus(self.timing.stop_grace));
                self.wind_down(now, hold, Ended::SteppedDown, quiet_from)
            }
            // Promise 7: who calls `stop` says that all work is over but what is registered.
            Input::Stop => {
                self.intent = Intent::Stop;
                self.wind_down(now, hold, Ended::Stopped, None)
            }
            Input::WorkDone if hold.winding.is_some() => self.release(now, self.run_out(&hold)),
            Input::NoWork if hold.is_quiet(now) => self.release(now, self.run_out(&hold)),
            Input::StepDown | Input::WorkDone | Input::NoWork => KEEP,
            // Not this function's.
            Input::Tick
            | Input::Changed
            | Input::CheckedIn(_)
            | Input::Acquire(_)
            | Input::Renew(_)
            | Input::Release(_)
            | Input::LetGo => KEEP,
        }
    }

    pub(super) fn while_draining(&mut self, now: Instant, input: Input) -> Step {
        let State::Draining {
            token,
            quiet_from,
            overdue_at,
            runs_out,
            ..
        } = &mut self.state
        else {
            return KEEP;
        };
        let (token, runs_out) = (*token, *runs_out);
        match input {
            Input::Tick => {
                *quiet_from = quiet_from.filter(|quiet_from| now < *quiet_from);
                let overdue = overdue_at.take_if(|overdue_at| now >= *overdue_at);
                Step {
                    event: overdue.map(|_| Event::Overdue(token)),
                    ..KEEP
                }
            }
            Input::Stop => {
                *quiet_from = None;
                self.intent = Intent::Stop;
                KEEP
            }
            // Promise 7: work that outlived deadline and grace is not followed by a release.
            Input::WorkDone if overdue_at.is_none() => self.let_go(now, Some(Event::Unreleased)),
            Input::WorkDone => self.release(now, runs_out),
            Input::NoWork if quiet_from.is_none_or(|quiet_from| now >= quiet_from) => {
                self.release(now, runs_out)
            }
            Input::Told => self.told(now),
            Input::NoWork | Input::StepDown | Input::SeenOver | Input::CheckedIn(_) => KEEP,
            // Cannot come.
            Input::Changed
            | Input::Acquire(_)
            | Input::Renew(_)
            | Input::Release(_)
            | Input::LetGo => KEEP,
        }
    }

    pub(super) fn while_releasing(
        &mut self,
        now: Instant,
        sent: Instant,
        runs_out: Instant,
        input: Input,
    ) -> Step {
        match input {
            Input::Tick if now >= sent.plus(self.timing.request_timeout) => {
                let step = self.unreleased(now, runs_out, None);
                Step {
                    event: step.event.or(Some(Event::Unanswered(Verb::Release))),
                    ..step
                }
            }
            Input::Release(Ok(())) => self.after(now),
            // Somebody's content stands in the record's place: it is not ours to release.
            Input::Release(Err(Failure {
                kind: ErrorKind::Foreign,
                ..
            })) => self.let_go(now, None),
            Input::Release(Err(failure)) => self.unreleased(now, runs_out, failure.retry_after),
            Input::Stop => {
                self.intent = Intent::Stop;
                KEEP
            }
            Input::Tick
            | Input::StepDown
            | Input::SeenOver
            | Input::Told
            | Input::CheckedIn(_)
            | Input::WorkDone
            | Input::NoWork => KEEP,
            // Cannot come.
            Input::Changed | Input::Acquire(_) | Input::Renew(_) | Input::LetGo => KEEP,
        }
    }

    pub(super) fn while_unreleased(
        &mut self,
        now: Instant,
        again: Instant,
        runs_out: Instant,
        input: Input,
    ) -> Step {
        match input {
            Input::Tick if now >= again => self.release(now, runs_out),
            Input::Stop => {
                self.intent = Intent::Stop;
                KEEP
            }
            Input::Tick
            | Input::StepDown
            | Input::SeenOver
            | Input::Told
            | Input::CheckedIn(_)
            | Input::WorkDone
            | Input::NoWork => KEEP,
            // Cannot come.
            Input::Changed
            | Input::Acquire(_)
            | Input::Renew(_)
            | Input::Release(_)
            | Input::LetGo => KEEP,
        }
    }

    pub(super) fn while_letting_go(&mut self, now: Instant, sent: Instant, input: Input) -> Step {
        match input {
            // It is only a mark; it must not hold anything up.
            Input::Tick if now >= sent.plus(self.timing.request_timeout) => self.after(now),
            Input::LetGo => self.after(now),
            Input::Stop => {
                self.intent = Intent::Stop;
                KEEP
            }
            Input::Tick
            | Input::StepDown
            | Input::SeenOver
            | Input::Told
            | Input::CheckedIn(_)
            | Input::WorkDone
            | Input::NoWork => KEEP,
            // Cannot come.
            Input::Changed | Input::Acquire(_) | Input::Renew(_) | Input::Release(_) => KEEP,
        }
    }
}
