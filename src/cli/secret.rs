//! `mallsync secret`: putting a secret where the config says it is kept.

use std::io::{self, IsTerminal, Read};
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};

use super::check;
use super::context::{Context, note};
use super::daemon::{self, Told};
use super::failure::{Ended, Failure, Outcome};
use super::words;
use crate::app::App;
use crate::config::{self, Kind, Noted, nearest};
use crate::secret::{Secret, SecretRef, write_secret};

/// The largest secret there is, in bytes.
const LIMIT: u64 = 64 * 1024;

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Write a secret into the file that the config names for it, then reload and check
    #[command(after_help = "Examples:\n  sudo mallsync secret set rakuten-main.license_key\n  \
                            sudo mallsync secret set webcollect-main.access_key < key.txt\n\n\
                            It asks for the secret without showing it, or reads it from a pipe. The file gets the owner and mode \
                            that the service needs; where the section has a day of issue (api_key_issued_on and so on) today's \
                            is written into the config; a running daemon takes both up; the account is asked whether it accepts \
                            the secret.")]
    Set(Set),
}

#[derive(Args, Debug)]
pub struct Set {
    /// The shop or settlement (its name in the config) and the key, such as rakuten-main.license_key
    #[arg(value_name = "SHOP.KEY")]
    key: String,
    /// Do not ask the account afterwards
    #[arg(long)]
    offline: bool,
}

/// The command.
pub async fn run(context: &Context, command: Command) -> Outcome {
    match command {
        Command::Set(args) => set(context, &args).await,
    }
}

async fn set(context: &Context, args: &Set) -> Outcome {
    let target = Target::find(context, &args.key)?;
    let path = target.file(context)?;
    let (secret, remarks) = read(context, &target.full())?;
    for remark in remarks {
        note(&context.tell(remark, &[&target.full()]));
    }
    write_secret(&path, &secret).map_err(Failure::Failed)?;
    let length = secret.expose().chars().count();
    note(&context.tell(words::SECRET_WROTE, &[&target.full(), &path.display(), &length]));
    note_day(context, &target)?;
    tell_daemon(context).await?;
    if !target.enabled {
        note(&context.tell(words::SECRET_DISABLED, &[&target.subject()]));
        return Ok(Ended::Well);
    }
    // The day of issue is in force from here on.
    let main = context.config.files.first().map(PathBuf::as_path);
    check::one(&Context::load(main)?, &target.subject(), !args.offline).await
}

/// A secret's key in the config.
struct Target<'a> {
    table: &'static str,
    name: &'a str,
    key: String,
    kind: Kind,
    section: &'a serde_json::Value,
    enabled: bool,
}

impl<'a> Target<'a> {
    /// `rakuten-main.license_key`, or `shops.rakuten-main.license_key` where a settlement has the same name.
    fn find(context: &'a Context, text: &str) -> Result<Self, Failure> {
        let usage = || Failure::Usage(context.tell(words::SECRET_USAGE, &[&text]));
        let (table, rest) = match text.split_once('.') {
            Some((table @ ("shops" | "settlements"), rest)) if rest.contains('.') => (Some(table), rest),
            _ => (None, text),
        };
        let (name, key) = rest
            .split_once('.')
            .filter(|(name, key)| !name.is_empty() && !key.is_empty())
            .ok_or_else(usage)?;
        let mut all = sections(&context.config);
        if let Some(table) = table {
            all.retain(|section| section.table == table);
        }
        let mut found = all.iter().filter(|section| section.name == name);
        let section = match (found.next(), found.next()) {
            (Some(section), None) => section,
            (Some(_), Some(_)) => {
                return Err(Failure::Usage(context.tell(words::SECRET_AMBIGUOUS, &[&name, &key])));
            }
            (None, _) => {
                let names: Vec<&str> = all.iter().map(|section| section.name).collect();
                let hint = hint(context, name, &names);
                return Err(Failure::Usage(context.tell(words::SECRET_NO_SECTION, &[&name, &hint])));
            }
        };
        let Some(kind) = section.kind() else {
            return Err(Failure::Usage(context.tell(words::SECRET_NO_SECTION, &[&name, &""])));
        };
        let keys = kind.secrets();
        if !keys.iter().any(|known| known == key) {
            let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
            let hint = hint(context, key, &keys);
            return Err(Failure::Usage(
                context.tell(words::SECRET_NO_KEY, &[&section.subject(), &key, &hint]),
            ));
        }
        Ok(Self {
            table: section.table,
            name: section.name,
            key: key.to_owned(),
            kind,
            section: section.keys,
            enabled: section.enabled,
        })
    }

