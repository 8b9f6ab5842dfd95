//! How the program ends. The only place where an ending has a number: scripts build on these, so one
//! that is given out is never changed. Losing is never 0.

use std::process::ExitCode;

/// An ending of the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// It did what it was asked to do; `status`: somebody leads.
    Done,
    /// `status`: nobody leads.
    Nobody,
    /// The command ended by itself, with this code.
    Command(u8),
    /// A signal with this number ended the command, or the waiting.
    Signal(u8),
    /// The command line, or an environment variable in place of a flag, is wrong.
    Usage,
    /// The store gave no answer, or none that tells who leads.
    Unavailable,
    /// Leadership was lost.
    Lost,
    /// Not acquired in the time given.
    NotAcquired,
    /// The configuration or a permission is wrong, before any leader was seen.
    Misconfigured,
    /// The command is there, and cannot be executed.
    NotExecutable,
    /// The command is not there.
    NotFound,
}

/// What the help of `run` says about [`Exit`].
pub(crate) const OF_RUN: &str = "\
Exit codes of `consensus run`:
  the command's own   it ended by itself
  128 + n             signal n ended it, or the waiting
  64                  wrong usage: a flag, a variable in its place, or the URL
  69                  the store gave no answer in the time given
  70                  leadership was lost; the command was ended
  75                  not acquired in the time given (--wait, --nonblock)
  78                  wrong configuration, or a permission missing, before any leader was seen
  126, 127            the command cannot be executed, or is not there";

/// What the help of `status` says about [`Exit`].
pub(crate) const OF_STATUS: &str = "\
Exit codes of `consensus status`:
  0                   somebody leads
  1                   nobody leads
  64                  wrong usage
  69                  not known: the store gave no answer, or the record is gone, perhaps under a leader
  78                  not known: wrong configuration, or a permission missing";

impl Exit {
    /// The number that the caller of the program sees.
    pub(crate) fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Nobody => 1,
            Self::Command(code) => code,
            Self::Signal(number) => number.saturating_add(128),
            Self::Usage => 64,
            Self::Unavailable => 69,
            Self::Lost => 70,
            Self::NotAcquired => 75,
            Self::Misconfigured => 78,
            Self::NotExecutable => 126,
            Self::NotFound => 127,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

#[cfg(test)]
mod tests {
    use super::{Exit, OF_RUN, OF_STATUS};

    #[test]
    fn every_code_is_in_the_help() {
        let exits = [
            Exit::Done,
            Exit::Nobody,
            Exit::Usage,
            Exit::Unavailable,
            Exit::Lost,
            Exit::NotAcquired,
            Exit::Misconfigured,
            Exit::NotExecutable,
            Exit::NotFound,
        ];
        for exit in exits {
            let code = exit.code().to_string();
            let help = format!("{OF_RUN}{OF_STATUS}");
            let mut words = help.split(|c: char| !c.is_ascii_digit());
            assert!(words.any(|word| word == code), "{exit:?}");
        }
        assert_eq!(Exit::Signal(15).code(), 143);
    }
}
