//! The column `reception_numbers` of a row that waits for its order.

use serde::{Deserialize, Serialize};

use crate::domain::slip::SlipRow;

/// The numbers alone, or with the merchant that they are said to belong to.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
pub(super) enum Stated {
    Plain(Vec<String>),
    Of { trader_code: String, numbers: Vec<String> },
}

impl Stated {
    pub(super) fn of(row: &SlipRow) -> Self {
        let numbers = row.reception_numbers.clone();
        match row.trader_code.clone() {
            None => Self::Plain(numbers),
            Some(trader_code) => Self::Of { trader_code, numbers },
        }
    }

    /// The numbers, and whose they are said to be.
    pub(super) fn into_parts(self) -> (Vec<String>, Option<String>) {
        match self {
            Self::Plain(numbers) => (numbers, None),
            Self::Of { trader_code, numbers } => (numbers, Some(trader_code)),
        }
    }
}
