//! Writing a file that others must never see half of: beside it, flushed, then renamed over it.

use std::fs::{File, OpenOptions, Permissions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt, fchown};
use std::path::{Path, PathBuf};

use super::Secret;
use super::place::process_user;

/// The group that the service reads secrets through (decisions.md 33).
const SERVICE_GROUP: &str = "mallsync";
/// Tried one after the other until one is free: two people at once must not share a file.
const NAMES: u32 = 100;

/// Who may read a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Access {
    /// Permission bits.
    pub mode: u32,
    /// Owner and group; `None`: whoever writes.
    pub owner: Option<(u32, u32)>,
}

impl Access {
    /// Of a secret's file: written by root it is root's, readable for the service's group where there is one; written by
    /// anybody else it is theirs alone (decisions.md 33).
    ///
    /// # Errors
    /// When the system does not tell who runs this process.
    pub fn of_secret() -> Result<Self, String> {
        let group = std::fs::read_to_string("/etc/group").unwrap_or_default();
        Ok(Self::for_user(process_user()?, group_id(&group, SERVICE_GROUP)))
    }

    const fn for_user(user: u32, group: Option<u32>) -> Self {
        match (user, group) {
            (0, Some(group)) => Self { mode: 0o640, owner: Some((0, group)) },
            _ => Self { mode: 0o600, owner: None },
        }
    }

    /// As the file has it now.
    ///
    /// # Errors
    /// When it cannot be asked.
    pub fn of_file(path: &Path) -> io::Result<Self> {
        let meta = std::fs::metadata(path)?;
        Ok(Self { mode: meta.mode() & 0o7777, owner: Some((meta.uid(), meta.gid())) })
    }
}

/// `mallsync:x:990:` to 990.
fn group_id(groups: &str, name: &str) -> Option<u32> {
    groups.lines().find_map(|line| {
        let mut fields = line.split(':');
        (fields.next()? == name).then(|| fields.nth(1)?.parse().ok()).flatten()
    })
}

/// Replaces `path` by `bytes` as one step: whoever reads it meets the old content or the new. A symbolic link stays one.
///
/// # Errors
/// Of the file system; the old file is then untouched.
pub fn replace(path: &Path, bytes: &[u8], access: Access) -> io::Result<()> {
    let path = match std::fs::canonicalize(path) {
        Ok(path) => path,
        Err(e) if e.kind() == ErrorKind::NotFound => path.to_owned(),
        Err(e) => return Err(e),
    };
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let (beside, mut file) = create_beside(&path)?;
    let written = file
        .write_all(bytes)
        .and_then(|()| if let Some((user, group)) = access.owner { give(&file, user, group) } else { Ok(()) })
        .and_then(|()| file.set_permissions(Permissions::from_mode(access.mode)))
        .and_then(|()| file.sync_all())
        .and_then(|()| std::fs::rename(&beside, &path));
    if let Err(error) = written {
        // What went wrong before counts; an unreadable remnant harms nobody.
        let _ = std::fs::remove_file(&beside);
        return Err(error);
    }
    // The name is on the disk once its folder is.
    File::open(folder)?.sync_all()
}

/// Gives the file away, unless it is theirs already: a user may always keep what is theirs.
fn give(file: &File, user: u32, group: u32) -> io::Result<()> {
    let meta = file.metadata()?;
    if (meta.uid(), meta.gid()) == (user, group) { Ok(()) } else { fchown(file, Some(user), Some(group)) }
}

/// An empty file for its owner alone, in the same folder: a rename does not cross file systems. It begins with a dot and
/// does not end as config files do, so that nobody takes it for one meanwhile.
fn create_beside(path: &Path) -> io::Result<(PathBuf, File)> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let process = std::process::id();
    for number in 0..NAMES {
        let beside = path.with_file_name(format!(".{name}.{process}-{number}.new"));
        match OpenOptions::new().write(true).create_new(true).mode(0o600).open(&beside) {
            Err(e) if e.kind() == ErrorKind::AlreadyExists => {}
            opened => return Ok((beside, opened?)),
        }
    }
    Err(io::Error::new(ErrorKind::AlreadyExists, "too many unfinished files beside it"))
}

/// Writes a secret's file, with the owner and mode that it must have.
///
/// # Errors
/// What could not be done and what to do; never the secret.
pub fn write_secret(path: &Path, secret: &Secret) -> Result<Access, String> {
    let access = Access::of_secret()?;
    let shown = path.display();
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let bytes = format!("{}\n", secret.expose());
    replace(path, bytes.as_bytes(), access).map(|()| access).map_err(|e| match e.kind() {
        ErrorKind::NotFound => format!(
            "the folder {folder} does not exist; make it first: `mkdir -p -m 750 {folder}`",
            folder = folder.display()
        ),
        ErrorKind::PermissionDenied => {
            format!("{shown} cannot be written by this user; run it as root: `sudo mallsync secret set …`")
        }
        _ => format!("{shown} cannot be written: {e}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn root_writes_for_the_services_group_and_others_for_themselves() {
        let groups = "root:x:0:\nmallsync-users:x:12:\nmallsync:x:990:hanako\n";
        assert_eq!(group_id(groups, "mallsync"), Some(990));
        assert_eq!(group_id(groups, "mallsyn"), None);
        assert_eq!(Access::for_user(0, Some(990)), Access { mode: 0o640, owner: Some((0, 990)) });
        assert_eq!(Access::for_user(0, None), Access { mode: 0o600, owner: None });
        assert_eq!(Access::for_user(1000, Some(990)), Access { mode: 0o600, owner: None });
    }

    #[test]
    fn a_replaced_file_is_whole_has_its_mode_and_leaves_nothing_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        let (path, link) = (folder.path().join("key"), folder.path().join("link"));
        std::os::unix::fs::symlink(&path, &link).unwrap();
        for (through, text) in [(&path, "one"), (&path, "two"), (&link, "three")] {
            replace(through, text.as_bytes(), Access { mode: 0o640, owner: None }).unwrap();
            assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
        }
        assert_eq!(Access::of_file(&path).unwrap().mode, 0o640);
        assert!(link.is_symlink());
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2);
    }

    #[test]
    fn what_cannot_be_replaced_stays_as_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        std::fs::create_dir(&path).unwrap();
        replace(&path, b"x", Access { mode: 0o600, owner: None }).unwrap_err();
        assert!(path.is_dir());
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
        let absent = write_secret(&folder.path().join("no/key"), &Secret::new("canary")).unwrap_err();
        assert!(absent.contains("mkdir -p -m 750") && !absent.contains("canary"), "{absent}");
    }
}
