//! One life of one candidate: the shipped driver over the shipped protocol and machine, and around it
//! the program that they are for, with its readers and its work.
//!
//! The executor is [`Candidate::poll`]. What it shows is given to the checks after every step.

use crate::beliefs::{Change, Eye, Shown};
use crate::clock::{NEVER, Time, seconds};
use crate::faults::Fault;
use crate::remote::Remote;
use crate::timeline::{Who, tell};
use crate::world::{Act, Event, Local, World, with};
use consensus::Timing;
use consensus::backend::Candidate as Terms;
use consensus::internals::{Ask, Board, Election, Instant, drive};
use consensus::store::RecordBackend;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

/// A running process.
pub(crate) struct Candidate {
    who: usize,
    board: Arc<Board>,
    election: Pin<Box<dyn Future<Output = ()>>>,
    work: Work,
}

/// What the program does with a term.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Style {
    /// It registers its work.
    Registers,
    /// It asks `is_leader()` before each piece.
    Asks,
    /// It does both.
    Mixed,
}

/// The work of one life.
#[derive(Debug)]
struct Work {
    style: Style,
    /// How many registered pieces last as long as the term.
    lasting: u32,
    registered: u32,
    /// It was asked to stop.
    stopped: bool,
}

impl Candidate {
    /// A process starts, and knows nothing of the lives before it.
    pub(crate) fn start(who: usize) -> Self {
        let board = Arc::new(Board::default());
        let (terms, timing, seed) = with(|world| world.starts(who, &board));
        let shared = Arc::clone(&board);
        let election = Box::pin(async move {
            let mut backend = RecordBackend::in_world(Remote(who), Local(who));
            let mut election = Election::new(timing, seed);
            drive(&mut backend, &terms, &mut election, &Local(who), &shared).await;
        });
        let work = Work {
            style: Style::Asks,
            lasting: 0,
            registered: 0,
            stopped: false,
        };
        Self {
            who,
            board,
            election,
            work,
        }
    }

    /// Lets the election do what there is to do. Says whether it is over.
    pub(crate) fn poll(&mut self) -> bool {
        let eye = with(|world| world.begin_poll(self.who));
        let mut context = Context::from_waker(Waker::noop());
        let over = self.election.as_mut().poll(&mut context);
        self.look(eye);
        over == Poll::Ready(())
    }

    /// Gives the checks what the board shows, and the program what became of its term.
    fn look(&mut self, eye: Eye) {
        let (deadline, token) = self.board.belief();
        let shown = Shown {
            deadline: deadline.map(Instant::as_nanos),
            token,
            eye,
        };
        let who = self.who;
        let change = with(|world| {
            let change = world.checks.believes(who, world.now, shown);
            world.tell_change(who, change, token.get());
            change
        });
        match change {
            Change::None | Change::Prolonged => {}
            Change::Began => self.begin_work(),
            Change::Ended => self.end_work(),
        }
    }

    fn leads(&self) -> bool {
        let who = self.who;
        let now = with(|world| world.nodes[who].clock.at(world.now));
        self.board.leads_by(|| now)
    }

    fn begin_work(&mut self) {
        let who = self.who;
        let (style, pieces) = with(|world| world.draw_style(who));
        self.work.style = style;
        if style != Style::Asks {
            for _ in 0..pieces {
                self.register();
            }
        }
    }

    /// Begins a piece of registered work, which ends soon or lasts as long as the term.
    fn register(&mut self) {
        if !self.board.begin_work(|| self.leads()) {
            return;
        }
        self.work.registered += 1;
        let who = self.who;
        let lasts = with(|world| {
            world.checks.work_begins(who);
            let lasts = !world.rng.one_in(4);
            if !lasts {
                let wait = world.rng.below(world.lease);
                world.program(who, wait, Act::WorkEnds);
            }
            lasts
        });
        if lasts {
            self.work.lasting += 1;
        }
    }

    /// The term is over: work that lasts as long takes a while to end, as a rule within its grace.
    fn end_work(&mut self) {
        let lasting = std::mem::take(&mut self.work.lasting);
        for _ in 0..lasting {
            let who = self.who;
            with(|world| {
                let wait = world.draw_tail(who);
                world.program(who, wait, Act::WorkEnds);
            });
        }
    }

    /// Something in the program happens. Says whether the election is to be looked at.
    pub(crate) fn act(&mut self, act: Act) {
        let who = self.who;
        match act {
            Act::Reads => return self.read(),
            Act::WorkEnds => {
                self.work.registered -= 1;
                with(|world| {
                    world.checks.work_ends(who);
                    tell!(world, Who::Candidate(who), "a piece of work ends");
                });
                self.board.end_work();
            }
            Act::ChecksIn => return self.check_in(),
            Act::StepsDown => {
                if !with(|world| world.user_does(who, act, Fault::StepDown)) {
                    return;
                }
                self.board.ask(Ask::StepDown);
            }
            Act::Stops => {
                if !with(|world| world.user_does(who, act, Fault::Stop)) {
                    return;
                }
                // Who stops says that all work is over but what is registered, and begins no more.
                self.work.stopped = true;
                with(|world| world.checks.asked_no_more(who));
                self.board.ask(Ask::Stop);
            }
        }
        with(|world| world.asked(who));
    }

