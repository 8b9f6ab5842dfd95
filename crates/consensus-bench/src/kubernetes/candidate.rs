//! One candidate in a process of its own: the test bed's two small programs, by our library and by client-go's
//! elector, which say the same words.

use super::LEASE;
use super::bed::Bed;
use crate::failure::Failure;
use crate::lane::End;
use consensus_testbed::client_go_elector;
use rustix::process::{Pid, Signal, kill_process};
use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::Sender;

/// How it elects, and what it may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Ours, with the right to watch.
    Watching,
    /// Ours, with no right but get, create and update.
    Polling,
    /// client-go's elector, which releases when it is cancelled. It never watches.
    ClientGo,
}

/// What one says, a line each: `TIME IDENTITY WORDS`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Said {
    /// Its first instruction under its term was then.
    Leads(u64),
    /// It has seen that this one leads.
    Sees(String),
}

/// Killed on drop.
#[derive(Debug)]
pub(crate) struct Candidate {
    pub(crate) identity: String,
    child: Child,
}

impl Kind {
    pub(crate) const ALL: [Self; 3] = [Self::Watching, Self::Polling, Self::ClientGo];

    /// What its rows are called.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Watching => "ours, watch",
            Self::Polling => "ours, get/create/update only",
            Self::ClientGo => "client-go",
        }
    }

    /// What its Leases are called.
    pub(crate) fn lease(self) -> &'static str {
        match self {
            Self::Watching => "watching",
            Self::Polling => "polling",
            Self::ClientGo => "client-go",
        }
    }

    /// The program, with all that both are told.
    fn command(self, bed: &Bed, lease: &str, identity: &str) -> Result<Command, Failure> {
        // Go's flags may have one dash, and ours have two.
        let (mut command, dash, seconds) = match self {
            Self::Watching | Self::Polling => (ours()?, "--", ""),
            Self::ClientGo => {
                let failed = |error| Failure::cannot("build client-go's elector", error);
                let program = client_go_elector().map_err(failed)?;
                let mut command = Command::new(program);
                // Its log says the same at length.
                command.stderr(Stdio::null());
                (command, "-", "s")
            }
        };
        let lasts = format!("{}{seconds}", LEASE.as_secs());
        let words = [
            ("namespace", bed.namespace.as_str()),
            ("name", lease),
            ("identity", identity),
            ("lease", &lasts),
        ];
        for (flag, value) in words {
            command.arg(format!("{dash}{flag}")).arg(value);
        }
        command
            .arg(format!("{dash}kubeconfig"))
            .arg(bed.kubeconfig(self))
            .arg(format!("{dash}tied"));
        Ok(command)
    }
}

fn ours() -> Result<Command, Failure> {
    let itself = std::env::current_exe();
    let itself = itself.map_err(|error| Failure::cannot("find this program", error))?;
    let program = itself.with_file_name("candidate");
    if program.exists() {
        return Ok(Command::new(program));
    }
    let program = program.display();
    let message = format!("there is no {program}; `cargo xtask bench` builds it");
    Err(Failure::new(message))
}

impl Candidate {
    /// Starts one for the Lease of this name. What it says goes to `said`, with its identity.
    pub(crate) fn start(
        bed: &Bed,
        kind: Kind,
        lease: &str,
        identity: String,
        said: Sender<(String, Said)>,
    ) -> Result<Self, Failure> {
        let mut command = kind.command(bed, lease, &identity)?;
        // Its end tells of ours, however we end.
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let spawned = command.spawn();
        let mut child =
            spawned.map_err(|error| Failure::cannot(&format!("start {command:?}"), error))?;
        if let Some(output) = child.stdout.take() {
            hear(output, identity.clone(), said);
        }
        Ok(Self { identity, child })
    }

    pub(crate) fn end(&mut self, how: End) -> Result<(), Failure> {
        let failed = |error: std::io::Error| Failure::cannot("end a leader", error);
        match how {
            End::Killed => self.child.kill().map_err(failed),
            End::Asked => {
                let pid = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
                let asked = pid.map(|pid| kill_process(pid, Signal::TERM));
                asked
                    .unwrap_or(Ok(()))
                    .map_err(|errno| failed(errno.into()))
            }
        }
    }

    /// Waits until it is gone.
    pub(crate) fn wait(mut self) -> Result<(), Failure> {
        // Kept open: the end of its input would end it before it has released.
        let input = self.child.stdin.take();
        let gone = self.child.wait().map(drop);
        drop(input);
        gone.map_err(|error| Failure::cannot("wait for the end of a leader", error))
    }
}

impl Drop for Candidate {
    fn drop(&mut self) {
        // It may be gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn hear(output: impl Read + Send + 'static, identity: String, said: Sender<(String, Said)>) {
    std::thread::spawn(move || {
        let lines = BufReader::new(output).lines().map_while(Result::ok);
        for said_now in lines.filter_map(|line| Said::parse(&line)) {
            // Nobody listens any more at the end of a figure.
            let _ = said.send((identity.clone(), said_now));
        }
    });
}

impl Said {
    fn parse(line: &str) -> Option<Self> {
        let words: Vec<&str> = line.split(' ').collect();
        match words.as_slice() {
            [at, _, "leads"] => Some(Self::Leads(at.parse().ok()?)),
            [_, _, "sees", leader] => Some(Self::Sees((*leader).to_owned())),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Said;

    #[test]
    fn both_programs_words_are_understood() {
        let leads = Said::parse("17 client-go-2 leads");
        assert_eq!(leads, Some(Said::Leads(17)));
        let sees = Said::parse("18 watching-1 sees client-go-2");
        assert_eq!(sees, Some(Said::Sees("client-go-2".to_owned())));
        assert_eq!(Said::parse("19 watching-1 waits"), None);
    }
}
