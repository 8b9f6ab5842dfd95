//! How a cluster is reached: a configuration, and the one client that is made of it.
//!
//! A client lives on the runtime that it was made on. One of the user's would starve with the user's
//! work, so a store takes a configuration, and the client is made on the elections' thread: in that
//! runtime's context, on a helper thread, since it reads files and may start a credential plug-in.

use crate::together::Companies;
use consensus::{Error, ErrorKind};
use http::header::{HeaderValue, USER_AGENT};
use kube::Client;
use kube::config::{Config, KubeConfigOptions, Kubeconfig};
use std::collections::HashMap;
use std::env;
use std::fmt;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::{self, Handle};
use tokio::sync::Mutex;
use tokio::task::{JoinHandle, spawn_blocking};

/// Who sends requests, as audit logs show it. The API server takes who manages a Lease's fields from it: up
/// to the slash.
const AGENT: &str = concat!("consensus-election/", env!("CARGO_PKG_VERSION"));

/// A connection that is not there by then is given up, also where nobody waits for it any more.
const CONNECT: Duration = Duration::from_secs(10);

/// What a pod is told of its cluster: by its environment, and by files of its service account.
const VARIABLES: [&str; 2] = ["KUBERNETES_SERVICE_HOST", "KUBERNETES_SERVICE_PORT"];
const ACCOUNT: &str = "/var/run/secrets/kubernetes.io/serviceaccount";
const FILES: [&str; 3] = ["token", "ca.crt", "namespace"];

/// A cluster, and how to reach it. Clones share one client on each runtime, and all elections of a
/// process run on one: give them clones of one. Those of one namespace then also share a watch, with
/// the right to watch all of it.
///
/// Nothing is read or connected yet: what is wrong is said by each load and save. What was read is
/// read again when the API server no longer knows us, such as after a token was renewed.
///
/// Requests say that they come from `consensus-election/` and its version: audit logs show it, and
/// `kubectl get lease --show-managed-fields`.
///
/// Credential plug-ins (`exec` in a kubeconfig) are child processes of this process: a program that
/// reaps children must leave them alone.
#[derive(Clone)]
pub struct Cluster {
    source: Source,
    /// A client does not outlive the runtime that it was made on.
    shared: Arc<Mutex<HashMap<runtime::Id, Shared>>>,
    pub(crate) companies: Companies,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Source {
    Infer,
    InCluster,
    Kubeconfig {
        file: Option<PathBuf>,
        context: Option<String>,
    },
}

#[derive(Default)]
struct Shared {
    made: Option<Made>,
    count: u64,
    /// On a helper thread. At most one at a time, also after the caller who began it went away.
    making: Option<JoinHandle<Result<Client, Error>>>,
}

/// The client, and the how manieth it is.
#[derive(Clone)]
pub(crate) struct Made {
    pub(crate) client: Client,
    number: u64,
}

impl Cluster {
    /// The cluster that this process runs in, if it runs in a pod and `KUBECONFIG` does not say
    /// otherwise; else the one that a kubeconfig names, as [`kubeconfig`](Cluster::kubeconfig) finds it.
    pub fn infer() -> Self {
        Self::of(Source::Infer)
    }

    /// The cluster that this process runs in, as its pod's service account. A token that the kubelet
    /// renews is read within a minute, or as soon as the old one is refused.
    pub fn in_cluster() -> Self {
        Self::of(Source::InCluster)
    }

    /// What `kubectl` would reach: the current context of `$KUBECONFIG` or `~/.kube/config`.
    pub fn kubeconfig() -> Self {
        Self::of(Source::Kubeconfig {
            file: None,
            context: None,
        })
    }

    /// The current context of the kubeconfig at this path.
    pub fn kubeconfig_at(path: impl Into<PathBuf>) -> Self {
        Self::of(Source::Kubeconfig {
            file: Some(path.into()),
            context: None,
        })
    }

    /// The same kubeconfig's context of this name. Where none was chosen, the one that `kubectl` uses.
    #[must_use]
    pub fn context(self, name: impl Into<String>) -> Self {
        let file = match self.source {
            Source::Kubeconfig { file, .. } => file,
            Source::Infer | Source::InCluster => None,
        };
        Self::of(Source::Kubeconfig {
            file,
            context: Some(name.into()),
        })
    }

    fn of(source: Source) -> Self {
        Self {
            source,
            shared: Arc::default(),
            companies: Companies::default(),
        }
    }

