//! Rules for manifests and versions.

use super::{Faults, File, text};

pub(super) fn lints(files: &[File]) -> Faults {
    let member = |file: &&File| file.path != "Cargo.toml" && file.path.ends_with("/Cargo.toml");
    let deaf = files.iter().filter(member).filter(|file| {
        let lints = section(&file.text, "[lints]");
        !lints.is_some_and(|lints| lints.lines().any(|line| line.trim() == "workspace = true"))
    });
    deaf.map(|file| format!("{} lacks `[lints] workspace = true`", file.path))
        .collect()
}

pub(super) fn changelog(files: &[File]) -> Faults {
    let package = section(text(files, "Cargo.toml"), "[workspace.package]").unwrap_or_default();
    let version = package
        .lines()
        .find_map(|line| line.strip_prefix("version = "));
    let version = version.unwrap_or_default().trim_matches('"');
    let first = text(files, "CHANGELOG.md")
        .lines()
        .find_map(|line| line.strip_prefix("## "));
    let entry = first.unwrap_or_default();
    if !version.is_empty() && entry.split(' ').next() == Some(version) {
        return Vec::new();
    }
    vec![format!(
        "the version is {version:?}, the first entry of CHANGELOG.md is {entry:?}"
    )]
}

/// What stands between a section's head and the next one.
fn section<'a>(manifest: &'a str, head: &str) -> Option<&'a str> {
    let (before, after) = manifest.split_once(head)?;
    let at_line_start = before.is_empty() || before.ends_with('\n');
    let end = after.find("\n[").unwrap_or(after.len());
    at_line_start.then(|| &after[..end])
}

#[cfg(test)]
mod tests {
    use super::super::file;
    use super::{changelog, lints};

    #[test]
    fn a_crate_without_the_lints_is_a_fault() {
        let with = file(
            "crates/a/Cargo.toml",
            "[package]\n\n[lints]\nworkspace = true\n",
        );
        let without = file(
            "crates/b/Cargo.toml",
            "[package]\nedition.workspace = true\n",
        );
        let faults = lints(&[with, without]);
        assert_eq!(
            faults,
            ["crates/b/Cargo.toml lacks `[lints] workspace = true`"]
        );
    }

    #[test]
    fn the_first_entry_has_the_version() {
        let manifest = "[workspace.package]\nversion = \"0.2.0\"\n\n[other]\nversion = \"9\"\n";
        let check = |entry: &str| {
            let changes = file(
                "CHANGELOG.md",
                &format!("# Changes\n\n## {entry}\n\n## 0.1.0\n"),
            );
            changelog(&[file("Cargo.toml", manifest), changes])
        };
        assert!(check("0.2.0 (unreleased)").is_empty());
        assert!(check("0.2.0").is_empty());
        assert_eq!(check("0.1.0").len(), 1);
    }
}
