//! The folder that a cart's files are dropped into. One call reads one slice of one file; what was read and committed is
//! seen from the cursor of the next call, which then moves the file to `done/` or `rejected/`. A crash between any two
//! steps repeats a step that is harmless to repeat (I1–I3).

use std::collections::BTreeMap;
use std::fs::{self, File, Metadata};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::malls::{Fetched, SetAside};
use crate::tabular::{self, Profile, ReadError};

use super::read::{self, Window};

/// Orders of one page.
const PAGE: u64 = 500;
/// A file whose last change is older than this has been written to its end.
const SETTLED: Duration = Duration::from_secs(60);
/// Two looks closer together than this say nothing about a slow writer.
const BETWEEN_LOOKS: Duration = Duration::from_secs(10);

/// Where the folder's stream stands: the connector's cursor.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct State {
    /// Read to their ends and not moved yet.
    done: Vec<Done>,
    /// Being read.
    current: Option<Current>,
    /// Waiting until they stop growing.
    seen: BTreeMap<String, Look>,
    /// The last file's `read_at`: the next one's is later, also when the clock stands still or is set back.
    last_read_at: i64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Done {
    name: String,
    sha256: String,
    /// Why the file was refused; `None`: it was read.
    refused: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Current {
    name: String,
    sha256: String,
    /// Orders read so far.
    next: u64,
    /// In microseconds; one for all slices of a file.
    read_at: i64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Look {
    bytes: u64,
    /// Last change, in microseconds.
    modified: i64,
    /// When it was first seen like this, wall clock, in microseconds.
    at: i64,
    /// It could not be read, and that was told.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    told: bool,
}

/// What one look brought.
#[derive(Debug, Default)]
pub(super) struct Turn {
    pub(super) orders: Vec<Fetched>,
    pub(super) bad: Vec<SetAside>,
    pub(super) state: State,
    pub(super) more: bool,
    pub(super) progress: Option<(u64, u64)>,
}

/// The folder, and how its files are read.
pub(super) struct Folder<'a> {
    pub(super) directory: &'a Path,
    pub(super) profile: &'a Profile,
}

impl Folder<'_> {
    /// One look: tidies up what is committed, then reads one slice of the oldest file that has stopped growing.
    /// `now` stamps what is read; `wall` is compared with the files' times.
    ///
    /// # Errors
    /// What cannot be done with the folder itself, and what to do about it.
    pub(super) fn look(&self, state: &State, now: Timestamp, wall: Timestamp) -> Result<Turn, String> {
        let mut state = state.clone();
        let not_moved = self.tidy(&mut state);
        let files = self.files()?;
        let ready = take_stock(&mut state, &files, wall);
        let mut turn = Turn::default();
        for name in ready {
            let Some(look) = files.get(&name) else { continue };
            let read_at = match &state.current {
                Some(current) if current.name == name => Timestamp::from_micros(current.read_at),
                _ => Timestamp::from_micros(now.micros().max(state.last_read_at.saturating_add(1))),
            };
            match self.read(&name, look, &mut state, read_at, &mut turn) {
                Ok(true) => {
                    turn.state = state;
                    turn.more = true;
                    return Ok(turn);
                }
                // It changed under our eyes, or is gone: the next look tells.
                Ok(false) => {}
                Err(e) => tell_once(&name, look, &e, &mut state, read_at, &mut turn),
            }
        }
        match not_moved {
            Some(reason) if turn.bad.is_empty() => Err(reason),
            _ => {
                turn.state = state;
                Ok(turn)
            }
        }
    }

    /// Reads one slice. `false`: the file was not still.
    fn read(
        &self,
        name: &str,
        look: &Look,
        state: &mut State,
        read_at: Timestamp,
        turn: &mut Turn,
    ) -> io::Result<bool> {
        let path = self.directory.join(name);
        let before = state.current.clone().filter(|current| current.name == name);
        let from = before.as_ref().map_or(0, |current| current.next);
        let read = |from| {
            read::slice(self.profile, name, || File::open(&path), Window { from, limit: PAGE }, read_at)
        };
        let mut from = from;
        let mut outcome = read(from);
        if let (Some(current), Ok(slice)) = (&before, &outcome)
            && slice.survey.digest != current.sha256
        {
            // Another file under the same name: from its beginning.
            from = 0;
            outcome = read(from);
        }
        let sha256 = match &outcome {
            Ok(slice) => slice.survey.digest.clone(),
            Err(_) => match digest_of(&path) {
                Ok(digest) => digest,
                Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(false),
                Err(e) => return Err(e),
            },
        };
        match fs::metadata(&path) {
            Ok(meta) if facts(&meta) == (look.bytes, look.modified) => {}
            Ok(_) => return Ok(false),
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(false),
            Err(e) => return Err(e),
        }
        state.seen.remove(name);
        state.last_read_at = read_at.micros();
        state.current = None;
        let done = |refused| Done { name: name.to_owned(), sha256: sha256.clone(), refused };
        match outcome {
            Ok(slice) => {
                let next = from.saturating_add(PAGE).min(slice.total);
                turn.progress = Some((next, slice.total));
                turn.orders = slice.orders;
                turn.bad.extend(slice.bad);
                if next < slice.total {
                    let current = Current { name: name.to_owned(), sha256, next, read_at: read_at.micros() };
                    state.current = Some(current);
                } else {
                    state.done.push(done(None));
                }
            }
            Err(ReadError::Refused(refusal)) => {
                let aside = read::refused(name, &refusal, read_at);
                state.done.push(done(Some(aside.reason.clone())));
                turn.bad.push(aside);
            }
            Err(ReadError::Io(e)) => return Err(e),
        }
        Ok(true)
    }

    /// Moves what was read and committed. What cannot be moved stays in the list, so that it is not read again.
    fn tidy(&self, state: &mut State) -> Option<String> {
        let mut failed = None;
        state.done.retain(|done| match self.put_away(done) {
            Ok(()) => false,
            Err(e) => {
                failed.get_or_insert_with(|| {
                    let place = if done.refused.is_some() { "rejected" } else { "done" };
                    format!(
                        "{} has been read and cannot be moved to {}: {e}. Let the service write there, or move the file \
                         by hand",
                        done.name,
                        self.directory.join(place).display()
                    )
                });
                true
            }
        });
        failed
    }

    fn put_away(&self, done: &Done) -> io::Result<()> {
        let from = self.directory.join(&done.name);
        // Gone: a crash came after the move, or a person moved it. Another content: a new file, not read yet.
        match digest_of(&from) {
            Ok(digest) if digest == done.sha256 => {}
            Ok(_) => return Ok(()),
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(e) => return Err(e),
        }
        let place = self.directory.join(if done.refused.is_some() { "rejected" } else { "done" });
        fs::create_dir_all(&place)?;
        let to = free_name(&place, &done.name, &done.sha256)?;
        if let Some(reason) = &done.refused {
            // The explanation first: a file in rejected/ always has one.
            fs::write(with_suffix(&to, ".result.txt"), result_text(reason))?;
        }
        fs::rename(&from, &to)
    }

    /// The files that may hold orders.
    fn files(&self) -> Result<BTreeMap<String, Look>, String> {
        let directory = self.directory.display();
        let failed = |e: io::Error| {
            format!(
                "directory {directory} cannot be read: {e}. Create it and let the service read and write there"
            )
        };
        let mut files = BTreeMap::new();
        for entry in fs::read_dir(self.directory).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let Some(name) = entry.file_name().to_str().map(str::to_owned) else { continue };
            if is_temporary(&name) {
                continue;
            }
            match fs::metadata(entry.path()) {
                Ok(meta) if meta.is_file() => {
                    let (bytes, modified) = facts(&meta);
                    files.insert(name, Look { bytes, modified, at: 0, told: false });
                }
                Ok(_) => {}
                Err(e) if e.kind() == io::ErrorKind::NotFound => {}
                Err(e) => return Err(failed(e)),
            }
        }
        Ok(files)
    }

    /// Whether files could be moved: a file is written and taken away again. No folder is made here: a person who runs
    /// `check` would own it, and the service could not write to it.
    pub(super) fn try_write(&self) -> io::Result<()> {
        let places =
            [self.directory.to_owned(), self.directory.join("done"), self.directory.join("rejected")];
        for place in places.iter().filter(|place| place.exists()) {
            let probe = place.join(".mallsync-check");
            fs::write(&probe, b"")?;
            fs::remove_file(&probe)?;
        }
        Ok(())
    }

    /// How many files wait in the folder.
    pub(super) fn waiting(&self) -> Result<usize, String> {
        self.files().map(|files| files.len())
    }
}

