//! What happens on the way while one of ours leads: nobody leads at the same time, and somebody leads
//! again. The disturbed leader reaches the API server through a proxy, the other one directly.

use crate::place::{Place, reach, soon, until};
use consensus::store::Store as _;
use consensus::{Absent, Config, Manager, Status};
use consensus_kubernetes::KubernetesStore;
use consensus_testbed::{Cluster, Fault, Proxy, Server, Verb};
use std::net::TcpListener;
use std::time::Duration;

const LEASE: Duration = Duration::from_secs(2);

/// Two candidates of one election: the first, through a proxy, and the second.
struct Two {
    place: Place,
    proxy: Proxy,
    disturbed: Manager,
    other: Manager,
}

impl Two {
    fn new() -> Self {
        let place = Place::new();
        let proxy = Proxy::before(Cluster::shared()).expect("a proxy");
        let manager = |identity: &str, store: KubernetesStore| {
            let config = Config::new(identity)
                .lease_duration(LEASE)
                .absent(Absent::Free);
            Manager::new(store.into_backend(), config).expect("good times")
        };
        let store = place.store_by(&reach(&proxy.url(), Cluster::shared().admin_token()));
        let disturbed = manager("disturbed", store);
        let other = manager("other", place.store());
        Self {
            place,
            proxy,
            disturbed,
            other,
        }
    }

    /// The first one leads, then this goes wrong for good, and the other one takes over: after the
    /// first one's term. Then the way is mended, and the first one leads again.
    async fn hands_over(self, wrong: impl FnOnce(&Proxy)) {
        let lease = self.disturbed.start();
        let first = soon(lease.wait_for_leadership()).await.expect("it leads");
        let other = self.other.start();
        // So that it knows the record before anything goes wrong.
        until(|| matches!(other.status(), Status::Following { leader: Some(_) })).await;
        wrong(&self.proxy);
        let second = soon(other.wait_for_leadership()).await.expect("it leads");
        assert!(!first.is_current(), "two leaders at once");
        assert!(second.token() > first.token());
        self.proxy.clear();
        self.proxy.cut();
        self.other.stop().await.expect("it releases");
        let third = soon(lease.wait_for_leadership())
            .await
            .expect("it leads again");
        assert!(third.token() > second.token() && !second.is_current());
        self.disturbed.stop().await.expect("it releases");
        assert_eq!(self.place.get()["spec"]["holderIdentity"], "");
    }
}

#[tokio::test]
async fn a_leader_whose_writes_are_never_carried_out_is_over_in_time() {
    Two::new()
        .hands_over(|proxy| proxy.always(Verb::Update, Fault::Freeze))
        .await;
}

#[tokio::test]
async fn a_leader_whose_connections_are_cut_is_over_in_time() {
    let wrong = |proxy: &Proxy| {
        for verb in [Verb::Get, Verb::Update, Verb::Watch] {
            proxy.always(verb, Fault::Cut);
        }
        proxy.cut();
    };
    Two::new().hands_over(wrong).await;
}

/// Everything stands still and nobody is told.
#[tokio::test]
async fn a_leader_whose_way_is_frozen_is_over_in_time() {
    let wrong = |proxy: &Proxy| {
        for verb in [Verb::Get, Verb::Update, Verb::Watch] {
            proxy.always(verb, Fault::Freeze);
        }
        proxy.freeze_streams();
    };
    Two::new().hands_over(wrong).await;
}

/// The leader's first renewal is carried out and never answered, and nothing arrives after it: it
/// counts from its last *confirmed* write, others from the one that they saw.
#[tokio::test]
async fn a_leader_whose_last_write_was_not_answered_is_over_before_others_begin() {
    let wrong = |proxy: &Proxy| {
        proxy.next(Verb::Update, Fault::FreezeAnswer);
        proxy.always(Verb::Update, Fault::Freeze);
        proxy.always(Verb::Get, Fault::Freeze);
        proxy.freeze_streams();
    };
    Two::new().hands_over(wrong).await;
}

