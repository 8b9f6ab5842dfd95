//! Rules for every Rust file, and for what else is code.

use super::{Faults, File};

const LONGEST: usize = 400;

/// Words that mean that something is not finished. In halves, so that this file may say them.
const LEFTOVERS: &[&str] = &[
    concat!("TO", "DO"),
    concat!("FIX", "ME"),
    concat!("unimple", "mented!"),
    concat!("to", "do!"),
];

/// The lint that bans clocks and sleeps (`clippy.toml`).
const CLOCKS: &str = concat!("disallowed", "_methods");

/// Who may switch it off: the module that the clocks come from, tools, and what runs real processes.
const MAY_USE_CLOCKS: &[&str] = &[
    "crates/consensus/src/host.rs",
    "crates/consensus/src/host/",
    "crates/consensus-bench/",
    "crates/consensus-cli/src/times.rs",
    "crates/consensus-simulator/src/ci.rs",
    "crates/consensus-testbed/",
    "xtask/src/stopwatch.rs",
];

/// And, in any crate, what is in a folder of this name.
const MAY_USE_CLOCKS_BELOW: &[&str] = &["/tests/", "/benches/", "/examples/"];

pub(super) fn lengths(files: &[File]) -> Faults {
    let rust = files.iter().filter(|file| file.is("rs"));
    let counted = rust.map(|file| (file, file.text.lines().count()));
    let long = counted.filter(|(_, lines)| *lines > LONGEST);
    let fault =
        |(file, lines): (&File, usize)| format!("{} has {lines}: is it one idea?", file.path);
    long.map(fault).collect()
}

pub(super) fn leftovers(files: &[File]) -> Faults {
    let code = ["rs", "toml", "sh", "md", "yaml", "yml"];
    let files = files
        .iter()
        .filter(|file| code.iter().any(|end| file.is(end)));
    let lines = files.flat_map(File::lines);
    let left = lines.filter(|(_, line)| LEFTOVERS.iter().any(|word| line.contains(word)));
    left.map(|(place, line)| format!("{place}: {}", line.trim()))
        .collect()
}

pub(super) fn clocks(files: &[File]) -> Faults {
    let forbidden = |file: &&File| {
        let path = format!("/{}", file.path);
        let known = MAY_USE_CLOCKS
            .iter()
            .any(|start| file.path.starts_with(start));
        file.is("rs") && !known && !MAY_USE_CLOCKS_BELOW.iter().any(|part| path.contains(part))
    };
    let lines = files.iter().filter(forbidden).flat_map(File::lines);
    let allowing = lines.filter(|(_, line)| line.contains(CLOCKS));
    allowing
        .map(|(place, _)| format!("{place}: take the time from `World`"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::file;
    use super::{CLOCKS, LEFTOVERS, LONGEST, clocks, leftovers, lengths};

    #[test]
    fn a_file_of_400_lines_is_fine_and_one_more_is_not() {
        let fine = file("a.rs", &"line\n".repeat(LONGEST));
        let long = file("b.rs", &"line\n".repeat(LONGEST + 1));
        assert_eq!(lengths(&[fine, long]), ["b.rs has 401: is it one idea?"]);
    }

    #[test]
    fn what_is_left_for_later_is_found_with_its_line() {
        for word in LEFTOVERS {
            let faults = leftovers(&[file("a.rs", &format!("fn a() {{\n    // {word} later\n}}"))]);
            assert_eq!(faults, [format!("a.rs:2: // {word} later")]);
        }
    }

    #[test]
    fn clocks_are_for_the_host_and_for_tests() {
        let allow = format!("#![allow(clippy::{CLOCKS}, reason = \"…\")]");
        let fine = [
            "crates/consensus/src/host/linux.rs",
            "crates/consensus/tests/it/main.rs",
            "examples/local.rs",
        ];
        assert!(clocks(&fine.map(|path| file(path, &allow))).is_empty());
        let faults = clocks(&[file("crates/consensus/src/driver.rs", &allow)]);
        assert_eq!(
            faults,
            ["crates/consensus/src/driver.rs:1: take the time from `World`"]
        );
    }
}
