//! The program from outside: the real binary, real processes, real signals. One binary.
//!
//! Nothing here asserts that anything is fast: a busy machine must not fail a test. What has to happen
//! is waited for, for a minute at most.
#![allow(
    clippy::disallowed_methods,
    reason = "tests of real processes read real clocks, and sleep"
)]
#![allow(
    missing_docs,
    unreachable_pub,
    reason = "nobody uses a test's items from outside"
)]

mod bench;
mod lease;
mod pty;

mod behaviour;
mod ending;
mod environment;
mod exits;
mod flags;
mod front;
mod help;
mod inherited;
mod input;
mod kubernetes;
mod readme;
mod soak;
mod status;
mod surroundings;
mod takeover;
mod terminal;
mod trouble;
