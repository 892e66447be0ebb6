//! Files that say which reception number (受付番号) an order was paid under: `mall_order_id,reception_number[,amount]`, or
//! a cart's CSV by a mapping profile (interface.md, `settlements import`; csv-formats.md §0, §4). Nothing here knows an
//! order: what becomes of a row is the store's to say.

use std::collections::{BTreeMap, HashMap};
use std::io::Read;

use crate::domain::money::Yen;
use crate::domain::reception::{ReceptionOutcome, ReceptionReport, ReceptionRow};
use crate::domain::settlement::is_reception_number;
use crate::secret::Personal;
use crate::tabular::profile::{Binding, Source, WordMap};
use crate::tabular::{self, Encoding, Profile, ReadError, Refusal, Row, Sheet, Survey, values};

/// Fields of a profile that such a file must have.
pub const REQUIRED: &[&str] = &["order_no", "reception_no"];
/// Fields that are read.
const READ: [&str; 3] = ["order_no", "reception_no", "due"];
/// The names of the columns without a profile, field by field.
const NAMES: [(&str, [&str; 2]); 3] = [
    ("order_no", ["mall_order_id", "注文番号"]),
    ("reception_no", ["reception_number", "受付番号"]),
    ("due", ["amount", "金額"]),
];

/// A file, read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Parsed {
    /// Good rows in the order of the file, each order and each number once.
    pub rows: Vec<ReceptionRow>,
    /// Rows that cannot be used, in the order of the file.
    pub refused: Vec<ReceptionReport>,
    /// Rows without a reception number: no card sale.
    pub without_number: usize,
    /// SHA-256 of the file, hex.
    pub digest: String,
}

/// How one column reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ColumnReading {
    /// 1-based.
    pub number: usize,
    /// Its name; `None` when the file has no header.
    pub name: Option<String>,
    /// What it is read as; empty when it is not used.
    pub fields: Vec<String>,
    /// The first value there is: for the person's own screen alone.
    pub example: Option<Personal>,
}

/// How a file reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// The profile's name; `None`: read without one.
    pub profile: Option<String>,
    /// How the file is coded.
    pub encoding: Encoding,
    /// What keeps the cells apart.
    pub delimiter: char,
    /// Rows of data.
    pub rows: u64,
    /// One a column.
    pub columns: Vec<ColumnReading>,
}

/// Reads a file. `file_name` stands in `source`; folders in it are dropped. `open` gives the file from its start and is
/// called more than once. A profile's `[fallback]` does not count: a row without a number is no card sale.
///
/// # Errors
/// [`ReadError`] when the file as a whole is not usable: other columns, a wrong encoding, cut off in its middle.
pub fn parse<R: Read>(
    profile: Option<&Profile>,
    file_name: &str,
    open: impl FnMut() -> std::io::Result<R>,
) -> Result<Parsed, ReadError> {
    let mut file = File::open(profile, open)?;
    let name = file_name.rsplit(['/', '\\']).next().unwrap_or(file_name);
    let mut parsed = Parsed { digest: file.survey.digest.clone(), ..Parsed::default() };
    let mut drafts = Drafts::default();
    while let Some(row) = file.sheet.next_row()? {
        match read(&file.binding, &row) {
            Ok(Some(said)) => drafts.add(row.line, said),
            Ok(None) => parsed.without_number += 1,
            Err(draft) => drafts.all.push(*draft),
        }
    }
    drafts.refuse_shared_numbers();
    for draft in drafts.all {
        let source = format!("{name}:{}", draft.line);
        match draft.wrong {
            None => parsed.rows.push(ReceptionRow {
                source,
                mall_order_id: draft.order,
                reception_number: draft.number,
                amount: draft.amount,
            }),
            Some(reason) => parsed.refused.push(ReceptionReport {
                source,
                mall_order_id: draft.order,
                reception_number: draft.number,
                settlement: None,
                outcome: ReceptionOutcome::Refused,
                reason,
            }),
        }
    }
    Ok(parsed)
}

