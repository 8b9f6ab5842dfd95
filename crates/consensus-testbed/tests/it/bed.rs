//! The test bed itself: clusters run side by side, and leave nothing behind.

use consensus_testbed::{Cluster, Server};
use http::Method;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

/// Long enough for a busy machine; what is waited for takes milliseconds.
const PATIENCE: u32 = 400;

fn is_gone(folder: &Path) -> bool {
    (0..PATIENCE).any(|_| {
        thread::sleep(Duration::from_millis(25));
        !folder.exists()
    })
}

/// The processes that were told of this folder.
fn processes(folder: &Path) -> Vec<String> {
    let folder = folder.to_str().expect("a plain name");
    let all = fs::read_dir("/proc").expect("Linux").filter_map(Result::ok);
    let commands = all.filter_map(|entry| fs::read(entry.path().join("cmdline")).ok());
    let commands = commands.map(|command| String::from_utf8_lossy(&command).replace('\0', " "));
    commands
        .filter(|command| command.contains(folder))
        .collect()
}

#[test]
fn clusters_run_side_by_side_and_leave_nothing_behind() {
    let (one, other) = (
        Cluster::start().expect("a cluster"),
        Cluster::start().expect("another"),
    );
    assert_ne!(one.url(), other.url());
    let (folder, control) = (one.folder().to_owned(), one.control());
    let namespace = control.namespace();
    let path = format!("/api/v1/namespaces/{namespace}");
    let there = |cluster: &Cluster| cluster.control().request(&Method::GET, &path, None);
    assert!(matches!(there(&one), Ok((200, _))));
    assert!(
        matches!(there(&other), Ok((404, _))),
        "what is made in one is not in the other"
    );
    assert_eq!(
        processes(&folder).len(),
        3,
        "two servers, and the shell that holds them"
    );
    drop(one);
    assert!(!folder.exists());
    assert_eq!(processes(&folder), [""; 0]);
    assert!(
        control.request(&Method::GET, "/readyz", None).is_err(),
        "its API server has ended"
    );
    other.signal(Server::ApiServer, "CONT");
}

#[test]
fn a_server_that_was_ended_is_started_again_with_what_it_had() {
    let cluster = Cluster::start().expect("a cluster");
    let control = cluster.control();
    let path = format!("/api/v1/namespaces/{}", control.namespace());
    for server in Server::CONTROL_PLANE {
        cluster.end(server);
        assert_eq!(
            processes(cluster.folder()).len(),
            2,
            "the other, and the shell"
        );
        cluster.start_again(server);
        let is_there = || matches!(control.request(&Method::GET, &path, None), Ok((200, _)));
        // Until the one has found the other again.
        assert!((0..PATIENCE).any(|_| {
            thread::sleep(Duration::from_millis(25));
            is_there()
        }));
    }
}

#[test]
fn who_is_killed_leaves_no_server_behind() {
    let mut program = Command::new(env!("CARGO_BIN_EXE_consensus-testbed"));
    program
        .arg("run")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped());
    let mut program = program.spawn().expect("it is built with this test");
    let mut line = String::new();
    let out = program.stdout.as_mut().expect("a pipe");
    BufReader::new(out)
        .read_line(&mut line)
        .expect("it says how to reach the cluster");
    let path = line
        .trim_start_matches("KUBECONFIG=")
        .split(' ')
        .next()
        .expect("a path");
    let folder = Path::new(path).parent().expect("a file in a folder");
    assert!(folder.exists(), "{line}");
    program.kill().expect("it runs");
    program.wait().expect("it has ended");
    assert!(is_gone(folder), "the servers end with whoever started them");
    assert_eq!(processes(folder), [""; 0]);
}
