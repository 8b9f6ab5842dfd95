//! The whole protocol over the store: the promises of [`Backend`] that a store has to bear out.
//!
//! The clock is on paper, so that leases run out in no time; the store is the real one.

use super::trial::{Paper, held, load, put, record};
use super::{Call, Fault, Faults, Faulty, Place};
use crate::Token;
use crate::backend::{Absent, Acquisition, Backend, Candidate, Renewal};
use crate::store::{Record, RecordBackend, Store};
use std::time::Duration;

const LEASE: Duration = Duration::from_secs(15);

/// One candidate, and the store as it uses it.
struct Rival<S: Store> {
    candidate: Candidate,
    backend: RecordBackend<S, Paper>,
}

impl<S: Store> Rival<S> {
    fn new(identity: &str, store: S, paper: &Paper) -> Self {
        let mut candidate = Candidate::new(identity, LEASE);
        // Nobody leads here yet, and nobody deletes a record under a leader.
        candidate.absent = Absent::Free;
        Self {
            candidate,
            backend: RecordBackend::in_world(store, paper.clone()),
        }
    }

    /// Tries to lead. `None`: somebody else does.
    async fn tries(&mut self) -> Option<Token> {
        let answer = self.backend.try_acquire(&self.candidate).await;
        match answer.expect("a store that nobody disturbs answers an acquisition") {
            Acquisition::Acquired { token } => Some(token),
            Acquisition::Held { .. } => None,
        }
    }

    async fn leads(&mut self) -> Token {
        let token = self.tries().await;
        token.expect("a candidate leads where nobody else does, or whoever did is over")
    }

    /// Renews; once more if the outcome is unknown.
    async fn renews(&mut self, token: Token) -> bool {
        let mut answer = self.backend.renew(&self.candidate, token).await;
        if answer.is_err() {
            answer = self.backend.renew(&self.candidate, token).await;
        }
        match answer.expect("a store that nobody disturbs answers a renewal") {
            Renewal::Renewed => true,
            Renewal::Lost { .. } => false,
        }
    }

    async fn releases(&mut self) {
        let answer = self.backend.release(&self.candidate).await;
        answer.expect("a store that nobody disturbs answers a release");
    }
}

fn two<S: Store>(place: &Place<S>) -> (Paper, Rival<S>, Rival<S>) {
    let paper = Paper::default();
    let one = Rival::new("one", place.open(), &paper);
    let other = Rival::new("other", place.open(), &paper);
    (paper, one, other)
}

/// > nobody is [told `Acquired`] while another's lease is alive
pub async fn a_second_candidate_is_refused_while_the_first_renews<S: Store>(place: Place<S>) {
    let (paper, mut one, mut other) = two(&place);
    let token = one.leads().await;
    for renewals in 0..4 {
        let acquired = other.tries().await;
        assert!(
            acquired.is_none(),
            "Backend: \"nobody is while another's lease is alive\"; somebody was, after {renewals} \
             renewals"
        );
        paper.pass(LEASE / 3);
        assert!(
            one.renews(token).await,
            "Backend: a leader whose record nobody touched renews; renewal {renewals} was refused"
        );
    }
}

/// > `None`: released, by the holder's own mark.
///
/// However often it had been renewed, it can then be taken at once.
pub async fn a_release_frees_at_once<S: Store>(place: Place<S>) {
    let (_, mut one, mut other) = two(&place);
    assert!(other.tries().await.is_some(), "nobody leads yet");
    other.releases().await;
    let token = one.leads().await;
    for _ in 0..3 {
        assert!(
            one.renews(token).await,
            "nobody touched the leader's record"
        );
    }
    one.releases().await;
    assert!(
        other.tries().await.is_some(),
        "Record: \"`None`: released, by the holder's own mark\"; a released record was not free"
    );
}

/// > How long the record counts as held after it was last seen to change.
///
/// To look at it does not change it.
pub async fn a_lease_that_is_not_renewed_runs_out<S: Store>(place: Place<S>) {
    let (paper, mut one, mut other) = two(&place);
    one.leads().await;
    for _ in 0..3 {
        assert!(other.tries().await.is_none(), "the lease is alive");
        paper.pass(LEASE / 3);
    }
    assert!(
        other.tries().await.is_some(),
        "Record: it counts as held for the lease duration \"after it was last seen to change\"; \
         nobody changed it, and it is held still"
    );
}

/// > A renewal or a release that comes too late changes nothing for whoever leads by then.
pub async fn a_renewal_over_somebody_elses_record_is_lost<S: Store>(place: Place<S>) {
    let (_, mut one, _) = two(&place);
    let token = one.leads().await;
    let other = Record {
        token: Some(token.next()),
        ..record("other", 9)
    };
    put(&mut place.open(), &other).await;
    assert!(
        !one.renews(token).await,
        "Backend: \"A renewal […] that comes too late changes nothing for whoever leads by then\"; \
         it was told `Renewed`"
    );
    one.releases().await;
    assert_eq!(
        held(&mut place.open()).await,
        other.nonce,
        "Backend: \"a release that comes too late changes nothing for whoever leads by then\""
    );
}

/// > Every [`Acquired`](Acquisition::Acquired) carries a token higher than all that this election
/// > has ever given out
pub async fn tokens_rise_from_term_to_term<S: Store>(place: Place<S>) {
    let (_, mut one, mut other) = two(&place);
    let mut last = Token::default();
    for term in 0..2 {
        for rival in [&mut one, &mut other] {
            let token = rival.leads().await;
            assert!(
                token > last,
                "Backend: \"Every `Acquired` carries a token higher than all that this election has \
                 ever given out\"; after {last} came {token}, in round {term}"
            );
            rival.releases().await;
            last = token;
        }
    }
}

/// > An acquisition that turns out to have succeeded is not adopted but taken anew, under a new
/// > token.
pub async fn an_acquisition_without_an_answer_is_taken_anew<S: Store>(place: Place<S>) {
    let (paper, faults) = (Paper::default(), Faults::new());
    let mut one = Rival::new("one", Faulty::new(place.open(), &faults), &paper);
    let mut other = Rival::new("other", place.open(), &paper);
    faults.next(Call::Save, Fault::LoseAnswer);
    let answer = one.backend.try_acquire(&one.candidate).await;
    assert!(answer.is_err(), "its answer was lost");
    assert!(other.tries().await.is_none(), "the lease is alive");

    let lost = load(&mut place.open())
        .await
        .record
        .and_then(|record| record.token);
    let token = one.leads().await;
    let held = load(&mut place.open())
        .await
        .record
        .and_then(|record| record.token);
    assert!(
        Some(token) > lost && held.is_none_or(|held| held == token),
        "Backend: it \"is not adopted but taken anew, under a new token\"; after the lost {lost:?} \
         came {token}, and the store holds {held:?}"
    );
    assert!(other.tries().await.is_none(), "the lease is alive");
    assert!(
        one.renews(token).await,
        "a leader whose record nobody touched renews"
    );
}
