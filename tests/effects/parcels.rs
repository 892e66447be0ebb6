//! Parcels against the gateway: one slip on several orders (同梱). Counted at the gateway.

use std::time::Duration;

use async_trait::async_trait;
use mallsync::clock::Timestamp;
use mallsync::domain::order::Carrier;
use mallsync::domain::settlement::{Observed, Settlement};
use mallsync::domain::slip::SlipRow;
use mallsync::http::{Bucket, Call, Closed, Gate, Priority};
use mallsync::store::reconciling::Which;
use tokio_util::sync::CancellationToken;

use crate::rig::{Rig, contract, now, yamato};
use crate::support::stores;

const HOUR: Duration = Duration::from_secs(3_600);

/// A look of the test's own: not paced, so that it needs no time of the manual clock.
struct Open;

#[async_trait]
impl Gate for Open {
    async fn admit(&self, _: &Bucket, _: Priority) -> Result<(), Closed> {
        Ok(())
    }

    async fn pause(&self, _: &Bucket, _: Timestamp) {}

    fn pace(&self, _: &Bucket, _: Duration) {}
}

/// What the gateway shows of a sale.
async fn shown(rig: &Rig, number: &str) -> Observed {
    let (account, shared) = rig.worker(&CancellationToken::new());
    let call = Call {
        account: "test",
        client: &account.client,
        gate: &Open,
        priority: Priority::Live,
        vault: &*shared.vault,
        ambient: &shared.ambient,
    };
    account.gateway.look_up(&call, number).await.unwrap().observed.unwrap()
}

async fn settlement(rig: &Rig, number: &str) -> Settlement {
    rig.db.store.find_settlements(number).await.unwrap().remove(0).settlement
}

fn slip_row(order: &str, slip: &str, carrier: Carrier) -> SlipRow {
    SlipRow {
        source: "person:test".to_owned(),
        order_key: order.to_owned(),
        other_keys: Vec::new(),
        reception_numbers: Vec::new(),
        trader_code: None,
        number: slip.to_owned(),
        carrier,
        kind: "0".to_owned(),
        ship_date: None,
        postal_code: None,
        package_id: None,
        b2_registers: None,
        by_number: false,
    }
}

/// A person replaces a slip by one of `carrier`.
async fn replace(rig: &Rig, order: &str, old: &str, new: &str, carrier: Carrier) {
    let found = rig.db.store.find_orders(order).await.unwrap();
    let row = slip_row(order, new, carrier);
    rig.db.store.replace_slip(&found[0].id, old, &row, "test", &rig.planning()).await.unwrap();
}

/// Two orders on one slip are both captured, and the gateway shows one parcel; a fourth order is a person's, and so are all
/// that wait on that slip then. Nothing of it differs from the gateway's books.
#[tokio::test]
async fn one_slip_registers_two_orders() {
    for db in stores().await {
        let rig = Rig::new(db, 6, contract()).await;
        let name = rig.db.name;
        let number = |i: usize| rig.orders[i].order_number.clone();
        let pair = yamato(0);
        replace(&rig, &number(1), &yamato(1), &pair, Carrier::Yamato).await;
        let crowd = yamato(2);
        for i in 3..6 {
            replace(&rig, &number(i), &yamato(i as u64), &crowd, Carrier::Yamato).await;
        }
        rig.run(HOUR / 2).await;

        for (i, other) in [(0, 1), (1, 0)] {
            let seen = shown(&rig, &number(i)).await;
            assert!(seen.state.captured(), "{name}: {seen:?}");
            assert_eq!(seen.slips, [pair.as_str()], "{name}");
            assert_eq!(seen.consolidated_with, [number(other)], "{name}: one parcel");
            let book = rig.world.book(&number(i)).unwrap();
            assert_eq!((book.registered_slips, book.repeated()), (1, 0), "{name}: {book:?}");
        }
        for i in 2..6 {
            let row = settlement(&rig, &number(i)).await;
            let held = row.held.unwrap();
            assert!(held.contains(&crowd) && held.contains("more than 3 orders"), "{name}: {held}");
            assert_eq!(rig.world.book(&number(i)).map_or(0, |book| book.registered_slips), 0, "{name}");
        }

        // Taken off one of the four, the slip is right for the three that are left.
        let last = rig.db.store.find_orders(&number(5)).await.unwrap();
        rig.db.store.remove_slip(&last[0].id, &crowd, "test", &rig.planning()).await.unwrap();
        rig.run(HOUR / 2).await;
        for i in 2..5 {
            let seen = shown(&rig, &number(i)).await;
            assert!(seen.state.captured() && seen.consolidated_with.len() == 2, "{name}: {seen:?}");
        }
        assert_eq!(settlement(&rig, &number(5)).await.held, None, "{name}: it waits for its slip");

        let which = Which::After("", 100);
        let (differ, _) = rig.db.store.compare_settlements(&rig.contract, which, now(&rig.db)).await.unwrap();
        let differ: Vec<_> = differ.iter().map(|c| (&c.row.mall_order_id, &c.differences)).collect();
        assert!(differ.is_empty(), "{name}: {differ:?}");
        rig.server.stop().await;
    }
}

/// What another carrier brought is registered under the reception number, whatever its slip's number: a corrected number
/// changes nothing there. One that Yamato brought after all is registered by its own slip in the place of that.
#[tokio::test]
async fn a_registration_follows_the_carrier() {
    for db in stores().await {
        let rig = Rig::new(db, 1, contract()).await;
        let name = rig.db.name;
        let number = rig.orders[0].order_number.clone();
        replace(&rig, &number, &yamato(0), "360000000010", Carrier::Sagawa).await;
        rig.run(HOUR / 2).await;
        let book = || rig.world.book(&number).unwrap();
        assert_eq!(shown(&rig, &number).await.slips, [number.as_str()], "{name}");
        assert_eq!((book().registered_slips, book().undone_slips), (1, 0), "{name}: {:?}", book());

        replace(&rig, &number, "360000000010", "360000000021", Carrier::Sagawa).await;
        rig.run(HOUR / 2).await;
        assert_eq!((book().registered_slips, book().undone_slips), (1, 0), "{name}: {:?}", book());
        assert_eq!(shown(&rig, &number).await.slips, [number.as_str()], "{name}");

        replace(&rig, &number, "360000000021", &yamato(7), Carrier::Yamato).await;
        rig.run(HOUR).await;
        let seen = shown(&rig, &number).await;
        assert!(seen.state.captured() && seen.slips == [yamato(7)], "{name}: {seen:?}");
        assert_eq!((book().registered_slips, book().undone_slips), (2, 1), "{name}: {:?}", book());
        assert_eq!((book().repeated(), book().cancels), (0, 0), "{name}: {:?}", book());

        // The last slip of all is taken away: the sale is captured no more.
        let found = rig.db.store.find_orders(&number).await.unwrap();
        rig.db.store.remove_slip(&found[0].id, &yamato(7), "test", &rig.planning()).await.unwrap();
        rig.run(HOUR).await;
        let seen = shown(&rig, &number).await;
        assert!(!seen.state.captured() && seen.slips.is_empty(), "{name}: {seen:?}");
        rig.server.stop().await;
    }
}
