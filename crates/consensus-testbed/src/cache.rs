//! Where the built servers are kept, and of which versions they are. `servers.rs` builds them.
//!
//! Outside of the target folder, since they outlive it: nothing of ours is in them. The version is
//! part of a file's name, so that two checkouts with different versions share one folder.

use std::env;
use std::path::{Path, PathBuf};

/// Names the folder, if it is not the usual one.
pub(crate) const VARIABLE: &str = "KUBE_TESTBED";

/// A program of the control plane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Server {
    /// Keeps what the API server is told.
    Etcd,
    /// Kubernetes' API server.
    ApiServer,
}

impl Server {
    /// Every server that a test bed needs.
    pub const ALL: [Self; 2] = [Self::Etcd, Self::ApiServer];

    /// The program's name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Etcd => "etcd",
            Self::ApiServer => "kube-apiserver",
        }
    }

    /// The version that we test with.
    pub const fn version(self) -> &'static str {
        match self {
            Self::Etcd => "v3.7.2",
            Self::ApiServer => "v1.37.2",
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

    /// Whether every server is there.
    pub fn is_complete(&self) -> bool {
        Server::ALL
            .iter()
            .all(|server| self.path(*server).is_file())
    }
}
