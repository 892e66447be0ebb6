//! ヤマト B2クラウド, 発行済データ: 86, 95, 97 or 98 columns by position, any layout by the names in its header
//! (csv-formats.md §1.1).

use crate::domain::order::Carrier;
use crate::domain::settlement::is_reception_number;
use crate::domain::slip::SlipRow;
use crate::tabular::values::{self, DAMAGED, header_key};
use crate::tabular::{Refusal, Row};

use super::number;

/// Names of a column across versions, and its place in the basic layout (1-based).
struct Column {
    names: &'static [&'static str],
    place: usize,
}

const ORDER: Column = Column { names: &["お客様管理番号"], place: 1 };
const KIND: Column = Column { names: &["送り状種類", "送り状種別"], place: 2 };
const NUMBER: Column = Column { names: &["伝票番号"], place: 4 };
const SHIP_DATE: Column = Column { names: &["出荷予定日"], place: 5 };
const POSTAL_CODE: Column = Column { names: &["お届け先郵便番号"], place: 11 };
/// Columns that some shops put the order number into, in the order they are tried (csv-formats.md §1.1.3).
const ALTERNATES: [Column; 4] = [
    Column { names: &["荷扱い１"], place: 31 },
    Column { names: &["記事"], place: 33 },
    Column { names: &["検索キー１"], place: 76 },
    Column { names: &["品名コード１"], place: 27 },
];
const REGISTERS: Column = Column {
    names: &["クロネコwebコレクトデータ登録", "注文時カード払いデータ登録"],
    place: 43,
};
const TRADER: Column = Column {
    names: &["クロネコwebコレクト加盟店番号", "注文時カード払い加盟店番号"],
    place: 44,
};
const RECEPTION: [Column; 3] = [
    Column {
        names: &[
            "クロネコwebコレクト申込受付番号１",
            "申込受付番号１",
            "注文時カード払い申し込み受付番号１",
            "注文時カード払い申込受付番号１",
        ],
        place: 45,
    },
    Column {
        names: &[
            "クロネコwebコレクト申込受付番号２",
            "申込受付番号２",
            "注文時カード払い申し込み受付番号２",
            "注文時カード払い申込受付番号２",
        ],
        place: 46,
    },
    Column {
        names: &[
            "クロネコwebコレクト申込受付番号３",
            "申込受付番号３",
            "注文時カード払い申し込み受付番号３",
            "注文時カード払い申込受付番号３",
        ],
        place: 47,
    },
];

/// Whether a first record names columns: it has one of the two keys (csv-formats.md §1.1.2).
pub(super) fn is_header(cells: &[String]) -> bool {
    cells
        .iter()
        .map(|cell| header_key(cell))
        .any(|key| ORDER.names.contains(&key.as_str()) || NUMBER.names.contains(&key.as_str()))
}

/// Which column is what in one file, 0-based.
pub(super) struct Layout {
    order: Option<usize>,
    kind: Option<usize>,
    number: usize,
    ship_date: Option<usize>,
    postal_code: Option<usize>,
    alternates: Vec<usize>,
    registers: Option<usize>,
    trader: Option<usize>,
    reception: Vec<usize>,
    names: Vec<String>,
}

/// What a row says.
pub(super) enum Reading {
    /// No number yet.
    NotIssued,
    /// A slip, with what a person should know of it.
    Slip { row: Box<SlipRow>, notes: Vec<String> },
    /// Not usable.
    Refused { order_key: String, number: String, reason: String },
}

impl Layout {
    pub(super) fn find(header: Option<&[String]>, width: usize, line: u64) -> Result<Self, Refusal> {
        match header {
            Some(names) => Self::by_name(names, line),
            None => Self::by_place(width, line),
        }
    }

    fn by_name(names: &[String], line: u64) -> Result<Self, Refusal> {
        let keys: Vec<String> = names.iter().map(|n| header_key(n)).collect();
        let find = |column: &Column| {
            column
                .names
                .iter()
                .map(|name| header_key(name))
                .find_map(|name| keys.iter().position(|key| *key == name))
        };
        let Some(number) = find(&NUMBER) else {
            return Err(Refusal::at(
                line,
                "no column 伝票番号: this is not a file of issued slips (発行済データ) of ヤマト B2クラウド",
            ));
        };
        let layout = Self {
            order: find(&ORDER),
            kind: find(&KIND),
            number,
            ship_date: find(&SHIP_DATE),
            postal_code: find(&POSTAL_CODE),
            alternates: ALTERNATES.iter().filter_map(find).collect(),
            registers: find(&REGISTERS),
            trader: find(&TRADER),
            reception: RECEPTION.iter().filter_map(find).collect(),
            names: names.to_vec(),
        };
        if layout.order.is_none() && layout.alternates.is_empty() && layout.reception.is_empty() {
            return Err(Refusal::at(
                line,
                "no column that could hold an order number: add お客様管理番号 to B2クラウド's output layout",
            ));
        }
        Ok(layout)
    }

