//! Requests and answers on their way between a candidate and the store, and what happens to them there.
//!
//! A request goes on without whoever waits for it: it may arrive after its sender gave it up, or died.
//! The protocol's side of it is in `remote.rs`, what the store does in `server.rs`.

use crate::checks::{Author, Purpose};
use crate::clock::{NEVER, SECOND, Time};
use crate::faults::Fault;
use crate::odds::{self, Answering, Reading, Sending, Storing};
use crate::server::Arrived;
use crate::timeline::{Who, tell};
use crate::world::{Event, World};
use consensus::store::{Nonce, Record, Saved, Snapshot};
use consensus::{Error, ErrorKind, Token};

/// Everything that is on its way.
#[derive(Debug, Default)]
pub(crate) struct Network {
    flights: Vec<Flight>,
    free: Vec<usize>,
    /// The nonce of what each candidate was shown last.
    last_shown: Vec<Option<Nonce>>,
}

/// A request and its answer.
#[derive(Debug)]
struct Flight {
    by: Author,
    purpose: Purpose,
    token: Option<Token>,
    /// When it left.
    sent: Time,
    on: u64,
    content: Content,
    /// Who wrote what was looked at.
    shown: Option<Author>,
    /// An event will come for it.
    travels: bool,
    /// Nobody waits for it any more.
    abandoned: bool,
    arrived: bool,
}

/// What a request or its answer carries.
#[derive(Debug)]
pub(crate) enum Content {
    Nothing,
    Load,
    Save(Record),
    Loaded(Result<Snapshot<u64>, Error>),
    Saved(Result<Saved<u64>, Error>),
}

/// What happens to a request at the store.
type Meets = Option<(Storing, Fault)>;

impl Network {
    fn add(&mut self, flight: Flight) -> usize {
        if let Some(free) = self.free.pop() {
            self.flights[free] = flight;
            return free;
        }
        self.flights.push(flight);
        self.flights.len() - 1
    }

    fn remove(&mut self, id: usize) {
        self.flights[id].content = Content::Nothing;
        self.free.push(id);
    }

    /// Nobody waits for it any more.
    pub(crate) fn abandon(&mut self, id: usize) {
        let Some(flight) = self.flights.get_mut(id) else {
            return;
        };
        flight.abandoned = true;
        if !flight.travels {
            self.remove(id);
        }
    }

    /// Whether somebody was shown this last, or is about to be.
    pub(crate) fn shows(&self, nonce: Option<Nonce>) -> bool {
        let on_its_way = |flight: &Flight| match &flight.content {
            Content::Loaded(Ok(Snapshot {
                record: Some(record),
                ..
            })) => record.nonce == nonce,
            Content::Loaded(_)
            | Content::Saved(_)
            | Content::Load
            | Content::Save(_)
            | Content::Nothing => false,
        };
        self.last_shown.contains(&nonce) || self.flights.iter().any(on_its_way)
    }

    /// Nobody was shown anything yet in this life.
    pub(crate) fn forget_shown(&mut self, who: usize) {
        if self.last_shown.len() <= who {
            self.last_shown.resize(who + 1, None);
        }
        self.last_shown[who] = None;
    }
}

impl World {
    /// A request leaves, and gets a number.
    pub(crate) fn send(&mut self, who: usize, content: Content, on: u64) -> usize {
        let (purpose, token) = match &content {
            Content::Save(record) if record.holder.is_none() => (Purpose::Release, None),
            Content::Save(record) if record.token.is_some() => {
                let renews = record.token == self.checks.granted(who);
                let purpose = if renews {
                    Purpose::Renew
                } else {
                    Purpose::Begin
                };
                (purpose, record.token)
            }
            Content::Save(_) => (Purpose::Begin, None),
            Content::Load | Content::Nothing | Content::Loaded(_) | Content::Saved(_) => {
                (Purpose::Look, None)
            }
        };
        self.checks.sends(who, self.now, purpose, on);
        let way = self.draw_way();
        let (leaves, arrives) = self.leave(who, way);
        let life = self.nodes[who].life;
        let id = self.network.add(Flight {
            by: Author {
                candidate: who,
                life,
            },
            purpose,
            token,
            sent: leaves,
            on,
            content,
            shown: None,
            travels: arrives.is_some(),
            abandoned: false,
            arrived: false,
        });
        if purpose != Purpose::Look {
            tell!(self, Who::Candidate(who), "sends {purpose:?} {token:?}");
        }
        if let Some(arrives) = arrives {
            self.at(arrives, Event::Arrives(id));
        }
        id
    }

    /// When a request leaves, and when it arrives, if it does.
    fn leave(&mut self, who: usize, way: Time) -> (Time, Option<Time>) {
        let now = self.now;
        let on_time = (now, Some(now + way));
        let Some((what, fault)) = self.faults.meets(odds::SENDING, &mut self.rng) else {
            return on_time;
        };
        if !self.faults.happens(fault) {
            return on_time;
        }
        tell!(self, Who::Candidate(who), "meets {}", fault.name());
        match what {
            Sending::Lost => (now, None),
            Sending::Late => {
                let late = self.rng.below(2 * self.lease);
                (now, Some(now + way + late))
            }
            Sending::PauseBefore => {
                let leaves = self.pause(who);
                (leaves, Some(leaves + way))
            }
            Sending::PauseAfter => {
                self.pause(who);
                on_time
            }
            Sending::CrashBefore => {
                self.crash_now(who, fault);
                (now, None)
            }
            Sending::CrashAfter => {
                self.crash_now(who, fault);
                on_time
            }
        }
    }

