//! Would a test notice? Known mistakes are put into a copy of the code, one at a time, and each has
//! to fail a test or the simulator.
//!
//! `mutants/table.rs` says where the mistakes are. First every command runs on the unchanged copy and has to
//! pass: a test that fails anyway kills everything. Then, for each mutant: change the one place, run,
//! judge (`mutants/verdict.rs`), change it back. A mutant that survives twice, that does not compile, or
//! whose place is not found exactly once, is a failure of this step.

mod copy;
mod election;
mod file;
mod kubernetes;
mod program;
mod simulated;
mod table;
mod units;
mod verdict;

use crate::shell::{self, Captured, Failure};
use crate::stopwatch::{Seconds, Stopwatch};
use crate::workspace::Workspace;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use table::Mutant;
use verdict::Verdict;

/// How long one mutant may take, building it included. One that hangs, and failed no test before, is not killed.
const LIMIT_SECONDS: &str = "300";

/// How long its tests wait for what never comes.
const PATIENCE_SECONDS: &str = "15";

pub(crate) fn run(workspace: &Workspace, names: &[String]) -> Result<(), Failure> {
    let chosen = choose(names)?;
    let folder = workspace.target().join("mutants");
    let tree = folder.join("tree");
    copy::bring_up_to_date(workspace, &tree)?;
    let workbench = Workbench {
        logs: folder.join("logs"),
        command: Box::new(|args: &[&str]| {
            let mut command = Command::new("timeout");
            command.args(["--kill-after=10", LIMIT_SECONDS]);
            command.arg(workspace.cargo(&[]).get_program()).args(args);
            command.env("CARGO_TARGET_DIR", folder.join("target"));
            command.env("TEST_PATIENCE_SECONDS", PATIENCE_SECONDS);
            command
        }),
        tree,
    };
    workbench.run(&chosen)
}

/// All mutants, or those with one of these words in their name.
fn choose(words: &[String]) -> Result<Vec<&'static Mutant>, Failure> {
    let all = table::all();
    if words.is_empty() {
        return Ok(all);
    }
    let wanted = |mutant: &&&Mutant| words.iter().any(|word| mutant.name.contains(word));
    let chosen: Vec<&Mutant> = all.iter().filter(wanted).copied().collect();
    if chosen.is_empty() {
        let names: Vec<&str> = all.iter().map(|mutant| mutant.name).collect();
        let names = names.join("\n  ");
        return Err(Failure::new(format!(
            "no mutant has such a name; there are\n  {names}"
        )));
    }
    Ok(chosen)
}

/// Where mutants are tried.
struct Workbench<'a> {
    /// The copy of the code.
    tree: PathBuf,
    /// What every mutant's command said, one file each.
    logs: PathBuf,
    command: Box<Cargo<'a>>,
}

/// Makes the command with these arguments.
type Cargo<'a> = dyn Fn(&[&str]) -> Command + 'a;

impl Workbench<'_> {
    fn run(&self, mutants: &[&Mutant]) -> Result<(), Failure> {
        fs::create_dir_all(&self.logs).map_err(|error| cannot_write(&self.logs, &error))?;
        self.run_unchanged(mutants)?;
        let (mut bad, mut late) = (Vec::new(), Vec::new());
        println!("  {:48} {:>10}  killed by", "mutant", "time");
        for mutant in mutants {
            let (mut verdict, mut time) = self.try_one(mutant, "log")?;
            if !matches!(verdict, Verdict::Killed(_)) {
                // Real servers and processes have moments of their own. Said, so that its test is mended.
                println!("  {:48} {time:>10}  {verdict}; once more", mutant.name);
                (verdict, time) = self.try_one(mutant, "again.log")?;
                late.push(mutant.name);
            }
            println!("  {:48} {time:>10}  {verdict}", mutant.name);
            if !matches!(verdict, Verdict::Killed(_)) {
                println!(
                    "    breaks promise {}; log: {}",
                    mutant.promise,
                    self.log(mutant, "log").display()
                );
                bad.push(format!("\n  {}: {verdict}", mutant.name));
            }
        }
        if !bad.is_empty() {
            return Err(Failure::new(format!(
                "{} of {} mutants were not killed by a test{}",
                bad.len(),
                mutants.len(),
                bad.concat()
            )));
        }
        println!("  all {} were killed", mutants.len());
        if !late.is_empty() {
            println!("  at the second try only, so its test is weak: {late:?}");
        }
        Ok(())
    }

    /// Every command that will be used passes, and runs at least one test, while nothing is changed.
    fn run_unchanged(&self, mutants: &[&Mutant]) -> Result<(), Failure> {
        let mut commands: Vec<&[&str]> = mutants.iter().map(|mutant| mutant.command).collect();
        commands.sort_unstable();
        commands.dedup();
        for args in commands {
            let watch = Stopwatch::start();
            let said = self.cargo(args)?;
            if let Some(why) = verdict::unfit(&said, args) {
                let (command, output) = (args.join(" "), &said.output);
                return Err(Failure::new(format!(
                    "unchanged, `cargo {command}` {why}:\n{output}"
                )));
            }
            println!(
                "  unchanged, `cargo {}` passes, {}",
                args.join(" "),
                watch.elapsed()
            );
        }
        Ok(())
    }

    fn try_one(&self, mutant: &Mutant, ending: &str) -> Result<(Verdict, Seconds), Failure> {
        let watch = Stopwatch::start();
        let path = self.tree.join(mutant.file);
        let original = fs::read_to_string(&path).map_err(|error| {
            Failure::new(format!(
                "{}: cannot read {}: {error}",
                mutant.name, mutant.file
            ))
        })?;
        let changed = match mutant.apply(&original) {
            Ok(changed) => changed,
            Err(why) => return Ok((Verdict::Unfit(why), watch.elapsed())),
        };
        fs::write(&path, changed).map_err(|error| cannot_write(&path, &error))?;
        let said = self.cargo(mutant.command);
        fs::write(&path, original).map_err(|error| cannot_write(&path, &error))?;
        let said = said?;
        let log = self.log(mutant, ending);
        fs::write(&log, &said.output).map_err(|error| cannot_write(&log, &error))?;
        Ok((verdict::judge(&said), watch.elapsed()))
    }

    fn cargo(&self, args: &[&str]) -> Result<Captured, Failure> {
        shell::capture((self.command)(args).current_dir(&self.tree))
    }

    fn log(&self, mutant: &Mutant, ending: &str) -> PathBuf {
        self.logs.join(format!("{}.{ending}", mutant.name))
    }
}

