//! The copy of the project that mutants are made in. Only what differs is written, so that the next
//! run builds only what has changed.

use crate::shell::Failure;
use crate::workspace::Workspace;
use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::{fs, io};

/// Makes the folder hold the project's files, and no others.
pub(super) fn bring_up_to_date(workspace: &Workspace, tree: &Path) -> Result<(), Failure> {
    let wanted = workspace.files()?;
    synchronise(workspace.root(), tree, &wanted)
        .map_err(|error| Failure::new(format!("cannot copy to {}: {error}", tree.display())))
}

fn synchronise(from: &Path, to: &Path, wanted: &[String]) -> io::Result<()> {
    let expected: HashSet<PathBuf> = wanted.iter().map(|name| to.join(name)).collect();
    fs::create_dir_all(to)?;
    for path in files_below(to)? {
        if !expected.contains(&path) {
            fs::remove_file(path)?;
        }
    }
    for name in wanted {
        let (source, copy) = (from.join(name), to.join(name));
        if fs::read(&copy).is_ok_and(|old| fs::read(&source).is_ok_and(|new| new == old)) {
            continue;
        }
        if let Some(folder) = copy.parent() {
            fs::create_dir_all(folder)?;
        }
        fs::copy(source, copy)?;
    }
    Ok(())
}

fn files_below(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            files.extend(files_below(&entry.path())?);
        } else {
            files.push(entry.path());
        }
    }
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::{files_below, synchronise};
    use std::fs;

    #[test]
    fn the_copy_holds_the_wanted_files_as_they_are_and_no_others() {
        let base = std::env::temp_dir().join(format!("xtask-copy-{}", std::process::id()));
        let (from, to) = (base.join("from"), base.join("to"));
        for folder in [from.join("a"), to.clone()] {
            fs::create_dir_all(folder).expect("a temporary folder");
        }
        fs::write(from.join("a/kept"), "new").expect("a file");
        fs::write(from.join("ignored"), "").expect("a file");
        fs::write(to.join("gone"), "old").expect("a file");
        synchronise(&from, &to, &["a/kept".to_owned()]).expect("it can be copied");
        assert_eq!(files_below(&to).expect("it is there"), [to.join("a/kept")]);
        assert_eq!(fs::read(to.join("a/kept")).expect("it is there"), b"new");
        fs::remove_dir_all(base).expect("the temporary folder goes");
    }
}
