//! Progress of long work: a line per shop on a terminal, nothing in a pipe.

use std::collections::BTreeMap;
use std::io::{self, IsTerminal};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

use super::table::Look;
use super::words;
use crate::app::Progress;
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
            bar.enable_steady_tick(Duration::from_millis(120));
            bar
        });
        change(bar);
    }
}

impl Progress for Bars {
    fn page(&self, shop: &str, orders: u64, pages: u64, of: Option<(u64, u64)>) {
        let language = self.look.language;
        self.with(shop, |bar| match of {
            Some((done, all)) => {
                if bar.length() != Some(all) {
                    // The template is a constant; should it not parse, the plain line stays.
                    if let Ok(style) = ProgressStyle::with_template("{wide_bar} {msg}") {
                        bar.set_style(style);
                    }
                    bar.set_length(all);
                }
                bar.set_position(done);
                bar.set_message(words::PROGRESS_OF.with(language, &[&shop, &orders, &pages, &done, &all]));
            }
            None => bar.set_message(words::PROGRESS.with(language, &[&shop, &orders, &pages])),
        });
    }

    fn wait(&self, shop: &str, until: Timestamp) {
        let at = self.look.time(until);
        self.with(shop, |bar| {
            bar.set_message(words::PROGRESS_WAITS.with(self.look.language, &[&shop, &at]));
        });
    }

    fn done(&self, shop: &str) {
        self.with(shop, ProgressBar::finish);
    }
}
