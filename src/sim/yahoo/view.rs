//! One order at one moment, and the values of its elements.

use std::borrow::Cow;
use std::cell::OnceCell;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use chrono::{Datelike as _, Timelike as _};

use super::Shop;
use super::content::{Amounts, Content};
use super::fields::{self, Named};
use super::plan::{Plan, Step};
use crate::clock::Timestamp;
use crate::sim::dice::{Dice, Salt};
use crate::sim::people::Person;
use crate::sim::xml::escape;

/// What an element holds.
#[derive(Clone, Debug)]
pub(crate) enum Val {
    /// The element does not appear at all.
    Absent,
    Empty,
    /// A code: plain text.
    Code(Cow<'static, str>),
    Num(i64),
    Bool(bool),
    Time(Timestamp),
    Date(Timestamp),
    /// Text in CDATA.
    Text(Cow<'static, str>),
}

/// A code.
pub(crate) fn code(text: impl Into<Cow<'static, str>>) -> Val {
    let text = text.into();
    if text.is_empty() { Val::Empty } else { Val::Code(text) }
}

/// A text.
pub(crate) fn text(text: impl Into<Cow<'static, str>>) -> Val {
    let text = text.into();
    if text.is_empty() { Val::Empty } else { Val::Text(text) }
}

/// A number of yen that is empty when nothing was ever taken off.
pub(crate) fn some_yen(yen: i64) -> Val {
    if yen == 0 { Val::Empty } else { Val::Num(yen) }
}

/// A time, once it has come.
pub(crate) fn time(at: Option<Timestamp>) -> Val {
    at.map_or(Val::Empty, Val::Time)
}

/// A day, once it has come.
pub(crate) fn date(at: Option<Timestamp>) -> Val {
    at.map_or(Val::Empty, Val::Date)
}

/// `2026-10-03T09:15:42`.
pub(crate) fn local(at: Timestamp) -> String {
    let t = at.jst();
    format!(
        "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}",
        t.year(),
        t.month(),
        t.day(),
        t.hour(),
        t.minute(),
        t.second()
    )
}

/// `2026-10-03`.
pub(crate) fn day(at: Timestamp) -> String {
    let d = at.jst_date();
    format!("{:04}-{:02}-{:02}", d.year(), d.month(), d.day())
}

impl Val {
    /// The value as a search compares it.
    pub(crate) fn bare(&self) -> Cow<'static, str> {
        match self {
            Self::Absent | Self::Empty => Cow::Borrowed(""),
            Self::Code(text) | Self::Text(text) => text.clone(),
            Self::Num(n) => Cow::Owned(n.to_string()),
            Self::Bool(yes) => Cow::Borrowed(if *yes { "true" } else { "false" }),
            Self::Time(at) => Cow::Owned(local(*at) + "+09:00"),
            Self::Date(at) => Cow::Owned(day(*at)),
        }
    }

    /// The element as a line of XML.
    pub(crate) fn write(&self, out: &mut String, indent: &str, name: &str) {
        let (open, close) = match self {
            Self::Absent => return,
            Self::Text(_) => ("<![CDATA[", "]]>"),
            _ => ("", ""),
        };
        let value = self.bare();
        // A CDATA section cannot hold its own end.
        let value = match self {
            Self::Text(text) if text.contains("]]>") => Cow::Owned(text.replace("]]>", "]]]]><![CDATA[>")),
            Self::Code(code) if code.contains(['&', '<']) => Cow::Owned(escape(code)),
            _ => value,
        };
        for part in [indent, "<", name, ">", open, &value, close, "</", name, ">\n"] {
            out.push_str(part);
        }
    }
}

/// One order at one moment.
pub(crate) struct View<'a> {
    pub(crate) shop: &'a Shop,
    /// The shop's own.
    pub(crate) seed: u64,
    pub(crate) plan: Plan,
    pub(crate) now: Timestamp,
    /// Personal data is blanked.
    pub(crate) blank: bool,
    /// What calls wrote: names of elements and their values.
    pub(crate) values: BTreeMap<&'static str, String>,
    content: OnceCell<Content>,
}

impl<'a> View<'a> {
    /// `blank_after_days` 0: never.
    pub(crate) fn new(
        shop: &'a Shop,
        world_seed: u64,
        plan: Plan,
        now: Timestamp,
        blank_after_days: u64,
    ) -> Self {
        let blank =
            blank_after_days > 0 && now.since(plan.placed) > Duration::from_hours(24 * blank_after_days);
        Self {
            shop,
            seed: shop.seed(world_seed),
            plan,
            now,
            blank,
            values: BTreeMap::new(),
            content: OnceCell::new(),
        }
    }

