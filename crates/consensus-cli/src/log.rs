//! The log, for who looks into what an election does: off, unless `CONSENSUS_LOG` names a level or `-v`
//! is repeated; the name comes first. What everybody should know is said without it (`say.rs`).

use crate::exit::Exit;
use crate::say::{Log, Loudness, say};
use tracing_subscriber::filter::LevelFilter;

const VARIABLE: &str = "CONSENSUS_LOG";

/// Starts the log if it is wanted.
pub(crate) fn start(loudness: Loudness) -> Result<(), Exit> {
    let level = match std::env::var_os(VARIABLE) {
        Some(level) => named(&level.to_string_lossy())?,
        None => usual(loudness),
    };
    if level != LevelFilter::OFF {
        tracing_subscriber::fmt()
            .with_max_level(level)
            .with_ansi(false)
            .with_writer(Log::new)
            .init();
    }
    Ok(())
}

fn named(level: &str) -> Result<LevelFilter, Exit> {
    level.parse().map_err(|_| {
        say(format_args!(
            "{VARIABLE} is {level:?}; write off, error, warn, info, debug or trace"
        ));
        Exit::Usage
    })
}

fn usual(loudness: Loudness) -> LevelFilter {
    match loudness {
        Loudness::Quiet | Loudness::Usual | Loudness::Verbose(0 | 1) => LevelFilter::OFF,
        Loudness::Verbose(2) => LevelFilter::INFO,
        Loudness::Verbose(3) => LevelFilter::DEBUG,
        Loudness::Verbose(4..) => LevelFilter::TRACE,
    }
}
