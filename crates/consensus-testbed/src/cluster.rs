//! One control plane: etcd and an API server, from start to end.
//!
//! A shell holds both (`holder.rs`), so that nothing is left behind even by a test process that was killed.
//! Ports are whatever is free: clusters run side by side. `control.rs` is how tests talk to it.

use crate::cache::{Cache, Server};
use crate::holder::Holder;
use crate::{Control, Failure};
use pem::Pem;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// How long a start may take on a machine that is busy with other things.
const PATIENCE: Duration = Duration::from_secs(60);

/// How often a start is tried: somebody else may take a port before its server does.
const TRIES: u32 = 3;

pub(crate) const TOKEN: &str = "administrator";

/// A running control plane. Dropping it ends it.
#[derive(Debug)]
pub struct Cluster {
    holder: Mutex<Holder>,
    folder: PathBuf,
    url: String,
    authority: String,
}

impl Cluster {
    /// The one of this process, started by the first call and ended with the process.
    ///
    /// # Panics
    /// If it cannot be started.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<Cluster> = OnceLock::new();
        SHARED.get_or_init(|| Self::start().unwrap_or_else(|failure| panic!("{failure}")))
    }

    /// Starts one, and returns when it is ready.
    ///
    /// # Errors
    /// If a server is missing or does not become ready: with the end of its log.
    pub fn start() -> Result<Self, Failure> {
        let cache = Cache::find();
        if !cache.has(&Server::CONTROL_PLANE) {
            let folder = cache.folder().display();
            return Err(
                format!("no API server in {folder}: `cargo xtask testbed` builds it").into(),
            );
        }
        let mut outcome = Err("never tried".into());
        for _ in 0..TRIES {
            outcome = Self::start_on(&cache, free_ports()?);
            if outcome.is_ok() {
                break;
            }
        }
        outcome
    }

    fn start_on(cache: &Cache, [api, client, peer]: [u16; 3]) -> Result<Self, Failure> {
        let folder = tempfile::Builder::new()
            .prefix("testbed-")
            .tempdir()?
            .keep();
        let keys = write_keys(&folder)?;
        let tokens = folder.join("tokens.csv");
        fs::write(&tokens, format!("{TOKEN},admin,admin,system:masters\n"))?;
        let etcd = cache.path(Server::Etcd).display().to_string();
        let api_server = cache.path(Server::ApiServer).display().to_string();
        let mut lines = vec![etcd];
        lines.extend(etcd_flags(&folder, client, peer));
        lines.extend(["--".to_owned(), api_server]);
        lines.extend(api_server_flags(&folder, &keys, &tokens, api, client));
        let holder = Holder::start(&folder, &lines)?;
        let mut cluster = Self {
            holder: Mutex::new(holder),
            folder,
            url: format!("https://127.0.0.1:{api}"),
            authority: String::new(),
        };
        cluster.authority = cluster.wait()?;
        Ok(cluster)
    }

    /// Waits until it is ready, and returns the certificate that its clients trust.
    fn wait(&self) -> Result<String, Failure> {
        let began = Instant::now();
        let certificate = self.folder.join("pki/apiserver.crt");
        loop {
            let authority = fs::read_to_string(&certificate).unwrap_or_default();
            let control = Control::new(&self.kubeconfig_for(&authority, &self.url, TOKEN));
            if authority.contains("END CERTIFICATE") && control.is_ready() {
                control.prepare()?;
                return Ok(authority);
            }
            for server in Server::CONTROL_PLANE {
                let process = self.holder().process(server);
                if has_ended(process) || began.elapsed() > PATIENCE {
                    let log = self.folder.join(format!("{}.log", server.name()));
                    let log = fs::read_to_string(log).unwrap_or_default();
                    let lines: Vec<&str> = log.lines().collect();
                    let end = lines[lines.len().saturating_sub(15)..].join("\n");
                    return Err(format!("the API server does not become ready:\n{end}").into());
                }
            }
            thread::sleep(Duration::from_millis(50));
        }
    }

    /// Where the API server listens.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The token of somebody who may do everything.
    pub fn admin_token(&self) -> &str {
        TOKEN
    }

    /// Its folder, which goes when it ends.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Tests' own way to talk to it, as somebody who may do everything.
    pub fn control(&self) -> Control {
        Control::new(&self.kubeconfig(&self.url, TOKEN))
    }

    /// How a client reaches it at this address, with this token.
    pub fn kubeconfig(&self, url: &str, token: &str) -> String {
        self.kubeconfig_for(&self.authority, url, token)
    }

    fn kubeconfig_for(&self, authority: &str, url: &str, token: &str) -> String {
        let certificate = self.folder.join("pki/apiserver.crt");
        let certificate = (!authority.is_empty()).then_some(&*certificate);
        kubeconfig(url, certificate, token)
    }

    /// Sends a signal, by its name for `kill`, to one of the two servers.
    ///
    /// # Panics
    /// If it has ended, or is none of them.
    pub fn signal(&self, server: Server, signal: &str) {
        let process = self.holder().process(server);
        let sent = Command::new("kill")
            .args(["-s", signal, &process.to_string()])
            .status();
        assert!(
            sent.is_ok_and(|status| status.success()),
            "{} has ended",
            server.name()
        );
    }

    /// Kills one of the two servers, and returns when it has ended.
    ///
    /// # Panics
    /// If it is none of them.
    pub fn end(&self, server: Server) {
        let ended = self.holder().end(server);
        ended.unwrap_or_else(|failure| panic!("{failure}"));
    }

    /// Starts a server that has ended, with the data and on the port that it had, and returns when the
    /// cluster is ready.
    ///
    /// # Panics
    /// If it does not become ready.
    pub fn start_again(&self, server: Server) {
        let started = self.holder().start_again(server);
        let ready = started.and_then(|()| self.wait());
        ready.unwrap_or_else(|failure| panic!("{failure}"));
    }

    fn holder(&self) -> MutexGuard<'_, Holder> {
        self.holder.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How a client reaches an API server at this address, whom it trusts, and as whom.
