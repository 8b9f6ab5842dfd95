//! What was logged, by whomever in this process.

use std::io::{self, Write};
use std::sync::{Mutex, OnceLock, PoisonError};

/// Everything since the first call.
#[derive(Debug, Default)]
pub(crate) struct Log(Mutex<Vec<u8>>);

/// Begins to listen, if nobody did.
pub(crate) fn everything() -> &'static Log {
    static LOG: OnceLock<Log> = OnceLock::new();
    let mut is_new = false;
    let log = LOG.get_or_init(|| {
        is_new = true;
        Log::default()
    });
    if is_new {
        let lines = tracing_subscriber::fmt()
            .with_ansi(false)
            .with_writer(move || Line(log));
        lines
            .try_init()
            .expect("nobody else listens in this process");
    }
    log
}

impl Log {
    /// The lines that have all of these words.
    pub(crate) fn lines(&self, words: &[&str]) -> Vec<String> {
        let log = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let text = String::from_utf8_lossy(&log);
        let lines = text
            .lines()
            .filter(|line| words.iter().all(|word| line.contains(word)));
        lines.map(str::to_owned).collect()
    }
}

#[derive(Debug)]
struct Line(&'static Log);

impl Write for Line {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        let mut log = self.0.0.lock().unwrap_or_else(PoisonError::into_inner);
        log.extend_from_slice(text);
        Ok(text.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
