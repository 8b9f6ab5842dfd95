//! A row of the table: the words for what can be, what is done, and what is expected.

use super::work::Work;
use rustix::process::Signal;

/// What `consensus` is about when something is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    Waiting,
    Leading,
    WindingDown,
    Ended,
    StoreSilent,
    Lost,
}

/// To whom something is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    Consensus,
    /// What runs below the init that `consensus` is then.
    BelowInit,
    Guard,
    Command,
    /// What the command left behind.
    Left,
}

/// What is done, or waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    Send(Signal, Who),
    /// Neither sees the other's end: the first is stopped before.
    KillBoth,
    Freeze(Who, Freezer),
    Thaw,
    /// A stranger writes what is no record.
    Spoil,
    /// A stranger removes the record.
    Remove,
    /// A stranger puts its own record in its place.
    Take,
    BlockStore,
    UnblockStore,
    /// The command does what it is there for, or what winds down may end.
    Go(&'static str),
    /// The command has come as far as this.
    Reached(&'static str),
    /// `consensus` has said this.
    Said(&'static str),
    /// Nothing has come of it: the command is there, and nobody else leads.
    GoesOn,
    /// The command and all below it are gone.
    Gone,
    /// The next leader's command has started.
    NextLeads,
}

/// What makes processes stand still without their doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Freezer {
    /// What it holds does not even take SIGKILL: it is stuck in the kernel.
    V1,
    V2,
}

/// The times of a row, as flags.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Times {
    /// Nobody can have waited for the lease, and nothing for the grace.
    Endless,
    /// Nobody can have waited for the lease.
    ShortGrace,
    /// As before; and the guard's limit, which grows with the lease, comes soon.
    Minute,
    /// The lease is waited for.
    Short,
    /// The lease is waited for, and there is time to do something in the grace.
    Roomy,
    /// The term ends early, and leaves a long grace.
    EarlyEnd,
}

/// How `consensus` ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    Code(i32),
    /// By the SIGKILL that it got.
    Killed,
    /// It goes on waiting, and leads when its turn comes.
    Leads,
}

/// What is left of the command when the next leader's command starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Left {
    Nothing,
    /// Documented: something goes on.
    Something(&'static str),
}

/// When the next leader leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    AtOnce,
    AfterLease,
    /// The lease is too long to wait for that.
    MuchLater,
    /// Released or run out, whichever comes first.
    Either,
    Never,
}

#[derive(Clone, Copy, Debug)]
pub struct Row {
    pub state: State,
    pub work: Work,
    pub acts: &'static [Act],
    pub times: Times,
    pub end: End,
    pub left: Left,
    pub next: Next,
    /// Part of what is said. Empty: that does not matter.
    pub says: &'static str,
}

impl Row {
    /// A row in which nothing of the command is left.
    pub const fn new(state: State, work: Work, acts: &'static [Act], times: Times) -> Self {
        Self {
            state,
            work,
            acts,
            times,
            end: End::Killed,
            left: Left::Nothing,
            next: Next::AtOnce,
            says: "",
        }
    }

    pub const fn exits(self, code: i32) -> Self {
        let end = End::Code(code);
        Self { end, ..self }
    }

    pub const fn next(self, next: Next) -> Self {
        Self { next, ..self }
    }

    pub const fn leaves(self, what: &'static str) -> Self {
        let left = Left::Something(what);
        Self { left, ..self }
    }

    pub const fn says(self, says: &'static str) -> Self {
        Self { says, ..self }
    }
}

impl State {
    /// What brings `consensus` into it, once the command is up.
    pub fn acts(self) -> &'static [Act] {
        match self {
            Self::Waiting | Self::Leading => &[],
            Self::WindingDown => &[
                Act::Send(Signal::TERM, Who::Consensus),
                Act::Reached("winding"),
            ],
            Self::Ended => &[Act::Go("go"), Act::Reached("winding")],
            Self::StoreSilent => &[Act::BlockStore],
            Self::Lost => &[Act::BlockStore, Act::Reached("winding"), Act::UnblockStore],
        }
    }

    pub fn words(self) -> &'static str {
        match self {
            Self::Waiting => "it waits",
            Self::Leading => "it leads",
            Self::WindingDown => "it leads, and its command winds down after SIGTERM",
            Self::Ended => "its command has ended, and what that left winds down",
            Self::StoreSilent => "it leads, and the store does not answer",
            Self::Lost => "its term has ended without a renewal, and its command winds down",
        }
    }
}

impl Times {
    pub fn flags(self) -> &'static str {
        match self {
            Self::Endless => "--lease=1h --grace=10m",
            Self::ShortGrace => "--lease=1h --grace=500ms",
            Self::Minute => "--lease=1m --grace=500ms",
            Self::Short => "--lease=3s",
            Self::Roomy => "--lease=12s --grace=3s",
            Self::EarlyEnd => "--lease=9s --renew-deadline=3s --renew=1s --retry=500ms --grace=5s",
        }
    }

    pub fn lease_seconds(self) -> u64 {
        match self {
            Self::Endless | Self::ShortGrace => 3600,
            Self::Minute => 60,
            Self::Short => 3,
            Self::Roomy => 12,
            Self::EarlyEnd => 9,
        }
    }
}

impl Who {
    pub fn words(self) -> &'static str {
        match self {
            Self::Consensus => "`consensus`",
            Self::BelowInit => "the process below the init",
            Self::Guard => "the guard",
            Self::Command => "the command",
            Self::Left => "what is left",
        }
    }
}

impl Act {
    /// What it takes to freeze.
    pub fn freezer(self) -> Option<Freezer> {
        if let Self::Freeze(_, freezer) = self {
            return Some(freezer);
        }
        None
    }

    /// As a part of a sentence. Empty: it is only how the row is played.
    pub fn words(self) -> String {
        match self {
            Self::Send(signal, who) => format!("{} to {}", name(signal), who.words()),
            Self::KillBoth => "SIGKILL to `consensus` and the guard at once".into(),
            Self::Freeze(who, Freezer::V1) => format!("{} is stuck in the kernel", who.words()),
            Self::Freeze(who, Freezer::V2) => format!("{} is frozen (cgroup 2)", who.words()),
            Self::Thaw => "it is thawed".into(),
            Self::Spoil => "a stranger writes what is no record".into(),
            Self::Remove => "a stranger removes the record".into(),
            Self::Take => "a stranger puts its own record in place".into(),
            Self::BlockStore => "the store does not answer".into(),
            Self::UnblockStore => "the store answers again".into(),
            Self::Go("go") => "the command does so".into(),
            Self::Go(_) => "what winds down ends".into(),
            Self::Reached(_) | Self::Said(_) => String::new(),
            Self::GoesOn => "nothing comes of it".into(),
            Self::Gone => "all of the command is gone".into(),
            Self::NextLeads => "the next leader leads".into(),
        }
    }
}

pub fn name(signal: Signal) -> &'static str {
    let names = [
        (Signal::TERM, "SIGTERM"),
        (Signal::INT, "SIGINT"),
        (Signal::HUP, "SIGHUP"),
        (Signal::QUIT, "SIGQUIT"),
        (Signal::USR1, "SIGUSR1"),
        (Signal::USR2, "SIGUSR2"),
        (Signal::WINCH, "SIGWINCH"),
        (Signal::TSTP, "SIGTSTP"),
        (Signal::CONT, "SIGCONT"),
        (Signal::STOP, "SIGSTOP"),
        (Signal::KILL, "SIGKILL"),
    ];
    let found = names.iter().find(|(known, _)| *known == signal);
    found.expect("every signal of the table has a name").1
}
