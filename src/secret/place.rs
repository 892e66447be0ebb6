//! The places secrets come from, and the checks made when one is read (interface.md, "Config"; decisions.md 33, 35).

use std::borrow::Cow;
use std::fmt;
use std::fs::{File, Metadata};
use std::io::{ErrorKind, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::Secret;

/// The largest secret there is, in bytes; anything larger is some other file.
const LIMIT: u64 = 64 * 1024;

/// Where systemd keeps the credentials of the unit, for commands run outside it.
const UNIT_CREDENTIALS: &str = "/run/credentials/mallsync.service";

/// Where a secret is kept: `file:PATH`, `credential:NAME`, `env:NAME` or `plain:VALUE` (interface.md, "Config").
/// Serialises as the place, so `plain:[redacted]` instead of a value.
#[derive(Clone, Debug)]
pub enum SecretRef {
    /// A file that others cannot read.
    File(PathBuf),
    /// A systemd credential.
    Credential(String),
    /// An environment variable.
    Env(String),
    /// In the config itself.
    Plain(Secret),
}

/// What [`SecretRef::resolve_in`] looks into besides files.
#[derive(Clone, Copy)]
pub struct Places<'a> {
    /// `$CREDENTIALS_DIRECTORY`, set by systemd within the unit.
    pub credentials: Option<&'a Path>,
    /// Where the unit's credentials lie for commands outside it.
    pub unit_credentials: &'a Path,
    /// The environment.
    pub variable: &'a dyn Fn(&str) -> Option<String>,
}

impl SecretRef {
    /// Parses the four forms; anything else is refused, so that no secret is written by mistake. The error never echoes
    /// the text.
    ///
    /// # Errors
    /// What was expected.
    pub fn parse(text: &str) -> Result<Self, String> {
        let Some((form, rest)) = text.split_once(':') else {
            return Err(expected());
        };
        if rest.trim().is_empty() {
            return match form {
                "file" => Err("`file:` needs a path after it".to_owned()),
                "credential" | "env" => Err(format!("`{form}:` needs a name after it")),
                "plain" => Err("`plain:` needs the secret after it".to_owned()),
                _ => Err(expected()),
            };
        }
        match form {
            "file" => Ok(Self::File(PathBuf::from(rest))),
            "credential" if rest.contains('/') || rest == "." || rest == ".." => {
                Err("`credential:` takes a name as in `LoadCredential=`, not a path; for a path use `file:`"
                    .to_owned())
            }
            "credential" => Ok(Self::Credential(rest.to_owned())),
            "env" if rest.contains(['=', '$', ' ', '\0']) => {
                Err("`env:` takes the name of a variable alone, such as `env:LICENSE_KEY`".to_owned())
            }
            "env" => Ok(Self::Env(rest.to_owned())),
            "plain" => Ok(Self::Plain(Secret::new(rest))),
            _ => Err(expected()),
        }
    }

    /// Whether the secret stands in the config or in the environment: allowed, but worth a warning (decisions.md 33).
    #[must_use]
    pub const fn is_inline(&self) -> bool {
        matches!(self, Self::Env(_) | Self::Plain(_))
    }

    /// Reads the secret, with the process's environment.
    ///
    /// # Errors
    /// What is wrong with the place and what to do; never the secret.
    #[expect(clippy::disallowed_methods, reason = "one of the two rooms that may read the environment")]
    pub fn resolve(&self) -> Result<Secret, String> {
        let directory = std::env::var_os("CREDENTIALS_DIRECTORY").map(PathBuf::from);
        self.resolve_in(&Places {
            credentials: directory.as_deref(),
            unit_credentials: Path::new(UNIT_CREDENTIALS),
            variable: &|name| std::env::var(name).ok(),
        })
    }

    /// Reads the secret, with an environment handed in.
    ///
    /// # Errors
    /// As [`Self::resolve`].
    pub fn resolve_in(&self, places: &Places<'_>) -> Result<Secret, String> {
        match self {
            Self::File(path) => read_guarded(path),
            Self::Credential(name) => read_credential(name, places),
            Self::Env(name) => match (places.variable)(name) {
                None => Err(format!("the environment variable {name} is not set; set it, or use `file:`")),
                Some(text) if text.trim().is_empty() => {
                    Err(format!("the environment variable {name} is empty; set it, or use `file:`"))
                }
                Some(text) => Ok(Secret::new(&text)),
            },
            Self::Plain(secret) => Ok(secret.clone()),
        }
    }
}

/// What was found is not repeated: it may be a secret.
const WHERE: &str =
    "where the secret is kept: `file:PATH`, `credential:NAME`, `env:NAME` or, for tests, `plain:VALUE`";

fn expected() -> String {
    format!("expected {WHERE} (what was found is not repeated here: it may be a secret)")
}

/// A file that nobody else can read and that nobody else can have put there.
fn read_guarded(path: &Path) -> Result<Secret, String> {
    let (file, meta) = open(path)?;
    let shown = path.display();
    if meta.mode() & 0o007 != 0 {
        return Err(format!(
            "{shown} is open to every user of this machine (mode {:03o}); run `chmod 600 {shown}`, or `chmod 640 {shown}` \
             if the service reads it through its group",
            meta.mode() & 0o777
        ));
    }
    let user = process_user()?;
    if !owner_may(meta.uid(), user) {
        return Err(format!(
            "{shown} belongs to user {owner}, who could change it; it must belong to root or to the service's user: \
             run `chown {user} {shown}`",
            owner = meta.uid()
        ));
    }
    read(path, file)
}

