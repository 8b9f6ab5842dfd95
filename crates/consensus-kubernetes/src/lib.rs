//! One leader among pods: elections over a Kubernetes Lease.
//!
//! ```no_run
//! use consensus::{Config, Manager};
//! use consensus_kubernetes::{Cluster, KubernetesStore};
//!
//! # async fn do_work(token: consensus::Token) {}
//! # async fn example() -> Result<(), consensus::Error> {
//! let cluster = Cluster::infer(); // this pod's, or what kubectl would reach
//! let store = KubernetesStore::new(&cluster, "default", "my-app")?;
//! let manager = Manager::new(store.into_backend(), Config::new("pod-1"))?;
//! let lease = manager.start();
//!
//! let term = lease.wait_for_leadership().await?;
//! let _ = term.run(do_work(term.token())).await;
//!
//! manager.stop().await
//! # }
//! ```
//!
//! # What is promised
//! * **Agreement.** A Lease is created, or replaced on the version that was seen; it is never patched
//!   and never deleted. Of many saves on one version, the API server stores one.
//! * **Tokens** are the resourceVersions of acquisitions. They rise even if the Lease is deleted and
//!   made again: etcd numbers all its writes together.
//! * **What is not ours survives**: labels, other annotations, owners, and fields that this version
//!   does not know. Who changes those under a leader costs it nothing.
//! * **The same Lease as client-go's electors.** Their leaders, takeovers and releases are recognised,
//!   and ours by them. `kubectl get lease` shows the identity that was given. What client-go does that
//!   no peer can prevent ends a term of ours at the next look: see the front page of `consensus`.
//! * **Quiet.** With the right to watch, followers send no requests while they wait: news reaches
//!   them, and a release is taken at once. Each writes once, and the watch tells the others who was
//!   first. Without it they poll, and say so once.
//!
//! # Rights
//! `get`, `create` and `update` on `leases` in the group `coordination.k8s.io`; with `watch`,
//! followers wait for news. An error about a right that is missing shows the Role that grants them.
//! With `create` on `events`, the Lease shows who became leader and who stopped leading, in client-go's
//! words; without it there are no Events, and nothing is said about it.
//!
//! # Many elections in one namespace
//! Each election watches its own Lease, over a connection of its own. If `watch` is granted on all
//! Leases of the namespace, those of one process that were made of clones of one [`Cluster`] share one
//! watch, from the second on, and each is told of its own Lease only:
//!
//! ```yaml
//! - apiGroups: [coordination.k8s.io]
//!   resources: [leases]
//!   verbs: [watch] # without resourceNames
//! ```
//!
//! Such a watch carries the news of every Lease of the namespace. Where those of others outweigh ours (more
//! than two for each of ours, and a hundred), and where the right is missing, each election watches its
//! own, and the shared watch is tried again after an hour. Nothing else depends on it.
//!
//! # For programs
//! The types of `k8s-openapi` are made for one version of Kubernetes, which the *program* chooses: it
//! has `k8s-openapi = { version = "0.29", features = ["earliest"] }` among its dependencies. None of
//! them is used here.

mod cluster;
mod store;
mod version;

mod annotation;
mod lease;
mod micro_time;

mod answer;
mod api;
mod rights;
mod transport;

mod news;
mod together;
mod watch;

mod events;

pub use cluster::Cluster;
pub use store::{KubernetesBackend, KubernetesStore};
pub use version::LeaseVersion;
