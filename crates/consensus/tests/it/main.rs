//! The library's tests from outside: one binary.
#![allow(
    clippy::disallowed_methods,
    reason = "tests of real time read real clocks"
)]
#![allow(
    missing_docs,
    unreachable_pub,
    reason = "nobody uses a test's items from outside"
)]

mod bench;
#[cfg(target_os = "linux")]
mod fence;
#[cfg(target_os = "linux")]
mod file;
mod handles;
mod heir;
mod kit;
mod promises;
mod soak;
mod stranger;
