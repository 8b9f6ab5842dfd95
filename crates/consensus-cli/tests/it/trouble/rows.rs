//! The rows, in the order of the document.

use super::row::Act::{
    CannotEdit, Delete, DeleteNamespace, Edit, End, EndLeader, FollowerSays, GoOn, Grant,
    LeaderEnds, LeaderSays, MakeNamespace, Revoke, StartAgain, Stop,
};
use super::row::{Ground, Row};
use consensus_testbed::Server::{ApiServer, Etcd};

const OUTAGE: Row = Row {
    what: "",
    ground: Ground::Disturbed,
    acts: &[],
    code: 70,
    leader: &[
        "not renewed, leading for …s more unless that changes: the store did not answer the request to renew \
         in time",
        LATE,
        WAITS,
        UNRELEASED,
    ],
    follower: &[
        FOLLOWS,
        "waiting, and trying again: the store did not answer the request to try to lead in time",
        OVER,
        // By then it may have run out.
        "?waiting: pod-1 leads (kubernetes://default/app)",
    ],
};

const EDIT: Row = Row {
    ground: Ground::Shared,
    leader: &[
        LOST,
        BUSY,
        "the record names us, but is not as we wrote it (kubernetes://default/app): somebody edited it or put it \
         back, or another process has our identity",
    ],
    follower: &[FOLLOWS],
    ..OUTAGE
};

const FOLLOWS: &str = "waiting: pod-1 leads (kubernetes://default/app)";
const OVER: &str = "the trouble is over, after …";
const UNNAMED: &str = "waiting: the record names no leader, or is gone (kubernetes://default/app); somebody may lead \
                       all the same, for at most one lease (ours is 6s)";
const LATE: &str =
    "leadership lost: no renewal was confirmed before the deadline; ending the command";
const LOST: &str = "leadership lost: the lease was lost to another holder, or its record was changed; killing the \
                    command";
/// On a busy machine.
const BUSY: &str = "?the guard does not end the command in time: killing both";
const GONE: &str =
    "there is no record now (kubernetes://default/app): somebody removed or emptied it";
const WAITS: &str = "waiting for the store, so that nothing stays held; a signal leaves at once";
const UNRELEASED: &str = "the lease was not released: the work outlived it, or the store did not answer; it runs out \
                          by itself";

/// What an error about a right says of it, with the right in its middle.
macro_rules! refused {
    ($before:literal, $verb:literal) => {
        concat!(
            $before,
            "Lease default/app: 403 to ",
            $verb,
            ": User \"system:serviceaccount:…:pod\" cannot ",
            $verb,
            " resource \"leases\" in API group \"coordination.k8s.io\" in the namespace \"default\"; this Role, \
             bound to whom that is, grants what is needed: \
             {\"apiVersion\":\"rbac.authorization.k8s.io/v1\",\"kind\":\"Role\",\
             \"metadata\":{\"name\":\"election-app\",\"namespace\":\"default\"},\"rules\":[\
             {\"apiGroups\":[\"coordination.k8s.io\"],\"resourceNames\":[\"app\"],\"resources\":[\"leases\"],\
             \"verbs\":[\"get\",\"update\",\"watch\"]},\
             {\"apiGroups\":[\"coordination.k8s.io\"],\"resources\":[\"leases\"],\"verbs\":[\"create\"]}]}"
        )
    };
}

