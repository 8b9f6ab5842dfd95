//! Builds the servers from their Go modules, once: what is there already is left alone.
//!
//! `toolchain.rs` finds the Go that builds, `module.rs` makes the module that is built.

use crate::Failure;
use crate::cache::{Cache, Server};
use crate::module::Module;
use crate::toolchain::Toolchain;
use std::fs::{self, File};
use std::path::Path;
use std::process::Command;

/// Builds what is missing. Two of these at once wait for each other.
///
/// # Errors
/// If there is no Go, or its proxy cannot be reached, or a build fails: with the end of its output.
pub fn build(cache: &Cache) -> Result<(), Failure> {
    if cache.is_complete() {
        return Ok(());
    }
    let there = cache.path(Server::Etcd);
    let there = there.parent().unwrap_or(cache.folder());
    fs::create_dir_all(there)?;
    let lock = File::create(cache.folder().join("build.lock"))?;
    lock.lock()?;
    let toolchain = Toolchain::find()?;
    for server in Server::ALL {
        let path = cache.path(server);
        if !path.is_file() {
            println!(
                "{} {} is built once, which takes minutes",
                server.name(),
                server.version()
            );
            build_one(cache, &toolchain, server, &path)?;
        }
    }
    Ok(())
}

fn build_one(
    cache: &Cache,
    toolchain: &Toolchain,
    server: Server,
    path: &Path,
) -> Result<(), Failure> {
    let folder = cache.folder().join("modules").join(server.name());
    let (module, package) = match server {
        Server::Etcd => ("go.etcd.io/etcd/server/v3", String::new()),
        Server::ApiServer => ("k8s.io/kubernetes", "/cmd/kube-apiserver".to_owned()),
    };
    let package = format!("{module}{package}");
    let version = server.version();
    Module::new(module, version, &package).write(toolchain, &folder)?;
    let unfinished = path.with_extension("unfinished");
    let mut build = toolchain.go(&folder);
    build.args([
        "build",
        "-mod=mod",
        "-buildvcs=false",
        "-trimpath",
        "-ldflags",
    ]);
    build
        .arg(flags(server))
        .arg("-o")
        .arg(&unfinished)
        .arg(&package);
    run(&mut build)?;
    fs::rename(unfinished, path)?;
    Ok(())
}

/// An API server that does not know its version tells clients that it is `v0.0.0`.
fn flags(server: Server) -> String {
    let strip = "-s -w";
    match server {
        Server::Etcd => strip.to_owned(),
        Server::ApiServer => {
            let version = server.version();
            let minor = version.split('.').nth(1).unwrap_or_default();
            let set = "-X k8s.io/component-base/version";
            format!("{strip} {set}.gitVersion={version} {set}.gitMajor=1 {set}.gitMinor={minor}")
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
    let hint = "Go must be on the path, and its module proxy must be reachable";
    Err(format!("{words} failed ({}):\n{end}\n{hint}", done.status).into())
}
