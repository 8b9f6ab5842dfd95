//! What people are told: the log, with fixed field names, and the view of the handles.
//!
//! Fields: `identity`, `token`, `leader`, `reason`, `error`, `wait`. An outage is logged when it begins,
//! when there is an error that it did not have before and when it is over, not at every try.

use crate::backend::{Leader, Renewal};
use crate::board::Board;
use crate::election::{Event, Input, Verb};
use crate::status::Status;
use crate::{Ended, Error, ErrorKind, Token};
use std::time::Duration;

/// More errors of one outage than this are not logged: some are another each time.
const MOST_LOGGED: usize = 8;

pub(crate) struct Report<'a> {
    identity: &'a str,
    board: &'a Board,
    /// The errors of this outage.
    trouble: Vec<String>,
    /// Who was found in our place, if somebody was.
    found: Option<Leader>,
    /// The leader that handles were told of last, if they were told nothing since.
    follows: Option<Leader>,
}

impl<'a> Report<'a> {
    pub(crate) fn new(identity: &'a str, board: &'a Board) -> Self {
        Self {
            identity,
            board,
            trouble: Vec::new(),
            found: None,
            follows: None,
        }
    }

    /// The store answered, or failed to.
    pub(crate) fn answer(&mut self, input: &Input, error: Option<Error>) {
        if let Input::Renew(Ok(Renewal::Lost { leader })) = input {
            self.found.clone_from(leader);
        }
        match (input, error) {
            (_, Some(error)) => self.fails(error),
            (Input::Acquire(_) | Input::Renew(_) | Input::Release(_), None) => self.works(),
            (
                Input::Tick
                | Input::Changed
                | Input::LetGo
                | Input::CheckedIn(_)
                | Input::SeenOver
                | Input::Told
                | Input::WorkDone
                | Input::NoWork
                | Input::StepDown
                | Input::Stop,
                None,
            ) => {}
        }
    }

    /// Leaves the reason for a term's end, and wakes nobody: it has not ended yet.
    pub(crate) fn will_end(&self, token: Token, why: Ended) {
        self.board.tell(|view| {
            view.ended = Some((token, why));
            false
        });
    }

    pub(crate) fn event(&mut self, event: Event) {
        let identity = self.identity;
        let followed = self.follows.take();
        match event {
            Event::Began(token) => {
                tracing::info!(identity, %token, "leads");
                self.board.tell(|view| {
                    view.failure = None;
                    view.status = Status::Leading { token };
                    true
                });
            }
            Event::Ended(token, why) => {
                debug_assert!(
                    self.board.belief().0.is_none(),
                    "the news came before the belief"
                );
                let reason = why.as_str();
                match why {
                    Ended::Stopped | Ended::SteppedDown => {
                        tracing::info!(identity, %token, reason, "leads no more: {why}");
                    }
                    Ended::Lost | Ended::Expired | Ended::CheckInMissed => {
                        let leader = self.found.take().map(|leader| leader.to_string());
                        let leader = leader.as_deref();
                        tracing::warn!(identity, %token, reason, leader, "leads no more: {why}");
                    }
                }
                self.board.tell(|view| {
                    view.status = Status::Ending { token, why };
                    true
                });
            }
            Event::Follows { leader, at_most } => {
                self.follows.clone_from(&leader);
                if leader.is_some() && leader == followed {
                    return;
                }
                let named = leader.is_some();
                // What went wrong with a lease of ours is over with that lease.
                self.board.tell(|view| {
                    view.failure = None;
                    false
                });
                if self.board.set_status(Status::Following {
                    leader: leader.clone(),
                }) && named
                {
                    let leader = leader.map(|leader| leader.to_string()).unwrap_or_default();
                    tracing::info!(identity, leader, "follows");
                } else if !named && at_most.is_some_and(|wait| wait >= Duration::from_millis(100)) {
                    let wait = at_most.map(tracing::field::debug);
                    tracing::info!(
                        identity,
                        wait,
                        "waits: the record is gone or released, but somebody may still lead"
                    );
                }
            }
            Event::Unanswered(verb) => {
                let what = match verb {
                    Verb::Acquire => "to try to lead",
                    Verb::Renew(_) => "to renew",
                    Verb::Release => "to release",
                    Verb::LetGo | Verb::Watch | Verb::Rest => "for nothing",
                };
                let message = format!("the store did not answer the request {what} in time");
                self.fails(Error::new(ErrorKind::Unavailable, message));
            }
            Event::Overdue(token) => {
                tracing::warn!(
                    identity,
                    %token,
                    "the work outlives its grace: nothing is released, and no new term begins here \
                     before it is over"
                );
            }
            Event::Unreleased => {
                let message = "the lease was not released: the work outlived it, or the store did \
                               not answer; it runs out by itself";
                tracing::warn!(identity, "{message}");
                let failure = Error::new(ErrorKind::Unavailable, message);
                self.board.tell(|view| {
                    view.failure = Some(failure);
                    false
                });
            }
            Event::Over => {
                tracing::debug!(identity, "holds nothing");
                self.board.tell(|view| {
                    let changed = matches!(view.status, Status::Ending { .. });
                    if changed {
                        view.status = Status::Following { leader: None };
                    }
                    changed
                });
            }
        }
    }

    /// The machine is at its end.
    pub(crate) fn stopped(&mut self) {
        tracing::info!(identity = self.identity, "stopped");
        self.board.set_status(Status::Stopped);
    }

    fn fails(&mut self, error: Error) {
        let text = error.to_string();
        if self.trouble.len() < MOST_LOGGED && !self.trouble.contains(&text) {
            let identity = self.identity;
            if error.kind() == ErrorKind::Foreign {
                tracing::warn!(identity, error = text, "somebody's content is in the way");
            } else {
                tracing::warn!(identity, error = text, "the store fails");
            }
            self.trouble.push(text);
        }
        self.board.tell(|view| {
            view.trouble = Some(error);
            true
        });
    }

    fn works(&mut self) {
        if !self.trouble.is_empty() {
            // Its memory as well: elections at rest are small.
            self.trouble = Vec::new();
            tracing::info!(identity = self.identity, "the store answers again");
            self.board.tell(|view| view.trouble.take().is_some());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Report;
    use crate::Token;
    use crate::backend::Leader;
    use crate::board::Board;
    use crate::election::Event;
    use crate::status::Status;

    /// Breaks if `follows` outlives what is told after it.
    #[test]
    fn a_leader_that_comes_back_is_told_again() {
        let board = Board::default();
        let mut report = Report::new("one", &board);
        let leader = Some(Leader {
            identity: "other".into(),
            address: None,
        });
        let follows = Event::Follows {
            leader: leader.clone(),
            at_most: None,
        };
        report.event(follows.clone());
        report.event(Event::Began(Token::new(1)));
        report.event(follows);
        assert_eq!(board.status(), Status::Following { leader });
    }
}
