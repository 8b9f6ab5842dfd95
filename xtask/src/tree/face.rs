//! The library's face: the names at its root. Few, so that one page shows them all; what only authors
//! of stores need is in modules.

use super::{Faults, File, text};

const MOST: usize = 17;

const LIBRARY: &str = "crates/consensus/src/lib.rs";

pub(super) fn root(files: &[File]) -> Faults {
    let names = names(files);
    let mut faults = Vec::new();
    if names.is_empty() {
        faults.push(format!("{LIBRARY} exports nothing"));
    }
    if names.len() > MOST {
        faults.push(format!(
            "{LIBRARY} has {}: {}",
            names.len(),
            names.join(", ")
        ));
    }
    if names.iter().any(|name| name == "*") {
        faults.push(format!("{LIBRARY} exports by `*`: name what is public"));
    }
    faults
}

/// The names of every `pub use` at the root, sorted. One within a module stands further right.
pub(super) fn names(files: &[File]) -> Vec<String> {
    let text = format!("\n{}", text(files, LIBRARY));
    let paths = text.split("\npub use ").skip(1);
    let lists = paths.filter_map(|path| {
        let (path, _) = path.split_once(';')?;
        Some(path.rsplit_once('{').map_or(path, |(_, list)| list))
    });
    let mut names: Vec<String> = lists
        .flat_map(|list| list.split(',').filter_map(exported))
        .collect();
    names.sort_unstable();
    names
}

/// The name that `a::b::Name` or `Name as Other` brings.
fn exported(item: &str) -> Option<String> {
    let item = item.trim().trim_end_matches('}').trim_end();
    let renamed = item.rsplit(" as ").next()?;
    let name = renamed.rsplit("::").next()?.trim();
    (!name.is_empty()).then(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::super::file;
    use super::{LIBRARY, names, root};

    #[test]
    fn every_name_at_the_root_is_counted() {
        let text = "//! pub use nothing::Here;\nmod a;\npub use a::{B, C as D,\n    e::F};\n\
                    #[cfg(unix)]\npub use g::H;\nuse i::J;\npub mod k {\n    pub use l::M;\n}\n";
        assert_eq!(names(&[file(LIBRARY, text)]), ["B", "D", "F", "H"]);
    }

    #[test]
    fn too_many_names_and_a_glob_are_faults() {
        let many: Vec<String> = (0..18).map(|number| format!("N{number}")).collect();
        let many = format!("pub use a::{{{}}};", many.join(", "));
        assert_eq!(root(&[file(LIBRARY, &many)]).len(), 1);
        assert_eq!(root(&[file(LIBRARY, "pub use a::*;")]).len(), 1);
        assert!(root(&[file(LIBRARY, "pub use a::B;")]).is_empty());
    }
}
