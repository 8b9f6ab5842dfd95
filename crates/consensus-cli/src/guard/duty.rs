//! What the guard does when. Pure: no clock, no process.
//!
//! Owns when the command gets SIGTERM, and when everything that is left gets SIGKILL. The times in the
//! shared memory come first, and what happens here can only bring them forward: the work ends at once if
//! `consensus` dies or the command itself ends, and has the grace for that at most.

use crate::shared::Times;
use crate::times::Instant;
use std::time::Duration;

/// How soon to look again for what has escaped a SIGKILL; then less and less often.
const FIRST_LOOK: Duration = Duration::from_millis(1);
const LAST_LOOK: Duration = Duration::from_millis(100);

/// The guard's duty.
#[derive(Clone, Debug)]
pub(super) struct Duty {
    grace: Duration,
    work: Work,
    leader: Leader,
    told: Told,
    /// Whether somebody may have come to us who was not told.
    late: bool,
    /// A limit of our own for what is left.
    limit: Option<Instant>,
    /// When to send SIGKILL again, and how long to wait after that.
    again: Option<(Instant, Duration)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Work {
    NotStarted,
    Runs,
    /// The command itself has ended.
    Ended,
    Gone,
}

/// Whether `consensus` lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Leader {
    Lives,
    Died,
}

/// Who has been told to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Told {
    Nobody,
    All,
}

/// What is to be done now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Act {
    /// SIGTERM for everything, and SIGCONT: what is stopped could not use its grace.
    End,
    /// The same for what has come to us since: what was below it is dead.
    EndLate,
    /// SIGKILL for everything, for the first time.
    KillFirst,
    /// SIGKILL for what has come to us since.
    Kill,
}

impl Duty {
    pub(super) fn new(grace: Duration) -> Self {
        Self {
            grace,
            work: Work::NotStarted,
            leader: Leader::Lives,
            told: Told::Nobody,
            late: false,
            limit: None,
            again: None,
        }
    }

    pub(super) fn started(&mut self) {
        self.work = Work::Runs;
    }

    /// `consensus` has passed on a signal that is to end everything.
    pub(super) fn told_to_end(&mut self) {
        self.told = Told::All;
    }

    pub(super) fn leader_died(&mut self, now: Instant) {
        self.leader = Leader::Died;
        self.limit_to(now);
    }

    /// The command itself has ended. Says whether that is news.
    pub(super) fn command_ended(&mut self, now: Instant) -> bool {
        if self.work != Work::Runs {
            return false;
        }
        self.work = Work::Ended;
        // What it leaves was not told.
        self.told = Told::Nobody;
        self.limit_to(now);
        true
    }

    /// What was below it has come to us.
    pub(super) fn something_ended(&mut self, now: Instant) {
        self.late = self.told == Told::All;
        if let Some((again, _)) = &mut self.again {
            *again = now.min(*again);
        }
    }

    pub(super) fn gone(&mut self) {
        self.work = Work::Gone;
    }

    /// Whether the command itself has ended, and what it left may still be there.
    pub(super) fn has_ended(&self) -> bool {
        self.work == Work::Ended
    }

    /// Whether nothing is left to do, and nobody to do it for.
    pub(super) fn is_over(&self) -> bool {
        let done = match self.work {
            Work::NotStarted | Work::Gone => true,
            Work::Runs | Work::Ended => false,
        };
        done && self.leader == Leader::Died
    }

    /// What is due now. To be asked until there is nothing.
    pub(super) fn due(&mut self, now: Instant, times: Option<Times>) -> Option<Act> {
        let (term_at, kill_at) = self.times(now, times)?;
        if now >= kill_at {
            let (at, pause) = self.again.unwrap_or((now, FIRST_LOOK));
            if now < at {
                return None;
            }
            let act = match self.again {
                None => Act::KillFirst,
                Some(_) => Act::Kill,
            };
            self.told = Told::All;
            self.again = Some((now.plus(pause), (pause * 2).min(LAST_LOOK)));
            return Some(act);
        }
        if now < term_at {
            return None;
        }
        let late = std::mem::take(&mut self.late);
        match self.told {
            Told::Nobody => {
                self.told = Told::All;
                Some(Act::End)
            }
            Told::All if late => Some(Act::EndLate),
            Told::All => None,
        }
    }

    /// When something will be due.
    pub(super) fn wake_at(&self, now: Instant, times: Option<Times>) -> Option<Instant> {
        let (term_at, kill_at) = self.times(now, times)?;
        if let Some((again, _)) = self.again {
            return Some(again.max(kill_at));
        }
        Some(match self.told {
            Told::Nobody => term_at.min(kill_at),
            Told::All => kill_at,
        })
    }

    /// When SIGTERM and SIGKILL are due, if there is anything to send them to.
    fn times(&self, now: Instant, times: Option<Times>) -> Option<(Instant, Instant)> {
        let ends = match self.work {
            Work::NotStarted | Work::Gone => return None,
            Work::Ended => true,
            Work::Runs => self.leader == Leader::Died,
        };
        // Nothing is started without times. If they are gone, so is the reason to work.
        let Times { term_at, kill_at } = times.unwrap_or(Times {
            term_at: now,
            kill_at: now,
        });
        let term_at = if ends { now } else { term_at };
        Some((
            term_at,
            self.limit.map_or(kill_at, |limit| kill_at.min(limit)),
        ))
    }

