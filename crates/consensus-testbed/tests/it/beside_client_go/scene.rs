//! Where a script is played: candidates of one kind on a Lease of their own, of which the first one reaches
//! the API server through a proxy, and the others directly.

use crate::candidates::{Election, Kind, LEASE, Process, RETRY, now, until};
use crate::place::{Place, kubeconfig};
use crate::work::{Term, overlaps};
use consensus_testbed::{Cluster, Fault, Proxy, Verb};
use rustix::process::Signal;
use serde_json::{Value, json};
use std::path::PathBuf;
use std::thread::sleep;
use std::time::Duration;

/// How often who waits looks: so often that it does not hang on luck who is the first to look.
const QUICK: Duration = Duration::from_millis(100);

pub(super) struct Scene {
    /// Of the first one, and of all others.
    kinds: [Kind; 2],
    processes: Vec<Process>,
    election: Election,
    pub(super) proxy: Proxy,
    direct: PathBuf,
    disturbed: PathBuf,
}

impl Scene {
    /// Nobody is there yet, but the Lease is, empty: so that the first to lead updates it.
    pub(super) fn of(kind: Kind) -> Self {
        Self::mixed([kind; 2])
    }

    /// The first one is of this kind, and all others of that.
    pub(super) fn mixed(kinds: [Kind; 2]) -> Self {
        let cluster = Cluster::shared();
        let place = Place::new();
        place.create(&json!({}));
        let proxy = Proxy::vouching(cluster).expect("a proxy");
        Self {
            kinds,
            processes: Vec::new(),
            election: Election::over(place),
            direct: kubeconfig(cluster.url(), cluster.admin_token()),
            disturbed: kubeconfig(&proxy.url(), cluster.admin_token()),
            proxy,
        }
    }

    pub(super) fn starts_first(&mut self) {
        let process = self
            .election
            .start(self.kinds[0], "first", &self.disturbed, RETRY);
        self.processes.push(process);
    }

    /// One that looks often, and takes over from somebody else.
    pub(super) fn starts(&mut self, identity: &str, retry: Duration) {
        let process = self
            .election
            .start(self.kinds[1], identity, &self.direct, retry);
        self.processes.push(process);
    }

    /// The first one leads, and the second one knows it.
    pub(super) fn first_leads_and_second_sees_it(&mut self) {
        self.first_leads_and_sees_it(QUICK);
    }

    /// The same with a second one that renews, once it leads, no sooner than the first one does.
    pub(super) fn first_leads_and_slow_second_sees_it(&mut self) {
        self.first_leads_and_sees_it(RETRY);
    }

    fn first_leads_and_sees_it(&mut self, retry: Duration) {
        self.starts_first();
        self.until_works("first");
        self.starts("second", retry);
        self.until_sees("second", "first");
    }

    pub(super) fn third_sees_second(&mut self) {
        self.starts("third", QUICK);
        self.until_sees("third", "second");
    }

    fn until_sees(&self, follower: &str, leader: &str) {
        let (election, word) = (&self.election, format!("sees {leader}"));
        until(&format!("{follower} {word}"), || {
            election.has_said(follower, &word)
        });
    }

    pub(super) fn until_works(&self, identity: &str) {
        self.election.until_works(identity);
    }

    pub(super) fn until_somebody_works(&self) {
        let (election, from) = (&self.election, now());
        let works = || election.last_piece().is_some_and(|(at, _)| at > from);
        until("somebody works", works);
    }

    /// It is asked to end, and does.
    pub(super) fn ends(&mut self, identity: &str) {
        let is = |process: &&mut Process| process.identity == identity;
        let mut processes = self.processes.iter_mut();
        let process = processes.find(is).expect("it was started");
        process.gets(Signal::TERM);
        let what = format!("{identity} ends");
        until(&what, || process.has_ended());
    }

    /// A term of its is over.
    pub(super) fn until_has_ended(&self, identity: &str) {
        let election = &self.election;
        until(&format!("{identity} has ended"), || {
            election.has_said(identity, "ended")
        });
    }

    pub(super) fn until_holds(&self, identity: &str) {
        let holder = || self.lease()["spec"]["holderIdentity"] == identity;
        until(&format!("{identity} holds it"), holder);
    }

    /// Until the Lease was renewed just now: then it is as long as can be to the next renewal.
    pub(super) fn until_is_renewed(&self) {
        let before = self.lease()["spec"]["renewTime"].clone();
        let is_new = || self.lease()["spec"]["renewTime"] != before;
        until("it is renewed", is_new);
    }

    fn lease(&self) -> Value {
        self.election.place.get()
    }

    pub(super) fn first_gets(&self, signal: Signal) {
        self.processes[0].gets(signal);
    }

    pub(super) fn is_deleted(&self) {
        self.election.place.delete();
    }

    pub(super) fn is_emptied(&self) {
        let names = [
            "holderIdentity",
            "leaseDurationSeconds",
            "renewTime",
            "acquireTime",
        ];
        let nothing: serde_json::Map<_, _> = names
            .into_iter()
            .map(|name| (name.to_owned(), Value::Null))
            .collect();
        self.election.place.patch(&json!({ "spec": nothing }));
    }

    /// Nothing more of the first one's arrives anywhere, and it is told nothing.
    pub(super) fn all_is_frozen(&self) {
        self.always(&Fault::Freeze);
        self.proxy.freeze_streams();
    }

    pub(super) fn always(&self, fault: &Fault) {
        for verb in [Verb::Get, Verb::Create, Verb::Update, Verb::Watch] {
            self.proxy.always(verb, fault.clone());
        }
    }

    /// The way is as good as new.
    pub(super) fn is_mended(&self) {
        self.proxy.clear();
        self.proxy.cut();
    }

    /// All work until now.
    pub(super) fn work(&self) -> Vec<Term> {
        self.election.work()
    }

    /// The longest time for which two worked at once; of these only, if some are named.
    pub(super) fn overlap(&self, among: &[&str]) -> Option<Duration> {
        let is_of = |term: &Term| among.is_empty() || among.contains(&&*term.identity);
        let terms: Vec<Term> = self.work().into_iter().filter(is_of).collect();
        assert!(!terms.is_empty(), "nobody has worked");
        let longest = overlaps(&terms).into_iter().map(|(.., time)| time).max()?;
        Some(Duration::from_nanos(longest.unsigned_abs()))
    }
}

/// Time for what is to come: who may take over then does.
pub(super) fn let_it_come() {
    sleep(2 * LEASE);
}
