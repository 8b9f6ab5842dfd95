//! A real Kubernetes API server for tests: etcd and kube-apiserver, with TLS, RBAC and service
//! accounts, on loopback.
//!
//! Nothing in the tests is a model of Kubernetes. The servers are built once from their Go modules and
//! kept outside of the target folder (`cache.rs`, `servers.rs`); a [`Cluster`] starts in some seconds
//! and ends with whoever started it. A [`Proxy`] stands between a client and a cluster and does to
//! requests what networks do. The tests of the Kubernetes store are this crate's, since they cannot
//! run without it.

#![allow(clippy::disallowed_methods, reason = "real processes, real time")]

mod cache;
mod client_go;
mod module;
mod servers;
mod toolchain;

mod cluster;
mod control;
mod holder;
mod proxy;

mod images;
mod node;

pub use cache::{Cache, Server};
pub use client_go::client_go_elector;
pub use cluster::Cluster;
pub use control::Control;
pub use images::Images;
pub use node::Node;
pub use proxy::{Fault, Proxy, Verb};
pub use servers::build;

/// Why something failed, for people to read.
pub type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Makes a test of each of these functions of the module above, which need a [`Cluster`]. Where the
/// servers are not built, they are ignored, and `cargo test` says so.
#[cfg(servers_are_there)]
#[macro_export]
macro_rules! tests_with_a_cluster {
    ($($name:ident),* $(,)?) => {
        $(
            #[test]
            fn $name() {
                super::$name();
            }
        )*
    };
}

/// Makes a test of each of these functions of the module above, which need a [`Cluster`]. Where the
/// servers are not built, they are ignored, and `cargo test` says so.
#[cfg(not(servers_are_there))]
#[macro_export]
macro_rules! tests_with_a_cluster {
    ($($name:ident),* $(,)?) => {
        $(
            #[test]
            #[ignore = "no API server is built here; `cargo xtask testbed` builds it, in minutes"]
            fn $name() {
                super::$name();
            }
        )*
    };
}
