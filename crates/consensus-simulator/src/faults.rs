//! What can go wrong: every kind has a name, can be switched, and is counted. A proof by simulation
//! says nothing about what never happened, so a run that is to prove something demands that each did. How often, is in
//! `odds.rs`.

/// Declares the kinds together with what they are called.
macro_rules! kinds {
    ($($(#[$doc:meta])* $kind:ident = $name:literal,)*) => {
        /// A kind of thing that goes wrong, or that a user or a stranger does.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        #[repr(u8)]
        pub enum Fault { $($(#[$doc])* $kind,)* }

        impl Fault {
            /// All kinds.
            pub const ALL: &[Self] = &[$(Self::$kind,)*];

            /// How it is called on the command line and in reports.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$kind => $name,)* }
            }
        }
    };
}

kinds! {
    /// A request never reaches the store.
    LostRequest = "lost-request",
    /// A request reaches the store late, up to two leases: its sender may be dead by then.
    LateRequest = "late-request",
    /// The store does what was asked, and nobody is told.
    LostAnswer = "lost-answer",
    /// The answer takes up to two leases.
    LateAnswer = "late-answer",
    /// The store fails, and does nothing.
    Refused = "refused",
    /// The store fails, and did what was asked.
    StoredButFailed = "stored-but-failed",
    /// The store tried again by itself, and refuses its own success.
    OwnSuccessRefused = "own-success-refused",
    /// The store does nothing for a while; what was asked meanwhile happens then.
    Freeze = "freeze",
    /// A hint comes late.
    LateHint = "late-hint",
    /// A hint never comes.
    LostHint = "lost-hint",
    /// A hint of nothing.
    IdleHint = "idle-hint",
    /// A process is paused just before its request leaves: between load and save, or between the
    /// reading of the clock and the sending.
    PauseBeforeSending = "pause-before-sending",
    /// A process is paused just after its request left.
    PauseAfterSending = "pause-after-sending",
    /// A process is paused just before it would read an answer.
    PauseBeforeReading = "pause-before-reading",
    /// A process is paused at any time.
    Pause = "pause",
    /// The election's thread is stopped just after it read the clock, while the readers go on.
    StaleClock = "stale-clock",
    /// A process dies with a request that will not leave any more.
    CrashBeforeSending = "crash-before-sending",
    /// A process dies just after its request left.
    CrashAfterSending = "crash-after-sending",
    /// A process dies just before it would read an answer.
    CrashBeforeReading = "crash-before-reading",
    /// A process dies at any time.
    Crash = "crash",
    /// The user stops the election.
    Stop = "stop",
    /// The leader steps down.
    StepDown = "step-down",
    /// The work does not check in.
    MissedCheckIn = "missed-check-in",
    /// The work outlives its grace.
    OverdueWork = "overdue-work",
    /// A stranger deletes the record.
    Delete = "delete",
    /// A stranger empties the record.
    Empty = "empty",
    /// A stranger changes what the store keeps beside the record: another version, an equal record.
    Relabel = "relabel",
    /// A stranger changes a field of the record.
    Edit = "edit",
    /// A stranger takes the record over, and carries the nonce along.
    CarryNonce = "carry-nonce",
    /// A stranger puts an older record of the holder back.
    Restore = "restore",
    /// A stranger writes something that is no record, and undoes it or deletes it later.
    Garbage = "garbage",
    /// A stranger writes a record with a lease beyond all reason, and undoes or deletes it later.
    Endless = "endless",
}

impl Fault {
    /// The kind of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|fault| fault.name() == name)
    }

    const fn bit(self) -> u64 {
        1 << self as u8
    }

    const fn index(self) -> usize {
        self as usize
    }
}

/// How often each kind happened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts([u64; Fault::ALL.len()]);

impl Counts {
    /// How often this happened.
    pub fn of(&self, fault: Fault) -> u64 {
        self.0[fault.index()]
    }

    /// Adds what happened in another run.
    pub fn add(&mut self, other: &Self) {
        for (sum, count) in self.0.iter_mut().zip(other.0) {
            *sum += count;
        }
    }
}

/// Which kinds are switched on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Switches(u64);

impl Switches {
    /// Every kind.
    pub const ALL: Self = Self(u64::MAX);
    /// No kind.
    pub const NONE: Self = Self(0);

    /// The same with this kind.
    #[must_use]
    pub const fn with(self, fault: Fault) -> Self {
        Self(self.0 | fault.bit())
    }

    /// The same without this kind.
    #[must_use]
    pub const fn without(self, fault: Fault) -> Self {
        Self(self.0 & !fault.bit())
    }
}

/// What happens in one run.
#[derive(Debug)]
pub(crate) struct Faults {
    switches: Switches,
    /// How much more often than usual requests go wrong.
    pub(crate) intensity: u64,
    /// Nothing goes wrong for a while, so that there has to be a leader.
    pub(crate) calm: bool,
    pub(crate) counts: Counts,
}

impl Default for Faults {
    fn default() -> Self {
        Self::new(Switches::NONE, 1)
    }
}

impl Faults {
    pub(crate) fn new(switches: Switches, intensity: u64) -> Self {
        Self {
            switches,
            intensity,
            calm: false,
            counts: Counts::default(),
        }
    }

    /// Whether this may happen now. Whoever asks makes it happen, so it is counted.
    pub(crate) fn happens(&mut self, fault: Fault) -> bool {
        let happens = !self.calm && self.switches.0 & fault.bit() != 0;
        if happens {
            self.counts.0[fault.index()] += 1;
        }
        happens
    }
}

#[cfg(test)]
mod tests {
    use super::Fault;

    #[test]
    fn every_kind_is_found_by_its_name() {
        for &fault in Fault::ALL {
            assert_eq!(Fault::named(fault.name()), Some(fault));
        }
        assert!(Fault::ALL.len() <= 64);
    }
}
