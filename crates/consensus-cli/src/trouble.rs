//! A store that fails, as people are told of it: each new error once, and how long it took when it is over.
//! Errors that take turns would fill the log otherwise.

use crate::times::Instant;
use consensus::Error;
use std::time::Duration;

/// More errors than this are not remembered: they are told again.
const MOST_KNOWN: usize = 16;

/// What was told since the store began to fail.
#[derive(Debug, Default)]
pub(crate) struct Trouble {
    since: Option<Instant>,
    told: Vec<String>,
}

impl Trouble {
    /// The store failed. Whether that is news.
    pub(crate) fn is_news(&mut self, error: &Error) -> bool {
        self.since.get_or_insert_with(Instant::now);
        let error = error.to_string();
        if self.told.contains(&error) {
            return false;
        }
        if self.told.len() == MOST_KNOWN {
            self.told.remove(0);
        }
        self.told.push(error);
        true
    }

    /// The store does not fail. For how long it did, if it did.
    pub(crate) fn over(&mut self) -> Option<Duration> {
        self.told.clear();
        let since = self.since.take()?;
        Some(Instant::now().since(since))
    }
}

#[cfg(test)]
mod tests {
    use super::Trouble;
    use consensus::{Error, ErrorKind};

    #[test]
    fn errors_that_take_turns_are_told_once_until_it_is_over() {
        let error = |text: &str| Error::new(ErrorKind::Unavailable, text);
        let mut trouble = Trouble::default();
        assert_eq!(trouble.over(), None);
        for is_news in [true, false] {
            assert_eq!(trouble.is_news(&error("it hangs")), is_news);
            assert_eq!(trouble.is_news(&error("it refuses")), is_news);
        }
        assert!(trouble.over().is_some());
        assert!(trouble.is_news(&error("it hangs")), "again");
    }
}
