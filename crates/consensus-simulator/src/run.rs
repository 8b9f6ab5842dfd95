//! One seed, from its beginning to its end or to the first broken promise: takes the next event, and
//! gives it to whom it concerns.

use crate::candidate::Candidate;
use crate::checks::Violation;
use crate::clock::{HOUR, NEVER, SECOND, Time, seconds};
use crate::faults::{Counts, Fault};
use crate::plan::{CANDIDATES, Options};
use crate::timeline::{Timeline, Who, tell};
use crate::world::{Act, Event, Strike, World, replace, with};
use consensus::WorkScope;

/// What came of a seed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// The first promise that was broken, if one was.
    pub violation: Option<Violation>,
    /// How often what went wrong.
    pub counts: Counts,
    /// How many terms there were.
    pub terms: u64,
    /// How many events there were.
    pub events: u64,
    /// How long the run was, in simulated nanoseconds.
    pub simulated: u64,
    /// What happened, if it was to be kept.
    pub timeline: Vec<String>,
}

/// Runs a seed.
pub fn run(seed: u64, options: &Options) -> Outcome {
    Run::begin(seed, options, Timeline::default())
}

/// Runs a seed and keeps its timeline. It is the same run.
pub fn replay(seed: u64, options: &Options) -> Outcome {
    Run::begin(seed, options, Timeline::kept())
}

struct Run {
    candidates: [Option<Candidate>; CANDIDATES],
}

impl Run {
    fn begin(seed: u64, options: &Options, timeline: Timeline) -> Outcome {
        replace(World::begin(seed, options, timeline));
        let mut run = Self {
            candidates: [const { None }; CANDIDATES],
        };
        let end = options.hours.saturating_mul(HOUR);
        while let Some(event) = with(|world| world.next(end)) {
            run.handle(event);
            if with(|world| world.checks.violation.is_some()) {
                break;
            }
        }
        // The candidates go first: they know no other world.
        drop(run);
        replace(World::default()).outcome()
    }

    fn handle(&mut self, event: Event) {
        match event {
            Event::Wakes(who) => self.poll(who),
            Event::Arrives(id) => with(|world| world.arrives(id)),
            Event::Answers(id) => with(|world| world.answers(id)),
            Event::Hint { who, watch } => with(|world| world.hinted(who, watch)),
            Event::Program { who, life, what } => self.act(who, life, what),
            Event::Starts(who) => {
                if self.candidates[who].is_none() {
                    self.candidates[who] = Some(Candidate::start(who));
                }
            }
            Event::Dies { who, life, why } => self.die(who, life, why),
            Event::Strikes(strike) => self.strike(strike),
            Event::Repair => with(World::repair),
            Event::Calm => with(World::calm),
            Event::CalmIsOver => with(World::calm_is_over),
        }
    }

    fn poll(&mut self, who: usize) {
        let Some(candidate) = &mut self.candidates[who] else {
            return with(|world| world.nodes[who].wake = NEVER);
        };
        if candidate.poll() {
            self.end(who, "has stopped");
        }
    }

    fn act(&mut self, who: usize, life: u32, what: Act) {
        let Some(candidate) = &mut self.candidates[who] else {
            return;
        };
        if with(|world| world.is_now(who, life, what)) {
            candidate.act(what);
        }
    }

    fn die(&mut self, who: usize, life: u32, why: Fault) {
        let lives = with(|world| world.nodes[who].life == life);
        if lives && self.candidates[who].is_some() {
            self.end(who, why.name());
        }
    }

    /// A process is gone, and another life of it will begin.
    fn end(&mut self, who: usize, why: &str) {
        self.candidates[who] = None;
        with(|world| world.ended(who, why));
    }

    /// Something comes by itself.
    fn strike(&mut self, strike: Strike) {
        with(|world| world.strike_later(strike));
        match strike {
            Strike::Crash(who) => {
                let why = Fault::Crash;
                if self.candidates[who].is_some() && with(|world| world.faults.happens(why)) {
                    self.end(who, why.name());
                }
            }
            Strike::Pause(who) => with(|world| {
                if world.nodes[who].alive && world.faults.happens(Fault::Pause) {
                    world.pause(who);
                }
            }),
            Strike::Freeze => with(World::freeze),
            Strike::Stranger => with(World::stranger_acts),
        }
    }
}

impl World {
    fn hinted(&mut self, who: usize, number: u32) {
        let watch = &mut self.nodes[who].watch;
        if watch.waits && watch.number == number {
            watch.arrived = true;
            self.wake(who);
        }
    }

    /// Whether the program of this life still runs. If it is paused, this happens after that.
    fn is_now(&mut self, who: usize, life: u32, what: Act) -> bool {
        let node = &self.nodes[who];
        if node.life != life {
            return false;
        }
        let paused = node.paused;
        if paused > self.now {
            self.at(paused, Event::Program { who, life, what });
            return false;
        }
        true
    }

    fn ended(&mut self, who: usize, why: &str) {
        let node = &mut self.nodes[who];
        node.alive = false;
        node.wake = NEVER;
        node.watch.waits = false;
        let author = crate::checks::Author {
            candidate: who,
            life: node.life,
        };
        tell!(self, Who::Candidate(who), "is gone: {why}");
        let leaves_work = self.plan.parts[who].scope == WorkScope::Beyond;
        let orphan = self.checks.died(who, self.now, leaves_work);
        self.server.unmark(author, orphan);
        let wait: Time = match self.rng.below(3) {
            0 => self.rng.below(SECOND / 10),
            _ => self.rng.below(2 * self.lease),
        };
        self.after(wait, Event::Starts(who));
    }

    fn freeze(&mut self) {
        if !self.faults.happens(Fault::Freeze) {
            return;
        }
        self.server.frozen = self.now + self.rng.below(2 * self.lease);
        let until = seconds(self.server.frozen);
        tell!(self, Who::Store, "does nothing until {until:.6} s");
    }

    fn calm(&mut self) {
        self.faults.calm = true;
        self.server.frozen = self.server.frozen.min(self.now);
        self.repair();
        tell!(self, Who::World, "nothing goes wrong from now on");
        self.after(self.lease * 10, Event::CalmIsOver);
    }

    fn calm_is_over(&mut self) {
        self.faults.calm = false;
        if !self.checks.anybody_leads(self.now) {
            self.checks.nobody_leads(self.now);
        }
        tell!(self, Who::World, "things go wrong again");
        self.after(self.lease * 120, Event::Calm);
    }

    fn outcome(mut self) -> Outcome {
        if let Some(violation) = &self.checks.violation {
            let text = violation.to_string();
            tell!(self, Who::World, "VIOLATION of {text}");
        }
        Outcome {
            violation: self.checks.violation.take(),
            counts: self.faults.counts,
            terms: self.checks.terms,
            events: self.passed,
            simulated: self.now,
            timeline: self.timeline.take(),
        }
    }
}
