//! Rows about what signals alone cannot do: programs with more power than we have, and what stands still
//! in the kernel.

use super::row::{Act, Freezer, Next, Row, State, Times, Who};
use super::work::{DIES, IGNORES, SETUID, SETUID_ALLOWED, Work};
use rustix::process::Signal;

const fn row(work: Work, acts: &'static [Act], times: Times) -> Row {
    Row::new(State::Leading, work, acts, times)
}

const fn to_us(signal: Signal) -> Act {
    Act::Send(signal, Who::Consensus)
}

const fn to_guard(signal: Signal) -> Act {
    Act::Send(signal, Who::Guard)
}

const STUCK: &str = "the command does not end, not even by SIGKILL: leaving without a release";

pub const ROWS: &[Row] = &[
    // What it may not gain, it does not.
    row(SETUID, &[to_us(Signal::TERM)], Times::Endless).exits(143),
    row(SETUID, &[to_us(Signal::KILL)], Times::Endless),
    row(SETUID, &[to_guard(Signal::KILL)], Times::Endless).exits(137),
    row(SETUID, &[Act::KillBoth], Times::Short).next(Next::AfterLease),
    // What it may, it gains.
    row(SETUID_ALLOWED, &[to_us(Signal::TERM)], Times::Short)
        .exits(70)
        .next(Next::AfterLease)
        .leaves("the program goes on")
        .says(STUCK),
    row(SETUID_ALLOWED, &[to_us(Signal::KILL)], Times::Short)
        .next(Next::AfterLease)
        .leaves("the program goes on"),
    row(SETUID_ALLOWED, &[to_guard(Signal::KILL)], Times::Short)
        .exits(70)
        .next(Next::AfterLease)
        .leaves("the program goes on")
        .says(STUCK),
    // Stuck in the kernel.
    row(
        DIES,
        &[Act::Freeze(Who::Command, Freezer::V1), to_us(Signal::TERM)],
        Times::Short,
    )
    .exits(70)
    .next(Next::AfterLease)
    .leaves("what is stuck")
    .says(STUCK),
    row(
        DIES,
        &[
            Act::Freeze(Who::Command, Freezer::V1),
            to_us(Signal::KILL),
            Act::Thaw,
        ],
        Times::Endless,
    ),
    row(
        DIES,
        &[Act::Freeze(Who::Command, Freezer::V1), Act::Spoil],
        Times::Short,
    )
    .exits(70)
    .next(Next::Never)
    .leaves("what is stuck")
    .says(STUCK),
    row(
        DIES,
        &[Act::Freeze(Who::Guard, Freezer::V1), to_us(Signal::TERM)],
        Times::Short,
    )
    .exits(70)
    .next(Next::AfterLease)
    .leaves("all of it: only the guard can end it")
    .says(STUCK),
    row(
        DIES,
        &[
            Act::Freeze(Who::Consensus, Freezer::V1),
            Act::NextLeads,
            Act::Thaw,
        ],
        Times::Short,
    )
    .exits(70)
    .next(Next::AfterLease),
    // Standing still, but not deaf.
    row(
        DIES,
        &[Act::Freeze(Who::Command, Freezer::V2), to_us(Signal::TERM)],
        Times::Endless,
    )
    .exits(143),
    row(
        IGNORES,
        &[Act::Freeze(Who::Command, Freezer::V2), to_us(Signal::TERM)],
        Times::ShortGrace,
    )
    .exits(137),
    row(
        DIES,
        &[Act::Freeze(Who::Guard, Freezer::V2), to_us(Signal::TERM)],
        Times::Minute,
    )
    .exits(137)
    .says("the guard does not end the command in time: killing both"),
];
