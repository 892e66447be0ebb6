//! Tables that line up with Japanese text, and how people like to read times and yen.

use std::io::{self, Write};

use chrono::Datelike;
use comfy_table::{Cell, CellAlignment, ColumnConstraint, ContentArrangement, Width, presets};
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use super::reasons;
use crate::clock::Timestamp;
use crate::config::Language;
use crate::domain::money::Yen;

/// In which language, and at what time, a table is read.
#[derive(Clone, Copy, Debug)]
pub struct Look {
    /// The language.
    pub language: Language,
    /// Now: times of this year are shown without it.
    pub now: Timestamp,
}

impl Look {
    /// `11-21 10:05` on Japan's clocks, `2025-11-21` in another year.
    pub fn time(self, at: Timestamp) -> String {
        let form = if at.jst().year() == self.now.jst().year() { "%m-%d %H:%M" } else { "%Y-%m-%d" };
        at.jst().format(form).to_string()
    }

    /// When something is done that has its time: what is due already is done now.
    pub fn due(self, at: Timestamp) -> String {
        self.time(at.max(self.now))
    }

    /// A reason or finding as people read it.
    pub fn reason(self, text: &str) -> String {
        reasons::people(text, self.language).into_owned()
    }

    /// The same, or nothing.
    pub fn maybe_reason(self, text: Option<&String>) -> String {
        text.map(|text| self.reason(text)).unwrap_or_default()
    }

    /// The same as [`Look::time`], or nothing.
    pub fn maybe_time(self, at: Option<Timestamp>) -> String {
        at.map(|at| self.time(at)).unwrap_or_default()
    }
}

/// `12,800`, or `–` while not fixed.
pub fn yen(amount: Option<Yen>) -> String {
    amount.map_or_else(|| "–".to_owned(), |yen| yen.to_string())
}

/// `text` on one line, in at most `cells` cells of a terminal; what is cut off is marked with `…`.
pub fn cut(text: &str, cells: usize) -> String {
    let flat: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    if flat.width() <= cells {
        return flat;
    }
    let mut kept = String::new();
    let mut used = 0;
    for c in flat.chars() {
        let width = c.width().unwrap_or(0);
        if used + width + 1 > cells {
            break;
        }
        used += width;
        kept.push(c);
    }
    kept.push('…');
    kept
}

/// `text` in lines of at most `cells` cells, broken at a blank where there is one.
pub fn wrap(text: &str, cells: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = String::new();
    let (mut used, mut blank) = (0, None);
    for c in text.chars().map(|c| if c.is_control() { ' ' } else { c }) {
        let width = c.width().unwrap_or(0);
        if used + width > cells && !line.is_empty() {
            let rest = match blank.filter(|_| c != ' ') {
                Some(at) => line.split_off(at),
                None => String::new(),
            };
            lines.push(line.trim_end().to_owned());
            line = rest.trim_start().to_owned();
            (used, blank) = (line.width(), None);
        }
        if c == ' ' && line.is_empty() {
            continue;
        }
        if c == ' ' {
            blank = Some(line.len());
        }
        line.push(c);
        used += width;
    }
    lines.push(line.trim_end().to_owned());
    lines.retain(|line| !line.is_empty());
    lines
}

/// Facts one below the other, their names in a column.
///
/// # Errors
/// When `out` does not take them.
pub fn facts(out: &mut dyn Write, facts: &[(&str, String)]) -> io::Result<()> {
    let widest = facts.iter().map(|(name, _)| name.width()).max().unwrap_or(0);
    for (name, value) in facts {
        let gap = " ".repeat(widest - name.width() + usize::from(GAP));
        writeln!(out, "{name}{gap}{}", cut(value, 200))?;
    }
    Ok(())
}

