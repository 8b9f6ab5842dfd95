//! The command line: what may be asked for, and what is refused before anything is done.
//!
//! Every flag has an environment variable, and the flag comes first. All that is wrong here is
//! [`Exit::Usage`]; `run.rs` and `status.rs` do what is asked.

use crate::exit::{self, Exit};
use crate::say::say_lines;
use crate::times;
use crate::url::Url;
use clap::builder::{FalseyValueParser, OsStringValueParser, TypedValueParser};
use clap::error::ErrorKind;
use clap::parser::ValueSource;
use clap::{ArgMatches, Args, CommandFactory, FromArgMatches, Parser, Subcommand};
use std::ffi::OsString;
use std::time::Duration;

/// Elects one leader among any number of processes, over a store that you already have.
#[derive(Debug, Parser)]
#[command(name = "consensus", version, after_help = help(exit::OF_RUN, exit::OF_STATUS), max_term_width = 100)]
#[command(subcommand_required = true, disable_help_subcommand = true)]
struct CommandLine {
    #[command(subcommand)]
    verb: Verb,
}

/// What is asked for.
#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Runs a command only while this process leads
    #[command(after_help = help(RUN_HELP, exit::OF_RUN))]
    Run(Run),
    /// Shows who leads
    #[command(after_help = help(STATUS_HELP, exit::OF_STATUS))]
    Status(Status),
}

fn help(first: &str, second: &str) -> String {
    format!("{first}\n\n{second}")
}

const RUN_HELP: &str = "\
The command runs in a process group of its own, and is told CONSENSUS_TOKEN (a number that every term
raises: hand it to what you write to), CONSENSUS_HOLDER (the identity) and CONSENSUS_ELECTION (the URL).
No other variable that begins with CONSENSUS_ reaches it.

When its time is over its group gets SIGTERM, and SIGKILL after the grace. What it leaves running when
it ends by itself is ended the same way. Then the lease is released. SIGTERM, SIGINT, SIGHUP and SIGQUIT
to `consensus` are passed on, and end it after the same grace; SIGUSR1, SIGUSR2 and SIGWINCH are only
passed on.

CONSENSUS_LOG=error|warn|info|debug|trace logs on stderr what the election does.

Example:
  consensus run file:/run/app/leader.json -- ./worker --queue mail";

const STATUS_HELP: &str = "\
One look: it reads, and creates nothing. --json prints one object:
  election          the URL
  leads             true or false
  holder            the identity of who leads, or led last; null if nobody did, or it was released
  address           the text by which the holder is found; null if it gave none
  token             the number of the term; null if there is none
  since             when the term began, RFC 3339, by the holder's clock; null as above
  renewed           when the holder last renewed, likewise
  lease_seconds     how long the record counts as held after that";

/// `consensus run`
#[derive(Debug, Args)]
pub(crate) struct Run {
    /// Who we are, for people: 1 to 256 bytes of text. Default: host name, process id and some
    /// randomness
    #[arg(long, value_name = "ID", env = "CONSENSUS_ID", hide_env_values = true)]
    pub(crate) id: Option<String>,

    /// How long others wait after the last sign of life of a leader: 320ms to 24h. All candidates
    /// of an election use the same
    #[arg(
        long,
        value_name = "TIME",
        env = "CONSENSUS_LEASE",
        hide_env_values = true
    )]
    #[arg(default_value = "15s", value_parser = times::parse, allow_hyphen_values = true)]
    pub(crate) lease: Duration,

    /// How long the command may take to end after SIGTERM, before SIGKILL. Default: 4/15 of the
    /// lease, which is 4s of 15s
    #[arg(
        long,
        value_name = "TIME",
        env = "CONSENSUS_GRACE",
        hide_env_values = true
    )]
    #[arg(value_parser = times::parse, allow_hyphen_values = true)]
    pub(crate) grace: Option<Duration>,

    /// How long to wait for leadership. Default: for ever
    #[arg(
        long,
        value_name = "TIME",
        env = "CONSENSUS_WAIT",
        hide_env_values = true
    )]
    #[arg(value_parser = times::parse, allow_hyphen_values = true)]
    wait: Option<Duration>,

    /// Do not wait: give up if somebody else leads, or may
    #[arg(long, env = "CONSENSUS_NONBLOCK", hide_env_values = true)]
    #[arg(value_parser = FalseyValueParser::new())]
    nonblock: bool,

    #[arg(help = "Where the election takes place: file:PATH")]
    #[arg(value_name = "URL", value_parser = OsStringValueParser::new().try_map(|url| Url::parse(&url)))]
    pub(crate) url: Url,

    /// The command, and its arguments
    #[arg(last = true, required = true, value_name = "COMMAND")]
    pub(crate) command: Vec<OsString>,
}

