//! Where an election takes place: a URL becomes a store. A new kind of store is one more row in each
//! `match` of this file, and nothing elsewhere.

use crate::say::plain;
use consensus::file::{FileStore, ProofOfLife};
use consensus::store::{Claim, Proof, Record, RecordBackend, Store};
use consensus::{Backend, Config, Error, ErrorKind, Manager};
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

const KNOWN: &str = "write file:PATH, such as file:/run/app/leader.json (kubernetes://NAMESPACE/NAME \
                     is coming)";

/// The place of an election.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Url {
    /// A file on this machine. Absolute: the command may change its folder.
    File(PathBuf),
}

/// The proof that a leader lives, where a store has one.
#[derive(Clone, Debug)]
pub(crate) enum Life {
    File(ProofOfLife),
}

impl Life {
    /// The descriptors that hold it now.
    pub(crate) fn descriptors(&self) -> io::Result<Vec<OwnedFd>> {
        match self {
            Self::File(life) => life.descriptors(),
        }
    }
}

/// What one look at a record shows.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) record: Option<Record>,
    pub(crate) proof: Proof,
}

impl Url {
    /// Reads a URL. The error says what to write instead.
    pub(crate) fn parse(text: &OsStr) -> Result<Self, String> {
        let bytes = text.as_bytes();
        let Some(path) = bytes.strip_prefix(b"file:") else {
            let scheme = bytes.split(|byte| *byte == b':').next();
            return Err(match scheme {
                Some(scheme) if scheme.len() < bytes.len() => {
                    let scheme = plain(&String::from_utf8_lossy(scheme));
                    format!("{scheme}: is no store that this version knows; {KNOWN}")
                }
                Some(_) | None => format!("this names no store; {KNOWN}"),
            });
        };
        // `file:///x` is how RFC 8089 writes a path; `file://x/y` would be a file on the host x.
        let path = match path.strip_prefix(b"//") {
            Some(local) if local.starts_with(b"/") => local,
            Some(_) => return Err(format!("a file on another machine is no store; {KNOWN}")),
            None => path,
        };
        if path.is_empty() {
            return Err(format!("the path is missing; {KNOWN}"));
        }
        let path = PathBuf::from(OsStr::from_bytes(path));
        let path = std::path::absolute(&path).map_err(|error| {
            format!("{error}: the path is relative to a folder that is gone; {KNOWN}")
        })?;
        Ok(Self::File(path))
    }

    /// Whether there can be an election here at all. For the start only: what goes missing later is
    /// an outage, and outages are waited for.
    pub(crate) fn check(&self) -> Result<(), Error> {
        match self {
            Self::File(path) => {
                let folder = path.parent().unwrap_or(Path::new("/"));
                match folder.metadata() {
                    Err(error) if error.kind() == io::ErrorKind::NotFound => {
                        let folder = folder.display();
                        let message = format!(
                            "the folder {folder} is missing; create it, or name a file elsewhere"
                        );
                        Err(Error::new(ErrorKind::Invalid, message))
                    }
                    // The store says it better.
                    Ok(_) | Err(_) => Ok(()),
                }
            }
        }
    }

    /// An election in this place, which has not been started, and its proof of life. The heir is told what
    /// this candidate may hold.
    pub(crate) fn manager(
        &self,
        config: Config,
        heir: impl FnMut(Claim) + Send + 'static,
    ) -> Result<(Manager, Life), Error> {
        match self {
            Self::File(path) => {
                let store = FileStore::new(path);
                let life = Life::File(store.proof_of_life());
                let backend = RecordBackend::over(store).with_heir(heir);
                Ok((Manager::new(backend, config)?, life))
            }
        }
    }

    /// Releases what a candidate that is dead may hold, if it still does.
    pub(crate) async fn release(&self, claim: Claim) -> Result<(), Error> {
        let Some(candidate) = claim.candidate() else {
            return Ok(());
        };
        match self {
            Self::File(path) => {
                let mut backend = RecordBackend::over(FileStore::new(path)).inheriting(claim);
                backend.release(&candidate).await
            }
        }
    }

    /// One look at the record, which creates nothing.
    pub(crate) async fn look(&self) -> Result<Seen, Error> {
        match self {
            Self::File(path) => {
                let seen = FileStore::onlooker(path).load().await?;
                Ok(Seen {
                    record: seen.record,
                    proof: seen.proof,
                })
            }
        }
    }

    /// The URL as the command is told it.
    pub(crate) fn to_os_string(&self) -> OsString {
        match self {
            Self::File(path) => {
                let mut url = b"file:".to_vec();
                url.extend_from_slice(path.as_os_str().as_bytes());
                OsString::from_vec(url)
            }
        }
    }
}

impl fmt::Display for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&plain(&self.to_os_string().to_string_lossy()))
    }
}

#[cfg(test)]
mod tests {
    use super::Url;
    use std::ffi::OsStr;

    #[test]
    fn a_path_is_read_in_each_of_its_spellings() {
        let read = |text: &str| Url::parse(OsStr::new(text)).expect(text).to_string();
        assert_eq!(read("file:/run/x"), "file:/run/x");
        assert_eq!(read("file:///run/x"), "file:/run/x");
        assert!(read("file:x").ends_with("/x"), "made absolute");
    }

    #[test]
    fn what_is_no_store_is_refused_with_what_is() {
        let rows = [
            ("/run/x", "names no store"),
            ("", "names no store"),
            ("kubernetes://a/b", "kubernetes: is no store"),
            ("ev\u{1b}il:x", "ev\\u{1b}il: is no store"),
            ("file:", "path is missing"),
            ("file://host/x", "another machine"),
        ];
        for (text, why) in rows {
            let error = Url::parse(OsStr::new(text)).expect_err(text);
            assert!(
                error.contains(why) && error.contains("file:PATH"),
                "{error}"
            );
        }
    }
}
