//! Rules that keep documents true: what they name is there.

use super::{Faults, File, text};

const MAP: &str = "ARCHITECTURE.md";

/// The library's folder, whose modules the map has to name.
const SOURCES: &str = "crates/consensus/src/";

/// How a test of a promise is written in the map: `promises::name`.
const PROMISE: &str = "promises::";

/// The examples of the README are compiled by this line in the library's root.
pub(super) fn readme_is_tested(files: &[File]) -> Faults {
    let hook = "include_str!(\"../../../README.md\")";
    let root = format!("{SOURCES}lib.rs");
    if text(files, &root).contains(hook) {
        return Vec::new();
    }
    vec![format!(
        "{root} lacks a `#[cfg(doctest)]` item with `#[doc = {hook}]`"
    )]
}

pub(super) fn links(files: &[File]) -> Faults {
    let documents = files.iter().filter(|file| file.is("md"));
    let mut faults = Vec::new();
    for document in documents {
        for (place, line) in document.lines() {
            let targets = line
                .split("](")
                .skip(1)
                .filter_map(|rest| rest.split(')').next());
            let dead = targets.filter(|target| !leads_somewhere(files, &document.path, target));
            faults.extend(dead.map(|target| format!("{place}: {target} is not there")));
        }
    }
    faults
}

/// Whether a link leads to a file, a folder or a heading of ours, or out of the project.
fn leads_somewhere(files: &[File], from: &str, target: &str) -> bool {
    if target.contains("://") {
        return true;
    }
    let (path, heading) = target.split_once('#').unwrap_or((target, ""));
    let Some(path) = resolve(from, path) else {
        return false;
    };
    let folder = format!("{path}/");
    let there = |file: &File| file.path == path || file.path.starts_with(&folder);
    let headings = || {
        text(files, &path)
            .lines()
            .filter(|line| line.starts_with('#'))
    };
    files.iter().any(there) && (heading.is_empty() || headings().any(|line| slug(line) == heading))
}

/// A relative path as one from the root. `None`: it leads out of the project.
fn resolve(from: &str, path: &str) -> Option<String> {
    if path.is_empty() {
        return Some(from.to_owned());
    }
    let mut parts: Vec<&str> = from.split('/').collect();
    parts.pop();
    for part in path.trim_end_matches('/').split('/') {
        match part {
            "." => {}
            ".." => drop(parts.pop()?),
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

/// What a heading is called in a link.
fn slug(heading: &str) -> String {
    let text = heading.trim_start_matches('#').trim().to_lowercase();
    let kept = text
        .chars()
        .filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.map(|c| if c == ' ' { '-' } else { c }).collect()
}

pub(super) fn map(files: &[File]) -> Faults {
    let map = text(files, MAP);
    let named: Vec<&str> = quoted(map).filter(|word| is_rust_file(word)).collect();
    let is =
        |file: &File, name: &str| file.path == name || file.path.ends_with(&format!("/{name}"));
    let gone = named
        .iter()
        .filter(|name| !files.iter().any(|file| is(file, name)));
    let mut faults: Vec<String> = gone.map(|name| format!("{name} is not there")).collect();
    let modules = files.iter().filter(|file| {
        let name = file.path.strip_prefix(SOURCES).unwrap_or_default();
        is_rust_file(name) && !name.contains('/')
    });
    let unnamed = modules.filter(|file| !named.iter().any(|name| is(file, name)));
    faults.extend(unnamed.map(|file| format!("{} is not named", file.path)));
    faults
}

pub(super) fn promises(files: &[File]) -> Faults {
    let names: Vec<&str> = quoted(text(files, MAP))
        .filter_map(|word| word.strip_prefix(PROMISE))
        .collect();
    if names.is_empty() {
        return vec![format!("{MAP} names no test as `{PROMISE}…`")];
    }
    let tests =
        |file: &&File| file.path.ends_with("/promises.rs") || file.path.contains("/promises/");
    let exists = |name: &str| {
        let head = format!("fn {name}(");
        files
            .iter()
            .filter(tests)
            .any(|file| file.text.contains(&head))
    };
    let missing = names.into_iter().filter(|name| !exists(name));
    missing
        .map(|name| format!("there is no test {PROMISE}{name}"))
        .collect()
}

fn is_rust_file(name: &str) -> bool {
    name.ends_with(concat!(".", "rs")) && !name.contains(['*', ' '])
}

/// What stands between single backticks, or by itself in a drawing.
fn quoted(text: &str) -> impl Iterator<Item = &str> {
    let apart = |c: char| c.is_whitespace() || matches!(c, '`' | '|' | ',' | ';' | '(' | ')');
    text.split(apart).filter(|word| !word.is_empty())
}

#[cfg(test)]
mod tests {
    use super::super::file;
    use super::{MAP, links, map, promises};

    #[test]
    fn a_link_has_to_lead_to_a_file_folder_or_heading_of_ours() {
        let text =
            "# Here\n[a](b.md) [c](../x/) [d](#here) [e](../x/f.md#its-place)\n[o](https://a.b/c)";
        let files = [
            file("docs/a.md", text),
            file("docs/b.md", ""),
            file("x/f.md", "## It's place\n"),
        ];
        assert!(links(&files).is_empty());
        let faults = links(&[file("docs/a.md", "[a](c.md) [b](../../up.md)\n[c](#there)")]);
        let dead = [
            "docs/a.md:1: c.md is not there",
            "docs/a.md:1: ../../up.md is not there",
            "docs/a.md:2: #there is not there",
        ];
        assert_eq!(faults, dead);
    }

    #[test]
    fn the_map_names_every_module_and_none_that_is_gone() {
        let files = [
            file(MAP, "`lib.rs` → gone.rs, `host/linux.rs` and `*.rs`"),
            file("crates/consensus/src/lib.rs", ""),
            file("crates/consensus/src/new.rs", ""),
            file("crates/consensus/src/host/linux.rs", ""),
        ];
        let faults = map(&files);
        assert_eq!(
            faults,
            [
                "gone.rs is not there",
                "crates/consensus/src/new.rs is not named"
            ]
        );
    }

    #[test]
    fn a_promise_without_its_test_is_a_fault() {
        let table = file(
            MAP,
            "| 1 | Kept. | `promises::kept` |\n| 2 | Lost. | `promises::lost` |",
        );
        let tests = file("crates/consensus/tests/it/promises.rs", "fn kept() {}\n");
        assert_eq!(
            promises(&[table, tests]),
            ["there is no test promises::lost"]
        );
        assert_eq!(promises(&[file(MAP, "no table")]).len(), 1);
    }
}
