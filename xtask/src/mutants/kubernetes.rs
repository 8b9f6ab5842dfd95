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

const AGENT: &[&str] = &[
    "test",
    "--package=consensus-testbed",
    "--test=it",
    "agent::",
];

const IN_POD: &[&str] = &[
    "test",
    "--package=consensus-testbed",
    "--test=it",
    "in_pod::",
];

const WATCH: &[&str] = &[
    "test",
    "--package=consensus-testbed",
    "--test=it",
    "watch::a_",
];

/// The same, where many elections share one.
const TOGETHER: &[&str] = &[
    "test",
    "--package=consensus-testbed",
    "--test=it",
    "together::",
];

/// Candidates of ours and of client-go's, as processes on a real API server.
const BESIDE_CLIENT_GO: &[&str] = &[
    "test",
    "--package=consensus-testbed",
    "--test=it",
    "by_one_of_client_gos",
];

/// Who loses the race for a Lease.
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
        name: "what_client_gos_erased_is_free",
        promise: "5",
        file: "crates/consensus-kubernetes/src/lease.rs",
        find: "fields.seconds == Some(RELEASED_SECONDS)\n        && fields.renewed.is_some()\n        && ours",
        replace: "fields.seconds == Some(RELEASED_SECONDS) || ours",
        command: BESIDE_CLIENT_GO,
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
        name: "nobody_can_tell_who_asks",
        promise: "an audit log shows no name",
        file: "crates/consensus-kubernetes/src/cluster.rs",
        find: "config.headers.push((USER_AGENT, agent));",
        replace: "drop(agent);",
        command: AGENT,
    },
    Mutant {
        name: "a_pod_is_not_told_what_it_lacks",
        promise: "12",
        file: "crates/consensus-kubernetes/src/cluster.rs",
        find: "for file in FILES {",
        replace: "for file in FILES.into_iter().take(0) {",
        command: IN_POD,
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
        find: "Next::ToldWithin(part.min(TOLD_WITHIN_AT_MOST))",
        replace: "Next::Read",
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
        find: "let lasts = record.lease_duration.saturating_mul(3) / 2;",
        replace: "let lasts = record.lease_duration;",
        command: WATCH,
    },
    Mutant {
        name: "a_watch_that_went_down_is_relied_on",
        promise: "10",
        file: "crates/consensus-kubernetes/src/news.rs",
        find: "self.state = State::Down;",
        replace: "self.state = State::Live;",
        command: WATCH,
    },
    Mutant {
        name: "a_watch_that_expired_goes_on_where_it_was",
        promise: "10",
        file: "crates/consensus-kubernetes/src/watch.rs",
        find: "Some(\"ERROR\") if object[\"code\"] == 410 => return End::Unknown,",
        replace: "Some(\"ERROR\") if object[\"code\"] == 411 => return End::Unknown,",
        command: WATCH,
    },
    Mutant {
        name: "a_watch_goes_on_after_what_was_told_last",
        promise: "10",
        file: "crates/consensus-kubernetes/src/watch.rs",
        find: "self.after = self.after.max(Some(revision));",
        replace: "self.after = Some(revision);",
        command: WATCH,
    },
    Mutant {
        name: "a_server_that_was_put_back_is_believed_to_tell",
        promise: "10",
        file: "crates/consensus-kubernetes/src/store.rs",
        find: "version.revision().is_some_and(|read| read < before)",
        replace: "before == u64::MAX",
        command: WATCH,
    },
    Mutant {
        name: "together_news_of_one_lease_is_told_to_all",
        promise: "each election takes another's record for its own",
        file: "crates/consensus-kubernetes/src/watch.rs",
        find: "listeners.of(&name, told);",
        replace: "listeners.live(told);",
        command: TOGETHER,
    },
    Mutant {
        name: "together_what_begins_anew_is_no_news",
        promise: "10",
        file: "crates/consensus-kubernetes/src/watch.rs",
        find: "news.gaps += 1;",
        replace: "",
        command: TOGETHER,
    },
    Mutant {
        name: "together_a_connection_may_say_nothing_for_long",
        promise: "10",
        file: "crates/consensus-kubernetes/src/watch.rs",
        find: "heard.silence = heard.silence.min(lasts);",
        replace: "heard.silence = heard.silence.max(lasts);",
        command: TOGETHER,
    },
    Mutant {
        name: "together_a_crowd_is_listened_to",
        promise: "every heartbeat of every node reaches every candidate",
        file: "crates/consensus-kubernetes/src/watch.rs",
        find: "heard.others += 1;",
        replace: "heard.others += 0;",
        command: TOGETHER,
    },
    Mutant {
        name: "together_who_is_alone_hears_of_everybody",
        promise: "one election is sent the news of all",
        file: "crates/consensus-kubernetes/src/together.rs",
        find: "const MANY: usize = 2;",
        replace: "const MANY: usize = 1;",
        command: TOGETHER,
    },
    Mutant {
        name: "together_each_goes_on_watching_its_own",
        promise: "each election holds a connection of its own open",
        file: "crates/consensus-kubernetes/src/watch.rs",
        find: "pin!(mode.wait_for(|mode| *mode == Mode::Together))",
        replace: "pin!(mode.wait_for(|_| false))",
        command: TOGETHER,
    },
    Mutant {
        name: "together_a_lost_right_leaves_nobody_a_watch",
        promise: "10",
        file: "crates/consensus-kubernetes/src/watch.rs",
        find: "listeners.part();",
        replace: "listeners.down(News::go_down);",
        command: TOGETHER,
    },
    Mutant {
        name: "together_who_joins_late_is_not_told_that_it_is_watched",
        promise: "it polls for ever",
        file: "crates/consensus-kubernetes/src/together.rs",
        find: "if list.is_live {",
        replace: "if list.is_live && list.count == 0 {",
        command: TOGETHER,
    },
    Mutant {
        name: "together_who_leaves_takes_its_twin_along",
        promise: "10",
        file: "crates/consensus-kubernetes/src/together.rs",
        find: "all.retain(|other| !other.same_channel(news));",
        replace: "all.clear();",
        command: TOGETHER,
    },
    Mutant {
        name: "together_the_last_one_leaves_the_watch_open",
        promise: "a connection for ever",
        file: "crates/consensus-kubernetes/src/together.rs",
        find: "            task.abort();",
        replace: "            drop(task);",
        command: TOGETHER,
    },
];
