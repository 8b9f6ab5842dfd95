//! The command line.

use consensus::Absent;
use consensus_simulator::{Fault, Options, Promises, Switches, Times};
use std::ops::Range;

/// How to use it.
pub(crate) const USAGE: &str = "\
usage: consensus-simulator [hunt | ci | faults] [OPTION…]

  (nothing)          run seeds, and say which broke a promise
  hunt               the same, up to the first that does
  ci                 years with everything that can go wrong, and mistakes that must be found
  faults             name everything that can go wrong

  --seed N           this seed alone
  --seeds A..B       these seeds (default 0..100)
  --hours H          of simulated time for each seed (default 5)
  --timeline         tell all that happens
  --threads N        run so many seeds at a time (default: one for each core)
  --years Y          of simulated time that `ci` demands (default 5)
  --rates Nppm       by how much clocks may be wrong, each way (default 10000ppm)
  --no-compare       a store that saves whatever the version
  --absent-is-free   candidates that do not wait for an absent record
  --usual-times      the default settings for all, instead of drawn ones
  --mixed-work       terms with registered work and work that only asks
  --promise P        check only this promise
  --without FAULT    this does not go wrong
  --only FAULT       nothing goes wrong but this; may be given more than once
";

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Command {
    Run,
    Hunt,
    Ci,
    Faults,
    Help,
}

/// All that a command line says.
#[derive(Clone, Debug)]
pub(crate) struct Arguments {
    pub(crate) command: Command,
    pub(crate) seeds: Range<u64>,
    pub(crate) timeline: bool,
    pub(crate) threads: usize,
    pub(crate) years: u64,
    pub(crate) options: Options,
}

impl Arguments {
    /// Reads a command line without the program's name.
    pub(crate) fn parse(mut given: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut arguments = Self {
            command: Command::Run,
            seeds: 0..100,
            timeline: false,
            threads: std::thread::available_parallelism().map_or(1, Into::into),
            years: 5,
            options: Options::default(),
        };
        while let Some(argument) = given.next() {
            arguments.take(&argument, &mut given)?;
        }
        Ok(arguments)
    }

    fn take(
        &mut self,
        argument: &str,
        rest: &mut impl Iterator<Item = String>,
    ) -> Result<(), String> {
        let options = &mut self.options;
        let mut value = || {
            rest.next()
                .ok_or_else(|| format!("{argument} needs a value"))
        };
        match argument {
            "hunt" => self.command = Command::Hunt,
            "ci" => self.command = Command::Ci,
            "faults" => self.command = Command::Faults,
            "--help" | "-h" => self.command = Command::Help,
            "--seed" => {
                let seed = number(&value()?)?;
                self.seeds = seed..seed.saturating_add(1);
            }
            "--seeds" => self.seeds = range(&value()?)?,
            "--hours" => options.hours = number(&value()?)?,
            "--timeline" => self.timeline = true,
            "--threads" => self.threads = usize::try_from(number(&value()?)?).unwrap_or(1),
            "--years" => self.years = number(&value()?)?,
            "--rates" => options.rates_ppm = rate(&value()?)?,
            "--no-compare" => options.compare = false,
            "--absent-is-free" => options.absent = Absent::Free,
            "--usual-times" => options.times = Times::Usual,
            "--mixed-work" => options.mixed_work = true,
            "--promise" => {
                let promise = number(&value()?)?;
                let promise = u8::try_from(promise).map_err(|error| error.to_string())?;
                options.promises = Promises::Only(promise);
            }
            "--without" => options.switches = options.switches.without(fault(&value()?)?),
            "--only" => {
                let before = match options.switches {
                    Switches::ALL => Switches::NONE,
                    some => some,
                };
                options.switches = before.with(fault(&value()?)?);
            }
            other => return Err(format!("{other} is not known")),
        }
        Ok(())
    }

    /// How to see one seed of these again.
    pub(crate) fn replay(seed: u64, options: &Options) -> String {
        let usual = Options::default();
        let mut line = format!("consensus-simulator --seed {seed} --timeline");
        let mut add = |wanted: bool, what: &str| {
            if wanted {
                line.push(' ');
                line.push_str(what);
            }
        };
        let (hours, rates) = (options.hours, options.rates_ppm);
        add(hours != usual.hours, &format!("--hours {hours}"));
        add(rates != usual.rates_ppm, &format!("--rates {rates}ppm"));
        add(!options.compare, "--no-compare");
        add(options.absent == Absent::Free, "--absent-is-free");
        add(options.times == Times::Usual, "--usual-times");
        add(options.mixed_work, "--mixed-work");
        if let Promises::Only(promise) = options.promises {
            add(true, &format!("--promise {promise}"));
        }
        for &fault in Fault::ALL {
            let without = options.switches.without(fault) == options.switches;
            add(without, &format!("--without {}", fault.name()));
        }
        line
    }
}

fn number(text: &str) -> Result<u64, String> {
    text.parse()
        .map_err(|_| format!("{text} is not a whole number"))
}

fn rate(text: &str) -> Result<u64, String> {
    number(text.strip_suffix("ppm").unwrap_or(text))
        .ok()
        .filter(|ppm| *ppm <= 100_000)
        .ok_or_else(|| format!("{text} is not a rate from 0ppm to 100000ppm"))
}

fn range(text: &str) -> Result<Range<u64>, String> {
    let (from, to) = text
        .split_once("..")
        .ok_or_else(|| format!("{text} is not a range such as 0..100"))?;
    Ok(number(from)?..number(to)?)
}

fn fault(name: &str) -> Result<Fault, String> {
    Fault::named(name).ok_or_else(|| format!("{name} is nothing that can go wrong; see `faults`"))
}
