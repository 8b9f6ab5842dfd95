//! Plays a row: a leader, another candidate that waits for its turn, and what is done to them.

use super::machine::{Frozen, comm, elector_of, guard_of, is_stopped, processes_of};
use super::row::{Act, End, Left, Next, Row, State, Who};
use super::start::{self, shell};
use super::work::{BEGIN, DIES, Kind, NEXT};
use crate::bench::{Place, Started, lives, signal, until};
use rustix::process::Signal;
use std::fs::{self, File};
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

/// How far apart the clock of the files may be.
const TICK: Duration = Duration::from_millis(20);

/// How long something is watched that is to make no difference.
const MOMENT: Duration = Duration::from_millis(300);

const STRANGER: &str = "a stranger";

struct Scene<'a> {
    row: &'a Row,
    place: Place,
    work: PathBuf,
    /// To whom the row happens.
    subject: Option<Started>,
    guard: String,
    /// The candidate after the subject; while that waits, the leader before it.
    other: Option<Started>,
    blocked: Option<File>,
    frozen: Option<Frozen>,
    /// When the record was written, or touched, for the last time before the next leader's.
    since: SystemTime,
}

/// Plays a row, and panics if something else happens than it says.
pub fn play(row: &Row) {
    let mut scene = Scene::new(row);
    match row.state {
        State::Waiting => scene.follow(),
        State::Leading | State::WindingDown | State::Ended | State::StoreSilent | State::Lost => {
            scene.lead();
        }
    }
}

impl<'a> Scene<'a> {
    fn new(row: &'a Row) -> Self {
        let place = Place::new();
        let work = start::furnish(row, &place);
        Self {
            row,
            place,
            work,
            subject: None,
            guard: String::new(),
            other: None,
            blocked: None,
            frozen: None,
            since: SystemTime::now(),
        }
    }

    fn lead(&mut self) {
        self.subject = Some(self.start("first", &start::line(self.row, &self.work)));
        let is_up = !matches!(self.row.work.kind, Kind::Missing | Kind::NotExecutable);
        if is_up {
            self.place.wait_for_file("work/up");
            let command = self.id(Who::Command);
            match self.row.work.kind {
                Kind::Stops => until("the stop", || is_stopped(&command)),
                Kind::MayGainPrivileges => until("root", || comm(&command) == "sleep"),
                Kind::Unprivileged => until("the refusal", || comm(&command) == "sleep"),
                Kind::Plain
                | Kind::Missing
                | Kind::NotExecutable
                | Kind::StreamsClosed
                | Kind::BelowInit => {}
            }
            self.guard = guard_of(&self.id(Who::Consensus));
            self.wait_for_turn();
            for act in self.row.state.acts().iter().chain(self.row.acts) {
                self.act(*act);
            }
        }
        let code = self.subject.as_mut().map(Started::code);
        if !is_up {
            self.wait_for_turn();
        }
        self.hand_over();
        if self.row.left != Left::Nothing {
            self.clean_up();
        }
        let left = processes_of(&self.work);
        assert!(left.is_empty(), "{left:?} are left");
        let subject = self.subject.take().expect("started");
        let done = subject.done().having_said(self.row.says);
        let expected = match self.row.end {
            End::Code(expected) => expected,
            End::Killed => -9,
            End::Leads => unreachable!("it does already"),
        };
        assert_eq!(code, Some(expected), "{done:#?}");
    }

    fn follow(&mut self) {
        let script = format!("{BEGIN}{}", DIES.script);
        let leader = self.start("other", &shell(&script, &self.work));
        self.place.wait_for_file("work/up");
        self.other = Some(leader);
        let line = shell("echo led > $1/led; exit 4", &self.place.path(""));
        let mut subject = self.start("first", &line);
        self.guard = guard_of(&subject.id());
        if self.row.work.kind == Kind::StreamsClosed {
            // It cannot say that it follows.
            std::thread::sleep(MOMENT);
        } else {
            subject.hear("other leads");
        }
        self.subject = Some(subject);
        for act in self.row.acts {
            self.act(*act);
        }
        let other = self.other.take().expect("started");
        if self.row.end == End::Leads {
            let _ = other.gets(Signal::TERM).done().exits(143);
            let subject = self.subject.take().expect("started");
            let _ = subject.done().exits(4).having_said(self.row.says);
            return;
        }
        let subject = self.subject.take().expect("started");
        let done = subject.done().having_said(self.row.says);
        match self.row.end {
            End::Code(code) => assert_eq!(done.code, code, "{done:#?}"),
            End::Killed => assert_eq!(done.code, -9, "{done:#?}"),
            End::Leads => unreachable!("seen above"),
        }
        until("the end of the guard", || {
            comm(&self.guard) != "leader-guard"
        });
        self.unblock();
        let _ = other.gets(Signal::TERM).done().exits(143);
        assert!(!self.place.path("led").exists(), "it led");
    }

    /// The next leader has led, or not, as the row says.
    fn hand_over(&mut self) {
        let next = self.other.take().expect("started");
        if matches!(self.row.next, Next::Never | Next::MuchLater) {
            assert!(!self.place.path("begun").exists(), "another led");
            let _ = next.gets(Signal::TERM).done().exits(143);
            return;
        }
        self.wait_for_next();
        let _ = next.done().exits(0);
        let begun = fs::metadata(self.place.path("begun")).expect("written");
        let begun = begun.modified().expect("a time");
        let waited = begun.duration_since(self.since).unwrap_or_default();
        let lease = Duration::from_secs(self.row.times.lease_seconds());
        match self.row.next {
            Next::AtOnce => assert!(waited < lease, "waited for {waited:?}"),
            Next::AfterLease => assert!(waited + TICK >= lease, "waited for {waited:?} only"),
            Next::Either | Next::MuchLater | Next::Never => {}
        }
        let seen = fs::read_to_string(self.place.path("seen")).expect("written");
        match self.row.left {
            Left::Nothing => assert_eq!(seen, "", "the next leader saw them"),
            Left::Something(what) => assert_ne!(seen, "", "{what}"),
        }
    }