    fn subject(&self) -> String {
        format!("{}.{}", self.table, self.name)
    }

    fn full(&self) -> String {
        format!("{}.{}.{}", self.table, self.name, self.key)
    }

    /// The file that the config names; every other place is told with what to do instead.
    fn file(&self, context: &Context) -> Result<PathBuf, Failure> {
        let full = self.full();
        let main = context.config.files.first().map_or(Path::new(""), PathBuf::as_path);
        let folder = std::path::absolute(main).map_err(|e| Failure::Failed(e.to_string()))?;
        let file = folder.with_file_name("secrets").join(format!("{}.{}", self.name, self.key));
        let line = format!("{} = \"file:{}\"", self.key, file.display());
        let refuse = |text: words::Text, what: &str| {
            Err(Failure::Failed(context.tell(text, &[&full, &what, &line, &self.subject()])))
        };
        let Some(text) = self.section.get(&self.key).and_then(serde_json::Value::as_str) else {
            return refuse(words::SECRET_NOT_GIVEN, "");
        };
        match SecretRef::parse(text).map_err(|why| Failure::Failed(format!("{full}: {why}")))? {
            SecretRef::File(path) => Ok(path),
            SecretRef::Env(name) => refuse(words::SECRET_ENV, &name),
            SecretRef::Plain(_) => refuse(words::SECRET_PLAIN, ""),
            SecretRef::Credential(name) => {
                let unit = daemon::unit_of(&folder);
                Err(Failure::Failed(match daemon::credential(&unit, &name) {
                    Some(source) => context.tell(words::SECRET_CREDENTIAL, &[&full, &source, &unit]),
                    None => context.tell(words::SECRET_CREDENTIAL_UNKNOWN, &[&full, &name, &unit]),
                }))
            }
        }
    }
}

/// A shop or a settlement.
struct Section<'a> {
    table: &'static str,
    name: &'a str,
    word: &'a str,
    keys: &'a serde_json::Value,
    enabled: bool,
}

impl Section<'_> {
    fn subject(&self) -> String {
        format!("{}.{}", self.table, self.name)
    }

    fn kind(&self) -> Option<Kind> {
        let kinds = App::kinds();
        let kinds = if self.table == "shops" { kinds.malls } else { kinds.providers };
        kinds.iter().find(|kind| kind.name == self.word).copied()
    }
}

fn sections(config: &config::Config) -> Vec<Section<'_>> {
    let shops = config.shops.iter().map(|s| Section {
        table: "shops",
        name: &s.name,
        word: &s.mall,
        keys: &s.section,
        enabled: s.enabled,
    });
    let settlements = config.settlements.iter().map(|s| Section {
        table: "settlements",
        name: &s.name,
        word: &s.provider,
        keys: &s.section,
        enabled: s.enabled,
    });
    shops.chain(settlements).collect()
}

/// The nearest known word, or all of them.
fn hint(context: &Context, word: &str, known: &[&str]) -> String {
    match nearest(word, known.iter().copied()) {
        Some(near) => context.tell(words::SECRET_NEAREST, &[&near]),
        None if known.is_empty() => context.say(words::SECRET_NONE).to_owned(),
        None => context.tell(words::SECRET_KNOWN, &[&known.join(", ")]),
    }
}

/// Asks without an echo, or reads a pipe to its end.
pub fn read(context: &Context, full: &str) -> Result<(Secret, Vec<words::Text>), Failure> {
    let mut bytes = Vec::new();
    if io::stdin().is_terminal() {
        let prompt = context.tell(words::SECRET_PROMPT, &[&full]);
        let typed = rpassword::prompt_password(prompt)
            .map_err(|e| Failure::Failed(context.tell(words::SECRET_NO_TERMINAL, &[&e])))?;
        bytes = typed.into_bytes();
    } else {
        io::stdin().take(LIMIT + 1).read_to_end(&mut bytes)?;
    }
    entered(bytes).map_err(|why| Failure::Failed(context.tell(why, &[&full])))
}

