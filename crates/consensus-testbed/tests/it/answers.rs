//! Every kind of answer, and of silence: each has its words and its kind.

use crate::place::{Place, Rival, reach, refusal};
use consensus::ErrorKind;
use consensus::store::{Saved, Store as _};
use consensus_kubernetes::{Cluster as Reached, KubernetesStore};
use consensus_testbed::{Cluster, Fault, Proxy, Verb};
use serde_json::{Value, json};
use std::fs;
use std::net::TcpListener;
use std::time::Duration;

const LEASE: Duration = Duration::from_secs(15);

/// A store that reaches its Lease through a proxy.
fn disturbed() -> (Place, Proxy, KubernetesStore) {
    let place = Place::new();
    let proxy = Proxy::before(Cluster::shared()).expect("a proxy");
    let store = place.store_by(&reach(&proxy.url(), Cluster::shared().admin_token()));
    (place, proxy, store)
}

fn status(code: u16, reason: &str) -> Value {
    json!({ "kind": "Status", "code": code, "reason": reason, "message": "in other words" })
}

fn answer(code: u16, reason: &str) -> Fault {
    Fault::Answer(code, Vec::new(), status(code, reason))
}

#[tokio::test]
async fn a_401_is_tried_once_more_with_what_the_configuration_says_then() {
    let (_, proxy, mut store) = disturbed();
    proxy.next(Verb::Get, answer(401, "Unauthorized"));
    store.load().await.expect("the second try");
    assert_eq!(proxy.seen(Verb::Get), 2);
    proxy.always(Verb::Get, answer(401, "Unauthorized"));
    refusal(store.load().await, ErrorKind::Denied);
    assert_eq!(proxy.seen(Verb::Get), 4, "and not for ever");
}

#[tokio::test]
async fn a_403_of_a_rule_is_not_called_a_missing_right() {
    let (_, proxy, mut store) = disturbed();
    proxy.always(Verb::Get, answer(403, "Forbidden"));
    let said = refusal(store.load().await, ErrorKind::Denied);
    assert!(
        said.contains("a rule of the cluster") && said.contains("in other words"),
        "{said}"
    );
}

#[tokio::test]
async fn a_404_that_is_no_api_servers_is_not_absence() {
    let (_, proxy, mut store) = disturbed();
    proxy.always(
        Verb::Get,
        Fault::Answer(404, Vec::new(), "page not found".into()),
    );
    let said = refusal(store.load().await, ErrorKind::Unavailable);
    assert!(said.contains("is it one?"), "{said}");
}

#[tokio::test]
async fn a_200_that_is_no_lease_is_not_believed() {
    let (_, proxy, mut store) = disturbed();
    proxy.always(
        Verb::Get,
        Fault::Answer(200, Vec::new(), json!({ "login": "please" })),
    );
    let said = refusal(store.load().await, ErrorKind::Unavailable);
    assert!(said.contains("no API server"), "{said}");
}

#[tokio::test]
async fn a_409_for_any_other_reason_is_an_unknown_outcome() {
    let (place, proxy, mut store) = disturbed();
    let seen = store.load().await.expect("an answer");
    proxy.always(Verb::Create, answer(409, "Conflict"));
    let record = crate::place::record("pod-1");
    let error = store.save(&record, &seen.version).await;
    refusal(error, ErrorKind::Unavailable);
    proxy.clear();
    // Told apart from the one that says that somebody created it meanwhile.
    place.create(&json!({}));
    let saved = store.save(&record, &seen.version).await.expect("an answer");
    assert_eq!(saved, Saved::Conflict);
}

#[tokio::test]
async fn a_410_to_a_read_is_tried_again() {
    let (_, proxy, mut store) = disturbed();
    proxy.next(Verb::Get, answer(410, "Gone"));
    refusal(store.load().await, ErrorKind::Unavailable);
    store.load().await.expect("an answer");
}

#[tokio::test]
async fn a_422_says_what_the_api_server_finds_fault_with() {
    let (_, _proxy, mut store) = disturbed();
    let seen = store.load().await.expect("an answer");
    let record = consensus::store::Record {
        // No API server stores an object that is larger than this annotation.
        address: Some("a".repeat(300 * 1024).into()),
        ..crate::place::record("pod-1")
    };
    let said = refusal(store.save(&record, &seen.version).await, ErrorKind::Invalid);
    assert!(
        said.contains("422") && said.contains("annotations: Too long"),
        "{said}"
    );
}

#[tokio::test]
async fn a_429_and_a_503_are_waited_for_as_long_as_they_ask() {
    let (_, proxy, mut store) = disturbed();
    for code in [429, 503] {
        let headers = vec![("retry-after", "7".to_owned())];
        proxy.next(Verb::Get, Fault::Answer(code, headers, status(code, "x")));
        let error = store.load().await.expect_err("it asks to wait");
        assert_eq!(error.kind(), ErrorKind::Unavailable);
        assert_eq!(error.retry_after(), Some(Duration::from_secs(7)), "{error}");
    }
    assert_eq!(
        proxy.seen(Verb::Get),
        2,
        "the client itself tries nothing again"
    );
}

#[tokio::test]
async fn a_connection_that_is_cut_is_named() {
    let (_, proxy, mut store) = disturbed();
    proxy.always(Verb::Get, Fault::Cut);
    let said = refusal(store.load().await, ErrorKind::Unavailable);
    assert!(said.contains("the connection was cut"), "{said}");
}

