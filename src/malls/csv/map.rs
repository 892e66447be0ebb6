//! The rows of one order, folded into an [`Order`] (csv-formats.md §4.1, decisions.md 3, 24, 25). Nothing is invented: an
//! amount is a column of the file or a sum of its columns.

use std::collections::BTreeMap;

use crate::clock::Timestamp;
use crate::domain::money::Yen;
use crate::domain::order::{
    Amounts, CollectedBy, Flag, FulfilledBy, Notes, Order, Party, Payment, PaymentMethod, PaymentStatus,
    PendingReason, Status,
};
use crate::domain::settlement::is_reception_number;
use crate::secret::Personal;
use crate::tabular::profile::Binding;
use crate::tabular::{Profile, Row, values};

use super::goods;
use super::party::party;

/// Columns that no order needs and that are dropped on receipt (decisions.md 14).
const DROPPED: &[&str] = &["性別", "職業", "誕生日", "生年月日", "カード番号", "カード名義"];

/// Fields that decide what is captured: all rows of an order must agree on them.
const AGREED: &[&str] = &["due", "payment_name", "status", "reception_no"];

/// How a file is read: its profile, bound to its columns.
pub(super) struct Layout<'a> {
    pub(super) profile: &'a Profile,
    pub(super) binding: Binding,
    /// `None`: the file has no header.
    pub(super) header: Option<Vec<String>>,
}

/// What keeps an order from being read.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Trouble {
    pub(super) line: u64,
    pub(super) reason: String,
}

/// Collects what is wrong with an order and what a person should know of it.
#[derive(Default)]
pub(super) struct Remarks {
    pub(super) troubles: Vec<Trouble>,
    pub(super) flags: Vec<Flag>,
}

impl Remarks {
    pub(super) fn trouble(&mut self, row: &Row, reason: impl Into<String>) {
        self.troubles.push(Trouble { line: row.line, reason: reason.into() });
    }

    pub(super) fn flag(&mut self, code: &str, detail: impl Into<String>) {
        let flag = Flag::new(code, detail);
        if !self.flags.contains(&flag) {
            self.flags.push(flag);
        }
    }
}

