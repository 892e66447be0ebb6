//! 楽天市場 (rakuten-rms.md).

use super::Registration;

/// The line in the table.
pub const MALL: Registration = Registration {
    name: "rakuten",
    title: "楽天市場",
    default_schedule: "*/5 * * * *",
    schema: |_| schemars::json_schema!({ "type": "object" }),
    validate: |_| Ok(()),
    urls: |_| Vec::new(),
    build: |_, _| Err(Vec::new()),
};
