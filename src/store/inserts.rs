//! Rows of one table by few statements: what a statement costs beside its row (a hop to SQLite's thread, a round trip to
//! PostgreSQL) is paid once for many rows.

use std::sync::OnceLock;

use super::Result;
use super::db::{Arg, Conn, Sql};

/// Rows a statement: few enough that the next ones can be made ready meanwhile, many enough that its cost does not show.
pub(super) const AT_ONCE: usize = 20;
/// Rows of the statements, the most first: what does not fill the large one takes few small ones.
const SIZES: [usize; 3] = [AT_ONCE, 5, 1];

/// An `INSERT` of rows of `columns` columns each. The texts are made of the table's name and of parameters alone.
pub(super) struct Insert {
    into: &'static str,
    columns: usize,
    texts: [OnceLock<Text>; SIZES.len()],
}

/// The text for either database.
struct Text {
    sqlite: String,
    postgres: String,
}

impl Text {
    fn sql(&'static self) -> Sql {
        Sql { sqlite: &self.sqlite, postgres: &self.postgres }
    }
}

impl Insert {
    /// `into`: all that comes before `VALUES`.
    pub(super) const fn new(into: &'static str, columns: usize) -> Self {
        Self { into, columns, texts: [const { OnceLock::new() }; SIZES.len()] }
    }

    /// Values a row.
    pub(super) const fn columns(&self) -> usize {
        self.columns
    }

    fn text(&self, rows: usize) -> Text {
        let values = |parameter: &dyn Fn(usize) -> String| {
            let row = |row: usize| {
                let row = (1..=self.columns).map(|column| parameter(row * self.columns + column));
                format!("({})", row.collect::<Vec<_>>().join(", "))
            };
            format!("{} VALUES {}", self.into, (0..rows).map(row).collect::<Vec<_>>().join(", "))
        };
        Text {
            // By their order alone: SQLite looks a name up among all the names, once for every value of every run.
            sqlite: values(&|_| "?".to_owned()),
            postgres: values(&|number| format!("${number}")),
        }
    }

    /// Inserts rows, their values one after the other.
    pub(super) async fn run(&'static self, conn: &mut Conn, values: &[Arg<'_>]) -> Result<()> {
        let mut left = values;
        for (rows, text) in SIZES.into_iter().zip(&self.texts) {
            let full = left.chunks_exact(rows * self.columns);
            left = full.remainder();
            for chunk in full {
                conn.execute(text.get_or_init(|| self.text(rows)).sql(), chunk).await?;
            }
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
        assert_eq!(insert.text(1).postgres, "INSERT INTO t (a, b) VALUES ($1, $2)");
        assert_eq!(insert.text(2).postgres, "INSERT INTO t (a, b) VALUES ($1, $2), ($3, $4)");
        assert_eq!(insert.text(2).sqlite, "INSERT INTO t (a, b) VALUES (?, ?), (?, ?)");
    }
}
