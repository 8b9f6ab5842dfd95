//! The house rules of CONTRIBUTING.md, as far as a machine can see them. All that is broken is told
//! at once.

mod code;
mod documents;
mod face;
mod manifests;

use crate::shell::Failure;
use crate::workspace::Workspace;
use std::fs;

/// A text file of the project.
pub(crate) struct File {
    /// Relative to the root, with `/`.
    path: String,
    text: String,
}

/// What a rule has to say: one line a fault.
type Faults = Vec<String>;

/// A rule, in words and as a function.
type Rule = (&'static str, fn(&[File]) -> Faults);

const RULES: &[Rule] = &[
    ("a Rust file has 400 lines at most", code::lengths),
    ("nothing is left for later in the code", code::leftovers),
    ("only a few files may use clocks", code::clocks),
    ("the library's root has 17 names at most", face::root),
    ("every crate obeys the workspace's lints", manifests::lints),
    (
        "the changelog's first entry is of this version",
        manifests::changelog,
    ),
    (
        "the README's examples are tests of the library",
        documents::readme_is_tested,
    ),
    ("links in documents lead to files", documents::links),
    (
        "ARCHITECTURE.md names every module, and none that is not",
        documents::map,
    ),
    (
        "every promise in ARCHITECTURE.md has its test",
        documents::promises,
    ),
];

pub(crate) fn run(workspace: &Workspace, _: &[String]) -> Result<(), Failure> {
    let files = read(workspace)?;
    let mut broken = 0;
    for (rule, check) in RULES {
        let faults = check(&files);
        println!(
            "  {:6} {rule}",
            if faults.is_empty() { "ok" } else { "BROKEN" }
        );
        for fault in &faults {
            println!("           {fault}");
        }
        broken += usize::from(!faults.is_empty());
    }
    println!("  names at the root: {}", face::names(&files).join(", "));
    if broken > 0 {
        return Err(Failure::new(format!("{broken} of our rules are broken")));
    }
    Ok(())
}

/// The project's files that are text.
fn read(workspace: &Workspace) -> Result<Vec<File>, Failure> {
    let mut files = Vec::new();
    for path in workspace.files()? {
        let bytes = fs::read(workspace.root().join(&path))
            .map_err(|error| Failure::new(format!("cannot read {path}: {error}")))?;
        if let Ok(text) = String::from_utf8(bytes) {
            files.push(File { path, text });
        }
    }
    Ok(files)
}

impl File {
    fn is(&self, extension: &str) -> bool {
        let (_, end) = self.path.rsplit_once('.').unwrap_or_default();
        end == extension
    }

    /// The lines with what stands before them in a fault: `path:number`.
    fn lines(&self) -> impl Iterator<Item = (String, &str)> {
        let numbered = self.text.lines().enumerate();
        numbered.map(|(number, line)| (format!("{}:{}", self.path, number + 1), line))
    }
}

/// The text of one file. Empty if there is none.
fn text<'a>(files: &'a [File], path: &str) -> &'a str {
    let file = files.iter().find(|file| file.path == path);
    file.map_or("", |file| &file.text)
}

#[cfg(test)]
fn file(path: &str, text: &str) -> File {
    File {
        path: path.to_owned(),
        text: text.to_owned(),
    }
}
