//! What a stream reads and stores: pages, batches of orders in full, the cursor that covers them.

use serde_json::Value;
use tokio::task::JoinHandle;
use tracing::Instrument;

use super::NEW;
use super::run::{PollError, Ran, Run};
use crate::clock::Timestamp;
use crate::domain::ids::OrderRef;
use crate::engine::open::Position;
use crate::http::{Fault, Priority};
use crate::malls::{Cursor, Details, Fetched, SetAside, Stream};
use crate::store::orders::{NewSetAside, PageCommit, PageResult};
use crate::store::ready::{NewOrder, Preparer};
use crate::store::streams::StreamRow;
use crate::store::{Planning, StoreError};
use crate::telemetry::metrics;

/// Orders set aside that are tried again in one pass.
const SET_ASIDE_PER_PASS: u64 = 20;

/// So many single orders unreadable one after the other, and none readable, speak against the service.
const UNREADABLE: usize = 3;

/// Orders that are stored together.
#[derive(Default)]
struct Batch {
    orders: Vec<NewOrder>,
    bad: Vec<NewSetAside>,
}

impl Batch {
    fn add(
        &mut self,
        orders: Vec<Fetched>,
        bad: Vec<SetAside>,
        preparer: &mut Preparer,
    ) -> Result<(), StoreError> {
        for read in orders {
            self.orders.push(preparer.order(read.order, read.raw, read.read_at)?);
        }
        self.bad.extend(bad.into_iter().map(new_set_aside));
        Ok(())
    }

    fn take(&mut self, details: Details, preparer: &mut Preparer, now: Timestamp) -> Result<(), StoreError> {
        self.add(details.orders, details.bad, preparer)?;
        self.bad.extend(details.missing.into_iter().map(|missing| NewSetAside {
            mall_order_id: missing.mall_order_id,
            raw: Vec::new(),
            reason: "the mall lists the number but does not give the order; asked again".to_owned(),
            read_at: now,
        }));
        Ok(())
    }
}

