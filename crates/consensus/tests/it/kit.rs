//! The conformance kit, tested: it lets sound stores pass, and finds every flaw where it is.

mod faulty;
#[cfg(target_os = "linux")]
mod file;
mod flawed;
mod flaws;
mod matrix;
mod memory;
