//! What an election is doing, as its handles tell it.

use crate::backend::Leader;
use crate::{Ended, Error, Token};

/// What an election is doing.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Status {
    /// The store has not answered yet.
    Starting,
    /// Somebody else leads, or may; nobody is named while it is not known who.
    Following {
        /// Who, as the record last said.
        leader: Option<Leader>,
    },
    /// This candidate leads.
    Leading {
        /// The token of the term.
        token: Token,
    },
    /// A term is over, but its work, its grace or its release is not.
    Ending {
        /// The token of the term.
        token: Token,
        /// Why it is over.
        why: Ended,
    },
    /// The election is over.
    Stopped,
}

/// Everything that handles can ask for.
#[derive(Clone, Debug)]
pub(crate) struct View {
    pub(crate) status: Status,
    /// The last error of the store, until it answers again.
    pub(crate) trouble: Option<Error>,
    /// The last term that ended.
    pub(crate) ended: Option<(Token, Ended)>,
    /// Why the election is over, if nobody stopped it, or could not be ended well.
    pub(crate) failure: Option<Error>,
}

impl View {
    pub(crate) const fn new() -> Self {
        let status = Status::Starting;
        Self {
            status,
            trouble: None,
            ended: None,
            failure: None,
        }
    }
}
