//! The scripts: each fault once, for candidates of either kind.

use super::scene::{Scene, let_it_come};
use crate::candidates::RETRY;
use consensus_testbed::{Fault, Verb};
use rustix::process::Signal;
use serde_json::json;
use std::time::Duration;

/// A fault, and what becomes of it.
pub(super) struct Script {
    /// As the table calls it.
    pub(super) fault: &'static str,
    /// Why client-go's elector overlaps with `ReleaseOnCancel`. `None`: it was not seen to.
    pub(super) releasing: Option<&'static str>,
    /// And without.
    pub(super) plain: Option<&'static str>,
    /// Who is looked at. Nobody: everybody.
    pub(super) among: &'static [&'static str],
    pub(super) play: fn(&mut Scene),
}

impl Script {
    const fn new(
        fault: &'static str,
        releasing: Option<&'static str>,
        plain: Option<&'static str>,
        play: fn(&mut Scene),
    ) -> Self {
        Self {
            fault,
            releasing,
            plain,
            among: &[],
            play,
        }
    }
}

const LATE: Option<&str> = Some("the lease counts from the answer");
const TOO_LATE: Option<&str> = Some("the lease counts from the answer, however late that is");
const NOT_AT_ONCE: Option<&str> = Some("sees the other holder, and works until its deadline");
const ERASES: Option<&str> = Some("its release erases its successor, and a third begins at once");
const ABSENT: Option<&str> = Some("a Lease that is not there is free");
const EMPTY: Option<&str> = Some("a Lease without a holder is free");
const TRIES: Option<&str> = Some("the work is told after the release was tried, which hangs");

pub(super) const SCRIPTS: &[Script] = &[
    Script::new(
        "an acquisition is carried out, and its answer comes when the lease is over",
        TOO_LATE,
        TOO_LATE,
        late_answer_to_an_acquisition,
    ),
    Script::new(
        "a renewal is carried out, its answer comes late, and nothing after it",
        LATE,
        LATE,
        late_answer_to_a_renewal,
    ),
    Script::new(
        "a renewal arrives late, when its leader has given up",
        TRIES,
        None,
        late_request,
    ),
    Script::new(
        "a leader is paused past its lease, and goes on",
        NOT_AT_ONCE,
        NOT_AT_ONCE,
        paused,
    ),
    Script {
        among: &["second", "third"],
        ..Script::new(
            "a leader is paused past its lease and cancelled as it goes on: its successors",
            ERASES,
            None,
            paused_and_cancelled,
        )
    },
    Script::new(
        "the Lease is deleted under its leader",
        ABSENT,
        ABSENT,
        deleted,
    ),
    Script::new(
        "the Lease is emptied under its leader",
        EMPTY,
        EMPTY,
        emptied,
    ),
    Script::new("the answer to a renewal is lost", None, None, lost_answer),
    Script::new(
        "the answer to a renewal is lost, and nothing comes after it",
        TRIES,
        None,
        lost_answer_then_silence,
    ),
    Script::new("all connections of the leader freeze", TRIES, None, frozen),
    Script::new(
        "the API server answers the leader 429 for a while, with Retry-After",
        TRIES,
        None,
        too_many_requests,
    ),
    Script::new(
        "the API server answers the leader 503 for a while",
        None,
        None,
        unavailable,
    ),
];

fn late_answer_to_an_acquisition(scene: &mut Scene) {
    scene.proxy.next(Verb::Update, Fault::HoldAnswer);
    scene.proxy.always(Verb::Update, Fault::Freeze);
    scene.starts_first();
    scene.until_holds("first");
    scene.starts("second", RETRY);
    scene.until_works("second");
    scene.proxy.clear();
    scene.proxy.let_go();
    let_it_come();
    // Of ours only the second one may have worked: then it hands over.
    scene.ends("second");
    scene.until_works("first");
}

fn late_answer_to_a_renewal(scene: &mut Scene) {
    scene.first_leads_and_second_sees_it();
    // Shorter than the renew deadline: client-go takes it.
    scene
        .proxy
        .next(Verb::Update, Fault::Late(Duration::from_millis(1_700)));
    scene.all_is_frozen();
    scene.until_works("second");
    let_it_come();
}

fn late_request(scene: &mut Scene) {
    scene.first_leads_and_second_sees_it();
    scene.proxy.next(Verb::Update, Fault::HoldRequest);
    scene.all_is_frozen();
    scene.until_has_ended("first");
    scene.proxy.let_go();
    scene.until_works("second");
    scene.is_mended();
    let_it_come();
}

fn paused(scene: &mut Scene) {
    scene.first_leads_and_second_sees_it();
    scene.first_gets(Signal::STOP);
    scene.until_works("second");
    scene.first_gets(Signal::CONT);
    let_it_come();
}

fn paused_and_cancelled(scene: &mut Scene) {
    paused_and_cancelled_just_now(scene);
    let_it_come();
    scene.ends("second");
    scene.until_works("third");
}

/// The second one leads, and the third one knows it.
pub(super) fn paused_and_cancelled_just_now(scene: &mut Scene) {
    scene.first_leads_and_slow_second_sees_it();
    scene.first_gets(Signal::STOP);
    scene.until_works("second");
    scene.third_sees_second();
    scene.until_is_renewed();
    scene.first_gets(Signal::CONT);
    scene.first_gets(Signal::TERM);
}

fn deleted(scene: &mut Scene) {
    scene.first_leads_and_second_sees_it();
    scene.until_is_renewed();
    scene.is_deleted();
    let_it_come();
    scene.until_somebody_works();
}

fn emptied(scene: &mut Scene) {
    scene.first_leads_and_second_sees_it();
    scene.until_is_renewed();
    scene.is_emptied();
    let_it_come();
    scene.until_somebody_works();
}

fn lost_answer(scene: &mut Scene) {
    scene.first_leads_and_second_sees_it();
    scene.proxy.next(Verb::Update, Fault::LoseAnswer);
    let_it_come();
}

fn lost_answer_then_silence(scene: &mut Scene) {
    scene.first_leads_and_second_sees_it();
    scene.proxy.next(Verb::Update, Fault::FreezeAnswer);
    scene.all_is_frozen();
    taken_over(scene);
}

fn frozen(scene: &mut Scene) {
    scene.first_leads_and_second_sees_it();
    scene.all_is_frozen();
    taken_over(scene);
}

fn too_many_requests(scene: &mut Scene) {
    refused(scene, 429, vec![("retry-after", "1".to_owned())]);
}

fn unavailable(scene: &mut Scene) {
    refused(scene, 503, Vec::new());
}

fn refused(scene: &mut Scene, code: u16, headers: Vec<(&'static str, String)>) {
    scene.first_leads_and_second_sees_it();
    let body = json!({ "kind": "Status", "code": code, "message": "not now" });
    scene.always(&Fault::Answer(code, headers, body));
    // What it watches was open before.
    scene.proxy.cut();
    taken_over(scene);
}

/// The second one takes over, and the first one is back on its way.
fn taken_over(scene: &mut Scene) {
    scene.until_works("second");
    scene.is_mended();
    let_it_come();
}
