//! A process that finds its cluster as a pod does: by two variables and the files of its service account.
//!
//! It is this test binary once more, in a mount namespace of its own, since those files have one fixed
//! place. What a kubelet does with them is seen by the tests of pods.

use crate::place::{Place, role, until};
use consensus::store::Store as _;
use consensus_kubernetes::Cluster as Reached;
use consensus_testbed::{Cluster, Control};
use http::Method;
use serde_json::json;
use std::env;
use std::fs;
use std::io::{self, BufRead, BufReader, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::thread;
use tokio::runtime::Builder;

const TEST: &str = "in_pod::plays_a_pod";
const PART: &str = "TEST_POD_FINDS_ITS_CLUSTER";
const NAMESPACE: &str = "TEST_POD_NAMESPACE";
const HOST: &str = "KUBERNETES_SERVICE_HOST";
const PORT: &str = "KUBERNETES_SERVICE_PORT";
/// Before each of its answers, since the test runner says things as well.
const SAID: &str = "POD: ";

/// Where a kubelet puts the files.
const FILES: &str = "/var/run/secrets/kubernetes.io/serviceaccount";

const MOUNT: &str = r#"mount -t tmpfs tmpfs /var/run && mkdir -p "$0" && mount --bind "$1" "$0" &&
    shift && exec "$@""#;

/// Somebody's service account, and the files that a kubelet would give its pods.
struct Account {
    place: Place,
    token: String,
    files: PathBuf,
}

impl Account {
    /// With a Lease that it may get.
    fn new() -> Self {
        let place = Place::new();
        place.create(&json!({ "holderIdentity": "go", "leaseDurationSeconds": 2 }));
        let token = account(&place, "pod");
        let cluster = Cluster::shared();
        let files = cluster.folder().join(format!("pod-{}", place.namespace));
        fs::create_dir(&files).expect("the cluster's folder is ours");
        let authority = cluster.folder().join("pki/apiserver.crt");
        fs::copy(authority, files.join("ca.crt")).expect("it is there");
        fs::write(files.join("namespace"), &place.namespace).expect("it is ours");
        fs::write(files.join("token"), &token).expect("it is ours");
        Self {
            place,
            token,
            files,
        }
    }

    /// What starts a pod that has these files. `None`, and said: it cannot be had here.
    fn pod(&self, finds: &str) -> Option<Command> {
        let unshare = unshare()?;
        let itself = env::current_exe().expect("it runs");
        let (host, port) = Cluster::shared()
            .url()
            .trim_start_matches("https://")
            .rsplit_once(':')
            .expect("an address and a port");
        let mut command = Command::new("unshare");
        command
            .args(unshare)
            .args(["--", "sh", "-c", MOUNT, FILES])
            .arg(&self.files)
            .arg(itself)
            .args(["--exact", TEST, "--nocapture"])
            .env_remove("KUBECONFIG")
            .env(HOST, host)
            .env(PORT, port)
            .env(PART, finds)
            .env(NAMESPACE, &self.place.namespace);
        Some(command)
    }
}

/// The token of a service account that may get Leases.
fn account(place: &Place, name: &str) -> String {
    let token = place.control.account(&place.namespace, name);
    place
        .control
        .grant(&place.namespace, name, &role(name, &["get"]));
    let kubeconfig = Cluster::shared().kubeconfig(Cluster::shared().url(), &token);
    let control = Control::new(&kubeconfig);
    let may = || {
        matches!(
            control.request(&Method::GET, &place.path(), None),
            Ok((200, _))
        )
    };
    let runtime = Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime").block_on(until(may));
    token
}

/// How to get a mount namespace, if that is allowed.
fn unshare() -> Option<&'static [&'static str]> {
    let ways: [&[&str]; 2] = [&["--mount"], &["--user", "--map-root-user", "--mount"]];
    let can = |way: &&&[&str]| {
        let tried = Command::new("unshare")
            .args(**way)
            .args(["--", "mount", "-t", "tmpfs", "tmpfs", "/var/run"])
            .stderr(Stdio::null())
            .status();
        tried.is_ok_and(|status| status.success())
    };
    let way = ways.iter().find(can).copied();
    if way.is_none() {
        assert!(env::var_os("CI").is_none(), "in CI nothing is skipped");
        // Not by a macro, whose output the test runner keeps to itself.
        let _ = writeln!(io::stderr(), "SKIPPED: no mount namespace can be made here");
    }
    way
}

/// A pod, which looks at its Lease whenever it is asked to.
struct Pod {
    child: Child,
    asked: ChildStdin,
    said: BufReader<ChildStdout>,
}

impl Pod {
    fn start(mut command: Command) -> Self {
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("unshare is there");
        let asked = child.stdin.take().expect("a pipe");
        let said = BufReader::new(child.stdout.take().expect("a pipe"));
        Self { child, asked, said }
    }

    /// Who holds the Lease, or why that is not known.
    fn looks(&mut self) -> String {
        writeln!(self.asked, "look").expect("it runs");
        loop {
            let mut line = String::new();
            let length = self.said.read_line(&mut line).expect("text");
            assert_ne!(length, 0, "it ended without an answer");
            if let Some((_, said)) = line.split_once(SAID) {
                return said.trim().to_owned();
            }
        }
    }
}

