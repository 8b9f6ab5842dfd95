//! The randomness of a run: all of it follows from the seed.

/// `SplitMix64`: Steele, Lea, Flood, "Fast splittable pseudorandom number generators", 2014.
#[derive(Clone, Debug, Default)]
pub(crate) struct Rng(u64);

impl Rng {
    pub(crate) fn new(seed: u64) -> Self {
        let mut rng = Self(seed.wrapping_mul(0xD134_2543_DE82_EF95));
        rng.bits();
        rng
    }

    #[inline]
    pub(crate) fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// From 0 to one less than `end`; 0 if that is 0.
    #[inline]
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        let high = (u128::from(self.bits()) * u128::from(end)) >> 64;
        u64::try_from(high).unwrap_or_default()
    }

    pub(crate) fn between(&mut self, low: u64, high: u64) -> u64 {
        low + self.below(high.saturating_sub(low) + 1)
    }

    pub(crate) fn one_in(&mut self, many: u64) -> bool {
        self.below(many) == 0
    }

    /// From `low` to `high` per cent of it.
    pub(crate) fn percent(&mut self, of: u64, low: u64, high: u64) -> u64 {
        of / 10_000 * self.between(100 * low, 100 * high)
    }
}
