//! What a mistake is, and where the tables of them are. Each breaks a promise of ARCHITECTURE.md in
//! one place, as a hurried change might.
//!
//! To add one: break the code by hand, see which test fails, write down the change in a table. `find`
//! has to occur exactly once in the file, so take enough of the line.

use super::{election, file, kubernetes, program, simulated, units};

/// What the simulator prints, at the start of a line, when a promise is broken.
pub(super) const VIOLATION: &str = "VIOLATION";

pub(super) struct Mutant {
    /// The mistake, as a name: `deadline_from_the_answer`.
    pub(super) name: &'static str,
    /// The number of the promise that it breaks, or what else it would do to a user.
    pub(super) promise: &'static str,
    /// Relative to the root.
    pub(super) file: &'static str,
    pub(super) find: &'static str,
    pub(super) replace: &'static str,
    /// The arguments of cargo that must fail.
    pub(super) command: &'static [&'static str],
}

/// Every mistake: one table for each part of the project.
pub(super) fn all() -> Vec<&'static Mutant> {
    let tables: &[&'static [Mutant]] = &[
        election::MUTANTS,
        units::MUTANTS,
        file::MUTANTS,
        kubernetes::MUTANTS,
        program::MUTANTS,
        simulated::MUTANTS,
    ];
    tables.iter().copied().flatten().collect()
}

impl Mutant {
    /// The file's text with the mistake in it.
    pub(super) fn apply(&self, original: &str) -> Result<String, String> {
        match original.matches(self.find).count() {
            1 if self.find == self.replace => Err("it changes nothing".to_owned()),
            1 => Ok(original.replacen(self.find, self.replace, 1)),
            times => Err(format!("{:?} is {times} times in {}", self.find, self.file)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Mutant, all};
    use std::collections::HashSet;
    use std::path::Path;

    #[test]
    fn every_mutant_has_a_name_of_its_own() {
        let names: HashSet<&str> = all().iter().map(|mutant| mutant.name).collect();
        assert_eq!(names.len(), all().len());
    }

    /// Told in a second, and not after the minutes that `mutants` takes.
    #[test]
    fn every_mutant_finds_its_place_in_the_code_as_it_is() {
        for mutant in all() {
            let path = Path::new(env!("CARGO_MANIFEST_DIR"))
                .join("..")
                .join(mutant.file);
            let text = std::fs::read_to_string(&path).expect("the file that it names");
            assert!(
                mutant.apply(&text).is_ok(),
                "{}: {:?}",
                mutant.name,
                mutant.find
            );
        }
    }

    #[test]
    fn a_place_that_is_not_there_once_is_refused() {
        let mutant = Mutant {
            name: "m",
            promise: "0",
            file: "f",
            find: "a < b",
            replace: "a <= b",
            command: &[],
        };
        assert_eq!(mutant.apply("if a < b {"), Ok("if a <= b {".to_owned()));
        assert!(mutant.apply("if a > b {").is_err());
        assert!(mutant.apply("a < b || a < b").is_err());
    }
}
