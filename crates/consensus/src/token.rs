//! The fencing token. It is the one thing of an election that the world outside it should check.

use std::fmt;

/// A number that every new term of an election raises: the *fencing token*.
///
/// Hand it to whatever the leader writes to, and let that refuse any token lower than the highest it
/// has seen. It is what stops a leader that was frozen between asking `is_leader()` and acting. How:
/// [`fence`](crate::fence).
///
/// Tokens of one election are ordered; they need not be consecutive. Tokens of two elections have
/// nothing to do with each other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Token(u64);

impl Token {
    /// No token is as high as this: stores have other uses for the bits.
    pub(crate) const END: Self = Self(1 << 62);

    /// The token with this number. Elections use those below 2⁶².
    pub const fn new(number: u64) -> Self {
        Self(number)
    }

    /// The number, for a resource that compares.
    pub const fn get(self) -> u64 {
        self.0
    }

    /// The next higher one.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
