//! At a terminal, where it is less plain who is to be in front: pipelines, deaths, nobody to come back to.

use crate::bench::{Place, first_process, is_stopped, lives, script, signal, until};
use crate::pty::{
    CTRL_C, CTRL_Z, GROUP, PARENT, PROMPT, Terminal, in_a_session, processes, run, stat,
};
use rustix::process::Signal;
use std::fs;

const FOR_EVER: &str = "while :; do sleep 0.05; done";

/// A line at the prompt, in a shell without job control: nobody but us puts its group in front again.
fn in_a_script(flags: &str, script: &str) -> String {
    format!(
        "sh -c 'echo $$ > $D/script; $run {flags} $url -- sh -c \"$1\"; echo code=$?; until test -e $D/read; do sleep 0.02; done; read x; echo got=$x' \
         sh 'echo $$ > $D/id; {script}'\n"
    )
}

#[test]
fn what_reads_the_terminal_behind_a_pipe_keeps_it() {
    let place = Place::new();
    let Some(mut terminal) = Terminal::with_shell(&place) else {
        return;
    };
    let pager = "sh -c 'read x < /dev/tty; echo pager=$x'";
    let script = "until test -e $D/go; do sleep 0.02; done; read x; echo got=$x >&2";
    let line = run("--lease=1h", script);
    terminal.types(&format!("{line} | {pager}\n"));
    let (command, _, leader) = processes(&place);
    terminal.waits_for_front(&stat(&leader, GROUP));
    terminal.types("page\n");
    terminal.sees("pager=page");
    // The command gets it all the same when it asks.
    fs::write(place.path("go"), "").expect("written");
    terminal.waits_for_front(&command);
    terminal.types("line\n");
    terminal.sees("got=line");
    terminal.shell_sees(0);
}

#[test]
fn with_stdin_from_a_pipe_the_terminal_stays_with_the_job() {
    let place = Place::new();
    let Some(mut terminal) = Terminal::with_shell(&place) else {
        return;
    };
    let line = run("--lease=1h", "exec sleep 600");
    terminal.types(&format!("set -o pipefail; sleep 600 | {line}\n"));
    let (command, _, leader) = processes(&place);
    let job = stat(&leader, GROUP);
    assert_eq!(terminal.in_front(), job);
    terminal.types(CTRL_Z);
    terminal.sees(PROMPT);
    terminal.sees_a_stopped_job();
    until("the pause", || is_stopped(&leader) && is_stopped(&command));
    terminal.types("fg\n");
    until("the end of the pause", || !is_stopped(&command));
    assert_eq!(terminal.in_front(), job);
    terminal.types(CTRL_C);
    terminal.shell_sees(130);
    assert!(!lives(&command));
}

#[test]
fn after_the_death_of_the_leader_the_shell_is_in_front() {
    let place = Place::new();
    let Some(mut terminal) = Terminal::with_shell(&place) else {
        return;
    };
    let line = run("--lease=1h", "exec sleep 600");
    terminal.types(&format!("{line}\n"));
    let (command, guard, leader) = processes(&place);
    terminal.waits_for_front(&command);
    signal(&leader, Signal::KILL);
    terminal.shell_sees(137);
    until("the end of the command", || {
        !lives(&command) && !lives(&guard)
    });
    assert!(terminal.shell_is_in_front());
    terminal.types("read x; echo got=$x\nhello\n");
    terminal.sees("got=hello");
}

#[test]
fn after_the_death_of_the_guard_the_shell_is_in_front() {
    let place = Place::new();
    let Some(mut terminal) = Terminal::with_shell(&place) else {
        return;
    };
    let line = run("--lease=1h", "exec sleep 600");
    terminal.types(&format!("{line}\n"));
    let (command, guard, _) = processes(&place);
    terminal.waits_for_front(&command);
    signal(&guard, Signal::KILL);
    terminal.sees("the guard died");
    terminal.shell_sees(137);
    assert!(!lives(&command));
}

