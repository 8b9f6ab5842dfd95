//! The help: every flag with its unit, its default and its variable, and every exit code. What the
//! README shows of it is the same.

use crate::bench::outcome;

const README: &str = include_str!("../../../../README.md");

/// Each flag of `run`, with what it takes and what it is by default.
const RUN: [(&str, &str, &str); 16] = [
    ("--id", "<ID>", "Default: host name, process id"),
    ("--address", "<TEXT>", "1 to 1024 bytes. Default: none"),
    ("--wait", "<TIME>", "Default: for ever"),
    ("--nonblock", "", "Default: wait"),
    (
        "--absent-is-free",
        "",
        "Default: such a record counts as held",
    ),
    ("--context", "<NAME>", "or else the current context"),
    (
        "--allow-privileges",
        "",
        "Default: it cannot gain any, unless",
    ),
    ("--quiet", "", "Default: also who leads"),
    ("--verbose", "", "Default: 0"),
    ("--help", "", "Print help"),
    ("--lease", "<TIME>", "[default: 15s]"),
    ("--renew-deadline", "<TIME>", "which is 10s of 15s"),
    ("--renew", "<TIME>", "which is 5s of 15s"),
    ("--retry", "<TIME>", "which is 2s of 15s"),
    ("--request-timeout", "<TIME>", "which is 2.25s of 15s"),
    ("--grace", "<TIME>", "which is 4s of 15s"),
];

const STATUS: [(&str, &str, &str); 3] = [
    ("--json", "", "Default: a text for people"),
    ("--context", "<NAME>", "or else the current context"),
    ("--help", "", "Print help"),
];

/// The help with all that is folded unfolded, as one paragraph a flag.
fn help(verb: &str) -> String {
    let done = outcome(&[verb, "--help"]).exits(0);
    assert_eq!(done.stderr, "");
    done.stdout
}

/// The flags that a help names at the beginning of a line, with what it says of each.
fn flags(help: &str) -> Vec<(String, String)> {
    let mut flags: Vec<(String, String)> = Vec::new();
    for line in help
        .lines()
        .take_while(|line| !line.starts_with("Exit codes"))
    {
        let words = line.split_whitespace().collect::<Vec<_>>().join(" ");
        let name = words.split(' ').find(|word| word.starts_with("--"));
        match name {
            Some(name) if words.starts_with('-') => {
                let name = name.trim_end_matches("...").to_owned();
                flags.push((name, words));
            }
            Some(_) | None => {
                if let Some((_, said)) = flags.last_mut() {
                    said.push(' ');
                    said.push_str(&words);
                }
            }
        }
    }
    flags
}

#[test]
fn every_flag_is_told_with_its_unit_default_and_variable() {
    for (verb, expected) in [("run", &RUN[..]), ("status", &STATUS)] {
        let help = help(verb);
        let told = flags(&help);
        let names: Vec<&str> = told.iter().map(|(name, _)| &**name).collect();
        let known: Vec<&str> = expected.iter().map(|(name, ..)| *name).collect();
        assert_eq!(names, known, "{help}");
        for ((name, takes, default), (_, said)) in expected.iter().zip(&told) {
            assert!(said.contains(takes), "{name} {takes}: {said}");
            assert!(said.contains(default), "{name} {default}: {said}");
            let variable = name.trim_start_matches('-').to_uppercase();
            let variable = format!("CONSENSUS_{}", variable.replace('-', "_"));
            let has = said.contains(&format!("[env: {variable}]"));
            assert!(has || *name == "--help", "{variable}: {said}");
            let row = format!("`{name}");
            assert!(README.contains(&row) || *name == "--help", "README: {name}");
            let row = format!("`{variable}`");
            assert!(README.contains(&row) || *name == "--help", "README: {row}");
        }
    }
    assert!(help("run").contains("Times, such as 500ms, 15s, 1m30s or 2h"));
}

#[test]
fn the_exit_codes_are_in_the_help_and_the_readme() {
    let words = [
        "128 + n",
        "64 ",
        "69 ",
        "70 ",
        "75 ",
        "78 ",
        "126, 127",
        "CONSENSUS_TOKEN",
        "CONSENSUS_HOLDER",
        "CONSENSUS_ELECTION",
        "file:PATH",
        "kubernetes://NAMESPACE/NAME",
        "CONSENSUS_LOG",
        "SIGTERM",
        "SIGKILL",
    ];
    let help = help("run");
    for word in words {
        assert!(help.contains(word), "{word}: {help}");
        assert!(README.contains(word), "README: {word}");
    }
    let all = outcome(&["--help"]).exits(0).stdout;
    for verb in ["run", "status"] {
        let title = format!("Exit codes of `consensus {verb}`");
        assert!(all.contains(&title), "{all}");
        assert!(self::help(verb).contains(&title), "{verb}");
    }
}

#[test]
fn every_field_of_the_json_is_in_the_help_and_the_readme() {
    let help = help("status");
    let place = crate::bench::Place::new();
    let done = outcome(&["status", "--json", &place.url()]).exits(1);
    let names = crate::status::names(&done.stdout);
    let mut last = 0;
    for name in &names {
        let told = help.find(&format!("\n  {name} ")).expect(name);
        assert!(told > last, "{name} comes in this order: {help}");
        last = told;
        assert!(README.contains(&format!("| `{name}`")), "README: {name}");
    }
}

#[test]
fn the_version_is_an_answer() {
    let version = outcome(&["--version"]).exits(0);
    let expected = format!("consensus {}\n", env!("CARGO_PKG_VERSION"));
    assert_eq!(version.stdout, expected);
}