impl Layout<'_> {
    /// The number of the order a row belongs to, as written.
    pub(super) fn order_number(&self, row: &Row) -> Option<String> {
        self.binding.get(row, "order_no")
    }

    /// A field, as people see it in the file: for messages.
    pub(super) fn column_name(&self, field: &str) -> String {
        let Some(columns) = self.binding.columns(field) else { return field.to_owned() };
        columns
            .iter()
            .map(|n| match self.header.as_ref().and_then(|h| h.get(*n)) {
                Some(name) => name.clone(),
                None => format!("column {}", n + 1),
            })
            .collect::<Vec<_>>()
            .join("+")
    }

    fn dropped(&self, column: usize) -> bool {
        let name = self.header.as_ref().and_then(|h| h.get(column)).map(|n| values::header_key(n));
        name.is_some_and(|name| DROPPED.iter().any(|word| name.contains(word)))
    }

    /// The record as it is kept: header and rows, less the columns dropped on receipt. File name and lines are left out,
    /// so that the same order in a later export is the same record.
    pub(super) fn raw(&self, rows: &[Row]) -> Vec<u8> {
        let keep = |cells: &[String]| -> Vec<String> {
            cells.iter().enumerate().filter(|(n, _)| !self.dropped(*n)).map(|(_, c)| c.clone()).collect()
        };
        let header = self.header.as_ref().map(|h| keep(h));
        let rows: Vec<Vec<String>> = rows.iter().map(|r| keep(&r.cells)).collect();
        serde_json::json!({ "header": header, "rows": rows }).to_string().into_bytes()
    }

    /// One order from all its rows, in the order of the file.
    pub(super) fn order(&self, rows: &[Row]) -> Result<Order, Vec<Trouble>> {
        let Some(first) = rows.first() else { return Err(Vec::new()) };
        let mut remarks = Remarks::default();
        for row in rows {
            if let Some(problem) = &row.problem {
                remarks.trouble(row, problem.clone());
            }
        }
        let number = self.order_number(first).unwrap_or_default();
        if number.is_empty() {
            remarks.trouble(first, format!("no order number in {}", self.column_name("order_no")));
        } else if values::is_exponent(&number) {
            let column = self.column_name("order_no");
            remarks.trouble(
                first,
                format!("{column} was destroyed by a spreadsheet (exponent): export the file again"),
            );
        } else if number.contains(values::DAMAGED) {
            remarks.trouble(first, format!("{} holds unreadable characters", self.column_name("order_no")));
        }
        self.agree(rows, &mut remarks);
        let (status, mall_status, pending_reason) = self.status(rows, &mut remarks);
        let amounts = self.amounts(rows, &mut remarks);
        let payment = self.payment(rows, &amounts, &mut remarks);
        let reception_number = self.reception_number(rows, &mut remarks);
        let buyer = party(&self.binding, first, "buyer");
        let packages = goods::packages(self, rows, &buyer, &amounts, &mut remarks);
        let damaged = rows.iter().any(|r| r.cells.iter().any(|c| c.contains(values::DAMAGED)));
        if damaged {
            remarks.flag(
                "unreadable_characters",
                "a cell holds bytes that are no characters of the file's encoding",
            );
        }
        remarks.flags.extend(amounts.mismatches());
        let order = Order {
            mall_order_id: number,
            status,
            mall_status,
            pending_reason,
            fulfilled_by: FulfilledBy::Shop,
            ordered_at: self.ordered_at(rows, &mut remarks),
            mall_updated_at: self.first(rows, "updated_at").and_then(|t| values::moment(&t)),
            ship_by: None,
            payment,
            amounts,
            taxes: Vec::new(),
            buyer,
            packages,
            notes: Notes {
                buyer: self.first(rows, "note_buyer").and_then(|t| Personal::new(&t)),
                shop: self.first(rows, "note_shop").and_then(|t| Personal::new(&t)),
                gift: None,
            },
            flags: remarks.flags,
            reception_number,
            source_columns: self.source_columns(first),
        };
        if remarks.troubles.is_empty() { Ok(order) } else { Err(remarks.troubles) }
    }

    /// The first row that has a field says it: some carts fill the order's columns in its first row alone.
    pub(super) fn first(&self, rows: &[Row], field: &str) -> Option<String> {
        rows.iter().find_map(|row| self.binding.get(row, field))
    }

    fn agree(&self, rows: &[Row], remarks: &mut Remarks) {
        for field in AGREED {
            let mut told = rows.iter().filter_map(|row| Some((row, self.binding.get(row, field)?)));
            let Some((first, value)) = told.next() else { continue };
            let key = values::word_key(&value);
            if let Some((other, _)) = told.find(|(_, v)| values::word_key(v) != key) {
                let column = self.column_name(field);
                remarks
                    .trouble(other, format!("{column} differs from line {} of the same order", first.line));
            }
        }
    }

    fn status(&self, rows: &[Row], remarks: &mut Remarks) -> (Status, String, Option<PendingReason>) {
        if !self.binding.has("status") {
            return (Status::AwaitingShipment, String::new(), None);
        }
        let word = self.first(rows, "status").unwrap_or_default();
        let Some(ours) = self.profile.status.get(&word) else {
            let detail = if word.is_empty() {
                format!("{} is empty", self.column_name("status"))
            } else {
                format!("\"{word}\" is not in [status] of profile \"{}\"", self.profile.name)
            };
            remarks.flag("unknown_status", detail);
            return (Status::Unknown, word, None);
        };
        let (status, reason) = ours.split_once('/').unwrap_or((ours, ""));
        (Status::from_word(status).unwrap_or(Status::Unknown), word, PendingReason::from_word(reason))
    }

    fn payment(&self, rows: &[Row], amounts: &Amounts, remarks: &mut Remarks) -> Payment {
        let name = self.first(rows, "payment_name");
        let method = name.as_deref().and_then(|name| self.method(name, remarks));
        if name.is_none() && amounts.due != Some(Yen::ZERO) {
            remarks.flag("no_payment_name", format!("{} is empty", self.column_name("payment_name")));
        }
        let status =
            if amounts.due == Some(Yen::ZERO) { PaymentStatus::NotRequired } else { PaymentStatus::Unknown };
        Payment {
            method: method.unwrap_or(PaymentMethod::Other),
            mall_method: name,
            status,
            collected_by: CollectedBy::Shop,
        }
    }

    fn method(&self, name: &str, remarks: &mut Remarks) -> Option<PaymentMethod> {
        if let Some(word) = self.profile.payment_map.get(name) {
            return PaymentMethod::from_word(word);
        }
        let folded = values::word_key(name);
        if ["カード", "クレジット", "webコレクト"].iter().any(|word| folded.contains(word)) {
            return Some(PaymentMethod::CreditCard);
        }
        remarks.flag(
            "unmapped_payment",
            format!("\"{name}\" is not in [payment_map] of profile \"{}\"", self.profile.name),
        );
        None
    }

    fn reception_number(&self, rows: &[Row], remarks: &mut Remarks) -> Option<String> {
        let number = self.first(rows, "reception_no")?;
        if values::is_exponent(&number) || number.contains(values::DAMAGED) {
            remarks.flag("unusable_reception_number", "destroyed by a spreadsheet or unreadable: left out");
            return None;
        }
        if !is_reception_number(&number) {
            remarks.flag(
                "unusable_reception_number",
                "1 to 23 digits, capitals and # - * / < > : @ are expected: kept, never sent",
            );
        }
        Some(number)
    }

    /// Without a readable moment the order counts as placed at the beginning of time: before every `since`, so that
    /// nothing is ever captured for it.
    fn ordered_at(&self, rows: &[Row], remarks: &mut Remarks) -> Timestamp {
        if let Some(moment) = self.first(rows, "ordered_at").and_then(|t| values::moment(&t)) {
            return moment;
        }
        remarks.flag(
            "no_order_date",
            "the file gives no readable date of the order: nothing is captured for it (map ordered_at in the profile)",
        );
        Timestamp::from_micros(0)
    }

    /// An amount of the order; `None` when the column is missing or empty. An unreadable one sets the order aside.
    fn amount(&self, rows: &[Row], field: &str, remarks: &mut Remarks) -> Option<Yen> {
        let (row, text) = rows.iter().find_map(|row| Some((row, self.binding.get(row, field)?)))?;
        self.yen(row, field, &text, remarks)
    }

    pub(super) fn yen(&self, row: &Row, field: &str, text: &str, remarks: &mut Remarks) -> Option<Yen> {
        values::amount(text)
            .unwrap_or_else(|e| {
                remarks.trouble(row, format!("{}: {e}", self.column_name(field)));
                None
            })
            .map(Yen)
    }

    fn amounts(&self, rows: &[Row], remarks: &mut Remarks) -> Amounts {
        let mut amount = |field: &str| self.amount(rows, field, remarks);
        // Carts write what is taken off with or without a minus.
        let positive = |yen: Option<Yen>| yen.map(|y| Yen(y.0.abs()));
        let mut amounts = Amounts {
            currency: "JPY".to_owned(),
            goods: amount("goods"),
            shipping: amount("shipping"),
            payment_fee: amount("payment_fee"),
            gift_wrap: amount("gift_wrap"),
            other_charge: amount("other_charge"),
            shop_coupon: positive(amount("shop_coupon")),
            mall_coupon: positive(amount("mall_coupon")),
            points: positive(amount("points")),
            other_discount: positive(amount("other_discount")),
            total: amount("total"),
            due: amount("due"),
        };
        let discounted = amount("discounted_total");
        goods::amounts_of_lines(self, rows, &mut amounts, remarks);
        if amounts.total.is_none() {
            amounts.total = self.total(&amounts, discounted);
        }
        for (field, yen) in [("due", amounts.due), ("total", amounts.total)] {
            if let (Some(Yen(..0)), Some(first)) = (yen, rows.first()) {
                remarks.trouble(first, format!("{} is below 0", self.column_name(field)));
            }
        }
        amounts
    }

    /// The total before points and coupons: the one after the shop's discounts and these, or the sum of the charges,
    /// where the file has all of them.
    fn total(&self, amounts: &Amounts, discounted: Option<Yen>) -> Option<Yen> {
        if let Some(discounted) = discounted {
            return [("other_discount", amounts.other_discount), ("shop_coupon", amounts.shop_coupon)]
                .into_iter()
                .filter(|(field, _)| self.binding.has(field))
                .try_fold(discounted, |sum, (_, part)| sum.plus(part?));
        }
        let must = [amounts.goods, amounts.shipping, amounts.payment_fee];
        let may = [("gift_wrap", amounts.gift_wrap), ("other_charge", amounts.other_charge)];
        let charges = must.into_iter().try_fold(Yen::ZERO, |sum, part| sum.plus(part?))?;
        may.into_iter()
            .filter(|(field, _)| self.binding.has(field))
            .try_fold(charges, |sum, (_, part)| sum.plus(part?))
    }

    /// The recipient, or the buyer where the file names none.
    pub(super) fn recipient(&self, row: &Row, buyer: &Party) -> Party {
        let recipient = party(&self.binding, row, "recipient");
        if recipient == Party::default() { buyer.clone() } else { recipient }
    }

    fn source_columns(&self, row: &Row) -> BTreeMap<String, Personal> {
        let mut columns = BTreeMap::new();
        for (n, name) in self.header.iter().flatten().enumerate() {
            if let Some(text) = Personal::new(row.cell(n))
                && !self.dropped(n)
                && !name.trim().is_empty()
            {
                columns.entry(name.trim().to_owned()).or_insert(text);
            }
        }
        columns
    }
}