#[test]
fn a_script_is_in_front_again_whoever_dies() {
    let place = Place::new();
    let Some(mut terminal) = Terminal::with_shell(&place) else {
        return;
    };
    for victim in ["command", "guard", "leader"] {
        for name in ["id", "script", "read"] {
            let _ = fs::remove_file(place.path(name));
        }
        terminal.types(&in_a_script("--lease=1h", "exec sleep 600"));
        let (command, guard, leader) = processes(&place);
        terminal.waits_for_front(&command);
        let dies = match victim {
            "command" => &command,
            "guard" => &guard,
            _ => &leader,
        };
        signal(dies, Signal::KILL);
        terminal.sees("code=137");
        terminal.waits_for_front(&place.wait_for_file("script"));
        fs::write(place.path("read"), "").expect("written");
        terminal.types("hello\n");
        terminal.sees("got=hello");
        terminal.shell_sees(0);
    }
}

/// When a shell is killed, its job is in front, whose group is not the command's.
#[test]
fn a_script_is_in_front_again_after_a_shell_with_a_job() {
    let place = Place::new();
    let Some(mut terminal) = Terminal::with_shell(&place) else {
        return;
    };
    for dies in ["leader", "guard"] {
        for name in ["id", "script", "job", "read"] {
            let _ = fs::remove_file(place.path(name));
        }
        let flags = "--lease=1h --grace=300ms";
        terminal.types(&in_a_script(
            flags,
            "exec bash --norc --noprofile --noediting -i",
        ));
        let (command, guard, leader) = processes(&place);
        terminal.waits_for_front(&command);
        terminal.types("sh -c 'echo $$ > $D/job; sleep 600'\n");
        let job = place.wait_for_file("job");
        terminal.waits_for_front(&job);
        match dies {
            "leader" => signal(&leader, Signal::TERM),
            _ => signal(&guard, Signal::KILL),
        }
        // An interactive shell ignores SIGTERM.
        terminal.sees("code=137");
        terminal.waits_for_front(&place.wait_for_file("script"));
        fs::write(place.path("read"), "").expect("written");
        assert!(!lives(&command) && !lives(&job));
        terminal.types("hello\n");
        terminal.sees("got=hello");
        terminal.shell_sees(0);
    }
}

#[test]
fn speaking_while_the_command_is_in_front_stops_nobody() {
    let place = Place::new();
    let Some(mut terminal) = Terminal::with_shell(&place) else {
        return;
    };
    terminal.does("stty tostop");
    let script = format!("trap \"read x; exit 5\" TERM; echo up > $D/up; {FOR_EVER}");
    terminal.types(&format!("{}\n", run("--lease=1h", &script)));
    let (command, _, leader) = processes(&place);
    terminal.waits_for_front(&command);
    place.wait_for_file("up");
    signal(&leader, Signal::TERM);
    terminal.sees("SIGTERM: passed on");
    assert!(!is_stopped(&leader));
    terminal.types("hello\n");
    terminal.sees("exit code 5");
    terminal.shell_sees(5);
}

#[test]
fn a_follower_pauses_and_goes_on() {
    let place = Place::new();
    let Some(mut terminal) = Terminal::with_shell(&place) else {
        return;
    };
    let first = place.run("--id=first --lease=1h", "sleep 600");
    let first = first.says("leading");
    terminal.types(&format!("{}\n", run("", "echo mi\"\"ne")));
    terminal.sees("first leads");
    for _ in 0..2 {
        terminal.types(CTRL_Z);
        terminal.sees(PROMPT);
        terminal.sees_a_stopped_job();
        terminal.types("fg\n");
        until("fg", || !terminal.shell_is_in_front());
    }
    let _ = first.gets(Signal::TERM).done().exits(143);
    terminal.sees("mine");
    terminal.shell_sees(0);
    let first = place.run("--id=first --lease=1h", "sleep 600");
    let first = first.says("leading");
    terminal.types(&format!("{}\n", run("", "true")));
    terminal.sees("first leads");
    terminal.types(CTRL_C);
    terminal.shell_sees(130);
    let _ = first.gets(Signal::TERM).done().exits(143);
}