/// A table written in blocks: the widths of one block are kept in the next, the heading stands above the first.
pub struct Table {
    headings: Vec<(&'static str, bool)>,
    rows: Vec<Vec<String>>,
    widths: Vec<u16>,
}

/// Cells between two columns.
const GAP: u16 = 2;

impl Table {
    /// With these headings; `true`: a column of numbers.
    pub const fn new(headings: Vec<(&'static str, bool)>) -> Self {
        Self { headings, rows: Vec::new(), widths: Vec::new() }
    }

    /// Gathers a row of texts, each with the most cells it may take.
    pub fn row(&mut self, cells: impl Iterator<Item = (String, usize)>) {
        self.rows.push(cells.map(|(text, most)| cut(&text, most)).collect());
    }

    /// Writes the rows gathered so far.
    ///
    /// # Errors
    /// When `out` does not take them.
    pub fn write(&mut self, out: &mut impl Write) -> io::Result<()> {
        if self.rows.is_empty() {
            return Ok(());
        }
        let first = self.widths.is_empty();
        let mut table = comfy_table::Table::new();
        table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
        if first {
            table.set_header(self.headings.iter().map(|(heading, _)| Cell::new(heading)));
        }
        for row in self.rows.drain(..) {
            table.add_row(row);
        }
        for (index, (_, number)) in self.headings.iter().enumerate() {
            if let Some(column) = table.column_mut(index) {
                column.set_padding((0, GAP));
                if *number {
                    column.set_cell_alignment(CellAlignment::Right);
                }
                if let Some(width) = self.widths.get(index) {
                    column.set_constraint(ColumnConstraint::LowerBoundary(Width::Fixed(width + GAP)));
                }
            }
        }
        let block = table.column_max_content_widths();
        self.widths = block
            .iter()
            .enumerate()
            .map(|(index, width)| (*width).max(self.widths.get(index).copied().unwrap_or(0)))
            .collect();
        for line in table.lines() {
            writeln!(out, "{}", line.trim_end())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NUMBER: &str = "円";

    fn render(blocks: &[&[[&str; 3]]]) -> Vec<String> {
        let mut table = Table::new(vec![("注文番号", false), ("Buyer", false), (NUMBER, true)]);
        let mut out = Vec::new();
        for block in blocks {
            for row in *block {
                table.row(row.iter().map(|text| ((*text).to_owned(), 20)));
            }
            table.write(&mut out).unwrap();
        }
        String::from_utf8(out).unwrap().lines().map(str::to_owned).collect()
    }

    #[test]
    fn columns_line_up_with_japanese_text() {
        let lines = render(&[&[["A-1", "山田 太郎", "5,500"], ["A-22", "Ann", "12,800"]]]);
        assert_eq!(lines[0], "注文番号  Buyer          円");
        assert_eq!(lines[1], "A-1       山田 太郎   5,500");
        assert_eq!(lines[2], "A-22      Ann        12,800");
        assert!(lines.iter().all(|line| line.width() == lines[0].width()));
    }

    #[test]
    fn a_later_block_keeps_the_widths_and_has_no_heading() {
        let lines = render(&[&[["A-1", "山田 太郎", "5,500"]], &[["A-2", "Bo", "7"]]]);
        assert_eq!(lines.len(), 3);
        assert_eq!(lines[2].width(), lines[1].width());
        assert!(lines[2].starts_with("A-2       Bo"));
    }

    #[test]
    fn long_text_is_cut_by_cells_and_stays_on_one_line() {
        assert_eq!(cut("とても長い商品名です", 9), "とても長…");
        assert_eq!(cut("とても長い商品名です", 10), "とても長…");
        assert_eq!(cut("二行\nの備考", 20), "二行 の備考");
        assert_eq!(cut("abc", 3), "abc");
        assert!(cut("とても長い商品名です", 9).width() <= 9);
    }

    #[test]
    fn long_text_is_broken_at_blanks_or_where_it_must_be() {
        assert_eq!(wrap("the quick brown fox", 10), ["the quick", "brown fox"]);
        assert_eq!(wrap("the quick  brown", 9), ["the quick", "brown"]);
        assert_eq!(wrap("受付番号がありません", 8), ["受付番号", "がありま", "せん"]);
        assert_eq!(wrap("a\nb", 8), ["a b"]);
        assert_eq!(wrap("", 8), [""; 0]);
        let long = "mallsync settlements link 123456-20261120-0000000001 RECEPTION_NUMBER と長い説明 が続く";
        for cells in 4..60 {
            let lines = wrap(long, cells);
            assert!(lines.iter().all(|line| line.width() <= cells), "{cells}: {lines:?}");
            assert_eq!(lines.concat().replace(' ', ""), long.replace(' ', ""), "{cells}");
        }
    }

    #[test]
    fn times_and_yen_read_as_people_write_them() {
        let now = Timestamp::parse("2026-11-21T12:00:00+09:00").unwrap();
        let look = Look { language: Language::En, now };
        assert_eq!(look.time(Timestamp::parse("2026-11-20T16:05:00Z").unwrap()), "11-21 01:05");
        assert_eq!(look.time(Timestamp::parse("2025-12-31T00:00:00Z").unwrap()), "2025-12-31");
        assert_eq!(yen(Some(Yen(12_800))), "12,800");
        assert_eq!(yen(None), "–");
    }
}
