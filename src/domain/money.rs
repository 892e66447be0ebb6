//! Integer yen (I13): as the mall gave it, never a float.

use std::fmt;
use std::iter::Sum;
use std::ops::Neg;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// An amount in whole yen. Arithmetic is checked: a sum that does not fit is `None`, never a wrong number.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(transparent)]
pub struct Yen(pub i64);

impl Yen {
    /// Nothing.
    pub const ZERO: Self = Self(0);

    /// The sum, or `None` when it does not fit.
    #[must_use]
    pub const fn plus(self, other: Self) -> Option<Self> {
        match self.0.checked_add(other.0) {
            Some(sum) => Some(Self(sum)),
            None => None,
        }
    }

    /// The difference, or `None` when it does not fit.
    #[must_use]
    pub const fn minus(self, other: Self) -> Option<Self> {
        match self.0.checked_sub(other.0) {
            Some(difference) => Some(Self(difference)),
            None => None,
        }
    }

    /// `self` times a quantity, or `None` when it does not fit.
    #[must_use]
    pub const fn times(self, quantity: i64) -> Option<Self> {
        match self.0.checked_mul(quantity) {
            Some(product) => Some(Self(product)),
            None => None,
        }
    }
}

impl Neg for Yen {
    type Output = Self;
    fn neg(self) -> Self {
        Self(self.0.saturating_neg())
    }
}

impl Sum for Yen {
    /// Saturates: for totals shown to people. Amounts that decide something use [`Yen::plus`].
    fn sum<I: Iterator<Item = Self>>(iter: I) -> Self {
        Self(iter.fold(0, |a, b| a.saturating_add(b.0)))
    }
}

impl fmt::Display for Yen {
    /// With thousands separators: `12,800`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = self.0.unsigned_abs().to_string();
        let mut text = String::with_capacity(digits.len() + digits.len() / 3 + 1);
        if self.0 < 0 {
            text.push('-');
        }
        for (i, c) in digits.chars().enumerate() {
            if i > 0 && (digits.len() - i).is_multiple_of(3) {
                text.push(',');
            }
            text.push(c);
        }
        f.pad(&text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn yen_shows_thousands_and_never_wraps() {
        assert_eq!(Yen(1_234_567).to_string(), "1,234,567");
        assert_eq!(Yen(-800).to_string(), "-800");
        assert_eq!(Yen(i64::MAX).plus(Yen(1)), None);
        assert_eq!(Yen(i64::MIN).minus(Yen(1)), None);
        assert_eq!(Yen(i64::MAX).times(2), None);
    }
}
