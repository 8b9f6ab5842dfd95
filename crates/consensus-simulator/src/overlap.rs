//! Who believes and works until when, in true time, and that nobody does while another still may
//! (promise 5, and with it what all the others are for).

use crate::checks::Checks;
use crate::clock::{Clock, Time, nanos};
use crate::plan::Part;
use consensus::Token;

/// The account of one candidate.
#[derive(Clone, Debug)]
pub(crate) struct Account {
    pub(crate) clock: Clock,
    pub(crate) lease: Time,
    pub(crate) deadline: Time,
    pub(crate) grace: Time,
    /// The version that this life was last told.
    pub(crate) told: Option<u64>,
    /// When its last confirmed write left.
    pub(crate) confirmed: Option<Time>,
    /// The token of its last confirmed acquisition.
    pub(crate) granted: Option<Token>,
    pub(crate) belief: Option<(Token, u64)>,
    /// When the belief ends in true time; 0 if there is none.
    pub(crate) ends: Time,
    /// The highest token that was seen over.
    pub(crate) over: Token,
    /// It was shown that the record is not its own.
    pub(crate) lost: bool,
    /// The token that the board showed last.
    pub(crate) shown: Token,
    /// When its last belief was taken away, by its clock.
    pub(crate) ended: u64,
    /// When its work was heard of last, by its clock.
    pub(crate) heard: u64,
    pub(crate) check_in: Option<Time>,
    /// When it was last told what the store holds.
    pub(crate) looked: Time,
    pub(crate) registered: u32,
    /// Until when work goes on that only asked.
    pub(crate) asked: Time,
    /// Until when work goes on that an earlier life left behind.
    pub(crate) orphan: Time,
}

impl Account {
    /// A life that knows nothing of the ones before it, but for what they left behind.
    pub(crate) fn new(clock: Clock, part: &Part, orphan: Time) -> Self {
        Self {
            clock,
            lease: nanos(part.timing.lease_duration),
            deadline: part.deadline,
            grace: part.grace,
            told: None,
            confirmed: None,
            granted: None,
            belief: None,
            ends: 0,
            over: Token::default(),
            lost: false,
            shown: Token::default(),
            ended: 0,
            heard: 0,
            check_in: part.check_in,
            looked: 0,
            registered: 0,
            asked: 0,
            orphan,
        }
    }

    pub(crate) fn works(&self, now: Time) -> bool {
        self.registered > 0 || self.asked > now
    }

    /// Until when work keeps within its grace, in true time.
    pub(crate) fn limit(&self) -> Time {
        let limit = |sent| {
            let ends = self.clock.at(sent) + self.deadline + self.grace;
            self.clock.when(ends)
        };
        self.confirmed.map_or(0, limit)
    }
}

impl Checks {
    /// Nobody believes while another does, or while another's work keeps within its grace.
    pub(crate) fn overlaps(&mut self, now: Time) {
        for one in 0..self.accounts.len() {
            if self.accounts[one].ends <= now {
                continue;
            }
            for other in 0..self.accounts.len() {
                let account = &self.accounts[other];
                let works = account.works(now) && account.limit() > now;
                let what = if account.orphan > now {
                    "work that a life of the other left behind"
                } else if one != other && account.ends > now {
                    "the other leads as well"
                } else if one != other && works {
                    "the other's work keeps within its grace"
                } else {
                    continue;
                };
                let (one, other) = (one + 1, other + 1);
                self.broken(5, now, format_args!("c{one} leads, and c{other}: {what}"));
            }
        }
    }
}
