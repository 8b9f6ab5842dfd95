//! Measured times, in order: every one is kept, so that percentiles are exact.

/// At least one time, in nanoseconds.
#[derive(Debug, Default)]
pub(crate) struct Samples {
    times: Vec<u64>,
}

impl Samples {
    pub(crate) fn add(&mut self, time: u64) {
        let at = self.times.partition_point(|before| *before <= time);
        self.times.insert(at, time);
    }

    pub(crate) fn count(&self) -> usize {
        self.times.len()
    }

    /// The least time that is not exceeded by this many of a hundred. 0 if there is none at all.
    pub(crate) fn percentile(&self, percent: usize) -> u64 {
        let rank = (self.times.len() * percent).div_ceil(100);
        self.times
            .get(rank.saturating_sub(1))
            .copied()
            .unwrap_or_default()
    }

    pub(crate) fn median(&self) -> u64 {
        self.percentile(50)
    }

    /// 0 if there is none at all.
    pub(crate) fn mean(&self) -> u64 {
        let count = u64::try_from(self.times.len()).unwrap_or(u64::MAX);
        let sum: u64 = self.times.iter().sum();
        sum.checked_div(count).unwrap_or_default()
    }

    pub(crate) fn merge(&mut self, more: &Self) {
        more.times.iter().for_each(|time| self.add(*time));
    }

    pub(crate) fn max(&self) -> u64 {
        self.percentile(100)
    }
}

/// How often the second goes into the first.
#[allow(
    clippy::cast_precision_loss,
    reason = "for people to read, with two digits"
)]
pub(crate) fn ratio(one: u64, other: u64) -> f64 {
    one as f64 / other.max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::Samples;

    #[test]
    fn percentiles_are_times_that_were_measured() {
        let mut samples = Samples::default();
        for time in (1..=200).rev() {
            samples.add(time);
        }
        assert_eq!(samples.count(), 200);
        assert_eq!(samples.median(), 100);
        assert_eq!(samples.percentile(99), 198);
        assert_eq!(samples.max(), 200);
        assert_eq!((samples.mean(), Samples::default().mean()), (100, 0));
        assert_eq!(Samples::default().max(), 0);
    }
}
