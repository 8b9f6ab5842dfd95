//! The record as people find it in the file: JSON ↔ [`Record`].
//!
//! Owns what counts as a record, what as absent, and what as somebody else's (promise 12). What this
//! version does not know is kept, letter by letter. Read `load.rs` next: it judges what was read.

use super::place::Identity;
use crate::store::{Nonce, Record};
use crate::{Token, WorkScope};
use jiff::{SignedDuration, Timestamp};
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// More than this is nobody's record, and is not read.
pub(super) const MOST_BYTES: usize = 64 * 1024;

/// Longer than this, no text of a record is a name or an address. Both fit in a file many times.
const LONGEST_TEXT: usize = 4 * 1024;

/// Bytes of the lock file stand for tokens below this, each its own.
const TOKENS_END: u64 = 1 << 62;

const NAME: &str = "consensus";
const MAJOR: u32 = 1;

/// The fields that this version knows, in the order in which people read them.
const KNOWN: [&str; 11] = [
    "format",
    "holder",
    "address",
    "token",
    "nonce",
    "lease_duration",
    "work",
    "acquired",
    "renewed",
    "lock_device",
    "lock_inode",
];

/// A record and what stands beside it in the file.
#[derive(Debug)]
pub(super) struct Page {
    pub(super) record: Record,
    /// The lock file that the holder's locks are on.
    pub(super) lock: Option<Identity>,
}

/// Why content is not a record, to stand behind a colon.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct NotARecord(String);

type Fields = BTreeMap<String, Box<RawValue>>;

/// Reads a record. `None`: nothing was ever written, or an unflushed file after a crash.
pub(super) fn read(content: &[u8]) -> Result<Option<Page>, NotARecord> {
    if content.iter().all(|byte| *byte == 0) {
        return Ok(None);
    }
    let fields = fields(content)?;
    check_format(&fields)?;
    let lease: String = required(&fields, "lease_duration")?;
    let record = Record {
        holder: holder(&fields)?,
        address: text(&fields, "address")?,
        nonce: nonce(&fields)?,
        lease_duration: duration(&lease)?,
        token: token(&fields)?,
        work: work(&fields)?,
        acquired_ms: time(&fields, "acquired")?,
        renewed_ms: time(&fields, "renewed")?,
    };
    let device = optional(&fields, "lock_device")?;
    let inode = optional(&fields, "lock_inode")?;
    let lock = device
        .zip(inode)
        .map(|(device, inode)| Identity { device, inode });
    Ok(Some(Page { record, lock }))
}

/// Writes a record that [`read`] reads the same, keeping what else was in the record `before` it.
pub(super) fn write(
    record: &Record,
    lock: Identity,
    before: Option<&[u8]>,
) -> Result<Vec<u8>, NotARecord> {
    check_text("holder", record.holder.as_deref())?;
    check_text("address", record.address.as_deref())?;
    check_token(record.token)?;
    let mut others = before.map(fields).and_then(Result::ok).unwrap_or_default();
    let format = others.get("format").map(|format| format.get().to_owned());
    others.retain(|name, _| !KNOWN.contains(&name.as_str()));

    let mut page = Lines::default();
    // A newer minor version's mark stays, because its fields do.
    let this = quoted(&format!("{NAME}/{MAJOR}"));
    page.add(KNOWN[0], &format.unwrap_or(this));
    let holder = record.holder.as_deref();
    page.add(KNOWN[1], &holder.map_or("null".to_owned(), quoted));
    if let Some(address) = &record.address {
        page.add(KNOWN[2], &quoted(address));
    }
    if let Some(token) = record.token {
        page.add(KNOWN[3], &token.to_string());
    }
    if let Some(nonce) = record.nonce {
        page.add(KNOWN[4], &quoted(&nonce.to_string()));
    }
    page.add(KNOWN[5], &quoted(&spell(record.lease_duration)?));
    page.add(KNOWN[6], &quoted(spell_work(record.work)));
    page.add(KNOWN[7], &spell_time(record.acquired_ms));
    page.add(KNOWN[8], &spell_time(record.renewed_ms));
    page.add(KNOWN[9], &lock.device.to_string());
    page.add(KNOWN[10], &lock.inode.to_string());
    for (name, value) in &others {
        page.add(name, value.get());
    }
    let content = page.close();
    if content.len() > MOST_BYTES {
        let longest = format!("with what else is in the file it is longer than {MOST_BYTES} bytes");
        return Err(NotARecord(longest));
    }
    Ok(content)
}

fn fields(content: &[u8]) -> Result<Fields, NotARecord> {
    if content.len() > MOST_BYTES {
        let message = format!("it is longer than {MOST_BYTES} bytes");
        return Err(NotARecord(message));
    }
    serde_json::from_slice(content)
        .map_err(|error| NotARecord(format!("it is not a JSON object ({error})")))
}

fn check_format(fields: &Fields) -> Result<(), NotARecord> {
    let format: String = required(fields, "format")?;
    let version = format
        .strip_prefix(NAME)
        .and_then(|rest| rest.strip_prefix('/'));
    let major = version.map(|version| version.split('.').next().unwrap_or_default());
    match major.and_then(|major| major.parse::<u32>().ok()) {
        Some(MAJOR) => Ok(()),
        Some(newer) if newer > MAJOR => Err(NotARecord(format!(
            "it has the newer format {format:?}, of which this version knows only \
             {NAME}/{MAJOR}: update this program"
        ))),
        Some(_) | None => Err(NotARecord(format!("it has the unknown format {format:?}"))),
    }
}

