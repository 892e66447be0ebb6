//! How a file reads, column by column, for the person who sets up a profile (`orders import --explain`).

use std::collections::BTreeSet;

use crate::clock::Timestamp;
use crate::secret::Personal;
use crate::tabular::profile::{Binding, FIELDS};
use crate::tabular::{self, Encoding, Profile, ReadError, Sheet};

use super::read::{self, Window};

/// One column of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ColumnReading {
    /// 1-based.
    pub number: usize,
    /// Its name; `None` when the file has no header.
    pub name: Option<String>,
    /// The fields it is read as; empty when it is not used (it is still at hand for reception-number patterns).
    pub fields: Vec<String>,
    /// The first value there is: for the person's own screen alone.
    pub example: Option<Personal>,
}

/// How a file reads.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Explanation {
    /// The profile's name.
    pub profile: String,
    /// How the file is coded.
    pub encoding: Option<Encoding>,
    /// What keeps the cells apart.
    pub delimiter: Option<char>,
    /// Rows of data.
    pub rows: u64,
    /// Orders that can be read.
    pub orders: usize,
    /// One a column.
    pub columns: Vec<ColumnReading>,
    /// Fields of the profile that the file does not have.
    pub absent: Vec<String>,
    /// Everything that a person should know: orders that cannot be read, words that are not mapped.
    pub problems: Vec<String>,
    /// Why the file as a whole is not usable.
    pub refused: Option<String>,
}

/// Explains a file. `file_name` stands in the problems' places.
#[must_use]
pub fn explain(profile: &Profile, file_name: &str, bytes: &[u8]) -> Explanation {
    let mut explanation = Explanation { profile: profile.name.clone(), ..Explanation::default() };
    if let Err(e) = columns(profile, bytes, &mut explanation) {
        explanation.refused = Some(e.to_string());
        return explanation;
    }
    let name = super::base_name(file_name);
    match read::slice(profile, name, || Ok(bytes), Window::ALL, Timestamp::from_micros(0)) {
        Ok(slice) => {
            explanation.orders = slice.orders.len();
            explanation.problems.extend(slice.bad.into_iter().map(|bad| bad.reason));
            for fetched in slice.orders {
                let id = &fetched.order.mall_order_id;
                explanation
                    .problems
                    .extend(fetched.order.flags.iter().map(|f| format!("{id}: {}: {}", f.code, f.detail)));
            }
        }
        Err(e) => explanation.refused = Some(e.to_string()),
    }
    explanation
}

fn columns(profile: &Profile, bytes: &[u8], explanation: &mut Explanation) -> Result<(), ReadError> {
    let (survey, records) = tabular::open(|| Ok(bytes), profile.encoding, profile.delimiter, profile.quote)?;
    explanation.encoding = Some(survey.encoding);
    let mut sheet = Sheet::open(records, profile.skip_lines, |_| profile.header)?;
    explanation.delimiter = Some(sheet.delimiter());
    let binding = profile.bind(sheet.header.as_deref(), sheet.width(), sheet.first_line);
    let mut examples: Vec<Option<Personal>> = vec![None; sheet.width()];
    while let Some(row) = sheet.next_row()? {
        explanation.rows += 1;
        for (n, example) in examples.iter_mut().enumerate().filter(|(_, e)| e.is_none()) {
            *example = Personal::new(row.cell(n));
        }
    }
    let header = sheet.header.as_deref();
    explanation.columns = examples
        .into_iter()
        .enumerate()
        .map(|(n, example)| ColumnReading {
            number: n + 1,
            name: header.and_then(|h| h.get(n)).cloned(),
            fields: binding.as_ref().map_or_else(|_| Vec::new(), |b| fields_of(b, n)),
            example,
        })
        .collect();
    let binding = binding?;
    let mapped: BTreeSet<&str> = FIELDS.iter().copied().filter(|f| binding.has(f)).collect();
    explanation.absent = profile.fields.keys().filter(|f| !mapped.contains(f.as_str())).cloned().collect();
    Ok(())
}

fn fields_of(binding: &Binding, column: usize) -> Vec<String> {
    FIELDS
        .iter()
        .filter(|field| binding.columns(field).is_some_and(|columns| columns.contains(&column)))
        .map(|field| (*field).to_owned())
        .collect()
}