/// How a file reads, column by column.
///
/// # Errors
/// As [`parse`].
pub fn explain<R: Read>(
    profile: Option<&Profile>,
    open: impl FnMut() -> std::io::Result<R>,
) -> Result<Explanation, ReadError> {
    let mut file = File::open(profile, open)?;
    let mut examples: Vec<Option<Personal>> = vec![None; file.sheet.width()];
    let mut rows = 0;
    while let Some(row) = file.sheet.next_row()? {
        rows += 1;
        for (n, example) in examples.iter_mut().enumerate().filter(|(_, example)| example.is_none()) {
            *example = Personal::new(row.cell(n));
        }
    }
    let reads = |column: usize| -> Vec<String> {
        let of = |field: &&&str| file.binding.columns(field).is_some_and(|all| all.contains(&column));
        READ.iter().filter(of).map(|field| (*field).to_owned()).collect()
    };
    let columns = examples.into_iter().enumerate().map(|(n, example)| ColumnReading {
        number: n + 1,
        name: file.sheet.header.as_ref().and_then(|header| header.get(n)).cloned(),
        fields: reads(n),
        example,
    });
    Ok(Explanation {
        profile: profile.map(|profile| profile.name.clone()),
        encoding: file.survey.encoding,
        delimiter: file.sheet.delimiter(),
        rows,
        columns: columns.collect(),
    })
}

/// A file with the columns that count.
struct File<R> {
    survey: Survey,
    sheet: Sheet<R>,
    binding: Binding,
}

impl<R: Read> File<R> {
    fn open(profile: Option<&Profile>, open: impl FnMut() -> std::io::Result<R>) -> Result<Self, ReadError> {
        // The fallback would make every order one that was paid by card.
        let own = profile.map_or_else(plain, |own| Profile { fallback: BTreeMap::new(), ..own.clone() });
        let (survey, records) = tabular::open(open, own.encoding, own.delimiter, own.quote)?;
        let mut looks_right = false;
        let sheet = Sheet::open(records, own.skip_lines, |cells| {
            looks_right = is_plain_row(cells);
            profile.map_or_else(|| names_columns(cells), |profile| profile.header)
        })?;
        let header = sheet.header.as_deref();
        if profile.is_none() && header.is_none() && !looks_right {
            return Err(Refusal::at(
                sheet.first_line,
                "expected mall_order_id,reception_number[,amount]; a file with other columns needs a profile that names \
                 them (--profile)",
            )
            .into());
        }
        let own = match (profile, header) {
            (None, None) => by_place(own),
            _ => own,
        };
        let binding = own.bind_for(header, sheet.width(), sheet.first_line, REQUIRED)?;
        Ok(Self { survey, sheet, binding })
    }
}

/// `mall_order_id,reception_number[,amount]`, in whatever order.
fn plain() -> Profile {
    let fields = NAMES.map(|(field, names)| {
        (field.to_owned(), names.iter().map(|name| Source::Named((*name).to_owned())).collect())
    });
    Profile {
        name: "mall_order_id,reception_number[,amount]".to_owned(),
        encoding: None,
        delimiter: None,
        quote: Some('"'),
        header: true,
        skip_lines: 0,
        fields: fields.into(),
        fallback: BTreeMap::new(),
        payment_map: WordMap::default(),
        status: WordMap::default(),
        line_kind: WordMap::default(),
    }
}

/// The same without a header: in that order.
fn by_place(plain: Profile) -> Profile {
    let fields = NAMES.iter().enumerate();
    let fields = fields.map(|(n, (field, _))| ((*field).to_owned(), vec![Source::Column(n)]));
    Profile { header: false, fields: fields.collect(), ..plain }
}

/// Without a header the first row must look like one of data.
fn is_plain_row(cells: &[String]) -> bool {
    (2..=3).contains(&cells.len())
        && cells.get(1).is_some_and(|cell| is_reception_number(&values::order_key(cell)))
}

fn names_columns(cells: &[String]) -> bool {
    let known = |cell: &String| {
        let key = values::header_key(cell);
        NAMES.iter().any(|(_, names)| names.contains(&key.as_str()))
    };
    cells.iter().any(known)
}

