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

/// A verb under way.
type Doing<'a> = Pin<&'a mut (dyn Future<Output = Answer> + Send + 'a)>;

/// What the machine is told, and what people are told.
#[derive(Debug)]
struct Answer {
    input: Input,
    error: Option<Error>,
}

impl Answer {
    fn of(input: Input) -> Self {
        Self { input, error: None }
    }

    fn new<T>(answer: Result<T, Error>, input: fn(Result<T, Failure>) -> Input) -> Self {
        match answer {
            Ok(answer) => Self::of(input(Ok(answer))),
            Err(error) => Self {
                input: input(Err(Failure::from(&error))),
                error: Some(error),
            },
        }
    }
}

/// Runs one candidate's election to its end.
pub async fn drive<B: Backend, W: World>(
    backend: &mut B,
    candidate: &Candidate,
    election: &mut Election,
    world: &W,
    board: &Board,
) {
    let mut driver = Driver {
        election,
        world,
        board,
        report: Report::new(&candidate.identity, board),
    };
    let mut verb = Verb::Rest;
    loop {
        // Dropped, and so abandoned, when the machine begins something else. A life is spent watching:
        // that lies with the rest of the election, where its wakes find it at once. Requests are large
        // and short: each has memory of its own, and only while it lasts.
        let next = match verb {
            Verb::Watch => driver.race(pin!(watch(backend))).await,
            Verb::Rest => driver.race(pin!(std::future::pending())).await,
            Verb::Acquire | Verb::Renew(_) | Verb::Release | Verb::LetGo => {
                let mut doing = Box::pin(request(backend, verb, candidate));
                driver.race(doing.as_mut()).await
            }
        };
        match next {
            Some(next) => verb = next,
            None => return driver.report.stopped(),
        }
    }
}

struct Driver<'a, W> {
    election: &'a mut Election,
    world: &'a W,
    board: &'a Board,
    report: Report<'a>,
}

impl<W: World> Driver<'_, W> {
    /// Gives the machine what comes first, the user, the answer or the time, until it begins something
    /// else. `None`: the election is over.
    async fn race(&mut self, mut doing: Doing<'_>) -> Option<Verb> {
        loop {
            let wake = self.election.wake();
            let mut sleep = pin!(async {
                match wake {
                    Some(at) => self.world.sleep_until(at).await,
                    None => std::future::pending().await,
                }
            });
            let first = std::future::poll_fn(|cx| {
                if let Some(input) = self.board.take_asked(cx.waker()) {
                    return Poll::Ready(Answer::of(input));
                }
                if let Poll::Ready(answer) = doing.as_mut().poll(cx) {
                    return Poll::Ready(answer);
                }
                let tick = sleep.as_mut().poll(cx);
                tick.map(|()| Answer::of(Input::Tick))
            });
            let Answer { input, error } = first.await;
            self.report.answer(&input, error);
            match self.take(input) {
                Then::Keep => {}
                Then::Begin(verb) => return Some(verb),
                Then::Finish => return None,
            }
        }
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

/// Asks the backend, and gives its answer.
async fn request<B: Backend>(backend: &mut B, verb: Verb, candidate: &Candidate) -> Answer {
    match verb {
        Verb::Acquire => Answer::new(backend.try_acquire(candidate).await, Input::Acquire),
        Verb::Renew(token) => Answer::new(backend.renew(candidate, token).await, Input::Renew),
        Verb::Release => Answer::new(backend.release(candidate).await, Input::Release),
        Verb::LetGo => {
            backend.let_go().await;
            Answer::of(Input::LetGo)
        }
        Verb::Watch => watch(backend).await,
        Verb::Rest => std::future::pending().await,
    }
}

async fn watch<B: Backend>(backend: &mut B) -> Answer {
    backend.changed().await;
    Answer::of(Input::Changed)
}
