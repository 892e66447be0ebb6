//! What is wrong, and where every key stands.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::PathBuf;

/// One thing wrong with the config. Displays as `path:line: key: message`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The file.
    pub file: Option<PathBuf>,
    /// 1-based, where known.
    pub line: Option<usize>,
    /// `shops.rakuten-main.license_key`; empty when the whole file is meant.
    pub key: String,
    /// What is wrong, what was expected, the nearest known key.
    pub message: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(file) = &self.file {
            write!(f, "{}:", file.display())?;
            if let Some(line) = self.line {
                write!(f, "{line}:")?;
            }
            f.write_str(" ")?;
        }
        if !self.key.is_empty() {
            write!(f, "{}: ", self.key)?;
        }
        f.write_str(&self.message)
    }
}

/// Where a key was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// Index of the file, and the line.
    File(usize, usize),
    /// The variable's name.
    Variable(String),
}

/// Everything found so far, with the places that findings point at.
#[derive(Debug, Default)]
pub(super) struct Findings {
    pub(super) files: Vec<PathBuf>,
    places: BTreeMap<String, Place>,
    /// Lines that cannot be parsed: what follows from them is not worth telling.
    broken: BTreeSet<(usize, usize)>,
    list: RefCell<Vec<(usize, usize, Finding)>>,
}

impl Findings {
    /// Notes where `key` was given; gives back where it was given before.
    pub(super) fn place(&mut self, key: String, place: Place) -> Option<Place> {
        self.places.insert(key, place)
    }

    /// Notes where a table begins, unless an earlier file began it.
    pub(super) fn place_table(&mut self, key: String, place: Place) {
        self.places.entry(key).or_insert(place);
    }

    /// Whether `key` itself was given by a variable.
    pub(super) fn by_variable(&self, key: &str) -> bool {
        matches!(self.places.get(key), Some(Place::Variable(_)))
    }

    /// A line that is no TOML, or not the text it should be.
    pub(super) fn broken(&mut self, file: usize, line: Option<usize>, message: String) {
        if let Some(line) = line {
            if !self.broken.insert((file, line)) {
                return;
            }
        } else {
            self.broken.insert((file, 0));
        }
        self.at(file, line, String::new(), message);
    }

    /// A remark on a line that was mended, so what follows from it stays worth telling.
    pub(super) fn at(&self, file: usize, line: Option<usize>, key: String, message: String) {
        let finding = Finding { file: self.files.get(file).cloned(), line, key, message };
        self.list.borrow_mut().push((file, line.unwrap_or(0), finding));
    }

    /// Something wrong with `key`, at the place where it, or the nearest table around it, was given.
    pub(super) fn add(&self, key: &str, message: impl Into<String>) {
        let message = message.into();
        let exact = self.places.contains_key(key);
        if !exact && !self.broken.is_empty() {
            // The key may stand in the part that could not be read.
            return;
        }
        match self.nearest(key) {
            Some(Place::File(file, line)) if self.broken.contains(&(*file, *line)) => {}
            Some(Place::File(file, line)) => self.at(*file, Some(*line), key.to_owned(), message),
            Some(Place::Variable(name)) => {
                let message = format!("{message} (given by the environment variable {name})");
                let finding = Finding { file: None, line: None, key: key.to_owned(), message };
                self.list.borrow_mut().push((usize::MAX, 0, finding));
            }
            None => self.at(0, None, key.to_owned(), message),
        }
    }

    /// Something wrong with a variable that names no key.
    pub(super) fn variable(&self, name: &str, message: String) {
        let finding = Finding { file: None, line: None, key: name.to_owned(), message };
        self.list.borrow_mut().push((usize::MAX, 0, finding));
    }

    /// For messages: `/etc/mallsync/mallsync.toml:12`.
    pub(super) fn shown(&self, key: &str) -> String {
        match self.nearest(key) {
            Some(place) => self.show(place),
            None => key.to_owned(),
        }
    }

    pub(super) fn show(&self, place: &Place) -> String {
        match place {
            Place::File(file, line) => {
                self.files.get(*file).map_or_else(String::new, |path| format!("{}:{line}", path.display()))
            }
            Place::Variable(name) => name.clone(),
        }
    }

    fn nearest(&self, key: &str) -> Option<&Place> {
        let mut key = key;
        loop {
            if let Some(place) = self.places.get(key) {
                return Some(place);
            }
            let end = key.rfind(['.', '['])?;
            key = &key[..end];
        }
    }

    /// Whether nothing was found.
    pub(super) fn is_empty(&self) -> bool {
        self.list.borrow().is_empty()
    }

    /// All of them, in the order of files and lines.
    pub(super) fn sorted(self) -> Vec<Finding> {
        let mut list = self.list.into_inner();
        list.sort_by_key(|(file, line, _)| (*file, *line));
        list.dedup_by(|a, b| a.2 == b.2);
        list.into_iter().map(|(_, _, finding)| finding).collect()
    }
}
