//! What the help says below the flags. The exit codes are told by `exit.rs`, which owns them.

use crate::exit;

/// Of the program as a whole.
pub(crate) fn of_program() -> String {
    format!("{}\n\n{}", exit::OF_RUN, exit::OF_STATUS)
}

/// Of `consensus run`.
pub(crate) fn of_run() -> String {
    format!("{RUN}\n\n{}", exit::OF_RUN)
}

/// Of `consensus status`.
pub(crate) fn of_status() -> String {
    format!("{STATUS}\n\n{}", exit::OF_STATUS)
}

const RUN: &str = "\
The times that are not given follow from the lease. What could not be safe is refused, with the least
lease that would do.

The command runs in a process group of its own, in front of the terminal if we were. It is told
CONSENSUS_TOKEN (a number that every term raises: hand it to what you write to), CONSENSUS_HOLDER (the
identity) and CONSENSUS_ELECTION (the URL). No other variable that begins with CONSENSUS_ reaches it.

When its time is over the command, and all that descends from it, gets SIGTERM, and SIGKILL after the
grace; SIGKILL at once if somebody else may lead already, or if `consensus` was paused for too long.
What it leaves running when it ends by itself is ended the same way. Then the lease is released.
SIGTERM, SIGINT, SIGHUP and SIGQUIT to `consensus` are passed on, and end it after the same grace;
SIGUSR1, SIGUSR2 and SIGWINCH are only passed on. Ctrl-Z pauses both, and `fg` lets both go on, or exits
with 70 if the deadline has passed.

A second process, leader-guard, does the ending, also if `consensus` is killed: then it releases as well.

Who leads, what is waited for and why a term ended is said on stderr. stdout is the command's.
CONSENSUS_LOG=off|error|warn|info|debug|trace logs there what the election does; without it -vv logs at
info, -vvv at debug, -vvvv at trace.

Example:
  consensus run file:/run/app/leader.json -- ./worker --queue mail";

const STATUS: &str = "\
One look, by whoever may read the file: it creates nothing. If it is not known who leads, nothing is
printed on stdout. --json prints one object on one line, with these fields in this order:
  election        string          the URL
  leads           boolean         whether somebody leads
  holder          string or null  who leads, or led last; null if nobody did, or it was released
  address         string or null  the text by which the holder is found; null if it gave none
  token           number or null  the token of the term, or of the last one; null if there was none, or if a
                                  Lease does not say it yet: it does from the first renewal on
  since           string or null  when the term began, RFC 3339, by the holder's clock; null if holder is
  renewed         string or null  when the holder last renewed, likewise
  lease_seconds   number or null  how long the record counts as held after that; null if holder is
New fields may come behind these.";
