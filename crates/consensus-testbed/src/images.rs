//! Images as people get them: built from a Dockerfile, with buildah, into an archive that a node loads.
//!
//! No registry is asked. The base images that a Dockerfile names are made here, once, of what this
//! machine has: Debian's own packages, and the toolchain that runs the tests. They stand in for those
//! of the same name, and everything above them is as it is elsewhere.

use crate::cache::Cache;
use crate::{Failure, servers::run};
use std::fs::{self, File, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Debian's release, of which the base images are.
const RELEASE: &str = "bookworm";

/// What the machine trusts.
const AUTHORITIES: &str = "/etc/ssl/certs/ca-certificates.crt";

/// The images of this machine's tests, apart from any others that are on it.
#[derive(Debug)]
pub struct Images {
    folder: PathBuf,
}

impl Images {
    /// Those in the cache's folder.
    ///
    /// # Errors
    /// If there can be no such folder.
    pub fn open(cache: &Cache) -> Result<Self, Failure> {
        let folder = cache.folder().join("images");
        for part in ["store", "run", "tmp"] {
            fs::create_dir_all(folder.join(part))?;
        }
        fs::write(
            folder.join("policy.json"),
            r#"{"default": [{"type": "insecureAcceptAnything"}]}"#,
        )?;
        fs::write(
            folder.join("registries.conf"),
            "unqualified-search-registries = []\n",
        )?;
        Ok(Self { folder })
    }

    /// Builds the image of the Dockerfile in this folder, and writes it into an archive. Two of these
    /// at once wait for each other.
    ///
    /// # Errors
    /// If a program is missing, or the build fails: with the end of its output.
    pub fn build(&self, context: &Path, tag: &str, archive: &Path) -> Result<(), Failure> {
        let lock = File::create(self.folder.join("lock"))?;
        lock.lock()?;
        let dockerfile = context.join("Dockerfile");
        for base in bases(&fs::read_to_string(&dockerfile)?) {
            self.make(&base)?;
        }
        let mut build = self.buildah("bud");
        build.args(["--isolation=chroot", "--pull-never"]);
        // What a step fetches comes by this machine's way.
        build.args(["--volume", &format!("{AUTHORITIES}:{AUTHORITIES}:ro")]);
        build.arg("--signature-policy").arg(self.policy());
        build.args(["--tag", tag, "--file"]).arg(&dockerfile);
        run(build.arg(context))?;
        // There is no way to write over one.
        let _ = fs::remove_file(archive);
        let mut push = self.buildah("push");
        push.arg("--quiet")
            .arg("--signature-policy")
            .arg(self.policy());
        push.arg(tag);
        push.arg(format!("docker-archive:{}:{tag}", archive.display()));
        run(&mut push)?;
        // What bore the tag before.
        run(self.buildah("rmi").arg("--prune")).map(drop)
    }

    /// Makes what a base image would bring, unless it is there.
    fn make(&self, name: &str) -> Result<(), Failure> {
        let (recipe, fill): (String, Fill) = if name.starts_with("docker.io/library/rust:") {
            (format!("rust {RELEASE} {}", toolchain()?), fill_with_rust)
        } else if name.starts_with("gcr.io/distroless/static") {
            ("static 1".to_owned(), fill_with_little)
        } else {
            return Err(format!("nothing here can stand in for the base image {name}").into());
        };
        // What it was made of: a newer toolchain makes another one.
        let format = "{{index .OCIv1.Config.Labels \"made.of\"}}";
        let mut inspect = self.buildah("inspect");
        inspect.args(["--type=image", "--format", format, name]);
        if run(&mut inspect).is_ok_and(|made| made.trim() == recipe) {
            return Ok(());
        }
        println!("{name} is made once, which may take a minute");
        let container = run(self.buildah("from").arg("scratch"))?;
        let container = container.trim();
        let root = run(self.buildah("mount").arg(container))?;
        if let Err(failure) = fill(Path::new(root.trim())) {
            run(self.buildah("rm").arg(container))?;
            return Err(failure);
        }
        let mut config = self.buildah("config");
        config.arg("--label").arg(format!("made.of={recipe}"));
        let path =
            "/usr/local/cargo/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
        config.arg("--env").arg(format!("PATH={path}"));
        config.args(["--env", "CARGO_HOME=/usr/local/cargo"]);
        run(config.arg(container))?;
        run(self.buildah("umount").arg(container))?;
        let mut commit = self.buildah("commit");
        commit
            .args(["--quiet", "--rm", "--signature-policy"])
            .arg(self.policy());
        run(commit.args([container, name])).map(drop)
    }

    fn buildah(&self, verb: &str) -> Command {
        let mut command = Command::new("nice");
        command.arg("buildah").stdin(Stdio::null());
        command.arg("--root").arg(self.folder.join("store"));
        command.arg("--runroot").arg(self.folder.join("run"));
        command.args(["--storage-driver=overlay", verb]);
        command.env(
            "CONTAINERS_REGISTRIES_CONF",
            self.folder.join("registries.conf"),
        );
        // There are the folders that steps keep (`--mount=type=cache`).
        command.env("TMPDIR", self.folder.join("tmp"));
        command
    }

    fn policy(&self) -> PathBuf {
        self.folder.join("policy.json")
    }
}

/// Puts what an image is made of into its folder.
type Fill = fn(&Path) -> Result<(), Failure>;

/// The images of `FROM` lines that no earlier line made.
fn bases(dockerfile: &str) -> Vec<String> {
    let mut made = Vec::new();
    let mut bases = Vec::new();
    for line in dockerfile
        .lines()
        .filter_map(|line| line.strip_prefix("FROM "))
    {
        let mut words = line.split_whitespace();
        let base = words.next().unwrap_or_default().to_owned();
        if base != "scratch" && !made.contains(&base) {
            bases.push(base);
        }
        made.extend(words.nth(1).map(str::to_owned));
    }
    bases
}

fn toolchain() -> Result<String, Failure> {
    let version = run(Command::new("rustc").arg("--version"))?;
    Ok(version.trim().to_owned())
}

/// Debian with a C compiler, and this machine's Rust.
fn fill_with_rust(root: &Path) -> Result<(), Failure> {
    let mut debian = Command::new("nice");
    debian.args(["debootstrap", "--variant=minbase"]);
    debian.arg("--include=ca-certificates,gcc,libc6-dev");
    run(debian.arg(RELEASE).arg(root))?;
    let sysroot = run(Command::new("rustc").args(["--print", "sysroot"]))?;
    let sysroot = Path::new(sysroot.trim());
    let home = root.join("usr/local/cargo");
    fs::create_dir_all(home.join("bin"))?;
    for part in ["bin", "lib", "libexec"] {
        if sysroot.join(part).exists() {
            let mut copy = Command::new("cp");
            run(copy.arg("--archive").arg(sysroot.join(part)).arg(&home))?;
        }
    }
    Ok(())
}

/// What a static program may look for: users, authorities, a place for temporary files.
fn fill_with_little(root: &Path) -> Result<(), Failure> {
    let files = [
        (
            "etc/passwd",
            "root:x:0:0::/root:/none\nnonroot:x:65532:65532::/home/nonroot:/none\n",
        ),
        ("etc/group", "root:x:0:\nnonroot:x:65532:\n"),
        ("etc/nsswitch.conf", "hosts: files dns\n"),
    ];
    for folder in ["etc/ssl/certs", "tmp", "home/nonroot", "root"] {
        fs::create_dir_all(root.join(folder))?;
    }
    for (path, text) in files {
        fs::write(root.join(path), text)?;
    }
    fs::set_permissions(root.join("tmp"), Permissions::from_mode(0o1777))?;
    fs::copy(AUTHORITIES, root.join(AUTHORITIES.trim_start_matches('/')))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::bases;

    #[test]
    fn a_base_is_what_a_dockerfile_did_not_make_itself() {
        let dockerfile = "FROM a:1 AS build\nRUN x\nFROM build AS more\nFROM b:2\nCOPY --from=build x y\nFROM scratch\n";
        assert_eq!(bases(dockerfile), ["a:1", "b:2"]);
    }
}
