//! A record is for people, survives the round trip, and is refused by name where it is impossible.

use super::{NotARecord, Page, read, write};
use crate::file::place::Identity;
use crate::store::{Nonce, Record};
use crate::{Token, WorkScope};
use std::time::Duration;

const LOCK: Identity = Identity {
    device: 65024,
    inode: 131_077,
};

fn record() -> Record {
    Record {
        holder: Some("instance-1 \"ü\"".into()),
        address: Some("10.0.0.1:8080".into()),
        nonce: Some(Nonce::from_bits(0xfeed << 64 | 1)),
        lease_duration: Duration::new(15, 250_000_001),
        token: Some(Token::new(1_764_000_000_123)),
        work: WorkScope::Process,
        acquired_ms: 1_764_000_000_123,
        renewed_ms: 1_764_000_005_000,
    }
}

fn text(record: &Record) -> String {
    String::from_utf8(write(record, LOCK, None).unwrap()).unwrap()
}

fn reads(content: &str) -> Result<Option<Page>, NotARecord> {
    read(content.as_bytes())
}

#[test]
fn what_is_written_is_what_is_read() {
    let released = Record {
        holder: None,
        address: None,
        nonce: None,
        token: None,
        work: WorkScope::Beyond,
        renewed_ms: u64::MAX,
        ..record()
    };
    for written in [record(), released] {
        let page = reads(&text(&written)).unwrap().unwrap();
        assert_eq!(page.record, written);
        assert_eq!(page.lock, Some(LOCK));
    }
    for lease in [1, 999_999_999, 86_400_000_000_000, 90_061_500_000_000] {
        let lease_duration = Duration::from_nanos(lease);
        let written = Record {
            lease_duration,
            ..record()
        };
        assert_eq!(reads(&text(&written)).unwrap().unwrap().record, written);
    }
}

#[test]
fn a_record_is_for_people_to_read() {
    let expected = r#"{
  "format": "consensus/1",
  "holder": "instance-1 \"ü\"",
  "address": "10.0.0.1:8080",
  "token": 1764000000123,
  "nonce": "000000000000feed0000000000000001",
  "lease_duration": "15s 250ms 1ns",
  "work": "process",
  "acquired": "2025-11-24T16:00:00.123Z",
  "renewed": "2025-11-24T16:00:05Z",
  "lock_device": 65024,
  "lock_inode": 131077
}
"#;
    assert_eq!(text(&record()), expected);
}

#[test]
fn an_empty_or_all_nul_file_is_absent() {
    assert!(read(b"").unwrap().is_none());
    assert!(read(&[0; 4096]).unwrap().is_none());
    assert!(read(b"\0\0{}").is_err());
}

#[test]
fn unknown_fields_are_kept_to_the_letter_also_of_newer_minor_formats() {
    let before = text(&record())
        .replace("consensus/1", "consensus/1.7")
        .replace(
            "\n}",
            ",\n  \"huge\": 1.50e400,\n  \"nested\": {\"b\": 1, \"a\" : [ ]}\n}",
        );
    let after = write(&record(), LOCK, Some(before.as_bytes())).unwrap();
    assert_eq!(String::from_utf8(after).unwrap(), before);
}

#[test]
fn a_newer_major_format_is_refused_with_advice() {
    let newer = text(&record()).replace("consensus/1", "consensus/2.1");
    let NotARecord(why) = reads(&newer).unwrap_err();
    assert!(
        why.contains("consensus/2.1") && why.contains("update"),
        "{why}"
    );
    for strange in [
        "consensus",
        "consensus/",
        "consensus/x",
        "other/1",
        "consensus/0",
    ] {
        let strange = text(&record()).replace("consensus/1", strange);
        assert!(reads(&strange).is_err(), "{strange}");
    }
}

#[test]
fn impossible_fields_are_named() {
    let good = text(&record());
    let cases = [
        ("\"15s 250ms 1ns\"", "\"0s\"", "lease_duration"),
        ("\"15s 250ms 1ns\"", "\"-15s\"", "lease_duration"),
        ("\"15s 250ms 1ns\"", "\"NaN\"", "lease_duration"),
        (
            "\"15s 250ms 1ns\"",
            "\"99999999999999999999h\"",
            "lease_duration",
        ),
        ("\"15s 250ms 1ns\"", "15", "lease_duration"),
        ("\"15s 250ms 1ns\"", "NaN", "JSON"),
        ("\"instance-1 \\\"ü\\\"\"", "\"\"", "holder"),
        ("\"instance-1 \\\"ü\\\"\"", "\"a\\nb\"", "holder"),
        ("\"instance-1 \\\"ü\\\"\"", "7", "holder"),
        ("\"holder\"", "\"other\"", "holder"),
        ("1764000000123", "-1", "token"),
        ("1764000000123", "4611686018427387904", "token"),
        ("1764000000123", "1.5", "token"),
        ("000000000000feed", "+00000000000feed", "nonce"),
        ("000000000000feed", "00feed", "nonce"),
        ("2025-11-24T16:00:05Z", "yesterday", "renewed"),
        ("2025-11-24T16:00:05Z", "1969-11-24T16:00:05Z", "renewed"),
        ("\"renewed\"", "\"later\"", "renewed"),
        ("}", "", "JSON"),
        ("{", "[", "JSON"),
    ];
    for (old, new, named) in cases {
        let bad = good.replacen(old, new, 1);
        assert_ne!(bad, good, "{old}");
        let NotARecord(why) = reads(&bad).unwrap_err();
        assert!(why.contains(named), "{new} in place of {old}: {why}");
    }
    let long = good.replace("instance-1", &"x".repeat(5_000));
    assert!(reads(&long).unwrap_err().0.contains("holder"));
    let enormous = good.clone() + &" ".repeat(70_000);
    assert!(reads(&enormous).unwrap_err().0.contains("longer"));
}

#[test]
fn what_could_not_be_read_again_is_not_written() {
    let holder = Some("x\n".into());
    assert!(write(&Record { holder, ..record() }, LOCK, None).is_err());
    let token = Some(Token::new(u64::MAX));
    assert!(write(&Record { token, ..record() }, LOCK, None).is_err());
    let lease_duration = Duration::ZERO;
    let zero = Record {
        lease_duration,
        ..record()
    };
    assert!(write(&zero, LOCK, None).is_err());
}

#[test]
fn work_that_is_not_known_to_end_with_its_process_may_outlive_it() {
    let unknown = text(&record()).replace("\"process\"", "\"elsewhere\"");
    assert_eq!(
        reads(&unknown).unwrap().unwrap().record.work,
        WorkScope::Beyond
    );
    let silent = text(&record()).replace("\"work\"", "\"werk\"");
    assert_eq!(
        reads(&silent).unwrap().unwrap().record.work,
        WorkScope::Beyond
    );
}
