//! A thousand candidates on one Lease. All but the first leader are in this process; what makes each as good as
//! one on a machine of its own is that it shares no client with another, and so no connection.

use super::LEASE;
use super::bed::Bed;
use super::candidate::Kind;
use crate::clock;
use crate::failure::Failure;
use consensus::{Config, Lease, Manager, Status};
use consensus_kubernetes::{Cluster, KubernetesStore};
use std::fs;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;
use tokio::runtime::{Builder, Handle};

/// Nothing here takes as long.
const PATIENCE: u64 = 120_000_000_000;

pub(crate) struct Crowd<'a> {
    bed: &'a Bed,
    lease: &'a str,
    started: usize,
    members: Vec<(Manager, Lease)>,
    listeners: Handle,
    speak: Sender<(String, u64)>,
    hear: Receiver<(String, u64)>,
}

impl<'a> Crowd<'a> {
    pub(crate) fn new(bed: &'a Bed, lease: &'a str) -> Result<Self, Failure> {
        let runtime = Builder::new_current_thread()
            .build()
            .map_err(|error| Failure::cannot("make a runtime", error))?;
        let listeners = runtime.handle().clone();
        std::thread::spawn(move || runtime.block_on(std::future::pending::<()>()));
        let (speak, hear) = channel();
        Ok(Self {
            bed,
            lease,
            started: 0,
            members: Vec::new(),
            listeners,
            speak,
            hear,
        })
    }

    /// One more, which takes part from now on.
    pub(crate) fn join(&mut self) -> Result<(), Failure> {
        self.started += 1;
        let identity = format!("member-{}", self.started);
        let cluster = Cluster::kubeconfig_at(self.bed.kubeconfig(Kind::Watching));
        let store = KubernetesStore::new(&cluster, &self.bed.namespace, self.lease)?;
        let config = Config::new(identity.clone()).lease_duration(LEASE);
        let manager = Manager::new(store.into_backend(), config)?;
        let lease = manager.start();
        self.listeners
            .spawn(tell(identity, lease.clone(), self.speak.clone()));
        self.members.push((manager, lease));
        Ok(())
    }

    /// Waits until all but the leader have seen who leads, and it is one and the same.
    pub(crate) fn settle(&self) -> Result<(), Failure> {
        let since = clock::now();
        while !self.all_wait() {
            clock::pause(Duration::from_millis(20));
            if clock::now() - since > PATIENCE {
                return Err(Failure::new(
                    "not all of the crowd come to follow one leader",
                ));
            }
        }
        // Who led before is no successor.
        while self.hear.try_recv().is_ok() {}
        Ok(())
    }

    fn all_wait(&self) -> bool {
        let followers = self.members.iter().filter(|(_, lease)| !lease.is_leader());
        let mut seen = followers.map(|(_, lease)| {
            let Status::Following { leader } = lease.status() else {
                return None;
            };
            leader.map(|leader| leader.identity)
        });
        let first = seen.next().flatten();
        first.is_some() && seen.all(|leader| leader == first)
    }

    /// Asks its leader to stop, and gives the time when it was asked.
    pub(crate) fn stop_leader(&mut self) -> Result<u64, Failure> {
        let leads = self.members.iter().position(|(_, lease)| lease.is_leader());
        let leads = leads.ok_or_else(|| Failure::new("nobody of the crowd leads"))?;
        let (manager, _) = self.members.swap_remove(leads);
        let asked = clock::now();
        manager.blocking_stop()?;
        Ok(asked)
    }

    /// Who leads next, and since when.
    pub(crate) fn successor(&self) -> Result<u64, Failure> {
        let heard = self.hear.recv_timeout(Duration::from_nanos(PATIENCE));
        let failed = |error| Failure::cannot("hear who leads next", error);
        heard.map(|(_, at)| at).map_err(failed)
    }

    /// Ends all of it, at once.
    pub(crate) fn go(self) -> Result<(), Failure> {
        for (manager, _) in &self.members {
            manager.begin_stop();
        }
        for (manager, _) in &self.members {
            manager.blocking_stop()?;
        }
        Ok(())
    }
}

/// Says whenever this one begins to lead.
async fn tell(identity: String, lease: Lease, said: Sender<(String, u64)>) {
    while let Ok(term) = lease.wait_for_leadership().await {
        // Nobody listens any more at the end of the figure.
        let _ = said.send((identity.clone(), clock::now()));
        term.ended().await;
    }
}

/// How many connections to this port of this machine are established: seen from who opened them.
pub(crate) fn connections(port: u16) -> Result<usize, Failure> {
    let table = fs::read_to_string("/proc/net/tcp");
    let table = table.map_err(|error| Failure::cannot("see which connections there are", error))?;
    Ok(count(&table, port))
}

/// A line is `7: 0100007F:A1B2 0100007F:1F90 01 …`: number, from, to, and 01 for established.
fn count(table: &str, port: u16) -> usize {
    let port = format!(":{port:04X}");
    let is_one = |line: &&str| {
        let words: Vec<&str> = line.split_whitespace().collect();
        matches!(words[..], [_, _, to, "01", ..] if to.ends_with(&port))
    };
    table.lines().filter(is_one).count()
}

#[cfg(test)]
mod tests {
    use super::count;

    #[test]
    fn a_connection_is_counted_once_and_only_if_it_is_established() {
        let table = "  sl  local_address rem_address   st tx_queue\n\
                     0: 0100007F:1F90 00000000:0000 0A 00\n\
                     1: 0100007F:A1B2 0100007F:1F90 01 00\n\
                     2: 0100007F:1F90 0100007F:A1B2 01 00\n\
                     3: 0100007F:A1B3 0100007F:1F90 06 00\n";
        assert_eq!(count(table, 0x1F90), 1);
    }
}
