//! The address that the gateway sees: another one is told once and daily, with where to register it, and is over by itself.

use std::net::IpAddr;
use std::time::Duration;

use mallsync::domain::account::WayOut;
use mallsync::domain::operation::State;
use mallsync::status::{self, Attention, Facts, SettlementFacts, Topic};
use tracing::Level;

use crate::log::Log;
use crate::rig::{Rig, contract, now};
use crate::support::stores;

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3_600);
const DAY: Duration = Duration::from_secs(86_400);
const OTHER: &str = "Source address was not the registered one.";
const AGAIN: &str = "Source address was right again.";

fn home() -> IpAddr {
    IpAddr::from([127, 0, 0, 1])
}

fn elsewhere() -> IpAddr {
    IpAddr::from([203, 0, 113, 9])
}

/// Calls come from there now, and the gateway answers `registered` alone.
fn moves(rig: &Rig, seen: IpAddr, registered: Option<IpAddr>) {
    rig.world.switch(|switches| {
        switches.webcollect.seen_address = Some(seen);
        switches.webcollect.registered_address = registered;
    });
}

/// What `status` asks a person for.
async fn asked(rig: &Rig, topic: Topic) -> Option<Attention> {
    let settlement = SettlementFacts {
        name: rig.contract.name.clone(),
        enabled: true,
        live: true,
        window_ends_at: None,
        way_out: rig.way_out.clone(),
    };
    let facts = Facts { shops: Vec::new(), settlements: vec![settlement] };
    let report = status::report(&rig.db.store, &facts, now(&rig.db), now(&rig.db)).await.unwrap();
    report.attention.into_iter().find(|attention| attention.topic == topic)
}

/// So many days, a few minutes of each.
async fn days(rig: &Rig, days: u32) {
    for _ in 0..days {
        rig.db.clock.set(now(&rig.db) + DAY);
        rig.run(MINUTE * 3).await;
    }
}

fn askings(rig: &Rig) -> usize {
    rig.world.calls().iter().filter(|call| call.function == "traderIp").count()
}

#[tokio::test]
async fn without_a_registered_one_another_address_is_told_until_the_gateway_takes_it() {
    for db in stores().await {
        let (log, _listening) = Log::listen();
        let rig = Rig::new(db, 1, contract()).await;
        let name = rig.db.name;
        rig.run(MINUTE * 3).await;
        days(&rig, 2).await;
        rig.run(MINUTE * 3).await;
        assert_eq!(askings(&rig), 3, "{name}: once a day, by one of two workers");
        assert!(asked(&rig, Topic::AddressChanged).await.is_none(), "{name}");

        moves(&rig, elsewhere(), Some(home()));
        days(&rig, 2).await;
        rig.db.clock.set(now(&rig.db) + HOUR);
        rig.run(MINUTE * 3).await;
        let told = log.lines(Level::ERROR, OTHER);
        assert_eq!(told.len(), 2, "{name}: when it is noticed and a day later: {told:?}");
        for fact in ["seen_address=203.0.113.9", "known_address=127.0.0.1", "接続元グローバルIP"] {
            assert!(told[0].contains(fact), "{name}: {told:?}");
        }
        let attention = asked(&rig, Topic::AddressChanged).await.unwrap();
        for fact in ["203.0.113.9", "127.0.0.1", "接続元グローバルIP"] {
            assert!(attention.detail.contains(fact), "{name}: {attention:?}");
        }
        assert!(log.lines(Level::INFO, AGAIN).is_empty(), "{name}");

        // It is registered: a look-up is answered.
        moves(&rig, elsewhere(), Some(elsewhere()));
        rig.db.clock.set(now(&rig.db) + HOUR);
        rig.run(MINUTE * 3).await;
        assert_eq!(log.lines(Level::INFO, AGAIN).len(), 1, "{name}");
        assert!(asked(&rig, Topic::AddressChanged).await.is_none(), "{name}");
        assert_eq!(log.lines(Level::ERROR, OTHER).len(), 2, "{name}");
        rig.server.stop().await;
    }
}

#[tokio::test]
async fn an_address_of_the_config_is_compared_with_and_a_line_that_comes_back_is_right() {
    for db in stores().await {
        let (log, _listening) = Log::listen();
        let mut rig = Rig::new(db, 1, contract()).await;
        let name = rig.db.name;
        rig.way_out = WayOut { registered: Some(elsewhere()), ..rig.way_out };
        rig.run(MINUTE * 3).await;
        rig.db.clock.set(now(&rig.db) + HOUR);
        rig.run(MINUTE * 3).await;
        let told = log.lines(Level::ERROR, OTHER);
        assert_eq!(told.len(), 1, "{name}: from the first look on: {told:?}");
        assert!(told[0].contains("known_address=203.0.113.9"), "{name}: {told:?}");
        assert!(asked(&rig, Topic::AddressChanged).await.is_some(), "{name}");
        moves(&rig, elsewhere(), None);
        rig.db.clock.set(now(&rig.db) + HOUR);
        rig.run(MINUTE * 3).await;
        assert_eq!(log.lines(Level::INFO, AGAIN).len(), 1, "{name}");
        assert!(asked(&rig, Topic::AddressChanged).await.is_none(), "{name}");
        rig.server.stop().await;
    }
}

/// H01 answers whoever asks: the hourly probe must not take that for an end of the refusal.
#[tokio::test]
async fn an_address_that_is_refused_stops_the_settlement_once_and_not_each_hour_anew() {
    for db in stores().await {
        let (log, _listening) = Log::listen();
        let rig = Rig::new(db, 8, contract()).await;
        let name = rig.db.name;
        moves(&rig, elsewhere(), Some(home()));
        rig.run(MINUTE * 3).await;
        for _ in 0..4 {
            rig.db.clock.set(now(&rig.db) + HOUR);
            rig.run(MINUTE * 3).await;
        }
        let stopped = log.lines(Level::ERROR, "Settlement was stopped.");
        assert_eq!(stopped.len(), 1, "{name}: {stopped:?}");
        assert!(log.lines(Level::INFO, "Settlement was reached again.").is_empty(), "{name}");
        let orders = rig.operations().await;
        assert!(
            orders.iter().all(|op| op.progress.state == State::Planned || op.progress.state == State::Ready),
            "{name}: no order asks a person: {orders:?}"
        );
        assert_eq!(asked(&rig, Topic::Stopped).await.map(|attention| attention.count), Some(1), "{name}");
        moves(&rig, elsewhere(), None);
        rig.db.clock.set(now(&rig.db) + HOUR);
        rig.run(MINUTE * 10).await;
        assert_eq!(log.lines(Level::INFO, "Settlement was reached again.").len(), 1, "{name}");
        let captured = rig.world.books().iter().filter(|book| book.captures == 1).count();
        assert_eq!(captured, 8, "{name}");
        rig.server.stop().await;
    }
}
