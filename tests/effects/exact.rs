//! Guards are exact whoever sends: two engines, each with a store and a limiter's gate of its own, on one database.

use std::sync::Arc;
use std::time::Duration;

use mallsync::clock::Clock as _;
use mallsync::domain::operation::State;
use mallsync::domain::planner::Contract;
use mallsync::engine::chores;
use mallsync::engine::limits::StoreGate;
use mallsync::engine::poll::Shared;
use mallsync::sim::{Fault, Rule};
use mallsync::store::Access;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tracing::Level;

use crate::log::Log;
use crate::rig::{Rig, contract};
use crate::support::stores;

const LIMIT: u32 = 20;
/// Longer than a passing fault keeps an operation waiting.
const MINUTES: Duration = Duration::from_secs(8 * 60);

/// Two engines for `time`, as two daemons are.
async fn two(rig: &Rig, time: Duration) {
    let stop = CancellationToken::new();
    let other = rig.db.another(Access::Command).await;
    let mut tasks = JoinSet::new();
    for store in [rig.db.store.clone(), other.clone()] {
        let (account, shared) = rig.worker(&stop);
        let gate = StoreGate::new(store.clone(), shared.ambient.clone(), stop.clone());
        let shared = Shared { store, gate: Arc::new(gate), ..shared };
        tasks.spawn(chores::run(shared.clone(), Vec::new().into()));
        tasks.spawn(account.run(shared));
    }
    rig.db.clock.run_until(rig.db.clock.now() + time).await;
    stop.cancel();
    while tasks.join_next().await.is_some() {}
    other.close().await;
}

fn sent(rig: &Rig) -> usize {
    rig.world.calls().iter().filter(|call| call.function == "shipmentEntry").count()
}

#[tokio::test]
async fn past_the_limit_nothing_leaves_and_it_is_held_once() {
    for db in stores().await {
        let (log, _listening) = Log::listen();
        let rig = Rig::new(db, 60, Contract { max_per_hour: LIMIT, ..contract() }).await;
        let name = rig.db.name;
        // Some of them are answered with a passing fault and sent again: that is two requests.
        let rules = rig.orders.iter().take(6).map(|fact| Rule {
            function: "shipmentEntry".to_owned(),
            order: fact.order_number.clone(),
            times: 1,
            fault: Fault::Code { code: "E013000001".to_owned(), effect: false },
            ..Rule::default()
        });
        rig.world.set_faults(rules.collect());
        two(&rig, MINUTES).await;
        assert_eq!(sent(&rig), LIMIT as usize, "{name}: counted at the gateway");
        let held = log.lines(Level::ERROR, "Settlement was held.");
        assert_eq!(held.len(), 1, "{name}: {held:?}");
        let row = rig.db.store.account(&rig.contract.name).await.unwrap();
        assert_eq!(row.held_reason.as_deref(), Some("max_per_hour: 20 operations within an hour"), "{name}");
        // The hour passes: held until a person lets go, and then exactly as many again.
        rig.db.clock.set(rig.db.clock.now() + Duration::from_secs(2 * 3_600));
        two(&rig, MINUTES).await;
        assert_eq!(sent(&rig), LIMIT as usize, "{name}");
        let row = rig.db.store.account(&rig.contract.name).await.unwrap();
        rig.db.store.release_contract(&row, "test", rig.db.clock.now()).await.unwrap();
        two(&rig, MINUTES).await;
        assert_eq!(sent(&rig), 2 * LIMIT as usize, "{name}");
        assert_eq!(log.lines(Level::ERROR, "Settlement was held.").len(), 2, "{name}");
        let open = rig.operations().await;
        let open = open.iter().filter(|op| op.progress.state != State::Done).count();
        assert!(open >= 60 - 2 * LIMIT as usize, "{name}: {open}");
        rig.server.stop().await;
    }
}
