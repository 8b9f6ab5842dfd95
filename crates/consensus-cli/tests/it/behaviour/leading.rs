//! Rows in which the program leads, and all is well until something is done.

use super::row::{Act, Next, Row, State, Times, Who};
use super::work::{
    BELOW_INIT, CHANGES_GROUP, DAEMON, DAEMONS_DAEMON, DEAF_DAEMON, DIES, ENDS_BY_SIGNAL, EXIT_0,
    EXIT_7, EXITS_0, FORKS, FORKS_TWICE, IGNORES, LEAVES, MISSING, NESTED, NO_STREAMS,
    NOT_EXECUTABLE, STOPS, TRAPS, TRAPS_ALL, Work,
};
use rustix::process::Signal;

const fn row(work: Work, acts: &'static [Act]) -> Row {
    Row::new(State::Leading, work, acts, Times::Endless)
}

/// For what has to be killed, after the grace.
const fn killed(work: Work, acts: &'static [Act]) -> Row {
    Row::new(State::Leading, work, acts, Times::ShortGrace)
}

/// For what ends with the lease.
const fn short(work: Work, acts: &'static [Act]) -> Row {
    Row::new(State::Leading, work, acts, Times::Short).next(Next::AfterLease)
}

const fn to_us(signal: Signal) -> Act {
    Act::Send(signal, Who::Consensus)
}

const fn to_guard(signal: Signal) -> Act {
    Act::Send(signal, Who::Guard)
}

const fn to_command(signal: Signal) -> Act {
    Act::Send(signal, Who::Command)
}

const TERM: &[Act] = &[to_us(Signal::TERM)];
const KILL: &[Act] = &[to_us(Signal::KILL)];
const KILL_GUARD: &[Act] = &[to_guard(Signal::KILL)];
const GO: &[Act] = &[Act::Go("go")];
/// It goes on when another leads.
const STOP: &[Act] = &[to_us(Signal::STOP), Act::NextLeads, to_us(Signal::CONT)];
const SIGKILL: &str = "what is left of the command gets SIGKILL";
const GUARD_DIED: &str = "the guard died: killing what is left of the command";

