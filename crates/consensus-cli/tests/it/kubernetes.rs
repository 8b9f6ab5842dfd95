//! The program over a Lease, on a real API server.

use crate::bench::{Place as Folder, Started, consensus, until};
use consensus_testbed::{Cluster, Control};
use http::Method;
use rustix::process::Signal;
use serde_json::{Value, json};
use std::fs;

/// A Lease in a namespace of its own, and a folder with the kubeconfig of somebody who has these rights.
struct Place {
    folder: Folder,
    control: Control,
    namespace: String,
}

impl Place {
    /// For somebody who may do everything.
    fn new() -> Self {
        Self::with_token(|_, _| Cluster::shared().admin_token().to_owned())
    }

    /// For a service account with these rights on Leases.
    fn with_rights(verbs: &[&str]) -> Self {
        Self::with_token(|control, namespace| {
            let token = control.account(namespace, "pod");
            let role = json!({
                "metadata": { "name": "some" },
                "rules": [{
                    "apiGroups": ["coordination.k8s.io"],
                    "resources": ["leases"],
                    "verbs": verbs,
                }],
            });
            if !verbs.is_empty() {
                control.grant(namespace, "pod", &role);
            }
            token
        })
    }

    fn with_token(token: impl FnOnce(&Control, &str) -> String) -> Self {
        let (cluster, folder) = (Cluster::shared(), Folder::new());
        let control = cluster.control();
        let namespace = control.namespace();
        let token = token(&control, &namespace);
        let kubeconfig = cluster.kubeconfig(cluster.url(), &token);
        fs::write(folder.path("kubeconfig"), kubeconfig).expect("a folder of ours");
        Self {
            folder,
            control,
            namespace,
        }
    }

    fn url(&self) -> String {
        format!("kubernetes://{}/app", self.namespace)
    }

    /// `consensus` with these arguments, the URL, and what comes behind it.
    fn start(&self, before: &str, behind: &[&str]) -> Started {
        let mut command = consensus();
        command
            .args(before.split_whitespace())
            .arg(self.url())
            .args(behind);
        command.env("KUBECONFIG", self.folder.path("kubeconfig"));
        Started::new(command)
    }

    fn run(&self, flags: &str, script: &str) -> Started {
        self.start(&format!("run {flags}"), &["--", "sh", "-c", script])
    }

    fn lease(&self) -> Value {
        let folder = format!(
            "/apis/coordination.k8s.io/v1/namespaces/{}/leases",
            self.namespace
        );
        self.control
            .must(&Method::GET, &format!("{folder}/app"), None)
    }
}

fn who_waits_runs_after_the_release_of_a_lease() {
    let place = Place::new();
    let first = place.run("--absent-is-free --id=first --lease=1h", "sleep 60");
    let first = first.says("leading (token");
    assert_eq!(place.lease()["spec"]["holderIdentity"], "first");
    let second = place.run("--id=second --lease=1h", "echo \"$CONSENSUS_ELECTION\"");
    let second = second.says("waiting: first leads (kubernetes:");
    let _ = first.gets(Signal::TERM).done().exits(143);
    let done = second.says("leading (token").done().exits(0);
    assert_eq!(done.stdout.trim(), place.url());
    assert_eq!(place.lease()["spec"]["holderIdentity"], "");
}

/// Nobody proves a holder of a Lease dead; the guard releases in its place. The lease is so long that
/// nobody can have waited for it.
fn when_the_leader_is_killed_the_guard_releases_its_lease() {
    let place = Place::new();
    let first = place.run("--absent-is-free --id=first --lease=1h", "sleep 60");
    let first = first.says("leading (token");
    let second = place
        .run("--id=second --lease=1h", "true")
        .says("first leads");
    drop(first.gets(Signal::KILL));
    let _ = second.says("leading (token").done().exits(0);
}

fn status_shows_who_leads_a_lease() {
    let place = Place::new();
    let _ = place
        .start("status", &[])
        .done()
        .exits(69)
        .having_said("not known who leads");
    let leader = place.run("--absent-is-free --id=first --address=x:1", "sleep 60");
    let leader = leader.says("leading (token");
    let done = place.start("status --json", &[]).done().exits(0);
    let seen: Value = serde_json::from_str(&done.stdout).expect("JSON");
    assert_eq!(
        (&seen["holder"], &seen["address"]),
        (&"first".into(), &"x:1".into())
    );
    let _ = leader.gets(Signal::TERM).done().exits(143);
    let done = place.start("status", &[]).done().exits(1);
    assert!(done.stdout.contains("it was released"), "{done:#?}");
}

fn a_right_that_is_missing_is_78_and_named() {
    let place = Place::with_rights(&[]);
    for verb in ["run --wait=30s", "status"] {
        let behind: &[&str] = if verb == "status" {
            &[]
        } else {
            &["--", "echo", "ran"]
        };
        let done = place.start(verb, behind).done().exits(78);
        assert_eq!(done.stdout, "");
        assert!(
            done.stderr.contains("\"resourceNames\":[\"app\"]"),
            "{done:#?}"
        );
    }
}

fn status_needs_only_the_right_to_get() {
    let place = Place::with_rights(&["get"]);
    // Until the API server knows of the right.
    until("the right to get", || {
        let done = place.start("status", &[]).done();
        done.code == 69 && done.stderr.contains("not known who leads")
    });
}

fn a_cluster_or_context_that_is_not_there_is_named() {
    let place = Place::new();
    let done = place
        .run("--wait=30s --context=elsewhere", "echo ran")
        .done()
        .exits(78);
    assert!(
        done.stdout.is_empty() && done.stderr.contains("context \"elsewhere\""),
        "{done:#?}"
    );
    let run = place.run(
        "--absent-is-free --context=testbed",
        "echo \"$CONSENSUS_ELECTION\"",
    );
    let done = run.done().exits(0);
    assert_eq!(
        done.stdout.trim(),
        format!("{}?context=testbed", place.url())
    );
    fs::remove_file(place.folder.path("kubeconfig")).expect("it is ours");
    let _ = place
        .start("status", &[])
        .done()
        .exits(78)
        .having_said("kubeconfig");
}

mod tests {
    consensus_testbed::tests_with_a_cluster!(
        who_waits_runs_after_the_release_of_a_lease,
        when_the_leader_is_killed_the_guard_releases_its_lease,
        status_shows_who_leads_a_lease,
        a_right_that_is_missing_is_78_and_named,
        status_needs_only_the_right_to_get,
        a_cluster_or_context_that_is_not_there_is_named,
    );
}
