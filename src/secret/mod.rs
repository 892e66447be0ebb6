//! Types for secrets and personal data that print nothing, and the places secrets come from.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

mod certificate;
mod file;
mod place;

pub use certificate::certificate_expiry;
pub use file::{Access, replace, write_secret};
pub use place::{Places, SecretRef};

/// Text about a person: a name, an address, a phone number, a note. Serialises as its text (the database and a
/// person's own JSON need it) and prints nothing in `Debug`; there is no `Display`.
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Personal(String);

impl Personal {
    /// Wraps `text`; white space around it is dropped. `None` when nothing is left.
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        let text = text.trim();
        (!text.is_empty()).then(|| Self(text.to_owned()))
    }

    /// The text itself: for the database, the wire and a person's own screen, never for a log.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Personal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[personal]")
    }
}

impl JsonSchema for Personal {
    fn schema_name() -> Cow<'static, str> {
        "Personal".into()
    }
    fn inline_schema() -> bool {
        true
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string" })
    }
}

/// A secret: a key, a password, a token. Prints nothing, is wiped when dropped.
#[derive(Clone)]
pub struct Secret(secrecy::SecretString);

impl Secret {
    /// Wraps `text`; white space around it is dropped (a classic cause of auth errors, rakuten-rms.md §2.1).
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self(secrecy::SecretString::from(text.trim().to_owned()))
    }

    /// The secret itself, for the header or the body that carries it.
    #[must_use]
    pub fn expose(&self) -> &str {
        secrecy::ExposeSecret::expose_secret(&self.0)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[secret]")
    }
}