    /// A process dies before anything else happens.
    fn crash_now(&mut self, who: usize, why: Fault) {
        let life = self.nodes[who].life;
        self.at(self.now, Event::Dies { who, life, why });
    }

    /// A request reaches the store.
    pub(crate) fn arrives(&mut self, id: usize) {
        if self.server.frozen > self.now {
            self.at(self.server.frozen, Event::Arrives(id));
            return;
        }
        let flight = &mut self.network.flights[id];
        let (by, purpose, on) = (flight.by, flight.purpose, flight.on);
        let content = std::mem::replace(&mut flight.content, Content::Nothing);
        let meets = self.faults.meets(odds::STORING, &mut self.rng);
        let answer = match content {
            Content::Load => Content::Loaded(self.load(by, meets)),
            Content::Save(record) => {
                let write = Arrived {
                    by,
                    purpose,
                    record,
                    on,
                };
                Content::Saved(self.store(write, meets))
            }
            Content::Nothing | Content::Loaded(_) | Content::Saved(_) => content,
        };
        let shown = self.server.cell.author;
        if self.network.flights[id].abandoned {
            return self.network.remove(id);
        }
        let arrives = self.return_leg(by.candidate);
        let flight = &mut self.network.flights[id];
        flight.content = answer;
        flight.shown = shown;
        flight.travels = arrives.is_some();
        if let Some(arrives) = arrives {
            self.at(arrives, Event::Answers(id));
        }
    }

    fn load(&mut self, by: Author, meets: Meets) -> Result<Snapshot<u64>, Error> {
        if let Some((Storing::Refused, fault)) = meets
            && self.faults.happens(fault)
        {
            return Err(self.failure());
        }
        self.server.load(by, self.now)
    }

    fn store(&mut self, write: Arrived, meets: Meets) -> Result<Saved<u64>, Error> {
        let Some((what, fault)) = meets else {
            return Ok(self.save(write));
        };
        if what == Storing::Refused && self.faults.happens(fault) {
            return Err(self.failure());
        }
        let saved = self.save(write);
        if matches!(saved, Saved::Conflict) {
            return Ok(saved);
        }
        match what {
            Storing::StoredButFailed if self.faults.happens(fault) => Err(self.failure()),
            Storing::OwnSuccessRefused if self.faults.happens(fault) => Ok(Saved::Conflict),
            Storing::Refused | Storing::StoredButFailed | Storing::OwnSuccessRefused => Ok(saved),
        }
    }

    fn failure(&mut self) -> Error {
        let kind = if self.rng.one_in(4) {
            ErrorKind::Denied
        } else {
            ErrorKind::Unavailable
        };
        let error = Error::new(kind, "the simulated store fails");
        if self.rng.one_in(4) {
            let wait = std::time::Duration::from_nanos(self.rng.below(3 * SECOND));
            return error.with_retry_after(wait);
        }
        error
    }

    /// When an answer comes back, if it does.
    fn return_leg(&mut self, who: usize) -> Option<Time> {
        let back = self.now + self.draw_way();
        let Some((what, fault)) = self.faults.meets(odds::ANSWERING, &mut self.rng) else {
            return Some(back);
        };
        if !self.faults.happens(fault) {
            return Some(back);
        }
        tell!(self, Who::Candidate(who), "meets {}", fault.name());
        match what {
            Answering::Lost => None,
            Answering::Late => Some(back + self.rng.below(2 * self.lease)),
        }
    }

    /// An answer reaches its candidate. It is read when that runs.
    pub(crate) fn answers(&mut self, id: usize) {
        let flight = &mut self.network.flights[id];
        flight.travels = false;
        let who = flight.by.candidate;
        if flight.abandoned {
            return self.network.remove(id);
        }
        flight.arrived = true;
        let meets = self.faults.meets(odds::READING, &mut self.rng);
        if let Some((what, fault)) = meets.filter(|(_, fault)| self.faults.happens(*fault)) {
            tell!(self, Who::Candidate(who), "meets {}", fault.name());
            match what {
                Reading::Pause => {
                    self.pause(who);
                }
                Reading::Crash => self.crash_now(who, fault),
                Reading::StaleClock => self.stall(who),
            }
        }
        self.wake(who);
    }

    /// The protocol reads an answer, and the checks take note of what it knows now.
    pub(crate) fn take(&mut self, id: usize) -> Option<Content> {
        let flight = &mut self.network.flights[id];
        if !flight.arrived {
            return None;
        }
        let content = std::mem::replace(&mut flight.content, Content::Nothing);
        let (by, sent, shown) = (flight.by, flight.sent, flight.shown);
        let (purpose, token) = (flight.purpose, flight.token);
        let who = by.candidate;
        match &content {
            Content::Loaded(Ok(snapshot)) => {
                let own = shown == Some(by);
                self.checks.looked(who, self.now, snapshot.version, own);
                if !own {
                    self.server.bury(by, NEVER);
                }
                self.network.last_shown[who] =
                    snapshot.record.as_ref().and_then(|record| record.nonce);
            }
            Content::Loaded(Err(error)) if error.kind() == ErrorKind::Foreign => {
                self.checks.looked_at_garbage(who);
            }
            Content::Saved(Ok(Saved::Stored { version, revision })) => {
                let token = token.or(revision.map(Token::new));
                let what = (purpose, token);
                self.checks.confirmed(who, self.now, (*version, sent), what);
                self.server.bury(by, *version);
            }
            Content::Saved(_)
            | Content::Loaded(Err(_))
            | Content::Nothing
            | Content::Load
            | Content::Save(_) => {}
        }
        self.network.remove(id);
        Some(content)
    }
}
