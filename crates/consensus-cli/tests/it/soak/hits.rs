//! What is done to the processes of an arena, and when.
//!
//! Owns which hits count as *double*: those after which neither `consensus` nor its guard can end the work
//! in time, since both are dead or stopped at once. They happen on purpose only; a single hit never meets a
//! candidate of which the other of the two is out of action already.

use super::arena::{Arena, LEASE};
use super::dice::Dice;
use super::processes::{Process, Role};
use rustix::process::Signal;
use std::collections::BTreeMap;
use std::ops::AddAssign;
use std::thread::sleep;
use std::time::{Duration, Instant};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Hit {
    /// SIGKILL.
    Kill,
    /// SIGSTOP, and SIGCONT after less than a lease.
    Stop,
    /// SIGSTOP, and SIGCONT after more than a lease.
    Freeze,
    /// SIGTERM.
    Term,
    /// SIGTSTP, and SIGCONT soon.
    Suspend,
}

/// How often what was hit.
#[derive(Debug, Default)]
pub struct Tally {
    pub single: BTreeMap<(Hit, Role), u32>,
    /// `consensus` and its guard at once.
    pub double: BTreeMap<Hit, u32>,
}

impl Tally {
    pub fn of_hit(&self, hit: Hit) -> u32 {
        let hits = self.single.iter().filter(|((of, _), _)| *of == hit);
        hits.map(|(_, count)| count).sum()
    }

    pub fn of_role(&self, role: Role) -> u32 {
        let hits = self.single.iter().filter(|((_, of), _)| *of == role);
        hits.map(|(_, count)| count).sum()
    }

    pub fn all(&self) -> u32 {
        self.single.values().chain(self.double.values()).sum()
    }
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        for (what, count) in other.single {
            *self.single.entry(what).or_default() += count;
        }
        for (what, count) in other.double {
            *self.double.entry(what).or_default() += count;
        }
    }
}

/// Something that is to happen later.
#[derive(Debug)]
enum Later {
    GoOn(Process),
    /// What nobody else ends.
    CleanUp(u64),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Out {
    Dead(Role),
    Stopped(Role),
}

impl Out {
    fn role(self) -> Role {
        match self {
            Self::Dead(role) | Self::Stopped(role) => role,
        }
    }
}

/// Hits the processes of an arena.
#[derive(Debug)]
pub struct Hitter {
    later: Vec<(Instant, Later)>,
    /// Which of the two of a candidate is out of action.
    out: BTreeMap<u64, Out>,
    pub tally: Tally,
}

/// How long a process that is there for a moment only is looked for, and how often.
const LOOKED_FOR: Duration = Duration::from_millis(1_200);
const LOOK: Duration = Duration::from_micros(150);

impl Hitter {
    pub fn new() -> Self {
        Self {
            later: Vec::new(),
            out: BTreeMap::new(),
            tally: Tally::default(),
        }
    }

    /// Does what is due.
    pub fn keep_up(&mut self, arena: &Arena) {
        let now = Instant::now();
        let is_due = |later: &mut (Instant, Later)| later.0 <= now;
        let due: Vec<_> = self.later.extract_if(.., is_due).collect();
        for (_, what) in due {
            match what {
                Later::GoOn(process) => self.go_on(&process),
                Later::CleanUp(candidate) => {
                    let all = arena.processes();
                    for process in all.iter().filter(|process| process.candidate == candidate) {
                        process.gets(Signal::KILL);
                    }
                }
            }
        }
    }

    /// Nobody stays stopped.
    pub fn finish(&mut self) {
        for (_, what) in std::mem::take(&mut self.later) {
            if let Later::GoOn(process) = what {
                self.go_on(&process);
            }
        }
    }

    fn go_on(&mut self, process: &Process) {
        process.gets(Signal::CONT);
        if self.out.get(&process.candidate) == Some(&Out::Stopped(process.role)) {
            self.out.remove(&process.candidate);
        }
    }

    /// One random hit; of a leader's processes more often than not.
    pub fn hit_one(&mut self, arena: &mut Arena, dice: &mut Dice) {
        let all = arena.processes();
        let leader = arena.leader();
        let leads = |process: &&Process| Some(process.candidate) == leader;
        let leaders: Vec<&Process> = all.iter().filter(leads).collect();
        if !leaders.is_empty() && dice.one_in(20) {
            return self.hit_both(&leaders, arena, dice);
        }
        let everybody: Vec<&Process> = all.iter().collect();
        let among = if leaders.is_empty() || dice.one_in(3) {
            everybody
        } else {
            leaders
        };
        let Some(process) = dice.pick(&among) else {
            return;
        };
        let hit = match dice.below(20) {
            0..7 => Hit::Kill,
            7..11 => Hit::Stop,
            11..14 => Hit::Freeze,
            14..17 => Hit::Term,
            _ => Hit::Suspend,
        };
        if !self.may(process, hit, arena) {
            return;
        }
        let of_process = |other: &&Process| other.candidate == process.candidate;
        let guard = all
            .iter()
            .filter(of_process)
            .find(|other| other.role == Role::Guard)
            .map(|guard| guard.pid);
        let (pid, role, led) = (process.pid, process.role, leads(process));
        let leader = led.then_some(pid);
        if let Some(process) = Process::open(pid, &arena.mark()) {
            self.hit(process, hit, dice);
        }
        if role == Role::Consensus && hit == Hit::Kill && !dice.one_in(4) {
            self.hit_heir(guard, arena, dice);
        } else if leader.is_some() && matches!(hit, Hit::Kill | Hit::Term) && dice.one_in(3) {
            self.hit_starter(&all, arena, dice);
        }
    }

