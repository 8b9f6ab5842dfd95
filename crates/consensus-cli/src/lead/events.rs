//! What can happen while a command runs, and the wait for it.

use super::Leader;
use crate::command::Heard;
use crate::signals::Caught;
use crate::times::{Instant, sleep_until};
use consensus::{Ended, Term};
use std::time::Duration;

/// A deadline that moves by less is the same, read twice.
const A_MOVE: Duration = Duration::from_millis(1);

/// What can happen to a leader.
#[derive(Clone, Copy, Debug)]
pub(super) enum Event {
    TermOver(Ended),
    /// The deadline is a later one.
    Renewed(Instant),
    /// It is time to look.
    Look,
    Caught(Caught),
    Heard(Heard),
    /// The election has something to tell.
    Changed,
}

/// Waits for what happens next; the end of the term first.
pub(super) async fn next(leader: &mut Leader<'_>, known: Known) -> Event {
    tokio::select! {
        biased;
        event = term_moves(leader.term, known.deadline), if !known.term_is_over => event,
        caught = leader.signals.next() => Event::Caught(caught),
        heard = leader.guarded.hear() => Event::Heard(heard),
        () = sleep_until(known.look_at) => Event::Look,
        _ = leader.lease.changed() => Event::Changed,
    }
}

/// What is known already.
#[derive(Clone, Copy, Debug)]
pub(super) struct Known {
    pub(super) deadline: Instant,
    pub(super) term_is_over: bool,
    /// When to look what is left of the command.
    pub(super) look_at: Instant,
}

/// Waits until a term's deadline is a later one than is known, or the term is over. The clock is asked as
/// well as the election: should that be stuck, the command ends all the same.
async fn term_moves(term: &Term, known: Instant) -> Event {
    loop {
        // The clock first: what is noted is never later than the deadline.
        let now = Instant::now();
        let left = term.remaining();
        if left.is_zero() {
            return Event::TermOver(term.ended().await);
        }
        let deadline = now.plus(left);
        if deadline > known.plus(A_MOVE) {
            return Event::Renewed(deadline);
        }
        // Nothing tells of a renewal. This looks some times between one and the next, more often towards
        // the deadline.
        let next_look = now.plus((left / 2).max(A_MOVE).min(left));
        tokio::select! {
            biased;
            why = term.ended() => return Event::TermOver(why),
            () = sleep_until(next_look) => {}
        }
    }
}
