//! The conformance kit: what a store promises, as tests that run over any store.
//!
//! A store of one's own keeps every sentence of the contract of [`Store`](crate::store::Store), or
//! elections over it are not safe. [`conformance!`](crate::conformance) makes one `#[test]` for each
//! case of the suite; the list of cases is the suite's, so that none is forgotten. This is a whole
//! store and its test:
//!
//! ```
#![doc = include_str!("../tests/it/stranger.rs")]
//! # fn main() {}
//! ```
//!
//! In tests it needs `consensus-election = { version = "…", features = ["kit"] }` among the
//! `dev-dependencies`. A case that hangs is named and ended after a minute.
//!
//! [`Faulty`] wraps any store and does to it what networks do; [`cases`] is the suite as data, for a
//! test harness of one's own. Read `kit/place.rs` next, then the cases, from `kit/atomicity.rs` on.

#![allow(
    clippy::missing_panics_doc,
    reason = "a case panics where a store breaks the contract: that is what it is for"
)]

mod atomicity;
mod election;
mod faulty;
mod fidelity;
mod foreign;
mod life;
mod place;
mod tokens;
mod trial;
mod unknown;
mod versions;
mod watch;

pub use faulty::{Call, Fault, Faults, Faulty, Injected};
pub use place::{Case, Place, cases};

#[doc(inline)]
pub use crate::conformance;

#[doc(hidden)]
pub use place::run;

/// The cases: each says of the store, in its name, what a sentence of the contract promises.
#[doc(hidden)]
pub mod suite {
    pub use super::atomicity::*;
    pub use super::election::*;
    pub use super::fidelity::*;
    pub use super::foreign::*;
    pub use super::life::*;
    pub use super::tokens::*;
    pub use super::unknown::*;
    pub use super::versions::*;
    pub use super::watch::*;
}

/// Makes a module of tests, one for each case of the conformance suite, over one store.
///
/// It is given the module's name and a closure that opens one more handle on the record of the place
/// that it is told. Each case has a place of its own, which bears the case's name; at first it holds
/// no record, so what outlives a test run (a folder, a database) needs a fresh prefix for each run.
/// The closure runs in a runtime of Tokio, and on other threads too.
///
/// ```
/// # fn main() {}
/// use consensus::memory::MemoryStore;
/// use std::collections::HashMap;
/// use std::sync::{LazyLock, Mutex};
///
/// static PLACES: LazyLock<Mutex<HashMap<String, MemoryStore>>> = LazyLock::new(Mutex::default);
///
/// fn open(place: &str) -> MemoryStore {
///     let mut places = PLACES.lock().expect("no case panics in here");
///     places.entry(place.to_owned()).or_default().clone()
/// }
///
/// consensus::conformance!(
///     memory,
///     open,
///     deletion: async |place| open(place).delete(),
///     unsupported: { foreign => "a process keeps nothing but records in its memory" },
/// );
/// ```
///
/// # What only a stranger does
/// What the suite cannot do through a store, the store's author hands in, in this order. Without it,
/// the cases that need it are ignored, and `cargo test` says so:
///
/// | | |
/// |---|---|
/// | `deletion: async \|place\| …` | deletes the record |
/// | `foreign: async \|place\| …` | puts something in the record's place that is not a record |
/// | `formats: async \|place\| …` | puts a record of a newer major format there |
/// | `fields: async \|place\| …, async \|place\| …` | gives the record a field that is unknown to us; tells whether it has it |
/// | `proof: \|store\| …` | ends a holder as its death would, without a release: often just `drop` |
///
/// # What a store cannot do
/// It is declared last, under `unsupported`, with the reason. The cases that need it are then ignored
/// with that reason. Beside the five above these may be declared:
///
/// | | |
/// |---|---|
/// | `watch` | it cannot tell of changes: [`Snapshot::watched`](crate::store::Snapshot::watched) is false |
/// | `absences` | it cannot tell one absence of the record from a later one |
/// | `fractions` | it keeps lease durations in whole seconds |
/// | `stragglers` | it cannot wait for a call whose future was dropped: a request may still be under way |
///
/// What safety needs cannot be declared away:
///
/// ```compile_fail
/// # fn main() {}
/// # use consensus::memory::MemoryStore;
/// consensus::conformance!(
///     memory,
///     |_| MemoryStore::new(),
///     unsupported: { atomicity => "it would cost a lock" }, // does not compile
/// );
/// ```
///
/// Nor can what was handed in:
///
/// ```compile_fail
/// # fn main() {}
/// # use consensus::memory::MemoryStore;
/// consensus::conformance!(
///     memory,
///     |_| MemoryStore::new(),
///     deletion: async |_| {},
///     unsupported: { deletion => "nobody can delete it" }, // does not compile
/// );
/// ```
#[macro_export]
macro_rules! conformance {
    (
        $name:ident, $open:expr
        $(, deletion: $delete:expr)?
        $(, foreign: $garble:expr)?
        $(, formats: $outdate:expr)?
        $(, fields: $annotate:expr, $annotated:expr)?
        $(, proof: $end:expr)?
        $(, unsupported: { $($lacking:ident => $why:literal),* $(,)? })?
        $(,)?
    ) => {
        mod $name {
            #[allow(unused_imports, clippy::wildcard_imports, reason = "what the closures use")]
            use super::*;

            $crate::__conformance_cases! {
                { $crate::__conformance_tests }
                ($)
                { $open }
                {
                    $(deletion($delete))?
                    $(foreign($garble))?
                    $(formats($outdate))?
                    $(fields($annotate, $annotated))?
                    $(proof($end))?
                }
                { $($($lacking => $why)*)? }
            }
        }
    };
}

