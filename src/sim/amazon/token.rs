//! Pagination tokens: opaque, with `+`, `/` and `=` in each, and nothing kept for them (amazon-sp-api.md §8.1).

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::clock::Timestamp;
use crate::sim::dice::{Dice, Salt};

const LIFE: Duration = Duration::from_hours(24);
/// `+/+/` in base 64.
const HEAD: [u8; 3] = [0xFB, 0xFF, 0xBF];

/// Where the next page begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cursor {
    /// The last order of the page before.
    pub(crate) last: u64,
    /// The bound of the first page.
    pub(crate) bound: Timestamp,
    pub(crate) issued: Timestamp,
    /// Folds account and parameters.
    pub(crate) digest: u64,
}

impl Cursor {
    fn fields(&self) -> [u64; 4] {
        [self.last, self.bound.micros().cast_unsigned(), self.issued.micros().cast_unsigned(), self.digest]
    }

    pub(crate) fn token(&self, seed: u64) -> String {
        let fields = self.fields();
        let mut bytes = HEAD.to_vec();
        for field in fields.into_iter().chain([check(seed, fields)]) {
            bytes.extend(field.to_be_bytes());
        }
        // 43 bytes: the text ends in two signs of equality.
        STANDARD.encode(bytes)
    }

    /// Reads a token of this seed, account and search that is not older than a day.
    pub(crate) fn read(token: &str, seed: u64, digest: u64, now: Timestamp) -> Option<Self> {
        let bytes = STANDARD.decode(token).ok()?;
        let bytes = bytes.strip_prefix(&HEAD)?;
        let mut fields = [0_u64; 5];
        if bytes.len() != fields.len() * 8 {
            return None;
        }
        for (field, chunk) in fields.iter_mut().zip(bytes.chunks_exact(8)) {
            *field = u64::from_be_bytes(chunk.try_into().ok()?);
        }
        let [last, bound, issued, folded, checked] = fields;
        let cursor = Self {
            last,
            bound: Timestamp::from_micros(bound.cast_signed()),
            issued: Timestamp::from_micros(issued.cast_signed()),
            digest: folded,
        };
        (checked == check(seed, cursor.fields()) && folded == digest && now.since(cursor.issued) <= LIFE)
            .then_some(cursor)
    }
}

fn check(seed: u64, fields: [u64; 4]) -> u64 {
    fields.into_iter().fold(seed, |sum, field| Dice::new(sum, Salt::AmazonContent, field).roll())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_come_back_for_a_day_and_need_encoding() {
        let at = Timestamp::parse("2026-04-21T12:00:00+09:00").unwrap();
        let cursor = Cursor { last: 7, bound: at - Duration::from_secs(120), issued: at, digest: 9 };
        let token = cursor.token(1);
        assert!(token.contains('+') && token.contains('/') && token.ends_with("=="), "{token}");
        assert_eq!(Cursor::read(&token, 1, 9, at + LIFE), Some(cursor));
        assert_eq!(Cursor::read(&token, 1, 9, at + LIFE + Duration::from_secs(1)), None);
        assert_eq!(Cursor::read(&token, 1, 8, at), None);
        assert_eq!(Cursor::read(&token, 2, 9, at), None);
        assert_eq!(Cursor::read(&token.replace('=', ""), 1, 9, at), None);
    }
}
