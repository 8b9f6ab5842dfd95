//! One cluster for all tests of pods, with the image in it, and what one does in a namespace of it.

use super::STRICT;
use super::record::Record;
use consensus_testbed::{Cache, Images, Node};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::thread;
use std::time::{Duration, Instant};

/// Long enough for a busy machine, and some leases.
const PATIENCE: Duration = Duration::from_secs(240);

const PAUSE: Duration = Duration::from_millis(100);

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");

/// The cluster, in which the image of this repository's Dockerfile is.
pub fn node() -> &'static Node {
    static NODE: OnceLock<Node> = OnceLock::new();
    NODE.get_or_init(|| {
        let cache = Cache::find();
        let began = Instant::now();
        let folder = tempfile::tempdir().expect("a folder for the archive");
        let archive = folder.path().join("consensus.tar");
        let built = Images::open(&cache)
            .and_then(|images| images.build(Path::new(ROOT), "consensus:latest", &archive));
        built.unwrap_or_else(|failure| panic!("{failure}"));
        let size = fs::metadata(&archive).expect("it was written").len() / 1024;
        println!(
            "the image of {size} KiB was built in {:.0?}",
            began.elapsed()
        );
        let began = Instant::now();
        let node = Node::start().unwrap_or_else(|failure| panic!("{failure}"));
        node.load(&archive)
            .unwrap_or_else(|failure| panic!("{failure}"));
        println!("the node was ready in {:.0?}", began.elapsed());
        node
    })
}

/// `k8s/deployment.yaml`
pub fn manifest() -> String {
    fs::read_to_string(Path::new(ROOT).join("k8s/deployment.yaml"))
        .expect("it is in the repository")
}

/// What pods of a test are given: work that says that it is done, and a kubeconfig.
pub fn shared_folder() -> PathBuf {
    let (of_node, folder) = (node().folder(), node().folder().join("shared"));
    fs::create_dir_all(&folder).expect("a folder of ours");
    let mut compile = Command::new("rustc");
    compile.args([
        "-O",
        "-C",
        "strip=symbols",
        "-C",
        "target-feature=+crt-static",
    ]);
    compile.arg("-o").arg(folder.join("work"));
    let done = compile
        .arg(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/tests/it/pods/work.rs"
        ))
        .status();
    assert!(done.expect("rustc").success());
    let authority = of_node.join("pki/apiserver.crt");
    let config = fs::read_to_string(of_node.join("kubeconfig")).expect("it is there");
    let config = config.replace(&authority.display().to_string(), "authority.crt");
    fs::copy(authority, folder.join("authority.crt")).expect("a folder of ours");
    fs::write(folder.join("kubeconfig"), config).expect("a folder of ours");
    for file in ["authority.crt", "kubeconfig"] {
        fs::set_permissions(folder.join(file), Permissions::from_mode(0o644)).expect("ours");
    }
    folder
}

/// Waits until this is so.
pub fn until(place: &mut Namespace, what: &str, mut is_so: impl FnMut(&mut Namespace) -> bool) {
    let began = Instant::now();
    while !is_so(place) {
        place.record.look();
        if began.elapsed() > PATIENCE {
            let pods = node()
                .kubectl(&["describe", "pods", &place.flag()])
                .unwrap_or_default();
            let said = place.record.lines();
            panic!("never: {what}\n{said:#?}\n{pods}\n{}", node().logs());
        }
        thread::sleep(PAUSE);
    }
}

/// Where one test does what it does.
#[derive(Debug)]
pub struct Namespace {
    name: String,
    record: Record,
}

impl Namespace {
    pub fn new(name: &str) -> Self {
        let place = Self::existing(name);
        node()
            .kubectl(&["create", "namespace", name])
            .expect("there is none of that name");
        place
    }

    pub fn existing(name: &str) -> Self {
        let record = Record::new(node().folder().join("pods"), name);
        let name = name.to_owned();
        Self { name, record }
    }

    pub fn record(&mut self) -> &mut Record {
        &mut self.record
    }

    fn flag(&self) -> String {
        format!("--namespace={}", self.name)
    }

    pub fn must(&self, arguments: &[&str]) -> String {
        let flag = self.flag();
        let all: Vec<&str> = [flag.as_str()].iter().chain(arguments).copied().collect();
        node()
            .kubectl(&all)
            .unwrap_or_else(|failure| panic!("{failure}"))
    }

