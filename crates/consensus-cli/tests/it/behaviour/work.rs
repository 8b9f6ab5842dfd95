//! What commands do. All of a command's processes have the folder `work` on their command lines: so the
//! next leader's command, and the test, can tell whether any of them is left.

/// What a command does.
#[derive(Clone, Copy, Debug)]
pub struct Work {
    pub does: &'static str,
    /// A shell script. Its `$d` is the folder `work`.
    pub script: &'static str,
    pub kind: Kind,
}

/// What is special about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Plain,
    /// It stops itself once it is up.
    Stops,
    /// It cannot be started.
    Missing,
    NotExecutable,
    /// `consensus` has no stdin, stdout and stderr.
    StreamsClosed,
    /// It was started with a child that is not its own, and so runs below an init.
    BelowInit,
    /// Runs a program that belongs to root and is setuid, as another user.
    Unprivileged,
    /// The same, with `--allow-privileges`.
    MayGainPrivileges,
}

const fn work(does: &'static str, script: &'static str) -> Work {
    let kind = Kind::Plain;
    Work { does, script, kind }
}

const fn special(does: &'static str, script: &'static str, kind: Kind) -> Work {
    Work { does, script, kind }
}

/// What every script begins with.
pub const BEGIN: &str = "d=$1; \
    up() { echo $$ > $d/id; echo up > $d/up; }; \
    file() { until test -s $d/$1; do $d/sleep 0.02; done; }; \
    work() { while :; do $d/sleep 0.2; done; }; ";

pub const DIES: Work = work("dies at the signal", "up; exec $d/sleep 600");

pub const TRAPS: Work = work(
    "traps SIGTERM, and exits with 5",
    "trap 'exit 5' TERM; up; work",
);

pub const TRAPS_ALL: Work = work(
    "traps the signal, and exits with 21",
    "trap 'exit 21' USR1 USR2 WINCH; up; work",
);

pub const EXITS_0: Work = work(
    "traps SIGTERM, and exits with 0",
    "trap 'exit 0' TERM; up; work",
);

pub const IGNORES: Work = work("ignores SIGTERM", "trap '' TERM; up; work");

pub const FORKS_TWICE: Work = work(
    "forks twice",
    "( (echo up > $d/left; exec $d/sleep 600) & ); file left; up; exec $d/sleep 600",
);

pub const DAEMON: Work = work(
    "has a daemon (setsid)",
    "(setsid sh -c 'echo $$ > $1/left; exec $1/sleep 600' sh $d &); file left; up; exec $d/sleep 600",
);

pub const DEAF_DAEMON: Work = work(
    "has a daemon that ignores SIGTERM and closes every descriptor",
    "(trap '' TERM INT HUP QUIT; \
      setsid sh -c 'echo $$ > $1/left; exec $1/sleep 600 <&- >&- 2>&-' sh $d &); \
     file left; up; exec $d/sleep 600",
);

pub const DAEMONS_DAEMON: Work = work(
    "has a daemon that has a daemon",
    "(setsid sh -c 'setsid sh -c \"echo \\$\\$ > \\$1/left; exec \\$1/sleep 600\" sh $1 & \
      exec $1/sleep 600' sh $d &); \
     file left; up; exec $d/sleep 600",
);

/// No more than 63 shells live at a time, each with one child, and every one forks as long as it lives.
pub const FORKS: Work = work(
    "forks without end, into sessions of their own as well, and ignores SIGTERM",
    "trap '' TERM; \
     echo 'if test $2 -gt 0; then \
             setsid sh $1/grow $1 $(($2 - 1)) & sh $1/grow $1 $(($2 - 1)) & \
           fi; \
           while :; do $1/sleep 0.1; done' > $d/grow; \
     up; exec sh $d/grow $d 5",
);

pub const STOPS: Work = special(
    "is stopped",
    "up; kill -STOP $$; exec $d/sleep 600",
    Kind::Stops,
);

