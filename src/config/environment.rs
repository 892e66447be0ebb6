//! The environment, handed in: nothing below [`super::load`] reads the process's own.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

/// What starts the name of every variable that overrides a key.
pub(super) const PREFIX: &str = "MALLSYNC__";

/// Environment variables. `Debug` shows their names alone: a value may be a secret.
#[derive(Clone, Default)]
pub struct Environment(BTreeMap<String, String>);

impl Environment {
    /// The process's own. Variables that are no Unicode text are left out.
    #[must_use]
    pub fn process() -> Self {
        let unicode = |(name, value): (std::ffi::OsString, std::ffi::OsString)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        };
        Self(std::env::vars_os().filter_map(unicode).collect())
    }

    /// A variable's value.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// Sets a variable in this copy; the process's environment stays as it is.
    pub fn set(&mut self, name: &str, value: &str) {
        self.0.insert(name.to_owned(), value.to_owned());
    }

    /// The config file when none is named: `$MALLSYNC_CONFIG`, else `./config/mallsync.toml` if it exists, else
    /// `/etc/mallsync/mallsync.toml`.
    #[must_use]
    pub fn default_path(&self) -> PathBuf {
        if let Some(path) = self.get("MALLSYNC_CONFIG").filter(|path| !path.is_empty()) {
            return PathBuf::from(path);
        }
        let here = PathBuf::from("config/mallsync.toml");
        if here.exists() { here } else { PathBuf::from("/etc/mallsync/mallsync.toml") }
    }

    /// Variables that override keys: their name, the key's path and the value.
    pub(super) fn overrides(&self) -> impl Iterator<Item = (&str, Vec<String>, &str)> {
        self.0.iter().filter_map(|(name, value)| {
            let rest = name.strip_prefix(PREFIX)?;
            let mut path: Vec<String> = rest.split("__").map(str::to_lowercase).collect();
            if matches!(path.first().map(String::as_str), Some("shops" | "settlements"))
                && let Some(section) = path.get_mut(1)
            {
                // Variables have no `-`, names of shops and settlements no `_` (decisions.md 36).
                *section = section.replace('_', "-");
            }
            Some((name.as_str(), path, value.as_str()))
        })
    }
}

impl<const N: usize> From<[(&str, &str); N]> for Environment {
    fn from(variables: [(&str, &str); N]) -> Self {
        Self(variables.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect())
    }
}

impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}
