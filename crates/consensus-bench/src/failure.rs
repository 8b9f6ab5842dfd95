//! Why nothing could be measured, for people to read.

use std::fmt;

/// What was wrong.
#[derive(Debug)]
pub(crate) struct Failure(String);

impl Failure {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self(message.into())
    }

    /// Why something could not be done.
    pub(crate) fn cannot(what: &str, error: impl fmt::Display) -> Self {
        Self(format!("cannot {what}: {error}"))
    }

    /// The same with something to read below it.
    pub(crate) fn and(self, more: &str) -> Self {
        Self(format!("{}\n\n{more}", self.0))
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<consensus::Error> for Failure {
    fn from(error: consensus::Error) -> Self {
        Self(error.to_string())
    }
}