/// `null` is the holder's own mark that it released. A record without the field was edited.
fn holder(fields: &Fields) -> Result<Option<Arc<str>>, NotARecord> {
    if fields.contains_key("holder") {
        text(fields, "holder")
    } else {
        Err(missing("holder"))
    }
}

fn text(fields: &Fields, name: &str) -> Result<Option<Arc<str>>, NotARecord> {
    let text: Option<String> = optional(fields, name)?;
    check_text(name, text.as_deref())?;
    Ok(text.map(Arc::from))
}

fn check_text(name: &str, text: Option<&str>) -> Result<(), NotARecord> {
    let Some(text) = text else { return Ok(()) };
    let wrong = if text.is_empty() {
        "is empty"
    } else if text.len() > LONGEST_TEXT {
        "is too long"
    } else if text.chars().any(char::is_control) {
        "has control characters"
    } else {
        return Ok(());
    };
    Err(NotARecord(format!("its {name:?} {wrong}")))
}

fn nonce(fields: &Fields) -> Result<Option<Nonce>, NotARecord> {
    let Some(digits) = optional::<String>(fields, "nonce")? else {
        return Ok(None);
    };
    let bits = u128::from_str_radix(&digits, 16).ok();
    match bits.filter(|_| digits.len() == 32 && !digits.starts_with('+')) {
        Some(bits) => Ok(Some(Nonce::from_bits(bits))),
        None => Err(NotARecord("its \"nonce\" is not 32 hex digits".to_owned())),
    }
}

fn token(fields: &Fields) -> Result<Option<Token>, NotARecord> {
    let token = optional(fields, "token")?.map(Token::new);
    check_token(token)?;
    Ok(token)
}

fn check_token(token: Option<Token>) -> Result<(), NotARecord> {
    if token.is_some_and(|token| token.get() >= TOKENS_END) {
        return Err(NotARecord("its \"token\" is beyond all reason".to_owned()));
    }
    Ok(())
}

fn duration(text: &str) -> Result<Duration, NotARecord> {
    let signed: Option<SignedDuration> = text.parse().ok();
    let duration = signed.and_then(|signed| Duration::try_from(signed).ok());
    duration
        .filter(|duration| !duration.is_zero())
        .ok_or_else(|| {
            NotARecord(format!(
                "its \"lease_duration\" is {text:?}, which is no time above zero such as \"15s\""
            ))
        })
}

fn spell(duration: Duration) -> Result<String, NotARecord> {
    let signed = SignedDuration::try_from(duration).ok();
    let text = signed.map(|signed| format!("{signed:#}"));
    text.filter(|_| !duration.is_zero())
        .ok_or_else(|| NotARecord("its lease duration is zero, or endless".to_owned()))
}

/// What is not known to die with its process may outlive it.
fn work(fields: &Fields) -> Result<WorkScope, NotARecord> {
    let work: Option<String> = optional(fields, "work")?;
    Ok(match work.as_deref() {
        Some("process") => WorkScope::Process,
        Some(_) | None => WorkScope::Beyond,
    })
}

pub(super) fn spell_work(work: WorkScope) -> &'static str {
    match work {
        WorkScope::Process => "process",
        WorkScope::Beyond => "beyond",
    }
}

fn time(fields: &Fields, name: &str) -> Result<u64, NotARecord> {
    let value: serde_json::Value = required(fields, name)?;
    let text = value.as_str().and_then(|text| text.parse().ok());
    let time = text.and_then(|time: Timestamp| u64::try_from(time.as_millisecond()).ok());
    time.or(value.as_u64()).ok_or_else(|| {
        NotARecord(format!(
            "its {name:?} is {value}, not a time such as \"2025-12-31T23:59:59Z\""
        ))
    })
}

/// Of a clock that is out of its mind only the number can be written.
fn spell_time(since_1970: u64) -> String {
    let time = i64::try_from(since_1970).ok();
    match time.and_then(|time| Timestamp::from_millisecond(time).ok()) {
        Some(time) => quoted(&time.to_string()),
        None => since_1970.to_string(),
    }
}

fn required<T: DeserializeOwned>(fields: &Fields, name: &str) -> Result<T, NotARecord> {
    optional(fields, name)?.ok_or_else(|| missing(name))
}

fn optional<T: DeserializeOwned>(fields: &Fields, name: &str) -> Result<Option<T>, NotARecord> {
    let Some(value) = fields.get(name) else {
        return Ok(None);
    };
    serde_json::from_str(value.get())
        .map_err(|error| NotARecord(format!("its {name:?} is wrong ({error})")))
}

fn missing(name: &str) -> NotARecord {
    NotARecord(format!("it has no {name:?}"))
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// The lines of a JSON object, one a field.
#[derive(Default)]
struct Lines(String);

impl Lines {
    fn add(&mut self, name: &str, value: &str) {
        let before = if self.0.is_empty() { "{" } else { "," };
        self.0 += before;
        self.0 += "\n  ";
        self.0 += &quoted(name);
        self.0 += ": ";
        self.0 += value;
    }

    fn close(self) -> Vec<u8> {
        (self.0 + "\n}\n").into_bytes()
    }
}

impl fmt::Display for NotARecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests;
