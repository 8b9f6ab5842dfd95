//! Plays a row: a leader and a follower on a real API server, and what happens to their election.

use super::row::{Act, Row, check};
use crate::bench::{Started, until};
use crate::lease::{ALL, Place};
use crate::soak::checker;
use consensus_testbed::Cluster;
use rustix::process::Signal;
use serde_json::Value;
use std::collections::HashSet;
use std::fs;

/// Long enough that a busy machine costs no renewal: what is said of that would be no part of a row.
const LEASE: &str = "--lease=6s";

/// Writes down when it works, until it is ended: a candidate's number is `$2`.
const WORK: &str = "while :; do echo \"$(date +%s%N) $CONSENSUS_TOKEN ${CONSENSUS_HOLDER#pod-}\" >> $1/work; sleep 0.05; done";

struct Scene<'a> {
    cluster: &'a Cluster,
    place: Place,
    leader: Option<Started>,
    follower: Started,
    /// What the one that led said in all, once it has ended.
    said: String,
    code: i32,
}

/// Plays a row, and says what happened otherwise.
pub fn play(row: &Row, cluster: &Cluster) -> Result<(), String> {
    let place = Place::on(cluster, &ALL);
    // Who watches does not say so, and who asked too early for the right to does not.
    until("the right to watch", || place.may_watch());
    let leader = place.run(&format!("--id=pod-1 --absent-is-free {LEASE}"), WORK);
    let leader = leader.says("leading (token");
    let follower = place.run(&format!("--id=pod-2 {LEASE}"), WORK);
    let mut scene = Scene {
        cluster,
        place,
        leader: Some(leader),
        follower: follower.says("pod-1 leads"),
        said: String::new(),
        code: 0,
    };
    for act in row.acts {
        scene.act(*act);
    }
    scene.leader_ends();
    scene.follower.hear("leading (token");
    scene.place.folder.wait_for_text("work", " 2\n");
    let Scene {
        place,
        follower,
        said,
        code,
        ..
    } = scene;
    let until_it_led = follower.said().to_owned();
    let _ = follower.gets(Signal::TERM).done().exits(143);
    let work = fs::read_to_string(place.folder.path("work")).expect("they worked");
    let found = checker::check(&work, &HashSet::new());
    assert_eq!(
        (found.terms, found.overlaps, found.falls),
        (2, 0, 0),
        "{work}"
    );
    let secret = secret(&place);
    let all = format!("--- pod-1:\n{said}--- pod-2:\n{until_it_led}");
    assert!(!all.contains(&secret), "the token is no text for logs");
    if std::env::var_os("SHOW").is_some() {
        println!("=== {}\n{all}", row.what);
    }
    let with_all = |why| format!("{why}\n{all}");
    if code != row.code {
        return Err(with_all(format!("it exited with {code}")));
    }
    // A namespace's name differs from time to time, and what is said of a term's beginning is known.
    let begins = |line: &&str| line.contains("leading (token");
    let named = |said: &str| {
        let lines = said.lines().filter(|line| !begins(line));
        let lines = lines.map(|line| line.replacen("consensus: ", "", 1));
        let lines = lines.map(|line| line.replace(&place.namespace, "default"));
        lines.collect::<Vec<_>>().join("\n")
    };
    check(row.leader, &named(&said)).map_err(|why| with_all(format!("pod-1: {why}")))?;
    check(row.follower, &named(&until_it_led)).map_err(|why| with_all(format!("pod-2: {why}")))
}

/// The token by which the candidates are known to the cluster.
fn secret(place: &Place) -> String {
    let kubeconfig = fs::read_to_string(place.folder.path("kubeconfig")).expect("written");
    let kubeconfig: Value = serde_json::from_str(&kubeconfig).expect("JSON");
    let token = &kubeconfig["users"][0]["user"]["token"];
    token.as_str().expect("a token").to_owned()
}

impl Scene<'_> {
    fn act(&mut self, act: Act) {
        let place = &self.place;
        match act {
            Act::Stop(server) => self.cluster.signal(server, "STOP"),
            Act::GoOn(server) => self.cluster.signal(server, "CONT"),
            Act::End(server) => self.cluster.end(server),
            Act::StartAgain(server) => self.cluster.start_again(server),
            Act::Delete => place.delete(),
            Act::Edit(change) => assert_eq!(place.patch(&json(change)), 200, "{change}"),
            Act::CannotEdit(change) => {
                let status = place.patch(&json(change));
                assert!(matches!(status, 400 | 422), "{status} to {change}");
            }
            Act::DeleteNamespace => place.control.delete_namespace(&place.namespace),
            Act::MakeNamespace => {
                place.control.make_namespace(&place.namespace);
                place.grant(&ALL);
            }
            Act::Revoke => place.revoke(),
            Act::Grant => place.grant(&ALL),
            Act::LeaderSays(words) => self.leader.as_mut().expect("it leads").hear(words),
            Act::FollowerSays(words) => self.follower.hear(words),
            Act::LeaderEnds => self.leader_ends(),
            Act::EndLeader => {
                let leader = self.leader.take().expect("it leads");
                self.leader = Some(leader.gets(Signal::TERM));
            }
        }
    }

    fn leader_ends(&mut self) {
        if let Some(leader) = self.leader.take() {
            let done = leader.done();
            (self.code, self.said) = (done.code, done.stderr);
        }
    }
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).expect("JSON")
}
