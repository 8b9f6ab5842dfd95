//! A bench for the shipped driver: candidates on a paper clock over one memory store, whose requests
//! can be lost, delayed or overtaken. Nothing here takes real time.

use consensus::Error;
use consensus::backend::Candidate;
use consensus::internals::{Ask, Board, Election, Instant, World, drive};
use consensus::memory::MemoryStore;
use consensus::store::{Nonce, Record, RecordBackend, Saved, Snapshot, Store};
use consensus::{Config, ErrorKind, Status, Token};
use std::collections::{BTreeSet, VecDeque};
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

/// The time at which every bench begins. Not zero, which no clock shows.
const START: u64 = 1_000_000_000;

pub const fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

pub const fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

/// The time `after` the beginning of the bench.
pub fn at(after: Duration) -> Instant {
    Instant::from_nanos(START).plus(after)
}

#[derive(Clone, Debug)]
pub struct Paper(Arc<Clock>);

#[derive(Debug)]
struct Clock {
    now: AtomicU64,
    nonces: AtomicU64,
    wanted: Mutex<BTreeSet<u64>>,
}

impl Paper {
    fn wait_until(&self, at: u64) -> impl Future<Output = ()> + Send + use<> {
        let clock = Arc::clone(&self.0);
        std::future::poll_fn(move |_| {
            if clock.now.load(Ordering::SeqCst) >= at {
                return Poll::Ready(());
            }
            clock.wanted.lock().expect("clock").insert(at);
            Poll::Pending
        })
    }
}

impl World for Paper {
    fn now(&self) -> Instant {
        Instant::from_nanos(self.0.now.load(Ordering::SeqCst))
    }

    fn wall_ms(&self) -> u64 {
        self.0.now.load(Ordering::SeqCst) / 1_000_000
    }

    fn nonce(&self) -> Result<Nonce, Error> {
        Ok(Nonce::from_bits(
            self.0.nonces.fetch_add(1, Ordering::SeqCst).into(),
        ))
    }

    fn sleep_until(&self, at: Instant) -> impl Future<Output = ()> + Send {
        self.wait_until(at.as_nanos())
    }
}

/// What becomes of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It is carried out and answered.
    Answered,
    /// It never arrives, and is never answered.
    Lost,
    /// It is carried out, and never answered.
    AnswerLost,
    /// It is carried out at once, and answered this much later.
    AnswerLate(Duration),
    /// A save that is never answered, and arrives just before the next one that is.
    Stalls,
    /// It is refused.
    Refused(ErrorKind),
}

/// What becomes of the next requests of one candidate; the last one goes on for ever.
#[derive(Clone, Debug, Default)]
pub struct Script(Arc<Mutex<Fates>>);

#[derive(Debug, Default)]
struct Fates {
    loads: VecDeque<Fate>,
    saves: VecDeque<Fate>,
    sent: Vec<Instant>,
    before_save: Option<Record>,
    stalled: Vec<(Record, u64)>,
}

impl Script {
    pub fn loads(&self, fates: &[Fate]) {
        self.0.lock().expect("script").loads = fates.iter().copied().collect();
    }

    pub fn saves(&self, fates: &[Fate]) {
        self.0.lock().expect("script").saves = fates.iter().copied().collect();
    }

    pub fn all(&self, fates: &[Fate]) {
        self.loads(fates);
        self.saves(fates);
    }

    /// Somebody else writes this just before the next save arrives.
    pub fn overtake(&self, record: Record) {
        self.0.lock().expect("script").before_save = Some(record);
    }

    /// How many requests were sent.
    pub fn sent(&self) -> usize {
        self.0.lock().expect("script").sent.len()
    }

    fn next(&self, now: Instant, fates: fn(&mut Fates) -> &mut VecDeque<Fate>) -> Fate {
        let mut script = self.0.lock().expect("script");
        script.sent.push(now);
        let fates = fates(&mut script);
        let fate = fates.front().copied().unwrap_or(Fate::Answered);
        if fates.len() > 1 {
            fates.pop_front();
        }
        fate
    }
}

/// The memory store behind a script.
#[derive(Debug)]
pub struct Scripted {
    store: MemoryStore,
    script: Script,
    paper: Paper,
}

impl Scripted {
    async fn answer<T>(&self, fate: Fate, answer: T) -> Result<T, Error> {
        match fate {
            Fate::Answered => Ok(answer),
            Fate::AnswerLate(wait) => {
                self.paper.sleep_until(self.paper.now().plus(wait)).await;
                Ok(answer)
            }
            Fate::Refused(kind) => Err(Error::new(kind, "as scripted")),
            Fate::Lost | Fate::AnswerLost | Fate::Stalls => std::future::pending().await,
        }
    }
}

fn arrives(fate: Fate) -> bool {
    !matches!(fate, Fate::Lost | Fate::Stalls | Fate::Refused(_))
}

impl Store for Scripted {
    type Version = u64;

    async fn load(&mut self) -> Result<Snapshot<u64>, Error> {
        let fate = self.script.next(self.paper.now(), |fates| &mut fates.loads);
        let seen = self.store.load().await?;
        self.answer(fate, seen).await
    }

    async fn save(&mut self, record: &Record, if_version: &u64) -> Result<Saved<u64>, Error> {
        let fate = self.script.next(self.paper.now(), |fates| &mut fates.saves);
        let before = self.script.0.lock().expect("script").before_save.take();
        if let Some(other) = before {
            self.store.edit(|record| *record = Some(other));
        }
        if fate == Fate::Stalls {
            let stalled = (record.clone(), *if_version);
            self.script.0.lock().expect("script").stalled.push(stalled);
        }
        let saved = if arrives(fate) {
            let stalled = std::mem::take(&mut self.script.0.lock().expect("script").stalled);
            for (record, version) in stalled {
                self.store.save(&record, &version).await?;
            }
            self.store.save(record, if_version).await?
        } else {
            Saved::Conflict
        };
        self.answer(fate, saved).await
    }