pub const ALL: &[Row] = &[
    Row {
        what: "The API server hangs for longer than the lease",
        acts: &[
            Stop(ApiServer),
            LeaderEnds,
            FollowerSays("did not answer"),
            GoOn(ApiServer),
        ],
        ..OUTAGE
    },
    Row {
        what: "The API server ends, and is started again after the lease",
        acts: &[
            End(ApiServer),
            LeaderEnds,
            FollowerSays("nothing listens"),
            StartAgain(ApiServer),
        ],
        leader: &[
            "?not renewed, leading for …s more unless that changes: Lease default/app: no answer: the connection was cut…",
            "not renewed, leading for …s more unless that changes: Lease default/app: no answer: nothing listens \
             there: tcp connect error: Connection refused (os error 111)",
            LATE,
            WAITS,
            UNRELEASED,
        ],
        follower: &[
            FOLLOWS,
            "waiting, and trying again: Lease default/app: no answer: nothing listens there: tcp connect error: \
             Connection refused (os error 111)",
            // While it starts.
            "?waiting, and trying again: the store did not answer the request to try to lead in time",
            "?waiting, and trying again: Lease default/app: …",
            OVER,
            "?waiting: pod-1 leads (kubernetes://default/app)",
        ],
        ..OUTAGE
    },
    Row {
        what: "etcd hangs for longer than the lease",
        acts: &[
            Stop(Etcd),
            LeaderEnds,
            FollowerSays("did not answer"),
            GoOn(Etcd),
        ],
        ..OUTAGE
    },
    Row {
        what: "etcd ends, and is started again after the lease",
        acts: &[
            End(Etcd),
            LeaderEnds,
            FollowerSays("trying again"),
            StartAgain(Etcd),
        ],
        ..OUTAGE
    },
    Row {
        what: "Somebody deletes the Lease",
        acts: &[Delete],
        leader: &[LOST, BUSY, GONE],
        follower: &[FOLLOWS, UNNAMED],
        ..EDIT
    },
    Row {
        what: "Somebody empties the Lease",
        acts: &[Edit(
            r#"{"spec":{"holderIdentity":null,"leaseDurationSeconds":null,"renewTime":null,"acquireTime":null}}"#,
        )],
        leader: &[LOST, BUSY, GONE],
        follower: &[FOLLOWS, UNNAMED],
        ..EDIT
    },
    Row {
        what: "Somebody makes another the holder",
        acts: &[Edit(r#"{"spec":{"holderIdentity":"someone"}}"#)],
        leader: &[
            LOST,
            BUSY,
            "someone holds the record now (kubernetes://default/app)",
        ],
        follower: &[FOLLOWS, "waiting: someone leads (kubernetes://default/app)"],
        ..EDIT
    },
    Row {
        what: "Somebody changes the time of the last renewal",
        acts: &[
            CannotEdit(r#"{"spec":{"renewTime":"yesterday"}}"#),
            Edit(r#"{"spec":{"renewTime":"2999-01-01T00:00:00.000000Z"}}"#),
        ],
        ..EDIT
    },
    Row {
        what: "Somebody removes the time of the last renewal",
        acts: &[Edit(r#"{"spec":{"renewTime":null}}"#)],
        ..EDIT
    },
    Row {
        what: "Somebody removes the lease duration, and then the Lease",
        acts: &[
            Edit(r#"{"spec":{"leaseDurationSeconds":null}}"#),
            FollowerSays("trying again"),
            LeaderEnds,
            Delete,
        ],
        leader: &[
            "leadership lost: Lease default/app: it names the holder \"pod-1\", but no leaseDurationSeconds: \
             nobody can tell when it runs out; correct it, or remove the holder; killing the command",
            BUSY,
        ],
        follower: &[
            FOLLOWS,
            "waiting, and trying again: Lease default/app: it names the holder \"pod-1\", but no \
             leaseDurationSeconds: nobody can tell when it runs out; correct it, or remove the holder",
            OVER,
            "?waiting: pod-1 leads (kubernetes://default/app)",
            UNNAMED,
        ],
        ..EDIT
    },
    Row {
        what: "Somebody writes a lease duration beyond all reason, and then removes the Lease",
        acts: &[
            CannotEdit(r#"{"spec":{"leaseDurationSeconds":0}}"#),
            Edit(r#"{"spec":{"leaseDurationSeconds":2000000000}}"#),
            FollowerSays("trying again"),
            LeaderEnds,
            Delete,
        ],
        follower: &[
            FOLLOWS,
            "waiting, and trying again: the record names a lease of 2000000000s, more than the longest that \
             anybody may have (86400s); nobody takes it: correct or remove it by hand",
            OVER,
            "?waiting: pod-1 leads (kubernetes://default/app)",
            UNNAMED,
        ],
        ..EDIT
    },
    Row {
        what: "Somebody breaks our annotation, and then removes it",
        acts: &[
            Edit(r#"{"metadata":{"annotations":{"consensus-election/record":"{"}}}"#),
            FollowerSays("trying again"),
            LeaderEnds,
            Edit(r#"{"metadata":{"annotations":{"consensus-election/record":null}}}"#),
        ],
        leader: &[
            "leadership lost: Lease default/app: there is no JSON object in its annotation \
             consensus-election/record: correct it, or remove the annotation; killing the command",
            BUSY,
        ],
        follower: &[
            FOLLOWS,
            "waiting, and trying again: Lease default/app: there is no JSON object in its annotation \
             consensus-election/record: correct it, or remove the annotation",
            OVER,
            "waiting: pod-1 leads (kubernetes://default/app)",
        ],
        ..EDIT
    },
    Row {
        what: "Somebody deletes the namespace, and makes it and the rights again",
        acts: &[
            DeleteNamespace,
            LeaderEnds,
            FollowerSays("trying again"),
            MakeNamespace,
        ],
        leader: &[
            LOST,
            BUSY,
            // What is gone first is chance.
            "?there is no record now (kubernetes://default/app): somebody removed or emptied it",
            refused!("?what the record says now is not known: ", "get"),
        ],
        follower: &[
            FOLLOWS,
            UNNAMED,
            refused!("waiting, and trying again: ", "get"),
            OVER,
        ],
        ..EDIT
    },
    Row {
        what: "A right is taken away, and given back after the lease",
        acts: &[Revoke, LeaderEnds, FollowerSays("trying again"), Grant],
        leader: &[
            refused!(
                "not renewed, leading for …s more unless that changes: ",
                "update"
            ),
            refused!(
                "not renewed, leading for …s more unless that changes: ",
                "get"
            ),
            LATE,
            WAITS,
            UNRELEASED,
        ],
        follower: &[
            FOLLOWS,
            refused!("waiting, and trying again: ", "get"),
            OVER,
            "?waiting: pod-1 leads (kubernetes://default/app)",
        ],
        ..EDIT
    },
    Row {
        what: "A right is taken away, and given back before the deadline",
        acts: &[
            Revoke,
            LeaderSays("403 to get"),
            Grant,
            LeaderSays("renewed: "),
            EndLeader,
        ],
        code: 143,
        leader: &[
            refused!(
                "not renewed, leading for …s more unless that changes: ",
                "update"
            ),
            refused!(
                "not renewed, leading for …s more unless that changes: ",
                "get"
            ),
            "renewed: the trouble is over, after …",
            "SIGTERM: passed on to the command, which has 1s 600ms to end",
            "the command ended by signal 15, and the term with it",
        ],
        follower: &[FOLLOWS],
        ..EDIT
    },
];
