//! Rows in which something ends already, or cannot be renewed, when something is done.

use super::row::{Act, Next, Row, State, Times, Who};
use super::work::{DEAF_DAEMON, DIES, ENDS, IGNORES, STOPS, TRAPS, WINDS_DOWN, Work};
use rustix::process::Signal;

const fn winding(acts: &'static [Act], times: Times) -> Row {
    Row::new(State::WindingDown, WINDS_DOWN, acts, times)
}

const fn ended(acts: &'static [Act], times: Times) -> Row {
    Row::new(State::Ended, ENDS, acts, times)
}

const fn silent(work: Work, acts: &'static [Act], times: Times) -> Row {
    Row::new(State::StoreSilent, work, acts, times)
}

const fn lost(acts: &'static [Act]) -> Row {
    Row::new(State::Lost, WINDS_DOWN, acts, Times::EarlyEnd).next(Next::Either)
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

const FINISH: Act = Act::Go("finish");
const GUARD_DIED: &str = "the guard died: killing what is left of the command";
const GUARD_LATE: &str = "the guard does not end the command in time: killing both";

pub const WINDING_DOWN: &[Row] = &[
    winding(&[FINISH], Times::Endless).exits(6),
    winding(&[to_us(Signal::TERM)], Times::Endless).exits(9),
    winding(&[to_us(Signal::INT)], Times::Endless).exits(130),
    winding(&[to_us(Signal::HUP)], Times::Endless).exits(129),
    winding(&[to_us(Signal::USR1)], Times::Endless).exits(138),
    winding(&[to_us(Signal::KILL), FINISH], Times::Endless),
    winding(&[to_guard(Signal::KILL)], Times::Endless)
        .exits(137)
        .says(GUARD_DIED),
    winding(&[to_guard(Signal::STOP)], Times::Minute)
        .exits(137)
        .says(GUARD_LATE),
    winding(
        &[to_us(Signal::STOP), Act::Gone, to_us(Signal::CONT)],
        Times::ShortGrace,
    )
    .exits(137),
    winding(&[Act::KillBoth], Times::Roomy).next(Next::AfterLease),
    winding(&[to_command(Signal::KILL)], Times::Endless).exits(137),
    winding(
        &[to_command(Signal::STOP), to_us(Signal::TERM)],
        Times::Endless,
    )
    .exits(9),
    winding(
        &[
            to_us(Signal::TSTP),
            to_us(Signal::CONT),
            to_us(Signal::TERM),
        ],
        Times::Endless,
    )
    .exits(9),
    winding(&[Act::Spoil], Times::Endless)
        .exits(70)
        .next(Next::Never),
    winding(&[Act::Take], Times::Endless)
        .exits(70)
        .next(Next::MuchLater),
    winding(
        &[Act::BlockStore, FINISH, Act::Gone, Act::UnblockStore],
        Times::Endless,
    )
    .exits(6),
];

pub const ENDED: &[Row] = &[
    ended(&[FINISH], Times::Endless).exits(3),
    ended(&[to_us(Signal::TERM), FINISH], Times::Endless).exits(3),
    ended(&[to_us(Signal::KILL), FINISH], Times::Endless),
    ended(&[to_guard(Signal::KILL)], Times::Endless)
        .exits(3)
        .says(GUARD_DIED),
    ended(&[to_guard(Signal::STOP)], Times::Minute)
        .exits(3)
        .says(GUARD_LATE),
    ended(
        &[to_us(Signal::STOP), Act::Gone, to_us(Signal::CONT)],
        Times::ShortGrace,
    )
    .exits(3),
    ended(&[Act::Send(Signal::KILL, Who::Left)], Times::Endless).exits(3),
    ended(&[Act::KillBoth], Times::Roomy)
        .next(Next::AfterLease)
        .leaves("what was left goes on"),
    ended(&[Act::Spoil], Times::Endless)
        .exits(70)
        .next(Next::Never),
];

const STORE_BACK: Act = Act::UnblockStore;
const WAITS: Act = Act::Said("waiting for the store, so that nothing stays held");

pub const STORE_SILENT: &[Row] = &[
    silent(
        DIES,
        &[to_us(Signal::TERM), WAITS, STORE_BACK],
        Times::Endless,
    )
    .exits(143),
    silent(
        DIES,
        &[to_us(Signal::TERM), WAITS, to_us(Signal::TERM), STORE_BACK],
        Times::Endless,
    )
    .exits(143),
    silent(
        TRAPS,
        &[Act::Said("leadership lost"), STORE_BACK],
        Times::Short,
    )
    .exits(70)
    .next(Next::Either)
    .says("not renewed, leading for"),
    silent(
        IGNORES,
        &[Act::Said("leadership lost"), Act::Gone, STORE_BACK],
        Times::Short,
    )
    .exits(70)
    .next(Next::Either),
    silent(
        STOPS,
        &[Act::Said("leadership lost"), Act::Gone, STORE_BACK],
        Times::Short,
    )
    .exits(70)
    .next(Next::Either),
    silent(
        DEAF_DAEMON,
        &[Act::Said("leadership lost"), Act::Gone, STORE_BACK],
        Times::Short,
    )
    .exits(70)
    .next(Next::Either),
    silent(
        DIES,
        &[to_us(Signal::KILL), Act::Gone, STORE_BACK],
        Times::Endless,
    ),
    silent(
        DIES,
        &[to_guard(Signal::KILL), Act::Gone, STORE_BACK],
        Times::Endless,
    )
    .exits(137),
    silent(
        DIES,
        &[to_guard(Signal::STOP), Act::Gone, STORE_BACK],
        Times::Short,
    )
    .exits(70)
    .next(Next::Either),
    silent(
        DIES,
        &[
            to_us(Signal::STOP),
            Act::Gone,
            STORE_BACK,
            Act::NextLeads,
            to_us(Signal::CONT),
        ],
        Times::Short,
    )
    .exits(70)
    .next(Next::AfterLease),
    silent(DIES, &[Act::KillBoth, STORE_BACK], Times::Short).next(Next::AfterLease),
];

pub const LOST: &[Row] = &[
    lost(&[FINISH]).exits(70).says("leadership lost"),
    lost(&[to_us(Signal::TERM)]).exits(70),
    lost(&[to_us(Signal::KILL), FINISH]),
    lost(&[to_guard(Signal::KILL)]).exits(70),
    lost(&[to_guard(Signal::STOP)]).exits(70).says(GUARD_LATE),
    lost(&[to_command(Signal::KILL)]).exits(70),
    lost(&[Act::Spoil]).exits(70).next(Next::Never),
];
