//! A terminal with a shell in front of it, as a person has one: what is typed, what is seen, and which
//! process group is in front.

use crate::bench::{Place, below, has, know, until};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{Mode, OFlags};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};
use std::fs::{self, File};
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::process::{Child, Command};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// What the shell shows when it waits for a line. Nothing that is typed contains it.
pub const PROMPT: &str = "[shell]";

/// What a key sends.
pub const CTRL_C: &str = "\x03";
pub const CTRL_D: &str = "\x04";
pub const CTRL_Z: &str = "\x1a";

/// A terminal, and the first process of its session.
pub struct Terminal {
    keyboard: Option<File>,
    screen: Arc<Mutex<String>>,
    /// How much of the screen was asked about.
    read: usize,
    first: Child,
    watch: Option<JoinHandle<()>>,
    closes: Arc<AtomicBool>,
}

impl Terminal {
    /// A shell with job control that knows `$run` (`consensus run` with the election's URL to follow as
    /// `$url`) and `$D`, the folder. `None`: there is none here.
    pub fn with_shell(place: &Place) -> Option<Self> {
        if !has("bash") || !has("setsid") {
            return None;
        }
        let mut shell = Command::new("bash");
        shell.args(["--norc", "--noprofile", "--noediting", "-i"]);
        know(&mut shell, place);
        shell.env("PS1", "$ ");
        let mut terminal = Self::begun_by(in_a_session(&shell));
        // What is typed would be seen as well.
        terminal.types("stty -echo; PS1='[she''ll]'\n");
        terminal.sees(PROMPT);
        Some(terminal)
    }

    /// A terminal that is this command's stdin, stdout and stderr.
    pub fn begun_by(mut command: Command) -> Self {
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC);
        let master = master.expect("a terminal");
        grantpt(&master).expect("ours");
        unlockpt(&master).expect("ours");
        let name = ptsname(&master, Vec::new()).expect("it has a name");
        let slave = open(Path::new(std::ffi::OsStr::from_bytes(name.to_bytes())));
        command
            .stdin(slave.try_clone().expect("a descriptor"))
            .stdout(slave.try_clone().expect("a descriptor"))
            .stderr(slave);
        let first = command.spawn().expect("it starts");
        // Or it would keep the terminal open.
        drop(command);
        let screen = Arc::new(Mutex::new(String::new()));
        let keyboard = File::from(master);
        let closes = Arc::new(AtomicBool::new(false));
        let watch = watch(
            keyboard.try_clone().expect("a descriptor"),
            Arc::clone(&screen),
            Arc::clone(&closes),
        );
        Self {
            keyboard: Some(keyboard),
            watch: Some(watch),
            closes,
            screen,
            read: 0,
            first,
        }
    }

    fn keyboard(&self) -> &File {
        self.keyboard.as_ref().expect("it is open")
    }

    pub fn types(&mut self, keys: &str) {
        let written = self.keyboard().write_all(keys.as_bytes());
        written.expect("the terminal takes it");
    }

    /// Waits until this is on the screen, after all that was waited for before.
    pub fn sees(&mut self, words: &str) {
        let start = self.read;
        let mut end = start;
        self.until(&format!("{words:?} on the screen"), |terminal| {
            let screen = terminal.screen();
            let found = screen[start..].find(words);
            found.inspect(|at| end = start + at + words.len()).is_some()
        });
        self.read = end;
    }

    /// Waits until something is so, and shows the screen if that never comes.
    pub fn until(&self, what: &str, mut is_so: impl FnMut(&Self) -> bool) {
        let waiting = AssertUnwindSafe(|| until(what, || is_so(self)));
        let came = catch_unwind(waiting).is_ok();
        assert!(
            came,
            "{} in front; on the screen:\n{}",
            self.in_front(),
            self.screen()
        );
    }

    /// Waits until the shell has noticed that its job was stopped: until then it would not continue it.
    pub fn sees_a_stopped_job(&mut self) {
        while !self.does("jobs").contains("Stopped") {
            thread::sleep(Duration::from_millis(20));
        }
        assert!(self.shell_is_in_front());
    }

    /// Types a line for the shell, and waits until it is done with it. Gives what was seen meanwhile.
    pub fn does(&mut self, line: &str) -> String {
        let start = self.read;
        self.types(&format!("{line}\n"));
        self.sees(PROMPT);
        self.screen()[start..self.read].to_owned()
    }

    /// Waits for the shell, and asserts how the last line ended.
    pub fn shell_sees(&mut self, code: i32) {
        self.sees(PROMPT);
        let said = self.does("echo code=$?");
        let screen = self.screen();
        assert!(said.contains(&format!("code={code}\r\n")), "{screen}");
        assert!(self.shell_is_in_front(), "{screen}");
    }

    pub fn screen(&self) -> String {
        self.screen.lock().expect("nobody panics").clone()
    }

    /// The group in front.
    pub fn in_front(&self) -> String {
        stat(&self.first.id().to_string(), TERMINALS_GROUP)
    }

    pub fn shell_is_in_front(&self) -> bool {
        self.in_front() == self.first.id().to_string()
    }

    /// Waits until this group is in front.
    pub fn waits_for_front(&self, group: &str) {
        self.until(&format!("the group {group} in front"), |me| {
            me.in_front() == group
        });
    }

    /// Makes the window another size.
    pub fn resizes(&self, rows: u16, columns: u16) {
        let size = Winsize {
            ws_row: rows,
            ws_col: columns,
            ws_xpixel: 0,
            ws_ypixel: 0,
        };
        tcsetwinsize(self.keyboard(), size).expect("ours");
    }

    /// Closes the window, and waits for the end of the first process.
    pub fn closes(mut self) {
        self.hang_up();
        until("the end of the session", || {
            self.first.try_wait().expect("a child").is_some()
        });
    }

    /// The kernel tells the session when nobody has this end of the terminal any more.
    fn hang_up(&mut self) {
        self.closes.store(true, Ordering::Relaxed);
        if let Some(watch) = self.watch.take() {
            let _ = watch.join();
        }
        self.keyboard = None;
    }

    /// Waits for the end of the first process, and gives its exit code.
    pub fn done(mut self) -> Option<i32> {
        let mut code = None;
        until("the end of the session", || {
            code = self.first.try_wait().expect("a child");
            code.is_some()
        });
        code.expect("ended").code()
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        self.hang_up();
        for _ in 0..200 {
            if !matches!(self.first.try_wait(), Ok(None)) {
                return;
            }
            thread::sleep(Duration::from_millis(20));
        }
        let _ = self.first.kill();
        let _ = self.first.wait();
    }
}

