//! Our annotation on a Lease: what it has no field for, and what tells whose write it shows.
//!
//! client-go's electors leave annotations alone when they change a Lease. So ours holds copies of
//! what *its* write put into the Lease's own fields. If any of them differs, somebody else wrote
//! last, and the nonce says nothing about what is there now. `lease.rs` reads the rest.

use crate::lease::Fields;
use crate::micro_time;
use consensus::store::{Nonce, Record};
use consensus::{Token, WorkScope};
use serde_json::{Map, Value};
use std::time::Duration;

/// The annotation's name.
pub(crate) const KEY: &str = "consensus-election/record";

/// The format that we write, and the only one that we read.
const FORMAT: &str = "consensus/1";

/// What our annotation says.
#[derive(Clone, Debug)]
pub(crate) struct Annotation {
    nonce: Nonce,
    pub(crate) lease: Duration,
    token: Option<Token>,
    work: WorkScope,
    address: Option<String>,
    pub(crate) is_released: bool,
    holder: String,
    seconds: Option<i64>,
    renewed: Option<i64>,
    pub(crate) transitions: i64,
}

impl Annotation {
    /// Reads the annotation's text. The error says why it is none of ours, or a newer version's.
    pub(crate) fn read(text: &str) -> Result<Self, String> {
        let broken = |what: &str| {
            format!("{what} in its annotation {KEY}: correct it, or remove the annotation")
        };
        let parsed = serde_json::from_str::<Map<String, Value>>(text);
        let all = parsed.map_err(|_| broken("there is no JSON object"))?;
        let word = |name: &str| all.get(name).and_then(Value::as_str);
        if word("format") != Some(FORMAT) {
            let format = word("format").unwrap_or("none");
            return Err(broken(&format!(
                "the format is {format:?}, not {FORMAT:?},"
            )));
        }
        let nonce = word("nonce").and_then(|digits| u128::from_str_radix(digits, 16).ok());
        let lease = all.get("lease_ms").and_then(Value::as_u64);
        let token = match word("token").map(str::parse) {
            None => None,
            Some(Ok(number)) => Some(Token::new(number)),
            Some(Err(_)) => return Err(broken("the token is no number")),
        };
        let (Some(nonce), Some(lease)) = (nonce, lease) else {
            return Err(broken("the nonce or the lease is missing"));
        };
        let number = |name: &str| all.get(name).and_then(Value::as_i64);
        Ok(Self {
            nonce: Nonce::from_bits(nonce),
            lease: Duration::from_millis(lease),
            token,
            work: match word("work") {
                Some("process") => WorkScope::Process,
                // The careful reading of what we do not know.
                Some(_) | None => WorkScope::Beyond,
            },
            address: word("address").map(str::to_owned),
            is_released: all.get("released") == Some(&Value::Bool(true)),
            holder: word("holder").unwrap_or_default().to_owned(),
            seconds: number("seconds"),
            renewed: word("renewed").and_then(micro_time::read),
            transitions: number("transitions").unwrap_or_default(),
        })
    }

    /// Whether the Lease still is what the write of this annotation made of it.
    pub(crate) fn is_bound(&self, fields: &Fields) -> bool {
        self.holder == fields.holder
            && self.seconds == fields.seconds
            && self.renewed == fields.renewed
            && self.transitions == fields.transitions
            && self.is_released == fields.holder.is_empty()
            // What followers wait for must not be shorter than what the Lease says.
            && (self.is_released || Some(whole_seconds(self.lease)) == self.seconds)
    }

    /// The record of the write that this annotation is of.
    pub(crate) fn record(&self, fields: &Fields) -> Record {
        Record {
            holder: (!self.is_released).then(|| fields.holder.as_str().into()),
            address: self.address.as_deref().map(Into::into),
            nonce: Some(self.nonce),
            lease_duration: self.lease,
            token: self.token,
            work: self.work,
            acquired_ms: fields.acquired.map(micro_time::to_ms).unwrap_or_default(),
            renewed_ms: fields.renewed.map(micro_time::to_ms).unwrap_or_default(),
        }
    }

    /// The annotation's text for a write of this record with this nonce, bound to what it puts into
    /// the Lease's own fields. What the text before it had beside what we know is kept.
    pub(crate) fn write(record: &Record, nonce: Nonce, fields: &Fields, before: &str) -> String {
        let mut all = serde_json::from_str::<Map<String, Value>>(before).unwrap_or_default();
        if all.get("format").and_then(Value::as_str) != Some(FORMAT) {
            all.clear();
        }
        let renewed = micro_time::write(record.renewed_ms);
        let lease = u64::try_from(record.lease_duration.as_millis()).unwrap_or(u64::MAX);
        let work = match record.work {
            WorkScope::Process => "process",
            WorkScope::Beyond | _ => "beyond",
        };
        let token = record.token.map(|token| token.get().to_string());
        let known: [(&str, Value); 11] = [
            ("format", FORMAT.into()),
            ("nonce", nonce.to_string().into()),
            ("lease_ms", lease.into()),
            ("token", token.into()),
            ("work", work.into()),
            ("address", record.address.as_deref().into()),
            ("released", record.holder.is_none().then_some(true).into()),
            ("holder", fields.holder.as_str().into()),
            ("seconds", fields.seconds.into()),
            ("renewed", renewed.into()),
            ("transitions", fields.transitions.into()),
        ];
        for (name, value) in known {
            if value.is_null() {
                all.remove(name);
            } else {
                all.insert(name.to_owned(), value);
            }
        }
        Value::Object(all).to_string()
    }
}

/// A lease in the whole seconds that a Lease can say: never less than it is, and never none.
pub(crate) fn whole_seconds(lease: Duration) -> i64 {
    let up = u64::from(lease.subsec_nanos() > 0);
    i64::try_from(lease.as_secs() + up)
        .unwrap_or(i64::MAX)
        .max(1)
}

#[cfg(test)]
mod tests {
    use super::whole_seconds;
    use std::time::Duration;

    #[test]
    fn a_fraction_of_a_second_is_rounded_up_and_nothing_is_zero() {
        let rows = [(0, 1), (1, 1), (999, 1), (1000, 1), (1001, 2), (15_000, 15)];
        for (ms, seconds) in rows {
            assert_eq!(whole_seconds(Duration::from_millis(ms)), seconds, "{ms} ms");
        }
    }
}
