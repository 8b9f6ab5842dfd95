//! Notification: one inotify descriptor and one thread that reads it, for all elections of a process.
//!
//! The folder is watched, since every save puts a new file in it, and so are the folders above it,
//! since a renamed one takes it away. The kernel reports the close of a dead leader's lock file as
//! well, just *before* it lets the lock go. Nothing here decides anything: whoever hears looks.

use super::place::Place;
use rustix::fs::inotify::{self, CreateFlags, ReadFlags, Reader, WatchFlags};
use rustix::io::Errno;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use tokio::sync::watch;

/// What was heard so far: counts, so that nothing is lost between a look and the wait for the next.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Heard {
    /// Everything that may concern the election.
    pub(super) events: u64,
    /// Those that may be the end of a process that had the lock file open.
    pub(super) closes: u64,
    /// Whether the folder is gone. Another one may have its number by now.
    pub(super) is_over: bool,
}

/// Hears of one election's files, as they are at the path when it is made.
#[derive(Debug)]
pub(super) struct Watch {
    heard: watch::Receiver<Heard>,
    sender: Arc<watch::Sender<Heard>>,
}

/// All that is watched by this process.
#[derive(Debug)]
struct Registry {
    descriptor: Option<Arc<OwnedFd>>,
    /// By the kernel's number of the watch.
    listeners: BTreeMap<i32, Vec<Listener>>,
}

#[derive(Debug)]
struct Listener {
    concerns: Concerns,
    sender: Arc<watch::Sender<Heard>>,
}

/// Which of a folder's events are an election's.
#[derive(Debug)]
enum Concerns {
    /// The folder of the files.
    Files { record: OsString, lock: OsString },
    /// A folder above it, which only matters when it goes away.
    Itself,
}

static REGISTRY: Mutex<Registry> = Mutex::new(Registry {
    descriptor: None,
    listeners: BTreeMap::new(),
});

/// Watches are added and removed by one thread at a time; the reader need not wait for them.
static CHANGING: Mutex<()> = Mutex::new(());

impl Watch {
    /// Begins to watch the folder that is at the path now.
    pub(super) fn begin(place: &Place) -> io::Result<Self> {
        let _one_at_a_time = CHANGING.lock().unwrap_or_else(PoisonError::into_inner);
        let descriptor = descriptor()?;
        remove_unheard(&descriptor);
        let (sender, heard) = watch::channel(Heard::default());
        let watch = Self {
            heard,
            sender: Arc::new(sender),
        };
        let concerns = Concerns::Files {
            record: place.record.clone(),
            lock: place.lock.clone(),
        };
        let files = WatchFlags::MOVED_TO
            | WatchFlags::MOVED_FROM
            | WatchFlags::CREATE
            | WatchFlags::DELETE
            | WatchFlags::CLOSE_WRITE;
        watch.add(&descriptor, &place.folder_path, files, concerns)?;
        // Where its real path cannot be told or watched, what happens above goes unheard: a hint less.
        let real = place.folder_path.canonicalize().unwrap_or_default();
        for above in real.ancestors().skip(1) {
            if let Err(error) = watch.add(&descriptor, above, WatchFlags::empty(), Concerns::Itself)
            {
                tracing::debug!(folder = %above.display(), %error, "cannot watch");
            }
        }
        Ok(watch)
    }

    /// Whether what is watched is gone.
    pub(super) fn is_over(&self) -> bool {
        self.heard.borrow().is_over
    }

    /// To wait with, and to count from.
    pub(super) fn listen(&self) -> watch::Receiver<Heard> {
        self.heard.clone()
    }

    fn add(
        &self,
        descriptor: &OwnedFd,
        path: &Path,
        events: WatchFlags,
        concerns: Concerns,
    ) -> io::Result<()> {
        let itself = WatchFlags::MOVE_SELF | WatchFlags::DELETE_SELF;
        // Two elections may watch one folder for different reasons.
        let how = WatchFlags::ONLYDIR | WatchFlags::MASK_ADD;
        let number = inotify::add_watch(descriptor, path, events | itself | how)?;
        let sender = Arc::clone(&self.sender);
        let listener = Listener { concerns, sender };
        registry()
            .listeners
            .entry(number)
            .or_default()
            .push(listener);
        Ok(())
    }
}

