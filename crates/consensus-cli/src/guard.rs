//! The guard: the command's parent, in a process of its own, which ends it in time whatever becomes of
//! `consensus`.
//!
//! Whoever enforces the deadline must not be stoppable with whoever renews. So this process has a group of
//! its own, blocks all signals, and reads the times in the shared memory at the moment of acting. It knows
//! no store: once `consensus` is dead and nothing of the work is left, it becomes the *heir*
//! (`heir.rs`), which releases. What it does when is decided in `guard/duty.rs`; here it is done.

mod duty;
mod hiring;
mod ready;

use crate::exit::Exit;
use crate::job::Job;
use crate::messages::{self, Order, Report};
use crate::say::{self, say};
use crate::shared::Shared;
use crate::times::{Instant, Timer};
use crate::tree::{News, Tree};
use crate::{heir, masks, terminal};
use duty::{Act, Duty};
use nix::sys::signalfd::SignalFd;
use ready::Ready;
use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;
use rustix::net::SendFlags;
use rustix::process::{Pid, Signal, getpid, set_child_subreaper};
use std::collections::VecDeque;
use std::fs::File;
use std::io;
use std::mem;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;

/// The guard.
#[derive(Debug)]
struct Guard {
    socket: UnixStream,
    shared: Shared,
    job: Job,
    stdin: Option<OwnedFd>,
    stdout: Option<OwnedFd>,
    /// What will become the command.
    ready: Option<Ready>,
    /// Becomes readable when `consensus` dies.
    leader: Option<OwnedFd>,
    untold_death: bool,
    children: SignalFd,
    timer: Timer,
    duty: Duty,
    tree: Option<Tree>,
    group: Option<Pid>,
    life: Vec<OwnedFd>,
    /// What `consensus` has no room for. If it is stopped, that must not keep us from anything.
    unsent: VecDeque<Report>,
}

/// When so many reports wait, those of what may have passed by now go.
const MOST_UNSENT: usize = 100;

/// Whether to go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Flow {
    GoOn,
    End,
}

/// Guards until there is nothing left to do.
pub(crate) fn main() -> Exit {
    // Before anything can be lost: a signal, a child, the death of the parent.
    masks::block_all();
    match Guard::begin() {
        Ok(Some(mut guard)) => guard.serve(),
        // Nobody hires any more.
        Ok(None) => Exit::Done,
        Err(error) => {
            say(format_args!("the guard cannot begin: {error}"));
            Exit::Unavailable
        }
    }
}

impl Guard {
    fn begin() -> io::Result<Option<Self>> {
        rustix::thread::set_name(c"leader-guard")?;
        set_child_subreaper(Some(getpid()))?;
        let socket = UnixStream::from(io::stdin().as_fd().try_clone_to_owned()?);
        rustix::stdio::dup2_stdin(File::open("/dev/null")?)?;
        let leader = hiring::living_parent(&socket)?;
        let Some((Order::Hire, hired)) = messages::wait(&socket)? else {
            return Ok(None);
        };
        let mut descriptors = hired.into_iter();
        let (Some(memory), stdin) = (descriptors.next(), descriptors.next()) else {
            return Err(io::Error::other("no memory came with the order"));
        };
        let shared = Shared::from(memory);
        let Some(job) = Job::from_bytes(&shared.job()?) else {
            return Err(io::Error::other("the job is unreadable"));
        };
        say::be(job.loudness);
        let stdout = io::stdout().as_fd().try_clone_to_owned()?;
        rustix::stdio::dup2_stdout(File::options().write(true).open("/dev/null")?)?;
        // Without it one is started when it is needed.
        let ready = Ready::spawn(&job, stdout.as_fd()).ok();
        let children = masks::of_children()?;
        let mut duty = Duty::new(job.times.grace);
        if leader.is_none() {
            duty.leader_died(Instant::now());
        }
        Ok(Some(Self {
            duty,
            timer: Timer::new()?,
            socket,
            shared,
            job,
            stdin,
            stdout: Some(stdout),
            ready,
            leader,
            untold_death: false,
            children,
            tree: None,
            group: None,
            life: Vec::new(),
            unsent: VecDeque::new(),
        }))
    }

