//! What people are told, on stderr: stdout is the command's, or machine-readable.
//!
//! Owns three rules. What goes wrong, and why a term ended before its command did, is always said; news
//! unless `-q` is given; explanations only if `-v` is. No control character reaches a terminal: identities, addresses and paths are written
//! by others. And nothing here blocks: a stderr that nobody reads must not keep the deadline from
//! being enforced. What cannot be written without waiting is written by a thread of its own, and what that
//! cannot keep up with is dropped.

use rustix::io::{ReadWriteFlags, pwritev2};
use std::fmt::Display;
use std::io::{self, IoSlice, Write};
use std::sync::OnceLock;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread;
use std::time::Duration;

/// How many lines wait for a slow stderr, before further ones are dropped.
const MOST_WAITING: usize = 1000;
/// As an offset: wherever the descriptor is by now.
const WHERE_IT_IS: u64 = u64::MAX;
/// How long the end of the program waits for a slow stderr.
const LAST_WORDS: Duration = Duration::from_millis(500);

/// How much people are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Loudness {
    /// What goes wrong, and why a term ended before its command did.
    Quiet,
    /// And who leads, and what is waited for.
    Usual,
    /// And explanations. So often it was asked for: more than once wants the log as well.
    Verbose(u8),
}

enum Line {
    Text(Vec<u8>),
    /// Answered when everything before it is written.
    Written(SyncSender<()>),
}

static LOUDNESS: OnceLock<Loudness> = OnceLock::new();
static LINES: OnceLock<SyncSender<Line>> = OnceLock::new();

/// Settles how much is said from here on.
pub(crate) fn be(loudness: Loudness) {
    // A second time is of no effect, and there is none.
    let _ = LOUDNESS.set(loudness);
}

/// Says what went wrong, or why a term ended, to whoever watches.
pub(crate) fn say(line: impl Display) {
    write(format!("consensus: {}\n", plain(&line.to_string())).into_bytes());
}

/// Tells news: what everybody wants to know who has not asked for quiet.
pub(crate) fn tell(line: impl Display) {
    match LOUDNESS.get() {
        Some(Loudness::Quiet) => {}
        Some(Loudness::Usual | Loudness::Verbose(_)) | None => say(line),
    }
}

/// Explains: for who asked for it.
pub(crate) fn explain(line: impl Display) {
    match LOUDNESS.get() {
        Some(Loudness::Verbose(_)) => say(line),
        Some(Loudness::Quiet | Loudness::Usual) | None => {}
    }
}

/// Says what comes in lines of its own: what is wrong with the command line, and the log.
pub(crate) fn say_lines(text: &str) {
    let lines = text.lines().map(plain).collect::<Vec<_>>().join("\n");
    write(format!("{lines}\n").into_bytes());
}

/// Waits a moment for what was said to be written, at the end.
pub(crate) fn finish() {
    settle(LAST_WORDS);
}

/// The same in between, for what is to stand before a command's own words.
pub(crate) fn settle(patience: Duration) {
    // Without the thread everything is written.
    let Some(lines) = LINES.get() else { return };
    let (written, done) = sync_channel(1);
    if lines.try_send(Line::Written(written)).is_ok() {
        // Too slow: it is lost.
        let _ = done.recv_timeout(patience);
    }
}

/// The text without anything that a terminal obeys, or that changes the order of what it shows.
pub(crate) fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for c in text.chars() {
        let shows = !matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}');
        if shows && !c.is_control() {
            plain.push(c);
        } else {
            plain.extend(c.escape_default());
        }
    }
    plain
}

/// Where the log goes: the same way, for it must not block the election's thread either.
pub(crate) struct Log(Vec<u8>);

impl Log {
    pub(crate) fn new() -> Self {
        Self(Vec::new())
    }
}

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        say_lines(&String::from_utf8_lossy(&self.0));
    }
}

fn write(line: Vec<u8>) {
    let left = match LINES.get() {
        None => write_at_once(line),
        Some(_) => line,
    };
    if !left.is_empty() {
        // Full: dropped. Gone: there is nobody to tell.
        let _ = lines().try_send(Line::Text(left));
    }
}

/// Writes without waiting, where that can be (pipes and sockets). Gives what is left.
fn write_at_once(mut line: Vec<u8>) -> Vec<u8> {
    // For this one call: the descriptor's own flag is everybody's who has it.
    let flags = ReadWriteFlags::NOWAIT;
    let written = pwritev2(io::stderr(), &[IoSlice::new(&line)], WHERE_IT_IS, flags);
    line.drain(..written.unwrap_or_default());
    line
}

fn lines() -> &'static SyncSender<Line> {
    LINES.get_or_init(|| {
        let (lines, waiting) = sync_channel(MOST_WAITING);
        let writer = move || {
            for line in waiting {
                match line {
                    // A closed stderr is its owner's wish.
                    Line::Text(text) => drop(io::stderr().write_all(&text)),
                    Line::Written(done) => drop(done.send(())),
                }
            }
        };
        // Without a thread nothing can be said; what is done stays right.
        drop(thread::Builder::new().name("speaker".into()).spawn(writer));
        lines
    })
}

#[cfg(test)]
mod tests {
    use super::plain;

    #[test]
    fn what_a_terminal_obeys_is_shown_instead() {
        assert_eq!(plain("instance-1 · Köln 日本"), "instance-1 · Köln 日本");
        assert_eq!(plain("a\u{1b}[2Jb\r\n"), "a\\u{1b}[2Jb\\r\\n");
        assert_eq!(plain("\u{61c}a\u{e0041}"), "\\u{61c}a\\u{e0041}");
        assert_eq!(plain("evil\u{202e}txt\u{9b}"), "evil\\u{202e}txt\\u{9b}");
    }
}
