//! A Go module that needs programs of another one.
//!
//! Kubernetes and etcd are not meant to be depended on: their `go.mod` replaces inner modules by
//! folders beside it, which counts for nothing in a module that depends on it. The same modules are
//! published under matching versions, and those are named instead.

use crate::Failure;
use crate::servers::run;
use crate::toolchain::Toolchain;
use serde_json::Value;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

#[derive(Debug)]
pub(crate) struct Module<'a> {
    path: &'a str,
    version: &'a str,
    packages: &'a [String],
}

impl<'a> Module<'a> {
    pub(crate) fn new(path: &'a str, version: &'a str, packages: &'a [String]) -> Self {
        Self {
            path,
            version,
            packages,
        }
    }

    /// Writes a module of our own that needs it into this folder, and resolves what follows from it.
    pub(crate) fn write(&self, toolchain: &Toolchain, folder: &Path) -> Result<(), Failure> {
        let _ = fs::remove_dir_all(folder);
        fs::create_dir_all(folder)?;
        let wanted = format!("{}@{}", self.path, self.version);
        let told = run(toolchain
            .go(folder)
            .args(["mod", "download", "-json", &wanted]))?;
        let told: Value = serde_json::from_str(&told)?;
        let theirs = told["GoMod"]
            .as_str()
            .ok_or("go does not say where the module's go.mod is")?;
        fs::write(
            folder.join("go.mod"),
            self.manifest(&fs::read_to_string(theirs)?),
        )?;
        let mut imports = "//go:build tools\n\npackage tools\n".to_owned();
        for package in self.packages {
            let _ = write!(imports, "\nimport _ \"{package}\"\n");
        }
        fs::write(folder.join("tools.go"), imports)?;
        run(toolchain.go(folder).args(["mod", "tidy", "-e"]))?;
        Ok(())
    }

    fn manifest(&self, theirs: &str) -> String {
        let mut ours = "module testbed.invalid/servers\n".to_owned();
        for line in theirs.lines().filter(|line| line.starts_with("go ")) {
            let _ = writeln!(ours, "{line}");
        }
        let _ = writeln!(ours, "require {} {}", self.path, self.version);
        for line in theirs.lines() {
            let line = line.trim().trim_start_matches("replace ").trim();
            let Some((old, new)) = line.split_once(" => ") else {
                continue;
            };
            if old == self.path {
                continue;
            }
            if new.starts_with('.') {
                let _ = writeln!(ours, "replace {old} => {old} {}", self.inner_version());
            } else {
                let _ = writeln!(ours, "replace {line}");
            }
        }
        ours
    }

    /// Kubernetes v1.Y.Z publishes its inner modules as v0.Y.Z; others use one version for all.
    fn inner_version(&self) -> String {
        match self.path {
            "k8s.io/kubernetes" => self.version.replacen("v1.", "v0.", 1),
            _ => self.version.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Module;

    #[test]
    fn what_is_replaced_by_a_folder_is_replaced_by_its_published_version() {
        let theirs = "module k8s.io/kubernetes\n\ngo 1.26.0\n\nreplace (\n\
                      \tk8s.io/api => ./staging/src/k8s.io/api\n)\n\
                      replace example.org/a => example.org/b v1.2.3\n";
        let ours = Module::new("k8s.io/kubernetes", "v1.37.2", &[]).manifest(theirs);
        let wanted = "module testbed.invalid/servers\ngo 1.26.0\n\
                      require k8s.io/kubernetes v1.37.2\n\
                      replace k8s.io/api => k8s.io/api v0.37.2\n\
                      replace example.org/a => example.org/b v1.2.3\n";
        assert_eq!(ours, wanted);
    }
}