/// What a row says.
struct Said {
    order: String,
    number: String,
    amount: Option<Yen>,
}

/// Rows of one order, folded.
struct Draft {
    line: u64,
    order: String,
    number: String,
    amount: Option<Yen>,
    /// Why it cannot be used.
    wrong: Option<String>,
}

/// `None`: the row has no number. `Err`: it cannot be used.
fn read(binding: &Binding, row: &Row) -> Result<Option<Said>, Box<Draft>> {
    let cell = |field| binding.get(row, field).unwrap_or_default();
    let (order, written) = (cell("order_no"), cell("reception_no"));
    let mut wrong: Vec<String> = row.problem.iter().cloned().collect();
    if written.is_empty() && wrong.is_empty() {
        return Ok(None);
    }
    let number = values::order_key(&written);
    let mut destroyed = |text: &str, what: &str| {
        let exponent = values::is_exponent(text);
        if exponent {
            wrong.push(format!("{what} was destroyed by a spreadsheet (exponent): export the file again"));
        } else if text.contains(values::DAMAGED) {
            wrong.push(format!("{what} holds unreadable characters"));
        }
        exponent || text.contains(values::DAMAGED)
    };
    destroyed(&order, "the order number");
    let unreadable = destroyed(&written, "the reception number");
    if order.is_empty() {
        wrong.push("no order number".to_owned());
    }
    if !unreadable && !is_reception_number(&number) {
        wrong.push("not a reception number: 1 to 23 digits, capitals and # - * / < > : @".to_owned());
    }
    let amount = values::amount(&cell("due")).unwrap_or_else(|expected| {
        wrong.push(format!("the amount: {expected}"));
        None
    });
    if wrong.is_empty() {
        return Ok(Some(Said { order, number, amount: amount.map(Yen) }));
    }
    let wrong = Some(wrong.join("; "));
    Err(Box::new(Draft { line: row.line, order, number: written, amount: None, wrong }))
}

/// The orders of a file.
#[derive(Default)]
struct Drafts {
    all: Vec<Draft>,
    by_order: HashMap<String, usize>,
}

impl Drafts {
    /// A cart writes an order once for each of its lines: they must agree.
    fn add(&mut self, line: u64, said: Said) {
        let key = values::order_key(&said.order);
        let Some(first) = self.by_order.get(&key).and_then(|n| self.all.get_mut(*n)) else {
            self.by_order.insert(key, self.all.len());
            let Said { order, number, amount } = said;
            self.all.push(Draft { line, order, number, amount, wrong: None });
            return;
        };
        let differ: fn(u64) -> String = if first.number != said.number {
            |other| format!("line {other} gives the order another reception number")
        } else if first.amount != said.amount {
            |other| format!("line {other} gives the order another amount")
        } else {
            return;
        };
        first.wrong.get_or_insert_with(|| differ(line));
        let wrong = Some(differ(first.line));
        let Said { order, number, amount } = said;
        self.all.push(Draft { line, order, number, amount, wrong });
    }

    /// A number belongs to one order (decisions.md 2): which of several is right the file does not tell.
    fn refuse_shared_numbers(&mut self) {
        let mut by_number: HashMap<String, Vec<usize>> = HashMap::new();
        for (n, draft) in self.all.iter().enumerate().filter(|(_, draft)| draft.wrong.is_none()) {
            by_number.entry(draft.number.clone()).or_default().push(n);
        }
        for several in by_number.into_values().filter(|several| several.len() > 1) {
            let lines: Vec<u64> = several.iter().map(|n| self.all[*n].line).collect();
            for n in several {
                let others = lines.iter().filter(|line| **line != self.all[n].line).map(u64::to_string);
                let others = others.collect::<Vec<_>>().join(", ");
                self.all[n].wrong = Some(format!(
                    "the reception number stands on another order of the file too (line {others})"
                ));
            }
        }
    }
}

#[cfg(test)]
mod tests;
