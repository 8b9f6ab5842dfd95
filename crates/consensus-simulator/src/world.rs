//! The simulated world: true time, what is going to happen, and everything that the candidates share.
//!
//! It lives in a thread-local, since the shipped code knows nothing of it: clock, store and watch of
//! a candidate reach it by the candidate's number. Owns the order of events. What the store does is in
//! `server.rs`, what happens on the way to it in `network.rs`, what processes do in `candidate.rs`.

use crate::checks::Checks;
use crate::clock::{Clock, HOUR, MS, NEVER, SECOND, Time, seconds};
use crate::faults::{Fault, Faults};
use crate::network::Network;
use crate::plan::{CANDIDATES, Options, Plan};
use crate::rng::Rng;
use crate::server::Server;
use crate::timeline::{Timeline, Who, tell};
use consensus::Error;
use consensus::internals::{Board, Instant, World as CandidateWorld};
use consensus::store::Nonce;
use std::cell::RefCell;
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll};

/// What is going to happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Event {
    /// A request reaches the store.
    Arrives(usize),
    /// An answer reaches its candidate.
    Answers(usize),
    /// A candidate has to look at what there is.
    Wakes(usize),
    /// A hint reaches a candidate, if that still waits for this one.
    Hint {
        who: usize,
        watch: u32,
    },
    /// Something in the program around the election.
    Program {
        who: usize,
        life: u32,
        what: Act,
    },
    Starts(usize),
    Dies {
        who: usize,
        life: u32,
        why: Fault,
    },
    /// The time has come for what comes by itself.
    Strikes(Strike),
    /// Whatever a stranger put in the record's place is taken away again.
    Repair,
    /// Nothing goes wrong for a while.
    Calm,
    /// By now somebody must lead.
    CalmIsOver,
}

/// What comes by itself, at any time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Strike {
    Crash(usize),
    Pause(usize),
    Freeze,
    Stranger,
}

/// What the program around an election does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Act {
    Reads,
    WorkEnds,
    ChecksIn,
    StepsDown,
    Stops,
}

#[derive(Debug, Default)]
pub(crate) struct World {
    pub(crate) now: Time,
    pub(crate) rng: Rng,
    pub(crate) plan: Rc<Plan>,
    pub(crate) lease: Time,
    pub(crate) faults: Faults,
    pub(crate) nodes: Vec<Node>,
    pub(crate) server: Server,
    pub(crate) network: Network,
    pub(crate) checks: Checks,
    pub(crate) timeline: Timeline,
    events: BinaryHeap<Reverse<(Time, u64, Event)>>,
    pushed: u64,
    pub(crate) passed: u64,
}

/// One candidate's machine.
#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) clock: Clock,
    pub(crate) life: u32,
    pub(crate) alive: bool,
    /// The whole process stands still.
    pub(crate) paused: Time,
    /// The election's thread stands still; readers go on.
    pub(crate) stalled: Time,
    /// What the election's thread read from its clock just before it was stopped.
    pub(crate) stale: Option<u64>,
    /// When to look at the candidate again.
    pub(crate) wake: Time,
    pub(crate) watch: Watch,
    /// What the process's readers ask.
    pub(crate) board: Arc<Board>,
}

/// What a candidate waits for at the store.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Watch {
    pub(crate) number: u32,
    pub(crate) seen: Option<u64>,
    pub(crate) waits: bool,
    /// A hint is on its way, or was lost.
    pub(crate) told: bool,
    pub(crate) arrived: bool,
}

impl Node {
    fn new(clock: Clock) -> Self {
        Self {
            clock,
            life: 0,
            alive: false,
            paused: 0,
            stalled: 0,
            stale: None,
            wake: NEVER,
            watch: Watch::default(),
            board: Arc::default(),
        }
    }

    pub(crate) fn start(&mut self, clock: Clock, board: Arc<Board>) {
        *self = Self {
            life: self.life + 1,
            alive: true,
            board,
            ..Self::new(clock)
        };
    }
}

thread_local! {
    static WORLD: RefCell<World> = RefCell::new(World::default());
}

/// Does something in this thread's world. Never within itself.
#[inline]
pub(crate) fn with<T>(what: impl FnOnce(&mut World) -> T) -> T {
    WORLD.with(|world| what(&mut world.borrow_mut()))
}

/// Puts another world in the place of this thread's, and gives that back.
pub(crate) fn replace(world: World) -> World {
    WORLD.replace(world)
}

impl World {
    /// The world of a seed, at its beginning.
    pub(crate) fn begin(seed: u64, options: &Options, timeline: Timeline) -> Self {
        let mut rng = Rng::new(seed);
        let plan = Plan::draw(options, &mut rng);
        let mut world = Self {
            now: SECOND,
            lease: plan.lease,
            faults: Faults::new(options.switches, plan.intensity),
            server: Server::new(&plan),
            checks: Checks::new(options.promises),
            rng,
            timeline,
            ..Self::default()
        };
        tell!(world, Who::World, "seed {seed}: {plan:?}");
        for (who, part) in plan.parts.iter().enumerate() {
            let clock = world.draw_clock(plan.rates_ppm);
            world.checks.born(who, clock, part);
            world.nodes.push(Node::new(clock));
        }
        world.plan = Rc::new(plan);
        world.begin_events();
        world
    }

    fn begin_events(&mut self) {
        for who in 0..CANDIDATES {
            let after = self.rng.below(2 * SECOND);
            self.after(after, Event::Starts(who));
            self.strike_later(Strike::Crash(who));
            self.strike_later(Strike::Pause(who));
        }
        self.strike_later(Strike::Freeze);
        self.strike_later(Strike::Stranger);
        self.after(self.lease * 100, Event::Calm);
    }

