//! The table for people, in Markdown: made of the rows that are played.

use super::row::{Act, End, Left, Next, Row, State};
use super::work::Kind;
use std::fmt::Write as _;

const BEGIN: &str = "\
# What `consensus run` does

Made of the table that `tests/it/behaviour/` plays with real processes. Do not edit: change a row, and run
`BLESS=1 cargo test -p consensus-cli behaviour`.

*Gone* means that nothing of the command, nor of what descends from it, is left when the next leader's
command starts. *At once* means that the next leader did not wait for the lease; each row that says so was
played with a lease that nobody waits for. Where a code is given, `consensus` exits with it after the last of
what is done. *Killed* is `consensus` itself, by the SIGKILL that it got.
";

pub fn write(rows: &[Row]) -> String {
    let mut text = BEGIN.to_owned();
    let mut last = None;
    for (row, number) in rows.iter().zip(1..) {
        if last != Some(row.state) {
            last = Some(row.state);
            let head = if row.state == State::Waiting {
                "| # | what is done | exit code | it says, among others |\n|---|---|---|---|"
            } else {
                "| # | the command | what is done | exit code | of the command | the next leader | it says, among \
                 others |\n|---|---|---|---|---|---|---|"
            };
            write!(text, "\n## When {}\n\n{head}\n", row.state.words()).expect("a string");
        }
        writeln!(text, "| {number} | {} |", cells(row).join(" | ")).expect("a string");
    }
    text
}

fn cells(row: &Row) -> Vec<String> {
    let done = row.acts.iter().copied().map(Act::words);
    let done: Vec<String> = done.filter(|words| !words.is_empty()).collect();
    let mut done = if done.is_empty() {
        "nothing".to_owned()
    } else {
        done.join("; ")
    };
    let end = match row.end {
        End::Code(code) => code.to_string(),
        End::Killed => "killed".to_owned(),
        End::Leads => "none: it goes on, and leads when its turn comes".to_owned(),
    };
    let said = if row.says.is_empty() {
        String::new()
    } else {
        format!("“{}”", row.says)
    };
    if row.state == State::Waiting {
        if row.work.kind == Kind::StreamsClosed {
            done.push_str("; stdin, stdout and stderr are closed");
        }
        return vec![done, end, said];
    }
    let left = match row.left {
        Left::Nothing => "gone".to_owned(),
        Left::Something(what) => format!("**left:** {what}"),
    };
    let next = match row.next {
        Next::AtOnce => "at once",
        Next::AfterLease => "after its lease",
        Next::MuchLater => "after its lease (an hour: not waited for)",
        Next::Either => "at once, or after its lease",
        Next::Never => "not while the record is so",
    };
    vec![
        row.work.does.to_owned(),
        done,
        end,
        left,
        next.to_owned(),
        said,
    ]
}
