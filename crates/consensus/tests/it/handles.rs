//! `Manager`, `Lease`, `Term` and `Work` as a user holds them, on the election's own thread.

use consensus::backend::{Acquisition, Candidate, Renewal};
use consensus::memory::MemoryStore;
use consensus::store::RecordBackend;
use consensus::{Backend, Config, Ended, Error, ErrorKind, Manager, MemoryBackend, Status, Token};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

fn over(store: &MemoryStore, identity: &str) -> Manager {
    let backend = RecordBackend::over(store.clone());
    Manager::new(backend, Config::new(identity)).expect("valid")
}

#[test]
fn one_leads_and_the_next_takes_over_when_it_stops() {
    let store = MemoryStore::new();
    let (first, second) = (over(&store, "first"), over(&store, "second"));
    let leader = first.start();
    let term = leader.blocking_wait_for_leadership().expect("alone");
    assert!(leader.is_leader() && term.is_current() && !term.remaining().is_zero());
    assert_eq!(
        leader.status(),
        Status::Leading {
            token: term.token()
        }
    );

    let mut follower = second.start();
    let status = follower.blocking_changed();
    assert!(
        matches!(&status, Status::Following { leader: Some(l) } if &*l.identity == "first"),
        "{status:?}"
    );
    assert!(!follower.is_leader() && follower.term().is_none());

    first.blocking_stop().expect("released");
    assert!(!leader.is_leader());
    assert_eq!(term.blocking_ended(), Ended::Stopped);
    let next = follower.blocking_wait_for_leadership().expect("released");
    assert!(next.token() > term.token());
    let error = leader.blocking_wait_for_leadership().expect_err("stopped");
    assert_eq!(error.kind(), ErrorKind::Stopped);
}

#[test]
fn followers_find_the_leader_by_its_address() {
    let store = MemoryStore::new();
    let config = Config::new("leader").address("http://127.0.0.1:8080");
    let leader = Manager::new(RecordBackend::over(store.clone()), config).expect("valid");
    leader
        .start()
        .blocking_wait_for_leadership()
        .expect("alone");
    let follower = over(&store, "follower");
    let mut lease = follower.start();
    loop {
        if let Status::Following {
            leader: Some(leader),
        } = lease.blocking_changed()
        {
            assert_eq!(leader.address.as_deref(), Some("http://127.0.0.1:8080"));
            assert_eq!(leader.to_string(), "leader at http://127.0.0.1:8080");
            break;
        }
    }
}

#[test]
fn a_release_waits_for_registered_work() {
    let store = MemoryStore::new();
    let manager = over(&store, "a");
    let term = manager
        .start()
        .blocking_wait_for_leadership()
        .expect("alone");
    let work = term.begin_work().expect("current");
    let done = Arc::new(AtomicBool::new(false));
    let stopping = {
        let done = Arc::clone(&done);
        std::thread::spawn(move || {
            manager.blocking_stop().expect("released");
            assert!(
                done.load(Ordering::SeqCst),
                "stopped before the work was over"
            );
        })
    };
    assert_eq!(term.blocking_ended(), Ended::Stopped);
    assert_eq!(term.begin_work().expect_err("over"), Ended::Stopped);
    std::thread::sleep(Duration::from_millis(50));
    assert!(store.peek(|record| record.expect("held").holder.is_some()));
    done.store(true, Ordering::SeqCst);
    drop(work);
    stopping.join().expect("stops");
    assert!(store.peek(|record| record.expect("kept").holder.is_none()));
}

struct SetOnDrop(Arc<AtomicBool>);

impl Drop for SetOnDrop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

#[tokio::test]
async fn a_future_is_dropped_when_its_term_ends_and_finishes_if_it_is_quicker() {
    let manager = over(&MemoryStore::new(), "a");
    let lease = manager.start();
    let term = lease.wait_for_leadership().await.expect("alone");
    assert_eq!(term.run(async { 5 }).await, Ok(5));

    let dropped = Arc::new(AtomicBool::new(false));
    let guard = SetOnDrop(Arc::clone(&dropped));
    let running = {
        let term = term.clone();
        tokio::spawn(async move {
            let forever = async move {
                let _guard = guard;
                std::future::pending::<()>().await;
            };
            term.run(forever).await
        })
    };
    tokio::task::yield_now().await;
    manager.stop().await.expect("released");
    assert!(dropped.load(Ordering::SeqCst), "dropped before the release");
    assert_eq!(running.await.expect("ran"), Err(Ended::Stopped));
    assert_eq!(term.run(async { 5 }).await, Err(Ended::Stopped));
}