impl Drop for Pod {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Not a test by itself: what the other process runs.
#[test]
fn plays_a_pod() {
    let (Ok(finds), Ok(namespace)) = (env::var(PART), env::var(NAMESPACE)) else {
        return;
    };
    let cluster = match &*finds {
        "infer" => Reached::infer(),
        "in cluster" => Reached::in_cluster(),
        other => panic!("{other}: no such part"),
    };
    let store = consensus_kubernetes::KubernetesStore::onlooker(&cluster, namespace, "leader");
    let mut store = store.expect("good names");
    let runtime = Builder::new_current_thread().enable_all().build();
    let runtime = runtime.expect("a runtime");
    for _ in io::stdin().lines() {
        let said = match runtime.block_on(store.load()) {
            Ok(seen) => format!("{:?}", seen.record.and_then(|record| record.holder)),
            Err(error) => error.to_string().replace('\n', " "),
        };
        println!("{SAID}{said}");
    }
}

#[test]
fn a_pod_is_its_service_account_unless_it_is_told_otherwise() {
    let account = Account::new();
    for finds in ["infer", "in cluster"] {
        let Some(pod) = account.pod(finds) else {
            return;
        };
        assert_eq!(Pod::start(pod).looks(), "Some(\"go\")", "{finds}");
    }
    let Some(mut told) = account.pod("infer") else {
        return;
    };
    told.env("KUBECONFIG", "/nonexistent/kubeconfig");
    let said = Pod::start(told).looks();
    assert!(said.contains("/nonexistent/kubeconfig"), "{said}");
}

/// The new one is there before the old one ends; whoever goes on with the old one is refused.
#[test]
fn a_token_that_is_rotated_is_read_as_soon_as_the_old_one_is_refused() {
    let ours = Account::new();
    let Some(pod) = ours.pod("infer") else { return };
    let mut pod = Pod::start(pod);
    assert_eq!(pod.looks(), "Some(\"go\")");
    let place = &ours.place;
    fs::write(ours.files.join("token"), account(place, "again")).expect("it is ours");
    let path = format!("/api/v1/namespaces/{}/serviceaccounts/pod", place.namespace);
    place.control.must(&Method::DELETE, &path, None);
    let kubeconfig = Cluster::shared().kubeconfig(Cluster::shared().url(), &ours.token);
    let old = Control::new(&kubeconfig);
    let is_refused = || matches!(old.request(&Method::GET, &place.path(), None), Ok((401, _)));
    let runtime = Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime").block_on(until(is_refused));
    // It would be read again after a minute anyway.
    assert_eq!(pod.looks(), "Some(\"go\")");
}

#[test]
fn a_token_that_is_not_good_is_read_again_at_each_look() {
    let account = Account::new();
    let Some(pod) = account.pod("infer") else {
        return;
    };
    fs::write(account.files.join("token"), "worn-out").expect("it is ours");
    let mut pod = Pod::start(pod);
    let said = pod.looks();
    assert!(said.contains("does not know us"), "{said}");
    fs::write(account.files.join("token"), &account.token).expect("it is ours");
    assert_eq!(pod.looks(), "Some(\"go\")");
}

/// In a cluster of IPv6. The server's certificate is not for that address: it is refused for that alone.
#[test]
fn a_host_of_ipv6_is_reached() {
    let account = Account::new();
    let Ok(listener) = TcpListener::bind("[::1]:0") else {
        let _ = writeln!(io::stderr(), "SKIPPED: no IPv6 here");
        return;
    };
    let port = listener.local_addr().expect("an address").port();
    let upstream = Cluster::shared().url().trim_start_matches("https://");
    thread::spawn(move || {
        for client in listener.incoming() {
            let client = client.expect("a connection");
            let server = std::net::TcpStream::connect(upstream).expect("it listens");
            for (from, to) in [(&client, &server), (&server, &client)] {
                let from = from.try_clone().expect("a descriptor");
                let to = to.try_clone().expect("a descriptor");
                thread::spawn(move || io::copy(&mut &from, &mut &to));
            }
        }
    });
    let Some(mut pod) = account.pod("infer") else {
        return;
    };
    pod.env(HOST, "::1").env(PORT, port.to_string());
    let said = Pod::start(pod).looks();
    assert!(said.contains("cannot be trusted"), "{said}");
    assert!(said.contains("not valid for name \"::1\""), "{said}");
}

/// What a pod says after this was done to its files, or to what starts it.
fn without(change: impl FnOnce(&Path, &mut Command)) -> Option<String> {
    let account = Account::new();
    let mut pod = account.pod("in cluster")?;
    change(&account.files, &mut pod);
    Some(Pod::start(pod).looks())
}

#[test]
fn what_a_pod_lacks_is_named() {
    for file in ["token", "ca.crt", "namespace"] {
        let Some(said) = without(|files, _| {
            fs::remove_file(files.join(file)).expect("it is there");
        }) else {
            return;
        };
        let path = format!("{FILES}/{file}");
        assert!(
            said.contains(&path) && said.contains("automountServiceAccountToken"),
            "{said}"
        );
    }
    for variable in [HOST, PORT] {
        let said = without(|_, pod| {
            pod.env_remove(variable);
        });
        let said = said.expect("it was possible before");
        assert!(
            said.contains(&format!("{variable} is not set")) && said.contains("kubeconfig"),
            "{said}"
        );
    }
    let said = without(|_, pod| {
        pod.env(PORT, "https");
    });
    let said = said.expect("it was possible before");
    assert!(said.contains("port"), "{said}");
    let said = without(|files, _| {
        let text = "no certificate";
        fs::write(files.join("ca.crt"), text).expect("it is ours");
    });
    let said = said.expect("it was possible before");
    assert!(said.contains("certificate"), "{said}");
}
