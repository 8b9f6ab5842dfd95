//! A service of which several pods run and one leads, over a Kubernetes Lease.
//!
//! `k8s/deployment.yaml` runs it in a cluster. Outside of one it reaches what `kubectl` reaches, in two
//! terminals:
//!
//! ```text
//! POD_NAME=pod-1 PORT=8081 cargo run -p consensus-kubernetes --example pod
//! POD_NAME=pod-2 PORT=8082 cargo run -p consensus-kubernetes --example pod
//! ```
//!
//! `POD_NAME` is who we are, `POD_NAMESPACE` and `LEASE_NAME` where the Lease is (default: `consensus` in
//! `default`), `PORT` where probes are answered. `GET` on any path is answered as long as the process
//! works, whether it leads or not, with who leads.

#![allow(
    clippy::disallowed_methods,
    reason = "a service: what its clients wait for may stand still during suspend"
)]

use consensus::{Config, Error, ErrorKind, Lease, Manager, Status, Term};
use consensus_kubernetes::{Cluster, KubernetesStore};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::{interval, timeout};

/// How long a client may take to ask, and to hear.
const PATIENCE: Duration = Duration::from_secs(2);

/// How many bytes a client may ask with.
const LONGEST: u64 = 16 * 1024;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let process = || format!("process-{}", std::process::id());
    let pod = std::env::var("POD_NAME").unwrap_or_else(|_| process());
    let namespace = variable("POD_NAMESPACE", "default");
    let store = KubernetesStore::new(
        &Cluster::infer(),
        namespace,
        variable("LEASE_NAME", "consensus"),
    )?;
    let manager = Manager::new(store.into_backend(), Config::new(&pod))?;
    let lease = manager.start_until(asked_to_end());
    let probes = tokio::spawn(answer_probes(listen().await?, pod.clone(), lease.clone()));
    let telling = tokio::spawn(tell(pod.clone(), lease.clone()));

    while let Ok(term) = lease.wait_for_leadership().await {
        // Dropped when the term ends, before anybody else can lead.
        if let Err(ended) = term.run(work(&pod, &term)).await {
            println!("{pod}: not leading any more: {ended}");
        }
    }
    let stopped = manager.stop().await;
    probes.abort();
    telling.abort();
    stopped
}

fn variable(name: &str, default: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| default.to_owned())
}

/// Kubernetes asks with SIGTERM, and waits for the grace period of the pod.
async fn asked_to_end() {
    let (Ok(mut int), Ok(mut term)) = (
        signal(SignalKind::interrupt()),
        signal(SignalKind::terminate()),
    ) else {
        return;
    };
    tokio::select! {
        _ = int.recv() => {}
        _ = term.recv() => {}
    }
}

/// Works for ever. Whoever is written to should be told the token, and refuse a lower one.
async fn work(pod: &str, term: &Term) {
    let mut ticks = interval(Duration::from_secs(1));
    for piece in 1_u64.. {
        ticks.tick().await;
        println!("{pod}: piece {piece} of the work, token {}", term.token());
    }
}

/// Says who leads, whenever that changes.
async fn tell(pod: String, mut lease: Lease) {
    loop {
        match lease.changed().await {
            Status::Leading { token } => println!("{pod}: leading, token {token}"),
            Status::Following {
                leader: Some(leader),
            } => println!("{pod}: {leader} leads"),
            Status::Stopped => return,
            Status::Following { leader: None } | Status::Ending { .. } | _ => {}
        }
        if let Some(trouble) = lease.trouble() {
            println!("{pod}: {trouble}");
        }
    }
}

async fn listen() -> Result<TcpListener, Error> {
    let port = variable("PORT", "8080");
    let refuse = |why: String| Error::new(ErrorKind::Invalid, format!("PORT is {port:?}: {why}"));
    let number = port
        .parse()
        .map_err(|_| refuse("write a number".to_owned()))?;
    // The first takes both, where there is both.
    let addresses = [
        SocketAddr::from((Ipv6Addr::UNSPECIFIED, number)),
        SocketAddr::from((Ipv4Addr::UNSPECIFIED, number)),
    ];
    let listening = TcpListener::bind(&addresses[..]).await;
    listening.map_err(|error| refuse(error.to_string()))
}

/// Followers are as healthy as their leader: nothing here asks who leads before it answers.
async fn answer_probes(listener: TcpListener, pod: String, lease: Lease) {
    loop {
        let Ok((client, _)) = listener.accept().await else {
            // Too many connections, such as from a scan of ports: some will end.
            tokio::time::sleep(Duration::from_millis(100)).await;
            continue;
        };
        let text = match lease.status() {
            Status::Leading { .. } => format!("{pod} leads\n"),
            Status::Following {
                leader: Some(leader),
            } => format!("{leader} leads\n"),
            Status::Starting
            | Status::Following { leader: None }
            | Status::Ending { .. }
            | Status::Stopped
            | _ => "it is not known who leads\n".to_owned(),
        };
        tokio::spawn(async move { timeout(PATIENCE, answer(client, text)).await });
    }
}

async fn answer(mut client: TcpStream, text: String) -> std::io::Result<()> {
    let (question, mut answer) = client.split();
    let mut lines = BufReader::new(question.take(LONGEST)).lines();
    // The headers end with an empty line. What is asked for makes no difference.
    while lines
        .next_line()
        .await?
        .is_some_and(|line| !line.is_empty())
    {}
    let length = text.len();
    let head = "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\nconnection: close";
    let response = format!("{head}\r\ncontent-length: {length}\r\n\r\n{text}");
    answer.write_all(response.as_bytes()).await?;
    answer.shutdown().await
}
