//! Where it was measured: without that, a figure says little. What is not known is said to be.

use crate::failure::Failure;
use rustix::fs::statfs;
use rustix::system::uname;
use std::fs;
use std::path::Path;

pub(crate) fn describe(folder: &Path) -> Result<String, Failure> {
    let system = uname();
    let processors = std::thread::available_parallelism().map_or(0, usize::from);
    let stats =
        statfs(folder).map_err(|error| Failure::cannot("look at the folder of records", error))?;
    Ok(format!(
        "{} {}, {processors} processors ({}); records on {}; load average at the start: {}",
        system.sysname().to_string_lossy(),
        system.release().to_string_lossy(),
        processor_model(),
        file_system(stats.f_type),
        load(),
    ))
}

/// Of the last one, five and fifteen minutes.
pub(crate) fn load() -> String {
    let line = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let words: Vec<&str> = line.split(' ').take(3).collect();
    if words.is_empty() {
        return "unknown".to_owned();
    }
    words.join(" ")
}

fn processor_model() -> String {
    let about = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let line = about.lines().find(|line| line.starts_with("model name"));
    let model = line.and_then(|line| line.split_once(": "));
    model.map_or("unknown", |(_, model)| model).to_owned()
}

/// The kernel's number of a file system, in words if it is a usual one.
fn file_system(number: rustix::fs::FsWord) -> String {
    let known = [
        (0xef53, "ext4"),
        (0x5846_5342, "xfs"),
        (0x9123_683e, "btrfs"),
        (0x0102_1994, "tmpfs"),
        (0x794c_7630, "overlayfs"),
    ];
    let name = known.iter().find(|(known, _)| *known == number);
    name.map_or_else(|| format!("{number:#x}"), |(_, name)| (*name).to_owned())
}
