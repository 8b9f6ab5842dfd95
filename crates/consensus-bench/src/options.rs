//! What was asked for on the command line.

use crate::failure::Failure;
use std::path::PathBuf;
use std::str::FromStr;

#[derive(Debug)]
pub(crate) struct Options {
    /// None: all.
    pub(crate) figures: Vec<String>,
    /// How often a leader is replaced. `None`: as often as is usual for the figure.
    pub(crate) rounds: Option<usize>,
    /// Of the random times at which leaders end.
    pub(crate) seed: u64,
    /// Where the file store's records are.
    pub(crate) folder: PathBuf,
}

/// How often a leader is replaced, where nothing else is usual.
const ROUNDS: usize = 200;

impl Options {
    pub(crate) fn rounds(&self) -> usize {
        self.rounds.unwrap_or(ROUNDS)
    }
}

/// `None`: the help was asked for.
pub(crate) fn parse(args: &[String]) -> Result<Option<Options>, Failure> {
    let mut options = Options {
        figures: Vec::new(),
        rounds: None,
        seed: 1,
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
            "--rounds" => options.rounds = Some(rounds(value()?)?),
            "--seed" => options.seed = number(value()?)?,
            "--folder" => options.folder = PathBuf::from(value()?),
            option if option.starts_with('-') => {
                return Err(Failure::new(format!("there is no option {option}")));
            }
            figure => options.figures.push(figure.to_owned()),
        }
    }
    Ok(Some(options))
}

fn rounds(text: &str) -> Result<usize, Failure> {
    match number(text)? {
        0 => Err(Failure::new("0 is not a number of rounds")),
        rounds => Ok(rounds),
    }
}

fn number<T: FromStr>(text: &str) -> Result<T, Failure> {
    let number = text.parse();
    number.map_err(|_| Failure::new(format!("{text:?} is not such a number")))
}
