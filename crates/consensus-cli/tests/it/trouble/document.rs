//! The document for people, in Markdown: made of the rows that are played.

use super::row::Row;
use std::fmt::Write as _;

const BEGIN: &str = "\
# What `consensus run` says when its cluster is in trouble

Made of the table that `tests/it/trouble/` plays on a real API server. Do not edit: change a row, and run
`BLESS=1 cargo test -p consensus-cli trouble`.

Two candidates, `pod-1` and `pod-2`, with a lease of 6 s and the right to watch. `pod-1` leads when it happens.
These are all the lines that they say on stderr, but for that a term begins; each begins with `consensus: `. `…`
stands for what differs from time to time, and a line after `?` may be missing. When a line was said is for
whoever collects the log to add, as `kubectl logs --timestamps` does.

In no row did two work at once, and in each `pod-2` leads at the end.
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
    let lines = lines
        .iter()
        .map(|line| line.replacen('?', "? ", usize::from(line.starts_with('?'))));
    let lines = lines.collect::<Vec<_>>().join("\n");
    writeln!(text, "\n```text\n{lines}\n```").expect("a string");
}
