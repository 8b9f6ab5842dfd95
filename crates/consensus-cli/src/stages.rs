//! The processes that this program is besides itself, each re-executed from the same file under a name of
//! its own.
//!
//! Owns those names. None contains the program's, or whoever kills all processes of that name would hit
//! those that end the work as well.

use std::ffi::OsStr;
use std::os::unix::process::CommandExt;
use std::process::Command;

/// The program itself, whatever became of its file.
const OURSELVES: &str = "/proc/self/exe";

/// What this process is to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// The command's parent, which ends it in time.
    Guard,
    /// What becomes the command.
    Starter,
}

const ALL: [Stage; 2] = [Stage::Guard, Stage::Starter];

impl Stage {
    /// The stage that this process was started as. `None`: the program itself.
    pub(crate) fn asked() -> Option<Self> {
        let name = std::env::args_os().next()?;
        ALL.into_iter().find(|stage| *stage.name() == *name)
    }

    /// This program again, as this stage.
    pub(crate) fn command(self) -> Command {
        let mut command = Command::new(OURSELVES);
        command.arg0(self.name());
        command
    }

    fn name(self) -> &'static OsStr {
        OsStr::new(match self {
            Self::Guard => "leader-guard",
            Self::Starter => "leader-starter",
        })
    }
}

/// This program again, as itself, with the same arguments.
pub(crate) fn again() -> Command {
    let mut arguments = std::env::args_os();
    let mut command = Command::new(OURSELVES);
    if let Some(name) = arguments.next() {
        command.arg0(name);
    }
    command.args(arguments);
    command
}

#[cfg(test)]
mod tests {
    use super::ALL;

    #[test]
    fn no_stage_is_hit_by_who_kills_the_program_by_name() {
        for stage in ALL {
            let name = stage.name().to_str().expect("ASCII");
            assert!(!name.contains("consensus"), "{name}");
        }
    }
}