/// Root reads the files of whichever user the service runs as; a service trusts root's files and its own.
const fn owner_may(owner: u32, user: u32) -> bool {
    owner == 0 || owner == user || user == 0
}

fn read_credential(name: &str, places: &Places<'_>) -> Result<Secret, String> {
    if let Some(directory) = places.credentials {
        let path = directory.join(name);
        return match open(&path) {
            Ok((file, _)) => read(&path, file),
            Err(_) if !path.exists() => Err(format!(
                "systemd handed over no credential {name}; add `LoadCredential={name}:/path/to/file` to the unit \
                 and restart it"
            )),
            Err(reason) => Err(reason),
        };
    }
    let path = places.unit_credentials.join(name);
    match File::open(&path) {
        Ok(file) => read(&path, file),
        Err(e) => Err(format!(
            "the credential {name} is not to be had outside the service ({}: {}); run as root while the service runs, \
             or start mallsync-check.service",
            path.display(),
            reason(&e)
        )),
    }
}

/// Opens a regular file; anything else (a pipe would block) is refused by name.
fn open(path: &Path) -> Result<(File, Metadata), String> {
    let shown = path.display();
    let refuse = |e: std::io::Error| match e.kind() {
        ErrorKind::NotFound => {
            format!("{shown} does not exist; write the secret into it and run `chmod 600 {shown}`")
        }
        ErrorKind::PermissionDenied => format!(
            "{shown} is not readable by this user; give it to the service's user, or to its group with `chmod 640 {shown}`"
        ),
        _ => format!("{shown} is not readable: {}", reason(&e)),
    };
    let kind = std::fs::metadata(path).map_err(refuse)?;
    if !kind.is_file() {
        let what = if kind.is_dir() { "a folder" } else { "no ordinary file" };
        return Err(format!("{shown} is {what}; name the file that holds the secret"));
    }
    let file = File::open(path).map_err(refuse)?;
    let meta = file.metadata().map_err(refuse)?;
    Ok((file, meta))
}

fn read(path: &Path, file: File) -> Result<Secret, String> {
    let shown = path.display();
    let mut bytes = Vec::new();
    file.take(LIMIT + 1)
        .read_to_end(&mut bytes)
        .map_err(|e| format!("{shown} is not readable: {}", reason(&e)))?;
    if bytes.len() as u64 > LIMIT {
        return Err(format!("{shown} is larger than 64 KiB; that is no secret: name the right file"));
    }
    if bytes.starts_with(b"\xEF\xBB\xBF") {
        return Err(format!("{shown} was saved with a BOM; save it as UTF-8 without BOM"));
    }
    if bytes.starts_with(b"\xFF\xFE") || bytes.starts_with(b"\xFE\xFF") {
        return Err(format!("{shown} was saved as UTF-16 (“Unicode”); save it as UTF-8 without BOM"));
    }
    let text =
        std::str::from_utf8(&bytes).map_err(|_| format!("{shown} is not UTF-8 text; save it as UTF-8"))?;
    if text.trim().is_empty() {
        return Err(format!("{shown} is empty; write the secret into it"));
    }
    Ok(Secret::new(text))
}

/// The effective user, without unsafe code and whatever the process may be dumped by.
pub(super) fn process_user() -> Result<u32, String> {
    const STATUS: &str = "/proc/self/status";
    let status = std::fs::read_to_string(STATUS)
        .map_err(|e| format!("who runs this process cannot be read from {STATUS}: {}", reason(&e)))?;
    status
        .lines()
        .find_map(|line| line.strip_prefix("Uid:")?.split_whitespace().nth(1)?.parse().ok())
        .ok_or_else(|| format!("who runs this process cannot be read from {STATUS}: no Uid line"))
}

/// The system's reason without its number.
fn reason(error: &std::io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().map_or_else(|| text.clone(), str::to_lowercase)
}

impl fmt::Display for SecretRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(f, "file:{}", path.display()),
            Self::Credential(name) => write!(f, "credential:{name}"),
            Self::Env(name) => write!(f, "env:{name}"),
            Self::Plain(_) => f.write_str("plain:[redacted]"),
        }
    }
}

impl Serialize for SecretRef {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for SecretRef {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl serde::de::Visitor<'_> for Visitor {
            type Value = SecretRef;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(WHERE)
            }
            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<SecretRef, E> {
                SecretRef::parse(text).map_err(E::custom)
            }
            fn visit_i64<E: serde::de::Error>(self, _: i64) -> Result<SecretRef, E> {
                Err(E::custom(expected()))
            }
            fn visit_u64<E: serde::de::Error>(self, _: u64) -> Result<SecretRef, E> {
                Err(E::custom(expected()))
            }
            fn visit_f64<E: serde::de::Error>(self, _: f64) -> Result<SecretRef, E> {
                Err(E::custom(expected()))
            }
        }
        // Not `deserialize_str`: its own complaint about a number repeats the number.
        d.deserialize_any(Visitor)
    }
}

impl JsonSchema for SecretRef {
    fn schema_name() -> Cow<'static, str> {
        "SecretRef".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "pattern": "^(file|credential|env|plain):.",
            "description": "Where the secret is kept: file:PATH, credential:NAME, env:NAME or, for tests, plain:VALUE"
        })
    }
}

#[cfg(test)]
mod tests;
