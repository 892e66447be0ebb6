//! Pages, versions, what is set aside, and the lists of orders.

use std::time::Duration;

use mallsync::domain::ids::OrderRef;
use mallsync::domain::money::Yen;
use mallsync::domain::order::{Carrier, Shipment, Status};
use mallsync::secret::Personal;
use mallsync::store::StoreError;
use mallsync::store::orders::{By, NewSetAside, OpenOrder, OrderFilter, PageResult};

use crate::facts::{Poller, at, found, order, package, planning, read_at};
use crate::support::stores;

#[tokio::test]
async fn an_order_is_stored_once_and_again_when_it_changed() {
    for db in stores().await {
        let mut poller = Poller::new(&db, "cart").await;
        let mut first = order("A-1");
        let result = poller.read(&db, 1, &[first.clone(), order("A-2")], &[]).await;
        assert_eq!(result, PageResult { new: 2, ..PageResult::default() }, "{}", db.name);

        let result = poller.read(&db, 2, std::slice::from_ref(&first), &[]).await;
        assert_eq!(result, PageResult { unchanged: 1, ..PageResult::default() }, "{}", db.name);

        first.status = Status::Shipped;
        first.amounts.due = Some(Yen(9_800));
        let result = poller.read(&db, 3, std::slice::from_ref(&first), &[]).await;
        assert_eq!(result, PageResult { changed: 1, ..PageResult::default() }, "{}", db.name);

        let view = found(&db, "A-1").await;
        assert_eq!((view.order.status, view.first_seen_at, view.changed_at), (Status::Shipped, at(1), at(3)));
        let history = db.store.history(&view.id).await.unwrap();
        assert_eq!(history.iter().map(|v| v.number).collect::<Vec<_>>(), [1, 2], "{}", db.name);
        assert!(history[0].changes.is_empty());
        let paths: Vec<_> = history[1].changes.iter().map(|c| c.path.as_str()).collect();
        assert_eq!(paths, ["amounts.due", "status"], "{}", db.name);
        assert_eq!(history[1].raw.as_deref(), Some(serde_json::to_vec(&first).unwrap().as_slice()));
    }
}

#[tokio::test]
async fn an_older_read_never_wins() {
    for db in stores().await {
        let mut poller = Poller::new(&db, "cart").await;
        let mut newer = order("A-1");
        newer.status = Status::Canceled;
        poller.read(&db, 5, &[newer], &[]).await;
        let result = poller.read(&db, 4, &[order("A-1")], &[]).await;
        assert_eq!(result, PageResult { unchanged: 1, ..PageResult::default() }, "{}", db.name);
        assert_eq!(found(&db, "A-1").await.order.status, Status::Canceled, "{}", db.name);
    }
}

#[tokio::test]
async fn an_order_that_a_page_shows_twice_is_stored_once() {
    for db in stores().await {
        let mut poller = Poller::new(&db, "cart").await;
        let mut page = poller.page(vec![read_at(&order("A-1"), 1)]);
        let mut later = order("A-1");
        later.status = Status::Shipped;
        page.orders.push(read_at(&later, 2));
        page.orders.push(read_at(&later, 2));
        let result = db.store.commit_page(&poller.lease, &page, &planning(&[])).await.unwrap();
        assert_eq!(result.new, 1, "{}", db.name);
        assert_eq!(found(&db, "A-1").await.order.status, Status::Shipped, "{}", db.name);
        poller.read(&db, 3, &[later], &[]).await;
    }
}

#[tokio::test]
async fn personal_data_that_the_mall_blanked_is_kept() {
    for db in stores().await {
        let mut poller = Poller::new(&db, "cart").await;
        let full = order("A-1");
        poller.read(&db, 1, std::slice::from_ref(&full), &[]).await;
        let mut blanked = full.clone();
        blanked.buyer.name = None;
        blanked.packages[0].recipient.postal_code = None;
        blanked.status = Status::Shipped;
        poller.read(&db, 2, std::slice::from_ref(&blanked), &[]).await;
        let view = found(&db, "A-1").await;
        assert_eq!(view.order.buyer.name, Personal::new("試験 花子"), "{}", db.name);
        assert_eq!(view.order.packages[0].recipient.postal_code, Personal::new("1000001"), "{}", db.name);
        assert_eq!(view.order.status, Status::Shipped);
        let result = poller.read(&db, 3, &[blanked], &[]).await;
        assert_eq!(result.unchanged, 1, "{}", db.name);
    }
}

