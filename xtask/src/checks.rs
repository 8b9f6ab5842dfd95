//! The steps that merely call a tool: which one, and with what arguments.

use crate::shell::{Failure, run, run_tests};
use crate::workspace::Workspace;

/// What `soak` runs: the tests that start real processes and take minutes. They are ignored unless
/// they are asked for, so that `cargo test` alone stays quick.
const SOAK: &[&str] = &[
    "test",
    "--release",
    "--package=consensus-election",
    "--package=consensus-cli",
    "--package=consensus-testbed",
    "--all-features",
    "--test=it",
    "--",
    "--ignored",
    "--nocapture",
    "soak",
];

/// What `loom` runs: every interleaving of the election's thread with those that read its belief.
const LOOM: &[&str] = &[
    "test",
    "--release",
    "--package=consensus-election",
    "--lib",
    "belief",
];

/// What `simulate` runs, before its arguments.
const SIMULATE: &[&str] = &["run", "--release", "--package=consensus-simulator", "--"];

/// What `testbed` runs: without servers, the tests against them are ignored.
const TESTBED: &[&str] = &[
    "run",
    "--quiet",
    "--package=consensus-testbed",
    "--",
    "build",
];

/// The programs that `bench` measures and looks for beside itself: ours, and a candidate on Kubernetes.
const PROGRAMS: &[&str] = &[
    "build",
    "--release",
    "--package=consensus-cli",
    "--package=consensus-testbed",
    "--bin=consensus",
    "--bin=candidate",
];

/// What `bench` runs, before its arguments.
const BENCH: &[&str] = &["run", "--release", "--package=consensus-bench", "--"];

pub(crate) fn fmt(workspace: &Workspace, _: &[String]) -> Result<(), Failure> {
    run(&mut workspace.cargo(&["fmt", "--all", "--check"]))
}

pub(crate) fn clippy(workspace: &Workspace, _: &[String]) -> Result<(), Failure> {
    let deny_warnings = ["--", "--deny=warnings"];
    let everything = ["clippy", "--workspace", "--all-targets", "--all-features"];
    run(workspace.cargo(&everything).args(deny_warnings))?;
    // The library as most users build it: what only the test kit needs must not be missed.
    run(workspace
        .cargo(&["clippy", "--package=consensus-election"])
        .args(deny_warnings))
}

pub(crate) fn doc(workspace: &Workspace, _: &[String]) -> Result<(), Failure> {
    // Libraries only: the program bears the library's name, and would overwrite its pages.
    let mut cargo =
        workspace.cargo(&["doc", "--no-deps", "--workspace", "--lib", "--all-features"]);
    run(cargo.env("RUSTDOCFLAGS", "-D warnings"))
}

pub(crate) fn testbed(workspace: &Workspace, _: &[String]) -> Result<(), Failure> {
    run(&mut workspace.cargo(TESTBED))
}

pub(crate) fn test(workspace: &Workspace, args: &[String]) -> Result<(), Failure> {
    let mut cargo = workspace.cargo(&["test", "--workspace", "--all-features"]);
    run_tests(cargo.args(args))
}

pub(crate) fn loom(workspace: &Workspace, _: &[String]) -> Result<(), Failure> {
    let mut cargo = workspace.cargo(LOOM);
    cargo.env("RUSTFLAGS", "--cfg consensus_loom");
    // Flags for the compiler change everything that it builds: a folder of its own keeps the rest.
    cargo.env("CARGO_TARGET_DIR", workspace.target().join("loom"));
    run_tests(&mut cargo)
}

pub(crate) fn simulate(workspace: &Workspace, args: &[String]) -> Result<(), Failure> {
    let mut cargo = workspace.cargo(SIMULATE);
    if args.is_empty() {
        cargo.arg("ci");
    }
    run(cargo.args(args))
}

pub(crate) fn soak(workspace: &Workspace, _: &[String]) -> Result<(), Failure> {
    run_tests(&mut workspace.cargo(SOAK))
}

pub(crate) fn bench(workspace: &Workspace, args: &[String]) -> Result<(), Failure> {
    run(&mut workspace.cargo(PROGRAMS))?;
    run(workspace.cargo(BENCH).args(args))
}