/// Brings the looks up to date and names the files that are still, oldest first; the one being read leads.
fn take_stock(state: &mut State, files: &BTreeMap<String, Look>, wall: Timestamp) -> Vec<String> {
    state.seen.retain(|name, _| files.contains_key(name));
    if state.current.as_ref().is_some_and(|current| !files.contains_key(&current.name)) {
        state.current = None;
    }
    let mut ready = Vec::new();
    for (name, look) in files {
        if state.done.iter().any(|done| done.name == *name) {
            continue;
        }
        if state.current.as_ref().is_some_and(|current| current.name == *name) {
            ready.push((i64::MIN, name.clone()));
            continue;
        }
        let old = wall.since(Timestamp::from_micros(look.modified)) > SETTLED;
        let seen = state.seen.get(name).filter(|s| (s.bytes, s.modified) == (look.bytes, look.modified));
        let still =
            seen.is_some_and(|s| wall.since(Timestamp::from_micros(s.at)) >= BETWEEN_LOOKS && s.bytes > 0);
        if seen.is_none() && !old {
            state.seen.insert(name.clone(), Look { at: wall.micros(), ..look.clone() });
        }
        if old || still {
            ready.push((look.modified, name.clone()));
        }
    }
    ready.sort();
    ready.into_iter().map(|(_, name)| name).collect()
}

