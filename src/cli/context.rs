//! What every command starts from: the config, the clock, the database, who is asking, and where the output goes.

use std::io::{self, BufWriter, IsTerminal, StdoutLock, Write};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;

use super::args::{ListArgs, ShowArgs, ShowFormat};
use super::failure::{Ended, Failure, Outcome};
use super::output::{self, Column, Encoding, Format, Notes, Sheet};
use super::person;
use super::table::Look;
use super::words::{self, Text};
use crate::app::App;
use crate::clock::{Ambient, SystemClock};
use crate::config::{self, Config, Environment, Language};
use crate::secret::SecretRef;
use crate::store::{Access, Store};

/// Rows of a list on a terminal unless `--limit` says otherwise.
const ON_A_TERMINAL: u64 = 50;
/// Rows that are read at a time.
const PAGE: u64 = 500;

/// A command's surroundings.
pub struct Context {
    /// In force.
    pub config: Config,
    /// Clock and randomness.
    pub ambient: Ambient,
    /// The language of people.
    pub language: Language,
}

impl Context {
    /// Reads the config; its findings end the command with 78.
    ///
    /// # Errors
    /// [`Failure::Config`].
    pub fn load(path: Option<&Path>) -> Result<Self, Failure> {
        let config = config::load(path, App::kinds()).map_err(Failure::Config)?;
        let ambient = Ambient::new(Arc::new(SystemClock::new(config.simulation)));
        let language = config.daemon.language;
        Ok(Self { config, ambient, language })
    }

    /// The database alone, for commands that read.
    ///
    /// # Errors
    /// When it cannot be opened.
    pub async fn reader(&self) -> Result<Store, Failure> {
        self.store(Access::Read).await
    }

    /// The database alone, as `access` says.
    ///
    /// # Errors
    /// When it cannot be opened.
    pub async fn store(&self, access: Access) -> Result<Store, Failure> {
        let database = &self.config.database;
        let password = database
            .password
            .as_ref()
            .map(SecretRef::resolve)
            .transpose()
            .map_err(|error| Failure::Failed(format!("database.password: {error}")))?;
        Ok(Store::open(&database.url, password.as_ref(), access, &self.ambient).await?)
    }

    /// Everything, with the right to write beside a daemon.
    ///
    /// # Errors
    /// When the database cannot be opened.
    pub async fn writer(&self) -> Result<App, Failure> {
        self.app(Access::Command).await
    }

    /// Everything.
    ///
    /// # Errors
    /// When the database cannot be opened, or another daemon holds it.
    pub async fn app(&self, access: Access) -> Result<App, Failure> {
        Ok(Box::pin(App::open(&self.config, access, self.ambient.clone())).await?)
    }

    /// Who is asking, for the journal of people's decisions.
    pub fn actor() -> String {
        person::user_name()
    }

    /// How tables look now.
    pub fn look(&self) -> Look {
        Look { language: self.language, now: self.ambient.now() }
    }

    /// The words in the language of people.
    pub const fn say(&self, text: Text) -> &'static str {
        text.get(self.language)
    }

    /// The words with values filled in.
    pub fn tell(&self, text: Text, values: &[&dyn std::fmt::Display]) -> String {
        text.with(self.language, values)
    }

    /// Waits about a second of the machine's time, also on a simulated clock.
    pub async fn second(&self) {
        let speed = self.config.simulation.map_or(1, |s| s.speed.max(1));
        drop(self.ambient.clock().sleep_until(self.ambient.now() + Duration::from_secs(1) * speed).await);
    }

    /// Rows of a list when `--limit` does not say: 50 on a terminal, all in a pipe.
    pub fn default_limit(&self) -> Option<u64> {
        io::stdout().is_terminal().then_some(ON_A_TERMINAL)
    }

    /// Writes a list page by page. `page` gives at most so many rows after the one given (from the start: `None`).
    ///
    /// # Errors
    /// Of the database and of the output.
    pub async fn list<T: Serialize>(
        &self,
        args: ListArgs,
        columns: &[Column<T>],
        mut page: impl AsyncFnMut(u64, Option<&T>) -> Result<Page<T>, Failure>,
    ) -> Outcome {
        let (format, encoding) = formats(args)?;
        let limit = args.limit.or_else(|| self.default_limit());
        let mut left = limit.unwrap_or(u64::MAX);
        let mut sheet = Sheet::start(stdout(), columns, format, encoding, self.look())?;
        let mut last: Option<T> = None;
        let more = 'pages: loop {
            // One row beyond the limit tells whether there is more.
            let size = left.saturating_add(1).min(PAGE);
            let Page { rows, end } = page(size, last.as_ref()).await?;
            for row in rows {
                if left == 0 {
                    break 'pages true;
                }
                left -= 1;
                sheet.row(&row)?;
                last = Some(row);
            }
            sheet.flush()?;
            if end {
                break false;
            }
        };
        ended(&sheet.finish(more)?)
    }

    /// Writes rows that are at hand.
    ///
    /// # Errors
    /// Of the output.
    pub fn rows<T: Serialize>(&self, args: ListArgs, columns: &[Column<T>], rows: &[T]) -> Outcome {
        write_rows(args, columns, rows, self.look())
    }

    /// Writes one thing: as JSON, or as `table` does.
    ///
    /// # Errors
    /// Of the output.
    pub fn show<T: Serialize>(
        &self,
        args: ShowArgs,
        thing: &T,
        table: impl FnOnce(&mut dyn Write, Look) -> Result<(), Failure>,
    ) -> Outcome {
        write_one(args, thing, self.look(), table)
    }
}

