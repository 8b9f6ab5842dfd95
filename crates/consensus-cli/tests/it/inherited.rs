//! What the command finds: all that it would find without us, and nothing of ours.

use crate::bench::{Place, Started, script};

/// What a shell script prints that starts something by `$under`: with nothing in its place, and with us.
fn both(place: &Place, text: &str) -> (String, String) {
    let done = |under: &str| {
        let mut command = script(place, text);
        command.env("under", under);
        Started::new(command).done().exits(0).stdout
    };
    let with = format!("{} run {} --", env!("CARGO_BIN_EXE_consensus"), place.url());
    (done(""), done(&with))
}

#[test]
fn blocked_ignored_and_handled_signals_are_as_they_were() {
    let place = Place::new();
    for before in [
        "",
        "--block-signal=USR1 --ignore-signal=INT",
        "--block-signal=RTMIN+3 --ignore-signal=RTMIN+4",
        "--block-signal=TERM --block-signal=TSTP --block-signal=TTOU --block-signal=HUP",
        "--ignore-signal=HUP --ignore-signal=TERM --ignore-signal=TTOU --ignore-signal=QUIT",
        "--ignore-signal=USR2 --ignore-signal=WINCH --ignore-signal=TSTP --ignore-signal=CONT",
    ] {
        let text = format!(
            "exec env {before} $under grep -E '^(Sig(Blk|Ign|Cgt)|ShdPnd)' /proc/self/status"
        );
        let (without, with) = both(&place, &text);
        assert_eq!(without, with, "{before}");
        assert!(with.contains("SigBlk"), "{with}");
    }
}

#[test]
fn signals_are_as_they_were_below_an_init() {
    let place = Place::new();
    let text = "sleep 600 > /dev/null 2>&1 & exec env --block-signal=USR1,TERM,RTMIN+3 --ignore-signal=INT,HUP \
                $under sh -c 'grep -E \"^(Sig(Blk|Ign|Cgt)|ShdPnd)\" /proc/self/status; kill -9 $0' $!";
    let (without, with) = both(&place, text);
    assert_eq!(without, with);
}

#[test]
fn descriptors_reach_the_command_and_none_of_ours_does() {
    let place = Place::new();
    // The first three lead to other pipes each time.
    let list = "sh -c 'for file in /proc/$$/fd/*; do test ${file##*/} -gt 2 && \
                echo ${file##*/} && readlink $file; done; exit 0'";
    let text = format!("exec 5< /dev/zero 7> $D/seven 9< /dev/null; exec $under {list}");
    let (without, with) = both(&place, &text);
    assert_eq!(without, with);
    assert!(
        with.contains("5\n/dev/zero") && with.contains("/seven"),
        "{with}"
    );
    let text = format!("sleep 600 > /dev/null 2>&1 & exec 5< /dev/zero; exec $under {list}");
    let kills = text.replace("exit 0'", "kill -9 $0' $!");
    let (without, with) = both(&place, &kills);
    assert_eq!(without, with);
}

#[test]
fn the_environment_is_as_it_was_and_says_what_is_led() {
    let place = Place::new();
    let list = "env -u _ | grep -v ^under= | LC_ALL=C sort";
    let text = format!("export CONSENSUS_ID=one odd=\"a=b c\"; $under {list}");
    // What is for us the command does not get.
    let text = text.replace("$under env", "$under env -u CONSENSUS_ID");
    let (without, with) = both(&place, &text);
    let mut ours = Vec::new();
    let rest: Vec<&str> = with
        .lines()
        .filter(|line| {
            let is_ours = line.starts_with("CONSENSUS_");
            if is_ours {
                ours.push(line.split('=').next().unwrap_or_default());
            }
            !is_ours
        })
        .collect();
    assert_eq!(without.lines().collect::<Vec<_>>(), rest);
    assert_eq!(
        ours,
        ["CONSENSUS_ELECTION", "CONSENSUS_HOLDER", "CONSENSUS_TOKEN"]
    );
    assert!(with.contains("CONSENSUS_HOLDER=one\n"), "{with}");
}

#[test]
fn folder_limits_and_mask_of_files_are_as_they_were() {
    let place = Place::new();
    let text = "cd $D; umask 027; ulimit -n 321; ulimit -c 0; exec nice -n 3 $under \
                sh -c 'pwd; umask; ulimit -a; nice; cat /proc/self/cgroup /proc/self/oom_score_adj'";
    let (without, with) = both(&place, text);
    assert_eq!(without, with);
    assert!(with.contains("321"), "{with}");
}
