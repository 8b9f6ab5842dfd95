//! The heap of this process, counted: how often it was asked, and how much is in use.

use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};
use std::alloc::System;

#[global_allocator]
static COUNTED: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// How often memory was asked for, by any thread.
pub(crate) fn requests() -> usize {
    let stats = COUNTED.stats();
    stats.allocations + stats.reallocations
}

/// Bytes in use, as they were asked for.
pub(crate) fn in_use() -> usize {
    let stats = COUNTED.stats();
    // What a reallocation adds or takes is part of both sums.
    stats.bytes_allocated - stats.bytes_deallocated
}