    async fn changed(&mut self, seen: Option<&u64>) {
        self.store.changed(seen).await;
    }
}

/// One candidate on the bench.
pub struct Player {
    pub script: Script,
    pub board: Arc<Board>,
    /// Every belief it ever had: the term and its deadline, in order.
    pub terms: Vec<(Token, Instant)>,
    paper: Paper,
    task: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
    paused: bool,
}

impl Player {
    pub fn leads(&self) -> bool {
        let (deadline, _) = self.board.belief();
        deadline.is_some_and(|deadline| self.paper.now() < deadline)
    }

    pub fn token(&self) -> Token {
        self.board.belief().1
    }

    pub fn deadline(&self) -> Option<Instant> {
        self.board.belief().0
    }

    pub fn is_stopped(&self) -> bool {
        self.board.status() == Status::Stopped
    }

    /// Stops the process, as SIGSTOP does.
    pub fn pause(&mut self) {
        self.paused = true;
    }

    pub fn go_on(&mut self) {
        self.paused = false;
    }

    /// Ends the process, as SIGKILL does.
    pub fn kill(&mut self) {
        self.task = None;
        self.board = Arc::default();
    }

    pub fn begin_work(&self) -> bool {
        self.board.begin_work(|| self.leads())
    }

    fn poll(&mut self) {
        if self.paused {
            return;
        }
        let Some(task) = &mut self.task else { return };
        if task
            .as_mut()
            .poll(&mut Context::from_waker(Waker::noop()))
            .is_ready()
        {
            self.task = None;
        }
        if let (Some(deadline), token) = self.board.belief()
            && self.terms.last() != Some(&(token, deadline))
        {
            self.terms.push((token, deadline));
        }
    }
}

pub struct Bench {
    pub store: MemoryStore,
    pub players: Vec<Player>,
    paper: Paper,
}

impl Bench {
    pub fn new() -> Self {
        let clock = Clock {
            now: AtomicU64::new(START),
            nonces: AtomicU64::new(1),
            wanted: Mutex::default(),
        };
        Self {
            store: MemoryStore::new(),
            players: Vec::new(),
            paper: Paper(Arc::new(clock)),
        }
    }

    /// A bench where one candidate leads since the beginning, and others follow.
    pub fn with_leader(others: usize) -> Self {
        let mut bench = Self::new();
        bench.join("leader");
        bench.run(ms(1));
        assert!(bench.players[0].leads(), "nobody else is there");
        for number in 0..others {
            bench.join(&format!("follower-{number}"));
        }
        bench.run(ms(1));
        bench
    }

    /// One more candidate at the default times; gives its number.
    pub fn join(&mut self, identity: &str) -> usize {
        self.join_as(Candidate::new(identity, secs(15)))
    }

    /// The same, with a candidate that says more of itself.
    pub fn join_as(&mut self, candidate: Candidate) -> usize {
        let lease = Config::new("as the candidate says").lease_duration(candidate.lease_duration);
        self.join_with(candidate, &lease)
    }

    /// The same, with times of its own.
    pub fn join_with(&mut self, candidate: Candidate, config: &Config) -> usize {
        let timing = config.timing().expect("a valid configuration");
        let (script, board) = (Script::default(), Arc::new(Board::default()));
        let paper = self.paper.clone();
        let scripted = Scripted {
            store: self.store.clone(),
            script: script.clone(),
            paper: paper.clone(),
        };
        let task = {
            let (board, paper) = (Arc::clone(&board), paper.clone());
            async move {
                let mut backend = RecordBackend::in_world(scripted, paper.clone());
                let mut election = Election::new(timing, 0);
                drive(&mut backend, &candidate, &mut election, &paper, &board).await;
            }
        };
        let task: Option<Pin<Box<dyn Future<Output = ()> + Send>>> = Some(Box::pin(task));
        self.players.push(Player {
            script,
            board,
            terms: vec![],
            paper,
            task,
            paused: false,
        });
        self.players.len() - 1
    }

    pub fn ask(&mut self, player: usize, what: Ask) {
        self.players[player].board.ask(what);
        self.settle();
    }

    /// What the store holds.
    pub fn record(&self) -> Option<Record> {
        let mut found = None;
        self.store.peek(|record| found = record.cloned());
        found
    }

    /// Lets this much time pass, and everything happen that is due in it.
    pub fn run(&mut self, time: Duration) {
        let end = self.paper.now().plus(time).as_nanos();
        loop {
            self.settle();
            let next = {
                let mut wanted = self.paper.0.wanted.lock().expect("clock");
                let now = self.paper.0.now.load(Ordering::SeqCst);
                wanted.retain(|at| *at > now);
                wanted.first().copied().filter(|at| *at <= end)
            };
            let leading = self.players.iter().filter(|player| player.leads()).count();
            assert!(leading <= 1, "{leading} leaders at {:?}", self.paper.now());
            match next {
                Some(at) => self.paper.0.now.store(at, Ordering::SeqCst),
                None => break,
            }
        }
        self.paper.0.now.store(end, Ordering::SeqCst);
        self.settle();
    }

    /// Polls everybody until nothing more happens without time passing.
    fn settle(&mut self) {
        for _ in 0..8 {
            for player in &mut self.players {
                player.poll();
            }
        }
    }
}
