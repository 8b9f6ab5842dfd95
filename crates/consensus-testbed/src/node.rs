//! A cluster with one node, in which pods run: a control plane, controllers, a scheduler, containerd
//! and a kubelet.
//!
//! Nothing of it is the machine's: it has namespaces of its own, so that it leaves nothing behind and
//! two of them do not meet (`node/hold.sh` ends it, `node/inside.sh` starts its parts). Whoever tests it
//! does what operators do, with `kubectl`. Needs to be root, and the programs that
//! `cargo xtask pods` names.

use crate::Failure;
use crate::cache::{Cache, Server};
use crate::cluster::{TOKEN, kubeconfig, write_keys};
use crate::images::Images;
use crate::servers::run;
use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// How long a start may take on a machine that is busy with other things.
const PATIENCE: Duration = Duration::from_secs(120);

const SANDBOX: &str = "testbed.invalid/pause:1";

/// What the files beside this one name in capitals.
const PLACES: [(&str, &str); 6] = [
    ("NODE_ADDRESS", "10.244.0.1"),
    ("SERVICE_ADDRESS", "10.96.0.1"),
    ("SERVICES", "10.96.0.0/24"),
    ("PODS", "10.244.0.0/24"),
    ("FIRST_POD", "10.244.0.10"),
    ("SANDBOX", SANDBOX),
];

const FILES: [(&str, &str); 4] = [
    ("inside.sh", include_str!("node/inside.sh")),
    ("containerd.toml", include_str!("node/containerd.toml")),
    ("kubelet.yaml", include_str!("node/kubelet.yaml")),
    (
        "network/pods.conflist",
        include_str!("node/network.conflist"),
    ),
];

/// A running cluster with a node. Dropping it ends it.
#[derive(Debug)]
pub struct Node {
    holder: Child,
    folder: PathBuf,
    /// The first process of its namespaces.
    inside: u32,
}

impl Node {
    /// Starts one, and returns when pods can run.
    ///
    /// # Errors
    /// If something is missing, or does not become ready: with the ends of its logs.
    pub fn start() -> Result<Self, Failure> {
        let cache = Cache::find();
        if !cache.has(&Server::CONTROL_PLANE) || !cache.has(&Server::NODE) {
            let folder = cache.folder().display();
            let message = format!("a node's servers are not in {folder}: see `cargo xtask pods`");
            return Err(message.into());
        }
        let folder = tempfile::Builder::new().prefix("node-").tempdir()?.keep();
        let name = folder.file_name().unwrap_or_default().to_string_lossy();
        prepare(&cache, &folder, &name)?;
        let mut shell = Command::new("sh");
        shell.args(["-c", include_str!("node/hold.sh"), "hold.sh"]);
        shell.arg(&folder).arg(&*name);
        let mut holder = shell.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let told = holder
            .stdout
            .as_mut()
            .ok_or("the shell's output is a pipe")?;
        let mut line = String::new();
        BufReader::new(told).read_line(&mut line)?;
        let above: u32 = line.trim().parse()?;
        let mut node = Self {
            holder,
            folder,
            inside: above,
        };
        node.inside = node.wait_for(|_| first_child(above))?;
        node.wait_for(Self::is_ready)?;
        node.load(&sandbox(&cache)?)?;
        Ok(node)
    }