#[test]
fn an_election_ends_when_its_cancellation_resolves_or_panics_or_its_manager_is_dropped() {
    let store = MemoryStore::new();
    let manager = over(&store, "cancelled");
    let (cancel, cancelled) = tokio::sync::oneshot::channel::<()>();
    let lease = manager.start_until(async { drop(cancelled.await) });
    let term = lease.blocking_wait_for_leadership().expect("alone");
    drop(cancel);
    assert_eq!(term.blocking_ended(), Ended::Stopped);
    manager.blocking_stop().expect("released");

    let manager = over(&store, "panics");
    let lease = manager.start_until(async { panic!("a user's mistake, as the test wants it") });
    while lease.status() != Status::Stopped {
        lease.clone().blocking_changed();
    }

    let manager = over(&store, "dropped");
    let lease = manager.start();
    let term = lease.blocking_wait_for_leadership().expect("free");
    drop(manager);
    assert_eq!(term.blocking_ended(), Ended::Stopped);
}

#[test]
fn a_manager_that_never_started_stops_at_once_and_one_that_did_gives_more_handles() {
    let manager = over(&MemoryStore::new(), "a");
    manager.blocking_stop().expect("nothing to do");
    let manager = over(&MemoryStore::new(), "a");
    let (first, second) = (manager.start(), manager.start());
    let term = first.blocking_wait_for_leadership().expect("alone");
    assert_eq!(
        second.term().expect("the same election").token(),
        term.token()
    );
}

#[test]
fn stepping_down_lets_another_lead() {
    let store = MemoryStore::new();
    let (first, second) = (over(&store, "first"), over(&store, "second"));
    let leader = first.start();
    let term = leader.blocking_wait_for_leadership().expect("alone");
    let follower = second.start();
    let work = term.begin_work().expect("current");
    leader.step_down();
    // Registered work ends the grace when it is over; unregistered would have four seconds.
    drop(work);
    assert_eq!(term.blocking_ended(), Ended::SteppedDown);
    let next = follower.blocking_wait_for_leadership().expect("released");
    assert!(next.token() > term.token());
}

#[test]
fn work_that_does_not_check_in_loses_its_term() {
    let config = Config::new("a").check_in(Duration::from_millis(300));
    let manager = Manager::new(MemoryBackend::new(), config).expect("valid");
    let lease = manager.start();
    let term = lease.blocking_wait_for_leadership().expect("alone");
    for _ in 0..20 {
        std::thread::sleep(Duration::from_millis(20));
        lease.check_in();
    }
    // A machine that starves this thread for a third of a second may have ended it: only what is
    // certain is claimed.
    assert_eq!(term.blocking_ended(), Ended::CheckInMissed);
    assert!(!lease.is_leader());
}

/// Ends as it is told to.
#[derive(Debug)]
enum Broken {
    Panics,
    Denied,
}

impl Backend for Broken {
    async fn try_acquire(&mut self, _: &Candidate) -> Result<Acquisition, Error> {
        match self {
            Self::Panics => panic!("a backend's mistake, as the test wants it"),
            Self::Denied => Err(Error::new(ErrorKind::Denied, "not for you")),
        }
    }

    async fn renew(&mut self, _: &Candidate, _: Token) -> Result<Renewal, Error> {
        Ok(Renewal::Renewed)
    }

    async fn release(&mut self, _: &Candidate) -> Result<(), Error> {
        Ok(())
    }
}

/// Promise 10. Breaks if `died` in `board.rs` leaves the status as it is.
#[test]
fn promise_10_a_backend_that_panics_is_not_silent() {
    let manager = Manager::new(Broken::Panics, Config::new("a")).expect("valid");
    let error = manager
        .start()
        .blocking_wait_for_leadership()
        .expect_err("it panicked");
    assert_eq!(error.kind(), ErrorKind::Stopped);
    assert!(error.to_string().contains("panicked"), "{error}");
    assert!(
        manager.blocking_stop().is_err(),
        "nobody knows what it left behind"
    );
    // The thread lives on for others.
    over(&MemoryStore::new(), "b")
        .start()
        .blocking_wait_for_leadership()
        .expect("alone");
}

