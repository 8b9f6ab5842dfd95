//! Pods: the image is built from the Dockerfile, and the manifest's deployment runs on a real kubelet.
//!
//! Decides who can run that. What is merely not installed can be had, so in CI that is a failure.
//! A machine that lacks the rights cannot be helped, so there the step says what it did not show.

use crate::shell::{Failure, capture, run, run_tests};
use crate::workspace::Workspace;
use std::path::Path;
use std::process::Command;

/// Each program that is needed, and the Debian package that brings it: `.ci/run` installs them.
const NEEDS: [(&str, &str); 6] = [
    ("buildah", "buildah"),
    ("debootstrap", "debootstrap"),
    ("runc", "runc"),
    ("ip", "iproute2"),
    ("unshare", "util-linux"),
    (BRIDGE, "containernetworking-plugins"),
];

/// Not on the path: containers' runtimes look for it here.
const BRIDGE: &str = "/usr/lib/cni/bridge";

/// Makes what a node makes, and removes it again: a bridge and a mount in namespaces of their own, and a
/// cgroup beside ours.
const TRIAL: &str = "unshare --mount --net --pid --fork --mount-proc sh -c \
                     'mount -t tmpfs none /mnt && ip link add trial type bridge' && \
                     cgroup=$(find /sys/fs/cgroup -maxdepth 1 \\( -name pids -o -name cgroup.controllers \\) | head -n 1) && \
                     cgroup=${cgroup%/cgroup.controllers}/trial-$$ && mkdir \"$cgroup\" && rmdir \"$cgroup\"";

const SERVERS: &[&str] = &[
    "run",
    "--quiet",
    "--package=consensus-testbed",
    "--",
    "build",
    "node",
];

const TESTS: &[&str] = &[
    "test",
    "--package=consensus-testbed",
    "--test=it",
    "--",
    "--ignored",
    "--nocapture",
    "pods",
];

pub(crate) fn pods(workspace: &Workspace, _: &[String]) -> Result<(), Failure> {
    let missing: Vec<&str> = NEEDS
        .iter()
        .filter(|(program, _)| !is_installed(program))
        .map(|(_, package)| *package)
        .collect();
    let in_ci = std::env::var_os("CI").is_some();
    if !missing.is_empty() {
        let install = format!("apt-get install {}", missing.join(" "));
        if in_ci {
            return Err(Failure::new(format!("pods cannot run without: {install}")));
        }
        println!("skipped: no pod was run; to run some: {install}");
        return Ok(());
    }
    let trial = capture(Command::new("sh").args(["-c", TRIAL]))?;
    if !trial.success {
        println!(
            "skipped: no pod was run, since we may not make namespaces and cgroups here (as root"
        );
        println!("one usually may): {}", trial.output.trim());
        return Ok(());
    }
    run(&mut workspace.cargo(SERVERS))?;
    run_tests(&mut workspace.cargo(TESTS))
}

fn is_installed(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut places = std::env::split_paths(&path).map(|folder| folder.join(program));
    Path::new(program).is_file() || places.any(|place| place.is_file())
}

#[cfg(test)]
mod tests {
    use super::is_installed;

    #[test]
    fn a_program_is_found_on_the_path_or_by_its_own() {
        assert!(is_installed("sh") && is_installed("/bin/sh"));
        assert!(!is_installed("no-such-command-anywhere"));
    }
}
