//! The table as a document.

use super::script::Script;
use std::fmt::Write as _;

const BEGIN: &str = "\
# The same faults, ours and client-go's

Made of the table that `tests/it/beside_client_go/` of the test bed plays with real processes, on a real API
server. Do not edit: change a script, and run
`BLESS=1 cargo test -p consensus-testbed the_document`.

Each fault is one script. It is played for candidates of ours, and for candidates by the elector of client-go
0.37.2, unchanged: once with `ReleaseOnCancel`, once without. Their work ends when the context does that
`OnStartedLeading` is given. Leases of both kinds last 3 s, and the renew deadline of both is 2 s. The first
candidate reaches the API server through a proxy that does to requests what networks do, the others reach it
directly. While a candidate leads it writes down its work, a line every few milliseconds. *Overlap* means: by
these lines, two candidates worked at once.

client-go promises no more than it keeps. The documentation of its package says at its beginning: “This
implementation does not guarantee that only one client is acting as a leader (a.k.a. fencing).” The table says
what that means, and what ours does instead. What ours does not promise is on the first page of the [README](../../README.md).

| # | what happens | two of ours | client-go's, with `ReleaseOnCancel` | without |
|---|---|---|---|---|
";

const END: &str = "
The test fails if two of ours overlap anywhere, and if two of client-go's do not overlap where they are said
to. *None seen* is what was seen, and no promise of theirs.

Who takes over in these scripts looks every 100 ms, and where it still hangs on luck who looks first, a script
is played again until two overlap: six times at most. Other times than these are not played.

The times, and the number of tries, are in the output of
`cargo test -p consensus-testbed no_two_of_ours -- --nocapture`.
";

pub(super) fn write(scripts: &[Script]) -> String {
    let mut text = BEGIN.to_owned();
    let cell = |why: Option<&str>| match why {
        Some(why) => format!("**overlap**: {why}"),
        None => "none seen".to_owned(),
    };
    for (script, number) in scripts.iter().zip(1..) {
        let (fault, releasing, plain) = (script.fault, script.releasing, script.plain);
        let (releasing, plain) = (cell(releasing), cell(plain));
        let row = format!("| {number} | {fault} | no overlap | {releasing} | {plain} |");
        writeln!(text, "{row}").expect("a string");
    }
    text + END
}
