//! The elections of a namespace watch together, where the right to watch all of it is granted: each hears
//! of its own Lease only.

mod faults;
mod rights;

use crate::place::{Place, reach, record, soon, until};
use consensus::store::{Saved, Snapshot, Store as _};
use consensus::{Absent, Config, Manager, Status};
use consensus_kubernetes::{Cluster as Reached, KubernetesStore, LeaseVersion};
use consensus_testbed::{Cluster, Proxy, Verb};
use http::Method;
use serde_json::json;
use std::time::Duration;
use tokio::time::{sleep, timeout};

/// Longer than news takes that comes.
const MOMENT: Duration = Duration::from_millis(200);

/// One election, and what its store saw last.
struct One {
    place: Place,
    store: KubernetesStore,
    seen: Snapshot<LeaseVersion>,
}

impl One {
    /// A store for this Lease.
    async fn new(place: Place, reached: &Reached) -> Self {
        let mut store = place.store_by(reached);
        let seen = soon(store.load()).await.expect("an answer");
        Self { place, store, seen }
    }

    /// Looks until it hears of every change, and has looked at all that it was told.
    async fn settle(&mut self) {
        soon(async {
            loop {
                self.seen = self.store.load().await.expect("an answer");
                if self.seen.watched && !self.is_told(Duration::from_millis(20)).await {
                    return;
                }
                sleep(Duration::from_millis(10)).await;
            }
        })
        .await;
    }

    /// Whether it is told of a change within this time.
    async fn is_told(&mut self, time: Duration) -> bool {
        let told = self.store.changed(Some(&self.seen.version));
        timeout(time, told).await.is_ok()
    }

    /// Is told of a change, and looks.
    async fn hears(&mut self) {
        soon(self.store.changed(Some(&self.seen.version))).await;
        self.seen = self.store.load().await.expect("an answer");
    }

    fn renew(&self) {
        let time = self.place.get()["spec"]["renewTime"].clone();
        let time = match time.as_str() {
            Some("2026-01-01T00:00:01.000000Z") => "2026-01-01T00:00:02.000000Z",
            Some(_) | None => "2026-01-01T00:00:01.000000Z",
        };
        self.place.patch(&json!({ "spec": { "renewTime": time } }));
    }

    /// Is told of a change that is made now.
    async fn hears_of_a_renewal(&mut self) {
        self.renew();
        self.hears().await;
        let revision = self.place.get()["metadata"]["resourceVersion"].clone();
        let revision = revision.as_str().expect("a revision");
        let seen = format!("{:?}", self.seen.version);
        assert!(
            seen.contains(revision),
            "{seen} is not of revision {revision}"
        );
    }
}

/// A Lease of this name beside another one.
fn beside(place: &Place, name: &str) -> Place {
    let name = name.to_owned();
    Place {
        name,
        ..place.clone()
    }
}

/// Leases of one namespace that somebody holds, each with a store that reaches it by one proxy.
async fn elections(count: usize) -> (Proxy, Reached, Vec<One>) {
    // Long enough for silence to be none.
    held_for(60, count).await
}

/// The same, held for so many seconds.
async fn held_for(seconds: u32, count: usize) -> (Proxy, Reached, Vec<One>) {
    let place = Place::new();
    let proxy = Proxy::before(Cluster::shared()).expect("a proxy");
    let reached = reach(&proxy.url(), Cluster::shared().admin_token());
    let mut all = Vec::new();
    for number in 0..count {
        let place = beside(&place, &format!("election-{number}"));
        place.create(&json!({ "holderIdentity": "go", "leaseDurationSeconds": seconds }));
        all.push(One::new(place, &reached).await);
    }
    // A first try that fails leaves each its own until the next.
    until(|| proxy.watches() == 1).await;
    settle(&mut all).await;
    (proxy, reached, all)
}

async fn settle(all: &mut [One]) {
    for one in all {
        one.settle().await;
    }
}

fn is_of_all(proxy: &Proxy) -> bool {
    proxy
        .last(Verb::Watch)
        .is_some_and(|last| !last.contains("fieldSelector"))
}

