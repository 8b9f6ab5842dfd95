//! The flaws that a store can have: for every case of the suite, one that only this case finds.
//!
//! Most are mistakes that somebody has made in a real store, or nearly. Read `flawed.rs` next.

macro_rules! flaws {
    ($($(#[$doc:meta])* $flaw:ident => $case:literal;)*) => {
        /// One thing that a store does wrong.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Flaw {
            $($(#[$doc])* $flaw,)*
        }

        impl Flaw {
            pub const ALL: &[Self] = &[$(Self::$flaw),*];

            /// The one case that finds it.
            pub fn found_by(self) -> &'static str {
                match self {
                    $(Self::$flaw => $case,)*
                }
            }
        }
    };
}

flaws! {
    /// Its versions have four bits.
    RunsOutOfVersions => "a_save_on_the_loaded_version_is_stored";
    /// Who already holds the record may write to it, whatever the version.
    TrustsTheHolder => "a_save_on_an_old_version_is_refused";
    /// It counts refused writes as well.
    CountsRefusals => "a_refused_save_changes_nothing";
    /// It compares, and then swaps.
    UpdatesInTwoSteps => "of_many_saves_on_one_version_one_is_stored";
    /// It looks whether there is none, and then creates.
    CreatesInTwoSteps => "of_many_creations_one_is_stored";
    /// What a handle has read four times is cached, for one time.
    Caches => "a_read_is_never_older_than_an_acknowledged_write";
    /// It says "no" by an error.
    RefusesByError => "a_refusal_is_data_not_an_error";
    /// It refuses to create only over a record that is new.
    CreatesOverRenewedRecords => "a_creation_is_refused_if_somebody_created_meanwhile";
    /// A write that only has another nonce is no change to it.
    SkipsLookalikes => "two_writes_never_share_a_version";
    /// It deletes what is released.
    DeletesReleasedRecords => "a_released_record_is_not_absence";
    /// The first look leaves an empty record.
    CreatesOnLoad => "a_load_creates_nothing";
    /// What was deleted looks as if it had been released.
    LeavesTombstones => "a_deleted_record_is_absent_and_can_be_created";
    /// A created record has the version 1, always.
    RestartsVersions => "a_record_created_again_has_another_version";
    /// An absent record has the version 0, always.
    KnowsOneAbsence => "an_absence_is_told_from_an_earlier_one";
    /// It keeps times in whole seconds.
    RoundsTimes => "every_field_is_kept";
    /// Its nonces have 64 bits.
    HalvesNonces => "every_bit_of_a_nonce_is_kept";
    /// Numbers go through a floating point, as some JSON libraries do it.
    FloatsTokens => "the_greatest_values_are_kept";
    /// What is not ASCII becomes a question mark.
    WritesAscii => "an_identity_in_any_script_is_kept";
    /// It keeps lease durations in whole seconds.
    RoundsLeases => "a_fraction_of_a_second_is_kept";
    /// It drops what ran out by its clock.
    ReadsTheClock => "wall_clock_times_decide_nothing";
    /// It writes only what it knows.
    DropsUnknownFields => "unknown_fields_survive_a_save";
    /// What it cannot read is not there.
    IgnoresGarbage => "what_is_no_record_is_named";
    /// What it cannot read may be replaced.
    ReplacesGarbage => "what_is_no_record_is_left_as_it_is";
    /// It reads of a newer format what it understands.
    GuessesNewerFormats => "a_newer_format_is_refused_and_left_as_it_is";
    /// The highest token is gone with the record.
    ForgetsTokens => "no_token_falls_when_the_record_is_deleted";
    /// Its revisions rise with the holder only.
    NumbersHolders => "revisions_rise_with_every_write";
    /// A dropped write stays in its queue, and is written after the next one.
    QueuesDroppedSaves => "a_dropped_save_is_resolved_by_the_next_calls";
    /// A dropped write goes on by itself, and nobody waits for it.
    LetsDroppedSavesGoOn => "a_dropped_save_is_over_before_the_next_call";
    /// It stays busy with a load that was dropped.
    StaysBusy => "a_handle_goes_on_after_a_dropped_load";
    /// It watches, but does not say so.
    WatchesInSecret => "a_store_that_watches_says_so";
    /// A watch tells of what comes after it has begun.
    WatchesEdges => "a_change_before_the_watch_is_told";
    /// A watch looks once, and is never woken.
    WatchesOnce => "a_change_during_the_watch_is_told";
    /// A watch that is dropped takes the subscription along.
    LosesDroppedWatches => "a_dropped_watch_can_be_asked_again";
    /// Its own writes wake it.
    HearsItself => "ones_own_save_is_no_change";
    /// It tells of writes only.
    DeletesInSilence => "a_deletion_is_told";
    /// It marks the holder only where nobody held the record before.
    MarksOnlyTheFirst => "a_living_holder_is_not_called_dead";
    /// It writes the record, and then marks the holder.
    MarksTooLate => "a_holder_is_marked_before_its_record_can_be_read";
    /// A release leaves the mark of a holder whose work may outlive it.
    KeepsMarksOfWorkBeyond => "a_released_record_has_no_living_holder";
    /// It has nothing to let go of, it thinks.
    NeverLetsGo => "letting_go_takes_the_mark_away";
    /// Nobody leads where there is no record.
    CallsAbsenceFree => "a_living_holder_without_a_record_is_not_called_dead";
    /// It looks for a mark only if the record names a holder.
    LooksForHoldersOnly => "a_mark_outlives_its_record";
    /// It marks, and never looks.
    ProvesNothing => "an_ended_holder_is_proven_dead";
    /// It takes the end of the process for the end of the work, always.
    ProvesTooMuch => "work_beyond_its_process_is_never_proven_over";
    /// A renewal sets the mark anew and then drops the old one, which is the same.
    DropsMarksOnRenewal => "a_second_candidate_is_refused_while_the_first_renews";
    /// Every renewal adds a mark; a release takes one away.
    CountsMarks => "a_release_frees_at_once";
    /// A look leaves its trace in the record.
    TouchesOnRead => "a_lease_that_is_not_renewed_runs_out";
    /// A handle compares with the version that it wrote itself.
    ComparesWithItsOwnWrite => "a_renewal_over_somebody_elses_record_is_lost";
    /// Its revisions count the writes of one handle.
    NumbersItsOwnWrites => "tokens_rise_from_term_to_term";
    /// Who holds the record and takes it anew keeps the old token.
    KeepsTheHoldersToken => "an_acquisition_without_an_answer_is_taken_anew";
}

impl Flaw {
    /// Whether the flaw is in how the store numbers its writes.
    pub fn is_in_revisions(self) -> bool {
        matches!(self, Self::NumbersHolders | Self::NumbersItsOwnWrites)
    }
}
