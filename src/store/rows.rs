//! From columns to domain types and back; what cannot be read back names its table, column and row.

use chrono::NaiveDate;
use serde::Serialize;
use serde::de::DeserializeOwned;
use unicode_normalization::UnicodeNormalization;

use super::{Result, StoreError};
use crate::clock::Timestamp;

/// Where a value stands, for errors.
#[derive(Clone, Copy)]
pub(super) struct At<'a> {
    pub table: &'static str,
    pub column: &'static str,
    pub id: &'a str,
}

impl<'a> At<'a> {
    pub(super) const fn new(table: &'static str, column: &'static str, id: &'a str) -> Self {
        Self { table, column, id }
    }

    fn error(self, reason: impl Into<String>) -> StoreError {
        StoreError::Row {
            table: self.table,
            column: self.column,
            id: self.id.to_owned(),
            reason: reason.into(),
        }
    }

    /// One of our words.
    pub(super) fn word<T>(self, text: &str, from_word: fn(&str) -> Option<T>) -> Result<T> {
        from_word(text).ok_or_else(|| self.error(format!("`{text}` is none of the words known here")))
    }

    /// JSON text. The error tells the place, never the text: it may be about a person.
    pub(super) fn json<T: DeserializeOwned>(self, text: &str) -> Result<T> {
        serde_json::from_str(text).map_err(|e| {
            self.error(format!("not the JSON expected: {:?} at {}:{}", e.classify(), e.line(), e.column()))
        })
    }

    /// `YYYY-MM-DD`.
    pub(super) fn day(self, text: Option<&str>) -> Result<Option<NaiveDate>> {
        text.map(|t| t.parse().map_err(|_| self.error(format!("`{t}` is no day (YYYY-MM-DD)")))).transpose()
    }

    /// A count that is never negative.
    pub(super) fn count(self, value: i64) -> Result<u32> {
        u32::try_from(value).map_err(|_| self.error(format!("{value} is no count")))
    }

    /// zstd.
    pub(super) fn unpack(self, raw: &[u8]) -> Result<Vec<u8>> {
        zstd::decode_all(raw).map_err(|e| self.error(format!("zstd: {e}")))
    }
}

/// Of zstd. Records are a few kB: at its default, 3, they come out three hundredths smaller for a good part more time.
const LEVEL: i32 = 1;

/// Compressed for the database.
pub(super) fn pack(raw: &[u8]) -> Result<Vec<u8>> {
    Packer::new()?.pack(raw)
}

/// [`pack`] for many: what a compressor is made of costs more than a small record to compress.
pub(super) struct Packer(zstd::bulk::Compressor<'static>);

impl Packer {
    pub(super) fn new() -> Result<Self> {
        zstd::bulk::Compressor::new(LEVEL).map(Self).map_err(|e| StoreError::Database(sqlx::Error::Io(e)))
    }

    pub(super) fn pack(&mut self, raw: &[u8]) -> Result<Vec<u8>> {
        self.0.compress(raw).map_err(|e| StoreError::Database(sqlx::Error::Io(e)))
    }
}

/// JSON text for the database.
pub(super) fn to_json<T: Serialize + ?Sized>(value: &T) -> Result<String> {
    serde_json::to_string(value).map_err(|e| StoreError::Database(sqlx::Error::Encode(Box::new(e))))
}

/// A JSON list of texts, the `$1` of [`super::db::listed`].
pub(super) fn list<S: AsRef<str>>(items: impl IntoIterator<Item = S>) -> String {
    serde_json::Value::from_iter(items.into_iter().map(|s| s.as_ref().to_owned())).to_string()
}

pub(super) fn time(micros: Option<i64>) -> Option<Timestamp> {
    micros.map(Timestamp::from_micros)
}

pub(super) fn unsigned(count: i64) -> u64 {
    u64::try_from(count).unwrap_or(0)
}

/// The `LIMIT` of a list; none means all.
pub(super) fn limit(limit: Option<u64>) -> i64 {
    limit.and_then(|n| i64::try_from(n).ok()).unwrap_or(i64::MAX)
}

/// Greater than every id, for the first page of a list that runs from the newest to the oldest.
pub(super) const LAST_ID: &str = "~";

/// A key as it is compared: trimmed and NFKC-folded (csv-formats.md §0.4).
pub(super) fn fold(key: &str) -> String {
    let key = key.trim();
    // ASCII is folded already.
    if key.is_ascii() { key.to_owned() } else { key.nfkc().collect() }
}
