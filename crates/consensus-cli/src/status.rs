//! The story of `consensus status`: one look at the record, told to people or to programs.
//!
//! Owns what one look may conclude. A record that names a holder may be a dead one's: the kernel may
//! know (a proof), or its last renewal may be longer ago than its lease. The latter compares wall
//! clocks, which is good enough to show and never to act on: it decides nothing about who may lead.

use crate::exit::Exit;
use crate::flags;
use crate::say::{plain, say};
use crate::times::{Instant, in_words, sleep_until, wall_ms};
use crate::url::{Seen, Url};
use consensus::store::{Proof, Record};
use consensus::{Error, ErrorKind};
use jiff::Timestamp;
use serde_json::Value;
use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::time::Duration;

/// How long a store may take to answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// What one look concludes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    Leads,
    Nobody(&'static str),
}

/// Shows who leads.
pub(crate) async fn status(asked: &flags::Status) -> Exit {
    let url = &asked.url;
    let look = async {
        url.check()?;
        url.look().await
    };
    let seen = tokio::select! {
        seen = look => seen,
        () = sleep_until(Instant::now().plus(PATIENCE)) => {
            say(format_args!("{url} did not answer within {}", in_words(PATIENCE)));
            return Exit::Unavailable;
        }
    };
    let seen = match seen {
        Ok(seen) => seen,
        Err(error) => return refuse(&error),
    };
    let now = wall_ms();
    let Some(verdict) = judge(&seen, now) else {
        say(format_args!(
            "it is not known who leads {url}: the record is gone, but whoever led may not know \
             that; if none comes back within one lease, nobody leads"
        ));
        return Exit::Unavailable;
    };
    let text = if asked.json {
        for_programs(url, &seen, verdict)
    } else {
        for_people(url, &seen, verdict, now)
    };
    // Who closed stdout did not want it.
    let _ = io::stdout().write_all(text.as_bytes());
    match verdict {
        Verdict::Leads => Exit::Done,
        Verdict::Nobody(_) => Exit::Nobody,
    }
}

/// Says why it is not known.
fn refuse(error: &Error) -> Exit {
    match error.kind() {
        ErrorKind::Denied => {
            say(format_args!(
                "{error} (to look, the right to read is enough)"
            ));
            Exit::Misconfigured
        }
        ErrorKind::Invalid | ErrorKind::Foreign => {
            say(error);
            Exit::Misconfigured
        }
        ErrorKind::Unavailable | ErrorKind::Stopped | _ => {
            say(error);
            Exit::Unavailable
        }
    }
}

/// What a look concludes. `None`: that it is not known who leads.
fn judge(seen: &Seen, now: u64) -> Option<Verdict> {
    let nobody = |why| Some(Verdict::Nobody(why));
    let Some(record) = &seen.record else {
        // Deleted, perhaps, under a leader: only the store can say that there is none.
        return match seen.proof {
            Proof::Dead => nobody("there is no record"),
            Proof::Alive | Proof::None | _ => None,
        };
    };
    if record.holder.is_none() {
        return nobody("it was released");
    }
    if seen.proof == Proof::Dead {
        return nobody("its holder is dead");
    }
    let lease = u64::try_from(record.lease_duration.as_millis()).unwrap_or(u64::MAX);
    if record.renewed_ms.saturating_add(lease) < now {
        return nobody("its holder has not renewed it for longer than its lease");
    }
    Some(Verdict::Leads)
}

