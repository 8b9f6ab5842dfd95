//! What the handles share: the content under its lock, with the marks of who lives.

use super::super::flaws::Flaw;
use consensus::store::{Nonce, Proof, Record, Saved, Snapshot, Tokens};
use consensus::{Error, ErrorKind, Token, WorkScope};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;
use tokio::sync::watch;

/// What a store that reads the clock takes for now: in the year 2027.
const NOW_MS: u64 = 1_800_000_000_000;

/// Where its tokens come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tokened {
    ByProtocol,
    ByRevision,
}

#[derive(Debug)]
pub struct Shelf {
    flaw: Option<Flaw>,
    tokened: Tokened,
    content: Mutex<Content>,
    bell: watch::Sender<()>,
    handles: AtomicU64,
}

#[derive(Debug, Default)]
struct Content {
    held: Held,
    version: u64,
    revision: u64,
    highest: Token,
    /// How many writes the record has seen.
    writes: u64,
    /// Whether the record has a field that nobody knows.
    annotated: bool,
    /// Who lives, and how often it is marked.
    marks: BTreeMap<u64, u32>,
    /// How far the work of the last holder reaches.
    work: Option<WorkScope>,
}

#[derive(Clone, Debug, Default, PartialEq)]
enum Held {
    #[default]
    Nothing,
    Record(Record),
    Garbage,
    Newer(Record),
}

impl Shelf {
    pub fn new(flaw: Option<Flaw>, tokened: Tokened) -> Self {
        Self {
            flaw,
            tokened,
            content: Mutex::default(),
            bell: watch::Sender::new(()),
            handles: AtomicU64::new(0),
        }
    }

    pub fn has(&self, flaw: Flaw) -> bool {
        self.flaw == Some(flaw)
    }

    pub fn next_id(&self) -> u64 {
        self.handles.fetch_add(1, Ordering::SeqCst)
    }

    pub fn version(&self) -> u64 {
        self.version_of(&self.lock())
    }

    pub fn look(&self) -> Result<Snapshot<u64>, Error> {
        let mut content = self.lock();
        if self.has(Flaw::CreatesOnLoad) && content.version == 0 {
            content.held = Held::Record(empty());
            content.version = 1;
        }
        let mut record = match content.held.clone() {
            Held::Nothing if content.version > 0 && self.has(Flaw::LeavesTombstones) => {
                Some(empty())
            }
            Held::Nothing => None,
            Held::Garbage if self.has(Flaw::IgnoresGarbage) => None,
            Held::Newer(record) if self.has(Flaw::GuessesNewerFormats) => Some(record),
            Held::Garbage | Held::Newer(_) => return Err(foreign()),
            Held::Record(record) => Some(record),
        };
        record.take_if(|record| {
            self.has(Flaw::DeletesReleasedRecords) && record.holder.is_none()
                || self.has(Flaw::ReadsTheClock) && ran_out(record)
        });
        let mut seen = Snapshot::new(record, self.version_of(&content));
        seen.proof = self.proof(&content);
        seen.tokens = match self.tokened {
            Tokened::ByProtocol => Tokens::Above(content.highest),
            Tokened::ByRevision => Tokens::Revisions,
        };
        seen.watched = !self.has(Flaw::WatchesInSecret);
        Ok(seen)
    }

    pub fn write(&self, id: u64, record: &Record, if_version: u64) -> Result<Saved<u64>, Error> {
        let mut content = self.lock();
        if let Held::Garbage | Held::Newer(_) = content.held {
            if !(content.held == Held::Garbage && self.has(Flaw::ReplacesGarbage)) {
                return Err(foreign());
            }
        } else if !self.admits(&content, record, if_version) {
            content.version += u64::from(self.has(Flaw::CountsRefusals));
            return Ok(Saved::Conflict);
        }
        let in_two_steps = match content.held {
            Held::Nothing => self.has(Flaw::CreatesInTwoSteps),
            Held::Record(_) | Held::Garbage | Held::Newer(_) => self.has(Flaw::UpdatesInTwoSteps),
        };
        if in_two_steps {
            drop(content);
            std::thread::sleep(Duration::from_millis(5));
            content = self.lock();
        }
        if !self.has(Flaw::MarksTooLate) {
            self.mark(&mut content, id, record);
        }
        let saved = self.keep(&mut content, record);
        if self.has(Flaw::MarksTooLate) {
            drop(content);
            std::thread::sleep(Duration::from_millis(5));
            self.mark(&mut self.lock(), id, record);
        }
        self.bell.send_replace(());
        Ok(saved)
    }

