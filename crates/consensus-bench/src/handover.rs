//! Graceful hand-over: from the request to stop, written to a pipe, to the first instruction of the
//! successor's work. Beside it, processes that give up a lock of the kernel: `flock(1)`'s ends, the
//! one in `flock(2)` unlocks.

use crate::failover;
use crate::failure::Failure;
use crate::lane::End;
use crate::options::Options;
use crate::table::Table;

pub(crate) fn run(options: &Options, table: &mut Table) -> Result<(), Failure> {
    failover::measure("hand-over", End::Asked, &failover::LANES, options, table)
}