    /// Whether this would not be the second hit of a double one.
    fn may(&self, process: &Process, hit: Hit, arena: &Arena) -> bool {
        let takes_out = process.role.ends_work() && hit != Hit::Term;
        let out = self.out.get(&process.candidate);
        let other_is_out = out.is_some_and(|out| out.role() != process.role)
            || (process.role == Role::Guard && !arena.takes_part(process.candidate));
        !(takes_out && other_is_out)
    }

    fn hit(&mut self, process: Process, hit: Hit, dice: &mut Dice) {
        let (what, candidate, role) = ((hit, process.role), process.candidate, process.role);
        let signal = match hit {
            Hit::Kill => Signal::KILL,
            Hit::Stop | Hit::Freeze => Signal::STOP,
            Hit::Term => Signal::TERM,
            Hit::Suspend => Signal::TSTP,
        };
        if role.ends_work() && hit == Hit::Kill {
            self.out.insert(candidate, Out::Dead(role));
        } else if role.ends_work() && hit != Hit::Term {
            // Who is dead stays so.
            self.out.entry(candidate).or_insert(Out::Stopped(role));
        }
        if !process.gets(signal) {
            return;
        }
        *self.tally.single.entry(what).or_default() += 1;
        if let Some(at) = end_of_stop(hit, dice) {
            self.later.push((at, Later::GoOn(process)));
        }
    }

    /// `consensus` and its guard at once, in any order, as fast as can be.
    fn hit_both(&mut self, of_leader: &[&Process], arena: &mut Arena, dice: &mut Dice) {
        let hit = if dice.one_in(2) {
            Hit::Kill
        } else {
            Hit::Freeze
        };
        let of_two = of_leader.iter().filter(|process| process.role.ends_work());
        let mark = arena.mark();
        let mut two: Vec<Process> = of_two
            .filter_map(|process| Process::open(process.pid, &mark))
            .collect();
        let [first, second] = two.as_slice() else {
            return;
        };
        let candidate = first.candidate;
        if self.out.contains_key(&candidate) || first.role == second.role {
            return;
        }
        if dice.one_in(2) {
            two.reverse();
        }
        arena.doubled.insert(candidate);
        self.out.insert(candidate, Out::Dead(Role::Consensus));
        let signal = if hit == Hit::Kill {
            Signal::KILL
        } else {
            Signal::STOP
        };
        for process in &two {
            process.gets(signal);
        }
        *self.tally.double.entry(hit).or_default() += 1;
        let now = Instant::now();
        let over = end_of_stop(Hit::Freeze, dice).expect("it ends");
        self.later
            .extend(two.into_iter().map(|one| (over, Later::GoOn(one))));
        if hit == Hit::Kill {
            let over = now + LEASE + Duration::from_millis(dice.below(2_000));
            self.later.push((over, Later::CleanUp(candidate)));
        }
    }

    /// What this guard becomes once the work is over.
    fn hit_heir(&mut self, guard: Option<i32>, arena: &Arena, dice: &mut Dice) {
        let Some(guard) = guard else { return };
        let mark = arena.mark();
        let given_up = Instant::now() + LOOKED_FOR;
        while Instant::now() < given_up {
            match Process::open(guard, &mark) {
                None => return,
                Some(heir) if heir.role == Role::Heir => {
                    return self.hit(heir, of_the_moment(dice), dice);
                }
                Some(_) => sleep(LOOK),
            }
        }
    }

    /// What becomes the next leader's command.
    fn hit_starter(&mut self, all: &[Process], arena: &Arena, dice: &mut Dice) {
        let mark = arena.mark();
        let guards: Vec<&Process> = all
            .iter()
            .filter(|process| process.role == Role::Guard)
            .collect();
        let given_up = Instant::now() + LOOKED_FOR;
        while Instant::now() < given_up {
            let children = guards.iter().flat_map(|guard| guard.children());
            let opened = children.filter_map(|pid| Process::open(pid, &mark));
            let is_starter = |process: &Process| process.role == Role::Starter;
            if let Some(starter) = opened.into_iter().find(is_starter) {
                return self.hit(starter, of_the_moment(dice), dice);
            }
            sleep(LOOK);
        }
    }
}

fn of_the_moment(dice: &mut Dice) -> Hit {
    let hits = [Hit::Kill, Hit::Kill, Hit::Stop, Hit::Freeze, Hit::Term];
    *dice.pick(&hits).expect("there are some")
}

fn end_of_stop(hit: Hit, dice: &mut Dice) -> Option<Instant> {
    let lease = u64::try_from(LEASE.as_millis()).expect("short");
    let millis = match hit {
        Hit::Kill | Hit::Term => return None,
        Hit::Stop | Hit::Suspend => dice.below(lease / 2),
        Hit::Freeze => lease + 100 + dice.below(1_500),
    };
    Some(Instant::now() + Duration::from_millis(millis))
}