    fn admits(&self, content: &Content, record: &Record, if_version: u64) -> bool {
        let current = content.record();
        let holds = current.is_some_and(|current| current.holder == record.holder);
        let current_version = self.version_of(content);
        if self.has(Flaw::RunsOutOfVersions) && current_version >= 16 {
            return false;
        }
        current_version == if_version
            || self.has(Flaw::TrustsTheHolder) && holds
            || self.has(Flaw::CreatesOverRenewedRecords) && if_version == 0 && content.writes > 1
    }

    fn keep(&self, content: &mut Content, record: &Record) -> Saved<u64> {
        let kept = self.kept(content, record);
        let before = content.record().cloned();
        content.writes += 1;
        content.version += 1;
        if before.is_none() {
            content.writes = 1;
            if self.has(Flaw::RestartsVersions) {
                content.version = 1;
            }
        }
        let looks_alike = before.as_ref().is_some_and(|before| {
            let nonce = before.nonce;
            *before
                == Record {
                    nonce,
                    ..kept.clone()
                }
        });
        if looks_alike && self.has(Flaw::SkipsLookalikes) {
            content.version -= 1;
        }
        let holder = before.as_ref().map(|before| &before.holder);
        if !self.has(Flaw::NumbersHolders) || holder != Some(&kept.holder) {
            content.revision += 1;
        }
        content.highest = content.highest.max(kept.token.unwrap_or_default());
        content.annotated &= !self.has(Flaw::DropsUnknownFields);
        content.held = Held::Record(kept);
        Saved::Stored {
            version: content.version,
            revision: (self.tokened == Tokened::ByRevision).then_some(content.revision),
        }
    }

    /// The record as it is kept, which should be as it is.
    fn kept(&self, content: &Content, record: &Record) -> Record {
        let mut kept = record.clone();
        if self.has(Flaw::RoundsTimes) {
            kept.acquired_ms -= kept.acquired_ms % 1000;
            kept.renewed_ms -= kept.renewed_ms % 1000;
        }
        if self.has(Flaw::HalvesNonces) {
            let half = |nonce: Nonce| Nonce::from_bits(nonce.to_bits() & u128::from(u64::MAX));
            kept.nonce = kept.nonce.map(half);
        }
        if self.has(Flaw::FloatsTokens) {
            #[allow(
                clippy::cast_precision_loss,
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "that is the flaw"
            )]
            let float = |token: Token| Token::new(token.get() as f64 as u64);
            kept.token = kept.token.map(float);
        }
        if self.has(Flaw::WritesAscii) {
            let ascii = |name: &str| name.replace(|letter: char| !letter.is_ascii(), "?").into();
            kept.holder = kept.holder.as_deref().map(ascii);
        }
        if self.has(Flaw::RoundsLeases) {
            kept.lease_duration = Duration::from_secs(kept.lease_duration.as_secs().max(1));
        }
        if let Some(current) = content.record()
            && current.holder.is_some()
            && current.holder == kept.holder
            && self.has(Flaw::KeepsTheHoldersToken)
        {
            kept.token = current.token;
        }
        kept
    }

    fn version_of(&self, content: &Content) -> u64 {
        if self.has(Flaw::KnowsOneAbsence) && content.held == Held::Nothing {
            return 0;
        }
        content.version
    }

    fn lock(&self) -> MutexGuard<'_, Content> {
        self.content.lock().expect("no flaw panics in here")
    }
}