/// A store that reaches nothing good at this address.
fn astray(url: &str, with_authority: bool) -> KubernetesStore {
    let place = Place::new();
    let cluster = Cluster::shared();
    let mut config: Value =
        serde_json::from_str(&cluster.kubeconfig(url, cluster.admin_token())).expect("JSON");
    if !with_authority {
        config["clusters"][0]["cluster"] = json!({ "server": url });
    }
    let path = cluster.folder().join(format!("astray-{}", place.namespace));
    fs::write(&path, config.to_string()).expect("the folder is ours");
    place.store_by(&Reached::kubeconfig_at(path))
}

#[tokio::test]
async fn a_port_where_nothing_listens_is_named() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    drop(listener);
    let mut store = astray(&format!("https://127.0.0.1:{port}"), true);
    let said = refusal(store.load().await, ErrorKind::Unavailable);
    assert!(said.contains("nothing listens there"), "{said}");
}

#[tokio::test]
async fn a_name_that_nobody_knows_is_named() {
    let mut store = astray("https://no-such-host.invalid:6443", true);
    let said = refusal(store.load().await, ErrorKind::Unavailable);
    assert!(said.contains("name is not known"), "{said}");
}

#[tokio::test]
async fn an_api_server_that_cannot_be_trusted_is_named() {
    let mut store = astray(Cluster::shared().url(), false);
    let said = refusal(store.load().await, ErrorKind::Invalid);
    assert!(said.contains("cannot be trusted"), "{said}");
}

#[tokio::test]
async fn a_kubeconfig_that_is_not_there_is_named() {
    let place = Place::new();
    let mut store = place.store_by(&Reached::kubeconfig_at("/nonexistent/kubeconfig"));
    let said = refusal(store.load().await, ErrorKind::Invalid);
    assert!(said.contains("/nonexistent/kubeconfig"), "{said}");
    let path = crate::place::kubeconfig(Cluster::shared().url(), "x");
    let mut store = place.store_by(&Reached::kubeconfig_at(path).context("elsewhere"));
    let said = refusal(store.load().await, ErrorKind::Invalid);
    assert!(said.contains("context \"elsewhere\""), "{said}");
}

#[tokio::test]
async fn a_name_that_can_be_none_is_refused() {
    let cluster = Reached::infer();
    for (namespace, name) in [
        ("", "a"),
        ("a", ""),
        ("a", "../x"),
        ("A", "a"),
        ("a", "a?b"),
        ("a", "-"),
    ] {
        let refused = KubernetesStore::new(&cluster, namespace, name);
        refusal(refused, ErrorKind::Invalid);
    }
}

/// What is in the middle may send a request twice: the second answer says no to what was done.
#[tokio::test]
async fn a_write_that_arrives_twice_is_known_for_ones_own() {
    let (place, proxy, store) = disturbed();
    let mut ours = Rival::new("pod-1", LEASE, store);
    proxy.next(Verb::Create, Fault::Twice);
    let token = ours.leads().await;
    proxy.next(Verb::Update, Fault::Twice);
    let renewal = ours.renews(token).await;
    assert!(matches!(renewal, consensus::backend::Renewal::Renewed));
    proxy.next(Verb::Update, Fault::Twice);
    ours.releases().await;
    assert_eq!(place.get()["spec"]["holderIdentity"], "");
}

#[tokio::test]
async fn an_acquisition_whose_answer_was_lost_is_taken_anew() {
    let (place, proxy, store) = disturbed();
    let mut ours = Rival::new("pod-1", LEASE, store);
    let candidate = ours.candidate.clone();
    proxy.next(Verb::Create, Fault::LoseAnswer);
    let lost = consensus::Backend::try_acquire(&mut ours.backend, &candidate).await;
    refusal(lost, ErrorKind::Unavailable);
    let first = place.get()["metadata"]["resourceVersion"].clone();
    let mut other = Rival::new("pod-2", LEASE, place.store());
    assert_eq!(other.is_refused().await.as_deref(), Some("pod-1"));
    let token = ours.leads().await;
    assert!(
        first
            .as_str()
            .is_some_and(|first| first.parse::<u64>().is_ok_and(|first| token.get() > first))
    );
}

#[tokio::test]
async fn clones_of_one_cluster_share_its_connections() {
    let place = Place::new();
    let proxy = Proxy::before(Cluster::shared()).expect("a proxy");
    let reached = reach(&proxy.url(), Cluster::shared().admin_token());
    for name in ["a", "b", "c"] {
        let store = KubernetesStore::onlooker(&reached.clone(), &place.namespace, name);
        let seen = store.expect("a good name").load().await;
        assert!(seen.expect("an answer").record.is_none());
    }
    assert_eq!((proxy.connections(), proxy.seen(Verb::Get)), (1, 3));
}

#[test]
fn a_cluster_outlives_the_runtimes_that_it_was_used_on() {
    let place = Place::new();
    let reached = reach(Cluster::shared().url(), Cluster::shared().admin_token());
    for _ in 0..2 {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        let runtime = runtime.expect("a runtime");
        let mut store = place.store_by(&reached);
        let seen = runtime.block_on(store.load());
        assert!(seen.expect("an answer").record.is_none());
    }
}

#[tokio::test]
async fn an_onlooker_neither_watches_nor_saves() {
    let place = Place::new();
    let proxy = Proxy::before(Cluster::shared()).expect("a proxy");
    let reached = reach(&proxy.url(), Cluster::shared().admin_token());
    let store = KubernetesStore::onlooker(&reached, &place.namespace, "leader");
    let mut store = store.expect("a good name");
    let seen = store.load().await.expect("an answer");
    assert!(!seen.watched);
    let saved = store
        .save(&crate::place::record("pod-1"), &seen.version)
        .await;
    refusal(saved, ErrorKind::Invalid);
    assert_eq!((proxy.seen(Verb::Watch), proxy.seen(Verb::Create)), (0, 0));
}
