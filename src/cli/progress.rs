//! Progress of long work: a line per shop on a terminal, nothing in a pipe.

use std::collections::BTreeMap;
use std::io::{self, IsTerminal};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

use super::table::Look;
use super::words;
use crate::app::{Done, Progress};
use crate::clock::Timestamp;

/// Lines on stderr.
pub struct Bars {
    look: Look,
    all: Option<MultiProgress>,
    shops: Mutex<BTreeMap<String, ProgressBar>>,
}

impl Bars {
    /// Shown when stderr is a terminal.
    pub fn new(look: Look) -> Self {
        let all = io::stderr().is_terminal().then(MultiProgress::new);
        Self { look, all, shops: Mutex::default() }
    }

    fn with(&self, shop: &str, change: impl FnOnce(&ProgressBar)) {
        let Some(all) = &self.all else { return };
        let mut shops = self.shops.lock().unwrap_or_else(PoisonError::into_inner);
        let bar = shops.entry(shop.to_owned()).or_insert_with(|| {
            let bar = all.add(ProgressBar::new_spinner());
            style(&bar, "{spinner} {msg} {prefix}");
            bar.enable_steady_tick(Duration::from_millis(120));
            bar
        });
        change(bar);
    }
}

/// The templates are constants; should one not parse, the plain line stays.
fn style(bar: &ProgressBar, template: &str) {
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
}

impl Progress for Bars {
    fn page(&self, shop: &str, done: &Done) {
        let language = self.look.language;
        let Done { orders, pages, of, ends_at } = *done;
        let ends = ends_at
            .map_or_else(String::new, |at| words::PROGRESS_ENDS.with(language, &[&self.look.time(at)]));
        self.with(shop, |bar| bar.set_prefix(""));
        self.with(shop, |bar| match of {
            Some((done, all)) => {
                if bar.length() != Some(all) {
                    style(bar, "{wide_bar} {msg} {prefix}");
                    bar.set_length(all);
                }
                bar.set_position(done);
                bar.set_message(
                    words::PROGRESS_OF.with(language, &[&shop, &orders, &pages, &done, &all, &ends]),
                );
            }
            None => bar.set_message(words::PROGRESS.with(language, &[&shop, &orders, &pages])),
        });
    }

    fn wait(&self, shop: &str, until: Timestamp) {
        let at = self.look.time(until);
        self.with(shop, |bar| {
            bar.set_prefix(words::PROGRESS_WAITS.with(self.look.language, &[&at]));
        });
    }

    fn done(&self, shop: &str) {
        self.with(shop, ProgressBar::finish);
    }
}