#[tokio::test]
async fn twenty_elections_hold_one_watch_open_and_each_hears_of_its_own_lease_alone() {
    let (proxy, _, mut all) = elections(20).await;
    until(|| proxy.watches() == 1).await;
    assert_eq!(
        proxy.seen(Verb::Watch),
        2,
        "of the first one's Lease, then of all"
    );
    for told in [7, 0, 19] {
        all[told].hears_of_a_renewal().await;
        for (number, one) in all.iter_mut().enumerate() {
            let is_told = one.is_told(Duration::from_millis(5)).await;
            assert!(!is_told, "{number} is told of {told}'s change");
        }
    }
    assert_eq!((proxy.watches(), proxy.seen(Verb::Watch)), (1, 2));
}

#[tokio::test]
async fn an_election_that_is_alone_watches_its_own_lease_only() {
    let (proxy, reached, mut all) = elections(1).await;
    assert!(!is_of_all(&proxy));
    let other = beside(&all[0].place, "other");
    drop(One::new(other, &reached).await);
    until(|| is_of_all(&proxy) && proxy.watches() == 1).await;
    settle(&mut all).await;
    all[0].hears_of_a_renewal().await;
}

/// What is not in one namespace is not watched together, and nor is what another client reaches.
#[tokio::test]
async fn elections_of_two_namespaces_watch_their_own() {
    let (proxy, reached, mut all) = elections(1).await;
    let place = Place::new();
    place.create(&json!({ "holderIdentity": "go", "leaseDurationSeconds": 60 }));
    all.push(One::new(place, &reached).await);
    settle(&mut all).await;
    assert_eq!(proxy.watches(), 2);
    assert!(!is_of_all(&proxy));
    all[1].hears_of_a_renewal().await;
    assert!(!all[0].is_told(MOMENT).await);
}

#[tokio::test]
async fn who_joins_late_hears_of_every_change_after_its_load() {
    let (proxy, reached, all) = elections(2).await;
    until(|| proxy.watches() == 1).await;
    let watches = proxy.seen(Verb::Watch);
    // There before: nothing of it was ever told to who joins.
    let there = beside(&all[0].place, "there");
    there.create(&json!({ "holderIdentity": "go", "leaseDurationSeconds": 60 }));
    let mut late = One::new(there, &reached).await;
    assert!(late.seen.watched, "from the first load on");
    assert!(!late.is_told(MOMENT).await);
    late.hears_of_a_renewal().await;
    // Not there yet.
    let mut early = One::new(beside(&all[0].place, "early"), &reached).await;
    assert!(early.seen.watched && early.seen.record.is_none());
    early.place.create(&json!({ "holderIdentity": "go" }));
    soon(early.store.changed(Some(&early.seen.version))).await;
    // Gone.
    late.place.delete();
    late.hears().await;
    assert!(late.seen.record.is_none());
    assert_eq!(proxy.seen(Verb::Watch), watches, "by the same watch");
}

#[tokio::test]
async fn ones_own_write_is_no_news_and_the_others_hear_nothing_of_it() {
    let (_proxy, _, mut all) = elections(3).await;
    let (record, seen) = (record("pod-1"), all[1].seen.version.clone());
    let saved = all[1].store.save(&record, &seen);
    let Ok(Saved::Stored { version, .. }) = soon(saved).await else {
        panic!("nobody else writes");
    };
    all[1].seen.version = version;
    for one in &mut all {
        assert!(!one.is_told(MOMENT).await);
    }
}

#[tokio::test]
async fn who_ends_ends_nobody_elses_watch_and_the_last_one_ends_it() {
    let (proxy, reached, mut all) = elections(3).await;
    let watches = proxy.seen(Verb::Watch);
    // The first one and the one that began to watch all among them.
    drop(all.drain(..2));
    sleep(MOMENT).await;
    assert_eq!((proxy.watches(), proxy.seen(Verb::Watch)), (1, watches));
    all[0].hears_of_a_renewal().await;
    let place = all[0].place.clone();
    drop(all);
    until(|| proxy.watches() == 0).await;
    // Who comes after that is alone again.
    let mut again = One::new(place, &reached).await;
    again.settle().await;
    assert!(!is_of_all(&proxy));
    again.hears_of_a_renewal().await;
}