    fn by_place(width: usize, line: u64) -> Result<Self, Refusal> {
        // From 95 columns on all places are known; the oldest layout shares the first 42 (csv-formats.md §1.1).
        let known = match width {
            95..=98 => width,
            86 => 42,
            _ => {
                return Err(Refusal::at(
                    line,
                    format!(
                        "no header, and {width} columns where B2クラウド writes 86, 95, 97 or 98: export 発行済データ \
                         with a heading (見出しあり)"
                    ),
                ));
            }
        };
        let at = |column: &Column| (column.place <= known).then(|| column.place - 1);
        Ok(Self {
            order: at(&ORDER),
            kind: at(&KIND),
            number: NUMBER.place - 1,
            ship_date: at(&SHIP_DATE),
            postal_code: at(&POSTAL_CODE),
            alternates: ALTERNATES.iter().filter_map(at).collect(),
            registers: at(&REGISTERS),
            trader: at(&TRADER),
            reception: RECEPTION.iter().filter_map(at).collect(),
            names: Vec::new(),
        })
    }

    /// Without a header the first row must look like one of B2's: a kind, and a number of twelve digits or none yet.
    pub(super) fn refuse_unless_data(&self, row: &Row) -> Result<(), Refusal> {
        let number = values::slip_key(row.cell(self.number));
        let digits = number.bytes().all(|b| b.is_ascii_digit());
        let kind = self.kind.is_some_and(|column| number::kind(row.cell(column)).is_some());
        if kind && digits && matches!(number.len(), 0 | 11 | 12) {
            return Ok(());
        }
        Err(Refusal::at(
            row.line,
            "no header, and columns 2 and 4 are not 送り状種類 and 伝票番号 of B2クラウド: export 発行済データ with a heading \
             (見出しあり)",
        ))
    }

    pub(super) fn read(&self, row: &Row, source: &str) -> Reading {
        let cell = |column: Option<usize>| column.map_or("", |c| row.cell(c));
        let order_key = cell(self.order).to_owned();
        let written = row.cell(self.number).to_owned();
        let folded = values::slip_key(&written);
        if values::nfkc(&written).chars().all(|c| matches!(c, '0' | '-' | ' ')) && row.problem.is_none() {
            return Reading::NotIssued;
        }
        let mut wrong: Vec<String> = row.problem.iter().cloned().collect();
        let mut notes = self.damaged(row);
        let kind = self.kind(row, &mut wrong);
        let other_keys = self.other_keys(row, &order_key);
        let reception_numbers = self.reception_numbers(row, &mut notes);
        let b2_registers = self.registers(row, &mut notes);
        if values::is_exponent(&order_key) {
            wrong.push(
                "お客様管理番号 was destroyed by a spreadsheet (exponent): export the file again".to_owned(),
            );
        } else if order_key.contains(DAMAGED) {
            wrong.push("お客様管理番号 holds unreadable characters".to_owned());
        } else if order_key.is_empty() && other_keys.is_empty() && reception_numbers.is_empty() {
            wrong.push("no order number in any column".to_owned());
        }
        let number = number_of(&written, &folded, &kind, &mut wrong, &mut notes);
        let ship_date = self.ship_date.and_then(|column| {
            let text = row.cell(column);
            let day = values::day(text);
            if day.is_none() && !text.is_empty() {
                notes.push("出荷予定日 is no date: left out".to_owned());
            }
            day
        });
        let postal_code = values::postal_code(cell(self.postal_code));
        if postal_code.is_none() && !cell(self.postal_code).is_empty() {
            notes.push("お届け先郵便番号 is no postal code: not compared".to_owned());
        }
        if !wrong.is_empty() {
            return Reading::Refused { order_key, number: written, reason: wrong.join("; ") };
        }
        let row = SlipRow {
            source: source.to_owned(),
            order_key,
            other_keys,
            reception_numbers,
            trader_code: self.trader_code(row),
            number,
            carrier: Carrier::Yamato,
            kind,
            ship_date,
            postal_code,
            package_id: None,
            b2_registers,
            by_number: false,
        };
        Reading::Slip { row: Box::new(row), notes }
    }

