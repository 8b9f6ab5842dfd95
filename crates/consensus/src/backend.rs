//! The three verbs: *what* a manager asks of the system that decides who leads.
//!
//! A system that keeps time and ownership by itself implements [`Backend`] directly. Nearly
//! everything else only has to be a [`Store`](crate::store::Store), and gets its backend from
//! [`RecordBackend`](crate::store::RecordBackend). Read `store.rs` next.

use crate::{Error, Token};
use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

/// Who asks, and on what terms. It travels with every request.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Candidate {
    /// The name that the user chose. Two candidates may bear the same one: it decides nothing.
    pub identity: Arc<str>,
    /// The short text by which followers find the leader.
    pub address: Option<Arc<str>>,
    /// How long a record of this candidate counts as held after its last change.
    pub lease_duration: Duration,
    /// How far the work that is done while leading reaches.
    pub work: WorkScope,
    /// What a record that is absent at first sight counts as.
    pub absent: Absent,
}

impl Candidate {
    /// A candidate with the defaults of [`Config`](crate::Config): no address, work that lives and
    /// dies with the process, absence counted as held.
    pub fn new(identity: impl Into<Arc<str>>, lease_duration: Duration) -> Self {
        Self {
            identity: identity.into(),
            address: None,
            lease_duration,
            work: WorkScope::Process,
            absent: Absent::Held,
        }
    }

    /// How this candidate looks to others while it leads.
    pub fn as_leader(&self) -> Leader {
        Leader {
            identity: Arc::clone(&self.identity),
            address: self.address.clone(),
        }
    }
}

/// How far the work that is done while leading reaches: what the end of the process proves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum WorkScope {
    /// The work lives and dies with this process. If the store can tell that the process is gone,
    /// others take over at once.
    #[default]
    Process,
    /// The work may outlive this process, as processes that it starts do. Others wait for the lease
    /// to run out, whatever becomes of the process.
    Beyond,
}

/// What a record that is absent at first sight counts as.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Absent {
    /// Held, for one lease duration: somebody may have deleted it under a leader.
    #[default]
    Held,
    /// Free. For throw-away elections, where nobody deletes a record under a leader.
    Free,
}

/// A leader as others see it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Leader {
    /// The identity that it chose.
    pub identity: Arc<str>,
    /// The short text by which it can be found, if it gave one.
    pub address: Option<Arc<str>>,
}

impl fmt::Display for Leader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.identity)?;
        match &self.address {
            Some(address) => write!(f, " at {address}"),
            None => Ok(()),
        }
    }
}

/// The answer to an attempt to lead. Losing is data, not an error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Acquisition {
    /// We lead, under this token: higher than every earlier one of the election.
    Acquired {
        /// The token of the new term.
        token: Token,
    },
    /// Somebody else leads, or may.
    Held {
        /// Who, if that is known.
        leader: Option<Leader>,
        /// When the lease can be free at the latest if nobody renews it, counted from this answer.
        at_most: Option<Duration>,
        /// Whether [`Backend::changed`] will tell of the next change, so that there is no need to
        /// poll.
        watched: bool,
    },
}

/// The answer to a renewal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Renewal {
    /// We still lead, for one more renew deadline counted from when the request was sent.
    Renewed,
    /// We do not lead any more. There is no way back into this term.
    Lost {
        /// Who leads instead, if that is known.
        leader: Option<Leader>,
    },
}

/// The system that decides who leads: three verbs and a hint.
///
/// # Atomicity
/// Of any number of candidates that try to acquire at the same time, at most one is told
/// [`Acquired`](Acquisition::Acquired), and nobody is while another's lease is alive. A renewal or a
/// release that comes too late changes nothing for whoever leads by then.
///
/// # Tokens
/// Every [`Acquired`](Acquisition::Acquired) carries a token higher than all that this election has
/// ever given out, also across release, expiry, crash and deletion.
///
/// # Time
/// A lease counts, at the system, for at least [`Candidate::lease_duration`] after the acquisition
/// or renewal *arrived* there. The manager counts a shorter time from before it was *sent*, so an
/// implementation need not know when that was. No implementation compares one machine's timestamp
/// with another machine's clock.
///
/// # Unknown outcomes
/// `Err` means *unknown*: the request may have been carried out, or may yet be. The next call finds
/// out. An acquisition that turns out to have succeeded is not adopted but taken anew, under a new
/// token.
///
/// # Cancellation
/// Any of these futures may be dropped at any await, at a timeout or because the user stops. That is
/// the same as an unknown outcome. What cannot be taken back, such as a file call under way, is
/// waited for by the *next* call, before that does anything.
///
/// # Concurrency
/// `&mut self`: one call at a time. The futures run on the election's thread, which they must never
/// block.
///
/// # Errors
/// [`ErrorKind`](crate::ErrorKind) says what the election does next. All but
/// [`Foreign`](crate::ErrorKind::Foreign) are retried, for as long as the outage lasts.
pub trait Backend: Send + 'static {
    /// Tries to begin a term. Called only while this candidate has none, and no work left of one.
    fn try_acquire(
        &mut self,
        candidate: &Candidate,
    ) -> impl Future<Output = Result<Acquisition, Error>> + Send;

    /// Prolongs the term that was acquired with this token.
    fn renew(
        &mut self,
        candidate: &Candidate,
        token: Token,
    ) -> impl Future<Output = Result<Renewal, Error>> + Send;

    /// Gives up what this candidate may hold. Called when a term and its work are over, and when an
    /// election is stopped that leads nothing; not after work that outlived its grace. `Ok`: nothing
    /// is ours any more, whether or not it was.
    fn release(&mut self, candidate: &Candidate) -> impl Future<Output = Result<(), Error>> + Send;

    /// Takes away what marks a living holder, if the system has such a thing, and gives up nothing
    /// else: a term and its work are over, and there is no lease left to release.
    fn let_go(&mut self) -> impl Future<Output = ()> + Send {
        std::future::ready(())
    }

    /// Resolves when it is worth asking again. A hint: it may come late, too often or never.
    ///
    /// # Cancel safety
    /// Dropped and asked again at will; a change in between is not lost.
    fn changed(&mut self) -> impl Future<Output = ()> + Send {
        std::future::pending()
    }
}
