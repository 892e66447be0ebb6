//! The shop's own cart: order CSV files (csv-formats.md §4), dropped into a folder or imported by a person. Which column
//! is what stands in a mapping profile. A file shows orders as they were when it was exported: an order that a later
//! file lacks is not a cancelled one.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::Deserialize;

use super::{Built, Cursor, Details, Fetched, Mall, Page, Registration, Scope, SetAside, Stream, Tier};
use crate::clock::Timestamp;
use crate::domain::account::{Expiry, Finding, Health, Level, Problem};
use crate::domain::ids::OrderRef;
use crate::http::{Call, ClientSpec, Fault};
use crate::tabular::{Profile, ReadError};

mod explain;
mod folder;
mod goods;
mod map;
mod party;
/// Mapping profiles of carts.
pub mod profiles;
mod read;

pub use explain::{ColumnReading, Explanation, explain};

use folder::{Folder, State, Turn};

/// The line in the table.
pub const MALL: Registration = Registration {
    name: "csv",
    title: "own cart",
    registered_at: None,
    default_schedule: "* * * * *",
    schema: <Keys as JsonSchema>::json_schema,
    validate: |section| {
        Keys::read(section)
            .map(|_| ())
            .map_err(|found| found.into_iter().map(|p| (p.key, p.message)).collect())
    },
    urls: |_| Vec::new(),
    build,
};

/// The mall's own keys.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Keys {
    /// The folder that the cart's order CSV files are dropped into. Files that were read are moved to `done/` in it, files
    /// that cannot be used to `rejected/`, with a text file beside them that says why.
    directory: PathBuf,
    /// A profile that comes with the program (`eccube4`, `generic`), or the path of one's own (`.toml`).
    profile: String,
}

impl Keys {
    fn read(section: &serde_json::Value) -> Result<Self, Vec<Problem>> {
        let problem = |key: &str, message: String| Problem { key: key.to_owned(), message };
        let keys: Self = serde_json::from_value(section.clone()).map_err(|_| wrong_keys(section))?;
        let mut problems = Vec::new();
        if keys.directory.as_os_str().is_empty() {
            problems.push(problem(
                "directory",
                "expected the folder that order files are dropped into".to_owned(),
            ));
        }
        if !profiles::is_path(&keys.profile)
            && !profiles::BUILT_IN.iter().any(|(name, _)| *name == keys.profile)
        {
            problems.push(problem("profile", profiles::unknown_name(&keys.profile)));
        }
        if problems.is_empty() { Ok(keys) } else { Err(problems) }
    }
}

/// All that is wrong with the keys' presence and types, not the first thing alone.
fn wrong_keys(section: &serde_json::Value) -> Vec<Problem> {
    const KNOWN: [&str; 2] = ["directory", "profile"];
    let Some(table) = section.as_object() else {
        return vec![Problem {
            key: String::new(),
            message: "expected a section with directory and profile".to_owned(),
        }];
    };
    let missing =
        KNOWN.iter().filter(|key| !table.get(**key).is_some_and(serde_json::Value::is_string)).map(|key| {
            let message = match table.get(*key) {
                None => "required, and missing".to_owned(),
                Some(_) => "expected text in quotes".to_owned(),
            };
            Problem { key: (*key).to_owned(), message }
        });
    let unknown = table.keys().filter(|key| !KNOWN.contains(&key.as_str())).map(|key| {
        let nearest = KNOWN.iter().find(|known| strsim::damerau_levenshtein(known, key) <= 3);
        let hint = nearest.map_or_else(String::new, |known| format!("; did you mean {known}?"));
        Problem { key: key.clone(), message: format!("unknown key{hint}") }
    });
    missing.chain(unknown).collect()
}

fn build(_shop: &str, section: &serde_json::Value) -> Result<Built, Vec<Problem>> {
    let keys = Keys::read(section)?;
    let profile = profiles::load(&keys.profile).map_err(|messages| {
        messages.into_iter().map(|message| Problem { key: "profile".to_owned(), message }).collect::<Vec<_>>()
    })?;
    Ok(Built {
        mall: Box::new(Cart { directory: keys.directory.into(), profile: Arc::new(profile) }),
        // Every shop has a client; this one's is never used, and would reach no further than this machine.
        client: ClientSpec { base_url: "http://127.0.0.1:9/".to_owned(), ..ClientSpec::default() },
        expiries: Vec::new(),
        warnings: Vec::new(),
    })
}

/// The connector.
struct Cart {
    directory: Arc<std::path::Path>,
    profile: Arc<Profile>,
}

impl Cart {
    /// File work on a thread that may block.
    async fn on_disk<T: Send + 'static>(
        &self,
        work: impl FnOnce(Folder<'_>) -> Result<T, String> + Send + 'static,
    ) -> Result<T, Fault> {
        let (directory, profile) = (Arc::clone(&self.directory), Arc::clone(&self.profile));
        tokio::task::spawn_blocking(move || work(Folder { directory: &directory, profile: &profile }))
            .await
            .map_err(|_| Fault::Transient("reading the folder was broken off".to_owned()))?
            .map_err(Fault::Transient)
    }
}