    fn act(&mut self, act: Act) {
        self.note_writes();
        match act {
            Act::Send(signal, who) => self.send(signal, who),
            Act::KillBoth => {
                self.send(Signal::STOP, Who::Consensus);
                self.send(Signal::KILL, Who::Guard);
                self.send(Signal::KILL, Who::Consensus);
            }
            Act::Freeze(who, freezer) => {
                let frozen = Frozen::begin(freezer).expect("this was asked before");
                frozen.freeze(&self.id(who));
                self.frozen = Some(frozen);
            }
            Act::Thaw => self.frozen.as_ref().expect("frozen").thaw(),
            Act::Spoil => fs::write(self.place.record(), "not a record").expect("written"),
            Act::Remove => {
                self.since = SystemTime::now();
                fs::remove_file(self.place.record()).expect("removed");
            }
            Act::Take => self.take(),
            Act::BlockStore => self.blocked = Some(self.place.block_writes()),
            Act::UnblockStore => self.unblock(),
            Act::Go(file) => fs::write(self.work.join(file), "yes\n").expect("written"),
            Act::Reached(file) => drop(self.place.wait_for_file(&format!("work/{file}"))),
            Act::Said(words) => self.subject.as_mut().expect("started").hear(words),
            Act::GoesOn => self.goes_on(),
            Act::Gone => until("the end of all", || processes_of(&self.work).is_empty()),
            Act::NextLeads => self.wait_for_next(),
        }
    }

    fn send(&self, what: Signal, who: Who) {
        let process = self.id(who);
        signal(&process, what);
        if what == Signal::STOP || (what == Signal::TSTP && who == Who::Consensus) {
            until("the stop", || is_stopped(&process));
        }
    }

    /// A stranger's record is as good as ours.
    fn take(&self) {
        let record = fs::read_to_string(self.place.record()).expect("a record");
        let nonce = "\"nonce\": \"";
        let at = record.find(nonce).expect("a nonce") + nonce.len();
        let mut taken = record.replace("\"first\"", &format!("\"{STRANGER}\""));
        let at = at + taken.len() - record.len();
        taken.replace_range(at..at + 32, &"5".repeat(32));
        let aside = self.place.path("aside");
        fs::write(&aside, taken).expect("written");
        fs::rename(aside, self.place.record()).expect("taken");
    }

    fn goes_on(&self) {
        std::thread::sleep(MOMENT);
        assert!(lives(&self.id(Who::Consensus)), "it has ended");
        let command = self.place.wait_for_file("work/id");
        assert!(lives(&command), "the command has ended");
        assert!(!self.place.path("begun").exists(), "another leads");
    }

    fn wait_for_turn(&mut self) {
        let mut next = self.start("next", &shell(NEXT, &self.place.path("")));
        if lives(&self.id(Who::Consensus)) && self.row.work.kind != Kind::Missing {
            next.hear("first leads");
        }
        self.other = Some(next);
    }

    fn wait_for_next(&mut self) {
        until("the next leader", || {
            self.note_writes();
            self.place.path("begun").exists()
        });
        self.place.wait_for_file("begun");
    }

    /// Notes when the record was last written by anybody before the next leader.
    fn note_writes(&mut self) {
        use std::io::Read as _;
        let Ok(mut file) = File::open(self.place.record()) else {
            return;
        };
        let mut content = String::new();
        let written = file.metadata().and_then(|about| about.modified());
        let read = file.read_to_string(&mut content);
        let others = ["first", STRANGER].map(|name| format!("\"holder\": \"{name}\""));
        if let (Ok(written), Ok(_)) = (written, read)
            && others.iter().any(|holder| content.contains(holder))
        {
            self.since = self.since.max(written);
        }
    }

    fn unblock(&mut self) {
        self.blocked = None;
    }

    fn id(&self, who: Who) -> String {
        match who {
            Who::Consensus => self.subject.as_ref().expect("started").id(),
            Who::BelowInit => elector_of(&self.id(Who::Consensus)),
            Who::Guard => self.guard.clone(),
            Who::Command => self.place.wait_for_file("work/id"),
            Who::Left => self.place.wait_for_file("work/left-id"),
        }
    }

    fn start(&self, name: &str, line: &[String]) -> Started {
        start::start(self.row, &self.place, name, line)
    }

    /// Ends what is left on purpose.
    fn clean_up(&mut self) {
        if let Some(frozen) = &self.frozen {
            frozen.thaw();
        }
        until("the end of what is left", || {
            let left = processes_of(&self.work);
            for process in &left {
                if let Some(process) = process
                    .parse()
                    .ok()
                    .and_then(rustix::process::Pid::from_raw)
                {
                    // It may have ended meanwhile.
                    let _ = rustix::process::kill_process(process, Signal::KILL);
                }
            }
            left.is_empty()
        });
    }
}

impl Drop for Scene<'_> {
    fn drop(&mut self) {
        self.unblock();
        self.subject = None;
        self.other = None;
        if comm(&self.guard) == "leader-guard" && lives(&self.guard) {
            signal(&self.guard, Signal::CONT);
        }
        self.clean_up();
    }
}