/// Only forgets; the kernel is told when the next watch begins. A dropped store makes no system call.
impl Drop for Watch {
    fn drop(&mut self) {
        for listeners in registry().listeners.values_mut() {
            listeners.retain(|listener| !Arc::ptr_eq(&listener.sender, &self.sender));
        }
    }
}

fn registry() -> MutexGuard<'static, Registry> {
    REGISTRY.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The one descriptor, with its reader.
fn descriptor() -> io::Result<Arc<OwnedFd>> {
    if let Some(descriptor) = &registry().descriptor {
        return Ok(Arc::clone(descriptor));
    }
    let descriptor = Arc::new(inotify::init(CreateFlags::CLOEXEC)?);
    let to_read = Arc::clone(&descriptor);
    thread::Builder::new()
        .name("consensus-watch".to_owned())
        .spawn(move || read(&to_read))?;
    registry().descriptor = Some(Arc::clone(&descriptor));
    Ok(descriptor)
}

fn remove_unheard(descriptor: &OwnedFd) {
    registry().listeners.retain(|number, listeners| {
        if listeners.is_empty() {
            // Gone already where the folder is gone.
            let _ = inotify::remove_watch(descriptor, *number);
        }
        !listeners.is_empty()
    });
}

/// Reads events for ever, on a thread that waits for nothing else.
fn read(descriptor: &OwnedFd) {
    let mut buffer = [MaybeUninit::uninit(); 16 * 1024];
    let mut events = Reader::new(descriptor, &mut buffer);
    loop {
        match events.next() {
            Ok(event) => {
                let name = event.file_name().map(std::ffi::CStr::to_bytes);
                registry().tell(event.wd(), event.events(), name);
            }
            Err(Errno::INTR) => {}
            Err(error) => {
                tracing::error!(%error, "cannot read notifications: elections on files only poll");
                registry().tell_all();
                return;
            }
        }
    }
}

impl Registry {
    fn tell(&mut self, number: i32, events: ReadFlags, name: Option<&[u8]>) {
        if events.contains(ReadFlags::QUEUE_OVERFLOW) {
            return self.tell_all();
        }
        if let Some(listeners) = self.listeners.get(&number) {
            for listener in listeners {
                listener.tell(events, name);
            }
        }
        if events.contains(ReadFlags::IGNORED) {
            self.listeners.remove(&number);
        }
    }

    fn tell_all(&self) {
        for listener in self.listeners.values().flatten() {
            listener.sender.send_modify(|heard| {
                heard.events += 1;
                heard.closes += 1;
                // Among what was not told may be the end of what is watched.
                heard.is_over = true;
            });
        }
    }
}

impl Listener {
    fn tell(&self, events: ReadFlags, name: Option<&[u8]>) {
        let is_close = match (&self.concerns, name) {
            (Concerns::Files { .. } | Concerns::Itself, None) => false,
            (Concerns::Files { lock, .. }, Some(name)) if lock.as_bytes() == name => {
                events.contains(ReadFlags::CLOSE_WRITE)
            }
            (Concerns::Files { record, .. }, Some(name)) if record.as_bytes() == name => false,
            (Concerns::Files { .. } | Concerns::Itself, Some(_)) => return,
        };
        // The folder, or one above it, is gone or elsewhere: what is at the path now is not watched.
        let gone = ReadFlags::IGNORED | ReadFlags::MOVE_SELF;
        let is_over = name.is_none() && events.intersects(gone);
        self.sender.send_modify(|heard| {
            heard.events += 1;
            heard.closes += u64::from(is_close);
            heard.is_over |= is_over;
        });
    }
}