/// The leader cannot know that its Lease is gone, and a pod that starts just then cannot know who leads.
#[tokio::test]
async fn a_pod_that_starts_after_the_lease_was_deleted_waits_until_a_leader_that_is_cut_off_is_over()
 {
    let Two {
        place,
        proxy,
        disturbed,
        ..
    } = Two::new();
    let first = soon(disturbed.start().wait_for_leadership())
        .await
        .expect("it leads");
    for verb in [Verb::Get, Verb::Update, Verb::Watch] {
        proxy.always(verb, Fault::Freeze);
    }
    proxy.freeze_streams();
    place.delete();
    let config = Config::new("newcomer").lease_duration(LEASE);
    let newcomer = Manager::new(place.store().into_backend(), config).expect("good times");
    let second = soon(newcomer.start().wait_for_leadership())
        .await
        .expect("it leads");
    assert!(!first.is_current(), "two leaders at once");
    assert!(second.token() > first.token());
    proxy.clear();
    proxy.cut();
    disturbed.stop().await.expect("it holds nothing");
    assert!(second.is_current(), "whoever was cut off erases nobody's");
    newcomer.stop().await.expect("it releases");
}

/// One lost answer is read back by its nonce, and costs no term.
#[tokio::test]
async fn a_leader_goes_on_after_an_answer_that_was_lost_late_or_refused() {
    let two = Two::new();
    let lease = two.disturbed.start();
    let term = soon(lease.wait_for_leadership()).await.expect("it leads");
    let busy = Fault::Answer(503, Vec::new(), serde_json::json!({ "kind": "Status" }));
    for fault in [
        Fault::LoseAnswer,
        Fault::Cut,
        busy,
        Fault::Late(Duration::from_millis(400)),
    ] {
        let before = two.place.get()["spec"]["renewTime"].clone();
        let seen = two.proxy.seen(Verb::Update);
        two.proxy.next(Verb::Update, fault.clone());
        // Until it was renewed once more after that.
        until(|| two.proxy.seen(Verb::Update) >= seen + 2).await;
        assert!(term.is_current(), "{fault:?} ended the term");
        assert_ne!(two.place.get()["spec"]["renewTime"], before);
    }
    assert!(term.is_current());
    two.disturbed.stop().await.expect("it releases");
}

/// HTTP/1.1 has no other way to take a request back.
#[tokio::test]
async fn a_request_that_nobody_waits_for_closes_its_connection() {
    let place = Place::new();
    let proxy = Proxy::before(Cluster::shared()).expect("a proxy");
    let reached = reach(&proxy.url(), Cluster::shared().admin_token());
    let mut store =
        KubernetesStore::onlooker(&reached, &place.namespace, "leader").expect("good names");
    store.load().await.expect("an answer");
    assert_eq!(proxy.connections(), 1, "kept for the next request");
    proxy.always(Verb::Get, Fault::Freeze);
    let _ = tokio::time::timeout(Duration::from_millis(100), store.load()).await;
    until(|| proxy.connections() == 0).await;
    proxy.clear();
    store.load().await.expect("on a new one");
}

/// Connections are accepted there, and nothing is ever said.
#[tokio::test]
async fn a_black_hole_delays_no_other_election() {
    let place = Place::new();
    let hole = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("https://{}", hole.local_addr().expect("an address"));
    let lost = place.store_by(&reach(&url, "token"));
    let config = |identity: &str| {
        Config::new(identity)
            .lease_duration(LEASE)
            .absent(Absent::Free)
    };
    let lost = Manager::new(lost.into_backend(), config("lost")).expect("good times");
    let lost_lease = lost.start();
    let other = Manager::new(place.store().into_backend(), config("other")).expect("good times");
    let term = soon(other.start().wait_for_leadership())
        .await
        .expect("it leads");
    until(|| lost_lease.trouble().is_some()).await;
    tokio::time::sleep(LEASE).await;
    assert!(term.is_current(), "it was renewed meanwhile");
    assert!(!lost_lease.is_leader());
    other.stop().await.expect("it releases");
    lost.stop().await.expect("it holds nothing");
}

