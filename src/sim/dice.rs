//! Choices that depend on nothing but (seed, what, index), so that anything can be made again instead of being kept.

/// What a row of choices is for: rows of different salts are independent of one another.
#[derive(Clone, Copy, Debug)]
#[repr(u64)]
pub(crate) enum Salt {
    RakutenPlan = 1,
    RakutenContent,
    CartPlan,
    CartContent,
    Person,
    Fault,
    Request,
    YahooPlan,
    YahooContent,
    AupayPlan,
    AupayContent,
    AmazonPlan,
    AmazonContent,
}

/// A row of choices (splitmix64: stable across versions of any library, and cheap).
#[derive(Clone, Copy, Debug)]
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64, salt: Salt, index: u64) -> Self {
        let mut dice = Self(
            seed ^ (salt as u64).wrapping_mul(0xA076_1D64_78BD_642F)
                ^ index.wrapping_mul(0xE703_7ED1_A0B4_28DB),
        );
        dice.roll();
        dice
    }

    pub(crate) fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// One of `0..n`; 0 when `n` is 0.
    pub(crate) fn below(&mut self, n: u64) -> u64 {
        let roll = self.roll();
        if n == 0 { 0 } else { roll % n }
    }

    /// One of `low..=high`.
    pub(crate) fn between(&mut self, low: u64, high: u64) -> u64 {
        low + self.below(high.saturating_sub(low) + 1)
    }

    /// True once in `n` on average.
    pub(crate) fn one_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }

    /// One of `choices`, which must not be empty.
    pub(crate) fn pick<'a, T>(&mut self, choices: &'a [T]) -> &'a T {
        let at = usize::try_from(self.below(choices.len() as u64)).unwrap_or(0);
        &choices[at]
    }

    /// A span of whole minutes between two numbers of minutes.
    pub(crate) fn minutes(&mut self, low: u64, high: u64) -> std::time::Duration {
        std::time::Duration::from_secs(self.between(low * 60, high * 60))
    }
}
