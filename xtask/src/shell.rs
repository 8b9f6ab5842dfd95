//! Runs commands, and says which.

use std::fmt::{self, Write as _};
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

/// Why a step failed, for people to read.
#[derive(Debug)]
pub(crate) struct Failure(String);

impl Failure {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self(message.into())
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a command said, on both streams, and whether it succeeded.
pub(crate) struct Captured {
    pub(crate) success: bool,
    pub(crate) code: Option<i32>,
    pub(crate) output: String,
}

/// Runs a command for everybody to see.
pub(crate) fn run(command: &mut Command) -> Result<(), Failure> {
    println!("$ {}", shown(command));
    let status = command
        .status()
        .map_err(|error| cannot_run(command, &error))?;
    if status.success() {
        return Ok(());
    }
    Err(Failure::new(format!("`{}`: {status}", shown(command))))
}

/// Runs tests for everybody to see, and demands that there was at least one: a filter that matches
/// nothing passes too.
pub(crate) fn run_tests(command: &mut Command) -> Result<(), Failure> {
    println!("$ {}", shown(command));
    let spawned = command.stdout(Stdio::piped()).spawn();
    let mut child = spawned.map_err(|error| cannot_run(command, &error))?;
    let mut passed = 0;
    for line in child
        .stdout
        .take()
        .into_iter()
        .flat_map(|out| BufReader::new(out).lines())
    {
        let line = line.map_err(|error| cannot_run(command, &error))?;
        println!("{line}");
        passed += passed_tests(&line);
    }
    let status = child.wait().map_err(|error| cannot_run(command, &error))?;
    if !status.success() {
        return Err(Failure::new(format!("`{}`: {status}", shown(command))));
    }
    if passed == 0 {
        return Err(Failure::new(format!("`{}` ran no test", shown(command))));
    }
    Ok(())
}

/// Runs a command and keeps what it says.
pub(crate) fn capture(command: &mut Command) -> Result<Captured, Failure> {
    let done = command.stdin(Stdio::null()).output();
    let done = done.map_err(|error| cannot_run(command, &error))?;
    let mut output = String::from_utf8_lossy(&done.stdout).into_owned();
    output.push_str(&String::from_utf8_lossy(&done.stderr));
    Ok(Captured {
        success: done.status.success(),
        code: done.status.code(),
        output,
    })
}

/// How many tests passed, by the closing lines of their runners.
pub(crate) fn passed_tests(output: &str) -> u64 {
    let closing = output
        .lines()
        .filter_map(|line| line.strip_prefix("test result: "));
    let counts = closing.filter_map(|line| {
        let (before, _) = line.split_once(" passed")?;
        before.rsplit(' ').next()?.parse::<u64>().ok()
    });
    counts.sum()
}

/// The command as one would type it.
pub(crate) fn shown(command: &Command) -> String {
    let mut text = String::new();
    for (name, value) in command.get_envs() {
        if let Some(value) = value {
            let (name, value) = (name.to_string_lossy(), value.to_string_lossy());
            let _ = write!(text, "{name}={value:?} ");
        }
    }
    let program = command.get_program().to_string_lossy();
    text.push_str(program.rsplit('/').next().unwrap_or_default());
    for arg in command.get_args() {
        let _ = write!(text, " {}", arg.to_string_lossy());
    }
    text
}

fn cannot_run(command: &Command, error: &std::io::Error) -> Failure {
    Failure::new(format!("cannot run `{}`: {error}", shown(command)))
}

#[cfg(test)]
mod tests {
    use super::{passed_tests, run, run_tests, shown};
    use std::process::Command;

    #[test]
    fn passed_tests_are_counted_over_all_runners() {
        let output = "test a ... ok\n\ntest result: ok. 12 passed; 0 failed; 1 ignored\n\
                      noise\ntest result: FAILED. 3 passed; 1 failed; 0 ignored\n";
        assert_eq!(passed_tests(output), 15);
        assert_eq!(passed_tests("nothing to see"), 0);
    }

    #[test]
    fn a_command_is_shown_as_one_would_type_it() {
        let mut command = Command::new("/usr/bin/cargo");
        command
            .args(["doc", "--no-deps"])
            .env("RUSTDOCFLAGS", "-D warnings");
        assert_eq!(
            shown(&command),
            "RUSTDOCFLAGS=\"-D warnings\" cargo doc --no-deps"
        );
    }

    #[test]
    fn failing_and_missing_commands_are_failures() {
        assert!(run(&mut Command::new("true")).is_ok());
        assert!(run(&mut Command::new("false")).is_err());
        assert!(run(&mut Command::new("no-such-command-anywhere")).is_err());
    }

    #[test]
    fn a_test_run_without_a_test_is_a_failure() {
        let mut none = Command::new("echo");
        assert!(run_tests(none.arg("test result: ok. 0 passed; 0 failed")).is_err());
        let mut one = Command::new("echo");
        assert!(run_tests(one.arg("test result: ok. 1 passed; 0 failed")).is_ok());
    }
}
