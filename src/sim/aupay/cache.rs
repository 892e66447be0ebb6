//! Orders as text, kept while nothing about them changes: the same week is listed every few minutes, and most of its
//! orders look as they did. Bounded, and never the truth: an order that is not in it is written anew.

use std::collections::HashMap;

use super::xml::Empty;
use super::{Shop, Switches};
use crate::clock::Timestamp;

/// The most orders kept, some 5 KB each.
const MOST: usize = 4_096;

/// The switches that change how an order looks.
type Look = (Empty, [bool; 4]);

#[derive(Debug)]
struct Row {
    from: Timestamp,
    /// The order changes then by itself.
    until: Option<Timestamp>,
    text: String,
}

/// The texts.
#[derive(Debug, Default)]
pub(crate) struct Cache {
    look: Option<Look>,
    /// By shop and index.
    rows: HashMap<(u64, u64), Row>,
}

impl Cache {
    /// Forgets everything that was written under other switches.
    pub(crate) fn under(&mut self, switches: &Switches) -> &mut Self {
        let look = Some((
            switches.empty,
            [switches.seconds, switches.canceled_lines_count, switches.staff_confirms, switches.staff_ships],
        ));
        if self.look != look {
            self.rows.clear();
            self.look = look;
        }
        self
    }

    pub(crate) fn get(&self, shop: &Shop, index: u64, now: Timestamp) -> Option<&str> {
        let row = self.rows.get(&(shop.salt(), index))?;
        (row.from <= now && row.until.is_none_or(|until| now < until)).then_some(row.text.as_str())
    }

    pub(crate) fn put(
        &mut self,
        shop: &Shop,
        index: u64,
        (from, until): (Timestamp, Option<Timestamp>),
        text: &str,
    ) {
        if self.rows.len() >= MOST {
            self.rows.clear();
        }
        self.rows.insert((shop.salt(), index), Row { from, until, text: text.to_owned() });
    }

    pub(crate) fn forget(&mut self, shop: &Shop, index: u64) {
        self.rows.remove(&(shop.salt(), index));
    }
}