fn open(terminal: &Path) -> OwnedFd {
    let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC;
    rustix::fs::open(terminal, flags, Mode::empty()).expect("the terminal's other end")
}

/// This command, as the first process of a session whose terminal is its stdin.
pub fn in_a_session(command: &Command) -> Command {
    below("setsid", &["--ctty", "--"], command)
}

/// Keeps what is shown, until nobody has the terminal open any more, or it is to be closed.
fn watch(
    mut terminal: File,
    screen: Arc<Mutex<String>>,
    closes: Arc<AtomicBool>,
) -> JoinHandle<()> {
    let often = Timespec::try_from(Duration::from_millis(50)).expect("short");
    thread::spawn(move || {
        let mut bytes = [0; 4096];
        while !closes.load(Ordering::Relaxed) {
            if poll(&mut [PollFd::new(&terminal, PollFlags::IN)], Some(&often)) == Ok(0) {
                continue;
            }
            let Ok(length @ 1..) = terminal.read(&mut bytes) else {
                return;
            };
            let text = String::from_utf8_lossy(&bytes[..length]);
            screen.lock().expect("nobody panics").push_str(&text);
        }
    })
}

/// A line at the prompt of a shell: a command that notes its id, and what it does then. (Not in dash: in the
/// middle of starting something it cannot be stopped, so that Ctrl-Z may do nothing.)
pub fn run(flags: &str, script: &str) -> String {
    format!("$run {flags} $url -- bash -c 'echo $$ > $D/id; {script}'")
}

/// Who leads: the command's process, its guard, and `consensus`.
pub fn processes(place: &Place) -> (String, String, String) {
    let command = place.wait_for_file("id");
    let guard = stat(&command, PARENT);
    let leader = stat(&guard, PARENT);
    (command, guard, leader)
}

pub const PARENT: usize = 1;
pub const GROUP: usize = 2;
const TERMINALS_GROUP: usize = 5;

/// A word of `/proc/PID/stat`, counted from behind the name.
pub fn stat(process: &str, word: usize) -> String {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    let words = stat.rsplit(')').next().unwrap_or_default();
    let word = words.split_whitespace().nth(word);
    word.unwrap_or_default().to_owned()
}
