//! The candidate by client-go's elector, `client-go/` beside this folder: tests set it beside ours.

use crate::Failure;
use crate::servers::run;
use crate::toolchain::Toolchain;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// Where its program is, built if anything of it has changed.
///
/// # Errors
/// If there is no Go, or its proxy cannot be reached, or the build fails: with the end of its output.
pub fn client_go_elector() -> Result<&'static Path, Failure> {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    if let Some(built) = BUILT.get() {
        return Ok(built);
    }
    let built = build()?;
    Ok(BUILT.get_or_init(|| built))
}

fn build() -> Result<PathBuf, Failure> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("client-go");
    let folder = Path::new(env!("OUT_DIR"));
    // Two of these at once wait for each other.
    let lock = File::create(folder.join("client-go.lock"))?;
    lock.lock()?;
    let program = folder.join("client-go-elector");
    let mut build = Toolchain::find()?.go(&source);
    build.args(["build", "-buildvcs=false", "-trimpath", "-ldflags=-s -w"]);
    run(build.arg("-o").arg(&program).arg("."))?;
    Ok(program)
}
