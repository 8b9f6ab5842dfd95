//! Choices that a seed repeats.

pub(super) struct Dice(u64);

impl Dice {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    pub(super) fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % end
    }

    pub(super) fn one_in(&mut self, many: u64) -> bool {
        self.below(many) == 0
    }

    /// One of them, if there are any.
    pub(super) fn pick<T: Copy>(&mut self, things: &[T]) -> Option<T> {
        let many = u64::try_from(things.len()).ok().filter(|many| *many > 0)?;
        things.get(usize::try_from(self.below(many)).ok()?).copied()
    }
}
