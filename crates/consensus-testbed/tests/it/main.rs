//! The Kubernetes store against a real API server: one binary, one cluster for most of it.
#![allow(clippy::disallowed_methods, reason = "real processes, real time")]
#![allow(
    missing_docs,
    unreachable_pub,
    reason = "nobody uses a test's items from outside"
)]

#[cfg(servers_are_there)]
mod agent;
#[cfg(servers_are_there)]
mod answers;
#[cfg(servers_are_there)]
mod bed;
#[cfg(servers_are_there)]
mod beside_client_go;
#[cfg(servers_are_there)]
mod candidates;
#[cfg(servers_are_there)]
mod conformance;
#[cfg(servers_are_there)]
mod faults;
#[cfg(servers_are_there)]
mod in_pod;
#[cfg(servers_are_there)]
mod interop;
#[cfg(servers_are_there)]
mod log;
#[cfg(servers_are_there)]
mod place;
mod pods;
#[cfg(servers_are_there)]
mod policies;
#[cfg(servers_are_there)]
mod rights;
#[cfg(servers_are_there)]
mod soak;
#[cfg(servers_are_there)]
mod strangers;
#[cfg(servers_are_there)]
mod together;
#[cfg(servers_are_there)]
mod watch;
#[cfg(servers_are_there)]
mod work;

#[cfg(not(servers_are_there))]
#[test]
#[ignore = "no API server is built here; `cargo xtask testbed` builds it, which takes minutes"]
fn everything_against_a_real_api_server() {
    panic!("there is none: run `cargo xtask testbed`");
}

#[cfg(not(servers_are_there))]
#[test]
#[ignore = "no API server is built here; `cargo xtask testbed` builds it, which takes minutes"]
fn soak_beside_client_go() {
    panic!("there is none: run `cargo xtask testbed`");
}
