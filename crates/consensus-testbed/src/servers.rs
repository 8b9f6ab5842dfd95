//! Builds the servers from their Go modules, once: what is there already is left alone.
//!
//! `toolchain.rs` finds the Go that builds, `module.rs` makes the module that is built.

use crate::Failure;
use crate::cache::{Cache, Server};
use crate::module::Module;
use crate::toolchain::Toolchain;
use std::fs::{self, File};
use std::process::Command;

/// A Go module that servers are built from.
struct Source {
    module: &'static str,
    /// Each with the package that it is, and the name that Go gives to its program.
    servers: &'static [(Server, &'static str, &'static str)],
}

const SOURCES: [Source; 3] = [
    Source {
        module: "go.etcd.io/etcd/server/v3",
        servers: &[(Server::Etcd, "", "server")],
    },
    Source {
        module: "k8s.io/kubernetes",
        servers: &[
            (Server::ApiServer, "/cmd/kube-apiserver", "kube-apiserver"),
            (
                Server::ControllerManager,
                "/cmd/kube-controller-manager",
                "kube-controller-manager",
            ),
            (Server::Scheduler, "/cmd/kube-scheduler", "kube-scheduler"),
            (Server::Kubelet, "/cmd/kubelet", "kubelet"),
            (Server::Kubectl, "/cmd/kubectl", "kubectl"),
        ],
    },
    Source {
        module: "github.com/containerd/containerd/v2",
        servers: &[
            (Server::Containerd, "/cmd/containerd", "containerd"),
            (
                Server::Shim,
                "/cmd/containerd-shim-runc-v2",
                "containerd-shim-runc-v2",
            ),
            (Server::Ctr, "/cmd/ctr", "ctr"),
        ],
    },
];

/// Builds what is missing of these. Two of these at once wait for each other.
///
/// # Errors
/// If there is no Go, or its proxy cannot be reached, or a build fails: with the end of its output.
pub fn build(cache: &Cache, wanted: &[Server]) -> Result<(), Failure> {
    if cache.has(wanted) {
        return Ok(());
    }
    fs::create_dir_all(cache.folder().join("servers"))?;
    let lock = File::create(cache.folder().join("build.lock"))?;
    lock.lock()?;
    let toolchain = Toolchain::find()?;
    for source in &SOURCES {
        let hint = "Go must be on the path, and its module proxy must be reachable";
        let built = source.build(cache, &toolchain, wanted);
        built.map_err(|failure| format!("{failure}\n{hint}"))?;
    }
    Ok(())
}

impl Source {
    /// All that is missing at once: most of what they are made of is the same.
    fn build(
        &self,
        cache: &Cache,
        toolchain: &Toolchain,
        wanted: &[Server],
    ) -> Result<(), Failure> {
        let missing: Vec<_> = self
            .servers
            .iter()
            .filter(|(server, ..)| wanted.contains(server) && !cache.path(*server).is_file())
            .collect();
        let Some((first, ..)) = missing.first() else {
            return Ok(());
        };
        let names: Vec<_> = missing.iter().map(|(server, ..)| server.name()).collect();
        let (names, version) = (names.join(", "), first.version());
        println!("{names} {version}: built once, which takes minutes");
        let packages: Vec<_> = missing
            .iter()
            .map(|(_, package, _)| format!("{}{package}", self.module))
            .collect();
        let name = self.module.replace('/', "-");
        let folder = cache.folder().join("modules").join(name);
        Module::new(self.module, version, &packages).write(toolchain, &folder)?;
        let unfinished = cache.folder().join("unfinished");
        fs::create_dir_all(&unfinished)?;
        let mut build = toolchain.go(&folder);
        build.args(["build", "-mod=mod", "-buildvcs=false", "-trimpath"]);
        build.arg("-ldflags").arg(self.flags(version));
        // A folder, by the slash at its end.
        build.arg("-o").arg(unfinished.join("")).args(&packages);
        run(&mut build)?;
        for (server, _, built) in missing {
            fs::rename(unfinished.join(built), cache.path(*server))?;
        }
        Ok(())
    }

    /// A server that does not know its version tells others that it is `v0.0.0`.
    fn flags(&self, version: &str) -> String {
        let strip = "-s -w";
        let minor = version.split('.').nth(1).unwrap_or_default();
        match self.module {
            "k8s.io/kubernetes" => {
                let set = "-X k8s.io/component-base/version";
                format!(
                    "{strip} {set}.gitVersion={version} {set}.gitMajor=1 {set}.gitMinor={minor}"
                )
            }
            "github.com/containerd/containerd/v2" => {
                format!("{strip} -X {}/version.Version={version}", self.module)
            }
            _ => strip.to_owned(),
        }
    }
}

/// Runs a command, and says what it said only if it fails.
pub(crate) fn run(command: &mut Command) -> Result<String, Failure> {
    let words = format!("{command:?}");
    let done = command
        .output()
        .map_err(|error| format!("cannot run {words}: {error}"))?;
    let said = String::from_utf8_lossy(&done.stdout).into_owned();
    if done.status.success() {
        return Ok(said);
    }
    let complaint = String::from_utf8_lossy(&done.stderr);
    let lines: Vec<&str> = said.lines().chain(complaint.lines()).collect();
    let end = lines[lines.len().saturating_sub(25)..].join("\n");
    Err(format!("{words} failed ({}):\n{end}", done.status).into())
}
