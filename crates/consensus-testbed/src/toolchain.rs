//! Which Go builds the servers: the one on the path, or if that is too old, the one that it fetches.
//!
//! Go's toolchains are published as modules. Since 1.21 Go fetches them by itself, unless it is told
//! not to; older ones can fetch them all the same.

use crate::Failure;
use crate::servers::run;
use serde_json::Value;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// What the servers ask for.
const OLDEST_MINOR: u32 = 26;

/// What is fetched where the one on the path is older.
const FETCHED: &str = "1.26.8";

/// A Go that is new enough.
#[derive(Clone, Debug)]
pub(crate) struct Toolchain {
    program: PathBuf,
}

impl Toolchain {
    /// The one on the path, or one that it fetches.
    pub(crate) fn find() -> Result<Self, Failure> {
        let on_path = Self {
            program: "go".into(),
        };
        let anywhere = std::env::temp_dir();
        let said = run(on_path
            .go(&anywhere)
            .args(["env", "GOVERSION", "GOOS", "GOARCH"]))?;
        let mut words = said.split_whitespace();
        let (Some(version), Some(system), Some(machine)) =
            (words.next(), words.next(), words.next())
        else {
            return Err(format!("go does not say what it is, but {said:?}").into());
        };
        if minor(version).is_some_and(|minor| minor >= OLDEST_MINOR) {
            return Ok(on_path);
        }
        println!("{version} is too old for the servers: go{FETCHED} is fetched");
        let module = format!("golang.org/toolchain@v0.0.1-go{FETCHED}.{system}-{machine}");
        let told = run(on_path
            .go(&anywhere)
            .args(["mod", "download", "-json", &module]))?;
        let told: Value = serde_json::from_str(&told)?;
        let folder = told["Dir"]
            .as_str()
            .ok_or("go does not say where the toolchain is")?;
        let folder = Path::new(folder);
        // A module's files can be read, and no more.
        for programs in ["bin", "pkg/tool"] {
            make_executable(&folder.join(programs))?;
        }
        Ok(Self {
            program: folder.join("bin/go"),
        })
    }

    /// Go, in this folder, with lower priority than whoever waits for the machine.
    pub(crate) fn go(&self, folder: &Path) -> Command {
        let mut command = Command::new("nice");
        command
            .arg(&self.program)
            .current_dir(folder)
            .stdin(Stdio::null());
        // What is built is no part of a workspace above it, and by no other Go than this.
        command
            .env("GOWORK", "off")
            .env("GOTOOLCHAIN", "local")
            .env_remove("GOROOT");
        command
    }
}

/// The second number of `go1.26.8`.
fn minor(version: &str) -> Option<u32> {
    version
        .strip_prefix("go1.")?
        .split('.')
        .next()?
        .parse()
        .ok()
}

fn make_executable(folder: &Path) -> Result<(), Failure> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            make_executable(&path)?;
        } else {
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::minor;

    #[test]
    fn a_version_is_read_and_what_is_none_is_too_old() {
        assert_eq!(minor("go1.26.8"), Some(26));
        assert_eq!(minor("go1.19"), Some(19));
        assert_eq!(minor("devel +1234"), None);
    }
}