    /// Offsets are arbitrary. Rates reach the edge of what is tolerated in two of three draws.
    pub(crate) fn draw_clock(&mut self, ppm: u64) -> Clock {
        let offset = self.rng.between(HOUR, 300_000 * SECOND);
        let ppm = i64::try_from(ppm).unwrap_or(i64::MAX);
        let ppm = match self.rng.below(3) {
            0 => ppm,
            1 => -ppm,
            _ => {
                let within = self.rng.below(2 * ppm.unsigned_abs() + 1);
                i64::try_from(within).unwrap_or_default() - ppm
            }
        };
        Clock::new(offset, ppm)
    }

    pub(crate) fn at(&mut self, time: Time, event: Event) {
        self.pushed += 1;
        self.events.push(Reverse((time, self.pushed, event)));
    }

    pub(crate) fn after(&mut self, wait: Time, event: Event) {
        self.at(self.now.saturating_add(wait), event);
    }

    /// Once in so many leases, on average.
    pub(crate) fn strike_later(&mut self, strike: Strike) {
        let leases = match strike {
            Strike::Stranger => 15,
            Strike::Pause(_) => 30,
            Strike::Freeze => 60,
            Strike::Crash(_) => 80,
        };
        let wait = self.rng.below(2 * leases * self.lease);
        self.after(wait, Event::Strikes(strike));
    }

    /// The next thing to happen before `end`.
    #[inline]
    pub(crate) fn next(&mut self, end: Time) -> Option<Event> {
        let mut first = (NEVER, 0);
        for (who, node) in self.nodes.iter().enumerate() {
            let wakes = node.wake.max(node.paused).max(node.stalled);
            if wakes < first.0 {
                first = (wakes, who);
            }
        }
        let event = match self.events.peek() {
            Some(Reverse((time, _, _))) if *time < first.0 => self.events.pop(),
            Some(_) | None => None,
        };
        let (time, event) = match event {
            Some(Reverse((time, _, event))) => (time, event),
            None => (first.0, Event::Wakes(first.1)),
        };
        if time >= end {
            return None;
        }
        self.now = self.now.max(time);
        self.passed += 1;
        Some(event)
    }

    pub(crate) fn wake(&mut self, who: usize) {
        let node = &mut self.nodes[who];
        node.wake = node.wake.min(self.now);
    }

    /// A pause: short, about as long as the lease, or longer.
    pub(crate) fn draw_pause(&mut self) -> Time {
        let lease = self.lease;
        match self.rng.below(4) {
            0 => self.rng.below(lease / 10),
            1 => self.rng.below(lease),
            2 => lease / 2 + self.rng.below(lease),
            _ => self.rng.below(2 * lease),
        }
    }

    /// The whole process stands still; says until when.
    pub(crate) fn pause(&mut self, who: usize) -> Time {
        let pause = self.draw_pause();
        let node = &mut self.nodes[who];
        node.paused = node.paused.max(self.now + pause);
        let paused = node.paused;
        let until = seconds(paused);
        tell!(self, Who::Candidate(who), "is paused until {until:.6} s");
        paused
    }

    /// The election's thread is stopped just after it reads its clock, often until its term is over.
    pub(crate) fn stall(&mut self, who: usize) {
        let left = self.checks.leads_until(who).saturating_sub(self.now);
        let stall = if left > 0 && left < 2 * self.lease && self.rng.one_in(2) {
            left + self.rng.below(self.lease / 8)
        } else {
            self.draw_pause()
        };
        let node = &mut self.nodes[who];
        node.stale.get_or_insert(node.clock.at(self.now));
        node.stalled = self.now + stall;
        let until = seconds(node.stalled);
        tell!(
            self,
            Who::Candidate(who),
            "reads its clock, and its election stands still until {until:.6} s"
        );
    }

    /// The way from a candidate to the store, or back.
    #[inline]
    pub(crate) fn draw_way(&mut self) -> Time {
        MS + self.rng.below(4 * MS)
    }
}

/// The world as the shipped code of one candidate sees it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Local(pub(crate) usize);

impl CandidateWorld for Local {
    fn now(&self) -> Instant {
        let (shows, stale) = with(|world| {
            let node = &mut world.nodes[self.0];
            (node.clock.at(world.now), node.stale.take())
        });
        if stale.is_some() {
            read_meanwhile(self.0, shows);
        }
        Instant::from_nanos(stale.unwrap_or(shows))
    }

    fn wall_ms(&self) -> u64 {
        with(|world| world.nodes[self.0].clock.at(world.now) / MS)
    }

    fn nonce(&self) -> Result<Nonce, Error> {
        with(|world| {
            let bits = [world.rng.bits(), world.rng.bits()].map(u128::from);
            Ok(Nonce::from_bits(bits[0] << 64 | bits[1]))
        })
    }

    fn sleep_until(&self, at: Instant) -> impl Future<Output = ()> + Send {
        Sleep { who: self.0, at }
    }
}

/// A reader looks while the election's thread stands still with an old reading of the clock.
fn read_meanwhile(who: usize, shows: u64) {
    let board = with(|world| Arc::clone(&world.nodes[who].board));
    let leads = board.leads_by(|| shows);
    with(|world| {
        let now = world.now;
        world.checks.read(who, now, leads);
    });
}

/// A candidate has one sleeper at most: the last one polled says when to look again.
struct Sleep {
    who: usize,
    at: Instant,
}

impl Future for Sleep {
    type Output = ();

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        with(|world| {
            let node = &mut world.nodes[self.who];
            if node.clock.at(world.now) >= self.at.as_nanos() {
                return Poll::Ready(());
            }
            node.wake = node.clock.when(self.at.as_nanos());
            Poll::Pending
        })
    }
}
