//! Runs the steps one after the other, tells their names and times, and stops at the first failure.

use crate::shell::Failure;
use crate::steps::{STEPS, Step, When};
use crate::stopwatch::{Seconds, Stopwatch};
use crate::workspace::Workspace;

pub(crate) fn run(workspace: &Workspace) -> Result<(), Failure> {
    let steps: Vec<&Step> = STEPS.iter().filter(|s| s.when == When::InCi).collect();
    let whole = Stopwatch::start();
    let mut times = Vec::new();
    let mut failed = None;
    for (number, step) in steps.iter().enumerate() {
        println!(
            "\n=== {}/{} {}: {}",
            number + 1,
            steps.len(),
            step.name,
            step.shows
        );
        let watch = Stopwatch::start();
        let outcome = (step.run)(workspace, &[]);
        times.push(watch.elapsed());
        if let Err(failure) = outcome {
            println!("=== {} FAILED after {}", step.name, watch.elapsed());
            failed = Some(failure);
            break;
        }
        println!("=== {} ok, {}", step.name, watch.elapsed());
    }
    println!("\n{}", summary(&steps, &times, failed.is_some()));
    let Some(failure) = failed else {
        println!("every check passed, in {}", whole.elapsed());
        return Ok(());
    };
    let step = steps[times.len() - 1].name;
    Err(Failure::new(format!(
        "{step} failed: {failure}\nalone: cargo xtask {step}"
    )))
}

/// One line a step: what became of it, and how long it took.
fn summary(steps: &[&Step], times: &[Seconds], failed: bool) -> String {
    let line = |(number, step): (usize, &&Step)| {
        let fate = match times.get(number) {
            Some(time) if failed && number + 1 == times.len() => format!("FAILED  {time}"),
            Some(time) => format!("ok      {time}"),
            None => "not run".to_owned(),
        };
        format!("  {:10} {fate}", step.name)
    };
    let lines: Vec<String> = steps.iter().enumerate().map(line).collect();
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::summary;
    use crate::steps::{STEPS, Step};
    use crate::stopwatch::Seconds;

    #[test]
    fn the_summary_tells_what_passed_what_failed_and_what_was_not_run() {
        let steps: Vec<&Step> = STEPS.iter().take(3).collect();
        let times = [Seconds::from_millis(1200), Seconds::from_millis(300)];
        let text = summary(&steps, &times, true);
        let fates: Vec<&str> = text.lines().map(|line| line[13..].trim()).collect();
        assert_eq!(
            fates,
            ["ok           1.2 s", "FAILED       0.3 s", "not run"]
        );
    }
}