#[tokio::test]
async fn a_page_from_another_cursor_or_fence_stores_nothing() {
    for db in stores().await {
        let mut poller = Poller::new(&db, "cart").await;
        poller.read(&db, 1, &[], &[]).await;
        let mut stale = poller.page(vec![read_at(&order("A-1"), 2)]);
        stale.cursor_before = None;
        stale.cursor_after = Some(serde_json::json!(2));
        let lost = db.store.commit_page(&poller.lease, &stale, &planning(&[])).await;
        assert!(matches!(lost, Err(StoreError::LeaseLost)), "{}: {lost:?}", db.name);

        let other = db.store.claim_shop("cart", "two", at(700), at(900)).await.unwrap().unwrap();
        assert!(other.fence > poller.lease.fence);
        let mut page = poller.page(vec![read_at(&order("A-1"), 2)]);
        page.cursor_after = Some(serde_json::json!(2));
        let lost = db.store.commit_page(&poller.lease, &page, &planning(&[])).await;
        assert!(matches!(lost, Err(StoreError::LeaseLost)), "{}: {lost:?}", db.name);
        assert!(db.store.find_orders("A-1").await.unwrap().is_empty(), "{}", db.name);

        db.store.commit_page(&other, &page, &planning(&[])).await.unwrap();
        let row =
            db.store.streams(Some("cart")).await.unwrap().into_iter().find(|r| r.stream == "new").unwrap();
        assert_eq!((row.cursor, row.orders, row.pages), (Some(serde_json::json!(2)), 1, 2), "{}", db.name);
    }
}

#[tokio::test]
async fn a_bad_order_is_set_aside_and_tried_again_ever_more_rarely() {
    for db in stores().await {
        let poller = Poller::new(&db, "cart").await;
        let bad = |minutes| NewSetAside {
            mall_order_id: "B-1".to_owned(),
            raw: b"{\"broken".to_vec(),
            reason: "not JSON".to_owned(),
            read_at: at(minutes),
        };
        let commit = async |minutes, orders| {
            let mut page = poller.page(orders);
            if page.orders.is_empty() {
                page.bad = vec![bad(minutes)];
            }
            db.store.commit_page(&poller.lease, &page, &planning(&[])).await.unwrap()
        };
        let mut page = poller.page(vec![read_at(&order("A-1"), 0)]);
        page.bad = vec![bad(0)];
        let result = db.store.commit_page(&poller.lease, &page, &planning(&[])).await.unwrap();
        assert_eq!((result.new, result.set_aside), (1, 1), "{}", db.name);

        // Seen again before its time: nothing is written.
        commit(5, vec![]).await;
        let row = db.store.set_aside(Some("cart")).await.unwrap().remove(0);
        assert_eq!((row.tries, row.last_at, row.reason.as_str()), (1, at(0), "not JSON"), "{}", db.name);
        assert!(db.store.due_set_aside("cart", at(9), 10).await.unwrap().is_empty());
        assert_eq!(db.store.due_set_aside("cart", at(10), 10).await.unwrap(), ["B-1"], "{}", db.name);

        commit(10, vec![]).await;
        assert!(db.store.due_set_aside("cart", at(29), 10).await.unwrap().is_empty(), "{}", db.name);
        assert_eq!(db.store.due_set_aside("cart", at(30), 10).await.unwrap(), ["B-1"]);
        for tries in 3..12 {
            commit(tries * 1_440, vec![]).await;
        }
        assert_eq!(db.store.due_set_aside("cart", at(12 * 1_440), 10).await.unwrap(), ["B-1"], "{}", db.name);

        commit(20_000, vec![read_at(&order("B-1"), 20_000)]).await;
        assert!(db.store.set_aside(None).await.unwrap().is_empty(), "{}", db.name);
    }
}

