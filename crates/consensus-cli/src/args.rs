//! The command line: what may be asked for, and what is refused before anything is done.
//!
//! All that is wrong here is [`Exit::Usage`]; `flags.rs` has the flags, `run.rs` and `status.rs` do what
//! is asked.

use crate::exit::Exit;
use crate::flags::{Run, Status};
use crate::help;
use crate::say::{Loudness, say_lines};
use clap::error::ErrorKind;
use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};
use std::ffi::OsString;

/// Elects one leader among any number of processes, over a store that you already have.
#[derive(Debug, Parser)]
#[command(name = "consensus", version, after_help = help::of_program(), max_term_width = 100)]
#[command(subcommand_required = true, disable_help_subcommand = true)]
struct CommandLine {
    #[command(subcommand)]
    verb: Verb,
}

/// What is asked for.
#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Runs a command only while this process leads
    #[command(after_help = help::of_run())]
    Run(Run),
    /// Shows who leads
    #[command(after_help = help::of_status())]
    Status(Status),
}

impl Verb {
    /// How much people are told meanwhile.
    pub(crate) fn loudness(&self) -> Loudness {
        match self {
            Self::Run(run) => run.loudness(),
            Self::Status(_) => Loudness::Usual,
        }
    }
}

/// Reads the command line. `Err`: it has been answered, and this is how to end.
pub(crate) fn read() -> Result<Verb, Exit> {
    parse(std::env::args_os()).map_err(|error| answer(&error))
}

fn parse(line: impl IntoIterator<Item = OsString>) -> Result<Verb, clap::Error> {
    let matches = CommandLine::command().try_get_matches_from(line)?;
    let mut verb = CommandLine::from_arg_matches(&matches)?.verb;
    let settled = match (&mut verb, matches.subcommand()) {
        (Verb::Run(run), Some((_, matches))) => run.settle(matches),
        (Verb::Status(status), Some(_)) => status.settle(),
        (Verb::Run(_) | Verb::Status(_), None) => Ok(()),
    };
    let refuse = |why| CommandLine::command().error(ErrorKind::ArgumentConflict, why);
    settled.map_err(refuse)?;
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
    let mut variables = variables();
    variables.sort_unstable();
    variables.dedup();
    variables.retain(|name| std::env::var_os(name).is_some());
    if !variables.is_empty() {
        let variables = variables.join(", ");
        say_lines(&format!(
            "\nFlags that are not given are read from {variables}."
        ));
    }
    Exit::Usage
}

/// The variables that stand for flags, in the order of the help.
fn variables() -> Vec<String> {
    let command = CommandLine::command();
    let arguments = command
        .get_subcommands()
        .flat_map(clap::Command::get_arguments);
    let variables = arguments.filter_map(clap::Arg::get_env);
    variables
        .map(|name| name.to_string_lossy().into_owned())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{CommandLine, Verb, parse, variables};
    use crate::flags::{Patience, Run};
    use crate::say::Loudness;
    use clap::CommandFactory;
    use std::time::Duration;

    fn read<T>(flags: &[&str], ask: fn(&Run) -> T) -> Result<T, String> {
        let line = ["consensus", "run", "file:/x"];
        let line = line.iter().chain(flags).chain(&["--", "true"]);
        match parse(line.map(Into::into)) {
            Ok(Verb::Run(run)) => Ok(ask(&run)),
            Ok(Verb::Status(_)) => Err("status".into()),
            Err(error) => Err(error.to_string()),
        }
    }

    #[test]
    fn the_command_line_is_well_formed() {
        CommandLine::command().debug_assert();
    }

    #[test]
    fn every_flag_has_a_variable_of_its_name() {
        let command = CommandLine::command();
        let arguments = command
            .get_subcommands()
            .flat_map(clap::Command::get_arguments);
        let flags = arguments.filter_map(|argument| argument.get_long());
        let flags = flags.filter(|flag| *flag != "help");
        let expected: Vec<String> = flags
            .map(|flag| format!("CONSENSUS_{}", flag.to_uppercase().replace('-', "_")))
            .collect();
        assert_eq!(variables(), expected);
    }

    #[test]
    fn patience_is_endless_limited_or_none() {
        let patience = |flags: &[&str]| read(flags, Run::patience);
        assert_eq!(patience(&[]), Ok(Patience::Endless));
        let limit = Patience::AtMost(Duration::from_secs(30));
        assert_eq!(patience(&["--wait", "30s"]), Ok(limit));
        assert_eq!(patience(&["--nonblock"]), Ok(Patience::None));
        let error = patience(&["--wait=30s", "--nonblock"]).expect_err("both");
        assert!(error.contains("contradict"), "{error}");
    }

    #[test]
    fn people_are_told_less_or_more_but_not_both() {
        let loudness = |flags: &[&str]| read(flags, Run::loudness);
        assert_eq!(loudness(&[]), Ok(Loudness::Usual));
        assert_eq!(loudness(&["-q"]), Ok(Loudness::Quiet));
        assert_eq!(loudness(&["-v"]), Ok(Loudness::Verbose(1)));
        assert_eq!(
            loudness(&["-v", "--verbose", "-v"]),
            Ok(Loudness::Verbose(3))
        );
        let error = loudness(&["-qv"]).expect_err("both");
        assert!(error.contains("--quiet and --verbose"), "{error}");
    }
}