/// The list of cases, and what each needs. It is handed to the macro that is named first.
#[doc(hidden)]
#[macro_export]
macro_rules! __conformance_cases {
    ({ $($then:tt)* } $($with:tt)*) => {
        $($then)* ! {
            $($with)*
            a_save_on_the_loaded_version_is_stored [];
            a_save_on_an_old_version_is_refused [];
            a_refused_save_changes_nothing [];
            of_many_saves_on_one_version_one_is_stored [];
            of_many_creations_one_is_stored [];
            a_read_is_never_older_than_an_acknowledged_write [];
            a_refusal_is_data_not_an_error [];
            a_creation_is_refused_if_somebody_created_meanwhile [];
            two_writes_never_share_a_version [];
            a_released_record_is_not_absence [];
            a_load_creates_nothing [];
            a_deleted_record_is_absent_and_can_be_created [deletion];
            a_record_created_again_has_another_version [deletion];
            an_absence_is_told_from_an_earlier_one [absences deletion];
            every_field_is_kept [];
            every_bit_of_a_nonce_is_kept [];
            the_greatest_values_are_kept [];
            an_identity_in_any_script_is_kept [];
            a_fraction_of_a_second_is_kept [fractions];
            wall_clock_times_decide_nothing [];
            unknown_fields_survive_a_save [fields];
            what_is_no_record_is_named [foreign];
            what_is_no_record_is_left_as_it_is [foreign];
            a_newer_format_is_refused_and_left_as_it_is [formats];
            no_token_falls_when_the_record_is_deleted [deletion];
            revisions_rise_with_every_write [];
            a_dropped_save_is_resolved_by_the_next_calls [];
            a_dropped_save_is_over_before_the_next_call [stragglers];
            a_handle_goes_on_after_a_dropped_load [];
            a_store_that_watches_says_so [watch];
            a_change_before_the_watch_is_told [watch];
            a_change_during_the_watch_is_told [watch];
            a_dropped_watch_can_be_asked_again [watch];
            ones_own_save_is_no_change [watch];
            a_deletion_is_told [watch deletion];
            a_living_holder_is_not_called_dead [];
            a_holder_is_marked_before_its_record_can_be_read [];
            a_released_record_has_no_living_holder [];
            letting_go_takes_the_mark_away [];
            a_living_holder_without_a_record_is_not_called_dead [deletion];
            a_mark_outlives_its_record [proof];
            an_ended_holder_is_proven_dead [proof];
            work_beyond_its_process_is_never_proven_over [proof];
            a_second_candidate_is_refused_while_the_first_renews [];
            a_release_frees_at_once [];
            a_lease_that_is_not_renewed_runs_out [];
            a_renewal_over_somebody_elses_record_is_lost [];
            tokens_rise_from_term_to_term [];
            an_acquisition_without_an_answer_is_taken_anew [];
        }
    };
}

