//! Where an election takes place: a URL becomes a store. A new kind of store is one more row in each
//! `match` of this file, and nothing elsewhere.

use crate::say::plain;
use consensus::file::{FileStore, ProofOfLife};
use consensus::store::{Claim, Proof, Record, RecordBackend, Store};
use consensus::{Backend, Config, Error, ErrorKind, Manager};
use consensus_kubernetes::{Cluster, KubernetesStore};
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

const KNOWN: &str = "write file:PATH, such as file:/run/app/leader.json, or \
                     kubernetes://NAMESPACE/NAME, such as kubernetes://default/app";

const FILE: &[u8] = b"file:";
const KUBERNETES: &[u8] = b"kubernetes://";

/// The place of an election.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Url {
    /// A file on this machine. Absolute: the command may change its folder.
    File(PathBuf),
    /// A Lease in a Kubernetes cluster.
    Kubernetes(Place),
}

/// A Lease, and in which cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    namespace: String,
    name: String,
    /// Of the kubeconfig. `None`: the cluster that we run in, or else the current one.
    context: Option<String>,
}

/// The proof that a leader lives, where a store has one.
#[derive(Clone, Debug)]
pub(crate) enum Life {
    File(ProofOfLife),
    /// A Lease proves nobody's life.
    None,
}

impl Life {
    /// The descriptors that hold it now.
    pub(crate) fn descriptors(&self) -> io::Result<Vec<OwnedFd>> {
        match self {
            Self::File(life) => life.descriptors(),
            Self::None => Ok(Vec::new()),
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
        if let Some(path) = bytes.strip_prefix(FILE) {
            return Self::parse_file(path);
        }
        if let Some(place) = bytes.strip_prefix(KUBERNETES) {
            return Place::parse(&String::from_utf8_lossy(place)).map(Self::Kubernetes);
        }
        let scheme = bytes.split(|byte| *byte == b':').next();
        Err(match scheme {
            Some(scheme) if scheme.len() < bytes.len() => {
                let scheme = plain(&String::from_utf8_lossy(scheme));
                format!("{scheme}: is no store that this version knows; {KNOWN}")
            }
            Some(_) | None => format!("this names no store; {KNOWN}"),
        })
    }

    fn parse_file(path: &[u8]) -> Result<Self, String> {
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

    /// The same in this context of the kubeconfig. The error says why there is none.
    pub(crate) fn in_context(self, context: String) -> Result<Self, String> {
        match self {
            Self::File(_) => Err("--context is for kubernetes://NAMESPACE/NAME\n".into()),
            Self::Kubernetes(place) => {
                let context = Some(context);
                Ok(Self::Kubernetes(Place { context, ..place }))
            }
        }
    }

    /// Whether there can be an election here at all. For the start only: what goes missing later is
    /// an outage, and outages are waited for.
    pub(crate) fn check(&self) -> Result<(), Error> {
        match self {
            Self::File(path) => {
                let folder = folder_of(path);
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
            Self::Kubernetes(_) => Ok(()),
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
            Self::Kubernetes(place) => {
                let backend = place.store()?.into_backend().with_heir(heir);
                Ok((Manager::new(backend, config)?, Life::None))
            }
        }
    }

    /// Releases what a candidate that is dead may hold, if it still does.
    pub(crate) async fn release(&self, claim: Claim) -> Result<(), Error> {
        let Some(candidate) = claim.candidate() else {
            return Ok(());
        };
        match self {
            // With its folder the record is gone as well.
            Self::File(path) if !folder_of(path).exists() => Ok(()),
            Self::File(path) => {
                let mut backend =
                    RecordBackend::over(FileStore::new(path).unwatched()).inheriting(claim);
                backend.release(&candidate).await
            }
            Self::Kubernetes(place) => {
                let mut backend = place.store()?.into_backend().inheriting(claim);
                backend.release(&candidate).await
            }
        }
    }

    /// One look at the record, which creates nothing.
    pub(crate) async fn look(&self) -> Result<Seen, Error> {
        match self {
            Self::File(path) => {
                let seen = FileStore::onlooker(path).unwatched().load().await?;
                Ok(Seen {
                    record: seen.record,
                    proof: seen.proof,
                })
            }
            Self::Kubernetes(place) => {
                let seen = place.onlooker()?.load().await?;
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
                let path = path.as_os_str().as_bytes();
                // What begins with two slashes would name a host.
                let before: &[u8] = if path.starts_with(b"//") {
                    b"file://"
                } else {
                    b"file:"
                };
                let mut url = before.to_vec();
                url.extend_from_slice(path);
                OsString::from_vec(url)
            }
            Self::Kubernetes(place) => place.to_string().into(),
        }
    }
}

impl Place {
    /// What stands behind `kubernetes://`. A context is written as `?context=NAME`.
    fn parse(text: &str) -> Result<Self, String> {
        let (place, context) = match text.split_once("?context=") {
            Some((place, context)) => (place, Some(context.to_owned())),
            None => (text, None),
        };
        let (namespace, name) = place
            .split_once('/')
            .ok_or_else(|| format!("the Lease's name is missing; {KNOWN}"))?;
        let place = Self {
            namespace: namespace.to_owned(),
            name: name.to_owned(),
            context,
        };
        // The store knows which names there can be.
        place
            .store()
            .map_err(|error| format!("{}; {KNOWN}", plain(&error.to_string())))?;
        Ok(place)
    }

    fn cluster(&self) -> Cluster {
        match &self.context {
            Some(context) => Cluster::kubeconfig().context(context),
            None => Cluster::infer(),
        }
    }

    fn store(&self) -> Result<KubernetesStore, Error> {
        KubernetesStore::new(&self.cluster(), &self.namespace, &self.name)
    }

    fn onlooker(&self) -> Result<KubernetesStore, Error> {
        KubernetesStore::onlooker(&self.cluster(), &self.namespace, &self.name)
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "kubernetes://{}/{}", self.namespace, self.name)?;
        match &self.context {
            Some(context) => write!(f, "?context={context}"),
            None => Ok(()),
        }
    }
}

fn folder_of(path: &Path) -> &Path {
    path.parent().unwrap_or(Path::new("/"))
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
        for text in [
            "kubernetes://a/b",
            "kubernetes://a/b?context=arn:x:cluster/y",
        ] {
            assert_eq!(read(text), text);
        }
        assert_eq!(read(&read("file:////run/x")), read("file:////run/x"));
    }

    #[test]
    fn what_is_no_store_is_refused_with_what_is() {
        let rows = [
            ("/run/x", "names no store"),
            ("", "names no store"),
            ("etcd://a/b", "etcd: is no store"),
            ("kubernetes://a", "name is missing"),
            ("kubernetes://a/", "cannot be the name of a Lease"),
            ("kubernetes:///b", "cannot be the name of a namespace"),
            ("kubernetes://a/b/c", "cannot be the name of a Lease"),
            ("kubernetes:a/b", "kubernetes: is no store"),
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
