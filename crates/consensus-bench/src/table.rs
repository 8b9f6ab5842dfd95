//! The one table that everything is printed in, with each target and whether it is met.

use crate::samples::{Samples, ratio};
use std::fmt;

#[derive(Debug, Default)]
pub(crate) struct Table {
    rows: Vec<Row>,
}

/// One figure: what was measured, how it came out, and what it was to be.
#[derive(Debug, Default)]
pub(crate) struct Row {
    what: String,
    /// Median, 99th percentile, longest, how many.
    cells: [String; 4],
    beside: String,
    target: Option<(String, Verdict)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    Met,
    Missed,
}

const HEAD: [&str; 8] = [
    "what", "p50", "p99", "max", "n", "beside", "target", "verdict",
];

impl Table {
    pub(crate) fn add(&mut self, row: Row) {
        // For whoever waits: the table itself comes last.
        eprintln!("  {}", row.texts().join("  ").trim_end());
        self.rows.push(row);
    }
}

impl Row {
    /// Times, all of them measured.
    pub(crate) fn times(what: impl Into<String>, samples: &Samples) -> Self {
        Self {
            what: what.into(),
            cells: [
                nanos(samples.median()),
                nanos(samples.percentile(99)),
                nanos(samples.max()),
                samples.count().to_string(),
            ],
            ..Self::default()
        }
    }

    /// Times of which one is too short to be measured: each sample is of a batch of so many.
    pub(crate) fn means(what: impl Into<String>, samples: &Samples, batch: u64) -> Self {
        let mean = |time| format!("{:.1} ns", ratio(time, batch));
        Self {
            what: what.into(),
            cells: [
                mean(samples.median()),
                mean(samples.percentile(99)),
                mean(samples.max()),
                format!("{} × {batch}", samples.count()),
            ],
            ..Self::default()
        }
    }

    /// One number, in words, of so many things.
    pub(crate) fn number(what: impl Into<String>, number: String, count: usize) -> Self {
        Self {
            what: what.into(),
            cells: [number, String::new(), String::new(), count.to_string()],
            ..Self::default()
        }
    }

    pub(crate) fn beside(mut self, beside: impl Into<String>) -> Self {
        self.beside = beside.into();
        self
    }

    pub(crate) fn target(mut self, target: impl Into<String>, met: impl FnOnce() -> bool) -> Self {
        let verdict = if met() { Verdict::Met } else { Verdict::Missed };
        self.target = Some((target.into(), verdict));
        self
    }

    fn texts(&self) -> [String; 8] {
        let [p50, p99, max, n] = self.cells.clone();
        let (target, verdict) = match &self.target {
            Some((target, Verdict::Met)) => (target.clone(), "met".to_owned()),
            Some((target, Verdict::Missed)) => (target.clone(), "MISSED".to_owned()),
            None => (String::new(), String::new()),
        };
        let (what, beside) = (self.what.clone(), self.beside.clone());
        [what, p50, p99, max, n, beside, target, verdict]
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines: Vec<[String; 8]> = std::iter::once(HEAD.map(str::to_owned))
            .chain(self.rows.iter().map(Row::texts))
            .collect();
        let width = |column: usize| {
            let widths = lines.iter().map(|line| line[column].chars().count());
            widths.max().unwrap_or_default()
        };
        let widths: [usize; 8] = std::array::from_fn(width);
        for (number, line) in lines.iter().enumerate() {
            writeln!(f)?;
            for (column, text) in line.iter().enumerate() {
                write!(f, "| {text:width$} ", width = widths[column])?;
            }
            write!(f, "|")?;
            if number == 0 {
                let rules = widths.map(|width| format!("|{}", "-".repeat(width + 2)));
                write!(f, "\n{}|", rules.concat())?;
            }
        }
        writeln!(f)
    }
}

/// A time with three digits that matter.
pub(crate) fn nanos(time: u64) -> String {
    let units = [(1_000_000_000, "s"), (1_000_000, "ms"), (1_000, "µs")];
    let Some((size, unit)) = units.into_iter().find(|(size, _)| time >= *size) else {
        return format!("{time} ns");
    };
    let value = ratio(time, size);
    let digits = match value {
        value if value < 10.0 => 2,
        value if value < 100.0 => 1,
        _ => 0,
    };
    format!("{value:.digits$} {unit}")
}

#[cfg(test)]
mod tests {
    use super::{Row, Table, nanos};
    use crate::samples::Samples;

    #[test]
    fn times_have_three_digits() {
        let times = [7, 999, 1_234, 56_789, 1_234_567, 20_500_000, 3_000_000_000];
        let expected = [
            "7 ns", "999 ns", "1.23 µs", "56.8 µs", "1.23 ms", "20.5 ms", "3.00 s",
        ];
        assert_eq!(times.map(nanos), expected);
    }

    #[test]
    fn a_missed_target_is_printed_as_missed() {
        let mut table = Table::default();
        let mut samples = Samples::default();
        samples.add(6_000_000);
        let row = Row::times("failover", &samples);
        table.add(row.target("p50 ≤ 5 ms", || samples.median() <= 5_000_000));
        let last = table
            .to_string()
            .lines()
            .last()
            .unwrap_or_default()
            .to_owned();
        assert!(
            last.contains("6.00 ms") && last.ends_with("| MISSED  |"),
            "{last}"
        );
    }
}