    fn read(&mut self) {
        let who = self.who;
        let leads = self.leads();
        with(|world| {
            let now = world.now;
            world.checks.read(who, now, leads);
        });
        // It may have been the first to see the term over.
        self.look(Eye::Reader);
        if !leads {
            return with(|world| world.asked(who));
        }
        if self.work.style != Style::Registers && !self.work.stopped {
            with(|world| world.asked_and_works(who));
        }
        if self.work.style != Style::Asks && self.work.registered == 0 {
            self.register();
        }
        with(|world| {
            let wait = world.rng.below(world.lease / 2);
            world.program(who, wait, Act::Reads);
        });
    }

    fn check_in(&mut self) {
        let who = self.who;
        let Some(now) = with(|world| world.checks_in(who)) else {
            return;
        };
        self.board.check_in_at(now);
    }
}

impl World {
    fn starts(&mut self, who: usize, board: &Arc<Board>) -> (Terms, Timing, u64) {
        let plan = Rc::clone(&self.plan);
        let part = &plan.parts[who];
        let clock = self.draw_clock(plan.rates_ppm);
        let node = &mut self.nodes[who];
        node.start(clock, Arc::clone(board));
        let life = node.life;
        self.checks.born(who, clock, part);
        self.network.forget_shown(who);
        let mut terms = Terms::new(Arc::clone(&part.identity), part.timing.lease_duration);
        terms.work = part.scope;
        terms.absent = plan.absent;
        tell!(self, Who::Candidate(who), "starts its life {life}");
        for act in [Act::StepsDown, Act::Stops] {
            self.user_does_later(who, act);
        }
        self.wake(who);
        (terms, part.timing, self.rng.bits())
    }

    /// A poll begins. Says with what reading of the clock.
    fn begin_poll(&mut self, who: usize) -> Eye {
        let node = &mut self.nodes[who];
        node.wake = NEVER;
        node.stale.map_or(Eye::Prompt, |_| Eye::Stale)
    }

    /// Something will happen in the program of this life.
    fn program(&mut self, who: usize, wait: Time, what: Act) {
        let life = self.nodes[who].life;
        self.after(wait, Event::Program { who, life, what });
    }

    /// The election was left a word. It reads its clock after it has found that.
    fn asked(&mut self, who: usize) {
        self.nodes[who].stale = None;
        self.wake(who);
    }

    fn user_does_later(&mut self, who: usize, act: Act) {
        let leases = if act == Act::Stops { 150 } else { 60 };
        let wait = self.rng.below(2 * leases * self.lease);
        self.program(who, wait, act);
    }

    fn user_does(&mut self, who: usize, act: Act, fault: Fault) -> bool {
        let happens = self.faults.happens(fault);
        if happens {
            tell!(self, Who::Candidate(who), "is asked to {}", fault.name());
        }
        self.user_does_later(who, act);
        happens
    }

    /// How a term is used, and in how many pieces.
    fn draw_style(&mut self, who: usize) -> (Style, u64) {
        let style = match self.rng.below(3) {
            0 => Style::Asks,
            1 if self.plan.mixed_work => Style::Mixed,
            _ => Style::Registers,
        };
        let wait = self.rng.below(self.lease / 2);
        self.program(who, wait, Act::Reads);
        // And at the very moment at which it may be over.
        let ends = self.checks.leads_until(who);
        self.program(who, ends.saturating_sub(self.now), Act::Reads);
        if let Some(check_in) = self.plan.parts[who].check_in {
            let wait = self.rng.percent(check_in, 20, 90);
            self.program(who, wait, Act::ChecksIn);
        }
        (style, self.rng.between(1, 2))
    }

    /// How long work takes to end after its term.
    fn draw_tail(&mut self, who: usize) -> Time {
        let grace = self.plan.parts[who].grace;
        if self.rng.one_in(12) && self.faults.happens(Fault::OverdueWork) {
            tell!(
                self,
                Who::Candidate(who),
                "has work that outlives its grace"
            );
            return grace + self.rng.below(2 * self.lease);
        }
        match self.rng.below(3) {
            0 => grace - grace / 50,
            1 => 0,
            _ => self.rng.below(grace),
        }
    }

    /// `is_leader()` said yes: a piece of work begins that is over within the grace.
    fn asked_and_works(&mut self, who: usize) {
        let grace = self.plan.parts[who].grace;
        let takes = self.rng.below(grace);
        let clock = self.nodes[who].clock;
        let until = clock.when(clock.at(self.now) + takes);
        self.checks.asked(who, until);
    }

    /// What the clock shows when the work says that it is alive, if it does.
    fn checks_in(&mut self, who: usize) -> Option<u64> {
        let check_in = self.plan.parts[who].check_in?;
        let wait = self.rng.percent(check_in, 20, 90);
        self.program(who, wait, Act::ChecksIn);
        let misses = self.rng.one_in(20) && self.faults.happens(Fault::MissedCheckIn);
        if misses {
            return None;
        }
        let shows = self.nodes[who].clock.at(self.now);
        self.checks.checked_in(who, shows);
        Some(shows)
    }

    fn tell_change(&mut self, who: usize, change: Change, token: u64) {
        let until = seconds(self.checks.leads_until(who));
        let candidate = Who::Candidate(who);
        match change {
            Change::None => {}
            Change::Began => {
                tell!(
                    self,
                    candidate,
                    "leads under token {token} until {until:.6} s"
                );
            }
            Change::Prolonged => {
                tell!(
                    self,
                    candidate,
                    "leads on under token {token} until {until:.6} s"
                );
            }
            Change::Ended => tell!(self, candidate, "leads no more under token {token}"),
        }
    }
}
