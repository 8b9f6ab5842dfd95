//! A store that fails, as people are told of it: each new error once, and how long it took when it is over.
//! Errors that take turns, or name another port each time, would fill the log otherwise.

use crate::times::Instant;
use consensus::Error;
use std::time::Duration;

/// More errors than this are not told until it is over.
const MOST_TOLD: usize = 8;

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
        let is_news = self.told.len() < MOST_TOLD && !self.told.contains(&error);
        if is_news {
            self.told.push(error);
        }
        is_news
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

    #[test]
    fn an_error_that_is_another_each_time_does_not_fill_the_log() {
        let mut trouble = Trouble::default();
        let errors =
            (0..1000).map(|port| Error::new(ErrorKind::Unavailable, format!("from {port}")));
        let told = errors.filter(|error| trouble.is_news(error)).count();
        assert_eq!(told, super::MOST_TOLD);
    }
}