    fn serve(&mut self) -> Exit {
        // Nothing is started for who died before this process had begun.
        while !self.duty.is_over() {
            self.wait();
            while matches!(self.children.read_signal(), Ok(Some(_))) {
                self.duty.something_ended(Instant::now());
            }
            self.send_reports();
            if self.obey() == Flow::End {
                self.dismiss_starter();
                return Exit::Done;
            }
            self.watch_leader();
            self.watch_tree();
            while let Some(act) = self.duty.due(Instant::now(), self.shared.times()) {
                self.act(act);
            }
            self.tell_death();
            self.watch_tree();
        }
        self.bequeath()
    }

    /// Waits until there may be something to do.
    fn wait(&mut self) {
        let at = self.duty.wake_at(Instant::now(), self.shared.times());
        // A timer that cannot be set would be a deadline that is not kept.
        let timeout = self.timer.set(at).err().map(|_| crate::times::nap());
        let socket_events = if self.unsent.is_empty() {
            PollFlags::IN
        } else {
            PollFlags::IN | PollFlags::OUT
        };
        let mut watched = vec![
            PollFd::new(&self.children, PollFlags::IN),
            PollFd::new(&self.timer, PollFlags::IN),
            PollFd::new(&self.socket, socket_events),
        ];
        if let Some(leader) = &self.leader {
            watched.push(PollFd::new(leader, PollFlags::IN));
        } else {
            // Its end is closed: that is no news any more.
            watched.remove(2);
        }
        // Interrupted or not: everything is looked at.
        let _ = poll(&mut watched, timeout.as_ref());
    }

    fn obey(&mut self) -> Flow {
        loop {
            let (order, descriptors) = match messages::receive(&self.socket) {
                Ok(Some(received)) => received,
                Ok(None) => {
                    self.leader_died();
                    return Flow::GoOn;
                }
                Err(error) if error.kind() == io::ErrorKind::ConnectionReset => {
                    self.leader_died();
                    return Flow::GoOn;
                }
                // There is none, or it is unreadable.
                Err(_) => return Flow::GoOn,
            };
            match order {
                Order::Hire | Order::Look => {}
                Order::Start(token) => {
                    self.life = descriptors;
                    self.start(token);
                }
                Order::PassOn(signal) => self.signal(signal),
                Order::End(signal) => {
                    self.duty.told_to_end();
                    if let Some(tree) = &mut self.tree {
                        let outcome = tree.tell_all(signal);
                        self.say_if_not_sent(outcome);
                    }
                }
                Order::Resume => {
                    self.signal(Signal::CONT);
                    self.report(Report::Resumed);
                }
                Order::Leave => return Flow::End,
            }
        }
    }

    fn start(&mut self, token: u64) {
        let times = self.shared.times();
        self.duty.started();
        if times.is_none_or(|times| Instant::now() >= times.term_at) {
            // Too late: nothing was started, so nothing is left.
            self.gone();
            return;
        }
        let started = self
            .ready()
            .and_then(|ready| ready.go(token, &self.shared, self.stdin.as_ref()));
        match started {
            Ok(leader) => {
                self.tree = Some(Tree::of(leader));
                self.group = Some(leader);
                self.report(Report::Started(leader));
            }
            Err(error) => {
                self.report(Report::NotStarted(error.raw_os_error().unwrap_or_default()));
                self.gone();
            }
        }
        // Whoever writes what the command reads, or reads what it writes, shall see its end. A terminal is
        // kept, to put another group in front again.
        self.stdin = self.stdin.take().filter(|stdin| terminal::is_ours(stdin));
        self.stdout = None;
    }

    /// The starter, or another if somebody has ended that.
    fn ready(&mut self) -> io::Result<Ready> {
        if let Some(mut ready) = self.ready.take()
            && ready.lives()
        {
            return Ok(ready);
        }
        let stdout = self.stdout.as_ref().ok_or(io::ErrorKind::BrokenPipe)?;
        Ready::spawn(&self.job, stdout.as_fd())
    }

