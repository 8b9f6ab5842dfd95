//! Measures what Consensus promises about speed: `cargo xtask bench`. Never a test.
//!
//! Each figure is a file, and prints rows of one table (`table.rs`). A target that is missed is
//! printed as missed; the exit code is 0 all the same. The figures that need processes run this very
//! program again, under the hidden names of `processes`.

mod ended;
mod failover;
mod handover;
mod is_leader;
mod kubernetes;
mod locks;
mod many;
mod memory;
mod program;
mod start;
mod store_cost;

mod candidate;
mod lane;
mod processes;
mod waiters;

mod clock;
mod failure;
mod heap;
mod machine;
mod options;
mod samples;
mod strace;
mod table;

use failure::Failure;
use options::Options;
use std::fmt::Write as _;
use std::process::ExitCode;
use table::Table;

/// Something that is measured.
struct Figure {
    name: &'static str,
    /// What it shows, in a line.
    shows: &'static str,
    run: fn(&Options, &mut Table) -> Result<(), Failure>,
}

const FIGURES: &[Figure] = &[
    Figure {
        name: "is-leader",
        shows: "is_leader() beside one reading of the clock; allocations, locks",
        run: is_leader::run,
    },
    Figure {
        name: "ended",
        shows: "how long after the deadline ended() and run() say so, while renewals hang",
        run: ended::run,
    },
    Figure {
        name: "many",
        shows: "10,000 elections in one process: heap and CPU, leading and followed",
        run: many::run,
    },
    Figure {
        name: "store-cost",
        shows: "system calls of the file store in steady state",
        run: store_cost::run,
    },
    Figure {
        name: "handover",
        shows: "from the request to stop to the successor's first instruction, beside flock(1)",
        run: handover::run,
    },
    Figure {
        name: "failover",
        shows: "from kill -9 to the successor's first instruction, beside flock(1)",
        run: failover::run,
    },
    Figure {
        name: "program-handover",
        shows: "from SIGTERM for `consensus run` to the next command's first instruction, beside flock(1)",
        run: program::hand_over,
    },
    Figure {
        name: "program-failover",
        shows: "from kill -9 of `consensus run` to the next command's first instruction, beside flock(1)",
        run: program::fail_over,
    },
    Figure {
        name: "program-start",
        shows: "from the start of `consensus run` to the command's first instruction, beside flock(1)",
        run: start::run,
    },
    Figure {
        name: "program-memory",
        shows: "what the processes of a leader and of a follower take of the memory",
        run: memory::run,
    },
    Figure {
        name: "kubernetes-handover",
        shows: "from SIGTERM for a leader to its successor, beside client-go's elector (4 min)",
        run: kubernetes::handover::run,
    },
    Figure {
        name: "kubernetes-failover",
        shows: "from kill -9 of a leader to its successor, beside client-go's elector (2 min)",
        run: kubernetes::failover::run,
    },
    Figure {
        name: "kubernetes-requests",
        shows: "what leaders and followers ask an API server, beside client-go's elector (8 min)",
        run: kubernetes::requests::run,
    },
    Figure {
        name: "kubernetes-thousand",
        shows: "1,000 candidates on one Lease: requests, at rest and at a hand-over (6 min)",
        run: kubernetes::thousand::run,
    },
];

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let outcome = match processes::hidden(&args) {
        Some(outcome) => outcome,
        None => measure(&args),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("bench: {failure}");
            ExitCode::FAILURE
        }
    }
}

fn measure(args: &[String]) -> Result<(), Failure> {
    let options = match options::parse(args) {
        Ok(Some(options)) => options,
        Ok(None) => {
            println!("{}", help());
            return Ok(());
        }
        Err(failure) => return Err(failure.and(&help())),
    };
    let wanted = chosen(&options)?;
    println!("{}", machine::describe(&options.folder)?);
    let mut table = Table::default();
    for figure in wanted {
        eprintln!("measuring {}: {} …", figure.name, figure.shows);
        (figure.run)(&options, &mut table)?;
    }
    println!("{table}");
    println!("load average at the end: {}", machine::load());
    Ok(())
}

/// The figures that were asked for, in the table's order.
fn chosen(options: &Options) -> Result<Vec<&'static Figure>, Failure> {
    let known = |name: &String| name == "all" || FIGURES.iter().any(|figure| figure.name == name);
    if let Some(unknown) = options.figures.iter().find(|name| !known(name)) {
        return Err(Failure::new(format!("there is no figure {unknown:?}")).and(&help()));
    }
    let asked = |name: &str| options.figures.iter().any(|asked| asked == name);
    let all = options.figures.is_empty() || asked("all");
    let chosen = FIGURES.iter().filter(|figure| all || asked(figure.name));
    Ok(chosen.collect())
}

fn help() -> String {
    let mut text =
        "usage: cargo xtask bench [FIGURE…] [--rounds N] [--seed N] [--folder DIR]\n\n  all                  \
                    every figure, also if none is named; those on Kubernetes take 20 minutes"
            .to_owned();
    for figure in FIGURES {
        let _ = write!(text, "\n  {:20} {}", figure.name, figure.shows);
    }
    text.push_str(
        "\n\n  --rounds N    how often a leader is replaced (default 200; on Kubernetes 40)\
         \n  --seed N      when in everybody's rhythm leaders end on Kubernetes (default 1)\
         \n  --folder DIR  where the file store's records are (default: the folder for temporary files)",
    );
    text
}