/// The secret without the newline at its end, and what looks odd about it. What was entered is never repeated.
fn entered(bytes: Vec<u8>) -> Result<(Secret, Vec<words::Text>), words::Text> {
    if bytes.len() as u64 > LIMIT {
        return Err(words::SECRET_TOO_LONG);
    }
    if bytes.starts_with(b"\xEF\xBB\xBF") {
        return Err(words::SECRET_NOT_UTF8);
    }
    let text = String::from_utf8(bytes).map_err(|_| words::SECRET_NOT_UTF8)?;
    let line = text.strip_suffix('\n').map_or(text.as_str(), |line| line.strip_suffix('\r').unwrap_or(line));
    let bare = line.trim();
    if bare.is_empty() {
        return Err(words::SECRET_EMPTY);
    }
    if bare.contains('\0') {
        return Err(words::SECRET_NOT_UTF8);
    }
    let mut remarks = Vec::new();
    if bare.len() < line.len() {
        remarks.push(words::SECRET_BLANKS_AROUND);
    }
    // A key in PEM form has lines of its own.
    if !bare.starts_with("-----BEGIN") && bare.contains(char::is_whitespace) {
        remarks.push(words::SECRET_BLANKS_INSIDE);
    }
    // Full-width forms and the ideographic space.
    if bare.contains(|c| matches!(c, '\u{3000}' | '\u{FF00}'..='\u{FFEF}')) {
        remarks.push(words::SECRET_FULL_WIDTH);
    }
    Ok((Secret::new(bare), remarks))
}

/// Keeps today as the day of issue, where the section has such a key.
fn note_day(context: &Context, target: &Target<'_>) -> Result<(), Failure> {
    let Some(key) = target.kind.issued_on(&target.key) else { return Ok(()) };
    let today = context.ambient.now().jst_date();
    let full = format!("{}.{key}", target.subject());
    let noted = config::note_day(&context.config, [target.table, target.name], &key, &target.key, today)
        .map_err(|error| Failure::Failed(context.tell(words::SECRET_DAY_FAILED, &[&full, &today, &error])))?;
    note(&match noted {
        Noted::Written(file, line, _) => {
            context.tell(words::SECRET_DAY, &[&full, &today, &file.display(), &line])
        }
        Noted::ByVariable(name) => context.tell(words::SECRET_DAY_VARIABLE, &[&full, &name, &today]),
        Noted::ByHand(line) => context.tell(words::SECRET_DAY_BY_HAND, &[&line, &target.subject()]),
    });
    Ok(())
}

async fn tell_daemon(context: &Context) -> Result<(), Failure> {
    note(&match daemon::reload(context).await? {
        Told::Reloaded(who) => context.tell(words::SECRET_RELOADED, &[&who]),
        Told::NotRunning => context.say(words::SECRET_NOT_RUNNING).to_owned(),
        Told::Unknown => context.say(words::SECRET_RELOAD_BY_HAND).to_owned(),
        Told::Refused(who, why) => {
            return Err(Failure::Failed(context.tell(words::SECRET_RELOAD_FAILED, &[&who, &why])));
        }
    });
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_newline_goes_and_what_looks_odd_is_told() {
        let read = |text: &str| {
            entered(text.as_bytes().to_vec()).map(|(secret, odd)| (secret.expose().to_owned(), odd))
        };
        let clean = |text: &str| Ok((text.to_owned(), Vec::new()));
        assert_eq!(read("SL123"), clean("SL123"));
        assert_eq!(read("SL123\n"), clean("SL123"));
        assert_eq!(read("SL123\r\n"), clean("SL123"));
        assert_eq!(read("SL123\n\n"), Ok(("SL123".to_owned(), vec![words::SECRET_BLANKS_AROUND])));
        assert_eq!(read(" SL123"), Ok(("SL123".to_owned(), vec![words::SECRET_BLANKS_AROUND])));
        assert_eq!(read("SL 123"), Ok(("SL 123".to_owned(), vec![words::SECRET_BLANKS_INSIDE])));
        assert_eq!(read("ＳL123"), Ok(("ＳL123".to_owned(), vec![words::SECRET_FULL_WIDTH])));
        let pem = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----";
        assert_eq!(read(&format!("{pem}\n")), clean(pem));
        for empty in ["", "\n", "\r\n", " \n"] {
            assert_eq!(read(empty), Err(words::SECRET_EMPTY), "{empty:?}");
        }
        assert_eq!(entered(b"\x83L\x81[".to_vec()).unwrap_err(), words::SECRET_NOT_UTF8);
        assert_eq!(entered(vec![b'x'; 64 * 1024 + 1]).unwrap_err(), words::SECRET_TOO_LONG);
    }
}