/// Two of one Lease, as a test or a careless program has it: both are told.
#[tokio::test]
async fn two_candidates_for_one_lease_are_both_told() {
    let (proxy, reached, mut all) = elections(1).await;
    let place = all[0].place.clone();
    all.push(One::new(place.clone(), &reached).await);
    settle(&mut all).await;
    for _ in 0..2 {
        let [one, other] = &mut all[..] else {
            panic!("there are two");
        };
        one.renew();
        one.hears().await;
        other.hears().await;
        until(|| proxy.watches() == 1).await;
        all.truncate(1);
        all.push(One::new(place.clone(), &reached).await);
        settle(&mut all).await;
    }
}

/// A namespace of other people's Leases, as one with a heartbeat for every node.
#[tokio::test]
async fn in_a_crowd_each_watches_its_own() {
    let place = Place::new();
    for number in 0..130 {
        let name = format!("node-{number}");
        let body = json!({ "metadata": { "name": name }, "spec": {} });
        place
            .control
            .must(&Method::POST, &place.folder(), Some(&body));
    }
    let proxy = Proxy::before(Cluster::shared()).expect("a proxy");
    let reached = reach(&proxy.url(), Cluster::shared().admin_token());
    let mut all = Vec::new();
    for name in ["a", "b"] {
        let place = beside(&place, name);
        place.create(&json!({ "holderIdentity": "go", "leaseDurationSeconds": 60 }));
        all.push(One::new(place, &reached).await);
    }
    until(|| proxy.watches() == 2 && !is_of_all(&proxy)).await;
    settle(&mut all).await;
    let seen = proxy.seen(Verb::Watch);
    all[0].hears_of_a_renewal().await;
    assert!(!all[1].is_told(MOMENT).await);
    all[1].hears_of_a_renewal().await;
    assert_eq!((proxy.watches(), proxy.seen(Verb::Watch)), (2, seen));
}

/// All of it at once: leaders in one process, followers in another client's hands.
#[tokio::test]
async fn followers_of_many_elections_ask_for_nothing_and_each_takes_over_at_once() {
    let place = Place::new();
    let cluster = Cluster::shared();
    let proxy = Proxy::before(cluster).expect("a proxy");
    let candidates = |identity: &str, url: &str| -> Vec<Manager> {
        let reached = reach(url, cluster.admin_token());
        let all = (0..5).map(|number| {
            let store = beside(&place, &format!("election-{number}")).store_by(&reached);
            let config = Config::new(identity).lease_duration(Duration::from_secs(3));
            let config = config.absent(Absent::Free);
            Manager::new(store.into_backend(), config).expect("good times")
        });
        all.collect()
    };
    let leaders = candidates("pod-1", cluster.url());
    for leader in &leaders {
        soon(leader.start().wait_for_leadership())
            .await
            .expect("it leads");
    }
    let followers = candidates("pod-2", &proxy.url());
    let leases: Vec<_> = followers.iter().map(Manager::start).collect();
    for lease in &leases {
        until(|| matches!(lease.status(), Status::Following { leader: Some(_) })).await;
    }
    until(|| proxy.watches() == 1).await;
    // What the change from one watch to the other was worth a look for is over.
    sleep(MOMENT).await;
    let requests = || proxy.seen(Verb::Get) + proxy.seen(Verb::Update) + proxy.seen(Verb::Watch);
    let asked = requests();
    // Longer than a lease: each hears of its leader's renewals, or it would have tried by now.
    sleep(Duration::from_secs(4)).await;
    assert_eq!(requests(), asked);
    for (number, leader) in leaders.iter().enumerate() {
        leader.stop().await.expect("it releases");
        soon(leases[number].wait_for_leadership())
            .await
            .expect("it leads");
        let still = leases[number + 1..].iter();
        assert!(still.clone().all(|lease| !lease.is_leader()));
    }
    for follower in &followers {
        follower.stop().await.expect("it releases");
    }
}
