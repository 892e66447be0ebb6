//! What the pages for people say is there: commands, config keys, links, and the same commands in both languages.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use clap::CommandFactory;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use mallsync::cli::Cli;

/// A page, and the folder that its links start from.
struct Page {
    path: PathBuf,
    text: String,
}

/// A piece of code in a page.
struct Code {
    /// The word after the fence, or none for a span within a sentence.
    language: Option<String>,
    line: usize,
    text: String,
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The README and every page of `docs/`; the contracts in `docs/wire/` are not for people who run it.
fn pages() -> Vec<Page> {
    let docs = fs::read_dir(root().join("docs")).unwrap().map(|entry| entry.unwrap().path());
    let mut paths: Vec<PathBuf> = docs.filter(|path| path.extension().is_some_and(|e| e == "md")).collect();
    paths.extend(["README.md", "README.ja.md"].map(|name| root().join(name)));
    paths.sort();
    paths.into_iter().map(|path| Page { text: fs::read_to_string(&path).unwrap(), path }).collect()
}

impl Page {
    fn name(&self) -> String {
        self.path.strip_prefix(root()).unwrap().display().to_string()
    }

    fn code(&self) -> Vec<Code> {
        let mut all = Vec::new();
        let mut block: Option<Code> = None;
        for (index, line) in self.text.lines().enumerate() {
            // A fence may begin a list item.
            let fence = line.find("```").map(|at| &line[at + 3..]).filter(|rest| !rest.contains('`'));
            match (&mut block, fence) {
                (Some(_), Some(_)) => all.extend(block.take()),
                (None, Some(word)) => {
                    let language = Some(word.trim().to_owned());
                    block = Some(Code { language, line: index + 1, text: String::new() });
                }
                (Some(code), None) => {
                    code.text.push_str(line.trim_start());
                    code.text.push('\n');
                }
                (None, None) => {
                    let spans = line.split('`').skip(1).step_by(2);
                    all.extend(spans.map(|text| Code {
                        language: None,
                        line: index + 1,
                        text: text.to_owned(),
                    }));
                }
            }
        }
        assert!(block.is_none(), "{}: a fence is not closed", self.name());
        all
    }

