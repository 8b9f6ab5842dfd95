//! What a thread finds that is woken by a handle: the election's thread may be anywhere by then, so
//! these tests look at the very moment of the wake-up.

use consensus::backend::Candidate;
use consensus::internals::{Ask, Board, Election, Host, drive};
use consensus::{Config, Lease, MemoryBackend};
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Wake, Waker};
use std::time::Duration;

/// Looks whether the candidate leads whenever it is woken.
struct Looks {
    lease: Lease,
    saw: Mutex<Vec<bool>>,
}

impl Wake for Looks {
    fn wake(self: Arc<Self>) {
        let leads = self.lease.is_leader();
        self.saw.lock().expect("not poisoned").push(leads);
    }
}

/// Breaks if the driver tells of a beginning or an end before it publishes the belief: whoever waits then
/// looks too early, and is not woken again.
#[test]
fn who_is_woken_by_a_beginning_or_an_end_finds_it_so() {
    let board = Arc::new(Board::default());
    let lease = Lease::new(Arc::clone(&board));
    let config = Config::new("a").lease_duration(Duration::from_secs(3600));
    let timing = config.timing().expect("valid");
    let candidate = Candidate::new("a", timing.lease_duration);
    let mut backend = MemoryBackend::new();
    let election = Election::new(timing, 0);
    let mut driver = pin!(drive(&mut backend, &candidate, election, &Host, &board));
    let mut turn = || {
        let _ = driver
            .as_mut()
            .poll(&mut Context::from_waker(Waker::noop()));
    };
    let looks = Arc::new(Looks {
        lease: lease.clone(),
        saw: Mutex::default(),
    });
    let waker = Waker::from(Arc::clone(&looks));
    let last_look = || looks.saw.lock().expect("not poisoned").last().copied();

    let mut led = pin!(lease.wait_for_leadership());
    let pending = led.as_mut().poll(&mut Context::from_waker(&waker));
    assert!(pending.is_pending(), "nobody has run the election");
    turn();
    assert_eq!(last_look(), Some(true), "told before it was so");

    let term = lease.term().expect("it leads");
    let mut ended = pin!(term.ended());
    let pending = ended.as_mut().poll(&mut Context::from_waker(&waker));
    assert!(pending.is_pending(), "the term goes on");
    board.ask(Ask::Stop);
    turn();
    assert_eq!(last_look(), Some(false), "told before it was so");
}
