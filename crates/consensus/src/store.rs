//! Where a record lives: the contract of a store, two verbs and two hints.
//!
//! Whoever implements [`Store`] gets the election's protocol with its proofs from [`RecordBackend`],
//! and runs the conformance suite of the `kit` module over it. Every sentence of the contract has a
//! case there. Read `protocol.rs` next: it is the only caller.

pub use crate::protocol::RecordBackend;
pub use crate::record::{Claim, Nonce, Record};

use crate::{Error, Token};
use std::fmt::Debug;
use std::future::{Future, pending, ready};

/// What a store holds now.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Snapshot<V> {
    /// The record. `None`: there is none, or what there was has been deleted or emptied. A record
    /// that its holder released is not `None`: it has no holder.
    pub record: Option<Record>,
    /// The store's mark on what it holds. Absence has one too: saving on it creates.
    pub version: V,
    /// What the store itself knows about the life of whoever led last.
    pub proof: Proof,
    /// Where the tokens of new terms come from.
    pub tokens: Tokens,
    /// Whether [`Store::changed`] will tell of every change from here on.
    pub watched: bool,
}

impl<V> Snapshot<V> {
    /// A snapshot of a store that knows no proof, remembers no tokens and does not watch. Set what
    /// it does know.
    pub fn new(record: Option<Record>, version: V) -> Self {
        Self {
            record,
            version,
            proof: Proof::None,
            tokens: Tokens::default(),
            watched: false,
        }
    }
}

/// Where the tokens of new terms come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Tokens {
    /// From the protocol: the next one is higher than the record's and than this, the highest that
    /// the store remembers, even if the record that carried it is gone.
    Above(Token),
    /// From the store, which numbers its writes: see [`Saved::Stored`]. A term begins with a record
    /// without a token.
    Revisions,
}

impl Default for Tokens {
    fn default() -> Self {
        Self::Above(Token::default())
    }
}

/// What a store knows by itself about the life of whoever led last.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Proof {
    /// Nothing: the record has to be watched until it has run out.
    #[default]
    None,
    /// Nobody can still be leading or working, under this record or any before it. The record may be
    /// taken at once.
    Dead,
    /// Somebody who led may still be working, whatever the record says. Even a released or absent
    /// record has to be waited for, for at most one lease duration.
    Alive,
}

/// The answer to [`Store::save`]. Losing is data, not an error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Saved<V> {
    /// It is stored.
    Stored {
        /// The version of what is stored now.
        version: V,
        /// With [`Tokens::Revisions`], a number that rises with every write of this election and
        /// survives deletion: the token of a term that begins with this write.
        revision: Option<u64>,
    },
    /// The version is another by now. Nothing was changed that anybody will find; or this very save
    /// was carried out before, by a way to the store that sent it twice. The caller looks.
    Conflict,
}

/// A place that keeps one record and can compare before it swaps.
///
/// # Atomicity
/// [`save`](Store::save) stores the whole record if and only if the store still holds exactly
/// `if_version`, with nothing in between. Of many saves on one version, one is stored. What was
/// saved is what is loaded, by everybody, from then on: reads are never older than the last write
/// that was acknowledged to anybody. Only the load that follows a [`changed`](Store::changed), or a
/// save without success, may show what the store was told of since, if it is newer than all that
/// this handle has seen.
///
/// # Versions
/// Two versions are equal only if nothing was written between them. Absence has a version as well,
/// and a record that was created and deleted again leaves another one, if the store can tell.
///
/// # Tokens
/// No [`Tokens::Above`] is ever below a token that was saved, also after the record was deleted. (The
/// token of a record that stands counts anyway: a store from which nobody can delete need remember
/// nothing.) A store that numbers its writes across deletion says [`Tokens::Revisions`] instead. A
/// record of a new term carries a token above both; a store may refuse any other as a
/// [`Saved::Conflict`].
///
/// # Time
/// A store reads no clock for a decision. Wall-clock times in a record are for people.
///
/// # Unknown outcomes
/// `Err` from `save` always means *unknown*: it may have been stored, or may yet be. It costs the
/// caller one load. `Err` is never returned to say "no": that is [`Saved::Conflict`].
///
/// # Cancellation
/// Dropping a future is an unknown outcome. What goes on without its future (a file call on another
/// thread) is waited for by the next call. What cannot be waited for (a request in a network) stays
/// unknown: it may be carried out until the version that it was sent on has changed.
///
/// # Concurrency
/// `&mut self`: one call at a time for each handle, many handles on one record. The futures run on
/// the election's thread and never block it.
///
/// # What is not ours
/// Content that is not a record, or is one of a newer major format, is
/// [`Foreign`](crate::ErrorKind::Foreign) and stays as it is. Unknown fields of a record of this
/// format survive a save.
pub trait Store: Send + 'static {
    /// The store's own mark on what it holds.
    type Version: Clone + PartialEq + Debug + Send + Sync + 'static;

    /// Reads the record, and creates nothing.
    fn load(&mut self) -> impl Future<Output = Result<Snapshot<Self::Version>, Error>> + Send;

    /// Stores the record if the version is unchanged.
    ///
    /// A store with a proof of life marks the holder as living *before* the record can be read, and
    /// keeps the mark until a save without a holder, [`let_go`](Store::let_go), or the end of the
    /// process; dropping the handle need not end it.
    fn save(
        &mut self,
        record: &Record,
        if_version: &Self::Version,
    ) -> impl Future<Output = Result<Saved<Self::Version>, Error>> + Send;

    /// Resolves when the version may no longer be `seen`. A hint: it may come late, too often or,
    /// where [`Snapshot::watched`] is false, never.
    ///
    /// Level, not edge: a change between the load of `seen` and this call resolves it. One's own
    /// save, whose version is `seen`, does not. Without `seen`, any change from now on does.
    ///
    /// # Cancel safety
    /// Dropped and asked again at will.
    fn changed(&mut self, seen: Option<&Self::Version>) -> impl Future<Output = ()> + Send {
        let _ = seen;
        pending()
    }

    /// Takes away the mark of a living holder, if the store has such a thing: the term and its work
    /// are over, and the record was not ours to release.
    fn let_go(&mut self) -> impl Future<Output = ()> + Send {
        ready(())
    }
}