/// Writes one thing: as JSON, or as `table` does.
///
/// # Errors
/// Of the output.
pub fn write_one<T: Serialize>(
    args: ShowArgs,
    thing: &T,
    look: Look,
    table: impl FnOnce(&mut dyn Write, Look) -> Result<(), Failure>,
) -> Outcome {
    let format =
        args.format.unwrap_or(if io::stdout().is_terminal() { ShowFormat::Table } else { ShowFormat::Json });
    let mut out = stdout();
    match format {
        ShowFormat::Json => output::json(&mut out, thing)?,
        ShowFormat::Table => {
            table(&mut out, look)?;
            out.flush()?;
        }
    }
    Ok(Ended::Well)
}

/// Writes rows that are at hand.
///
/// # Errors
/// Of the output.
pub fn write_rows<T: Serialize>(args: ListArgs, columns: &[Column<T>], rows: &[T], look: Look) -> Outcome {
    let (format, encoding) = formats(args)?;
    let mut sheet = Sheet::start(stdout(), columns, format, encoding, look)?;
    for row in rows {
        sheet.row(row)?;
    }
    ended(&sheet.finish(false)?)
}

/// Says what is to be said after a list.
fn ended(notes: &Notes) -> Outcome {
    for line in &notes.lines {
        note(line);
    }
    Ok(if notes.lossy { Ended::Badly } else { Ended::Well })
}

/// A page of a list on its way.
pub struct Page<T> {
    rows: Vec<T>,
    end: bool,
}

impl<T> Page<T> {
    /// What a query for `size` rows gave: fewer mean that it was the last page.
    pub fn of(rows: Vec<T>, size: u64) -> Self {
        let end = u64::try_from(rows.len()).unwrap_or(u64::MAX) < size;
        Self { rows, end }
    }

    /// Rows of a page whose length says nothing.
    pub const fn new(rows: Vec<T>, end: bool) -> Self {
        Self { rows, end }
    }
}

/// The language of people where no config has been read.
pub fn language_of_people() -> Language {
    let environment = Environment::process();
    let locale = ["LC_ALL", "LC_MESSAGES", "LANG"]
        .iter()
        .find_map(|name| environment.get(name).filter(|value| !value.is_empty()));
    if locale.is_some_and(|locale| locale.starts_with("ja")) { Language::Ja } else { Language::En }
}

/// The format and encoding in force.
///
/// # Errors
/// `--encoding` without CSV.
pub fn formats(args: ListArgs) -> Result<(Format, Encoding), Failure> {
    let format = args.format.unwrap_or(if io::stdout().is_terminal() { Format::Table } else { Format::Json });
    if args.encoding.is_some() && format != Format::Csv {
        return Err(Failure::Usage("--encoding goes with --format csv".to_owned()));
    }
    Ok((format, args.encoding.unwrap_or(Encoding::Utf8)))
}

/// Standard output, buffered.
pub fn stdout() -> BufWriter<StdoutLock<'static>> {
    BufWriter::new(io::stdout().lock())
}

/// One line on stderr. Nobody can be told when even that fails.
pub fn note(line: &str) {
    let _ = writeln!(io::stderr(), "{line}");
}

/// Whether there is somebody to ask.
pub fn can_ask() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}

/// Asks; anything but yes is no.
///
/// # Errors
/// When the terminal cannot be read.
pub fn ask(language: Language) -> Result<bool, Failure> {
    let mut err = io::stderr();
    write!(err, "{}", words::ASK.get(language))?;
    err.flush()?;
    let mut answer = String::new();
    io::stdin().read_line(&mut answer)?;
    Ok(matches!(answer.trim().to_lowercase().as_str(), "y" | "yes" | "はい" | "ｙ"))
}
