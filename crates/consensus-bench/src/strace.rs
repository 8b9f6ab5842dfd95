//! Counts system calls by `strace -c`, where that is installed and allowed.

use crate::clock;
use crate::failure::Failure;
use rustix::process::{Pid, Signal, kill_process};
use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// How often each system call was made.
#[derive(Debug, Default)]
pub(crate) struct Calls(BTreeMap<String, u64>);

impl Calls {
    pub(crate) fn of(&self, name: &str) -> u64 {
        self.0.get(name).copied().unwrap_or_default()
    }

    pub(crate) fn total(&self) -> u64 {
        self.0.values().sum()
    }

    /// The most frequent ones first.
    pub(crate) fn by_frequency(&self) -> Vec<(&str, u64)> {
        let mut calls: Vec<_> = self.0.iter().map(|(name, n)| (name.as_str(), *n)).collect();
        calls.sort_by_key(|(_, n)| std::cmp::Reverse(*n));
        calls
    }

    /// A line a call: share of time, seconds, microseconds a call, calls, perhaps errors, name.
    fn parse(summary: &str) -> Self {
        let call = |line: &str| {
            let words: Vec<&str> = line.split_whitespace().collect();
            let name = words.last().filter(|name| **name != "total")?;
            // Heads and rules have no number there.
            let count = words.get(3)?.parse().ok()?;
            Some(((*name).to_owned(), count))
        };
        Self(summary.lines().filter_map(call).collect())
    }
}

/// Whether it is there.
pub(crate) fn is_installed() -> bool {
    let version = Command::new("strace")
        .arg("--version")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    version.is_ok_and(|status| status.success())
}

/// Counts the calls of this name that a command makes, from its start to its end.
pub(crate) fn count_in(command: &Command, name: &str) -> Result<Calls, Failure> {
    let output = output_file();
    let mut strace = Command::new("strace");
    // The filter keeps all other calls at their speed.
    strace
        .args(["-f", "--seccomp-bpf", "-c", "-o"])
        .arg(&output);
    strace.args(["-e", &format!("trace={name}")]);
    strace.arg(command.get_program()).args(command.get_args());
    let status = strace
        .status()
        .map_err(|error| Failure::cannot("run strace", error))?;
    if !status.success() {
        return Err(Failure::new(format!("strace failed: {status}")));
    }
    read(&output)
}

/// Counts every call that a running process makes in this time.
pub(crate) fn count_during(process: u32, time: Duration) -> Result<Calls, Failure> {
    let output = output_file();
    let mut strace = Command::new("strace");
    strace.args(["-f", "-q", "-c", "-o"]).arg(&output);
    strace.args(["-p", &process.to_string()]);
    let mut strace = strace
        .stderr(Stdio::null())
        .spawn()
        .map_err(|error| Failure::cannot("run strace", error))?;
    clock::pause(time);
    interrupt(&mut strace)?;
    read(&output)
}

/// It then lets the process go and writes its summary.
fn interrupt(strace: &mut Child) -> Result<(), Failure> {
    let failed = |error: std::io::Error| Failure::cannot("end strace", error);
    if let Some(pid) = i32::try_from(strace.id()).ok().and_then(Pid::from_raw) {
        kill_process(pid, Signal::INT).map_err(|errno| failed(errno.into()))?;
    }
    strace.wait().map(drop).map_err(failed)
}

fn output_file() -> PathBuf {
    std::env::temp_dir().join(format!("consensus-bench-{}.strace", std::process::id()))
}

fn read(output: &PathBuf) -> Result<Calls, Failure> {
    let failed = |error| Failure::cannot("read what strace wrote", error);
    let summary = fs::read_to_string(output).map_err(failed)?;
    fs::remove_file(output).map_err(failed)?;
    Ok(Calls::parse(&summary))
}

#[cfg(test)]
mod tests {
    use super::Calls;

    #[test]
    fn a_summary_is_read_with_and_without_errors() {
        let calls = Calls::parse(
            "% time     seconds  usecs/call     calls    errors syscall\n\
             ------ ----------- ----------- --------- --------- ----------------\n\
              87.50    0.000007           0        12         4 futex\n\
              12.50    0.000001           1         1           read\n\
             ------ ----------- ----------- --------- --------- ----------------\n\
             100.00    0.000008           0        13         4 total\n",
        );
        assert_eq!(calls.by_frequency(), [("futex", 12), ("read", 1)]);
        assert_eq!(
            (calls.of("futex"), calls.of("write"), calls.total()),
            (12, 0, 13)
        );
    }
}