pub const ROWS: &[Row] = &[
    // It ends by itself.
    row(EXIT_0, GO)
        .exits(0)
        .says("the command ended with exit code 0"),
    row(EXIT_7, GO)
        .exits(7)
        .says("the command ended with exit code 7"),
    row(ENDS_BY_SIGNAL, GO)
        .exits(143)
        .says("the command ended by signal 15"),
    row(MISSING, &[]).exits(127).says("is not there"),
    row(NOT_EXECUTABLE, &[]).exits(126).says("cannot run"),
    killed(LEAVES, GO).exits(3).says(SIGKILL),
    // It is asked to end.
    row(DIES, TERM)
        .exits(143)
        .says("SIGTERM: passed on to the command, which has 10m"),
    row(DIES, &[to_us(Signal::INT)])
        .exits(130)
        .says("SIGINT: passed on"),
    row(DIES, &[to_us(Signal::HUP)])
        .exits(129)
        .says("SIGHUP: passed on"),
    row(DIES, &[to_us(Signal::QUIT)])
        .exits(131)
        .says("SIGQUIT: passed on"),
    row(TRAPS, TERM).exits(5),
    row(EXITS_0, TERM).exits(0),
    killed(IGNORES, TERM).exits(137).says(SIGKILL),
    row(FORKS_TWICE, TERM).exits(143),
    row(DAEMON, TERM).exits(143),
    killed(DEAF_DAEMON, TERM).exits(143).says(SIGKILL),
    row(DAEMONS_DAEMON, TERM).exits(143),
    killed(FORKS, TERM).exits(137).says(SIGKILL),
    row(STOPS, TERM).exits(143),
    row(NO_STREAMS, TERM).exits(143),
    row(CHANGES_GROUP, TERM).exits(143),
    row(NESTED, TERM).exits(143),
    row(BELOW_INIT, TERM).exits(143),
    // What is the command's business.
    row(DIES, &[to_us(Signal::USR1)]).exits(138),
    row(DIES, &[to_us(Signal::USR2)]).exits(140),
    row(
        DIES,
        &[to_us(Signal::WINCH), Act::GoesOn, to_us(Signal::TERM)],
    )
    .exits(143),
    row(TRAPS_ALL, &[to_us(Signal::USR1)]).exits(21),
    row(TRAPS_ALL, &[to_us(Signal::USR2)]).exits(21),
    row(TRAPS_ALL, &[to_us(Signal::WINCH)]).exits(21),
    // Pauses.
    row(
        DIES,
        &[to_us(Signal::CONT), Act::GoesOn, to_us(Signal::TERM)],
    )
    .exits(143),
    row(
        DIES,
        &[
            to_us(Signal::TSTP),
            to_us(Signal::CONT),
            Act::GoesOn,
            to_us(Signal::TERM),
        ],
    )
    .exits(143),
    short(
        DIES,
        &[to_us(Signal::TSTP), Act::NextLeads, to_us(Signal::CONT)],
    )
    .exits(70)
    .says("leadership lost"),
    row(
        DIES,
        &[
            to_us(Signal::STOP),
            Act::GoesOn,
            to_us(Signal::CONT),
            to_us(Signal::TERM),
        ],
    )
    .exits(143),
    short(DIES, STOP).exits(70).says("leadership lost"),
    short(IGNORES, STOP).exits(70),
    short(DEAF_DAEMON, STOP).exits(70),
    short(DAEMONS_DAEMON, STOP).exits(70),
    short(FORKS, STOP).exits(70),
    row(
        DIES,
        &[to_command(Signal::STOP), Act::GoesOn, to_us(Signal::TERM)],
    )
    .exits(143),
    row(
        DIES,
        &[to_guard(Signal::STOP), Act::GoesOn, to_us(Signal::TERM)],
    )
    .exits(143),
    short(STOPS, STOP).exits(70),
    short(CHANGES_GROUP, STOP).exits(70),
    short(NESTED, STOP).exits(70),
    short(
        DIES,
        &[
            to_us(Signal::STOP),
            to_guard(Signal::STOP),
            Act::NextLeads,
            to_guard(Signal::CONT),
            to_us(Signal::CONT),
        ],
    )
    .exits(70)
    .leaves("all of it, until the guard goes on"),
    // `consensus` dies.
    row(DIES, KILL).says("the leader's process died: ending its command"),
    row(TRAPS, KILL),
    killed(IGNORES, KILL),
    row(FORKS_TWICE, KILL),
    row(DAEMON, KILL),
    killed(DEAF_DAEMON, KILL),
    row(DAEMONS_DAEMON, KILL),
    killed(FORKS, KILL),
    row(STOPS, KILL),
    row(NO_STREAMS, KILL),
    row(CHANGES_GROUP, KILL),
    row(NESTED, KILL),
    row(BELOW_INIT, KILL),
    row(BELOW_INIT, &[Act::Send(Signal::KILL, Who::BelowInit)]).exits(137),
    row(DIES, &[to_guard(Signal::STOP), to_us(Signal::KILL)]),
    // The guard dies.
    row(DIES, KILL_GUARD).exits(137).says(GUARD_DIED),
    row(TRAPS, KILL_GUARD).exits(137).says(GUARD_DIED),
    row(IGNORES, KILL_GUARD).exits(137),
    row(FORKS_TWICE, KILL_GUARD).exits(137),
    row(DAEMON, KILL_GUARD).exits(137),
    row(DEAF_DAEMON, KILL_GUARD).exits(137),
    row(DAEMONS_DAEMON, KILL_GUARD).exits(137),
    row(FORKS, KILL_GUARD).exits(137),
    row(STOPS, KILL_GUARD).exits(137),
    row(NO_STREAMS, KILL_GUARD).exits(137),
    row(CHANGES_GROUP, KILL_GUARD).exits(137),
    row(NESTED, KILL_GUARD).exits(137),
    row(BELOW_INIT, KILL_GUARD).exits(137),
    row(
        DIES,
        &[
            to_guard(Signal::TERM),
            to_guard(Signal::INT),
            to_guard(Signal::HUP),
            Act::GoesOn,
            to_us(Signal::TERM),
        ],
    )
    .exits(143),
    short(
        DIES,
        &[
            to_us(Signal::STOP),
            to_guard(Signal::KILL),
            Act::NextLeads,
            to_us(Signal::CONT),
        ],
    )
    .exits(70),
    short(
        DEAF_DAEMON,
        &[
            to_us(Signal::STOP),
            to_guard(Signal::KILL),
            Act::NextLeads,
            to_us(Signal::CONT),
        ],
    )
    .exits(70)
    .leaves("the daemon, until `consensus` goes on"),
    // Both die.
    short(DIES, &[Act::KillBoth]),
    short(TRAPS, &[Act::KillBoth]),
    short(IGNORES, &[Act::KillBoth]),
    short(FORKS_TWICE, &[Act::KillBoth]).leaves("the grandchild goes on"),
    short(DEAF_DAEMON, &[Act::KillBoth]).leaves("the daemon goes on"),
    // The command is killed by somebody else.
    row(DIES, &[to_command(Signal::KILL)])
        .exits(137)
        .says("the command ended by signal 9"),
    row(DIES, &[to_command(Signal::TERM)]).exits(143),
    row(DAEMON, &[to_command(Signal::KILL)]).exits(137),
    killed(DEAF_DAEMON, &[to_command(Signal::KILL)])
        .exits(137)
        .says(SIGKILL),
    // The record changes under it.
    row(IGNORES, &[Act::Spoil])
        .exits(70)
        .next(Next::Never)
        .says("leadership lost"),
    row(DEAF_DAEMON, &[Act::Spoil])
        .exits(70)
        .next(Next::Never)
        .says("leadership lost"),
    row(IGNORES, &[Act::Take])
        .exits(70)
        .next(Next::MuchLater)
        .says("leadership lost"),
    row(IGNORES, &[Act::Remove])
        .exits(70)
        .next(Next::MuchLater)
        .says("leadership lost"),
    short(IGNORES, &[Act::Take]).exits(70),
    short(IGNORES, &[Act::Remove]).exits(70),
];
