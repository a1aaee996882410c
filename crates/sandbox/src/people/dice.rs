//! Numbers that follow from a seed alone, on every machine and with every version of every library.

/// A small generator (SplitMix64).
#[derive(Clone, Debug)]
pub(super) struct Dice(u64);

impl Dice {
    /// Dice of its own for one of many things, so that one more thing does not change the others.
    pub(super) fn of(seed: u64, what: u64, number: u64) -> Self {
        let mut dice = Self(seed ^ what.wrapping_mul(0xd6e8_feb8_6659_fd93));
        let mixed = dice.next() ^ number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        Self(mixed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number from 0 up to, but without, the limit.
    pub(super) fn below(&mut self, limit: usize) -> usize {
        debug_assert!(limit > 0, "nothing is below zero");
        usize::try_from(self.next() % limit as u64).unwrap_or(0)
    }

    /// True in so many of a hundred cases.
    pub(super) fn percent(&mut self, chance: u8) -> bool {
        self.next() % 100 < u64::from(chance)
    }

    /// One of several.
    pub(super) fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len())]
    }
}
