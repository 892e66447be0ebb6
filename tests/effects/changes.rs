//! Every change beside the capture through the same machine: look, allowed?, send, judge. Counted at the gateway.

use std::collections::BTreeMap;
use std::time::Duration;

use async_trait::async_trait;
use mallsync::clock::Timestamp;
use mallsync::domain::money::Yen;
use mallsync::domain::operation::{Intent, State};
use mallsync::domain::planner::{CaptureOn, Contract};
use mallsync::domain::settlement::{Observed, Settlement, SettlementState, Wish};
use mallsync::engine::effects::Account;
use mallsync::engine::poll::Shared;
use mallsync::http::{Bucket, Call, Closed, Gate, Priority};
use mallsync::sim::{Fact, Fault};
use mallsync::store::Planning;
use sqlx::{Connection, SqliteConnection};
use tokio_util::sync::CancellationToken;

use crate::matrix::{CRASHES, LONG, losses, rule};
use crate::rig::{Rig, contract, now, yamato};
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

async fn settlement(rig: &Rig, number: &str) -> Settlement {
    rig.db.store.find_settlements(number).await.unwrap().remove(0).settlement
}

/// A person asks for it.
pub async fn wish(rig: &Rig, number: &str, wish: &Wish) {
    let row = settlement(rig, number).await;
    let planning = Planning { contracts: std::slice::from_ref(&rig.contract), now: now(&rig.db) };
    let wanted = rig.db.store.wish(&row.id, wish, "test", &planning, false).await.unwrap();
    assert_eq!(wanted.len(), 1, "{number}: {wish:?}");
}

fn wish_of(function: &str, due: i64, slip: &str) -> Wish {
    match function {
        "shipmentCancel" => Wish::Undo { slip_number: slip.to_owned() },
        "creditCancel" => Wish::Cancel,
        "creditChangePrice" => Wish::ChangeAmount { to: Yen(due - 1) },
        "reAuth" => Wish::Reauth,
        other => panic!("{other}"),
    }
}

/// Nothing is sent but what a person asks for.
fn by_word() -> Contract {
    Contract { capture: CaptureOn::Manual, ..contract() }
}

/// Every function that changes something × every way its answer can be lost, the crash points dealt out over them, two
/// workers, both databases: counted at the gateway, each is done once and nothing is left behind.
#[tokio::test]
async fn each_change_is_done_once_whatever_is_lost_and_whoever_dies() {
    // Codes of other functions than the capture's alone.
    let losses: Vec<Fault> = losses()
        .into_iter()
        .filter(|loss| !matches!(loss, Fault::Code { code, .. } if code.starts_with("E01")))
        .collect();
    for db in stores().await {
        let rig = Rig::new(db, FUNCTIONS.len() * losses.len(), by_word()).await;
        let name = rig.db.name;
        let before = looked_up(&rig).await;
        let function = |i: usize| FUNCTIONS[i / losses.len()];
        // What is taken back must have been registered.
        for fact in &rig.orders[..losses.len()] {
            wish(&rig, &fact.order_number, &Wish::Capture).await;
        }
        rig.run(HOUR / 2).await;
        let mut rules = Vec::new();
        let mut told = BTreeMap::new();
        for (i, fact) in rig.orders.iter().enumerate() {
            let (number, loss, crash) =
                (&fact.order_number, &losses[i % losses.len()], CRASHES[i % CRASHES.len()]);
            wish(&rig, number, &wish_of(function(i), fact.due.unwrap(), &yamato(i as u64))).await;
            rules.push(rule(function(i), number, loss));
            if let Some(crash) = crash {
                rig.crashes.lock().unwrap().insert(number.clone(), crash);
            }
            told.insert(
                number.clone(),
                format!("{name}: {number}: {} {loss:?}, crash {crash:?}", function(i)),
            );
        }
        rig.world.set_faults(rules);
        rig.run(LONG).await;

        let open: Vec<_> =
            rig.operations().await.into_iter().filter(|op| op.progress.state != State::Done).collect();
        assert!(open.is_empty(), "{name}: {open:?}");
        for (i, fact) in rig.orders.iter().enumerate() {
            let case = &told[&fact.order_number];
            let book = rig.world.book(&fact.order_number).unwrap();
            assert_eq!(book.repeated(), 0, "{case}: {book:?}");
            let row = settlement(&rig, &fact.order_number).await;
            assert_eq!(row.wish, None, "{case}: the wish went with it");
            let due = fact.due.map(Yen);
            let (state, amount) = match function(i) {
                "creditCancel" => (SettlementState::Canceled, due),
                "creditChangePrice" => (SettlementState::Authorized, due.map(|due| Yen(due.0 - 1))),
                _ => (SettlementState::Authorized, due),
            };
            assert_eq!((row.state, row.amount), (state, amount), "{case}: the row tells it too");
            let times = match function(i) {
                "shipmentCancel" => book.undone_slips,
                "creditCancel" => book.cancels,
                "creditChangePrice" => book.amount_changes,
                _ => book.reauthorizations,
            };
            assert_eq!(times, 1, "{case}: {book:?}");
            match function(i) {
                // A slip that a person took back is not registered again by the rules.
                "shipmentCancel" => assert!(row.held.is_some(), "{case}"),
                "reAuth" => {
                    let today = now(&rig.db).jst_date();
                    // Whoever died before the look after it leaves that to the next look.
                    let since = before[&fact.order_number].authorized_at;
                    assert!(row.authorized_at.is_none() || row.authorized_at > since, "{case}");
                    let days = row.lapses_on.map(|last| (last - today).num_days());
                    assert_eq!(days, Some(59), "{case}: a whole period from today");
                }
                _ => {}
            }
        }
        rig.server.stop().await;
    }
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
        wish(&rig, &fact.order_number, &wish_of(function, fact.due.unwrap(), "")).await;
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
