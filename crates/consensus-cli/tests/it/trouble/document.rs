//! The document for people, in Markdown: made of the rows that are played.

use super::row::Row;
use std::fmt::Write as _;

const BEGIN: &str = "\
# What `consensus run` says when its cluster is in trouble

Made of the table that `tests/it/trouble/` plays on a real API server. Do not edit: change a row, and run
`BLESS=1 cargo test -p consensus-cli trouble`.

Two candidates, `pod-1` and `pod-2`, with a lease of 6 s and the right to watch. `pod-1` leads when it happens.
These are all the lines that they say, with nothing of what they usually say left out. `…` stands for what
differs from time to time, and a line after `?` may be missing. In no row did two lead at once, and in each
`pod-2` leads at the end.
";

pub fn write(rows: &[Row]) -> String {
    let mut text = BEGIN.to_owned();
    for row in rows {
        let (what, code) = (row.what, row.code);
        write!(text, "\n## {what}\n\n`pod-1`, which exits with {code}:\n").expect("a string");
        block(&mut text, row.leader);
        text.push_str("\n`pod-2`:\n");
        block(&mut text, row.follower);
    }
    text
}

fn block(text: &mut String, lines: &[&str]) {
    writeln!(text, "\n```text\n{}\n```", lines.join("\n")).expect("a string");
}
