//! Every change beside the capture through the same machine: look, allowed?, send, judge. Counted at the gateway.

use std::collections::BTreeMap;
use std::time::Duration;

use async_trait::async_trait;
use mallsync::clock::Timestamp;
use mallsync::domain::money::Yen;
use mallsync::domain::operation::{Intent, State};
use mallsync::domain::planner::{CaptureOn, Contract};
use mallsync::domain::settlement::{Observed, Settlement, Wish};
use mallsync::engine::effects::Account;
use mallsync::engine::poll::Shared;
use mallsync::http::{Bucket, Call, Closed, Gate, Priority};
use mallsync::sim::Fact;
use mallsync::store::Planning;
use sqlx::{Connection, SqliteConnection};
use tokio_util::sync::CancellationToken;

use crate::rig::{Rig, contract, now};
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

async fn shown(account: &Account, shared: &Shared, number: &str) -> Observed {
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

fn intent(function: &str, fact: &Fact, observed: &Observed) -> Intent {
    let reception_number = fact.order_number.clone();
    let amount = observed.amount.unwrap();
    let authorized_at = observed.authorized_at.unwrap();
    let authorized_on = Some(authorized_at.jst_date());
    let state = observed.state;
    match function {
        "shipmentCancel" => Intent::Undo {
            reception_number,
            slip_number: observed.slips[0].clone(),
            delivery_service_code: "00".to_owned(),
            amount,
        },
        "creditCancel" => Intent::Cancel { reception_number, amount, authorized_on, state },
        "creditChangePrice" => {
            let to = Yen(amount.0 - 1);
            Intent::ChangeAmount { reception_number, from: amount, to, authorized_on, state }
        }
        "reAuth" => {
            Intent::Reauth { reception_number, amount, authorized_at, approval: observed.approval.clone() }
        }
        "changeDate" => {
            Intent::ChangeDate { reception_number, from: None, to: "2026-12-24".parse().unwrap() }
        }
        other => panic!("{other}"),
    }
}

/// Puts `intent` in the place of the order's operation, as the planner would leave it: ready, never sent. An amount that
/// changes is the order's due.
async fn want(rig: &Rig, intent: &Intent) {
    let mut conn = SqliteConnection::connect(&rig.db.url).await.unwrap();
    let changed = sqlx::query(
        "UPDATE operations SET kind = $2, intent = $3, dedupe_key = $4, amount = $5, state = 'ready', sends = 0,
             retries = 0, rounds = 0, looks = 0, claimed_done = 0, absent_since = NULL, code = NULL, reason = NULL,
             sent_at = NULL, fence = fence + 1
         WHERE reception_number = $1",
    )
    .bind(intent.reception_number())
    .bind(intent.kind())
    .bind(serde_json::to_string(intent).unwrap())
    .bind(intent.dedupe_key("test", 0))
    .bind(intent.amount().0)
    .execute(&mut conn)
    .await
    .unwrap();
    assert_eq!(changed.rows_affected(), 1);
    if let Intent::ChangeAmount { to, .. } = intent {
        sqlx::query(
            "UPDATE orders SET document = json_set(document, '$.amounts.due', $2) WHERE mall_order_id = $1",
        )
        .bind(intent.reception_number())
        .bind(to.0)
        .execute(&mut conn)
        .await
        .unwrap();
    }
}

/// One worker for `time`; nothing is planned meanwhile.
pub async fn work(rig: &Rig, time: Duration) {
    let stop = CancellationToken::new();
    let (account, shared) = rig.worker(&stop);
    let task = tokio::spawn(account.run(shared));
    rig.db.clock.run_until(now(&rig.db) + time).await;
    stop.cancel();
    task.await.unwrap();
}

pub fn sends(rig: &Rig, function: &str, number: &str) -> usize {
    let number = number.to_owned();
    rig.world.calls().iter().filter(|c| c.function == function && c.orders.contains(&number)).count()
}

async fn only_sqlite(orders: usize) -> Rig {
    let mut stores = stores().await;
    Rig::new(stores.remove(0), orders, contract()).await
}

/// What a look-up showed of every order, stored as a look before an operation leaves it.
pub async fn looked_up(rig: &Rig) -> BTreeMap<String, Observed> {
    let (account, shared) = rig.worker(&CancellationToken::new());
    let mut all = BTreeMap::new();
    for fact in &rig.orders {
        let observed = shown(&account, &shared, &fact.order_number).await;
        let row = settlement(rig, &fact.order_number).await;
        rig.db.store.observe_settlement(&row.id, &observed, true, Some(60), now(&rig.db)).await.unwrap();
        all.insert(fact.order_number.clone(), observed);
    }
    all
}

pub async fn settlement(rig: &Rig, number: &str) -> Settlement {
    rig.db.store.find_settlements(number).await.unwrap().remove(0).settlement
}

/// A person asks for it.
pub async fn wish(rig: &Rig, number: &str, wish: &Wish) {
    let row = settlement(rig, number).await;
    let planning = Planning { contracts: std::slice::from_ref(&rig.contract), now: now(&rig.db) };
    let wanted = rig.db.store.wish(&row.id, wish, "test", &planning, false).await.unwrap();
    assert_eq!(wanted.len(), 1, "{number}: {wish:?}");
}

fn wish_of(function: &str, due: i64) -> Wish {
    match function {
        "creditCancel" => Wish::Cancel,
        "creditChangePrice" => Wish::ChangeAmount { to: Yen(due - 1) },
        "reAuth" => Wish::Reauth,
        other => panic!("{other}"),
    }
}

/// Nothing is sent but what a person asks for.
pub fn by_word() -> Contract {
    Contract { capture: CaptureOn::Manual, ..contract() }
}

/// §5.2: what is not "y" is never sent; a person reads why and what to do.
#[tokio::test]
async fn what_the_status_forbids_is_not_sent() {
    let rig = only_sqlite(4).await;
    let (account, shared) = rig.worker(&CancellationToken::new());
    let cases = [
        ("reAuth", "status 30"),
        ("creditCancel", "status 30"),
        ("creditChangePrice", "status 30"),
        ("changeDate", "another ship date is not possible"),
    ];
    let mut intents = Vec::new();
    for (fact, (function, _)) in rig.orders.iter().zip(cases) {
        let observed = shown(&account, &shared, &fact.order_number).await;
        intents.push(intent(function, fact, &observed));
    }
    want(&rig, &intents[3]).await;
    work(&rig, HOUR / 4).await;
    // Decided for a sale that waited; three of them were captured meanwhile.
    for intent in &intents[..3] {
        want(&rig, intent).await;
    }
    work(&rig, HOUR / 4).await;
    let states = rig.states().await;
    for (fact, (function, word)) in rig.orders.iter().zip(cases) {
        let (state, why) = &states[&fact.order_number];
        assert_eq!(*state, State::NeedsPerson, "{function}: {why}");
        assert!(why.contains(word), "{function}: {why}");
        assert_eq!(sends(&rig, function, &fact.order_number), 0, "{function}");
    }
    rig.server.stop().await;
}

/// A07 and A11 wait for 01:05 without asking; a cancel does not.
#[tokio::test]
async fn the_night_is_waited_for() {
    let mut stores = stores().await;
    let rig = Rig::new(stores.remove(0), 3, by_word()).await;
    let functions = ["reAuth", "creditChangePrice", "creditCancel"];
    looked_up(&rig).await;
    for (fact, function) in rig.orders.iter().zip(functions) {
        wish(&rig, &fact.order_number, &wish_of(function, fact.due.unwrap())).await;
    }
    rig.db.clock.set(Timestamp::parse("2026-11-21T22:56:00+09:00").unwrap());
    // Which address it sees is asked beside.
    let calls = || rig.world.calls().iter().filter(|call| !call.orders.is_empty()).count();
    let looked = calls();
    work(&rig, HOUR).await;
    assert_eq!(sends(&rig, "creditCancel", &rig.orders[2].order_number), 1);
    assert_eq!(calls(), looked + 3, "the cancel's look, its call and the look after it are all");
    work(&rig, HOUR + Duration::from_secs(15 * 60)).await;
    for (fact, function) in rig.orders.iter().zip(functions) {
        assert_eq!(sends(&rig, function, &fact.order_number), 1, "{function}");
        assert_eq!(rig.states().await[&fact.order_number].0, State::Done, "{function}");
    }
    rig.server.stop().await;
}