fn for_people(url: &Url, seen: &Seen, verdict: Verdict, now: u64) -> String {
    let mut lines = Vec::new();
    let holder = seen
        .record
        .as_ref()
        .and_then(|record| record.holder.as_deref());
    match (verdict, holder) {
        (Verdict::Leads, holder) => {
            let holder = plain(holder.unwrap_or_default());
            lines.push(format!("{holder} leads {url}"));
        }
        (Verdict::Nobody(why), None) => lines.push(format!("nobody leads {url}: {why}")),
        (Verdict::Nobody(why), Some(holder)) => {
            let holder = plain(holder);
            lines.push(format!("nobody leads {url}: {why}"));
            lines.push(format!("  holder   {holder}"));
        }
    }
    if let Some(record) = &seen.record {
        if let Some(address) = &record.address {
            lines.push(format!("  address  {}", plain(address)));
        }
        if let Some(token) = record.token {
            lines.push(format!("  token    {token}"));
        }
        if record.holder.is_some() {
            let lease = in_words(record.lease_duration);
            let (since, renewed) = (record.acquired_ms, record.renewed_ms);
            lines.push(format!("  since    {}", in_time(since, now)));
            lines.push(format!("  renewed  {}", in_time(renewed, now)));
            lines.push(format!("  lease    {lease}"));
        }
    }
    lines.join("\n") + "\n"
}

/// The fields are a promise: see the help of `status`.
fn for_programs(url: &Url, seen: &Seen, verdict: Verdict) -> String {
    let held = |record: &&Record| record.holder.is_some();
    let record = seen.record.as_ref();
    let holder = record.filter(held);
    let fields: [(&str, Value); 8] = [
        ("election", url.to_os_string().to_string_lossy().into()),
        ("leads", (verdict == Verdict::Leads).into()),
        (
            "holder",
            record.and_then(|record| record.holder.as_deref()).into(),
        ),
        (
            "address",
            record.and_then(|record| record.address.as_deref()).into(),
        ),
        (
            "token",
            record
                .and_then(|record| record.token)
                .map(consensus::Token::get)
                .into(),
        ),
        (
            "since",
            holder
                .and_then(|record| timestamp(record.acquired_ms))
                .into(),
        ),
        (
            "renewed",
            holder
                .and_then(|record| timestamp(record.renewed_ms))
                .into(),
        ),
        (
            "lease_seconds",
            holder
                .map(|record| record.lease_duration.as_secs_f64())
                .into(),
        ),
    ];
    let fields = fields.map(|(name, value)| format!("\"{name}\":{value}"));
    ascii_where_a_terminal_obeys(&format!("{{{}}}\n", fields.join(",")))
}

/// What a terminal would obey and JSON lets pass is not ASCII, or DEL. That stands in strings only,
/// where JSON has another spelling for it.
fn ascii_where_a_terminal_obeys(json: &str) -> String {
    let mut text = String::with_capacity(json.len());
    for c in json.chars() {
        if c == '\n' || c.is_ascii_graphic() || plain(c.encode_utf8(&mut [0; 4])).starts_with(c) {
            text.push(c);
        } else {
            for unit in c.encode_utf16(&mut [0; 2]) {
                let _ = write!(text, "\\u{unit:04x}");
            }
        }
    }
    text
}

fn timestamp(ms: u64) -> Option<String> {
    let ms = i64::try_from(ms).ok()?;
    Some(Timestamp::from_millisecond(ms).ok()?.to_string())
}

fn in_time(ms: u64, now: u64) -> String {
    let Some(at) = timestamp(ms) else {
        return "unknown".into();
    };
    match now.checked_sub(ms) {
        Some(ago) => format!("{at} ({} ago)", in_words(Duration::from_millis(ago))),
        None => format!("{at} (by a clock that is ahead of ours)"),
    }
}

#[cfg(test)]
mod tests {
    use super::ascii_where_a_terminal_obeys;

    #[test]
    fn json_stays_the_same_value_when_it_is_made_harmless() {
        let evil = "a\u{7f}\u{9b}2J\u{202e}\u{e0041}·日本";
        let json = serde_json::Value::from(evil).to_string();
        let harmless = ascii_where_a_terminal_obeys(&json);
        assert_eq!(harmless, "\"a\\u007f\\u009b2J\\u202e\\udb40\\udc41·日本\"");
        let read: String = serde_json::from_str(&harmless).expect("JSON");
        assert_eq!(read, evil);
    }
}
