//! Mapping profiles: which column of a cart's file is what (csv-formats.md §4.1). A profile is TOML; everything wrong
//! with it is found at once.

use std::collections::BTreeMap;
use std::fmt;

use super::values::{header_key, word_key};
use super::{Encoding, Refusal, Row};

mod parse;

/// The fields a column can be mapped to.
pub const FIELDS: &[&str] = &[
    "order_no",
    "reception_no",
    "ordered_at",
    "updated_at",
    "status",
    "payment_name",
    "due",
    "goods",
    "shipping",
    "payment_fee",
    "gift_wrap",
    "other_charge",
    "shop_coupon",
    "mall_coupon",
    "points",
    "other_discount",
    "total",
    "discounted_total",
    "buyer_name",
    "buyer_kana",
    "buyer_postal_code",
    "buyer_prefecture",
    "buyer_address",
    "buyer_phone",
    "buyer_email",
    "buyer_company",
    "recipient_name",
    "recipient_kana",
    "recipient_postal_code",
    "recipient_prefecture",
    "recipient_address",
    "recipient_phone",
    "recipient_email",
    "recipient_company",
    "package_id",
    "carrier",
    "slip_no",
    "shipped_on",
    "requested_date",
    "requested_time",
    "line_id",
    "line_kind",
    "line_name",
    "line_sku",
    "line_quantity",
    "line_unit_price",
    "line_tax_rate",
    "line_options",
    "note_buyer",
    "note_shop",
];

/// Fields that every file must have.
pub const REQUIRED: &[&str] = &["order_no", "due", "payment_name"];

/// What a row of an order is about, the words of `[line_kind]`.
pub const LINE_KINDS: &[&str] = &["goods", "shipping", "payment_fee", "discount", "points", "tax", "ignore"];

/// The words that `[payment_map]` and `[status]` may use; this module does not know orders.
#[derive(Clone, Copy, Debug)]
pub struct Vocabulary<'a> {
    /// For `[payment_map]`.
    pub payment_methods: &'a [&'a str],
    /// For `[status]`.
    pub statuses: &'a [&'a str],
}

/// One thing wrong with a profile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// `fields.due`.
    pub key: String,
    /// What is wrong and what was expected.
    pub message: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.key.is_empty() {
            f.write_str(&self.message)
        } else {
            write!(f, "{}: {}", self.key, self.message)
        }
    }
}

/// Where a field comes from; the first that the file has is used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// A column by its number, 0-based.
    Column(usize),
    /// A column by its name, or several joined with one blank (`A+B`).
    Named(String),
}

/// A word of the file, with `*` at either end for anything.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern {
    text: String,
    open_start: bool,
    open_end: bool,
}

impl Pattern {
    fn new(text: &str) -> Self {
        let folded = word_key(text);
        let (folded, open_start) = folded.strip_prefix('*').map_or((folded.as_str(), false), |t| (t, true));
        let (folded, open_end) = folded.strip_suffix('*').map_or((folded, false), |t| (t, true));
        Self { text: folded.trim().to_owned(), open_start, open_end }
    }

    fn matches(&self, folded: &str) -> bool {
        match (self.open_start, self.open_end) {
            (false, false) => folded == self.text,
            (true, false) => folded.ends_with(&self.text),
            (false, true) => folded.starts_with(&self.text),
            (true, true) => folded.contains(&self.text),
        }
    }

    /// Exact words before open ones, longer before shorter: TOML tables have no order.
    fn rank(&self) -> (bool, std::cmp::Reverse<usize>) {
        (self.open_start || self.open_end, std::cmp::Reverse(self.text.chars().count()))
    }
}

/// A table from words of the file to ours.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WordMap(Vec<(Pattern, String)>);

impl WordMap {
    /// From patterns and our words. The most specific pattern wins.
    pub fn new<'a>(entries: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let mut entries: Vec<_> = entries.into_iter().map(|(p, w)| (Pattern::new(p), w.to_owned())).collect();
        entries.sort_by(|(a, x), (b, y)| (a.rank(), &a.text, x).cmp(&(b.rank(), &b.text, y)));
        Self(entries)
    }

    /// Our word for `text`; `None` when it is not listed.
    #[must_use]
    pub fn get(&self, text: &str) -> Option<&str> {
        let folded = word_key(text);
        self.0.iter().find(|(p, _)| p.matches(&folded)).map(|(_, word)| word.as_str())
    }

    /// Whether nothing is listed.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// How the files of one cart are read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Profile {
    /// Its name: `[a-z0-9-]+`.
    pub name: String,
    /// `None`: found out.
    pub encoding: Option<Encoding>,
    /// `None`: found out.
    pub delimiter: Option<char>,
    /// `None`: a quote is a plain character.
    pub quote: Option<char>,
    /// Whether the first record names the columns.
    pub header: bool,
    /// Lines before the header.
    pub skip_lines: u32,
    /// Where each field comes from; a field that is not here is not in the file.
    pub fields: BTreeMap<String, Vec<Source>>,
    /// The field to take when a field is missing or empty.
    pub fallback: BTreeMap<String, String>,
    /// Names of payment methods.
    pub payment_map: WordMap,
    /// Words for where an order stands.
    pub status: WordMap,
    /// Words for what a row is about.
    pub line_kind: WordMap,
}

