//! What operators meet: the image that the Dockerfile makes, and the deployment that the manifest makes,
//! on a real kubelet.
//!
//! `pods/bench.rs` has the cluster that they share, `pods/record.rs` what the pods said and when. Each
//! test has a namespace, and waits for the lease that the manifest has: 15 s.

mod bench;
mod record;

use bench::{Namespace, manifest, node, until};
use consensus_testbed::Node;
use serde_json::{Value, json};
use std::fs::{self, File};
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

/// A hand-over that took longer may have been a lease that ran out.
const HANDOVER: Duration = Duration::from_secs(10);

const STRICT: [&str; 3] = ["apply", "--validate=strict", "-f"];

/// What the README and the manifest say to type.
const FOLLOW: &str = "kubectl logs -f -l app=consensus --all-containers=true";

/// The manifest as it is, in the namespace that it names, under the strictest of Kubernetes' standards.
#[test]
#[ignore = "needs a node, and minutes: `cargo xtask pods`"]
fn pods_elect_one_leader_and_a_deleted_one_hands_over() {
    let mut place = Namespace::existing("default");
    place.be_restricted();
    let said = place.apply(&manifest());
    assert!(!said.contains("Warning"), "{said}");
    place.is_rolled_out();

    let heard = node().folder().join("heard");
    let readme = include_str!("../../../../README.md");
    assert!(readme.contains(FOLLOW) && manifest().contains(FOLLOW));
    let words: Vec<&str> = FOLLOW.split(' ').skip(1).collect();
    let mut follow = node().command(&words);
    let output = File::create(&heard).expect("a folder of ours");
    let mut follow = follow.stdout(Stdio::from(output)).spawn().expect("kubectl");
    let heard = || fs::read_to_string(&heard).expect("it was made");

    let first = place.next_leader("");
    let pods = place.pods();
    assert!(pods.len() == 3 && pods.contains(&first), "{first} {pods:?}");
    until(&mut place, "the followers know", |_| {
        let follows = format!(": {first} leads");
        heard()
            .lines()
            .filter(|line| line.ends_with(&follows))
            .count()
            == 2
    });
    let leads = |text: &str| text.matches(": leading, token ").count();
    assert_eq!(leads(&heard()), 1, "{}", heard());
    let status = [
        "exec",
        pods.iter().find(|pod| **pod != first).expect("a follower"),
        "--",
        "/usr/local/bin/consensus",
        "status",
        "kubernetes://default/consensus",
    ];
    let status = node().kubectl(&status).expect("somebody leads");
    let told = format!("{first} leads kubernetes://default/consensus\n");
    assert!(status.starts_with(&told), "{status}");

    place.must(&["delete", "pod", &first, "--wait=false"]);
    let second = place.next_leader(&first);
    // The new pod may have been quicker than those that ask every 2 s: then these tell of it.
    until(&mut place, "the logs tell of the hand-over", |_| {
        let (over, text) = (format!("{first}: not leading any more"), heard());
        let next = [
            format!("{second}: leading, token "),
            format!(": {second} leads\n"),
        ];
        text.contains(&over) && next.iter().any(|next| text.contains(next))
    });
    let turns = place.record().turns();
    assert_eq!(turns.last().map(|turn| &turn.pod), Some(&second));
    let took = place.record().last_gap();
    assert!(took < HANDOVER, "{took:?}: {turns:#?}");
    println!("a deleted leader was followed after {took:?}");

    place.is_rolled_out();
    let restarts = place.restarts();
    let is_left_alone = restarts.values().all(|count| *count == 0);
    assert!(
        is_left_alone,
        "probes are for followers as well: {restarts:?}"
    );
    place.record().has_no_overlap();
    follow
        .kill()
        .and_then(|()| follow.wait())
        .expect("it is ours");
}