#[async_trait]
impl Mall for Cart {
    fn streams(&self) -> &'static [(Stream, Option<Duration>)] {
        &[(Stream::New, None)]
    }

    fn follows(&self) -> &'static [Tier] {
        &[]
    }

    fn rereads(&self) -> bool {
        false
    }

    fn details_per_call(&self) -> usize {
        500
    }

    /// One slice of one file of the folder. Other streams than [`Stream::New`] hold nothing: a folder has no past.
    async fn changes(
        &self,
        call: &Call<'_>,
        stream: Stream,
        cursor: Option<&Cursor>,
        _scope: &Scope,
    ) -> Result<Page, Fault> {
        let before = cursor.map_or_else(|| serde_json::json!({}), |cursor| cursor.0.clone());
        if stream != Stream::New {
            return Ok(page(Turn::default(), before));
        }
        let state: State = serde_json::from_value(before.clone())
            .map_err(|e| Fault::Malformed(format!("the stored cursor of the folder: {e}")))?;
        let (now, wall) = (call.now(), call.ambient.wall());
        let turn = self
            .on_disk(move |folder| folder.look(&state, now, wall).map(|turn| (turn, state)))
            .await
            .map(|(turn, state)| if turn.state == state { (turn, Some(before)) } else { (turn, None) })?;
        match turn {
            // Nothing new: the very cursor that came in, so that nothing is written.
            (turn, Some(before)) => Ok(page(turn, before)),
            (turn, None) => {
                let next = serde_json::to_value(&turn.state)
                    .map_err(|e| Fault::Malformed(format!("the cursor of the folder: {e}")))?;
                Ok(page(turn, next))
            }
        }
    }

    /// A cart's file cannot be asked again: nothing is given, and nothing is missing, so that no order is taken for lost.
    async fn details(&self, _call: &Call<'_>, _refs: &[OrderRef]) -> Result<Details, Fault> {
        Ok(Details::default())
    }

    async fn check(&self, _call: &Call<'_>, _newest: Option<&OrderRef>) -> Result<Health, Fault> {
        let findings = self.on_disk(|folder| Ok(findings(&folder))).await?;
        Ok(Health { findings, ..Health::default() })
    }

    async fn expiries(&self, _call: &Call<'_>) -> Result<Vec<Expiry>, Fault> {
        Ok(Vec::new())
    }
}

fn page(turn: Turn, next: serde_json::Value) -> Page {
    Page {
        refs: Vec::new(),
        orders: turn.orders,
        bad: turn.bad,
        next: Cursor(next),
        more: turn.more,
        progress: turn.progress,
    }
}

fn findings(folder: &Folder<'_>) -> Vec<Finding> {
    let directory = folder.directory.display();
    let finding = |level, code: &str, message: String, action: Option<String>| Finding {
        level,
        code: code.to_owned(),
        message,
        action,
    };
    let mut findings = vec![finding(
        Level::Ok,
        "profile_loaded",
        format!("order files are read with profile \"{}\"", folder.profile.name),
        None,
    )];
    match folder.waiting() {
        Ok(waiting) => findings.push(finding(
            Level::Ok,
            "directory_readable",
            format!("{directory} can be read, files waiting: {waiting}"),
            None,
        )),
        Err(message) => {
            let action = format!("Create {directory} and let the service read and write there.");
            findings.push(finding(Level::Error, "directory_unreadable", message, Some(action)));
            return findings;
        }
    }
    if let Err(e) = folder.try_write() {
        findings.push(finding(
            Level::Error,
            "directory_not_writable",
            format!("files in {directory} cannot be moved to done/ once they are read: {e}"),
            Some(format!("Let the service write to {directory} and to done/ and rejected/ in it.")),
        ));
    }
    findings
}

/// A file, read by a person's command.
#[derive(Debug, Default)]
pub struct Parsed {
    /// The orders.
    pub orders: Vec<Fetched>,
    /// Orders that could not be read, with line and reason.
    pub bad: Vec<SetAside>,
    /// Why the file as a whole is not usable; then nothing of it was read.
    pub refused: Option<String>,
}

/// Reads a whole file. `file_name` stands in reasons, without its folders.
#[must_use]
pub fn import(profile: &Profile, file_name: &str, bytes: &[u8], now: Timestamp) -> Parsed {
    let name = base_name(file_name);
    match read::slice(profile, name, || Ok(bytes), read::Window::ALL, now) {
        Ok(slice) => Parsed { orders: slice.orders, bad: slice.bad, refused: None },
        Err(ReadError::Refused(refusal)) => {
            Parsed { refused: Some(format!("{name}: {refusal}")), ..Parsed::default() }
        }
        Err(e) => Parsed { refused: Some(format!("{name}: {e}")), ..Parsed::default() },
    }
}

fn base_name(file_name: &str) -> &str {
    file_name.rsplit(['/', '\\']).next().unwrap_or(file_name)
}
