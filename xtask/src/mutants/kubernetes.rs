//! Mistakes in the Kubernetes store: in what a Lease is read as, in what an answer means, and in when its
//! watch is relied on.

use super::table::Mutant;

/// What a Lease and an answer mean: pure.
const UNITS: &[&str] = &["test", "--package=consensus-kubernetes", "--lib"];

/// The conformance suite on a real API server, as far as its watch goes.
const CONFORMANCE: &[&str] = &[
    "test",
    "--package=consensus-testbed",
    "--test=it",
    "ones_own",
];

const ANSWERS: &[&str] = &[
    "test",
    "--package=consensus-testbed",
    "--test=it",
    "answers::",
];

const STRANGERS: &[&str] = &[
    "test",
    "--package=consensus-testbed",
    "--test=it",
    "a_policy",
];

const WATCH: &[&str] = &[
    "test",
    "--package=consensus-testbed",
    "--test=it",
    "watch::a_",
];

const RACE: &[&str] = &[
    "test",
    "--package=consensus-testbed",
    "--test=it",
    "watch::who_",
];

pub(super) const MUTANTS: &[Mutant] = &[
    Mutant {
        name: "a_lease_is_ours_whatever_its_transitions",
        promise: "4",
        file: "crates/consensus-kubernetes/src/annotation.rs",
        find: "&& self.transitions == fields.transitions",
        replace: "",
        command: UNITS,
    },
    Mutant {
        name: "a_lease_is_ours_whoever_renewed_it",
        promise: "4",
        file: "crates/consensus-kubernetes/src/annotation.rs",
        find: "&& self.renewed == fields.renewed",
        replace: "",
        command: UNITS,
    },
    Mutant {
        name: "an_annotation_shortens_a_lease",
        promise: "5",
        file: "crates/consensus-kubernetes/src/annotation.rs",
        find: "(self.is_released || Some(whole_seconds(self.lease)) == self.seconds)",
        replace: "true",
        command: UNITS,
    },
    Mutant {
        name: "a_lease_is_rounded_down",
        promise: "client-go takes a lease before it has run out",
        file: "crates/consensus-kubernetes/src/annotation.rs",
        find: "let up = u64::from(lease.subsec_nanos() > 0);",
        replace: "let up = 0;",
        command: UNITS,
    },
    Mutant {
        name: "a_lease_that_was_erased_counts_as_released",
        promise: "5",
        file: "crates/consensus-kubernetes/src/lease.rs",
        find: "ours.is_none_or(|ours| ours.transitions != fields.transitions)",
        replace: "(ours.is_none() || ours.is_some())",
        command: UNITS,
    },
    Mutant {
        name: "any_404_is_absence",
        promise: "a proxy's error page makes a second leader",
        file: "crates/consensus-kubernetes/src/answer.rs",
        find: "(404, Verb::Get, \"NotFound\", \"leases\") => Ok(Outcome::Absent)",
        replace: "(404, Verb::Get, _, _) => Ok(Outcome::Absent)",
        command: UNITS,
    },
    Mutant {
        name: "a_token_that_was_rotated_is_not_read_again",
        promise: "10",
        file: "crates/consensus-kubernetes/src/api.rs",
        find: "if response.status().as_u16() != 401 {",
        replace: "if response.status().as_u16() != 499 {",
        command: ANSWERS,
    },
    Mutant {
        name: "the_client_tries_again_by_itself",
        promise: "9",
        file: "crates/consensus-kubernetes/src/cluster.rs",
        find: "config.default_retry = false;",
        replace: "config.default_retry = true;",
        command: ANSWERS,
    },
    Mutant {
        name: "what_a_policy_changed_is_believed",
        promise: "12",
        file: "crates/consensus-kubernetes/src/store.rs",
        find: "if let Some(field) = lease::changed(&sent, &answer) {",
        replace: "if let Some(field) = lease::changed(&sent, &sent) {",
        command: STRANGERS,
    },
    Mutant {
        name: "ones_own_write_is_news",
        promise: "every renewal costs a leader a request more",
        file: "crates/consensus-kubernetes/src/store.rs",
        find: "now.revision().is_some_and(|now| now > seen)",
        replace: "now.revision().is_some_and(|now| now >= seen)",
        command: CONFORMANCE,
    },
    Mutant {
        name: "a_follower_asks_for_what_it_was_told",
        promise: "every renewal costs every follower a request",
        file: "crates/consensus-kubernetes/src/store.rs",
        find: "if let Some(told) = told {",
        replace: "if let Some(told) = told.filter(|_| false) {",
        command: WATCH,
    },
    Mutant {
        name: "who_loses_a_race_asks_at_once",
        promise: "of a thousand that a release wakes, each asks twice",
        file: "crates/consensus-kubernetes/src/store.rs",
        find: "self.next = Next::ToldWithin(record.lease_duration / TOLD_WITHIN);",
        replace: "self.next = Next::Read;",
        command: RACE,
    },
    Mutant {
        name: "who_was_refused_asks_for_what_it_was_told",
        promise: "a server that has too much to do is asked more",
        file: "crates/consensus-kubernetes/src/store.rs",
        find: "Some(_) => Next::Told,",
        replace: "Some(_) => Next::Read,",
        command: RACE,
    },
    Mutant {
        name: "a_watch_is_given_up_when_a_leader_crashed",
        promise: "all open a new watch when all want to take over",
        file: "crates/consensus-kubernetes/src/watch.rs",
        find: ".map(|record| record.lease_duration.saturating_mul(3) / 2);",
        replace: ".map(|record| record.lease_duration);",
        command: WATCH,
    },
    Mutant {
        name: "a_watch_that_went_down_is_relied_on",
        promise: "10",
        file: "crates/consensus-kubernetes/src/watch.rs",
        find: "let was = std::mem::replace(&mut news.state, State::Down);",
        replace: "let was = std::mem::replace(&mut news.state, State::Live);",
        command: WATCH,
    },
    Mutant {
        name: "a_watch_that_expired_goes_on_where_it_was",
        promise: "10",
        file: "crates/consensus-kubernetes/src/watch.rs",
        find: "Some(\"ERROR\") if event[\"object\"][\"code\"] == 410 => return End::TooOld,",
        replace: "Some(\"ERROR\") if event[\"object\"][\"code\"] == 411 => return End::TooOld,",
        command: WATCH,
    },
];
