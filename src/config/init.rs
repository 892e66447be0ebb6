//! `mallsync init`: the commented config and the folder for secrets.

use std::fs::{DirBuilder, OpenOptions};
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// The commented file. Its paths are those of an installed service; `init` puts those of its folder in their place.
const TEMPLATE: &str = include_str!("../../config/mallsync.toml");

/// What [`init`] wrote, and what it found there already and left alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// The config file.
    pub config: PathBuf,
    /// The folder for secrets.
    pub secrets: PathBuf,
    /// The config file is new.
    pub new_config: bool,
    /// The folder is new.
    pub new_secrets: bool,
}

/// Why nothing could be written.
#[derive(Debug, thiserror::Error)]
#[error("{path}: cannot be written: {source}; name another folder, or run as a user who may write there")]
pub struct InitError {
    /// What was to be written.
    pub path: PathBuf,
    /// Why it could not.
    pub source: std::io::Error,
}

/// Writes `DIR/config/mallsync.toml` (every shop and settlement in it switched off) and `DIR/config/secrets/` (mode
/// 0700). Never overwrites anything.
///
/// # Errors
/// When a file or folder cannot be made.
pub fn init(dir: &Path) -> Result<Written, InitError> {
    let fail = |path: &Path| {
        let path = path.to_owned();
        move |source| InitError { path, source }
    };
    let folder = dir.join("config");
    let secrets = folder.join("secrets");
    let config = folder.join("mallsync.toml");
    std::fs::create_dir_all(&folder).map_err(fail(&folder))?;
    let new_secrets = !secrets.is_dir();
    if new_secrets {
        DirBuilder::new().mode(0o700).create(&secrets).map_err(fail(&secrets))?;
    }
    let root = std::path::absolute(dir).map_err(fail(dir))?;
    let new_config = match OpenOptions::new().write(true).create_new(true).mode(0o640).open(&config) {
        Ok(mut file) => {
            file.write_all(template(&root).as_bytes())
                .and_then(|()| file.sync_all())
                .map_err(fail(&config))?;
            true
        }
        Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists => false,
        Err(e) => return Err(fail(&config)(e)),
    };
    Ok(Written { config, secrets, new_config, new_secrets })
}

/// The commented file with paths below `root`.
fn template(root: &Path) -> String {
    let root = root.components().collect::<PathBuf>();
    let shown = root.to_string_lossy().replace('\\', "\\\\").replace('"', "\\\"");
    let root = shown.trim_end_matches('/');
    // In a URL these three begin something else.
    let url = root.replace('%', "%25").replace('?', "%3F").replace('#', "%23");
    TEMPLATE
        .replace("sqlite:/var/lib/mallsync/", &format!("sqlite:{url}/"))
        .replace("/var/lib/mallsync/", &format!("{root}/"))
        .replace("/etc/mallsync/", &format!("{root}/config/"))
}
