//! Times as Leases have them: `MicroTime`, with exactly six digits of a second.

use jiff::Timestamp;

/// Writes milliseconds since 1970. What no calendar reaches is written as its end.
pub(crate) fn write(ms: u64) -> String {
    format!("{:.6}", timestamp(ms))
}

/// Writes the same in whole seconds, as Events have them.
pub(crate) fn write_seconds(ms: u64) -> String {
    format!("{:.0}", timestamp(ms))
}

fn timestamp(ms: u64) -> Timestamp {
    let ms = i64::try_from(ms).unwrap_or(i64::MAX);
    Timestamp::from_millisecond(ms).unwrap_or(Timestamp::MAX)
}

/// Reads a time, in microseconds since 1970.
pub(crate) fn read(text: &str) -> Option<i64> {
    Some(text.parse::<Timestamp>().ok()?.as_microsecond())
}

/// The same, in whole milliseconds. What was before 1970 was then.
pub(crate) fn to_ms(micros: i64) -> u64 {
    u64::try_from(micros.div_euclid(1000)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::{read, to_ms, write, write_seconds};

    #[test]
    fn a_time_has_six_digits_and_comes_back() {
        for (ms, text) in [
            (0, "1970-01-01T00:00:00.000000Z"),
            (4_102_444_801_234, "2100-01-01T00:00:01.234000Z"),
        ] {
            assert_eq!(write(ms), text);
            assert_eq!(read(text).map(to_ms), Some(ms));
        }
    }

    #[test]
    fn an_event_has_whole_seconds() {
        assert_eq!(write_seconds(1_999), "1970-01-01T00:00:01Z");
    }

    #[test]
    fn a_time_of_client_go_is_read_to_the_microsecond() {
        assert_eq!(read("1970-01-01T00:00:01.234567Z"), Some(1_234_567));
        assert_eq!(read("yesterday"), None);
    }
}
