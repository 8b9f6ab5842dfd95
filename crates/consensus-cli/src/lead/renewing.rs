//! Renewals that fail while a command runs: what is said of it.

use crate::say::{explain, say, tell};
use crate::times::in_words;
use crate::trouble::Trouble;
use consensus::{Error, ErrorKind, Lease, Term};

/// Says what is new.
pub(super) fn hear(trouble: &mut Trouble, lease: &Lease, term: &Term) {
    let left = term.remaining().as_secs_f64();
    let Some(error) = lease.trouble() else {
        if let Some(time) = trouble.over() {
            let time = in_words(time);
            tell(format_args!("renewed: the trouble is over, after {time}"));
            explain(format_args!("leading for {left:.1}s more, unless renewed"));
        }
        return;
    };
    if error.kind() == ErrorKind::Foreign {
        // With it the term is lost: that will say so.
    } else if trouble.is_news(&error) {
        say(format_args!(
            "not renewed, leading for {left:.1}s more unless that changes: {error}"
        ));
    } else {
        explain(format_args!(
            "still not renewed, leading for {left:.1}s more: {error}"
        ));
    }
}

/// What stands in the record's place, if it is no record.
pub(super) fn foreign(lease: &Lease) -> Option<Error> {
    let trouble = lease.trouble();
    trouble.filter(|error| error.kind() == ErrorKind::Foreign)
}
