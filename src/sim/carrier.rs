//! What comes as files: the cart's order files and B2's slip files, dropped into folders whole or not at all.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use tokio_util::sync::CancellationToken;

use super::cart::{Encoding, Format};
use super::{Options, Rule, World};
use crate::clock::Timestamp;

/// Where files are dropped.
#[derive(Clone, Debug)]
pub struct Folders {
    /// The own cart's order files.
    pub orders: PathBuf,
    /// B2クラウド's slip files.
    pub slips: PathBuf,
    /// Key files that the shops' sections of the config name.
    pub keys: PathBuf,
}

impl Folders {
    /// All of them below `home`.
    #[must_use]
    pub fn below(home: &Path) -> Self {
        Self { orders: home.join("orders"), slips: home.join("slips"), keys: home.join("keys") }
    }

    /// Makes the folders and writes the key files of `options`' shops.
    ///
    /// # Errors
    /// When a folder or file cannot be written.
    pub fn prepare(&self, options: &Options) -> io::Result<()> {
        for folder in [&self.orders, &self.slips, &self.keys] {
            std::fs::create_dir_all(folder)?;
        }
        for (name, content) in options.yahoo.iter().flat_map(super::YahooShop::key_files) {
            std::fs::write(self.keys.join(name), content)?;
        }
        Ok(())
    }
}

/// What one round of cart and carrier did.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Tick {
    /// The order file that was written.
    pub orders: Option<PathBuf>,
    /// The slip file that was written.
    pub slips: Option<PathBuf>,
    /// Settlements whose parcels were scanned a day after they were registered, or, with another carrier, that the
    /// night's batch settled.
    pub settled: Vec<String>,
}

impl World {
    /// One round: the cart drops what changed since the last round, B2 what it issued since, parcels registered a
    /// day ago are scanned, and the gateway's nightly batch settles what went with another carrier. The first round covers the cart's whole history.
    ///
    /// # Errors
    /// When a folder or file cannot be written.
    pub fn carrier_tick(&self, folders: &Folders) -> io::Result<Tick> {
        let now = self.now();
        let since =
            self.state().tick.unwrap_or_else(|| self.options.cart.first_at.min(now) - Duration::from_secs(1));
        let orders = self.cart_file(Format::EcCube4, Encoding::Cp932, since, now)?;
        let slips = self.b2_file(since, now)?;
        let stamp = now.jst().format("%Y%m%d-%H%M%S");
        let orders =
            orders.map(|bytes| write(&folders.orders, &format!("orders-{stamp}.csv"), &bytes)).transpose()?;
        let slips =
            slips.map(|bytes| write(&folders.slips, &format!("b2-{stamp}.csv"), &bytes)).transpose()?;
        self.state().tick = Some(now);
        Ok(Tick { orders, slips, settled: self.settle(now) })
    }

    /// [`World::carrier_tick`] now and then every `every` of simulated time, until `stop`.
    ///
    /// # Errors
    /// When a folder or file cannot be written.
    pub async fn run_carrier(
        self: Arc<Self>,
        folders: Folders,
        every: Duration,
        stop: CancellationToken,
    ) -> io::Result<()> {
        let mut next = self.now();
        loop {
            let (world, target) = (Arc::clone(&self), folders.clone());
            tokio::task::spawn_blocking(move || world.carrier_tick(&target))
                .await
                .map_err(io::Error::other)??;
            // From the planned time, so that a slow round moves none after it; missed rounds collapse to one.
            next = (next + every).max(self.now());
            tokio::select! {
                () = stop.cancelled() => return Ok(()),
                _ = self.options.clock.sleep_until(next) => {}
            }
        }
    }

    /// One rule for faults and nothing else.
    pub fn set_fault(&self, rule: Rule) {
        self.set_faults(vec![rule]);
    }

    /// The latest round's time, for those who show it.
    #[must_use]
    pub fn last_tick(&self) -> Option<Timestamp> {
        self.state().tick
    }
}

/// Writes beside the target and renames: a reader sees the whole file or none.
fn write(folder: &Path, name: &str, bytes: &[u8]) -> io::Result<PathBuf> {
    std::fs::create_dir_all(folder)?;
    let unfinished = folder.join(format!(".{name}.tmp"));
    std::fs::write(&unfinished, bytes)?;
    let target = folder.join(name);
    std::fs::rename(&unfinished, &target)?;
    Ok(target)
}
