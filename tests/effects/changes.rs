//! Every change beside the capture through the same machine: look, allowed?, send, judge. Counted at the gateway.

use std::time::Duration;

use async_trait::async_trait;
use mallsync::clock::Timestamp;
use mallsync::domain::money::Yen;
use mallsync::domain::operation::{Intent, State};
use mallsync::domain::settlement::{Observed, SettlementState};
use mallsync::engine::effects::Account;
use mallsync::engine::poll::Shared;
use mallsync::http::{Bucket, Call, Closed, Gate, Priority};
use mallsync::sim::{Fact, Fault, Rule};
use sqlx::{Connection, SqliteConnection};
use tokio_util::sync::CancellationToken;

use crate::rig::{Rig, contract, now};
use crate::support::stores;

const HOUR: Duration = Duration::from_secs(3_600);

/// The functions whose effect can be read off a look-up of a card sale.
const FUNCTIONS: [&str; 4] = ["shipmentCancel", "creditCancel", "creditChangePrice", "reAuth"];

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
async fn work(rig: &Rig, time: Duration) {
    let stop = CancellationToken::new();
    let (account, shared) = rig.worker(&stop);
    let task = tokio::spawn(account.run(shared));
    rig.db.clock.run_until(now(&rig.db) + time).await;
    stop.cancel();
    task.await.unwrap();
}

fn sends(rig: &Rig, function: &str, number: &str) -> usize {
    let number = number.to_owned();
    rig.world.calls().iter().filter(|c| c.function == function && c.orders.contains(&number)).count()
}

async fn only_sqlite(orders: usize) -> Rig {
    let mut stores = stores().await;
    Rig::new(stores.remove(0), orders, contract()).await
}

#[tokio::test]
async fn each_change_is_done_once_whatever_is_lost() {
    let losses = [
        (Fault::None, 1),
        (Fault::ResetBeforeEffect, 2),
        (Fault::ResetAfterEffect, 1),
        (Fault::Truncated, 1),
        (Fault::Code { code: "Z012000005".to_owned(), effect: true }, 1),
        (Fault::Code { code: "Z012000006".to_owned(), effect: false }, 2),
    ];
    let rig = only_sqlite(FUNCTIONS.len() * losses.len()).await;
    let (account, shared) = rig.worker(&CancellationToken::new());
    let (captured, waiting) = rig.orders.split_at(losses.len());
    // What is taken back must have been registered: those orders' captures go first.
    let mut rules = Vec::new();
    let mut before = Vec::new();
    for (i, fact) in waiting.iter().enumerate() {
        before.push((i + losses.len(), shown(&account, &shared, &fact.order_number).await));
    }
    for (i, observed) in &before {
        want(&rig, &intent(FUNCTIONS[i / losses.len()], &rig.orders[*i], observed)).await;
    }
    for (i, fact) in rig.orders.iter().enumerate() {
        rules.push(Rule {
            service: "webcollect".to_owned(),
            function: FUNCTIONS[i / losses.len()].to_owned(),
            order: fact.order_number.clone(),
            times: 1,
            fault: losses[i % losses.len()].0.clone(),
            ..Rule::default()
        });
    }
    rig.world.set_faults(rules);
    work(&rig, HOUR).await;
    for fact in captured {
        let observed = shown(&account, &shared, &fact.order_number).await;
        assert_eq!(observed.state, SettlementState::Registered);
        want(&rig, &intent("shipmentCancel", fact, &observed)).await;
    }
    work(&rig, HOUR).await;

    let states = rig.states().await;
    let today = now(&rig.db).jst_date();
    for (i, fact) in rig.orders.iter().enumerate() {
        let number = &fact.order_number;
        let (function, (loss, times)) = (FUNCTIONS[i / losses.len()], &losses[i % losses.len()]);
        let case = format!("{function} {number} {loss:?}");
        let (state, why) = &states[number];
        assert_eq!(*state, State::Done, "{case}: {why}");
        assert_eq!(sends(&rig, function, number), *times, "{case}");
        let observed = shown(&account, &shared, number).await;
        let row = rig.db.store.find_settlements(number).await.unwrap().remove(0).settlement;
        assert_eq!(row.state, observed.state, "{case}: the row tells it too");
        match function {
            "shipmentCancel" => {
                assert_eq!(
                    (observed.state, observed.slips.len()),
                    (SettlementState::Authorized, 0),
                    "{case}"
                );
            }
            "creditCancel" => assert_eq!(observed.state, SettlementState::Canceled, "{case}"),
            "creditChangePrice" => {
                let wished = fact.due.map(|due| Yen(due - 1));
                assert_eq!((observed.amount, row.amount), (wished, wished), "{case}");
            }
            _ => {
                let was = before.iter().find(|(n, _)| *n == i).unwrap().1.authorized_at;
                assert!(observed.authorized_at > was, "{case}");
                assert_eq!(row.authorized_on, Some(today), "{case}");
                let days = row.lapses_on.map(|last| (last - today).num_days());
                assert_eq!(days, Some(59), "{case}: a whole period from today");
            }
        }
    }
    rig.server.stop().await;
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
    let rig = only_sqlite(3).await;
    let (account, shared) = rig.worker(&CancellationToken::new());
    let functions = ["reAuth", "creditChangePrice", "creditCancel"];
    for (fact, function) in rig.orders.iter().zip(functions) {
        let observed = shown(&account, &shared, &fact.order_number).await;
        want(&rig, &intent(function, fact, &observed)).await;
    }
    rig.db.clock.set(Timestamp::parse("2026-11-21T22:56:00+09:00").unwrap());
    let looked = rig.world.calls().len();
    work(&rig, HOUR).await;
    assert_eq!(sends(&rig, "creditCancel", &rig.orders[2].order_number), 1);
    assert_eq!(rig.world.calls().len(), looked + 2, "the cancel's look and its call are all");
    work(&rig, HOUR + Duration::from_secs(15 * 60)).await;
    for (fact, function) in rig.orders.iter().zip(functions) {
        assert_eq!(sends(&rig, function, &fact.order_number), 1, "{function}");
        assert_eq!(rig.states().await[&fact.order_number].0, State::Done, "{function}");
    }
    rig.server.stop().await;
}
