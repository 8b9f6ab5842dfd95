//! The judge is worth something only if it finds what is wrong: stories that are made up, each a good one
//! with one thing changed. Times are in milliseconds.

use super::history::{Version, Writer};
use super::judge::{Act, Excuse, Findings, Hit, judge};
use crate::work::{Term, terms};
use std::fmt::Write as _;

/// Of every record.
const LEASE: i64 = 3_000;

#[derive(Clone, Default)]
struct Story {
    versions: Vec<Version>,
    work: String,
    hits: Vec<Hit>,
}

impl Story {
    /// One of client-go's leads and is killed; one of ours leads after its lease, and hands over to another.
    fn good() -> Self {
        let mut story = Self::default();
        story.theirs(1, 0, "go-1", Some("go-1"));
        story.theirs(2, 1_000, "go-1", Some("go-1"));
        story.works("go-1", 1, 10..1_100);
        story.ours(5, 4_001, Some(("ours-2", 5)));
        story.ours(6, 5_000, Some(("ours-2", 5)));
        story.works("ours-2", 5, 4_010..5_490);
        story.ours(7, 5_500, None);
        story.ours(8, 5_510, Some(("ours-3", 8)));
        story.works("ours-3", 8, 5_520..6_000);
        story
    }

    /// One of ours leads, and one of client-go's was paused, cancelled, and erases it.
    fn erased() -> Self {
        let mut story = Self::default();
        story.theirs(1, 0, "go-1", Some("go-1"));
        story.works("go-1", 1, 10..100);
        story.hit(100, "go-1", Act::Stop);
        story.ours(5, 3_001, Some(("ours-2", 5)));
        story.works("ours-2", 5, 3_010..4_031);
        story.hit(4_000, "go-1", Act::Term);
        story.hit(4_000, "go-1", Act::Continue);
        story.theirs(6, 4_005, "go-1", None);
        story
    }

    fn version(&mut self, revision: u64, at: i64, writer: Writer, holder: Option<&str>) {
        self.versions.push(Version {
            election: "election".to_owned(),
            revision,
            holder: holder.map(str::to_owned),
            lease: holder.map_or(1_000, |_| LEASE) * 1_000_000,
            token: None,
            writer,
            written: at * 1_000_000,
            seen: (at + 5) * 1_000_000,
        });
    }

    fn theirs(&mut self, revision: u64, at: i64, who: &str, holder: Option<&str>) {
        self.version(revision, at, Writer::ClientGo(who.to_owned()), holder);
    }

    fn ours(&mut self, revision: u64, at: i64, held: Option<(&str, u64)>) {
        self.version(revision, at, Writer::Ours, held.map(|held| held.0));
        let last = self.versions.last_mut().expect("it was just told");
        last.token = held.map(|held| held.1);
    }

    /// A piece every ten milliseconds.
    fn works(&mut self, who: &str, term: u64, when: std::ops::Range<i64>) {
        for at in when.step_by(10) {
            writeln!(self.work, "{} {who} {term}", at * 1_000_000).expect("a string");
        }
    }

    fn hit(&mut self, at: i64, identity: &str, act: Act) {
        let (at, identity) = (at * 1_000_000, identity.to_owned());
        self.hits.push(Hit { at, identity, act });
    }

    fn judged(&self) -> Findings {
        let terms: Vec<Term> = terms(&self.work);
        judge(&terms, &self.versions, &self.hits)
    }

    /// Exactly this is wrong with it.
    fn is_faulted(&self, words: &str) {
        let findings = self.judged();
        let found = matches!(&*findings.faults, [fault] if fault.contains(words));
        assert!(found, "{words}: {findings:#?}");
    }

    /// Nothing is wrong, but this had to be excused.
    fn is_excused(&self, excuses: &[Excuse]) {
        let findings = self.judged();
        assert_eq!(findings.faults, [""; 0]);
        let found: Vec<_> = findings.excused.into_keys().collect();
        assert_eq!(found, excuses);
    }
}

#[test]
fn a_good_story_is_believed() {
    let story = Story::good();
    story.is_excused(&[]);
    let findings = story.judged();
    assert_eq!((findings.terms, findings.changes), ((2, 1), 2));
    assert_eq!((findings.acquisitions, findings.pieces.1), (2, 109));
    assert_eq!((findings.closest, findings.noticed), (Some(1), None));
}

#[test]
fn who_begins_before_a_lease_has_run_out_is_found() {
    let mut story = Story::good();
    story.versions[2].written -= 10_000_000;
    story.is_faulted("9 ms early");
}

