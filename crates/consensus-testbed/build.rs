//! Says whether the servers are there, so that tests that need them are shown as ignored where they
//! are not.

#[path = "src/cache.rs"]
#[allow(
    dead_code,
    unreachable_pub,
    clippy::enum_variant_names,
    reason = "it is the library's, which uses the rest of it"
)]
mod cache;

fn main() {
    println!("cargo::rustc-check-cfg=cfg(servers_are_there)");
    println!("cargo::rerun-if-env-changed={}", cache::VARIABLE);
    let cache = cache::Cache::find();
    for server in cache::Server::CONTROL_PLANE {
        println!("cargo::rerun-if-changed={}", cache.path(server).display());
    }
    if cache.has(&cache::Server::CONTROL_PLANE) {
        println!("cargo::rustc-cfg=servers_are_there");
    }
}
