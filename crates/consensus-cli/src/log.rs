//! The log, for who looks into what an election does: off, unless `CONSENSUS_LOG` names a level. What
//! everybody should know is said without it (`say.rs`).

use crate::exit::Exit;
use crate::say::{Log, say};
use tracing_subscriber::filter::LevelFilter;

const VARIABLE: &str = "CONSENSUS_LOG";

/// Starts the log if it is wanted.
pub(crate) fn start() -> Result<(), Exit> {
    let Some(level) = std::env::var_os(VARIABLE) else {
        return Ok(());
    };
    let level = level.to_string_lossy();
    let Ok(level) = level.parse::<LevelFilter>() else {
        say(format_args!(
            "{VARIABLE} is {level:?}; write off, error, warn, info, debug or trace"
        ));
        return Err(Exit::Usage);
    };
    tracing_subscriber::fmt()
        .with_max_level(level)
        .with_ansi(false)
        .with_writer(Log::new)
        .init();
    Ok(())
}