fn cannot_write(path: &Path, error: &std::io::Error) -> Failure {
    Failure::new(format!("cannot write {}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::{Mutant, Workbench};
    use std::fs;
    use std::path::Path;
    use std::process::Command;

    /// A project of one file, `answer`, and of one test: is it 42? A file that says `nonsense` does
    /// not compile.
    const TEST: &str = "case $(cat answer) in \
        42) echo 'test result: ok. 1 passed; 0 failed' ;; \
        nonsense) echo 'error: could not compile'; exit 101 ;; \
        *) echo 'test it_is_42 ... FAILED'; echo 'test result: FAILED. 0 passed'; exit 101 ;; esac";

    fn outcome(name: &str, content: &str, find: &'static str, replace: &'static str) -> String {
        let folder = std::env::temp_dir().join(format!("xtask-{}-{name}", std::process::id()));
        fs::create_dir_all(&folder).expect("a temporary folder");
        fs::write(folder.join("answer"), content).expect("the fixture");
        let said = run(&folder, find, replace);
        assert_eq!(
            fs::read_to_string(folder.join("answer")).expect("still there"),
            content
        );
        fs::remove_dir_all(folder).expect("the temporary folder goes");
        said
    }

    fn run(folder: &Path, find: &'static str, replace: &'static str) -> String {
        let mutant = Mutant {
            name: "wrong_answer",
            promise: "0",
            file: "answer",
            find,
            replace,
            command: &["test"],
        };
        let workbench = Workbench {
            tree: folder.to_path_buf(),
            logs: folder.join("logs"),
            command: Box::new(|_: &[&str]| {
                let mut sh = Command::new("sh");
                sh.args(["-c", TEST]);
                sh
            }),
        };
        let outcome = workbench.run(&[&mutant]);
        outcome.map_or_else(|failure| failure.to_string(), |()| "killed".to_owned())
    }

    #[test]
    fn a_mutant_that_fails_a_test_is_killed() {
        assert_eq!(outcome("killed", "42", "42", "41"), "killed");
    }

    #[test]
    fn a_mutant_that_passes_or_does_not_compile_or_has_no_place_is_a_failure() {
        let not_killed = "1 of 1 mutants were not killed by a test\n  wrong_answer: ";
        let why = |name, find, replace| {
            let said = outcome(name, "42", find, replace);
            said.strip_prefix(not_killed).map(str::to_owned)
        };
        let why = [
            why("survives", "42", "42\n"),
            why("broken", "42", "nonsense"),
            why("nowhere", "43", "44"),
        ];
        assert_eq!(why[0].as_deref(), Some("SURVIVED"));
        assert!(why.iter().flatten().count() == 3, "{why:?}");
    }

    #[test]
    fn a_test_that_fails_without_a_mutant_is_a_failure() {
        let said = outcome("already", "41", "41", "40");
        assert!(said.starts_with("unchanged, `cargo test` fails"), "{said}");
    }
}
