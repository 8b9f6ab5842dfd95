//! What was asked for on the command line.

use crate::failure::Failure;
use std::path::PathBuf;

#[derive(Debug)]
pub(crate) struct Options {
    /// None: all.
    pub(crate) figures: Vec<String>,
    /// How often a leader is replaced.
    pub(crate) rounds: usize,
    /// Where the file store's records are.
    pub(crate) folder: PathBuf,
}

/// `None`: the help was asked for.
pub(crate) fn parse(args: &[String]) -> Result<Option<Options>, Failure> {
    let mut options = Options {
        figures: Vec::new(),
        rounds: 200,
        folder: std::env::temp_dir(),
    };
    let mut args = args.iter();
    while let Some(arg) = args.next() {
        let mut value = || {
            args.next()
                .ok_or_else(|| Failure::new(format!("{arg} needs a value")))
        };
        match arg.as_str() {
            "help" | "--help" | "-h" => return Ok(None),
            "--rounds" => options.rounds = number(value()?)?,
            "--folder" => options.folder = PathBuf::from(value()?),
            option if option.starts_with('-') => {
                return Err(Failure::new(format!("there is no option {option}")));
            }
            figure => options.figures.push(figure.to_owned()),
        }
    }
    Ok(Some(options))
}

fn number(text: &str) -> Result<usize, Failure> {
    match text.parse() {
        Ok(number) if number > 0 => Ok(number),
        Ok(_) | Err(_) => Err(Failure::new(format!("{text:?} is not a number of rounds"))),
    }
}