/// As the first process of a session, as `ssh -t` and `docker run -t` start it.
#[test]
fn where_nobody_could_let_it_go_on_nothing_pauses() {
    let place = Place::new();
    let first = place.run("--id=first --lease=1h", "sleep 600");
    let first = first.says("leading");
    let line = run("", "while :; do echo t\"\"ick; sleep 0.05; done").replace("$run", "exec $run");
    let command = in_a_session(&script(&place, &line));
    let mut terminal = Terminal::begun_by(command);
    terminal.sees("first leads");
    terminal.types(CTRL_Z);
    terminal.sees("not pausing");
    let _ = first.gets(Signal::TERM).done().exits(143);
    terminal.sees("tick");
    terminal.types(CTRL_Z);
    terminal.sees("not pausing");
    terminal.sees("tick");
    terminal.types(CTRL_C);
    assert_eq!(terminal.done(), Some(130));
}

/// As `docker run -t` starts it.
#[test]
fn the_first_process_of_a_container_has_a_terminal_as_well() {
    let place = Place::new();
    let begin = |text: &str| {
        let _ = fs::remove_file(place.path("up"));
        let command = in_a_session(&script(&place, &format!("exec $run --lease=1h {text}")));
        Some(Terminal::begun_by(first_process(&command)?))
    };
    let Some(mut terminal) = begin("$url -- cat") else {
        return;
    };
    terminal.sees("leading");
    terminal.types("one\n");
    // What is typed is shown as well.
    terminal.sees("one");
    terminal.sees("one");
    terminal.types(CTRL_Z);
    terminal.sees("not pausing");
    terminal.types("two\n");
    terminal.sees("two");
    terminal.sees("two");
    terminal.types(CTRL_C);
    assert_eq!(terminal.done(), Some(130));
    let deaf = "--grace=300ms $url -- sh -c 'trap \"\" HUP; echo up > $D/up; sleep 600'";
    let Some(terminal) = begin(deaf) else {
        return;
    };
    place.wait_for_file("up");
    terminal.closes();
    let _ = place.run("--nonblock", "true").done().exits(0);
}

#[test]
fn when_the_terminal_goes_so_does_the_command_and_the_lease() {
    let place = Place::new();
    for script in ["", "trap \"\" HUP;"] {
        for name in ["id", "up"] {
            let _ = fs::remove_file(place.path(name));
        }
        let script = &format!("{script} echo up > $D/up; exec sleep 600");
        let Some(mut terminal) = Terminal::with_shell(&place) else {
            return;
        };
        terminal.types(&format!("{}\n", run("--lease=1h --grace=300ms", script)));
        let (command, guard, leader) = processes(&place);
        terminal.waits_for_front(&command);
        place.wait_for_file("up");
        terminal.closes();
        for process in [command, guard, leader] {
            until("the end", || !lives(&process));
        }
        let _ = place.run("--nonblock", "true").done().exits(0);
    }
}

#[test]
fn a_window_that_changes_is_the_commands_business() {
    let place = Place::new();
    let Some(mut terminal) = Terminal::with_shell(&place) else {
        return;
    };
    let script = format!("trap \"stty size; exit 0\" WINCH; echo up > $D/up; {FOR_EVER}");
    terminal.types(&format!("{}\n", run("--lease=1h", &script)));
    let (command, ..) = processes(&place);
    terminal.waits_for_front(&command);
    place.wait_for_file("up");
    terminal.resizes(11, 77);
    terminal.sees("11 77");
    terminal.shell_sees(0);
}

#[test]
fn without_job_control_by_the_terminal_its_parent_is_asked() {
    // Started by a shell in the same group, which is not in front: nothing is handed over.
    let place = Place::new();
    let Some(mut terminal) = Terminal::with_shell(&place) else {
        return;
    };
    let line = in_a_script("--lease=1h", "until test -e $D/go; do sleep 0.02; done");
    terminal.does(&format!("{} &", line.trim_end()));
    let (_, guard, leader) = processes(&place);
    assert!(terminal.shell_is_in_front());
    assert_ne!(stat(&guard, GROUP), stat(&leader, GROUP));
    assert_eq!(stat(&leader, GROUP), stat(&stat(&leader, PARENT), GROUP));
    fs::write(place.path("go"), "").expect("written");
    terminal.sees("code=0");
    assert!(terminal.shell_is_in_front());
}
