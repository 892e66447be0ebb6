//! クロネコwebコレクト (kuroneko-webcollect.md).

use super::Registration;

/// The line in the table.
pub const PROVIDER: Registration = Registration {
    name: "webcollect",
    schema: |_| schemars::json_schema!({ "type": "object" }),
    validate: |_| Ok(()),
    urls: |_| Vec::new(),
    build: |_, _| Err(Vec::new()),
};