    /// From here on it takes only pods of the `restricted` standard.
    pub fn be_restricted(&self) {
        let label = "pod-security.kubernetes.io/enforce=restricted";
        node()
            .kubectl(&["label", "namespace", &self.name, label])
            .expect("it exists");
    }

    /// Has this carried out, and says what was said to it.
    pub fn apply(&self, manifest: &str) -> String {
        let file = node().folder().join(format!("{}.yaml", self.name));
        fs::write(&file, manifest).expect("a folder of ours");
        let mut apply = node().command(&STRICT);
        let done = apply.arg(&file).output().expect("kubectl");
        let said = [done.stdout, done.stderr].concat();
        let said = String::from_utf8_lossy(&said).into_owned();
        assert!(done.status.success(), "{said}");
        said
    }

    /// Waits until every pod passes its probes.
    pub fn is_rolled_out(&mut self) {
        until(self, "all pods are ready", |place| {
            let wait = [
                "rollout",
                "status",
                "deployment/consensus",
                "--timeout=1s",
                &place.flag(),
            ];
            node().kubectl(&wait).is_ok()
        });
    }

    pub fn pods(&self) -> BTreeSet<String> {
        let names = "jsonpath={.items[*].metadata.name}";
        let names = self.must(&["get", "pods", "-l", "app=consensus", "-o", names]);
        names.split_whitespace().map(str::to_owned).collect()
    }

    /// How often the process of each pod was started again.
    pub fn restarts(&self) -> BTreeMap<String, u64> {
        let pods = self.must(&["get", "pods", "-l", "app=consensus", "-o", "json"]);
        let pods: Value = serde_json::from_str(&pods).expect("JSON");
        let pods = pods["items"].as_array().expect("a list");
        let restarts = pods.iter().map(|pod| {
            let name = pod["metadata"]["name"].as_str().expect("a name");
            let count = &pod["status"]["containerStatuses"][0]["restartCount"];
            (name.to_owned(), count.as_u64().unwrap_or_default())
        });
        restarts.collect()
    }

    /// Who leads, as the Lease says. Empty: nobody.
    pub fn leader(&self) -> String {
        let holder = "jsonpath={.spec.holderIdentity}";
        self.must(&[
            "get",
            "lease",
            "consensus",
            "--ignore-not-found",
            "-o",
            holder,
        ])
    }

    /// Waits until somebody else leads, and has said so.
    pub fn next_leader(&mut self, before: &str) -> String {
        until(self, "somebody else leads", |place| {
            let leader = place.leader();
            let turns = place.record.turns();
            leader != before && turns.last().is_some_and(|turn| turn.pod == leader)
        });
        self.leader()
    }

    /// Kills what a pod runs, as the kernel does when memory is short: in the node, past Kubernetes. Of
    /// the program that is the process that elects, not the small one above it.
    pub fn kill_process(&self, pod: &str) {
        let (name, place) = (format!("POD_NAME={pod}"), self.flag());
        let processes: Vec<(u32, u32)> = fs::read_dir("/proc")
            .expect("/proc")
            .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
            .filter(|process| is_ours(*process, &name))
            .filter_map(|process| Some((process, parent(process)?)))
            .collect();
        let above = |(_, parent): &&(u32, u32)| processes.iter().any(|(one, _)| one == parent);
        let below = processes.iter().find(above).or(processes.first());
        let (process, _) = below.unwrap_or_else(|| panic!("{pod} runs nothing ({place})"));
        let sent = Command::new("kill")
            .args(["-s", "KILL", &process.to_string()])
            .status();
        assert!(sent.expect("kill").success());
    }
}

/// Whether it is the program or the service, in a pod of this name.
fn is_ours(process: u32, pod: &str) -> bool {
    let words = |file: &str| {
        let bytes = fs::read(format!("/proc/{process}/{file}")).unwrap_or_default();
        let words = bytes.split(|byte| *byte == 0);
        words
            .map(|word| String::from_utf8_lossy(word).into_owned())
            .collect::<Vec<_>>()
    };
    words("cmdline")[0].starts_with("/usr/local/bin/consensus")
        && words("environ").iter().any(|word| word == pod)
}

fn parent(process: u32) -> Option<u32> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("PPid:"))?;
    line.trim().parse().ok()
}
