//! The shop's own cart: order CSV files (csv-formats.md §4).

use super::Registration;

/// The line in the table.
pub const MALL: Registration = Registration {
    name: "csv",
    title: "own cart",
    default_schedule: "* * * * *",
    schema: |_| schemars::json_schema!({ "type": "object" }),
    validate: |_| Ok(()),
    urls: |_| Vec::new(),
    build: |_, _| Err(Vec::new()),
};
