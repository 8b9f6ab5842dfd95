//! The test bed by hand: `build` builds the servers that are missing, `run` starts a cluster and says
//! how to reach it.

use consensus_testbed::{Cache, Cluster, Failure, build};
use std::io::{Read, stdin};
use std::process::ExitCode;

fn main() -> ExitCode {
    let command = std::env::args().nth(1).unwrap_or_default();
    let done = match command.as_str() {
        "build" => build(&Cache::find()),
        "run" => run(),
        _ => Err("write `build` or `run`".into()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("{failure}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), Failure> {
    build(&Cache::find())?;
    let cluster = Cluster::start()?;
    let path = cluster.folder().join("kubeconfig");
    std::fs::write(
        &path,
        cluster.kubeconfig(cluster.url(), cluster.admin_token()),
    )?;
    println!("KUBECONFIG={} (until this input ends)", path.display());
    stdin().read_to_end(&mut Vec::new())?;
    Ok(())
}