impl Run<'_> {
    /// A list stream, page by page.
    pub(super) async fn list(&mut self, stream: Stream, row: &StreamRow) -> Result<Ran, PollError> {
        let mut cursor = row.cursor.clone();
        loop {
            if self.shared.stop.is_cancelled() {
                return Err(Fault::Stopping.into());
            }
            self.keep_lease().await?;
            let from = cursor.clone().map(Cursor);
            let call = self.shop.call(self.shared, priority(stream));
            let page = self.shop.mall.changes(&call, stream, from.as_ref(), &self.shop.scope).await?;
            let next = Some(page.next.0);
            let refs =
                self.shared.store.moved_orders(&self.shop.name, page.refs, self.shared.ambient.now()).await?;
            // What is stored of a page is not read again when it is listed again, if its list shows times of change. If it
            // does not, to stop within the page would be to read its beginning for ever.
            let resumes = refs.iter().all(|r| r.updated_at.is_some());
            // Details in batches, the next one read while the one before is stored: memory is bounded by two of them. The
            // cursor moves with the last one alone.
            let mut batches = refs.chunks(self.shop.mall.details_per_call().max(1));
            let mut batch = Batch::default();
            batch.add(page.orders, page.bad, &mut self.preparer)?;
            if let Some(refs) = batches.next() {
                let details = self.details(refs, priority(stream)).await?;
                batch.take(details, &mut self.preparer, self.shared.ambient.now())?;
            }
            for refs in batches {
                // Asked before: nothing may fail between the beginning of a transaction and the wait for its end.
                let gives_way = resumes && makes_way(stream) && self.new_is_due().await?;
                let storing = self.store(&row.stream, (cursor.clone(), cursor.clone()), batch);
                if gives_way {
                    self.stored(&row.stream, storing, page.progress).await?;
                    return Ok(Ran::MadeWay);
                }
                batch = Batch::default();
                let details = self.details(refs, priority(stream)).await;
                let now = self.shared.ambient.now();
                let taken = details.and_then(|read| Ok(batch.take(read, &mut self.preparer, now)?));
                self.stored(&row.stream, storing, page.progress).await?;
                taken?;
            }
            let storing = self.store(&row.stream, (cursor, next.clone()), batch);
            self.stored(&row.stream, storing, page.progress).await?;
            self.pass.pages += 1;
            cursor = next;
            if !page.more {
                return Ok(Ran::ToTheEnd);
            }
            if makes_way(stream) && self.new_is_due().await? {
                return Ok(Ran::MadeWay);
            }
        }
    }

    /// Orders of ours that are not closed.
    pub(super) async fn open(&mut self, row: &StreamRow) -> Result<Ran, PollError> {
        let per_page = self.shop.mall.details_per_call().max(1);
        let tiers = self.shop.mall.follows();
        let mut position = Position::read(row.cursor.as_ref(), tiers);
        let mut cursor = row.cursor.clone();
        while let Some(step) = position.next(tiers, self.shared.ambient.now()) {
            if self.shared.stop.is_cancelled() {
                return Err(Fault::Stopping.into());
            }
            self.keep_lease().await?;
            let found = self
                .shared
                .store
                .open_orders(
                    &self.shop.name,
                    step.statuses,
                    step.ordered_from,
                    step.ordered_until,
                    step.after.as_ref(),
                    per_page as u64,
                )
                .await?;
            let refs: Vec<OrderRef> = found.iter().map(|o| OrderRef::new(o.mall_order_id.clone())).collect();
            let mut batch = Batch::default();
            if !refs.is_empty() {
                let details = self.details(&refs, Priority::Spare).await?;
                batch.take(details, &mut self.preparer, self.shared.ambient.now())?;
            }
            let last = (found.len() == per_page)
                .then(|| found.last().map(|o| (o.ordered_at, o.id.clone())))
                .flatten();
            position.advance(&step, last);
            let next = Some(position.write());
            let storing = self.store(&row.stream, (cursor, next.clone()), batch);
            self.stored(&row.stream, storing, None).await?;
            cursor = next;
            if self.new_is_due().await? {
                return Ok(Ran::MadeWay);
            }
        }
        Ok(Ran::ToTheEnd)
    }

    /// Orders set aside whose next try is due.
    pub(super) async fn again(&mut self) {
        if !self.shop.mall.rereads() {
            return;
        }
        let now = self.shared.ambient.now();
        let due = self.shared.store.due_set_aside(&self.shop.name, now, SET_ASIDE_PER_PASS).await;
        let refs: Vec<OrderRef> = match due {
            Ok(ids) => ids.into_iter().map(OrderRef::new).collect(),
            Err(e) => return self.fail("database", &e.to_string()),
        };
        for one in refs.chunks(self.shop.mall.details_per_call().max(1)) {
            let outcome = async {
                let mut batch = Batch::default();
                batch.take(self.details(one, Priority::Spare).await?, &mut self.preparer, now)?;
                let cursor = self.cursor(NEW).await?;
                let storing = self.store(NEW, (cursor.clone(), cursor), batch);
                self.stored(NEW, storing, None).await
            };
            if let Err(e) = outcome.await {
                self.fail(e.kind(), &e.to_string());
            }
        }
    }

    async fn cursor(&self, stream: &str) -> Result<Option<Value>, StoreError> {
        let rows = self.shared.store.streams(Some(&self.shop.name)).await?;
        Ok(rows.into_iter().find(|row| row.stream == stream).and_then(|row| row.cursor))
    }

    async fn new_is_due(&self) -> Result<bool, StoreError> {
        let rows = self.shared.store.streams(Some(&self.shop.name)).await?;
        let now = self.shared.ambient.now();
        Ok(rows.iter().any(|row| row.stream == NEW && row.due_at <= now))
    }

    /// Reads orders in full; a batch that cannot be read is halved down to the bad order, which alone is set aside (I4,
    /// decisions.md 17).
    async fn details(&mut self, refs: &[OrderRef], priority: Priority) -> Result<Details, PollError> {
        let mut all = Details::default();
        let mut batches = vec![refs];
        while let Some(batch) = batches.pop() {
            self.keep_lease().await?;
            let call = self.shop.call(self.shared, priority);
            let sent_at = self.shared.ambient.now();
            match self.shop.mall.details(&call, batch).await {
                Ok(details) => {
                    all.orders.extend(details.orders);
                    all.missing.extend(details.missing);
                    all.bad.extend(details.bad);
                }
                Err(Fault::Malformed(reason)) if batch.len() == 1 => {
                    all.bad.push(SetAside {
                        mall_order_id: batch[0].mall_order_id.clone(),
                        raw: Vec::new(),
                        reason: format!("unreadable answer: {reason}"),
                        read_at: sent_at,
                    });
                    // Nothing but unreadable answers is the service's state, not these orders' fault.
                    if all.orders.is_empty() && all.bad.len() >= UNREADABLE && refs.len() > 1 {
                        return Err(Fault::Transient(format!("no answer can be read: {reason}")).into());
                    }
                }
                Err(Fault::Malformed(_)) => {
                    let (first, second) = batch.split_at(batch.len() / 2);
                    batches.push(second);
                    batches.push(first);
                }
                Err(fault) => return Err(fault.into()),
            }
        }
        Ok(all)
    }

    /// Begins to store a batch, with the cursor before and after it. Once begun it ends by itself, whatever becomes of
    /// this pass: the transaction stands under the lease's fence.
    fn store(
        &self,
        stream: &str,
        (cursor_before, cursor_after): (Option<Value>, Option<Value>),
        batch: Batch,
    ) -> JoinHandle<Result<PageResult, StoreError>> {
        for order in &batch.bad {
            tracing::warn!(shop = %self.shop.name, mall = self.shop.mall_word, mall_order_id = %order.mall_order_id,
                error.message = %order.reason, "Order set aside.");
        }
        for read in &batch.orders {
            self.shop.unknown.notice(&self.shop.name, self.shop.mall_word, read.order());
        }
        let page = PageCommit {
            mall: self.shop.mall_word.to_owned(),
            stream: stream.to_owned(),
            cursor_before,
            cursor_after,
            orders: batch.orders,
            bad: batch.bad,
        };
        let (store, contracts, lease) =
            (self.shared.store.clone(), self.shared.contracts.clone(), self.lease.clone());
        let (now, busy) = (self.shared.ambient.now(), self.shared.ambient.clock().busy());
        let storing = async move {
            let contracts = contracts.now().await;
            let planning = Planning { contracts: &contracts, now };
            let result = store.commit_page(&lease, &page, &planning).await;
            drop(busy);
            result
        };
        tokio::spawn(storing.in_current_span())
    }

    /// Waits until a batch is stored, and counts it.
    async fn stored(
        &mut self,
        stream: &str,
        storing: JoinHandle<Result<PageResult, StoreError>>,
        progress: Option<(u64, u64)>,
    ) -> Result<(), PollError> {
        let result = match storing.await {
            Ok(result) => result?,
            Err(e) if e.is_panic() => std::panic::resume_unwind(e.into_panic()),
            // The runtime is going down.
            Err(_) => return Err(Fault::Stopping.into()),
        };
        metrics::page(&self.shop.subject(), result.new, result.changed);
        let sum = &mut self.pass.result;
        sum.new += result.new;
        sum.changed += result.changed;
        sum.unchanged += result.unchanged;
        sum.set_aside += result.set_aside;
        sum.planned += result.planned;
        (self.on_page)(stream, &result, progress);
        Ok(())
    }
}

/// New orders first; the other streams live on the quota left over.
const fn priority(stream: Stream) -> Priority {
    match stream {
        Stream::New => Priority::Live,
        Stream::Late | Stream::Open | Stream::Backfill { .. } => Priority::Spare,
    }
}

/// Whether a stream stops on its way when new orders are to be looked for.
const fn makes_way(stream: Stream) -> bool {
    matches!(stream, Stream::Backfill { .. } | Stream::Late)
}

fn new_set_aside(bad: SetAside) -> NewSetAside {
    NewSetAside { mall_order_id: bad.mall_order_id, raw: bad.raw, reason: bad.reason, read_at: bad.read_at }
}