    /// The client that all share, made by the first call.
    ///
    /// # Cancel safety
    /// Dropped at will: the next call waits for what this one began.
    pub(crate) async fn client(&self) -> Result<Made, Error> {
        let mut all = self.shared.lock().await;
        let shared = all.entry(Handle::current().id()).or_default();
        if let Some(made) = &shared.made {
            return Ok(made.clone());
        }
        let source = &self.source;
        let making = shared.making.get_or_insert_with(|| {
            let source = source.clone();
            spawn_blocking(move || source.make())
        });
        let outcome = making.await;
        shared.making = None;
        let client = outcome.map_err(|error| {
            let message = "the making of a Kubernetes client broke off (if its TLS found no \
                           cryptography to use, install a `rustls` provider as the default)";
            Error::new(ErrorKind::Unavailable, message).with_source(error)
        })??;
        shared.count += 1;
        let made = Made {
            client,
            number: shared.count,
        };
        shared.made = Some(made.clone());
        Ok(made)
    }

    /// Lets the next call make a new client, with what it reads then, unless somebody did already.
    pub(crate) async fn forget(&self, made: &Made) {
        let mut all = self.shared.lock().await;
        let shared = all.entry(Handle::current().id()).or_default();
        let is_still_in_use = |now: &Made| now.number == made.number;
        if shared.made.as_ref().is_some_and(is_still_in_use) {
            shared.made = None;
        }
    }
}

impl Source {
    /// Blocks: it reads files, and may start a credential plug-in and wait for it.
    fn make(&self) -> Result<Client, Error> {
        let mut config = self.read()?;
        // The election decides when to try again.
        config.default_retry = false;
        config.connect_timeout = Some(CONNECT);
        let (system, machine) = (env::consts::OS, env::consts::ARCH);
        if let Ok(agent) = HeaderValue::try_from(format!("{AGENT} ({system}; {machine})")) {
            config.headers.push((USER_AGENT, agent));
        }
        Client::try_from(config).map_err(|error| {
            Error::new(
                ErrorKind::Invalid,
                "cannot make a Kubernetes client of its configuration",
            )
            .with_source(error)
        })
    }

    fn read(&self) -> Result<Config, Error> {
        let is_pod = || env::var_os(VARIABLES[0]).is_some();
        let is_told = || env::var_os("KUBECONFIG").is_some_and(|path| !path.is_empty());
        match self {
            Self::Infer if is_pod() && !is_told() => in_pod(),
            Self::Infer => from_file(None, None),
            Self::InCluster => in_pod(),
            Self::Kubeconfig { file, context } => from_file(file.as_deref(), context.as_deref()),
        }
    }
}

fn in_pod() -> Result<Config, Error> {
    // First what is missing, by its name: what reads it below does not tell.
    for variable in VARIABLES {
        if env::var_os(variable).is_none() {
            let message = format!(
                "this process is in no pod: {variable} is not set; to reach a cluster from outside, \
                 name a kubeconfig"
            );
            return Err(Error::new(ErrorKind::Invalid, message));
        }
    }
    for file in FILES {
        let path = Path::new(ACCOUNT).join(file);
        File::open(&path).map_err(|error| {
            let path = path.display();
            let message = format!(
                "{path} cannot be read, which every pod has whose service account's token is \
                 mounted: look for automountServiceAccountToken in the pod and its service account"
            );
            Error::new(ErrorKind::Invalid, message).with_source(error)
        })?;
    }
    Config::incluster().map_err(|error| {
        let message = "what this pod is told of its cluster cannot be used";
        Error::new(ErrorKind::Invalid, message).with_source(error)
    })
}

fn from_file(file: Option<&Path>, context: Option<&str>) -> Result<Config, Error> {
    let read = match file {
        Some(path) => Kubeconfig::read_from(path),
        None => Kubeconfig::from_env().and_then(|found| found.map_or_else(Kubeconfig::read, Ok)),
    };
    let options = KubeConfigOptions {
        context: context.map(str::to_owned),
        ..KubeConfigOptions::default()
    };
    // It awaits nothing, though it is async.
    let config = read.and_then(|read| {
        Handle::current().block_on(Config::from_custom_kubeconfig(read, &options))
    });
    config.map_err(|error| {
        let place = file.map_or("that kubectl finds".into(), |path| {
            path.display().to_string()
        });
        let which = context.map_or(String::new(), |name| format!(", context {name:?}"));
        let message = format!("the kubeconfig {place}{which} does not say how to reach a cluster");
        Error::new(ErrorKind::Invalid, message).with_source(error)
    })
}

impl fmt::Debug for Cluster {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Cluster").field(&self.source).finish()
    }
}