pub const NO_STREAMS: Work = special(
    "dies at the signal; stdin, stdout and stderr are closed",
    "up; exec $d/sleep 600",
    Kind::StreamsClosed,
);

/// Perl, since no shell can do that.
pub const CHANGES_GROUP: Work = work(
    "leaves its process group for the one of `consensus`",
    "echo $$ > $d/id; read -r line < /proc/$PPID/stat; set -- ${line##*) }; \
     exec perl -e 'my ($folder, $consensus) = @ARGV; setpgrp(0, getpgrp($consensus)) or die; \
       open(F, q(>), qq($folder/up)); print F qq(up\\n); close(F); sleep(600)' $d $2",
);

pub const NESTED: Work = work(
    "is `consensus run` itself",
    "echo $$ > $d/id; exec $PROGRAM run --lease=1h --grace=10m file:$d/inner -- \
       sh -c 'echo up > $1/up; exec $1/sleep 600' sh $d",
);

pub const BELOW_INIT: Work = special(
    "dies at the signal; `consensus` runs below an init",
    "up; exec $d/sleep 600",
    Kind::BelowInit,
);

pub const EXIT_0: Work = work("exits with 0", "up; file go; exit 0");

pub const EXIT_7: Work = work("exits with 7", "up; file go; exit 7");

pub const ENDS_BY_SIGNAL: Work = work("ends by SIGTERM of its own", "up; file go; kill -TERM $$");

pub const LEAVES: Work = work(
    "exits with 3, and leaves a daemon that ignores SIGTERM and closes every descriptor",
    "(trap '' TERM INT HUP QUIT; \
      setsid sh -c 'echo $$ > $1/left; exec $1/sleep 600 <&- >&- 2>&-' sh $d &); \
     file left; up; file go; exit 3",
);

pub const MISSING: Work = special("is not there", "", Kind::Missing);

pub const NOT_EXECUTABLE: Work = special("cannot be executed", "", Kind::NotExecutable);

/// What does not become root ends, and what does is a child that stays.
pub const SETUID: Work = special(
    "runs what becomes root by setuid, without being root",
    "up; $d/gain --reuid=0 --clear-groups $d/sleep 600; exec $d/sleep 600",
    Kind::Unprivileged,
);

pub const SETUID_ALLOWED: Work = special(
    "runs what becomes root by setuid, without being root, with `--allow-privileges`",
    "up; exec $d/gain --reuid=0 --clear-groups $d/sleep 600",
    Kind::MayGainPrivileges,
);

/// Ends with 6 when it may, and with 9 at the second SIGTERM.
pub const WINDS_DOWN: Work = work(
    "takes its time; exits with 6 when done, with 9 at a second SIGTERM",
    "trap 'test -e $d/winding && exit 9; echo w > $d/winding' TERM; up; \
     until test -e $d/finish; do $d/sleep 0.1; done; exit 6",
);

/// What it leaves ends when it may.
pub const ENDS: Work = work(
    "has exited with 3; what it left takes its time",
    "(trap 'echo w > $d/winding' TERM; echo up > $d/left; \
      until test -e $d/finish; do $d/sleep 0.1; done) & \
     echo $! > $d/left-id; file left; up; file go; exit 3",
);

/// The next leader's command. It looks for what is left of the other one first, and would find itself if
/// the word that it looks for stood here. Whoever is `consensus run` has its command on its own line; those
/// are listed before, or one that ends meanwhile would be taken for a command.
pub const NEXT: &str = "runs=$(grep -lsaz '^run$' /proc/[0-9]*/cmdline | tr '\\n' ' '); \
     for line in $(grep -lsa \"$1/wor[k]\" /proc/[0-9]*/cmdline); do \
       case \" $runs\" in \
         *\" $line \"*) ;; \
         *) echo \"$line\"; cat ${line%/cmdline}/comm 2> /dev/null;; \
       esac; \
     done > $1/seen; \
     echo begun > $1/begun; exit 0";
