//! The shell that holds the servers of a control plane (`hold.sh`): told to end one and to start it again,
//! and told of the end by the end of its input.

use crate::Failure;
use crate::cache::Server;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};

/// A shell, and its children.
#[derive(Debug)]
pub(crate) struct Holder {
    shell: Child,
    answers: BufReader<ChildStdout>,
    /// As they stand in [`Server::CONTROL_PLANE`].
    processes: [u32; 2],
}

impl Holder {
    /// Starts both servers, by their command lines with `--` between them.
    pub(crate) fn start(folder: &Path, lines: &[String]) -> Result<Self, Failure> {
        let mut command = Command::new("sh");
        command.args(["-c", include_str!("hold.sh"), "hold.sh"]);
        command.arg(folder).args(lines);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut shell = command.spawn()?;
        let answers = shell.stdout.take().ok_or("the shell's output is a pipe")?;
        let mut holder = Self {
            shell,
            answers: BufReader::new(answers),
            processes: [0; 2],
        };
        holder.processes = holder.answer()?;
        Ok(holder)
    }

    pub(crate) fn process(&self, server: Server) -> u32 {
        self.processes[number_of(server)]
    }

    /// Kills a server, and waits until it has ended.
    pub(crate) fn end(&mut self, server: Server) -> Result<(), Failure> {
        self.order("end", server)
    }

    /// Starts a server that has ended, as it was started before.
    pub(crate) fn start_again(&mut self, server: Server) -> Result<(), Failure> {
        self.order("start", server)
    }

    fn order(&mut self, order: &str, server: Server) -> Result<(), Failure> {
        let number = number_of(server);
        let orders = self
            .shell
            .stdin
            .as_mut()
            .ok_or("the shell is told the end")?;
        writeln!(orders, "{order} {}", number + 1)?;
        [self.processes[number]] = self.answer()?;
        Ok(())
    }

    fn answer<const N: usize>(&mut self) -> Result<[u32; N], Failure> {
        let mut line = String::new();
        self.answers.read_line(&mut line)?;
        let ids: Vec<u32> = line
            .split_whitespace()
            .filter_map(|id| id.parse().ok())
            .collect();
        let wrong = |_| "the shell did not name its children";
        Ok(ids.try_into().map_err(wrong)?)
    }
}

fn number_of(server: Server) -> usize {
    let place = Server::CONTROL_PLANE.iter().position(|own| *own == server);
    place.expect("it is no server of a control plane")
}

/// The shell ends both servers, and removes their folder.
impl Drop for Holder {
    fn drop(&mut self) {
        drop(self.shell.stdin.take());
        // If it cannot be waited for, it has ended.
        let _ = self.shell.wait();
    }
}