#[test]
fn two_of_ours_at_once_are_found() {
    let mut story = Story::good();
    // Late: the second one has begun, and the first one's release is long written.
    story.work += "5525000000 ours-2 5\n";
    let faults = story.judged().faults;
    assert_eq!(faults.len(), 2, "{faults:?}");
    assert!(faults[0].starts_with("ours-2 and ours-3 worked at once"));
    assert!(faults[1].starts_with("ours-2 under 5 worked for 25 ms after"));
}

#[test]
fn a_token_that_falls_is_found() {
    let mut story = Story::good();
    story.work = story.work.replace("ours-3 8", "ours-3 4");
    for version in &mut story.versions {
        version.token = version
            .token
            .map(|token| if token == 8 { 4 } else { token });
    }
    story.is_faulted("a token fell from 5 to 4");
}

#[test]
fn work_without_a_lease_is_found() {
    let mut story = Story::good();
    story.work += "7000000000 ours-9 9\n";
    story.is_faulted("never held");
    let mut story = Story::good();
    story.work += "4000000000 ours-2 5\n";
    story.is_faulted("before it held");
    let mut story = Story::good();
    story.work += "8511000000 ours-3 8\n";
    story.is_faulted("longer than its lease");
    let mut story = Story::good();
    // Before anybody else begins, but after its release.
    story.work += "5502000000 ours-2 5\n";
    story.is_faulted("worked for 2 ms after");
}

#[test]
fn one_of_client_gos_in_our_term_is_found_if_it_was_not_stopped() {
    let mut story = Story::good();
    story.work += "4500000000 go-1 1\n";
    story.is_faulted("worked at once");
    story.hit(1_150, "go-1", Act::Stop);
    story.hit(4_400, "go-1", Act::Continue);
    story.is_excused(&[Excuse::WorkAfterAStop]);
    // It worked before it went on.
    story.hits[1].at = 4_600_000_000;
    story.is_faulted("worked at once");
    // It stood still only when ours had begun and ended.
    story.hits[0].at = 5_600_000_000;
    story.hits[1].at = 5_700_000_000;
    story.is_faulted("worked at once");
}

#[test]
fn a_stop_excuses_nobody_who_has_renewed_since() {
    let mut story = Story::good();
    story.hit(200, "go-1", Act::Stop);
    story.hit(900, "go-1", Act::Continue);
    story.works("go-1", 1, 1_000..4_500);
    story.is_faulted("worked at once");
}

#[test]
fn an_erasure_is_excused_only_by_a_stop_and_an_end() {
    let story = Story::erased();
    story.is_excused(&[Excuse::OursWasErased]);
    assert_eq!(story.judged().noticed, Some(25));
    for left_out in 0..3 {
        let mut story = story.clone();
        story.hits.remove(left_out);
        story.is_faulted("ours-2 under 5 worked for");
    }
    // It was stopped before it began to work.
    let mut idle = story.clone();
    let others = |line: &&str| !line.contains("go-1");
    let lines: Vec<&str> = story.work.lines().filter(others).collect();
    idle.work = lines.join("\n");
    idle.is_excused(&[Excuse::OursWasErased]);
    // By somebody who has not led.
    let mut story = story.clone();
    story.work = story.work.replace("go-1", "go-7");
    story.versions[0].holder = Some("go-7".to_owned());
    story.is_faulted("ours-2 under 5 worked for");
}

#[test]
fn one_of_client_gos_begins_over_ours_only_after_an_erasure() {
    let mut story = Story::erased();
    story.theirs(7, 4_012, "go-4", Some("go-4"));
    story.works("go-4", 1, 4_015..4_100);
    story.is_excused(&[Excuse::OursWasErased, Excuse::BeganOverOurs]);
    story.hits.clear();
    assert_eq!(story.judged().faults.len(), 2);
}

#[test]
fn ours_does_not_take_what_was_erased_from_ours() {
    let mut story = Story::erased();
    story.ours(7, 4_500, Some(("ours-3", 7)));
    story.is_faulted("2505 ms early");
    let mut story = Story::erased();
    story.ours(7, 7_010, Some(("ours-3", 7)));
    story.is_excused(&[Excuse::OursWasErased]);
}

#[test]
fn what_was_erased_from_client_gos_looks_released() {
    let mut story = Story::erased();
    for version in &mut story.versions[1..2] {
        version.writer = Writer::ClientGo("go-2".to_owned());
        version.holder = Some("go-2".to_owned());
        version.token = None;
    }
    story.work = story.work.replace("ours-2 5", "go-2 1");
    story.ours(7, 4_012, Some(("ours-3", 7)));
    story.works("ours-3", 7, 4_015..4_100);
    story.is_excused(&[Excuse::TheirsWasErased]);
    assert_eq!(story.judged().excused[&Excuse::TheirsWasErased], 2);
    story.hits.clear();
    // That it began, and that the other one went on.
    assert_eq!(story.judged().faults.len(), 2);
}
