//! At a terminal: Ctrl-C, Ctrl-Z, `fg` and `bg`, shells and editors, and who is in front when.

use crate::bench::{Place, is_stopped, lives, signal, until};
use crate::pty::{CTRL_C, CTRL_D, CTRL_Z, GROUP, PROMPT, Terminal, processes, run, stat};
use rustix::process::Signal;
use std::fs;

const FOR_EVER: &str = "while :; do sleep 0.05; done";

fn nobody_leads(place: &Place) {
    let _ = place.run("--nonblock", "true").done().exits(0);
}

#[test]
fn ctrl_c_ends_the_command_and_is_the_exit_code() {
    let place = Place::new();
    let Some(mut terminal) = Terminal::with_shell(&place) else {
        return;
    };
    terminal.types(&run("--lease=1h", "exec sleep 600"));
    terminal.types("\n");
    let (command, ..) = processes(&place);
    terminal.waits_for_front(&command);
    terminal.types(CTRL_C);
    terminal.shell_sees(130);
    assert!(!lives(&command));
    nobody_leads(&place);
}

#[test]
fn ctrl_z_pauses_both_and_fg_lets_them_go_on() {
    let place = Place::new();
    let Some(mut terminal) = Terminal::with_shell(&place) else {
        return;
    };
    terminal.types(&format!("{}\n", run("--lease=1h", "exec cat")));
    let (command, _, leader) = processes(&place);
    terminal.types("one\n");
    terminal.sees("one");
    for word in ["two", "three"] {
        terminal.types(CTRL_Z);
        terminal.sees(PROMPT);
        terminal.sees_a_stopped_job();
        assert!(is_stopped(&leader) && is_stopped(&command));
        terminal.types("fg\n");
        terminal.waits_for_front(&command);
        terminal.types(&format!("{word}\n"));
        terminal.sees(word);
    }
    terminal.types(CTRL_D);
    terminal.shell_sees(0);
    nobody_leads(&place);
}

#[test]
fn a_pause_past_the_deadline_ends_the_command_and_fg_says_so() {
    let place = Place::new();
    let Some(mut terminal) = Terminal::with_shell(&place) else {
        return;
    };
    let script = format!("trap \"echo end > $D/end; exit\" TERM; echo up > $D/up; {FOR_EVER}");
    terminal.types(&format!("{}\n", run("--lease=3s", &script)));
    let (command, _, leader) = processes(&place);
    place.wait_for_file("up");
    terminal.types(CTRL_Z);
    terminal.sees(PROMPT);
    until("the end of the command", || !lives(&command));
    // By the guard, and with its grace.
    place.wait_for_file("end");
    assert!(is_stopped(&leader));
    assert!(terminal.shell_is_in_front());
    terminal.types("fg\n");
    terminal.sees("leadership lost");
    terminal.shell_sees(70);
    nobody_leads(&place);
}

#[test]
fn bg_lets_both_go_on_behind_the_shell_and_fg_brings_them_back() {
    let place = Place::new();
    let Some(mut terminal) = Terminal::with_shell(&place) else {
        return;
    };
    // Without it bash goes on if the signal comes between two of its children.
    let script = "trap \"exit 5\" INT; while :; do echo >> $D/ticks; sleep 0.02; done";
    terminal.types(&format!("{}\n", run("--lease=1h", script)));
    let (command, _, leader) = processes(&place);
    terminal.waits_for_front(&command);
    terminal.types(CTRL_Z);
    terminal.sees(PROMPT);
    let ticks = || fs::metadata(place.path("ticks")).map_or(0, |file| file.len());
    let before = ticks();
    terminal.does("bg");
    until("more of it", || ticks() > before + 5);
    assert!(!is_stopped(&leader));
    assert!(terminal.shell_is_in_front());
    // A shell sends no SIGCONT to what runs already.
    terminal.types("fg\n");
    terminal.waits_for_front(&stat(&leader, GROUP));
    terminal.types(CTRL_C);
    terminal.shell_sees(5);
    assert!(!lives(&command));
}