/// A plug-in is a child process that may take its time: nobody else waits for it.
#[tokio::test]
async fn a_slow_credential_plug_in_delays_no_other_election_and_is_started_one_at_a_time() {
    let log = crate::log::everything();
    let place = Place::new();
    let cluster = Cluster::shared();
    let busy = cluster.folder().join(format!("busy-{}", place.namespace));
    let credential = serde_json::json!({
        "apiVersion": "client.authentication.k8s.io/v1",
        "kind": "ExecCredential",
        "status": { "token": cluster.admin_token() },
    });
    let busy = busy.display();
    // A folder can be made by only one, and a plug-in that fails gives no credential.
    let script = format!("mkdir {busy} || exit 1; sleep 1; rmdir {busy}; echo '{credential}'");
    let kubeconfig = cluster.kubeconfig(cluster.url(), "");
    let mut kubeconfig: serde_json::Value = serde_json::from_str(&kubeconfig).expect("JSON");
    kubeconfig["users"][0]["user"] = serde_json::json!({
        "exec": {
            "apiVersion": "client.authentication.k8s.io/v1",
            "command": "sh",
            "args": ["-c", script],
            "interactiveMode": "Never",
        },
    });
    let path = cluster.folder().join(format!("exec-{}", place.namespace));
    std::fs::write(&path, kubeconfig.to_string()).expect("the folder is ours");
    let reached = consensus_kubernetes::Cluster::kubeconfig_at(path);
    let config = |identity: &str| {
        Config::new(identity)
            .lease_duration(Duration::from_secs(3))
            .absent(Absent::Free)
    };
    let slow = Manager::new(place.store_by(&reached).into_backend(), config("slow"));
    let slow = slow.expect("good times");
    let lease = slow.start();
    let elsewhere = Place::new();
    let other = Manager::new(elsewhere.store().into_backend(), config("other"));
    let other = other.expect("good times");
    let term = soon(other.start().wait_for_leadership())
        .await
        .expect("it leads");
    assert!(!lease.is_leader(), "its plug-in is still at work");
    soon(lease.wait_for_leadership()).await.expect("it leads");
    assert!(term.is_current());
    let trouble = log.lines(&["auth exec command", &busy.to_string()]);
    assert!(
        trouble.is_empty(),
        "two at once, though requests timed out meanwhile: {trouble:?}"
    );
    slow.stop().await.expect("it releases");
    other.stop().await.expect("it releases");
}

/// Longer than a lease: nobody can renew, so every term ends, and one begins afterwards.
#[tokio::test]
async fn an_outage_that_outlasts_the_lease_ends_the_term_and_not_the_election() {
    for server in [Server::ApiServer, Server::Etcd] {
        let cluster = Cluster::start().expect("a cluster of its own");
        let path = cluster.folder().join("kubeconfig");
        std::fs::write(
            &path,
            cluster.kubeconfig(cluster.url(), cluster.admin_token()),
        )
        .expect("the folder is ours");
        let reached = consensus_kubernetes::Cluster::kubeconfig_at(path);
        let store = KubernetesStore::new(&reached, "elections", "leader");
        let config = Config::new("pod-1")
            .lease_duration(LEASE)
            .absent(Absent::Free);
        let manager = Manager::new(store.expect("good names").into_backend(), config);
        let manager = manager.expect("good times");
        let lease = manager.start();
        let first = soon(lease.wait_for_leadership()).await.expect("it leads");
        cluster.signal(server, "STOP");
        soon(first.ended()).await;
        tokio::time::sleep(LEASE).await;
        assert!(!lease.is_leader());
        cluster.signal(server, "CONT");
        let second = soon(lease.wait_for_leadership())
            .await
            .expect("it leads again");
        assert!(second.token() > first.token());
        manager.stop().await.expect("it releases");
    }
}
