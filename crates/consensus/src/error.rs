//! The one error of this library: opaque, with a kind that says what to do next.

use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// What to do about an [`Error`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The store did not answer, or not yes or no. Trying again may help; the election does.
    Unavailable,
    /// The store refused us: a permission is missing. The election goes on trying, in case that it
    /// is granted; somebody has to grant it.
    Denied,
    /// The caller's argument or configuration is wrong. Trying again does not help.
    Invalid,
    /// What stands in the record's place is somebody else's: not a record, or not one that this
    /// version can read. It is left as it is. A leader that finds it has lost.
    Foreign,
    /// The election is over: it was stopped, or its backend panicked.
    Stopped,
}

/// What went wrong, where, and what to do about it.
///
/// Cheap to clone. Losing a race is not an error: see [`Acquisition`](crate::backend::Acquisition)
/// and [`Renewal`](crate::backend::Renewal).
#[derive(Clone)]
pub struct Error(Arc<Inner>);

struct Inner {
    kind: ErrorKind,
    message: Box<str>,
    retry_after: Option<Duration>,
    source: Option<Arc<dyn StdError + Send + Sync>>,
}

impl Error {
    /// An error of this kind. The message says what, where and what to do, and does not repeat the
    /// source.
    pub fn new(kind: ErrorKind, message: impl Into<Box<str>>) -> Self {
        Self::build(kind, message.into(), None, None)
    }

    /// The same with the error that caused it.
    #[must_use]
    pub fn with_source(self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        let Inner {
            kind,
            message,
            retry_after,
            ..
        } = &*self.0;
        Self::build(
            *kind,
            message.clone(),
            *retry_after,
            Some(Arc::from(source.into())),
        )
    }

    /// The same with the time that the store asks us to wait before we try again, from now.
    #[must_use]
    pub fn with_retry_after(self, wait: Duration) -> Self {
        let Inner {
            kind,
            message,
            source,
            ..
        } = &*self.0;
        Self::build(*kind, message.clone(), Some(wait), source.clone())
    }

    /// What to do about it.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// How long the store asks us to wait before we try again, counted from its answer.
    pub fn retry_after(&self) -> Option<Duration> {
        self.0.retry_after
    }

    fn build(
        kind: ErrorKind,
        message: Box<str>,
        retry_after: Option<Duration>,
        source: Option<Arc<dyn StdError + Send + Sync>>,
    ) -> Self {
        Self(Arc::new(Inner {
            kind,
            message,
            retry_after,
            source,
        }))
    }
}

/// The message, and those of its sources behind it.
impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)?;
        let mut cause = self.source();
        while let Some(error) = cause {
            write!(f, ": {error}")?;
            cause = error.source();
        }
        Ok(())
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {self}", self.0.kind)
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source.as_ref().map(|source| &**source as _)
    }
}

#[cfg(test)]
mod tests {
    use super::{Error, ErrorKind};
    use std::time::Duration;

    #[test]
    fn an_error_tells_its_causes_and_keeps_what_was_added() {
        let error = Error::new(ErrorKind::Unavailable, "cannot read x")
            .with_source("disk on fire")
            .with_retry_after(Duration::from_secs(3));
        assert_eq!(error.to_string(), "cannot read x: disk on fire");
        assert_eq!(error.kind(), ErrorKind::Unavailable);
        assert_eq!(error.retry_after(), Some(Duration::from_secs(3)));
        let shared = error.clone();
        assert_eq!(
            error.with_retry_after(Duration::ZERO).to_string(),
            shared.to_string()
        );
    }
}