#[test]
fn a_command_behind_the_shell_stops_when_it_reads_and_fg_gives_it_the_terminal() {
    let place = Place::new();
    let Some(mut terminal) = Terminal::with_shell(&place) else {
        return;
    };
    let line = run("--lease=1h", "read x; echo got=$x");
    terminal.does(&format!("{line} &"));
    let (command, _, leader) = processes(&place);
    terminal.until("the pause", |_| is_stopped(&leader) && is_stopped(&command));
    terminal.sees_a_stopped_job();
    terminal.types("fg\n");
    terminal.waits_for_front(&command);
    terminal.types("hello\n");
    terminal.sees("got=hello");
    terminal.shell_sees(0);
}

#[test]
fn a_command_that_reads_after_fg_gets_the_terminal() {
    let place = Place::new();
    let Some(mut terminal) = Terminal::with_shell(&place) else {
        return;
    };
    let script = "until test -e $D/go; do sleep 0.02; done; read x; echo got=$x";
    terminal.does(&format!("{} &", run("--lease=1h", script)));
    let (_, _, leader) = processes(&place);
    terminal.types("fg\n");
    terminal.waits_for_front(&stat(&leader, GROUP));
    fs::write(place.path("go"), "").expect("written");
    terminal.types("hello\n");
    terminal.sees("got=hello");
    terminal.shell_sees(0);
}

#[test]
fn a_job_that_is_told_to_pause_goes_on_after_one_fg() {
    let place = Place::new();
    let Some(mut terminal) = Terminal::with_shell(&place) else {
        return;
    };
    let script = "until test -e $D/go; do sleep 0.02; done; exit 7";
    terminal.does(&format!("{} &", run("--lease=1h", script)));
    let (command, _, leader) = processes(&place);
    signal(&leader, Signal::TSTP);
    terminal.until("the pause", |_| is_stopped(&leader) && is_stopped(&command));
    terminal.sees_a_stopped_job();
    terminal.types("fg\n");
    terminal.waits_for_front(&command);
    fs::write(place.path("go"), "").expect("written");
    terminal.shell_sees(7);
}

#[test]
fn a_shell_under_it_has_its_own_jobs() {
    let place = Place::new();
    let Some(mut terminal) = Terminal::with_shell(&place) else {
        return;
    };
    terminal
        .types("PS1='[in''ner]' $run --lease=1h $url -- bash --norc --noprofile --noediting -i\n");
    terminal.sees("[inner]");
    assert!(!terminal.shell_is_in_front());
    for (key, code) in [(CTRL_C, 130), (CTRL_Z, 148)] {
        terminal.types("sleep 600\n");
        // Before it has become another program it handles signals as the shell does.
        until("the job in front", || {
            let name = format!("/proc/{}/comm", terminal.in_front());
            fs::read_to_string(name).is_ok_and(|name| name == "sleep\n")
        });
        terminal.types(key);
        terminal.sees("[inner]");
        terminal.types("echo code=$?\n");
        terminal.sees(&format!("code={code}"));
    }
    terminal.types("exit 3\n");
    terminal.sees("There are stopped jobs");
    terminal.sees("[inner]");
    terminal.types("exit 3\n");
    terminal.shell_sees(3);
    nobody_leads(&place);
}

#[test]
fn an_editor_reads_single_keys() {
    let place = Place::new();
    let Some(mut terminal) = Terminal::with_shell(&place) else {
        return;
    };
    // Ctrl-C and Ctrl-Z are keys like others to it.
    let script = "was=$(stty -g); stty raw; echo > $D/raw; \
                  dd bs=1 count=2 2>/dev/null | od -An -tx1; stty $was";
    terminal.types(&format!("{}\n", run("--lease=1h", script)));
    place.wait_for_file("raw");
    terminal.types(CTRL_C);
    terminal.types(CTRL_Z);
    terminal.sees("03 1a");
    terminal.shell_sees(0);
}