impl Profile {
    /// Reads a profile.
    ///
    /// # Errors
    /// Every finding.
    pub fn parse(text: &str, words: Vocabulary<'_>) -> Result<Self, Vec<Finding>> {
        Self::parse_for(text, words, REQUIRED)
    }

    /// Reads a profile of which only `required` must be mapped.
    ///
    /// # Errors
    /// Every finding.
    pub fn parse_for(text: &str, words: Vocabulary<'_>, required: &[&str]) -> Result<Self, Vec<Finding>> {
        parse::profile(text, words, required)
    }

    /// Finds the columns in a file's header (`None`: it has none, columns are numbers).
    ///
    /// # Errors
    /// A [`Refusal`] that names the required fields that were not found, the names tried and the names there are.
    pub fn bind(&self, header: Option<&[String]>, width: usize, line: u64) -> Result<Binding, Refusal> {
        self.bind_for(header, width, line, REQUIRED)
    }

    /// As [`Profile::bind`], where only `required` must be in the file.
    ///
    /// # Errors
    /// Likewise.
    pub fn bind_for(
        &self,
        header: Option<&[String]>,
        width: usize,
        line: u64,
        required: &[&str],
    ) -> Result<Binding, Refusal> {
        let keys: Vec<String> = header.unwrap_or_default().iter().map(|name| header_key(name)).collect();
        let mut columns = BTreeMap::new();
        for (field, sources) in &self.fields {
            if let Some(found) = sources.iter().find_map(|source| locate(source, &keys, width)) {
                columns.insert(field.clone(), found);
            }
        }
        let missing: Vec<&str> = required
            .iter()
            .copied()
            .filter(|field| {
                !columns.contains_key(*field)
                    && !self.fallback.get(*field).is_some_and(|other| columns.contains_key(other))
            })
            .collect();
        if missing.is_empty() {
            return Ok(Binding { columns, fallback: self.fallback.clone() });
        }
        let tried = missing
            .iter()
            .map(|field| {
                let names: Vec<String> = self.fields.get(*field).map_or_else(Vec::new, |sources| {
                    sources
                        .iter()
                        .map(|source| match source {
                            Source::Column(n) => format!("column {}", n + 1),
                            Source::Named(name) => name.clone(),
                        })
                        .collect()
                });
                format!("{field} (tried: {})", names.join(", "))
            })
            .collect::<Vec<_>>()
            .join("; ");
        // Without a single known name this line is hardly a header: it may be a row of somebody's data, so it is not shown.
        let there = match header {
            Some(names) if !columns.is_empty() => format!("the file has: {}", names.join(", ")),
            Some(_) => {
                "no known column name stands in this line (is the header missing? are skip_lines and delimiter right? \
                 is it the file of another system?)"
                    .to_owned()
            }
            None => format!("the file has {width} columns"),
        };
        Err(Refusal::at(
            line,
            format!(
                "columns not found for {tried}; {there}. Add the column's name to [fields] of profile \"{}\", or export \
                 the file with these columns",
                self.name
            ),
        ))
    }
}

fn locate(source: &Source, keys: &[String], width: usize) -> Option<Vec<usize>> {
    let find = |name: &str| {
        let name = header_key(name);
        keys.iter().position(|key| *key == name)
    };
    match source {
        Source::Column(n) => (*n < width).then(|| vec![*n]),
        Source::Named(name) => find(name)
            .map(|n| vec![n])
            .or_else(|| name.contains('+').then(|| name.split('+').map(find).collect::<Option<Vec<_>>>())?),
    }
}

/// A profile, bound to the columns of one file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Binding {
    columns: BTreeMap<String, Vec<usize>>,
    fallback: BTreeMap<String, String>,
}

impl Binding {
    /// The columns of a field, 0-based; `None` when the file does not have it (its fallback aside).
    #[must_use]
    pub fn columns(&self, field: &str) -> Option<&[usize]> {
        self.columns.get(field).map(Vec::as_slice)
    }

    /// Whether the file has a field, or the field it falls back to.
    #[must_use]
    pub fn has(&self, field: &str) -> bool {
        self.columns.contains_key(field)
            || self.fallback.get(field).is_some_and(|other| self.columns.contains_key(other))
    }

    /// A field of a row, trimmed; `None` when missing or empty, there and at its fallback.
    #[must_use]
    pub fn get(&self, row: &Row, field: &str) -> Option<String> {
        self.own(row, field).or_else(|| self.own(row, self.fallback.get(field)?))
    }

    fn own(&self, row: &Row, field: &str) -> Option<String> {
        let cells: Vec<&str> =
            self.columns.get(field)?.iter().map(|n| row.cell(*n)).filter(|c| !c.is_empty()).collect();
        (!cells.is_empty()).then(|| cells.join(" "))
    }
}
