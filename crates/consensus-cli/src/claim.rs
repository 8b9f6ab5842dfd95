//! A claim as bytes, for the memory that the guard shares: what it would have to release.

use consensus::store::{Claim, Nonce, Record};
use consensus::{Token, WorkScope};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

/// The claim as bytes.
pub(crate) fn to_bytes(claim: &Claim) -> Vec<u8> {
    let records = claim.open.iter().map(of_record).collect::<Vec<_>>();
    let confirmed = claim.confirmed.as_ref().map(of_record);
    json!([confirmed, records]).to_string().into_bytes()
}

/// The claim that these bytes are of.
pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Claim> {
    let (confirmed, open): (Option<Value>, Vec<Value>) = serde_json::from_slice(bytes).ok()?;
    Some(Claim {
        confirmed: match confirmed {
            Some(record) => Some(to_record(&record)?),
            None => None,
        },
        open: open.iter().map(to_record).collect::<Option<_>>()?,
    })
}

fn of_record(record: &Record) -> Value {
    let lease = record.lease_duration;
    json!({
        "holder": record.holder.as_deref(),
        "address": record.address.as_deref(),
        "nonce": record.nonce.map(|nonce| nonce.to_string()),
        "lease": [lease.as_secs(), lease.subsec_nanos()],
        "token": record.token.map(Token::get),
        "beyond": record.work == WorkScope::Beyond,
        "acquired": record.acquired_ms,
        "renewed": record.renewed_ms,
    })
}

fn to_record(value: &Value) -> Option<Record> {
    let text = |name: &str| value[name].as_str().map(Arc::from);
    let nonce = match value["nonce"].as_str() {
        Some(digits) => Some(Nonce::from_bits(u128::from_str_radix(digits, 16).ok()?)),
        None => None,
    };
    let lease = &value["lease"];
    let nanos = u32::try_from(lease[1].as_u64()?).ok()?;
    Some(Record {
        holder: text("holder"),
        address: text("address"),
        nonce,
        lease_duration: Duration::new(lease[0].as_u64()?, nanos),
        token: value["token"].as_u64().map(Token::new),
        work: if value["beyond"].as_bool()? {
            WorkScope::Beyond
        } else {
            WorkScope::Process
        },
        acquired_ms: value["acquired"].as_u64()?,
        renewed_ms: value["renewed"].as_u64()?,
    })
}

#[cfg(test)]
mod tests {
    use super::{from_bytes, to_bytes};
    use consensus::store::{Claim, Nonce, Record};
    use consensus::{Token, WorkScope};
    use std::time::Duration;

    #[test]
    fn a_claim_comes_back_as_it_was() {
        let record = Record {
            holder: Some("Köln \"1\"".into()),
            address: None,
            nonce: Some(Nonce::from_bits(7)),
            lease_duration: Duration::new(15, 999_999_999),
            token: Some(Token::new(u64::MAX >> 3)),
            work: WorkScope::Beyond,
            acquired_ms: 1,
            renewed_ms: 2,
        };
        let released = Record {
            holder: None,
            address: Some("http://x".into()),
            nonce: None,
            token: None,
            work: WorkScope::Process,
            ..record.clone()
        };
        for claim in [
            Claim::default(),
            Claim {
                confirmed: Some(record.clone()),
                open: vec![record, released],
            },
        ] {
            assert_eq!(from_bytes(&to_bytes(&claim)), Some(claim));
        }
        assert_eq!(from_bytes(b"[null]"), None);
    }
}
