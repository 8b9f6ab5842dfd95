//! Where everything is: the repository's root, its files, and the folder for what is built.

use crate::shell::{self, Failure};
use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

pub(crate) struct Workspace {
    root: PathBuf,
    target: PathBuf,
}

impl Workspace {
    pub(crate) fn find() -> Result<Self, Failure> {
        let manifest = env::var_os("CARGO_MANIFEST_DIR").ok_or_else(|| {
            Failure::new("cargo did not say where this is: run it as `cargo xtask`")
        })?;
        let root = Path::new(&manifest).parent().map(Path::to_path_buf);
        let root = root.ok_or_else(|| Failure::new("the workspace has no root folder"))?;
        let target = env::var_os("CARGO_TARGET_DIR").unwrap_or_else(|| "target".into());
        let target = root.join(target);
        Ok(Self { root, target })
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// The folder for what is built: nothing else is ever written to.
    pub(crate) fn target(&self) -> &Path {
        &self.target
    }

    /// Cargo, the same that runs us, at the root.
    pub(crate) fn cargo(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        command.args(args).current_dir(&self.root);
        command
    }

    /// The files that belong to the project, relative to the root: what git tracks, and what it
    /// would if it were told to. Sorted.
    pub(crate) fn files(&self) -> Result<Vec<String>, Failure> {
        let mut git = Command::new("git");
        git.current_dir(&self.root);
        git.args([
            "ls-files",
            "-z",
            "--cached",
            "--others",
            "--exclude-standard",
        ]);
        let listed = shell::capture(&mut git)?;
        if !listed.success {
            let output = listed.output;
            return Err(Failure::new(format!("git cannot list the files: {output}")));
        }
        let names = listed.output.split('\0').filter(|name| !name.is_empty());
        // What was deleted, and not yet committed so, is still listed.
        let there = names.filter(|name| self.root.join(name).is_file());
        let mut files: Vec<String> = there.map(str::to_owned).collect();
        files.sort_unstable();
        files.dedup();
        Ok(files)
    }
}
