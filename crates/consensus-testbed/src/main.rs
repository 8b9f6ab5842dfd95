//! The test bed by hand. `build` builds the servers that are missing and the candidate by client-go's elector,
//! and `run` starts a cluster and says how to reach it. `build node` and `run node` are the same for one in
//! which pods run. `image CONTEXT TAG ARCHIVE` builds the image of a Dockerfile into an archive.

use consensus_testbed::{Cache, Cluster, Failure, Images, Node, Server, build, client_go_elector};
use std::io::{Read, stdin};
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let cache = Cache::find();
    let done = match arguments[..] {
        ["build"] => {
            build(&cache, &Server::CONTROL_PLANE).and_then(|()| client_go_elector().map(|_| ()))
        }
        ["build", "node"] => {
            build(&cache, &Server::CONTROL_PLANE).and_then(|()| build(&cache, &Server::NODE))
        }
        ["run"] => run(),
        ["run", "node"] => run_node(),
        ["image", context, tag, archive] => Images::open(&cache)
            .and_then(|images| images.build(context.as_ref(), tag, archive.as_ref())),
        _ => Err("write `build`, `build node` or `run`".into()),
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
    build(&Cache::find(), &Server::CONTROL_PLANE)?;
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

fn run_node() -> Result<(), Failure> {
    let node = Node::start()?;
    println!("{:?} (until this input ends)", node.command(&[]));
    stdin().read_to_end(&mut Vec::new())?;
    Ok(())
}
