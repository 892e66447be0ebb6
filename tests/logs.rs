//! `docs/logs.md` and `docs/logs.ja.md` tell every event of the code, and no other: its message, its levels and its fields.
#![cfg(test)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Levels and fields of the events of one message.
#[derive(Debug, Default, PartialEq, Eq)]
struct Event {
    levels: BTreeSet<String>,
    fields: BTreeSet<String>,
}

type Events = BTreeMap<String, Event>;

const LEVELS: [&str; 5] = ["error", "warn", "info", "debug", "trace"];

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, found);
        } else if path.extension().is_some_and(|e| e == "rs") {
            found.push(path);
        }
    }
}

/// The source with comments, and what follows its first `#[cfg(test)] mod`, left out. Strings stay.
fn code_of(source: &str) -> String {
    let source = source.split("#[cfg(test)]\nmod ").next().unwrap();
    let mut code = String::new();
    let mut rest = source.chars().peekable();
    let mut before = ' ';
    while let Some(c) = rest.next() {
        match c {
            '/' if rest.peek() == Some(&'/') => while rest.next_if(|c| *c != '\n').is_some() {},
            '"' => {
                code.push(c);
                while let Some(c) = rest.next() {
                    code.push(c);
                    match c {
                        '\\' => code.extend(rest.next()),
                        '"' => break,
                        _ => {}
                    }
                }
            }
            // '"' is a character, not the beginning of a string.
            '\'' if rest.peek() == Some(&'"') && !before.is_alphanumeric() => {
                code.push(' ');
                rest.next();
            }
            _ => code.push(c),
        }
        before = c;
    }
    code
}

/// The arguments of a macro, from behind its opening parenthesis: split at the commas between them.
fn arguments(code: &str) -> Vec<String> {
    let (mut all, mut one, mut depth) = (Vec::new(), String::new(), 0_u32);
    let mut rest = code.chars();
    while let Some(c) = rest.next() {
        match c {
            ')' | ']' | '}' if depth == 0 => break,
            ',' if depth == 0 => {
                all.push(std::mem::take(&mut one).trim().to_owned());
                continue;
            }
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => depth -= 1,
            '"' => {
                one.push(c);
                while let Some(c) = rest.next() {
                    one.push(c);
                    match c {
                        '\\' => one.extend(rest.next()),
                        '"' => break,
                        _ => {}
                    }
                }
                continue;
            }
            _ => {}
        }
        one.push(c);
    }
    all.push(one.trim().to_owned());
    all.retain(|argument| !argument.is_empty());
    all
}

/// The name of a field: `shop`, `shop = %name`, `%shop`, `error.code = code`.
fn field_of(argument: &str) -> Option<String> {
    if argument.starts_with("target:") || argument.starts_with("parent:") {
        return None;
    }
    let name = argument.split('=').next().unwrap().trim().trim_start_matches(['%', '?']);
    Some(name.to_owned())
}

/// The events of a file, or what is wrong with one.
fn events_of(source: &str, events: &mut Events) -> Result<(), String> {
    let code = code_of(source);
    for level in LEVELS {
        let macro_name = format!("{level}!");
        for (at, _) in code.match_indices(&macro_name) {
            let before = &code[..at];
            if before.ends_with(|c: char| c.is_alphanumeric() || c == '_') {
                continue;
            }
            let call = &code[at + macro_name.len()..];
            if !before.ends_with("tracing::") || !call.starts_with('(') {
                return Err(format!("write tracing::{macro_name}(…): {}", &call[..call.len().min(60)]));
            }
            let mut arguments = arguments(&call[1..]);
            let message = arguments.pop().unwrap_or_default();
            let constant = message.strip_prefix('"').and_then(|text| text.strip_suffix('"'));
            let Some(message) = constant.filter(|text| text.ends_with('.') && !text.contains(['{', '|']))
            else {
                return Err(format!("the message is no constant sentence: {message}"));
            };
            let event = events.entry(message.to_owned()).or_default();
            event.levels.insert(level.to_owned());
            event.fields.extend(arguments.iter().filter_map(|argument| field_of(argument)));
        }
    }
    Ok(())
}