#[test]
#[ignore = "needs a node, and minutes: `cargo xtask pods`"]
fn pods_that_are_killed_are_followed_without_overlap() {
    let mut place = Namespace::new("killed");
    place.apply(&manifest().replace("namespace: default", "namespace: killed"));
    place.is_rolled_out();
    let first = place.next_leader("");
    let turns = place.record().turns().len();

    // Kubernetes starts it again in the same pod, under the same name: that is another candidate.
    place.kill_process(&first);
    until(&mut place, "a term after the killed one's", |place| {
        place.record().turns().len() > turns
    });
    println!(
        "a killed leader was followed after {:?}",
        place.record().last_gap()
    );
    until(&mut place, "it was started again", |place| {
        place.restarts().get(&first) == Some(&1)
    });

    let second = place.leader();
    place.must(&["delete", "pod", &second, "--grace-period=0", "--force"]);
    place.next_leader(&second);
    println!(
        "a pod deleted by force was followed after {:?}",
        place.record().last_gap()
    );
    place.record().has_no_overlap();
}

/// One as its pod's service account, one by a kubeconfig's context: both hand over by their heir.
#[test]
#[ignore = "needs a node, and minutes: `cargo xtask pods`"]
fn pods_with_the_program_hand_over_when_it_is_killed() {
    let mut place = Namespace::new("program");
    let rights = manifest().replace("namespace: default", "namespace: program");
    let rights: Vec<&str> = rights
        .split("\n---\n")
        .filter(|part| !part.contains("kind: Deployment") && !part.contains("kind: PodDisruption"))
        .collect();
    place.apply(&rights.join("\n---\n"));
    let shared = bench::shared_folder();
    for (name, flags, kubeconfig) in [
        ("own", vec![], ""),
        ("other", vec!["--context=testbed"], "/shared/kubeconfig"),
    ] {
        let pod = program_pod(name, &flags, kubeconfig, &shared.display().to_string());
        place.apply(&pod.to_string());
        place.must(&[
            "wait",
            "--for=condition=Ready",
            "pod",
            name,
            "--timeout=120s",
        ]);
    }
    let mut leader = place.next_leader("");
    for _ in 0..2 {
        // Who was killed before is started again by the kubelet, and until then there is nobody to follow.
        until(&mut place, "the other one waits", |place| {
            let lines = place.record().lines();
            let other = lines.iter().rev().find(|(_, pod, _)| *pod != leader);
            other.is_some_and(|(_, _, said)| said.contains("consensus: waiting: "))
        });
        let killed = jiff::Timestamp::now();
        let turns = place.record().turns().len();
        place.kill_process(&leader);
        // The other one's, which may only poll, or that of its own container, which is started again.
        until(&mut place, "a term after the killed one's", |place| {
            place.record().turns().len() > turns
        });
        let next = place.record().turns().last().expect("a turn").clone();
        let took = Duration::try_from(next.from.duration_since(killed)).expect("after it");
        assert!(took < HANDOVER, "{took:?}");
        println!("{leader}: the killed program was followed after {took:?}");
        leader = next.pod;
    }
    place.record().has_no_overlap();
}

fn program_pod(name: &str, flags: &[&str], kubeconfig: &str, shared: &str) -> Value {
    let mut arguments = vec!["run", "--id=$(POD_NAME)", "--absent-is-free"];
    arguments.extend(flags);
    arguments.extend(["kubernetes://program/consensus", "--", "/shared/work"]);
    json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": { "name": name, "namespace": "program" },
        "spec": {
            "serviceAccountName": "consensus",
            "terminationGracePeriodSeconds": 10,
            "volumes": [{ "name": "shared", "hostPath": { "path": shared, "type": "Directory" } }],
            "containers": [{
                "name": "consensus",
                "image": "consensus:latest",
                "imagePullPolicy": "IfNotPresent",
                "args": arguments,
                "env": [
                    {
                        "name": "POD_NAME",
                        "valueFrom": { "fieldRef": { "fieldPath": "metadata.name" } },
                    },
                    { "name": "KUBECONFIG", "value": kubeconfig },
                ],
                "volumeMounts": [{ "name": "shared", "mountPath": "/shared", "readOnly": true }],
                "securityContext": { "readOnlyRootFilesystem": true, "runAsNonRoot": true },
            }],
        },
    })
}

