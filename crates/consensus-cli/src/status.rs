//! The story of `consensus status`: one look at the record, told to people or to programs.
//!
//! Owns what one look may conclude. A record that names a holder may be a dead one's: the kernel may
//! know (a proof), or its last renewal may be longer ago than its lease. The latter compares wall
//! clocks, which is good enough to show and never to act on: it decides nothing about who may lead.

use crate::args;
use crate::exit::Exit;
use crate::say::{plain, say};
use crate::times::{Instant, in_words, sleep_until, wall_ms};
use crate::url::{Seen, Url};
use consensus::ErrorKind;
use consensus::store::{Proof, Record};
use jiff::Timestamp;
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
pub(crate) async fn status(asked: &args::Status) -> Exit {
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
        Err(error) => {
            say(&error);
            return match error.kind() {
                ErrorKind::Denied | ErrorKind::Invalid | ErrorKind::Foreign => Exit::Misconfigured,
                ErrorKind::Unavailable | ErrorKind::Stopped | _ => Exit::Unavailable,
            };
        }
    };
    let now = wall_ms();
    let verdict = judge(&seen, now);
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

fn judge(seen: &Seen, now: u64) -> Verdict {
    let Some(record) = &seen.record else {
        return Verdict::Nobody("there is no record");
    };
    if record.holder.is_none() {
        return Verdict::Nobody("it was released");
    }
    if seen.proof == Proof::Dead {
        return Verdict::Nobody("its holder is dead");
    }
    let lease = u64::try_from(record.lease_duration.as_millis()).unwrap_or(u64::MAX);
    if record.renewed_ms.saturating_add(lease) < now {
        return Verdict::Nobody("its holder has not renewed it for longer than its lease");
    }
    Verdict::Leads
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
        if let Some(address) = &record.address {
            lines.push(format!("  address  {}", plain(address)));
        }
    }
    lines.join("\n") + "\n"
}

/// The fields are a promise: see the help of `status`.
fn for_programs(url: &Url, seen: &Seen, verdict: Verdict) -> String {
    let held = |record: &&Record| record.holder.is_some();
    let record = seen.record.as_ref();
    let holder = record.filter(held);
    let json = serde_json::json!({
        "election": url.to_os_string().to_string_lossy(),
        "leads": verdict == Verdict::Leads,
        "holder": record.and_then(|record| record.holder.as_deref()),
        "address": record.and_then(|record| record.address.as_deref()),
        "token": record.and_then(|record| record.token).map(consensus::Token::get),
        "since": holder.and_then(|record| timestamp(record.acquired_ms)),
        "renewed": holder.and_then(|record| timestamp(record.renewed_ms)),
        "lease_seconds": holder.map(|record| record.lease_duration.as_secs_f64()),
    });
    // What a terminal would obey and JSON lets pass is not ASCII, or DEL. That stands in strings only,
    // where JSON has another spelling for it.
    let mut text = String::new();
    for c in json.to_string().chars() {
        if c.is_ascii_graphic() || plain(c.encode_utf8(&mut [0; 4])).starts_with(c) {
            text.push(c);
        } else {
            let _ = write!(text, "\\u{:04x}", u32::from(c));
        }
    }
    text + "\n"
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
