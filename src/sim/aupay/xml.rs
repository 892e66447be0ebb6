//! Writes documents. A page can hold a thousand orders of 150 elements each: nothing is built but the text.

use std::collections::BTreeSet;

use chrono::{Datelike, NaiveDate, Timelike};
use serde::{Deserialize, Serialize};

use super::amounts::{Parts, sum};
use crate::clock::Timestamp;

/// Empty or absent: clients are to treat them alike (au-pay-market.md §3).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Empty {
    /// Some elements stand there empty, others are left out.
    #[default]
    Mixed,
    /// No element is ever empty.
    Absent,
    /// Every element of an order is there.
    Present,
}

/// Another value in one place of some orders.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tamper<'t> {
    pub(crate) orders: &'t BTreeSet<String>,
    /// `/requestPrice`, `/detail/0/unit`.
    pub(crate) place: &'t str,
    pub(crate) value: &'t str,
}

/// A document in the making.
#[derive(Debug)]
pub(crate) struct Xml<'t> {
    pub(crate) out: String,
    empty: Empty,
    pub(crate) seconds: bool,
    tamper: Option<Tamper<'t>>,
    /// The order being written is one to tamper with.
    struck: bool,
    line: Option<usize>,
}

impl<'t> Xml<'t> {
    pub(crate) fn new(empty: Empty, seconds: bool, tamper: Option<Tamper<'t>>) -> Self {
        let out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<response>\n");
        Self { out, empty, seconds, tamper, struck: false, line: None }
    }

    pub(crate) fn open_order(&mut self, number: &str) {
        self.struck = self.tamper.is_some_and(|t| t.orders.contains(number));
        self.out.push_str("<orderInfo>");
        self.leaf("orderId", number);
    }

    pub(crate) fn close_order(&mut self) {
        self.struck = false;
        self.out.push_str("</orderInfo>\n");
    }

    pub(crate) fn open_line(&mut self, line: usize) {
        self.line = Some(line);
        self.out.push_str("\n<detail>");
    }

    pub(crate) fn close_line(&mut self) {
        self.line = None;
        self.out.push_str("</detail>");
    }

    /// An element that stands there even when it is empty.
    pub(crate) fn leaf(&mut self, name: &str, value: &str) {
        let replaced = if self.struck { self.replaced(name) } else { None };
        let value = replaced.unwrap_or(value);
        if value.is_empty() {
            if self.empty != Empty::Absent {
                self.out.push('<');
                self.out.push_str(name);
                self.out.push_str("/>");
            }
            return;
        }
        self.out.push('<');
        self.out.push_str(name);
        self.out.push('>');
        escape(&mut self.out, value);
        self.out.push_str("</");
        self.out.push_str(name);
        self.out.push('>');
    }

    fn replaced(&self, name: &str) -> Option<&'t str> {
        let tamper = self.tamper?;
        let here = match self.line {
            None => tamper.place.strip_prefix('/')? == name,
            Some(line) => {
                let (n, element) = tamper.place.strip_prefix("/detail/")?.split_once('/')?;
                n.parse() == Ok(line) && element == name
            }
        };
        here.then_some(tamper.value)
    }

    /// An element that is left out when there is nothing to say.
    pub(crate) fn maybe(&mut self, name: &str, value: Option<&str>) {
        match value {
            Some(value) => self.leaf(name, value),
            None if self.empty == Empty::Present => self.leaf(name, ""),
            None => {}
        }
    }

    pub(crate) fn number(&mut self, name: &str, value: i64) {
        self.leaf(name, &value.to_string());
    }

    /// A total under its name and its three tax parts under the names that follow it.
    pub(crate) fn parts(&mut self, names: [&str; 4], parts: Parts) {
        self.number(names[0], sum(parts));
        for (name, part) in names[1..].iter().zip(parts) {
            self.number(name, part);
        }
    }

    /// `2026/09/14 21:07`, Japanese time without an offset (§3).
    pub(crate) fn stamp(&mut self, name: &str, at: Option<Timestamp>) {
        let text = at.map(|at| {
            let at = at.jst();
            let mut text = day(at.date_naive());
            text.push(' ');
            two(&mut text, at.hour());
            text.push(':');
            two(&mut text, at.minute());
            if self.seconds {
                text.push(':');
                two(&mut text, at.second());
            }
            text
        });
        self.maybe(name, text.as_deref());
    }

    pub(crate) fn date(&mut self, name: &str, date: Option<NaiveDate>) {
        self.maybe(name, date.map(day).as_deref());
    }

    /// `Y` or `N`.
    pub(crate) fn flag(&mut self, name: &str, yes: bool) {
        self.leaf(name, if yes { "Y" } else { "N" });
    }

    pub(crate) fn finish(mut self) -> String {
        self.out.push_str("</response>\n");
        self.out
    }
}

/// `2026/09/14`.
fn day(date: NaiveDate) -> String {
    let mut text = date.year().to_string();
    text.push('/');
    two(&mut text, date.month());
    text.push('/');
    two(&mut text, date.day());
    text
}

fn two(text: &mut String, n: u32) {
    for digit in [n / 10 % 10, n % 10] {
        text.push(char::from_digit(digit, 10).unwrap_or('0'));
    }
}

/// Text with what XML reserves written as entities.
pub(crate) fn escape(out: &mut String, text: &str) {
    let mut rest = text;
    while let Some(at) = rest.find(['&', '<', '>']) {
        out.push_str(&rest[..at]);
        out.push_str(match rest.as_bytes()[at] {
            b'&' => "&amp;",
            b'<' => "&lt;",
            _ => "&gt;",
        });
        rest = &rest[at + 1..];
    }
    out.push_str(rest);
}
