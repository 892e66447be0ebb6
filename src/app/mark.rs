//! What a shop or settlement rests on: its section, and the contents of the secrets and files that the section names. Two
//! marks that are equal need no other connector.

use std::path::Path;

use aws_lc_rs::digest::{Context, SHA256};
use serde_json::Value;

use crate::config;
use crate::secret::SecretRef;

/// Files are small: keys, certificates, profiles. Of a larger one the size counts alone.
const LARGEST: u64 = 1024 * 1024;

/// What a running unit was built from. The contents are a digest, and even that is never shown.
#[derive(Clone, PartialEq)]
pub(super) struct Mark {
    section: Section,
    contents: Vec<u8>,
}

#[derive(Clone, PartialEq)]
enum Section {
    Shop(Box<config::Shop>),
    Settlement(Box<config::Settlement>),
}

impl Mark {
    /// Reads what a shop's section names.
    pub(super) fn shop(section: &config::Shop) -> Self {
        Self { contents: contents(&section.section), section: Section::Shop(Box::new(section.clone())) }
    }

    /// Reads what a settlement's section names.
    pub(super) fn settlement(section: &config::Settlement) -> Self {
        Self { contents: contents(&section.section), section: Section::Settlement(Box::new(section.clone())) }
    }
}

/// Whether a section has a secret that systemd hands over: it stays as it was until a restart.
pub(super) fn has_credential(section: &Value) -> bool {
    match section {
        Value::String(text) => matches!(SecretRef::parse(text), Ok(SecretRef::Credential(_))),
        Value::Array(list) => list.iter().any(has_credential),
        Value::Object(map) => map.values().any(has_credential),
        _ => false,
    }
}

/// Each mall reads its own section, so which of its keys name files is not known here: whatever names one counts.
fn contents(section: &Value) -> Vec<u8> {
    let mut hash = Context::new(&SHA256);
    walk(section, &mut hash);
    hash.finish().as_ref().to_vec()
}

fn walk(value: &Value, hash: &mut Context) {
    match value {
        Value::String(text) => match SecretRef::parse(text) {
            Ok(place) => match place.resolve() {
                Ok(secret) => put(hash, b"secret", secret.expose().as_bytes()),
                Err(why) => put(hash, b"none", why.as_bytes()),
            },
            Err(_) => file(Path::new(text), hash),
        },
        Value::Array(list) => list.iter().for_each(|value| walk(value, hash)),
        Value::Object(map) => map.values().for_each(|value| walk(value, hash)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn file(path: &Path, hash: &mut Context) {
    let Ok(meta) = std::fs::metadata(path) else { return };
    if !meta.is_file() {
        return;
    }
    put(hash, b"size", &meta.len().to_be_bytes());
    if meta.len() <= LARGEST {
        match std::fs::read(path) {
            Ok(bytes) => put(hash, b"file", &bytes),
            Err(why) => put(hash, b"none", why.to_string().as_bytes()),
        }
    }
}

/// With its length, so that no two sequences of parts look alike.
fn put(hash: &mut Context, kind: &[u8], bytes: &[u8]) {
    hash.update(kind);
    hash.update(&(bytes.len() as u64).to_be_bytes());
    hash.update(bytes);
}

#[cfg(test)]
mod tests {
    use std::fs::Permissions;
    use std::os::unix::fs::PermissionsExt;

    use serde_json::json;

    use super::*;

    #[test]
    fn a_secret_or_a_file_that_changes_makes_another_mark_and_nothing_else_does() {
        let folder = tempfile::tempdir().unwrap();
        let (secret, certificate) = (folder.path().join("key"), folder.path().join("shop.crt"));
        let write = |path: &Path, text: &str| {
            std::fs::write(path, text).unwrap();
            std::fs::set_permissions(path, Permissions::from_mode(0o600)).unwrap();
        };
        let section = json!({
            "license_key": format!("file:{}", secret.display()),
            "nested": [{ "certificate": certificate }],
            "directory": folder.path(),
            "shop_id": "1",
        });
        let missing = contents(&section);
        write(&secret, "one");
        let first = contents(&section);
        assert_ne!(missing, first);
        write(&secret, "one\n");
        assert_eq!(contents(&section), first, "the secret is the same");
        std::fs::write(folder.path().join("another"), "x").unwrap();
        assert_eq!(contents(&section), first, "a folder's files are not the section's");
        write(&secret, "two");
        let second = contents(&section);
        assert_ne!(first, second);
        write(&certificate, "PEM");
        assert_ne!(contents(&section), second);
    }

    #[test]
    fn credentials_are_found_wherever_they_stand() {
        assert!(has_credential(&json!({ "a": [{ "b": "credential:amazon.client_secret" }] })));
        assert!(!has_credential(&json!({ "a": "file:credential:x", "b": "credential" })));
    }
}
