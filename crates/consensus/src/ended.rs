//! Why a term ended: what the machine decides, the log says and the user is told.

use std::fmt;

/// Why a term ended.
///
/// An error as well, so that `term.run(work).await?` passes it on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Ended {
    /// The election was stopped.
    Stopped,
    /// The leader stepped down.
    SteppedDown,
    /// Somebody else leads, or the record is not ours any more.
    Lost,
    /// No renewal was confirmed before the deadline.
    Expired,
    /// The work did not check in for longer than
    /// [`Config::check_in`](crate::Config::check_in) allows.
    CheckInMissed,
}

impl Ended {
    /// The reason as one fixed word, for logs and metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Stopped => "stopped",
            Self::SteppedDown => "stepped-down",
            Self::Lost => "lost",
            Self::Expired => "expired",
            Self::CheckInMissed => "check-in-missed",
        }
    }
}

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Stopped => "the election was stopped",
            Self::SteppedDown => "the leader stepped down",
            Self::Lost => "the lease was lost to another holder, or its record was changed",
            Self::Expired => "no renewal was confirmed before the deadline",
            Self::CheckInMissed => "the work did not check in in time",
        })
    }
}

impl std::error::Error for Ended {}