    fn watch_leader(&mut self) {
        let Some(leader) = &self.leader else { return };
        let mut died = [PollFd::new(leader, PollFlags::IN)];
        if poll(&mut died, Some(&crate::times::NOTHING)) == Ok(1) {
            self.leader_died();
        }
    }

    /// It is dead, or its end of the sockets is closed. That is one of the last things that a process does,
    /// after all its threads but one have ended, and it is to be heard some milliseconds before its death.
    fn leader_died(&mut self) {
        if self.leader.take().is_some() {
            self.duty.leader_died(Instant::now());
            self.untold_death = self.tree.is_some();
        }
    }

    /// First something is done about it, and then it is said.
    fn tell_death(&mut self) {
        if mem::take(&mut self.untold_death) {
            say("the leader's process died: ending its command");
        }
    }

    fn watch_tree(&mut self) {
        let Some(tree) = &mut self.tree else { return };
        match tree.look() {
            News::None => {}
            News::Stopped(signal) => self.report(Report::Stopped(signal)),
            News::Ended(exit) => {
                if self.duty.command_ended(Instant::now()) {
                    self.give_back_terminal();
                    self.report(Report::Ended(exit));
                }
            }
        }
        if self.duty.has_ended() && self.tree.as_mut().is_some_and(Tree::is_gone) {
            self.tree = None;
            self.gone();
        }
    }

    fn act(&mut self, act: Act) {
        let Some(tree) = &mut self.tree else { return };
        let outcome = match act {
            Act::End => tree.tell_all(Signal::TERM),
            Act::EndLate => tree.tell_late(),
            Act::Kill => tree.signal_all(&[Signal::KILL]),
            Act::KillFirst => {
                let outcome = tree.signal_all(&[Signal::KILL]);
                self.report(Report::Killing);
                outcome
            }
        };
        self.say_if_not_sent(outcome);
    }

    fn signal(&mut self, signal: Signal) {
        if let Some(tree) = &self.tree {
            let outcome = tree.signal_group(signal);
            self.say_if_not_sent(outcome);
        }
    }

    fn say_if_not_sent(&mut self, outcome: Result<(), Errno>) {
        if let Err(errno) = outcome {
            self.report(Report::CannotSignal(errno.raw_os_error()));
        }
    }

    /// Nothing is left. The proof of life ends before anybody is told.
    fn gone(&mut self) {
        self.life.clear();
        self.duty.gone();
        self.give_back_terminal();
        self.report(Report::Gone);
    }

    fn give_back_terminal(&self) {
        if let (Some(stdin), Some(before)) = (&self.stdin, Pid::from_raw(self.job.group))
            && self.group.is_some()
        {
            terminal::give_back(stdin, self.group, before);
        }
    }

    fn report(&mut self, report: Report) {
        if self.unsent.len() >= MOST_UNSENT {
            let matters =
                |report: &Report| !matches!(report, Report::Stopped(_) | Report::CannotSignal(_));
            self.unsent.retain(matters);
        }
        self.unsent.push_back(report);
        self.send_reports();
    }

    fn send_reports(&mut self) {
        let flags = SendFlags::DONTWAIT | SendFlags::NOSIGNAL;
        while let Some(report) = self.unsent.front() {
            match rustix::net::send(&self.socket, &report.to_bytes(), flags) {
                Err(Errno::AGAIN | Errno::INTR) => return,
                // Nobody listens any more: then nobody needs to know.
                Ok(_) | Err(_) => self.unsent.pop_front(),
            };
        }
    }

    fn dismiss_starter(&mut self) {
        if let Some(ready) = self.ready.take() {
            ready.dismiss();
        }
    }

    /// Releases in place of the dead, if it held anything.
    fn bequeath(&mut self) -> Exit {
        self.dismiss_starter();
        if self.shared.claim().candidate().is_none() {
            return Exit::Done;
        }
        heir::release_in_place(&self.shared, &self.job)
    }
}