/// Who lives.
impl Shelf {
    /// Marks whoever writes as living, or takes its mark away if it releases.
    fn mark(&self, content: &mut Content, id: u64, record: &Record) {
        if record.holder.is_none() {
            let beyond = record.work == WorkScope::Beyond;
            if !(beyond && self.has(Flaw::KeepsMarksOfWorkBeyond)) {
                self.unmark(content, id);
            }
            return;
        }
        content.work = Some(record.work);
        let current = content.record();
        let held = current.is_some_and(|current| current.holder.is_some());
        let renewal = current.is_some_and(|current| {
            current.holder == record.holder && current.token == record.token
        });
        if held && self.has(Flaw::MarksOnlyTheFirst) {
            return;
        }
        if renewal && self.has(Flaw::DropsMarksOnRenewal) {
            content.marks.remove(&id);
            return;
        }
        *content.marks.entry(id).or_default() += 1;
    }

    fn unmark(&self, content: &mut Content, id: u64) {
        let left = match content.marks.get(&id) {
            Some(marks) if self.has(Flaw::CountsMarks) => marks - 1,
            Some(_) | None => 0,
        };
        if left > 0 {
            content.marks.insert(id, left);
        } else {
            content.marks.remove(&id);
        }
    }

    pub fn let_go(&self, id: u64) {
        if !self.has(Flaw::NeverLetsGo) {
            self.unmark(&mut self.lock(), id);
        }
    }

    /// A holder is over, as the system sees it.
    pub fn end(&self, id: u64) {
        self.lock().marks.remove(&id);
    }

    fn proof(&self, content: &Content) -> Proof {
        let held = content
            .record()
            .is_some_and(|record| record.holder.is_some());
        let alive = !content.marks.is_empty();
        if content.held == Held::Nothing && self.has(Flaw::CallsAbsenceFree) {
            return Proof::Dead;
        }
        if alive && !held && self.has(Flaw::LooksForHoldersOnly) {
            return Proof::None;
        }
        if alive {
            return Proof::Alive;
        }
        match content.work {
            Some(WorkScope::Beyond) if !self.has(Flaw::ProvesTooMuch) => Proof::None,
            Some(_) | None if self.has(Flaw::ProvesNothing) => Proof::None,
            Some(_) | None => Proof::Dead,
        }
    }
}

/// Who watches.
impl Shelf {
    pub fn bell(&self) -> watch::Receiver<()> {
        self.bell.subscribe()
    }

    pub fn is_news(&self, seen: Option<&u64>) -> bool {
        let content = self.lock();
        let deaf_to_this = content.held == Held::Nothing && self.has(Flaw::DeletesInSilence);
        seen != Some(&self.version_of(&content)) && !deaf_to_this
    }
}

/// What only a stranger does.
impl Shelf {
    pub fn delete(&self) {
        let mut content = self.lock();
        content.held = Held::Nothing;
        content.version += 1;
        if self.has(Flaw::ForgetsTokens) {
            content.highest = Token::default();
        }
        self.bell.send_replace(());
    }

    pub fn garble(&self) {
        let mut content = self.lock();
        content.held = Held::Garbage;
        content.version += 1;
        self.bell.send_replace(());
    }

    pub fn outdate(&self) {
        let mut content = self.lock();
        content.held = Held::Newer(empty());
        content.version += 1;
        self.bell.send_replace(());
    }

    pub fn annotate(&self) {
        let mut content = self.lock();
        content.annotated = true;
        content.version += 1;
        self.bell.send_replace(());
    }

    pub fn is_annotated(&self) -> bool {
        self.lock().annotated
    }
}

impl Content {
    fn record(&self) -> Option<&Record> {
        match &self.held {
            Held::Record(record) => Some(record),
            Held::Nothing | Held::Garbage | Held::Newer(_) => None,
        }
    }
}

/// What is there without anybody having written it.
fn empty() -> Record {
    Record {
        holder: None,
        address: None,
        nonce: None,
        lease_duration: Duration::ZERO,
        token: None,
        work: WorkScope::Process,
        acquired_ms: 0,
        renewed_ms: 0,
    }
}

fn ran_out(record: &Record) -> bool {
    Duration::from_millis(record.renewed_ms) + record.lease_duration < Duration::from_millis(NOW_MS)
}

fn foreign() -> Error {
    Error::new(
        ErrorKind::Foreign,
        "what is on the shelf is not a record: correct or remove it",
    )
}
