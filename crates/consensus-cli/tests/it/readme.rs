//! The README's first steps, as a newcomer takes them: what it says to type is typed, and what it says is
//! printed is what is printed. Only numbers, names and the folder may differ.

use crate::bench::{Place, Started, clean, until};
use rustix::process::Signal;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

const README: &str = include_str!("../../../../README.md");

/// The folder that the README works in, and the part of a command line that builds the program.
const FOLDER: &str = "/tmp/demo";
const BUILDS: &str = "run -q -p consensus-cli --";

/// A fenced block of the README's part *Try it*.
struct Block {
    language: &'static str,
    text: &'static str,
}

fn blocks() -> Vec<Block> {
    let (_, part) = README.split_once("\n## Try it\n").expect("the part");
    let (part, _) = part.split_once("\n## ").expect("its end");
    let fenced = part.split("```").skip(1).step_by(2);
    let blocks = fenced.map(|block| {
        let (language, text) = block.split_once('\n').expect("a language");
        Block { language, text }
    });
    blocks.collect()
}

/// A terminal in which `cargo run …` runs the program that is tested.
struct Desk {
    place: Place,
    tools: PathBuf,
}

impl Desk {
    fn new() -> Self {
        let place = Place::new();
        let tools = place.path("tools");
        fs::create_dir(&tools).expect("a folder");
        let cargo = tools.join("cargo");
        let words = BUILDS.split(' ').count();
        let program = env!("CARGO_BIN_EXE_consensus");
        let script = format!("#!/bin/sh\nshift {words}\nexec '{program}' \"$@\"\n");
        fs::write(&cargo, script).expect("written");
        fs::set_permissions(&cargo, fs::Permissions::from_mode(0o755)).expect("executable");
        Self { place, tools }
    }

    fn folder(&self) -> PathBuf {
        self.place.path("demo")
    }

    /// Types what the README says.
    fn types(&self, text: &str) -> Started {
        assert!(text.contains(BUILDS), "{text}");
        let folder = self.folder();
        let line = text.replace(FOLDER, &folder.display().to_string());
        // The shell of a terminal is not the program's: what is killed is the program.
        let mut shell = Command::new("sh");
        clean(&mut shell);
        let line = line.trim_end().rsplit_once('\n').map_or_else(
            || format!("exec {line}"),
            |(first, last)| format!("{first}\nexec {last}"),
        );
        shell.args(["-c", &line]);
        let path = std::env::var("PATH").expect("a path");
        shell.env("PATH", format!("{}:{path}", self.tools.display()));
        Started::new(shell)
    }
}

/// Waits until the command has printed, and sleeps: there is the program, its guard, a shell, and that.
fn sleeps(program: &str) {
    let child = |of: &str| fs::read_to_string(format!("/proc/{of}/task/{of}/children")).ok();
    let first = |of: String| Some(child(&of)?.split(' ').next()?.to_owned());
    until("the sleep", || {
        let guard = first(program.to_owned());
        let sleeper = guard.and_then(first).and_then(first);
        sleeper.is_some_and(|sleeper| !sleeper.is_empty())
    });
}

/// What is the same whenever and wherever it is printed.
fn shape(text: &str, folder: &Path) -> String {
    let text = text.replace(&folder.display().to_string(), FOLDER);
    // How long ago something was has one number or two.
    let lines = text.split_inclusive('\n').map(|line| {
        let ago = line
            .split_once(" (")
            .filter(|(_, ago)| ago.ends_with("ago)\n"));
        ago.map_or(line.into(), |(before, _)| format!("{before} (ago)\n"))
    });
    let text: String = lines.collect();
    let words = text.split_inclusive(char::is_whitespace).map(|word| {
        let name = word.trim_end();
        let digits = name.chars().filter(char::is_ascii_digit).count();
        // An identity that nobody chose, or a time.
        let is_drawn = name.contains('-') && digits > 3 && !name.contains('/');
        if is_drawn {
            return word.replace(name, "…");
        }
        let mut shape: String = word
            .chars()
            .map(|c| if c.is_ascii_digit() { '9' } else { c })
            .collect();
        while shape.contains("99") {
            shape = shape.replace("99", "9");
        }
        shape
    });
    words.collect()
}

#[test]
fn the_first_steps_of_the_readme_print_what_it_says() {
    let blocks = blocks();
    let languages: Vec<&str> = blocks.iter().map(|block| block.language).collect();
    let expected = ["sh", "text", "text", "sh", "text", "text", "text", "sh"];
    assert_eq!(languages, expected, "README, Try it");
    let text = |index: usize| blocks[index].text;
    let desk = Desk::new();
    let folder = desk.folder();
    let same = |printed: &str, block: usize| {
        let said = shape(text(block), &folder);
        assert_eq!(shape(printed, &folder), said, "printed:\n{printed}");
    };

    let leader = desk.types(text(0)).says("leading");
    let other = desk.types(text(0)).says("waiting");
    let status = desk.types(text(3)).done().exits(0);
    same(&status.stdout, 4);
    let identity = status.stdout.split(' ').next().expect("who leads");
    let number = identity.rsplit('-').nth(1).expect("its process id");
    assert_eq!(number, leader.id(), "the number in {identity}");

    sleeps(number);
    let leader = leader.gets(Signal::KILL).done();
    let (leads, died) = leader.stderr.split_once('\n').expect("two lines");
    same(&format!("{leads}\n{}", leader.stdout), 1);
    same(died, 5);

    let other = other.says("leading");
    sleeps(&other.id());
    let other = other.gets(Signal::INT).done().exits(130);
    let mut lines = other.stderr.lines();
    let mut line = || format!("{}\n", lines.next().expect("a line"));
    same(&line(), 2);
    same(&format!("{}{}", line(), other.stdout), 6);
}
