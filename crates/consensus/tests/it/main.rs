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

/// What has to come. A test that waits for it for ever would tell nobody what it waits for.
#[cfg(target_os = "linux")]
fn soon<T: Send + 'static>(what: impl FnOnce() -> T + Send + 'static) -> T {
    let (came, answer) = std::sync::mpsc::channel();
    std::thread::spawn(move || came.send(what()));
    let answer = answer.recv_timeout(std::time::Duration::from_secs(60));
    answer.expect("it never came, or its thread panicked")
}