#[test]
fn trouble_with_the_store_is_told_while_the_election_goes_on() {
    let manager = Manager::new(Broken::Denied, Config::new("a")).expect("valid");
    let mut lease = manager.start();
    lease.blocking_changed();
    let trouble = lease.trouble().expect("denied");
    assert_eq!(
        (trouble.kind(), trouble.to_string().as_str()),
        (ErrorKind::Denied, "not for you")
    );
    assert_eq!(lease.status(), Status::Starting, "no answer yet");
    manager.blocking_stop().expect("nothing was held");
}

/// Breaks if the driver publishes that a term is over before it leaves the reason: here that is seen
/// about once in 500 rounds.
#[test]
fn who_sees_a_term_over_finds_the_reason() {
    for _ in 0..3000 {
        let manager = over(&MemoryStore::new(), "a");
        let lease = manager.start();
        let term = lease.blocking_wait_for_leadership().expect("alone");
        let watcher = std::thread::spawn(move || {
            while term.is_current() {
                std::hint::spin_loop();
            }
            term.blocking_ended()
        });
        manager.blocking_stop().expect("released");
        assert_eq!(watcher.join().expect("a reason"), Ended::Stopped);
    }
}

#[test]
fn a_stop_that_released_nothing_says_so() {
    let store = MemoryStore::new();
    let config = Config::new("a").lease_duration(Duration::from_millis(400));
    let manager = Manager::new(RecordBackend::over(store.clone()), config).expect("valid");
    let term = manager
        .start()
        .blocking_wait_for_leadership()
        .expect("alone");
    let work = term.begin_work().expect("current");
    manager.begin_stop();
    // Longer than the lease is renewed for it.
    std::thread::sleep(Duration::from_millis(1_500));
    drop(work);
    let error = manager
        .blocking_stop()
        .expect_err("the work outlived the lease");
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
    assert!(store.peek(|record| record.expect("kept").holder.is_some()));
}

#[test]
fn what_the_user_handed_in_is_dropped_when_the_election_is_over() {
    let dropped = Arc::new(AtomicBool::new(false));
    let guard = SetOnDrop(Arc::clone(&dropped));
    let manager = over(&MemoryStore::new(), "a");
    let until = async move {
        let _guard = guard;
        std::future::pending::<()>().await;
    };
    drop(manager.start_until(until));
    manager.blocking_stop().expect("nothing in the way");
    while !dropped.load(Ordering::SeqCst) {
        std::thread::yield_now();
    }
}

#[test]
fn the_status_never_says_of_a_term_that_has_just_begun_that_it_is_over() {
    for _ in 0..500 {
        let manager = over(&MemoryStore::new(), "a");
        let lease = manager.start();
        loop {
            match lease.status() {
                Status::Leading { .. } => break,
                Status::Ending { token, why } => panic!("{token} has just begun: {why}"),
                Status::Starting | Status::Following { .. } | Status::Stopped | _ => {}
            }
        }
        manager.blocking_stop().expect("released");
    }
}

/// Breaks if `Follows` in `report.rs` keeps what went wrong with a lease that is long somebody else's.
#[test]
fn a_stop_speaks_of_the_last_lease_only() {
    let store = MemoryStore::new();
    let config = Config::new("stuck")
        .lease_duration(Duration::from_millis(400))
        .check_in(Duration::from_millis(50));
    let stuck = Manager::new(RecordBackend::over(store.clone()), config).expect("valid");
    let mut lease = stuck.start();
    let term = lease.blocking_wait_for_leadership().expect("alone");
    let work = term.begin_work().expect("current");
    let next = over(&store, "next");
    next.start()
        .blocking_wait_for_leadership()
        .expect("it runs out");
    drop(work);
    while !matches!(lease.status(), Status::Following { leader: Some(_) }) {
        lease.blocking_changed();
    }
    stuck.blocking_stop().expect("it holds nothing");
}