    /// `kubectl`, as somebody who may do everything.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new("nsenter");
        command.arg(format!("--net=/proc/{}/ns/net", self.inside));
        command.arg(self.folder.join("bin/kubectl"));
        command
            .arg("--kubeconfig")
            .arg(self.folder.join("kubeconfig"));
        command.args(arguments).stdin(Stdio::null());
        command
    }

    /// What `kubectl` answers.
    ///
    /// # Errors
    /// If it fails: what it says.
    pub fn kubectl(&self, arguments: &[&str]) -> Result<String, Failure> {
        run(&mut self.command(arguments))
    }

    /// Makes an image known to the node, as `kind load` does.
    ///
    /// # Errors
    /// If it is none.
    pub fn load(&self, archive: &Path) -> Result<(), Failure> {
        let mut ctr = Command::new(self.folder.join("bin/ctr"));
        ctr.arg("--address")
            .arg(self.folder.join("containerd.sock"));
        ctr.args(["--namespace=k8s.io", "images", "import"]);
        run(ctr.arg(archive)).map(drop)
    }

    /// Its folder, which goes when it ends.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// What the servers said last, for whoever has to find out why something failed.
    pub fn logs(&self) -> String {
        let mut text = fs::read_to_string(self.folder.join("inside.log")).unwrap_or_default();
        for part in fs::read_dir(self.folder.join("log")).into_iter().flatten() {
            let Ok(part) = part else { continue };
            let log = fs::read(part.path()).unwrap_or_default();
            let log = String::from_utf8_lossy(&log);
            let lines: Vec<&str> = log.lines().collect();
            let end = lines[lines.len().saturating_sub(15)..].join("\n");
            text = format!("{text}\n{}:\n{end}", part.path().display());
        }
        text
    }

    fn is_ready(&self) -> Option<()> {
        let ready = "jsonpath={.status.conditions[?(@.type==\"Ready\")].status}";
        let node = self.kubectl(&["get", "node", "node", "-o", ready]).ok()?;
        // Without it no pod is made.
        self.kubectl(&["get", "serviceaccount", "default"]).ok()?;
        (node == "True").then_some(())
    }

    fn wait_for<T>(&mut self, what: impl Fn(&Self) -> Option<T>) -> Result<T, Failure> {
        let began = Instant::now();
        loop {
            if let Some(found) = what(self) {
                return Ok(found);
            }
            if began.elapsed() > PATIENCE || self.holder.try_wait()?.is_some() {
                return Err(format!("the node does not become ready:\n{}", self.logs()).into());
            }
            thread::sleep(Duration::from_millis(50));
        }
    }
}

/// The shell ends all of it, and removes its folder.
impl Drop for Node {
    fn drop(&mut self) {
        drop(self.holder.stdin.take());
        // If it cannot be waited for, it has ended.
        let _ = self.holder.wait();
    }
}

fn first_child(process: u32) -> Option<u32> {
    let path = format!("/proc/{process}/task/{process}/children");
    fs::read_to_string(path)
        .ok()?
        .split(' ')
        .next()?
        .parse()
        .ok()
}

/// Everything that its parts read, in its folder.
fn prepare(cache: &Cache, folder: &Path, cgroup: &str) -> Result<(), Failure> {
    for part in ["bin", "log", "network", "registries/_default", "kubelet"] {
        fs::create_dir_all(folder.join(part))?;
    }
    for server in Server::CONTROL_PLANE.iter().chain(&Server::NODE) {
        symlink(cache.path(*server), folder.join("bin").join(server.name()))?;
    }
    let place = folder.display().to_string();
    for (name, text) in FILES {
        let text = text.replace("FOLDER", &place).replace("CGROUP", cgroup);
        let known = PLACES
            .iter()
            .fold(text, |text, (name, value)| text.replace(name, value));
        fs::write(folder.join(name), known)?;
    }
    write_keys(folder)?;
    let tokens = format!("{TOKEN},admin,admin,system:masters\n");
    fs::write(folder.join("tokens.csv"), tokens)?;
    // The API server makes it for itself.
    let authority = folder.join("pki/apiserver.crt");
    let config = kubeconfig("https://10.96.0.1", Some(&authority), TOKEN);
    fs::write(folder.join("kubeconfig"), config)?;
    fs::write(folder.join("resolv.conf"), "")?;
    // An image that was not loaded is an error at once: no registry is ever asked.
    let nowhere = "server = \"http://127.0.0.1:9\"\n";
    fs::write(folder.join("registries/_default/hosts.toml"), nowhere)?;
    Ok(())
}

/// The archive of the image in which every pod begins.
fn sandbox(cache: &Cache) -> Result<PathBuf, Failure> {
    let archive = cache.folder().join("pause.tar");
    if !archive.is_file() {
        let context = tempfile::tempdir()?;
        let source = context.path().join("pause.rs");
        fs::write(&source, include_str!("node/pause.rs"))?;
        let mut compile = Command::new("rustc");
        compile.args([
            "-O",
            "-C",
            "strip=symbols",
            "-C",
            "target-feature=+crt-static",
        ]);
        run(compile
            .arg("-o")
            .arg(context.path().join("pause"))
            .arg(&source))?;
        let dockerfile = "FROM scratch\nCOPY pause /pause\nENTRYPOINT [\"/pause\"]\n";
        fs::write(context.path().join("Dockerfile"), dockerfile)?;
        // Somebody else may be about to load it.
        let unfinished = tempfile::Builder::new()
            .suffix(".tar")
            .tempfile_in(cache.folder())?;
        Images::open(cache)?.build(context.path(), SANDBOX, unfinished.path())?;
        fs::rename(unfinished.path(), &archive)?;
    }
    Ok(archive)
}
