//! One pass over the shops, here and now, and backfills, with what is told of long work.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::{App, AppError, Due, SyncOptions, SyncSummary};
use crate::clock::Timestamp;
use crate::engine::chores::{self, ShopPass};
use crate::engine::poll::{self, Shared, Shop};
use crate::store::StoreError;

/// Told of long work, for progress bars.
pub trait Progress: Send + Sync {
    /// A page was stored.
    fn page(&self, shop: &str, done: &Done);
    /// A quota imposes a wait.
    fn wait(&self, shop: &str, until: Timestamp);
    /// The shop is done.
    fn done(&self, shop: &str);
}

/// How far long work of a shop is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Done {
    /// Orders read.
    pub orders: u64,
    /// Pages stored.
    pub pages: u64,
    /// How much of how much, where the mall says it.
    pub of: Option<(u64, u64)>,
    /// When all will be done at the pace so far.
    pub ends_at: Option<Timestamp>,
}

/// When `of.1` will be reached by who was at `first` when he began and is at `of.0` now.
fn ends_at(began: Timestamp, now: Timestamp, first: u64, of: (u64, u64)) -> Option<Timestamp> {
    let (done, left) = (of.0.saturating_sub(first), of.1.saturating_sub(of.0));
    let spent = u64::try_from(now.since(began).as_micros()).ok()?;
    let ahead = u128::from(spent) * u128::from(left) / u128::from(done.max(1));
    (done > 0).then(|| now + Duration::from_micros(u64::try_from(ahead).unwrap_or(u64::MAX)))
}

impl App {
    /// One pass over the shops, here and now; a backfill with `since`; `send` adds the operations that are due.
    ///
    /// # Errors
    /// [`AppError`] when a shop is not known or the database fails at the start.
    pub async fn sync(
        &self,
        options: &SyncOptions,
        progress: &dyn Progress,
        stop: CancellationToken,
    ) -> Result<SyncSummary, AppError> {
        let connected = self.connect();
        for name in &options.shops {
            if !connected.shops.iter().any(|s| s.name == *name) {
                let known = self.config.shops.iter().map(|s| s.name.as_str()).collect::<Vec<_>>().join(", ");
                let why = connected
                    .broken
                    .iter()
                    .find(|b| b.subject == format!("shops.{name}"))
                    .and_then(|b| b.problems.first())
                    .map_or_else(
                        || format!("no enabled shop {name:?}; known: {known}"),
                        |p| format!("shops.{name}.{}: {}", p.key, p.message),
                    );
                return Err(AppError::NotFound(why));
            }
        }
        let (shared, _) = self.shared(stop);
        let mut summary = SyncSummary::default();
        for broken in connected.broken.iter().filter(|b| b.subject.starts_with("shops.")) {
            let name = broken.subject.trim_start_matches("shops.");
            if options.shops.is_empty() || options.shops.iter().any(|s| s == name) {
                let error = broken.problems.first().map(|p| format!("config: {}: {}", p.key, p.message));
                summary.shops.push(ShopPass { shop: name.to_owned(), error, ..ShopPass::default() });
            }
        }
        let wanted = connected
            .shops
            .iter()
            .filter(|shop| options.shops.is_empty() || options.shops.contains(&shop.name));
        let passes = wanted.map(|shop| self.sync_shop(&shared, shop, options, progress));
        for pass in futures_util::future::join_all(passes).await {
            summary.shops.push(pass?);
        }
        if options.send {
            self.drain(&shared, &connected, &Due::All, &mut summary).await?;
        }
        Ok(summary)
    }

    async fn sync_shop(
        &self,
        shared: &Shared,
        shop: &Shop,
        options: &SyncOptions,
        progress: &dyn Progress,
    ) -> Result<ShopPass, StoreError> {
        let _busy = self.ambient.clock().busy();
        shop.prepare(shared).await?;
        let streams = chores::begin(shared, shop, options).await?;
        let mut all = ShopPass { shop: shop.name.clone(), ..ShopPass::default() };
        let began = self.ambient.now();
        // With what the mall's own count was at first: a backfill goes on where it stopped.
        let told = std::sync::Mutex::new((Done::default(), None));
        let on_page = |stream: &str, page: &crate::store::orders::PageResult, of: Option<(u64, u64)>| {
            let mut told = told.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            let (done, first) = &mut *told;
            done.orders += page.new + page.changed + page.unchanged;
            done.pages += 1;
            // The live streams' counts are of their own pages, a few.
            let of = of.filter(|_| options.since.is_none() || stream.starts_with(poll::BACKFILL));
            done.of = of.filter(|_| stream != poll::OPEN);
            let first = done.of.map(|(at, _)| *first.get_or_insert(at));
            let now = self.ambient.now();
            done.ends_at = done.of.zip(first).and_then(|(of, first)| ends_at(began, now, first, of));
            progress.page(&shop.name, done);
        };
        let mut live = true;
        loop {
            let pass = shop.pass(shared, &streams, live, &on_page).await;
            all.add(&pass);
            // Asked for once; from here on they keep to their schedule, and leave the quota to the backfill.
            live = options.since.is_none();
            if let Some(until) = pass.waits_until {
                progress.wait(&shop.name, until);
                let _awake;
                let _rest = self.ambient.clock().rest();
                tokio::select! {
                    awake = self.ambient.clock().sleep_until(until) => {
                        _awake = awake;
                        continue;
                    }
                    () = shared.stop.cancelled() => {}
                }
            }
            if all.error.is_some()
                || shared.stop.is_cancelled()
                || chores::finished(shared, shop, &streams).await
            {
                progress.done(&shop.name);
                return Ok(all);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_follows_from_the_pace_so_far() {
        let began = Timestamp::from_micros(0);
        let now = began + Duration::from_secs(100);
        let at = |first, of| ends_at(began, now, first, of).map(|at| at.since(began).as_secs());
        assert_eq!(at(0, (25, 100)), Some(400));
        assert_eq!(at(50, (75, 100)), Some(200), "a backfill that goes on where it stopped");
        assert_eq!(at(0, (0, 100)), None, "no pace yet");
        assert_eq!(at(0, (100, 100)), Some(100));
    }
}
