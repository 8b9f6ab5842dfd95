//! Races of three candidates of ours and three of client-go's on one Lease, several Leases side by side: they
//! are killed, stopped past their lease and asked to end, at random. While one of ours leads nobody else does,
//! and none of ours begins while the lease of somebody else lives.
//!
//! Minutes long, so ignored unless asked for: `cargo xtask soak`. `SOAK_SEED` repeats a run's choices.

mod arena;
mod dice;
mod history;
mod judge;
mod made_up;

use crate::candidates::now;
use crate::place::{Place, kubeconfig};
use arena::Arena;
use consensus_testbed::{Cluster, client_go_elector};
use dice::Dice;
use history::Watching;
use judge::{Act, Findings, Hit, judge};
use std::collections::BTreeMap;
use std::thread;
use std::time::Duration;

const ARENAS: u64 = 6;
/// How long they go on.
const TIME: Duration = Duration::from_secs(120);

#[test]
#[ignore = "minutes of real processes: cargo xtask soak"]
fn soak_beside_client_go_nobody_else_leads_while_one_of_ours_does() {
    client_go_elector().unwrap_or_else(|failure| panic!("{failure}"));
    let seed = seed();
    println!("SOAK_SEED={seed}");
    let cluster = Cluster::shared();
    let direct = kubeconfig(cluster.url(), cluster.admin_token());
    let place = Place::new();
    let watching = Watching::begin(place.control.clone(), place.folder());
    let name = |number: u64| format!("election-{number}");
    let played: Vec<_> = (0..ARENAS)
        .map(|number| {
            let place = Place {
                name: name(number),
                ..place.clone()
            };
            let direct = direct.clone();
            thread::spawn(move || {
                let mut dice = Dice::new(seed.wrapping_add(number));
                Arena::open(place, &direct).run(TIME, &mut dice)
            })
        })
        .collect();
    let played: Vec<_> = played
        .into_iter()
        .map(|arena| arena.join().expect("an arena"))
        .collect();
    let history = watching.end();
    let (mut all, mut acts) = (Findings::default(), BTreeMap::<Act, usize>::new());
    for (number, (terms, hits)) in (0..).zip(&played) {
        let is_its = |election: &str| election == name(number);
        let versions: Vec<_> = history
            .iter()
            .filter(|it| is_its(&it.election))
            .cloned()
            .collect();
        all.add(judge(terms, &versions, hits));
        for Hit { act, .. } in hits {
            *acts.entry(*act).or_default() += 1;
        }
    }
    println!("{acts:?}\n{all:#?}");
    assert!(all.changes >= 100, "too few changes of leader");
    assert!(all.terms.0 >= 50 && all.terms.1 >= 20, "too few terms");
    for act in [Act::Kill, Act::Stop, Act::Term] {
        let count = acts.get(&act).copied().unwrap_or_default();
        assert!(count >= 20, "too few of {act:?}");
    }
    assert!(all.faults.is_empty(), "see above");
}

fn seed() -> u64 {
    let given = std::env::var("SOAK_SEED")
        .ok()
        .and_then(|seed| seed.parse().ok());
    given.unwrap_or_else(|| now().unsigned_abs())
}
