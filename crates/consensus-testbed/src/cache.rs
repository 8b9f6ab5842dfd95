//! Where the built servers are kept, and of which versions they are. `servers.rs` builds them.
//!
//! Outside of the target folder, since they outlive it: nothing of ours is in them. The version is
//! part of a file's name, so that two checkouts with different versions share one folder.

use std::env;
use std::path::{Path, PathBuf};

/// Names the folder, if it is not the usual one.
pub(crate) const VARIABLE: &str = "KUBE_TESTBED";

/// A program of a cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Server {
    /// Keeps what the API server is told.
    Etcd,
    /// Kubernetes' API server.
    ApiServer,
    /// Makes pods of deployments, among much else.
    ControllerManager,
    /// Gives pods to nodes.
    Scheduler,
    /// Runs a node's pods.
    Kubelet,
    /// What people type. No server, and built from the same source.
    Kubectl,
    /// Runs the kubelet's containers.
    Containerd,
    /// Holds one pod's containers for containerd.
    Shim,
    /// Talks to containerd past the kubelet: loads images.
    Ctr,
}

impl Server {
    /// Every server that a control plane needs.
    pub const CONTROL_PLANE: [Self; 2] = [Self::Etcd, Self::ApiServer];

    /// What a cluster with a node needs besides.
    pub const NODE: [Self; 7] = [
        Self::ControllerManager,
        Self::Scheduler,
        Self::Kubelet,
        Self::Kubectl,
        Self::Containerd,
        Self::Shim,
        Self::Ctr,
    ];

    /// The program's name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Etcd => "etcd",
            Self::ApiServer => "kube-apiserver",
            Self::ControllerManager => "kube-controller-manager",
            Self::Scheduler => "kube-scheduler",
            Self::Kubelet => "kubelet",
            Self::Kubectl => "kubectl",
            Self::Containerd => "containerd",
            Self::Shim => "containerd-shim-runc-v2",
            Self::Ctr => "ctr",
        }
    }

    /// The version that we test with.
    pub const fn version(self) -> &'static str {
        match self {
            Self::Etcd => "v3.7.2",
            Self::ApiServer
            | Self::ControllerManager
            | Self::Scheduler
            | Self::Kubelet
            | Self::Kubectl => "v1.37.2",
            Self::Containerd | Self::Shim | Self::Ctr => "v2.3.7",
        }
    }
}

/// The folder of the servers.
#[derive(Clone, Debug)]
pub struct Cache {
    folder: PathBuf,
}

impl Cache {
    /// The folder that `KUBE_TESTBED` names, or else `~/.cache/kube-testbed`.
    pub fn find() -> Self {
        let named = env::var_os(VARIABLE).map(PathBuf::from);
        let home = || PathBuf::from(env::var_os("HOME").unwrap_or_default());
        let folder = named.unwrap_or_else(|| home().join(".cache/kube-testbed"));
        Self { folder }
    }

    /// The folder itself.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Where a server is, once it is built.
    pub fn path(&self, server: Server) -> PathBuf {
        let file = format!("{}-{}", server.name(), server.version());
        self.folder.join("servers").join(file)
    }

    /// Whether all of these are there.
    pub fn has(&self, servers: &[Server]) -> bool {
        servers.iter().all(|server| self.path(*server).is_file())
    }
}