/// With the rights that are comments in the manifest.
#[test]
#[ignore = "needs a node, and minutes: `cargo xtask pods`"]
fn pods_that_may_watch_take_over_at_once_and_events_tell_of_it() {
    let mut place = Namespace::new("watching");
    let manifest = manifest().replace("namespace: default", "namespace: watching");
    let granted = manifest.replace("verbs: [get, update]\n", "verbs: [get, update, watch]\n");
    assert_ne!(granted, manifest);
    let events = "  # - apiGroups: [\"\"]\n  #   resources: [events]\n  #   verbs: [create]\n";
    assert!(granted.contains(events));
    place.apply(&granted.replace(events, &events.replace("  # ", "  ")));
    place.is_rolled_out();
    let first = place.next_leader("");
    let before = place.pods();
    place.must(&["delete", "pod", &first, "--wait=false"]);
    let second = place.next_leader(&first);
    println!(
        "with the right to watch a deleted leader was followed after {:?}",
        place.record().last_gap()
    );
    assert!(
        before.contains(&second),
        "who waits is quicker than who has yet to start: {second}"
    );
    until(&mut place, "the Lease's Events tell of both", |place| {
        let told = place.must(&["describe", "lease", "consensus"]);
        let became = |who: &str| told.contains(&format!("{who} became leader"));
        became(&first) && became(&second)
    });
    place.record().has_no_overlap();
}

#[test]
#[ignore = "needs a node, and minutes: `cargo xtask pods`"]
fn pods_have_the_rights_to_get_create_and_update_one_lease_and_no_other() {
    let mut place = Namespace::new("rights");
    place.apply(&manifest().replace("namespace: default", "namespace: rights"));
    let may = |verb: &str, what: &str| {
        let who = "--as=system:serviceaccount:rights:consensus";
        let asked = ["auth", "can-i", verb, what, "--namespace=rights", who];
        // It exits with 1 where the answer is "no".
        node().kubectl(&asked).is_ok()
    };
    until(&mut place, "the API server knows of the Role", |_| {
        may("create", "leases")
    });
    for (verb, what) in [("get", "leases/consensus"), ("update", "leases/consensus")] {
        assert!(may(verb, what), "{verb} {what}");
    }
    for (verb, what) in [
        ("get", "leases/other"),
        ("update", "leases"),
        ("list", "leases"),
        ("watch", "leases/consensus"),
        ("patch", "leases/consensus"),
        ("delete", "leases/consensus"),
        ("create", "events"),
        ("get", "secrets"),
        ("get", "pods"),
    ] {
        assert!(!may(verb, what), "{verb} {what}");
    }
}

/// Beside the one that the other tests share.
#[test]
#[ignore = "needs a node, and minutes: `cargo xtask pods`"]
fn a_node_is_apart_and_leaves_nothing_behind() {
    let _shared = node();
    let other = Node::start().expect("a second one");
    let pods = other.kubectl(&["get", "pods", "--all-namespaces", "-o", "name"]);
    assert_eq!(pods.expect("it is ready"), "");
    let folder = other.folder().to_owned();
    drop(other);
    assert!(!folder.exists());
    let name = folder.file_name().expect("a folder in another one");
    let mounts = fs::read_to_string("/proc/self/mounts").expect("/proc");
    assert!(!mounts.contains(&*name.to_string_lossy()), "{mounts}");
    for hierarchy in ["", "pids", "memory", "cpu"] {
        let cgroup = Path::new("/sys/fs/cgroup").join(hierarchy).join(name);
        assert!(!cgroup.exists(), "{}", cgroup.display());
    }
}
