//! What a user sets, checked in one place before anything starts.

use crate::backend::{Absent, Candidate, WorkScope};
use crate::timing::{Kill, Settings, Timing};
use crate::{Error, ErrorKind};
use std::time::Duration;

/// The longest identity, in bytes.
const LONGEST_IDENTITY: usize = 256;
/// The longest address, in bytes.
const LONGEST_ADDRESS: usize = 1024;

/// How a candidate takes part: its identity, and the times of the election.
///
/// Everything follows from the lease duration, and can be set. The rules that the times must keep
/// are checked by [`Manager::new`](crate::Manager::new); a refusal says which one is broken and
/// names the least lease duration that would do.
///
/// ```
/// use consensus::Config;
/// use std::time::Duration;
///
/// let config = Config::new("instance-1")
///     .lease_duration(Duration::from_secs(30))
///     .address("http://10.1.2.3:8080");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    identity: String,
    address: Option<String>,
    settings: Settings,
    work: WorkScope,
    absent: Absent,
}

impl Config {
    /// The defaults: a lease of 15 s, renewed every 5 s, tried for every 2 s.
    ///
    /// The identity is for people: logs and `status` show it. 1 to 256 bytes, no control characters.
    /// It need not be unique for safety: two candidates with one identity never lead together.
    pub fn new(identity: impl Into<String>) -> Self {
        Self {
            identity: identity.into(),
            address: None,
            settings: Settings::of(Duration::from_secs(15)),
            work: WorkScope::Process,
            absent: Absent::Held,
        }
    }

    /// How long a record counts as held after others last saw it change. Default 15 s; from 0.32 s
    /// to 24 h.
    ///
    /// Too short: a busy machine or store loses its lease. Too long: a crash is noticed late where
    /// the store has no proof of it. All candidates of an election use one lease duration.
    #[must_use]
    pub fn lease_duration(mut self, time: Duration) -> Self {
        self.settings.lease_duration = time;
        self
    }

    /// How long a leader still leads, counted from the *sending* of its last confirmed renewal.
    /// Default ⅔ of the lease duration.
    ///
    /// Too short: a slow store ends terms. Too long: no time is left for work to end.
    #[must_use]
    pub fn renew_deadline(mut self, time: Duration) -> Self {
        self.settings.renew_deadline = Some(time);
        self
    }

    /// How often a leader renews, counted from the sending of the last renewal. Default ⅓ of the
    /// lease duration; each one is sent up to a tenth earlier, and together with those of the process
    /// that are due at nearly the same time.
    ///
    /// Too short: load on the store. Too long: no time is left to try again.
    #[must_use]
    pub fn renew_interval(mut self, time: Duration) -> Self {
        self.settings.renew_interval = Some(time);
        self
    }

    /// How often a follower tries that is not told of changes, and a leader whose renewal failed, at
    /// the slowest. Default 2 s, or 2/15 of the lease duration if that is less.
    ///
    /// Too short: load on the store. Too long: a release is noticed late.
    #[must_use]
    pub fn retry_interval(mut self, time: Duration) -> Self {
        self.settings.retry_interval = Some(time);
        self
    }

    /// How long one request may take before it is given up and tried again. Default 0.45 of what is
    /// between renew interval and renew deadline, at most 10 s.
    #[must_use]
    pub fn request_timeout(mut self, time: Duration) -> Self {
        self.settings.request_timeout = Some(time);
        self
    }

    /// How long work may take to end after a term's deadline. Default 4/15 of the lease duration, or
    /// what is left of it.
    #[must_use]
    pub fn stop_grace(mut self, time: Duration) -> Self {
        self.settings.stop_grace = Some(time);
        self
    }

    /// Within what time the work must say that it is alive, by
    /// [`Lease::check_in`](crate::Lease::check_in), or its term ends. Default: it need not.
    ///
    /// For a program that may be stuck while its lease lives on.
    #[must_use]
    pub fn check_in(mut self, time: Duration) -> Self {
        self.settings.check_in = Some(time);
        self
    }

    /// A short text by which followers find the leader, such as a URL. 1 to 1024 bytes, no control
    /// characters. Default: none.
    #[must_use]
    pub fn address(mut self, address: impl Into<String>) -> Self {
        self.address = Some(address.into());
        self
    }

    /// How far the work that is done while leading reaches. Default:
    /// [`Process`](WorkScope::Process). Work that starts processes of its own needs
    /// [`Beyond`](WorkScope::Beyond).
    #[must_use]
    pub fn work_scope(mut self, scope: WorkScope) -> Self {
        self.work = scope;
        self
    }

    /// What a record that is absent at first sight counts as. Default: [`Held`](Absent::Held), for
    /// one lease duration.
    #[must_use]
    pub fn absent(mut self, absent: Absent) -> Self {
        self.absent = absent;
        self
    }

    /// Leaves time, after the stop grace, for SIGKILL to take effect: 3 % of the lease duration, at
    /// least 0.1 s. For programs that end their work by it. Default: none.
    #[must_use]
    pub fn leave_time_to_kill(mut self) -> Self {
        self.settings.kill = Kill::Allowed;
        self
    }

    /// The times that follow from this configuration.
    ///
    /// # Errors
    /// [`Invalid`](ErrorKind::Invalid) if they break a rule, which the message names.
    pub fn timing(&self) -> Result<Timing, Error> {
        self.settings.timing()
    }

    /// All of it, checked.
    pub(crate) fn check(&self) -> Result<(Candidate, Timing), Error> {
        check_text("identity", &self.identity, LONGEST_IDENTITY)?;
        if let Some(address) = &self.address {
            check_text("address", address, LONGEST_ADDRESS)?;
        }
        let timing = self.timing()?;
        let candidate = Candidate {
            address: self.address.as_deref().map(Into::into),
            work: self.work,
            absent: self.absent,
            ..Candidate::new(self.identity.as_str(), timing.lease_duration)
        };
        Ok((candidate, timing))
    }
}

fn check_text(name: &str, text: &str, longest: usize) -> Result<(), Error> {
    let refuse = |why: String| Err(Error::new(ErrorKind::Invalid, why));
    if text.is_empty() {
        return refuse(format!(
            "the {name} is empty; give 1 to {longest} bytes of text"
        ));
    }
    if text.len() > longest {
        return refuse(format!(
            "the {name} is {} bytes long; it may have at most {longest}",
            text.len()
        ));
    }
    if let Some((at, character)) = text.char_indices().find(|(_, c)| c.is_control()) {
        return refuse(format!(
            "the {name} has the control character {character:?} at byte {at}; give plain text"
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::Config;

    #[test]
    fn an_empty_a_long_and_an_unprintable_text_are_refused_by_name() {
        let refused = |config: Config, why: &str| {
            let error = config.check().expect_err(why).to_string();
            assert!(error.contains(why), "{error}");
        };
        refused(Config::new(""), "the identity is empty");
        refused(
            Config::new("x".repeat(257)),
            "the identity is 257 bytes long",
        );
        refused(
            Config::new("a\u{1b}[2Jb"),
            "control character '\\u{1b}' at byte 1",
        );
        refused(
            Config::new("a").address("x\ny"),
            "the address has the control character",
        );
        refused(
            Config::new("a").address("x".repeat(1025)),
            "the address is 1025 bytes long",
        );
        assert!(
            Config::new("instance-1 · Köln")
                .address("http://[::1]:80")
                .check()
                .is_ok()
        );
    }
}