    fn limit_to(&mut self, now: Instant) {
        let limit = now.plus(self.grace);
        self.limit = Some(self.limit.map_or(limit, |before| before.min(limit)));
    }
}

#[cfg(test)]
mod tests {
    use super::{Act, Duty};
    use crate::shared::Times;
    use crate::times::Instant;
    use std::time::Duration;

    const GRACE: Duration = Duration::from_nanos(40);

    fn at(nanos: u64) -> Instant {
        Instant::from_nanos(nanos)
    }

    #[allow(clippy::unnecessary_wraps, reason = "as what is asked for takes it")]
    fn times(term: u64, kill: u64) -> Option<Times> {
        Some(Times {
            term_at: at(term),
            kill_at: at(kill),
        })
    }

    fn running() -> Duty {
        let mut duty = Duty::new(GRACE);
        duty.started();
        duty
    }

    #[test]
    fn at_the_deadline_sigterm_and_after_the_grace_sigkill() {
        let mut duty = running();
        assert_eq!(duty.wake_at(at(0), times(100, 140)), Some(at(100)));
        assert_eq!(duty.due(at(99), times(100, 140)), None);
        assert_eq!(duty.due(at(100), times(100, 140)), Some(Act::End));
        assert_eq!(duty.due(at(139), times(100, 140)), None);
        assert_eq!(duty.wake_at(at(101), times(100, 140)), Some(at(140)));
        assert_eq!(duty.due(at(140), times(100, 140)), Some(Act::KillFirst));
    }

    #[test]
    fn who_was_stopped_acts_on_what_holds_now() {
        // Renewed meanwhile: nothing is due.
        assert_eq!(running().due(at(100), times(200, 240)), None);
        // Both are over: no time for SIGTERM.
        assert_eq!(
            running().due(at(300), times(200, 240)),
            Some(Act::KillFirst)
        );
    }

    #[test]
    fn a_dead_leaders_command_ends_at_once_and_has_its_grace_within_the_lease() {
        let mut duty = running();
        duty.leader_died(at(10));
        assert_eq!(duty.due(at(10), times(100, 140)), Some(Act::End));
        assert_eq!(duty.wake_at(at(10), times(100, 140)), Some(at(50)));
        let mut late = running();
        late.leader_died(at(110));
        assert_eq!(late.due(at(110), times(100, 140)), Some(Act::End));
        assert_eq!(late.wake_at(at(110), times(100, 140)), Some(at(140)));
        assert!(!late.is_over());
        late.gone();
        assert!(late.is_over());
    }

    #[test]
    fn what_a_command_leaves_is_told_although_the_command_was() {
        let mut duty = running();
        duty.told_to_end();
        assert_eq!(duty.due(at(100), times(100, 140)), None);
        assert!(duty.command_ended(at(105)));
        assert!(!duty.command_ended(at(106)));
        assert_eq!(duty.due(at(106), times(100, 140)), Some(Act::End));
        assert_eq!(duty.due(at(140), times(100, 140)), Some(Act::KillFirst));
    }

    #[test]
    fn what_comes_to_us_later_is_told_as_well() {
        let mut duty = running();
        duty.something_ended(at(10));
        assert_eq!(duty.due(at(10), times(100, 140)), None);
        assert_eq!(duty.due(at(100), times(100, 140)), Some(Act::End));
        assert_eq!(duty.due(at(101), times(100, 140)), None);
        duty.something_ended(at(102));
        assert_eq!(duty.due(at(102), times(100, 140)), Some(Act::EndLate));
        assert_eq!(duty.due(at(102), times(100, 140)), None);
        duty.something_ended(at(140));
        assert_eq!(duty.due(at(140), times(100, 140)), Some(Act::KillFirst));
        assert_eq!(duty.due(at(140), times(100, 140)), None);
    }

    #[test]
    fn what_survives_a_sigkill_gets_it_again_less_and_less_often() {
        let mut duty = running();
        let lost = times(0, 0);
        let mut now = 1_000_000_000;
        let mut acts = 0;
        assert_eq!(duty.due(at(now), lost), Some(Act::KillFirst));
        while now < 2_000_000_000 {
            assert_eq!(duty.due(at(now), lost), None);
            now = duty.wake_at(at(now), lost).expect("again").to_nanos();
            assert_eq!(duty.due(at(now), lost), Some(Act::Kill));
            acts += 1;
        }
        assert!((10..30).contains(&acts), "{acts}");
    }

    #[test]
    fn nothing_is_due_before_the_start_and_after_the_end() {
        let mut duty = Duty::new(GRACE);
        assert_eq!(duty.due(at(500), None), None);
        assert_eq!(duty.wake_at(at(500), None), None);
        duty.started();
        // No times: no reason to work.
        assert_eq!(duty.due(at(500), None), Some(Act::KillFirst));
        duty.gone();
        assert_eq!(duty.due(at(900), None), None);
        assert!(!duty.is_over());
        duty.leader_died(at(900));
        assert!(duty.is_over());
    }
}
