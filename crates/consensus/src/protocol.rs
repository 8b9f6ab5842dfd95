//! The three verbs over any store: the one protocol, written once, in the order in which it happens.
//!
//! `knowledge.rs` decides; here the store is asked and told. Time limits are the manager's.

use crate::backend::{Acquisition, Backend, Candidate, Renewal};
use crate::host::Host;
use crate::knowledge::{Judgement, Knowledge, Whose, Write};
use crate::store::{Claim, Record, Saved, Store};
use crate::world::World;
use crate::{Error, ErrorKind, Token};
use std::fmt;
use std::time::Duration;

/// How often one request tries again at once after somebody else was faster. The next one comes soon.
const LOOKS: u32 = 3;

/// Makes a [`Backend`] of a [`Store`]: the lease-based election, by compare-and-swap of one record.
///
/// ```
/// use consensus::{memory::MemoryStore, store::RecordBackend, Config, Manager};
///
/// let manager = Manager::new(RecordBackend::over(MemoryStore::new()), Config::new("a"))?;
/// # Ok::<(), consensus::Error>(())
/// ```
pub struct RecordBackend<S: Store, W = Host> {
    store: S,
    world: W,
    knowledge: Knowledge<S::Version>,
    heir: Option<Heir>,
}

/// Who is told what this candidate may hold.
type Heir = Box<dyn FnMut(Claim) + Send>;

impl<S: Store> RecordBackend<S> {
    /// The election over this store.
    pub fn over(store: S) -> Self {
        Self::in_world(store, Host)
    }

    /// Tells what this candidate may hold, each time that may have changed: of a write *before* it is
    /// sent. The heir keeps it where the end of this process does not end it. It is called on the
    /// election's thread and must not block.
    #[must_use]
    pub fn with_heir(mut self, heir: impl FnMut(Claim) + Send + 'static) -> Self {
        self.heir = Some(Box::new(heir));
        self
    }

    /// Takes over what another process may hold that is dead, and all its work with it, to
    /// [`release`](Backend::release) it as [`Claim::candidate`]. Only what is still that candidate's own
    /// is released (promise 4); whoever leads by then is left alone.
    #[must_use]
    pub fn inheriting(mut self, claim: Claim) -> Self {
        self.knowledge = Knowledge::inherited(claim);
        self
    }
}

impl<S: Store, W: World> RecordBackend<S, W> {
    /// The same with a clock and randomness of one's own, for a simulator.
    #[doc(hidden)]
    pub fn in_world(store: S, world: W) -> Self {
        Self {
            store,
            world,
            knowledge: Knowledge::default(),
            heir: None,
        }
    }

    fn tell_heir(&mut self) {
        if let Some(heir) = &mut self.heir {
            heir(self.knowledge.claim());
        }
    }

    /// Every write goes through here, and on the version that it was decided on (promise 3).
    async fn write(
        &mut self,
        candidate: &Candidate,
        what: Write,
        on: &S::Version,
    ) -> Result<Option<Option<u64>>, Error> {
        let fresh = (self.world.nonce()?, self.world.wall_ms());
        let record = self.knowledge.write(candidate, what, fresh, on);
        self.tell_heir();
        match self.store.save(&record, on).await? {
            Saved::Stored { version, revision } => {
                self.knowledge.stored(record, version);
                self.tell_heir();
                Ok(Some(revision))
            }
            // It stays open: a store that tries again by itself refuses its own success.
            Saved::Conflict => Ok(None),
        }
    }

    /// Writes what a leader writes, for as long as the record is our own. `Some`: it is not.
    async fn write_while_ours(
        &mut self,
        candidate: &Candidate,
        what: Write,
    ) -> Result<Option<Renewal>, Error> {
        let mut sure = self.knowledge.sure().cloned();
        for _ in 0..LOOKS {
            let version = if let Some(version) = sure.take() {
                version
            } else {
                let seen = self.store.load().await?;
                let whose = self.knowledge.see(&seen);
                self.tell_heir();
                if let Whose::Others = whose {
                    let leader = seen.record.as_ref().and_then(Record::leader);
                    return Ok(Some(Renewal::Lost { leader }));
                }
                seen.version
            };
            if self.write(candidate, what, &version).await?.is_some() {
                return Ok(None);
            }
        }
        let message = "what the store keeps beside our record changes faster than we can write it";
        Err(Error::new(ErrorKind::Unavailable, message))
    }
}

impl<S: Store, W: World> Backend for RecordBackend<S, W> {
    async fn try_acquire(&mut self, candidate: &Candidate) -> Result<Acquisition, Error> {
        for _ in 0..LOOKS {
            let seen = self.store.load().await.inspect_err(|error| {
                if error.kind() == ErrorKind::Foreign {
                    self.knowledge.saw_foreign();
                }
            })?;
            // Promise 2: a follower's time is counted from here, after the answer came.
            let now = self.world.now();
            let judgement = self.knowledge.judge(now, candidate, &seen);
            self.tell_heir();
            match judgement? {
                Judgement::Held { leader, at_most } => {
                    let at_most = Some(at_most);
                    return Ok(Acquisition::Held {
                        leader,
                        at_most,
                        watched: seen.watched,
                    });
                }
                Judgement::Free => {}
            }
            let proposed = self.knowledge.next_token(&seen);
            let what = Write::Begin(proposed);
            if let Some(revision) = self.write(candidate, what, &seen.version).await? {
                let token = proposed
                    .or(revision.map(Token::new))
                    .ok_or_else(no_revision)?;
                self.knowledge.began(token);
                return Ok(Acquisition::Acquired { token });
            }
        }
        // We lost as often as we tried. Whoever won will be seen next time.
        let at_most = Some(Duration::ZERO);
        Ok(Acquisition::Held {
            leader: None,
            at_most,
            watched: false,
        })
    }

    async fn renew(&mut self, candidate: &Candidate, token: Token) -> Result<Renewal, Error> {
        if !self.knowledge.is_term(token) {
            return Ok(Renewal::Lost { leader: None });
        }
        let lost = self
            .write_while_ours(candidate, Write::Renew(token))
            .await?;
        Ok(lost.unwrap_or(Renewal::Renewed))
    }

    async fn release(&mut self, candidate: &Candidate) -> Result<(), Error> {
        if self.knowledge.may_be_ours() {
            self.write_while_ours(candidate, Write::Release).await?;
            self.knowledge.forget();
            self.tell_heir();
        }
        self.store.let_go().await;
        Ok(())
    }

    async fn let_go(&mut self) {
        // What we know stays: if the record is still our own, it is taken anew (promise 4).
        self.store.let_go().await;
    }

    async fn changed(&mut self) {
        self.store.changed(self.knowledge.version()).await;
    }
}

fn no_revision() -> Error {
    let message = "the store says that it numbers its writes, but gave this write no revision: \
                   a mistake in the store";
    Error::new(ErrorKind::Invalid, message)
}

impl<S: Store + fmt::Debug, W> fmt::Debug for RecordBackend<S, W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RecordBackend")
            .field("store", &self.store)
            .finish_non_exhaustive()
    }
}