/// The rows of the page's tables: message, levels, fields, meaning, what to do.
fn page(text: &str) -> Events {
    let mut events = Events::new();
    let mut listed = false;
    for line in text.lines() {
        // The tables of events are those whose head says so.
        listed = line.starts_with("| event |") || (listed && line.starts_with('|'));
        if !listed || line.starts_with("| event |") || line.starts_with("| ---") {
            continue;
        }
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        let [message, levels, fields, meaning, action] = cells[..] else {
            panic!("a row has five cells: {line}")
        };
        assert!(!meaning.is_empty() && !action.is_empty(), "{line}");
        let event = Event {
            levels: levels.split(", ").map(str::to_owned).collect(),
            fields: fields.split_whitespace().map(|name| name.trim_matches('`').to_owned()).collect(),
        };
        assert!(event.levels.iter().all(|level| LEVELS.contains(&level.as_str())), "{line}");
        assert!(events.insert(message.to_owned(), event).is_none(), "twice: {message}");
    }
    events
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn the_page_tells_every_event_of_the_code_and_no_other() {
    let mut paths = Vec::new();
    files(&root().join("src"), &mut paths);
    let mut events = Events::new();
    for path in paths {
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        if name == "tests" || name.ends_with("_tests") {
            continue;
        }
        let source = std::fs::read_to_string(&path).unwrap();
        if let Err(wrong) = events_of(&source, &mut events) {
            panic!("{}: {wrong}", path.display());
        }
    }
    assert!(events.len() > 40, "{}", events.len());
    for name in ["docs/logs.md", "docs/logs.ja.md"] {
        let page = page(&std::fs::read_to_string(root().join(name)).unwrap());
        let missing: Vec<_> =
            events.iter().filter(|(message, event)| page.get(*message) != Some(event)).collect();
        assert!(missing.is_empty(), "not in {name}, or otherwise there: {missing:#?}");
        let gone: Vec<_> = page.keys().filter(|message| !events.contains_key(*message)).collect();
        assert!(gone.is_empty(), "in {name}, not in the code: {gone:#?}");
    }
}

#[test]
fn the_japanese_page_explains_every_event_in_japanese() {
    let page = |name: &str| std::fs::read_to_string(root().join(name)).unwrap();
    let headings = |text: &str| text.lines().filter(|line| line.starts_with("## ")).count();
    let (english, japanese) = (page("docs/logs.md"), page("docs/logs.ja.md"));
    assert_eq!(headings(&english), headings(&japanese));
    let events = |text: &str| -> Vec<String> {
        let rows = text.lines().filter(|line| line.starts_with("| ") && line.split('|').count() == 7);
        rows.map(|row| row.split('|').nth(1).unwrap().trim().to_owned()).collect()
    };
    assert_eq!(events(&english), events(&japanese), "in the same order");
    let kana = |text: &str| text.chars().any(|c| matches!(c, 'ぁ'..='ん'));
    for row in japanese.lines().filter(|line| line.starts_with("| ") && line.split('|').count() == 7) {
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        let head = cells[1] == "event" || cells[1] == "---";
        assert!(head || (kana(cells[4]) && kana(cells[5])), "{row}");
    }
}

#[test]
fn events_are_found_as_they_are_written() {
    let source = r##"
        // tracing::warn!("A comment.");
        tracing::warn!(target: "mallsync::http", shop, mall = self.word(1, "x, y"), error.code = %code, ?n, "It was so.");
        match c { '"' => 1, _ => 2 };
        tracing::error!("It was so.");
        #[cfg(test)]
mod tests { fn f() { info!("not ours"); } }
    "##;
    let mut events = Events::new();
    events_of(source, &mut events).unwrap();
    let event = &events["It was so."];
    assert_eq!(event.levels, ["error", "warn"].map(str::to_owned).into());
    assert_eq!(event.fields, ["error.code", "mall", "n", "shop"].map(str::to_owned).into());
    for wrong in [
        "warn!(\"Imported.\")",
        "tracing::info!(\"No sentence\")",
        "tracing::info!(\"Not {so}.\")",
        "tracing::info!(shop)",
    ] {
        assert!(events_of(wrong, &mut Events::new()).is_err(), "{wrong}");
    }
}

#[test]
fn a_page_that_differs_is_noticed() {
    let row = |text: &str| {
        page(&format!(
            "| event | level | fields | meaning | action |\n| --- | --- | --- | --- | --- |\n{text}\n"
        ))
    };
    let told = row("| It was so. | error, warn | `shop` `error.code` | so | do |");
    let mut events = Events::new();
    let source = "tracing::error!(shop, error.code = 1, \"It was so.\"); tracing::warn!(\"It was so.\");";
    events_of(source, &mut events).unwrap();
    assert_eq!(told, events);
    for other in [
        "| It was so. | error | `shop` `error.code` | so | do |",
        "| It was so. | error, warn | `shop` | so | do |",
    ] {
        assert_ne!(row(other), events, "{other}");
    }
}