/// A file that cannot be opened is told of once, and tried at every look: its permissions may be mended.
fn tell_once(
    name: &str,
    look: &Look,
    error: &io::Error,
    state: &mut State,
    read_at: Timestamp,
    turn: &mut Turn,
) {
    let seen = state.seen.entry(name.to_owned()).or_insert_with(|| look.clone());
    let told = seen.told && (seen.bytes, seen.modified) == (look.bytes, look.modified);
    *seen = Look { at: seen.at, told: true, ..look.clone() };
    if !told {
        turn.bad.push(SetAside {
            mall_order_id: name.to_owned(),
            raw: Vec::new(),
            reason: format!(
                "{name}: the file cannot be read: {error}. Let the service read it; it is tried again"
            ),
            read_at,
        });
    }
}

/// What programs leave while they write, and what is no cart's file.
fn is_temporary(name: &str) -> bool {
    const ENDINGS: &[&str] =
        &["~", ".tmp", ".temp", ".part", ".partial", ".filepart", ".crdownload", ".download"];
    let lower = name.to_ascii_lowercase();
    name.starts_with('.') || name.starts_with("~$") || ENDINGS.iter().any(|e| lower.ends_with(e))
}

fn facts(meta: &Metadata) -> (u64, i64) {
    let modified = meta.modified().ok().and_then(|t| t.duration_since(SystemTime::UNIX_EPOCH).ok());
    let micros = modified.map_or(0, |d| i64::try_from(d.as_micros()).unwrap_or(i64::MAX));
    (meta.len(), micros)
}

fn digest_of(path: &Path) -> io::Result<String> {
    tabular::digest(File::open(path)?)
}

/// `orders.csv`, or `orders.1a2b3c4d.csv` when another file of that name is there already.
fn free_name(place: &Path, name: &str, sha256: &str) -> io::Result<PathBuf> {
    let plain = place.join(name);
    match digest_of(&plain) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(plain),
        Err(e) => return Err(e),
        Ok(digest) if digest == sha256 => return Ok(plain),
        Ok(_) => {}
    }
    let short = &sha256[..sha256.len().min(8)];
    Ok(place.join(match name.rsplit_once('.') {
        Some((stem, ending)) => format!("{stem}.{short}.{ending}"),
        None => format!("{name}.{short}"),
    }))
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

fn result_text(reason: &str) -> String {
    format!(
        "{reason}\n\nNothing of this file was used. Mend it or export it again, and drop it into the folder above.\n\
         How a file reads, column by column: mallsync orders import FILE --shop NAME --explain\n"
    )
}

#[cfg(test)]
mod tests;
