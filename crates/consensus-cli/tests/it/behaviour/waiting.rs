//! Rows in which the program waits: somebody else leads.

use super::row::{Act, End, Row, State, Times, Who};
use super::work::{DIES, NO_STREAMS, Work};
use rustix::process::Signal;

const fn row(acts: &'static [Act]) -> Row {
    with(DIES, acts)
}

const fn with(work: Work, acts: &'static [Act]) -> Row {
    Row::new(State::Waiting, work, acts, Times::Endless)
}

const fn leads(acts: &'static [Act]) -> Row {
    let end = End::Leads;
    Row { end, ..row(acts) }
}

const fn to_us(signal: Signal) -> Act {
    Act::Send(signal, Who::Consensus)
}

const fn to_guard(signal: Signal) -> Act {
    Act::Send(signal, Who::Guard)
}

pub const ROWS: &[Row] = &[
    row(&[to_us(Signal::TERM)])
        .exits(143)
        .says("SIGTERM: waiting no more"),
    row(&[to_us(Signal::INT)])
        .exits(130)
        .says("SIGINT: waiting no more"),
    row(&[to_us(Signal::HUP)])
        .exits(129)
        .says("SIGHUP: waiting no more"),
    row(&[to_us(Signal::QUIT)])
        .exits(131)
        .says("SIGQUIT: waiting no more"),
    leads(&[to_us(Signal::USR1)]),
    leads(&[to_us(Signal::USR2)]),
    leads(&[to_us(Signal::WINCH)]),
    leads(&[to_us(Signal::CONT)]),
    leads(&[to_us(Signal::TSTP), to_us(Signal::CONT)]),
    leads(&[to_us(Signal::STOP), to_us(Signal::CONT)]),
    row(&[
        to_us(Signal::TSTP),
        to_us(Signal::TERM),
        to_us(Signal::CONT),
    ])
    .exits(143),
    row(&[to_us(Signal::KILL)]),
    row(&[to_guard(Signal::STOP), to_us(Signal::KILL)]),
    row(&[Act::KillBoth]),
    leads(&[to_guard(Signal::KILL)]),
    leads(&[to_guard(Signal::STOP)]),
    leads(&[to_guard(Signal::TERM)]),
    row(&[to_guard(Signal::KILL), to_us(Signal::TERM)]).exits(143),
    row(&[to_guard(Signal::STOP), to_us(Signal::TERM)]).exits(143),
    row(&[Act::BlockStore, to_us(Signal::TERM)]).exits(143),
    with(NO_STREAMS, &[to_us(Signal::TERM)]).exits(143),
];