pub(crate) fn kubeconfig(url: &str, authority: Option<&Path>, token: &str) -> String {
    let cluster = match authority {
        None => serde_json::json!({ "server": url }),
        Some(file) => serde_json::json!({ "server": url, "certificate-authority": file }),
    };
    let user = match token {
        "" => serde_json::json!({}),
        _ => serde_json::json!({ "token": token }),
    };
    let config = serde_json::json!({
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{ "name": "testbed", "cluster": cluster }],
        "users": [{ "name": "user", "user": user }],
        "contexts": [{ "name": "testbed", "context": { "cluster": "testbed", "user": "user" } }],
        "current-context": "testbed",
    });
    config.to_string()
}

/// A child of the shell stays there, as a zombie, until the shell ends.
fn has_ended(process: u32) -> bool {
    let state = fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    let state = state.rsplit(") ").next().unwrap_or_default();
    state.is_empty() || state.starts_with('Z')
}

fn free_ports() -> Result<[u16; 3], Failure> {
    // All at once, so that they differ.
    let listen = || TcpListener::bind("127.0.0.1:0");
    let listeners = [listen()?, listen()?, listen()?];
    let mut ports = [0; 3];
    for (port, listener) in ports.iter_mut().zip(&listeners) {
        *port = listener.local_addr()?.port();
    }
    Ok(ports)
}

/// What stands before a point of the curve P-256 in a public key (RFC 5480).
const PUBLIC_KEY: [u8; 26] = [
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a,
    0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
];

/// What service accounts' tokens are signed with, and verified with: two files in this folder.
pub(crate) fn write_keys(folder: &Path) -> Result<[PathBuf; 2], Failure> {
    let (how, random) = (&ECDSA_P256_SHA256_FIXED_SIGNING, SystemRandom::new());
    let no_key = |_| "the system gives no randomness";
    let key = EcdsaKeyPair::generate_pkcs8(how, &random).map_err(no_key)?;
    let pair = EcdsaKeyPair::from_pkcs8(how, key.as_ref(), &random);
    let pair = pair.map_err(|_| "a key that was just made is refused")?;
    let public = [&PUBLIC_KEY, pair.public_key().as_ref()].concat();
    let keys = [folder.join("accounts.key"), folder.join("accounts.pub")];
    fs::write(
        &keys[0],
        pem::encode(&Pem::new("PRIVATE KEY", key.as_ref())),
    )?;
    fs::write(&keys[1], pem::encode(&Pem::new("PUBLIC KEY", public)))?;
    Ok(keys)
}

fn etcd_flags(folder: &Path, client: u16, peer: u16) -> Vec<String> {
    let (client, peer) = (
        format!("http://127.0.0.1:{client}"),
        format!("http://127.0.0.1:{peer}"),
    );
    vec![
        format!("--data-dir={}", folder.join("etcd").display()),
        format!("--listen-client-urls={client}"),
        format!("--advertise-client-urls={client}"),
        format!("--listen-peer-urls={peer}"),
        format!("--initial-advertise-peer-urls={peer}"),
        format!("--initial-cluster=default={peer}"),
        // Its data does not outlive it.
        "--unsafe-no-fsync".to_owned(),
    ]
}

fn api_server_flags(
    folder: &Path,
    [key, public_key]: &[PathBuf; 2],
    tokens: &Path,
    api: u16,
    etcd: u16,
) -> Vec<String> {
    let (key, tokens) = (key.display(), tokens.display());
    vec![
        format!("--etcd-servers=http://127.0.0.1:{etcd}"),
        format!("--secure-port={api}"),
        "--bind-address=127.0.0.1".to_owned(),
        // It makes its own certificate there.
        format!("--cert-dir={}", folder.join("pki").display()),
        format!("--token-auth-file={tokens}"),
        "--authorization-mode=RBAC".to_owned(),
        "--service-account-issuer=https://kubernetes.default.svc".to_owned(),
        format!("--service-account-key-file={}", public_key.display()),
        format!("--service-account-signing-key-file={key}"),
        "--service-cluster-ip-range=10.0.0.0/24".to_owned(),
        // Nothing in the cluster looks for it: this address is for documents.
        "--advertise-address=192.0.2.1".to_owned(),
        "--endpoint-reconciler-type=none".to_owned(),
    ]
}