#[tokio::test]
async fn lists_page_by_key_and_filter() {
    for db in stores().await {
        let mut poller = Poller::new(&db, "cart").await;
        let mut orders = Vec::new();
        for i in 0..7_u64 {
            let mut order = order(&format!("A-{i}"));
            // Two at the same time each: the id breaks the tie.
            order.ordered_at = at(i / 2 * 60);
            if i % 3 == 0 {
                order.status = Status::Completed;
                let day = at(i * 1_440).jst_date();
                order.packages[0].shipped_on = Some(day);
                order.packages[0].shipments = vec![Shipment {
                    carrier: Some(Carrier::Yamato),
                    tracking_number: None,
                    shipped_on: Some(day),
                }];
            }
            orders.push(order);
        }
        poller.read(&db, 1, &orders, &[]).await;
        let mut other = Poller::new(&db, "other").await;
        other.read(&db, 1, &[order("A-1")], &[]).await;

        let filter = OrderFilter { shop: Some("cart".to_owned()), limit: Some(2), ..OrderFilter::default() };
        let (mut seen, mut after) = (Vec::new(), None);
        loop {
            let filter = OrderFilter { after: after.clone(), ..filter.clone() };
            let page = db.store.list_orders(&filter).await.unwrap();
            let Some(last) = page.last() else { break };
            after = Some((last.order.ordered_at, last.id.clone()));
            seen.extend(page.into_iter().map(|v| (v.order.ordered_at, v.order.mall_order_id)));
        }
        assert_eq!(seen.len(), 7, "{}", db.name);
        assert!(seen.is_sorted_by(|a, b| a.0 >= b.0), "{}: {seen:?}", db.name);

        let list = async |filter: OrderFilter| {
            let views = db.store.list_orders(&filter).await.unwrap();
            let mut numbers: Vec<_> = views.into_iter().map(|v| v.order.mall_order_id).collect();
            numbers.sort();
            numbers
        };
        let since = OrderFilter { since: Some(at(60)), until: Some(at(120)), ..OrderFilter::default() };
        assert_eq!(list(since).await, ["A-2", "A-3"], "{}", db.name);
        let status = OrderFilter { status: Some(Status::Completed), ..OrderFilter::default() };
        assert_eq!(list(status).await, ["A-0", "A-3", "A-6"], "{}", db.name);
        let shipped = OrderFilter { by: By::Shipped, since: Some(at(1)), ..OrderFilter::default() };
        assert_eq!(list(shipped).await, ["A-3", "A-6"], "{}", db.name);
        let changed = OrderFilter { by: By::Changed, until: Some(at(1)), ..OrderFilter::default() };
        assert!(list(changed).await.is_empty(), "{}", db.name);

        // The same number in two shops, and as people type it.
        assert_eq!(db.store.find_orders(" Ａ-１ ").await.unwrap().len(), 2, "{}", db.name);
        let counts = db.store.count_orders().await.unwrap();
        let counts: Vec<_> = counts.iter().map(|c| (c.shop.as_str(), c.status, c.orders)).collect();
        assert_eq!(
            counts,
            [
                ("cart", Status::AwaitingShipment, 4),
                ("cart", Status::Completed, 3),
                ("other", Status::AwaitingShipment, 1)
            ],
            "{}",
            db.name
        );
        assert_eq!(db.store.newest_order("other").await.unwrap().as_deref(), Some("A-1"), "{}", db.name);
        assert_eq!(db.store.newest_order("nobody").await.unwrap(), None);
    }
}

#[tokio::test]
async fn open_orders_come_oldest_first_and_go_on_where_they_stopped() {
    for db in stores().await {
        let mut poller = Poller::new(&db, "cart").await;
        let orders: Vec<_> = (0..6_u64)
            .map(|i| {
                let mut order = order(&format!("A-{i}"));
                order.ordered_at = at(0) - Duration::from_secs(3_600 * (10 - i));
                order.status = if i == 2 { Status::Completed } else { Status::AwaitingShipment };
                order.packages.push(package("2", "1000002"));
                order
            })
            .collect();
        poller.read(&db, 1, &orders, &[]).await;
        let statuses = [Status::AwaitingShipment, Status::Completed];
        let from = at(0) - Duration::from_secs(3_600 * 9);
        let page = async |after: Option<&OpenOrder>| {
            let after = after.map(|o| (o.ordered_at, o.id.clone()));
            db.store.open_orders("cart", &statuses, from, at(0), after.as_ref(), 2).await.unwrap()
        };
        let first = page(None).await;
        let second = page(first.last()).await;
        let numbers: Vec<_> = first.iter().chain(&second).map(|o| o.mall_order_id.as_str()).collect();
        assert_eq!(numbers, ["A-1", "A-3", "A-4", "A-5"], "{}", db.name);
        let none = db.store.open_orders("cart", &[Status::Pending], from, at(0), None, 9).await.unwrap();
        assert!(none.is_empty(), "{}", db.name);
    }
}

#[tokio::test]
async fn an_order_is_read_again_only_if_its_list_shows_another_time() {
    for db in stores().await {
        let mut poller = Poller::new(&db, "cart").await;
        let updated = |number: &str, minute: u64| {
            let mut order = order(number);
            order.mall_updated_at = Some(at(minute));
            order
        };
        // "soon" was read at the moment of its change: another change may hide behind the same time.
        poller.read(&db, 60, &[updated("old", 0), updated("soon", 60), updated("moved", 0)], &[]).await;
        let listed = |number: &str, minute: u64| OrderRef {
            mall_order_id: number.to_owned(),
            updated_at: Some(at(minute)),
        };
        let all = || {
            vec![
                listed("old", 0),
                listed("soon", 60),
                listed("moved", 61),
                listed("new", 0),
                OrderRef::new("any"),
            ]
        };
        let numbers = |refs: Vec<OrderRef>| refs.into_iter().map(|r| r.mall_order_id).collect::<Vec<_>>();
        let moved = db.store.moved_orders("cart", all(), at(62)).await.unwrap();
        assert_eq!(numbers(moved), ["soon", "moved", "new", "any"], "{}", db.name);
        let moved = db.store.moved_orders("cart", all(), at(90)).await.unwrap();
        assert_eq!(numbers(moved), ["moved", "new", "any"], "{}", db.name);
        let elsewhere = db.store.moved_orders("other", all(), at(3_600)).await.unwrap();
        assert_eq!(elsewhere.len(), 5, "{}", db.name);
    }
}
