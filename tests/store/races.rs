//! Pages and workers at the same orders at the same time: whoever wants both a settlement and its operations takes them in
//! one order.

use mallsync::domain::money::Yen;
use mallsync::domain::operation::{Answer, Event};
use mallsync::domain::order::{Order, Status};
use mallsync::domain::settlement::{Observed, SettlementState};
use mallsync::store::operations::{Claimed, Seen, Work};
use mallsync::store::sends::Guards;
use mallsync::store::{Access, StoreError};

use crate::facts::{Poller, at, claiming, contract, file, order, planning, row};
use crate::operations::{ACCOUNT, attempt};
use crate::support::stores;

const ORDERS: u32 = 8;
const ROUNDS: u64 = 25;

fn shown() -> Observed {
    Observed {
        state: SettlementState::Authorized,
        status: "4".to_owned(),
        amount: Some(Yen(12_800)),
        authorized_at: Some(at(0)),
        ..Observed::default()
    }
}

/// A lost lease is how the two settle it; nothing else may come of it.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_page_and_the_sends_of_its_orders_never_wait_for_each_other_in_a_circle() {
    for db in stores().await {
        let contracts = [contract()];
        let numbers: Vec<String> = (0..ORDERS).map(|i| format!("A-{i:03}")).collect();
        let mut poller = Poller::new(&db, "cart").await;
        let read: Vec<_> = numbers.iter().map(|number| order(number)).collect();
        poller.read(&db, 1, &read, &contracts).await;
        let slip = |i: u32| {
            let digits = 40_001_230_000_u64 + u64::from(i);
            format!("{digits}{}", digits % 7)
        };
        let rows = numbers.iter().zip(2..).map(|(number, i)| row(i, number, &slip(i))).collect();
        db.store.import_slips(&file("f", rows), "t", &planning(&contracts)).await.unwrap();
        let other = db.another(Access::Command).await;
        let guards = Guards { max_per_hour: 1_000_000, max_yen_per_day: Yen(i64::MAX) };
        let mut stepped = 0;
        for round in 0..ROUNDS {
            db.clock.set(at(2 * round + 2));
            let (now, until) = (at(2 * round + 2), at(2 * round + 3));
            let claim = claiming(ACCOUNT, Work::Send, "w", now, now, until, u64::from(ORDERS));
            let claimed: Vec<Claimed> = db.store.claim_operations(&claim).await.unwrap();
            let mut tasks = Vec::new();
            for (i, claimed) in claimed.into_iter().enumerate() {
                let store = other.clone();
                tasks.push(tokio::spawn(async move {
                    let (observed, look) = (shown(), attempt("look", "looked"));
                    let seen = Some(Seen {
                        observed: &observed,
                        verified: true,
                        authorization_days: Some(60),
                        at: now,
                    });
                    store.begin_sending(&claimed, &look, seen, &guards, until).await?;
                    let event = if i % 2 == 0 {
                        Event::NothingSent { reason: "no connection".to_owned() }
                    } else {
                        Event::Answered(Answer::Later { until: now, code: "Z010000000".to_owned() })
                    };
                    store.rest_operation(&claimed, &event, Some(&look), seen).await.map(|_| ())
                }));
            }
            let status = if round % 2 == 0 { Status::OnHold } else { Status::AwaitingShipment };
            let mut read: Vec<_> = numbers.iter().map(|number| Order { status, ..order(number) }).collect();
            read.reverse();
            poller.read(&db, 2 * round + 2, &read, &contracts).await;
            for task in tasks {
                match task.await.unwrap() {
                    Ok(()) => stepped += 1,
                    Err(StoreError::LeaseLost) => {}
                    Err(other) => panic!("{}: round {round}: {other}", db.name),
                }
            }
        }
        assert!(stepped > 0, "{}: the two met", db.name);
        other.close().await;
    }
}
