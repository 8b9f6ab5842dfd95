//! The file store from outside: each claim of its documentation as a test of that name.

#![allow(clippy::unwrap_used, reason = "what is not as expected is a failure")]

mod child;
mod ground;

mod agreement;
mod life;
mod machine;
mod notification;
mod rare;
mod refusals;
mod same_files;
mod tokens;