/// One test for each case, ignored if the store lacks what the case needs.
#[doc(hidden)]
#[macro_export]
macro_rules! __conformance_tests {
    (
        ($d:tt)
        { $open:expr }
        { $($hook:ident($($with:expr),+))* }
        { $($lacking:ident => $why:literal)* }
        $($case:ident [$($needs:ident)*];)*
    ) => {
        $($crate::__conformance_lacking!($lacking);)*

        // What is handed in, and what is lacking, has one name in this list. A second one of that
        // name does not compile: either it is declared twice, or handed in *and* unsupported.
        const _: () = {
            #[allow(non_camel_case_types, dead_code, reason = "compared by the compiler")]
            enum HandedInOrUnsupported { $($hook,)* $($lacking,)* }
        };

        macro_rules! unless_lacking {
            $(([$lacking $d($d rest:ident)*] $d($d item:tt)*) => {
                #[ignore = $why] $d($d item)*
            };)*
            $(([$hook $d($d rest:ident)*] $d($d item:tt)*) => {
                unless_lacking! { [$d($d rest)*] $d($d item)* }
            };)*
            ([deletion $d($d rest:ident)*] $d($d item:tt)*) => {
                #[ignore = "nothing deletes the record: no `deletion:` was handed in"]
                $d($d item)*
            };
            ([foreign $d($d rest:ident)*] $d($d item:tt)*) => {
                #[ignore = "nothing replaces the record: no `foreign:` was handed in"]
                $d($d item)*
            };
            ([formats $d($d rest:ident)*] $d($d item:tt)*) => {
                #[ignore = "there is no newer format: no `formats:` was handed in"]
                $d($d item)*
            };
            ([fields $d($d rest:ident)*] $d($d item:tt)*) => {
                #[ignore = "there are no unknown fields: no `fields:` was handed in"]
                $d($d item)*
            };
            ([proof $d($d rest:ident)*] $d($d item:tt)*) => {
                #[ignore = "nothing is known of a holder's life: no `proof:` was handed in"]
                $d($d item)*
            };
            ([$d any:ident $d($d rest:ident)*] $d($d item:tt)*) => {
                unless_lacking! { [$d($d rest)*] $d($d item)* }
            };
            ([] $d($d item:tt)*) => { $d($d item)* };
        }

        #[allow(dead_code, reason = "outside of a test run there are no tests")]
        fn place(case: &str) -> $crate::kit::Place<impl $crate::store::Store> {
            $crate::kit::Place::new(case, $open)$(.$hook($($with),+))*
        }

        $(unless_lacking! {
            [$($needs)*]
            #[test]
            fn $case() {
                $crate::kit::run(place(stringify!($case)), $crate::kit::suite::$case);
            }
        })*
    };
}

/// Lets pass what a store may lack.
#[doc(hidden)]
#[macro_export]
macro_rules! __conformance_lacking {
    (deletion) => {};
    (foreign) => {};
    (formats) => {};
    (fields) => {};
    (proof) => {};
    (watch) => {};
    (absences) => {};
    (fractions) => {};
    (stragglers) => {};
    ($other:ident) => {
        ::core::compile_error!(::core::concat!(
            "`",
            ::core::stringify!($other),
            "` is not among what a store may lack: see the documentation of `conformance!`",
        ));
    };
}
