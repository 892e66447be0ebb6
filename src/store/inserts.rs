//! Rows of one table by few statements: what a statement costs beside its row (a hop to SQLite's thread, a round trip to
//! PostgreSQL) is paid once for many rows.

use std::fmt::Write as _;
use std::sync::OnceLock;

use super::Result;
use super::db::{Arg, Conn};

/// Rows a statement: few enough for a short text, many enough that its cost does not show.
const AT_ONCE: usize = 20;

/// An `INSERT` of rows of `columns` columns each. The texts are made of the table's name and of parameters alone.
pub(super) struct Insert {
    into: &'static str,
    columns: usize,
    one: OnceLock<String>,
    many: OnceLock<String>,
}

impl Insert {
    /// `into`: all that comes before `VALUES`.
    pub(super) const fn new(into: &'static str, columns: usize) -> Self {
        Self { into, columns, one: OnceLock::new(), many: OnceLock::new() }
    }

    fn text(&self, rows: usize) -> String {
        let mut text = format!("{} VALUES ", self.into);
        for row in 0..rows {
            text.push_str(if row == 0 { "(" } else { ", (" });
            for column in 1..=self.columns {
                let comma = if column == 1 { "" } else { ", " };
                // Writing to a text cannot fail.
                let _ = write!(text, "{comma}${}", row * self.columns + column);
            }
            text.push(')');
        }
        text
    }

    /// Inserts rows, their values one after the other.
    pub(super) async fn run(&'static self, conn: &mut Conn, values: &[Arg<'_>]) -> Result<()> {
        let mut full = values.chunks_exact(self.columns * AT_ONCE);
        for chunk in &mut full {
            conn.execute(self.many.get_or_init(|| self.text(AT_ONCE)).as_str(), chunk).await?;
        }
        for row in full.remainder().chunks(self.columns) {
            conn.execute(self.one.get_or_init(|| self.text(1)).as_str(), row).await?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_has_its_number() {
        let insert = Insert::new("INSERT INTO t (a, b)", 2);
        assert_eq!(insert.text(1), "INSERT INTO t (a, b) VALUES ($1, $2)");
        assert_eq!(insert.text(2), "INSERT INTO t (a, b) VALUES ($1, $2), ($3, $4)");
    }
}