    /// `(line, words after "mallsync")` of every command in a block for the shell.
    fn shell(&self) -> Vec<(usize, Vec<String>)> {
        let blocks = self.code().into_iter().filter(|code| code.language.as_deref() == Some("sh"));
        blocks
            .flat_map(|code| {
                let commands: Vec<_> = code.text.lines().filter_map(|line| command(&words(line))).collect();
                commands.into_iter().map(move |words| (code.line, words))
            })
            .collect()
    }
}

/// The words of one simple command, as a shell splits them: quotes, a comment, a redirection.
fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    for c in line.chars() {
        match (quote, c) {
            (Some(q), c) if q == c => quote = None,
            (None, '"' | '\'') => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (None, '#') if word.is_none() => break,
            (None, '>' | '|' | ';' | '&') => break,
            (None, c) if c.is_whitespace() => words.extend(word.take()),
            (_, c) => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    words
}

/// What follows the program's name, where the line runs it.
fn command(words: &[String]) -> Option<Vec<String>> {
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let (["sudo", "-u", "mallsync", "mallsync", rest @ ..]
    | ["sudo", "mallsync", rest @ ..]
    | ["mallsync", rest @ ..]) = words.as_slice()
    else {
        return None;
    };
    // An ellipsis stands for what the reader puts there.
    Some(rest.iter().take_while(|word| **word != "…").map(|word| (*word).to_owned()).collect())
}

fn parse(words: &[String]) -> Result<clap::ArgMatches, clap::Error> {
    Cli::command().try_get_matches_from(["mallsync".to_owned()].into_iter().chain(words.iter().cloned()))
}

/// `settlements link`, whatever is given to it.
fn path(words: &[String]) -> String {
    let mut names = Vec::new();
    let mut command = &Cli::command();
    for word in words {
        let Some(sub) = command.find_subcommand(word) else { break };
        names.push(sub.get_name());
        command = sub;
    }
    names.join(" ")
}

/// A sentence may name a command without all that it takes.
fn only_incomplete(error: &clap::Error) -> bool {
    match error.kind() {
        ErrorKind::MissingRequiredArgument
        | ErrorKind::MissingSubcommand
        | ErrorKind::DisplayHelp
        | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => true,
        ErrorKind::InvalidValue => {
            matches!(error.get(ContextKind::InvalidValue), Some(ContextValue::String(value)) if value.is_empty())
        }
        _ => false,
    }
}

#[test]
fn every_command_that_a_page_shows_is_understood() {
    let (mut shown, mut named, mut wrong) = (0, 0, Vec::new());
    for page in pages() {
        for (line, words) in page.shell() {
            if let Err(error) = parse(&words) {
                wrong.push(format!("{}:{line}: {}: {}", page.name(), words.join(" "), error.kind()));
            }
            shown += 1;
        }
        for code in page.code().into_iter().filter(|code| code.language.is_none()) {
            let mut words = words(&code.text);
            // `slips add` within a sentence is `mallsync slips add`.
            let group = words.first().and_then(|first| Cli::command().find_subcommand(first).cloned());
            let bare = words.len() > 1 && group.is_some_and(|group| group.has_subcommands());
            if bare {
                words.insert(0, "mallsync".to_owned());
            }
            let Some(mut words) = command(&words) else { continue };
            if words.first().is_some_and(|word| ["COMMAND", "コマンド"].contains(&word.as_str())) {
                words[0] = "status".to_owned();
            }
            if let Err(error) = parse(&words)
                && !only_incomplete(&error)
            {
                wrong.push(format!("{}:{}: {}: {}", page.name(), code.line, code.text, error.kind()));
            }
            named += 1;
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(
        shown > 100 && named > 100,
        "{shown} commands in blocks and {named} in sentences: is anything read?"
    );
}

#[test]
fn both_languages_show_the_same_commands() {
    let pages = pages();
    let mut twins = 0;
    for english in &pages {
        let twin = english.path.with_extension("ja.md");
        let Some(japanese) = pages.iter().find(|page| page.path == twin) else { continue };
        let commands =
            |page: &Page| -> Vec<String> { page.shell().iter().map(|(_, words)| path(words)).collect() };
        assert_eq!(commands(english), commands(japanese), "{}", english.name());
        twins += 1;
    }
    assert!(twins >= 5, "{twins}");
}

/// Keys of every table, apart from those whose keys are the reader's own words.
fn keys(table: &toml::Table, found: &mut BTreeSet<String>) {
    for (key, value) in table {
        match value {
            toml::Value::Table(_) if key == "statuses" => {}
            toml::Value::Table(inner) => keys(inner, found),
            toml::Value::Array(items) if items.iter().all(toml::Value::is_table) => {
                items.iter().filter_map(toml::Value::as_table).for_each(|inner| keys(inner, found));
            }
            _ => {
                found.insert(key.clone());
            }
        }
    }
}

#[test]
fn every_config_key_that_a_page_shows_is_explained_in_the_config() {
    let explained = fs::read_to_string(root().join("config/mallsync.toml")).unwrap();
    let explained: BTreeSet<&str> = explained
        .lines()
        .filter_map(|line| line.trim_start_matches(['#', ' ']).split_once(" ="))
        .map(|(key, _)| key.trim())
        .collect();
    let (mut seen, mut wrong) = (0, Vec::new());
    for page in pages() {
        for code in page.code().iter().filter(|code| code.language.as_deref() == Some("toml")) {
            let table: toml::Table =
                code.text.parse().unwrap_or_else(|error| panic!("{}:{}: {error}", page.name(), code.line));
            let mut found = BTreeSet::new();
            keys(&table, &mut found);
            seen += found.len();
            let unknown = found.iter().filter(|key| !explained.contains(key.as_str()));
            wrong.extend(unknown.map(|key| format!("{}:{}: {key}", page.name(), code.line)));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(seen > 50, "{seen} keys: is anything read?");
}

/// The anchor of a heading: lower case, blanks as hyphens, punctuation left out.
fn anchor(heading: &str) -> String {
    let kept = heading.trim().chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_' | 'ー'));
    kept.flat_map(char::to_lowercase).map(|c| if c == ' ' { '-' } else { c }).collect()
}

fn anchors(text: &str) -> BTreeSet<String> {
    let headings = text.lines().filter(|line| line.starts_with('#'));
    headings.map(|line| anchor(line.trim_start_matches('#'))).collect()
}

#[test]
fn every_link_of_a_page_leads_somewhere() {
    let (mut links, mut wrong) = (0, Vec::new());
    for page in pages() {
        for (index, line) in page.text.lines().enumerate() {
            for target in line.split("](").skip(1).filter_map(|rest| rest.split_once(')')).map(|(to, _)| to) {
                if target.contains("://") {
                    continue;
                }
                let (file, heading) = target.split_once('#').unwrap_or((target, ""));
                let file = if file.is_empty() { page.path.clone() } else { page.path.with_file_name(file) };
                let leads =
                    || heading.is_empty() || anchors(&fs::read_to_string(&file).unwrap()).contains(heading);
                if !(file.exists() && leads()) {
                    wrong.push(format!("{}:{}: {target}", page.name(), index + 1));
                }
                links += 1;
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(links > 100, "{links} links: is anything read?");
}
