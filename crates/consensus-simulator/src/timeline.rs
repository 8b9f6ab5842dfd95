//! What happened in a run, line by line, for people: when in true seconds, who, and what.
//!
//! Telling changes nothing: a line draws no randomness, so a seed replays the same with and without.

use crate::clock::{Time, seconds};
use std::fmt::Arguments;

/// The lines of a run, if anybody wants to read them.
#[derive(Debug, Default)]
pub(crate) struct Timeline {
    lines: Option<Vec<String>>,
}

impl Timeline {
    pub(crate) fn kept() -> Self {
        Self {
            lines: Some(Vec::new()),
        }
    }

    /// Nobody is asked to make a line that nobody will read.
    #[inline]
    pub(crate) fn is_kept(&self) -> bool {
        self.lines.is_some()
    }

    pub(crate) fn tell(&mut self, now: Time, who: Who, what: Arguments<'_>) {
        if let Some(lines) = &mut self.lines {
            let who = who.name();
            lines.push(format!("{:>14.6} s  {who:<8} {what}", seconds(now)));
        }
    }

    pub(crate) fn take(&mut self) -> Vec<String> {
        self.lines.take().unwrap_or_default()
    }
}

/// Whom a line is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Who {
    Candidate(usize),
    Store,
    Stranger,
    World,
}

impl Who {
    fn name(self) -> String {
        match self {
            Self::Candidate(number) => format!("c{}", number + 1),
            Self::Store => "store".to_owned(),
            Self::Stranger => "stranger".to_owned(),
            Self::World => "world".to_owned(),
        }
    }
}

/// Adds a line to the timeline of a world, if it is kept.
macro_rules! tell {
    ($world:expr, $who:expr, $($what:tt)*) => {
        if $world.timeline.is_kept() {
            let now = $world.now;
            $world.timeline.tell(now, $who, format_args!($($what)*));
        }
    };
}

pub(crate) use tell;
