//! What a store has open, and what it remembers between its calls. It moves to the helper thread for
//! each of them.

use super::Moment;
use super::life::{LetGo, Life, ProofOfLife, Standing};
use super::lockfile::LockFile;
use super::place::{Folder, Identity, Place, Role};
use super::watch::{Heard, Watch};
use crate::Token;
use crate::store::Record;
use std::fmt;
use std::path::Path;
use std::sync::{Arc, Once};
use tokio::sync::watch;

/// The files of one store.
#[derive(Debug)]
pub(super) struct Files {
    pub(super) place: Arc<Place>,
    /// Open since the first save, so that no follower is woken by its being closed.
    pub(super) lock: Option<LockFile>,
    pub(super) life: Option<Life>,
    /// The same, for whoever shares it.
    pub(super) shared: ProofOfLife,
    /// Set by who asks to let go while a call is outstanding.
    pub(super) wanted: Arc<LetGo>,
    /// The highest token whose byte was somebody else's when we wanted it.
    pub(super) refused: Token,
    /// Whether anybody wants to hear of changes.
    pub(super) listens: bool,
    watch: Option<(Identity, Watch)>,
    folder: Option<Identity>,
    history: History,
    swept: Option<Swept>,
    probe: Probe,
}

/// To wait with for the next change.
#[derive(Debug)]
pub(super) struct Listening {
    pub(super) heard: watch::Receiver<Heard>,
    /// What had been heard before the files were read.
    pub(super) mark: Heard,
}

/// Whether the folder at the path is the one that this store saw an election in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum History {
    OneFolder,
    /// Somebody may lead in the folder that was there before, and not know yet that it was replaced.
    Replaced,
}

/// What dead writers left is removed once.
#[derive(Debug)]
struct Swept;

/// What a test does at such a moment.
#[derive(Default)]
pub(super) struct Probe(Option<Box<dyn Fn(Moment) + Send>>);

impl Files {
    pub(super) fn new(path: &Path, role: Role) -> Self {
        Self {
            place: Arc::new(Place::new(path, role)),
            lock: None,
            life: None,
            shared: ProofOfLife::default(),
            wanted: Arc::default(),
            refused: Token::default(),
            listens: true,
            watch: None,
            folder: None,
            history: History::OneFolder,
            swept: None,
            probe: Probe::default(),
        }
    }

    /// Begins to watch the folder, if that is not done already. `None`: it cannot be watched, or nobody
    /// wants to hear.
    pub(super) fn listen(&mut self, folder: &Folder) -> Option<Listening> {
        if !self.listens {
            return None;
        }
        let still = self.watch.as_ref().filter(|(_, watch)| !watch.is_over());
        let watched = still.map(|(watched, _)| *watched);
        if watched != Some(folder.identity) {
            self.watch = None;
            match Watch::begin(&self.place) {
                // It is the path that is watched: was it this folder?
                Ok(watch) if self.place.still_has(folder) => {
                    self.watch = Some((folder.identity, watch));
                }
                Ok(_) => {}
                Err(error) => warn_unwatched(&self.place.folder_path, &error),
            }
        }
        self.still_listening()
    }

    /// Whatever is watched by now, if it is there or not.
    pub(super) fn still_listening(&self) -> Option<Listening> {
        let (_, watch) = self.watch.as_ref()?;
        let heard = watch.listen();
        let mark = *heard.borrow();
        Some(Listening { heard, mark })
    }

    pub(super) fn saw_folder(&mut self, folder: Identity) {
        if self.folder.is_some_and(|before| before != folder) {
            self.history = History::Replaced;
        }
        self.folder = Some(folder);
    }

    /// An election goes on in the folder that is there now.
    pub(super) fn saw_record(&mut self, record: Option<&Record>) {
        if record.is_some_and(|record| record.nonce.is_some()) {
            self.history = History::OneFolder;
        }
    }

    pub(super) fn folder_was_replaced(&self) -> bool {
        self.history == History::Replaced
    }

    /// Whether nothing was swept yet.
    pub(super) fn first_sweep(&mut self) -> bool {
        self.swept.replace(Swept).is_none()
    }

    /// The proof of life of a new term. What came before it is over: nobody begins one before.
    pub(super) fn live(&mut self, life: Life) {
        self.let_go();
        self.wanted.withdraw();
        self.shared.is(&life);
        self.life = Some(life.unless(&self.wanted));
    }

    /// Does what was asked for while another call was outstanding.
    pub(super) fn catch_up(&mut self) {
        if self.wanted.is_asked() {
            self.let_go();
        }
    }

    pub(super) fn let_go(&mut self) {
        if let Some(life) = self.life.take() {
            life.let_go();
        }
    }

    /// The caller was told that its record is stored.
    pub(super) fn told(&mut self) {
        if let Some(life) = &mut self.life {
            life.tell();
        }
    }

    /// Lets go of what was taken for a record that did not come to be, or is not there any more, if
    /// nobody was told of it. Says whether there was such a thing.
    pub(super) fn forget_untold_life(
        &mut self,
        folder: Identity,
        lock: Option<Identity>,
        token: Option<Token>,
    ) -> bool {
        let is_stale = |life: &mut Life| {
            life.standing() == Standing::Untold
                && (token != Some(life.token) || !life.is_on(folder, lock))
        };
        match self.life.take_if(is_stale) {
            Some(life) => {
                life.let_go();
                true
            }
            None => false,
        }
    }

    pub(super) fn reached(&self, moment: Moment) {
        if let Some(probe) = &self.probe.0 {
            probe(moment);
        }
    }

    #[cfg(feature = "kit")]
    pub(super) fn probe(&mut self, probe: impl Fn(Moment) + Send + 'static) {
        self.probe = Probe(Some(Box::new(probe)));
    }
}

fn warn_unwatched(folder: &Path, error: &std::io::Error) {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        tracing::warn!(
            folder = %folder.display(),
            %error,
            "cannot watch an election's folder, so followers only poll: raise the limits in \
             /proc/sys/fs/inotify"
        );
    });
}

impl fmt::Debug for Probe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "Probe(_)" } else { "None" })
    }
}