    /// The same with what calls wrote on the order.
    pub(crate) fn with(self, values: BTreeMap<&'static str, String>) -> Self {
        Self { values, ..self }
    }

    /// What a call wrote there last; empty where it took away what was there.
    pub(crate) fn written(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(String::as_str)
    }

    /// What the order shows in the element of this name.
    pub(crate) fn shown(&self, name: &str) -> String {
        match fields::of_info(name) {
            Some(Named::Of(field)) => field.value(self).bare().into_owned(),
            _ => String::new(),
        }
    }

    /// Did the store's staff ship it, with whatever they wrote?
    pub(crate) fn staff_shipped(&self) -> bool {
        self.done(Step::Shipped) && !self.plan.marks.shipped_by_call
    }

    /// Made when it is first asked for: most rows of a list never need it.
    pub(crate) fn content(&self) -> &Content {
        self.content.get_or_init(|| Content::new(self.seed, &self.plan))
    }

    pub(crate) fn amounts(&self) -> Amounts {
        self.content().amounts(&self.plan, self.now)
    }

    pub(crate) fn number(&self) -> String {
        self.shop.number(self.plan.index, self.plan.part)
    }

    /// A row of choices about looks, one a `salt`.
    pub(crate) fn dice(&self, salt: u64) -> Dice {
        Dice::new(self.seed, Salt::YahooContent, !(self.plan.index * 64 + salt))
    }

    pub(crate) fn past(&self, step: Step) -> Option<Timestamp> {
        self.plan.past(step, self.now)
    }

    pub(crate) fn done(&self, step: Step) -> bool {
        self.plan.done(step, self.now)
    }

    /// The buyer's data, unless blanked.
    pub(crate) fn buyer(&self, show: impl FnOnce(&Person) -> String) -> Val {
        if self.blank { Val::Empty } else { text(show(&self.content().buyer)) }
    }

    /// The receiver's data, unless blanked or not entered yet.
    pub(crate) fn recipient(&self, show: impl FnOnce(&Person) -> String) -> Val {
        if self.blank || !self.plan.address_known(self.now) {
            Val::Empty
        } else {
            text(show(&self.content().recipient))
        }
    }

    /// (`ShipMethod`, `ShipMethodName`, `ShipCompanyCode`).
    pub(crate) fn ship_method(&self) -> (&'static str, &'static str, &'static str) {
        *self.dice(1).pick(&[
            ("postage1", "宅急便", "1001"),
            ("postage1", "宅急便", "1001"),
            ("postage2", "佐川急便", "1002"),
            ("postage3", "ネコポス", "1001"),
            ("postage4", "ゆうパック", "1003"),
            ("postage22", "その他の配送", "1000"),
        ])
    }

    /// `ShipInvoiceNumberEmptyReason` of an order that staff sends without a slip.
    pub(crate) fn staff_reason(&self) -> Option<&'static str> {
        let mut dice = self.dice(2);
        (dice.one_in(14) && self.staff_shipped()).then(|| *dice.pick(&["101", "102", "103", "104", "105"]))
    }

    /// The slips that the order shows.
    pub(crate) fn slips(&self) -> Vec<String> {
        let mut slips = self.staff_slips();
        if self.values.is_empty() {
            return slips;
        }
        slips.resize(2, String::new());
        for (slip, name) in slips.iter_mut().zip(["ShipInvoiceNumber1", "ShipInvoiceNumber2"]) {
            if let Some(number) = self.written(name) {
                number.clone_into(slip);
            }
        }
        slips.retain(|slip| !slip.is_empty());
        slips
    }

    /// Slips that staff has issued by now: none, one, now and then two.
    pub(crate) fn staff_slips(&self) -> Vec<String> {
        if !self.staff_shipped() || self.staff_reason().is_some() {
            return Vec::new();
        }
        let parcels = if self.dice(3).one_in(12) { 2 } else { 1 };
        (0..parcels).map(|parcel| self.shop.slip(self.plan.index, self.plan.part, parcel)).collect()
    }

    /// Opening and closing tag around what `inside` writes; nothing when it writes nothing.
    pub(crate) fn wrapped(out: &mut String, indent: &str, name: &str, inside: impl FnOnce(&mut String)) {
        let start = out.len();
        // Writing to a string cannot fail.
        let _ = writeln!(out, "{indent}<{name}>");
        let filled = out.len();
        inside(out);
        if out.len() == filled {
            out.truncate(start);
        } else {
            let _ = writeln!(out, "{indent}</{name}>");
        }
    }
}
