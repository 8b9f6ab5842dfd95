//! Runs the simulator: seeds, hunts and the proof for CI.

mod arguments;
mod ci;

use arguments::{Arguments, Command, USAGE};
use consensus_simulator::{Fault, Options, Outcome, Sweep, Until, Violation, replay, sweep};
use std::fmt::Write as _;
use std::io::Write as _;
use std::process::ExitCode;

/// How many lines of a timeline lead up to a broken promise.
const LAST_LINES: usize = 40;
/// How many broken promises are told one by one.
const MOST_REPORTS: usize = 20;

fn main() -> ExitCode {
    let arguments = match Arguments::parse(std::env::args().skip(1)) {
        Ok(arguments) => arguments,
        Err(why) => {
            eprintln!("{why}\n\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    let kept = match arguments.command {
        Command::Help => {
            print!("{USAGE}");
            true
        }
        Command::Faults => {
            for fault in Fault::ALL {
                println!("{}", fault.name());
            }
            true
        }
        Command::Ci => ci::ci(&arguments),
        Command::Run if arguments.timeline => tell(&arguments),
        Command::Run => run(&arguments, Until::AllAreRun),
        Command::Hunt => run(&arguments, Until::OneIsBroken),
    };
    if kept {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// Runs the seeds, and says what came of them. Whether all promises were kept.
fn run(arguments: &Arguments, until: Until) -> bool {
    let options = &arguments.options;
    let began = ci::now();
    let sweep = sweep(arguments.seeds.clone(), options, until, arguments.threads);
    let took = began.elapsed().as_secs_f64();
    println!("{}", summary(&sweep));
    println!("took {took:.1} s on {} threads", arguments.threads);
    for (seed, violation) in sweep.broken.iter().take(MOST_REPORTS) {
        report(*seed, violation);
    }
    if sweep.broken.len() > MOST_REPORTS {
        println!("{} seeds broke a promise", sweep.broken.len());
    }
    if let Some((seed, _)) = sweep.broken.first() {
        lead_up(*seed, options);
    }
    if until == Until::OneIsBroken {
        println!("tried {} seeds", sweep.seeds);
    }
    sweep.broken.is_empty()
}

/// Tells the timelines of the seeds. Whether all promises were kept.
fn tell(arguments: &Arguments) -> bool {
    let mut kept = true;
    for seed in arguments.seeds.clone() {
        let Outcome {
            timeline,
            violation,
            ..
        } = replay(seed, &arguments.options);
        let mut output = std::io::stdout().lock();
        for line in timeline {
            if writeln!(output, "{line}").is_err() {
                // Whoever was reading has read enough.
                return kept;
            }
        }
        drop(output);
        if let Some(violation) = violation {
            report(seed, &violation);
            kept = false;
        }
    }
    kept
}

fn report(seed: u64, violation: &Violation) {
    println!("VIOLATION seed {seed} {violation}");
}

/// What led up to a broken promise, and how to see all of it.
fn lead_up(seed: u64, options: &Options) {
    let timeline = replay(seed, options).timeline;
    let first = timeline.len().saturating_sub(LAST_LINES);
    println!("\nthe last lines of seed {seed}:");
    for line in &timeline[first..] {
        println!("{line}");
    }
    println!("\nall of it: {}\n", Arguments::replay(seed, options));
}

fn summary(sweep: &Sweep) -> String {
    let mut text = format!(
        "{} seeds, {} simulated hours, {} terms, {} events; went wrong:",
        sweep.seeds,
        sweep.simulated / 3_600_000_000_000,
        sweep.terms,
        sweep.events
    );
    for &fault in Fault::ALL {
        let (name, count) = (fault.name(), sweep.counts.of(fault));
        // Writing to a string does not fail.
        let _ = write!(text, "\n  {name:<22} {count:>10}");
    }
    text
}
