//! The loop that does what the machine says, and decides nothing: the backend is always doing exactly
//! one thing, raced against the clock and the user. The simulator runs this very function.

use crate::Error;
use crate::backend::{Backend, Candidate};
use crate::board::{Board, WorkLeft};
use crate::election::{Election, Event, Failure, Input, Then, Verb};
use crate::report::Report;
use crate::world::{Instant, World};
use std::pin::{Pin, pin};
use std::task::Poll;

/// The object-safe twin of [`Backend`]: one method, since a backend is always doing one thing.
pub trait AnyBackend: Send {
    /// Does this, and says what came of it.
    fn perform<'a>(&'a mut self, verb: Verb, candidate: &'a Candidate) -> Doing<'a>;
}

/// A verb under way.
type Doing<'a> = Pin<Box<dyn Future<Output = Answer> + Send + 'a>>;

/// What the machine is told, and what people are told.
#[derive(Debug)]
pub struct Answer {
    input: Input,
    error: Option<Error>,
}

impl<B: Backend> AnyBackend for B {
    fn perform<'a>(&'a mut self, verb: Verb, candidate: &'a Candidate) -> Doing<'a> {
        match verb {
            Verb::Acquire => {
                Box::pin(
                    async move { Answer::new(self.try_acquire(candidate).await, Input::Acquire) },
                )
            }
            Verb::Renew(token) => {
                Box::pin(
                    async move { Answer::new(self.renew(candidate, token).await, Input::Renew) },
                )
            }
            Verb::Release => {
                Box::pin(async move { Answer::new(self.release(candidate).await, Input::Release) })
            }
            Verb::LetGo => Box::pin(async move {
                self.let_go().await;
                Answer {
                    input: Input::LetGo,
                    error: None,
                }
            }),
            Verb::Watch => Box::pin(async move {
                self.changed().await;
                Answer {
                    input: Input::Changed,
                    error: None,
                }
            }),
            Verb::Rest => Box::pin(std::future::pending()),
        }
    }
}

impl Answer {
    fn new<T>(answer: Result<T, Error>, input: fn(Result<T, Failure>) -> Input) -> Self {
        match answer {
            Ok(answer) => Self {
                input: input(Ok(answer)),
                error: None,
            },
            Err(error) => Self {
                input: input(Err(Failure::from(&error))),
                error: Some(error),
            },
        }
    }
}

/// Runs one candidate's election to its end.
pub async fn drive<W: World>(
    backend: &mut dyn AnyBackend,
    candidate: &Candidate,
    election: Election,
    world: &W,
    board: &Board,
) {
    let report = Report::new(&candidate.identity, board);
    let mut driver = Driver {
        election,
        world,
        board,
        report,
    };
    let mut verb = Verb::Rest;
    loop {
        // Dropped, and so abandoned, when the machine begins something else.
        let mut doing = backend.perform(verb, candidate);
        verb = loop {
            let input = driver.next(&mut doing).await;
            match driver.take(input) {
                Then::Keep => {}
                Then::Begin(verb) => break verb,
                Then::Finish => return driver.report.stopped(),
            }
        };
    }
}

struct Driver<'a, W> {
    election: Election,
    world: &'a W,
    board: &'a Board,
    report: Report<'a>,
}

impl<W: World> Driver<'_, W> {
    /// What comes first: the user, the answer, or the time.
    async fn next(&mut self, doing: &mut Doing<'_>) -> Input {
        let wake = self.election.wake();
        let mut sleep = pin!(async {
            match wake {
                Some(at) => self.world.sleep_until(at).await,
                None => std::future::pending().await,
            }
        });
        let answer = std::future::poll_fn(|cx| {
            if let Some(input) = self.board.take_asked(cx.waker()) {
                return Poll::Ready(Answer { input, error: None });
            }
            if let Poll::Ready(answer) = doing.as_mut().poll(cx) {
                return Poll::Ready(answer);
            }
            sleep.as_mut().poll(cx).map(|()| Answer {
                input: Input::Tick,
                error: None,
            })
        })
        .await;
        self.report.answer(&answer.input, answer.error);
        answer.input
    }

    /// Gives the machine what happened, and around it what is true: whether work is left.
    fn take(&mut self, input: Input) -> Then {
        let now = self.world.now();
        let mut then = Then::Keep;
        if let Input::Tick = input {
            if let Some(at) = self.board.checked_in() {
                self.step(now, Input::CheckedIn(at), &mut then);
            }
            self.tell_of_work(now, &mut then);
        }
        self.step(now, input, &mut then);
        self.tell_of_work(now, &mut then);
        then
    }

    fn tell_of_work(&mut self, now: Instant, then: &mut Then) {
        if !self.election.awaits_work() {
            return;
        }
        match self.board.work_left() {
            WorkLeft::Some => {}
            WorkLeft::Done => self.step(now, Input::WorkDone, then),
            WorkLeft::Unknown => self.step(now, Input::NoWork, then),
        }
    }

    fn step(&mut self, now: Instant, input: Input, then: &mut Then) {
        let before = self.election.belief();
        let step = self.election.step(now, input);
        // The reason before the belief goes: who sees the term over asks why.
        if let Some(Event::Ended(token, why)) = step.event {
            self.report.will_end(token, why);
        }
        // The belief before the news: who is woken by the news looks at the belief.
        let published = self.board.publish(before, self.election.belief());
        if before.is_some() && self.election.belief().is_none() {
            // A fresh reading: this thread may have stood still since the last one.
            self.election.step(self.world.now(), Input::Told);
        }
        if step.then != Then::Keep {
            *then = step.then;
        }
        if let Some(event) = step.event {
            self.report.event(event);
        }
        if !published {
            // Promise 1: a reader saw the term over while it was being renewed. It stays over.
            self.step(now, Input::SeenOver, then);
        }
    }
}