/// `consensus status`
#[derive(Debug, Args)]
pub(crate) struct Status {
    /// Print one JSON object, for programs
    #[arg(long, env = "CONSENSUS_JSON", hide_env_values = true)]
    #[arg(value_parser = FalseyValueParser::new())]
    pub(crate) json: bool,

    #[arg(help = "Where the election takes place: file:PATH")]
    #[arg(value_name = "URL", value_parser = OsStringValueParser::new().try_map(|url| Url::parse(&url)))]
    pub(crate) url: Url,
}

/// How long to wait for leadership.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Patience {
    Endless,
    AtMost(Duration),
    None,
}

impl Run {
    pub(crate) fn patience(&self) -> Patience {
        match (self.nonblock, self.wait) {
            (true, _) => Patience::None,
            (false, Some(time)) => Patience::AtMost(time),
            (false, None) => Patience::Endless,
        }
    }

    /// `--wait` and `--nonblock` exclude each other. A flag comes before the other's variable.
    fn settle_patience(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        if !self.nonblock || self.wait.is_none() {
            return Ok(());
        }
        let is_flag = |name| matches.value_source(name) == Some(ValueSource::CommandLine);
        match (is_flag("wait"), is_flag("nonblock")) {
            (true, false) => self.nonblock = false,
            (false, true) => self.wait = None,
            (true, true) | (false, false) => {
                let message = "--wait and --nonblock (or their variables) contradict each other; \
                               give one of them\n";
                return Err(CommandLine::command().error(ErrorKind::ArgumentConflict, message));
            }
        }
        Ok(())
    }
}

/// Reads the command line. `Err`: it has been answered, and this is how to end.
pub(crate) fn read() -> Result<Verb, Exit> {
    parse(std::env::args_os()).map_err(|error| answer(&error))
}

fn parse(line: impl IntoIterator<Item = OsString>) -> Result<Verb, clap::Error> {
    let matches = CommandLine::command().try_get_matches_from(line)?;
    let mut verb = CommandLine::from_arg_matches(&matches)?.verb;
    if let (Verb::Run(run), Some((_, matches))) = (&mut verb, matches.subcommand()) {
        run.settle_patience(matches)?;
    }
    Ok(verb)
}

/// Gives the help that was asked for, or says what is wrong.
fn answer(error: &clap::Error) -> Exit {
    if !error.use_stderr() {
        // Nobody reads on: their wish.
        let _ = error.print();
        return Exit::Done;
    }
    say_lines(error.to_string().trim_end());
    let variables: Vec<String> = ["ID", "LEASE", "GRACE", "WAIT", "NONBLOCK", "JSON"]
        .map(|name| format!("CONSENSUS_{name}"))
        .into_iter()
        .filter(|name| std::env::var_os(name).is_some())
        .collect();
    if !variables.is_empty() {
        let variables = variables.join(", ");
        say_lines(&format!(
            "\nFlags that are not given are read from {variables}."
        ));
    }
    Exit::Usage
}

#[cfg(test)]
mod tests {
    use super::{CommandLine, Patience, Verb, parse};
    use clap::CommandFactory;
    use std::time::Duration;

    fn patience(flags: &[&str]) -> Result<Patience, String> {
        let line = ["consensus", "run", "file:/x"];
        let line = line.iter().chain(flags).chain(&["--", "true"]);
        match parse(line.map(Into::into)) {
            Ok(Verb::Run(run)) => Ok(run.patience()),
            Ok(Verb::Status(_)) => Err("status".into()),
            Err(error) => Err(error.to_string()),
        }
    }

    #[test]
    fn the_command_line_is_well_formed() {
        CommandLine::command().debug_assert();
    }

    #[test]
    fn patience_is_endless_limited_or_none() {
        assert_eq!(patience(&[]), Ok(Patience::Endless));
        let limit = Patience::AtMost(Duration::from_secs(30));
        assert_eq!(patience(&["--wait", "30s"]), Ok(limit));
        assert_eq!(patience(&["--nonblock"]), Ok(Patience::None));
        let error = patience(&["--wait=30s", "--nonblock"]).expect_err("both");
        assert!(error.contains("contradict"), "{error}");
    }
}