    /// 申込受付番号１–３, each once. One that cannot be a reception number is told of and not used.
    fn reception_numbers(&self, row: &Row, notes: &mut Vec<String>) -> Vec<String> {
        let mut numbers: Vec<String> = Vec::new();
        for cell in self.reception.iter().map(|column| row.cell(*column)).filter(|cell| !cell.is_empty()) {
            let number = values::order_key(cell);
            if values::is_exponent(cell) {
                notes.push(
                    "申込受付番号 was destroyed by a spreadsheet (exponent): left out; export the file again"
                        .to_owned(),
                );
            } else if !is_reception_number(&number) {
                notes.push(
                    "申込受付番号 is not a reception number (1 to 23 digits, capitals and # - * / < > : @): left out"
                        .to_owned(),
                );
            } else if !numbers.contains(&number) {
                numbers.push(number);
            }
        }
        numbers
    }

    /// クロネコwebコレクト加盟店番号, as it is compared.
    fn trader_code(&self, row: &Row) -> Option<String> {
        let code = values::nfkc(self.trader.map_or("", |column| row.cell(column))).trim().to_owned();
        (!code.is_empty()).then_some(code)
    }

    /// クロネコwebコレクトデータ登録: 1 yes, 0 no; empty says nothing.
    fn registers(&self, row: &Row, notes: &mut Vec<String>) -> Option<bool> {
        match values::nfkc(self.registers.map_or("", |column| row.cell(column))).trim() {
            "" => None,
            "1" => Some(true),
            "0" => Some(false),
            _ => {
                notes.push("クロネコwebコレクトデータ登録 is neither 0 nor 1: left out".to_owned());
                None
            }
        }
    }

    fn kind(&self, row: &Row, wrong: &mut Vec<String>) -> String {
        let written = self.kind.map_or("", |column| row.cell(column));
        match number::kind(written) {
            Some(code) => code.to_owned(),
            None => {
                // One never seen before may be cash on delivery, which must never be captured (I5).
                if !written.is_empty() {
                    wrong.push("送り状種類 is none of B2クラウド's: is the column right?".to_owned());
                }
                String::new()
            }
        }
    }

    /// Keys to try when the main one fits no order: without a parcel suffix, then what the other columns hold
    /// (csv-formats.md §1.1.3).
    fn other_keys(&self, row: &Row, order_key: &str) -> Vec<String> {
        let cut = [without_suffix(order_key, '_', 10), without_suffix(order_key, '-', 2)];
        let columns = self.alternates.iter().map(|c| row.cell(*c).to_owned());
        let mut keys: Vec<String> = Vec::new();
        for key in cut.into_iter().flatten().map(str::to_owned).chain(columns) {
            if !key.is_empty() && key != order_key && !key.contains(DAMAGED) && !keys.contains(&key) {
                keys.push(key);
            }
        }
        keys
    }

    /// Cells with bytes that are no characters: a key with them refuses the row, another cell is only told of.
    fn damaged(&self, row: &Row) -> Vec<String> {
        let name = |column: usize| match self.names.get(column) {
            Some(name) => format!("column {} ({name})", column + 1),
            None => format!("column {}", column + 1),
        };
        row.cells
            .iter()
            .enumerate()
            .filter(|(_, cell)| cell.contains(DAMAGED))
            .map(|(column, _)| format!("{} holds unreadable characters", name(column)))
            .collect()
    }
}

/// `ORDER_2` → `ORDER`: a parcel or shipping number of at most `longest` digits after the last `mark`.
fn without_suffix(key: &str, mark: char, longest: usize) -> Option<&str> {
    let (order, suffix) = key.rsplit_once(mark)?;
    let number = (1..=longest).contains(&suffix.len()) && suffix.bytes().all(|b| b.is_ascii_digit());
    (number && !order.is_empty()).then_some(order)
}

fn number_of(
    written: &str,
    folded: &str,
    kind: &str,
    wrong: &mut Vec<String>,
    notes: &mut Vec<String>,
) -> String {
    if values::is_exponent(written) {
        wrong.push("伝票番号 was destroyed by a spreadsheet (exponent): export the file again".to_owned());
        return String::new();
    }
    if written.contains(DAMAGED) {
        wrong.push("伝票番号 holds unreadable characters".to_owned());
        return String::new();
    }
    match number::yamato(folded) {
        Ok((number, padded)) => {
            if padded {
                notes.push("伝票番号 had lost its leading zero; the check digit passes with it".to_owned());
            }
            number
        }
        Err(reason) if number::handed_to_post(kind) && (11..=13).contains(&folded.len()) => {
            notes.push(format!("{reason} (kind {kind}: taken as it is)"));
            folded.to_owned()
        }
        Err(reason) => {
            wrong.push(reason);
            String::new()
        }
    }
}
