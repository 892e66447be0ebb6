//! A function that the gateway does not allow (CONF of one function, kuroneko-webcollect.md §4.1): it rests as a whole, is
//! told once, is tried by one operation a day, and the others go on.

use std::time::Duration;

use mallsync::domain::money::Yen;
use mallsync::domain::operation::State;
use mallsync::domain::settlement::Wish;
use mallsync::sim::{Fault, Rule};
use mallsync::status::{self, Attention, Facts, SettlementFacts, Topic};
use tracing::Level;

use crate::changes::{looked_up, wish};
use crate::log::Log;
use crate::rig::{Rig, contract, now};
use crate::support::stores;

const HOUR: Duration = Duration::from_secs(3_600);
/// Long enough for all that is due.
const MINUTES: Duration = Duration::from_secs(8 * 60);
const STOPPED: &str = "Function was stopped.";
const ALLOWED: &str = "Function was allowed again.";

fn refuse(rig: &Rig, function: &str, code: &str) {
    rig.world.set_faults(vec![Rule {
        function: function.to_owned(),
        fault: Fault::Code { code: code.to_owned(), effect: false },
        ..Rule::default()
    }]);
}

fn calls(rig: &Rig, function: &str) -> usize {
    rig.world.calls().iter().filter(|call| call.function == function).count()
}

async fn attention(rig: &Rig) -> Vec<Attention> {
    let settlement = SettlementFacts {
        name: rig.contract.name.clone(),
        enabled: true,
        live: true,
        window_ends_at: None,
        way_out: rig.way_out.clone(),
    };
    let facts = Facts { shops: Vec::new(), settlements: vec![settlement] };
    status::report(&rig.db.store, &facts, now(&rig.db), now(&rig.db)).await.unwrap().attention
}

/// E01's own code, which stopped the whole account once and let it go each hour, since a look-up is answered.
#[tokio::test]
async fn captures_that_are_not_allowed_rest_and_one_a_day_is_tried() {
    for db in stores().await {
        let (log, _listening) = Log::listen();
        let rig = Rig::new(db, 24, contract()).await;
        let name = rig.db.name;
        refuse(&rig, "shipmentEntry", "E011010251");
        rig.run(MINUTES).await;
        let first = calls(&rig, "shipmentEntry");
        assert!((1..=6).contains(&first), "{name}: those under way when it was learnt: {first}");
        let looks = calls(&rig, "tradeInfo");
        rig.run(HOUR / 2).await;
        assert_eq!(calls(&rig, "shipmentEntry"), first, "{name}: no call");
        assert_eq!(calls(&rig, "tradeInfo"), looks, "{name}: nor a look before one");
        let told = log.lines(Level::ERROR, "");
        assert_eq!(told.len(), 1, "{name}: one word for all: {told:?}");
        for fact in [STOPPED, "kind=\"capture\"", "E011010251", "出荷情報登録", &rig.contract.name] {
            assert!(told[0].contains(fact), "{name}: {fact}: {told:?}");
        }
        let open = rig.operations().await;
        let rests = |state| matches!(state, State::Planned | State::Ready);
        assert!(open.iter().all(|op| rests(op.progress.state)), "{name}: nobody is asked: {open:?}");
        assert_eq!(rig.db.store.account(&rig.contract.name).await.unwrap().stopped_code, None, "{name}");
        let shown = attention(&rig).await;
        let topics: Vec<Topic> = shown.iter().map(|a| a.topic).collect();
        assert_eq!(topics, [Topic::FunctionStopped], "{name}: {shown:?}");
        assert!(shown[0].detail.contains("capture") && shown[0].detail.contains("E011010251"), "{shown:?}");
        assert_eq!(shown[0].command, format!("mallsync settlements release {}", rig.contract.name));

        rig.db.clock.set(now(&rig.db) + HOUR * 24);
        rig.run(MINUTES).await;
        assert_eq!(calls(&rig, "shipmentEntry"), first + 1, "{name}: one, a day later");
        assert_eq!(log.lines(Level::ERROR, "").len(), 1, "{name}: nothing new to tell");

        // It is mended, and a person says so.
        rig.world.set_faults(Vec::new());
        let row = rig.db.store.account(&rig.contract.name).await.unwrap();
        rig.db.store.release_contract(&row, "hanako", now(&rig.db)).await.unwrap();
        rig.run(MINUTES).await;
        let books = rig.world.books();
        assert_eq!(books.iter().filter(|book| book.captures == 1).count(), 24, "{name}");
        assert_eq!(log.lines(Level::INFO, ALLOWED).len(), 1, "{name}");
        assert!(attention(&rig).await.is_empty(), "{name}");
        rig.server.stop().await;
    }
}

#[tokio::test]
async fn another_function_stops_nothing_but_itself_and_a_reload_tries_it() {
    for db in stores().await {
        let (log, _listening) = Log::listen();
        let rig = Rig::new(db, 8, contract()).await;
        let name = rig.db.name;
        looked_up(&rig).await;
        for fact in &rig.orders[..5] {
            wish(&rig, &fact.order_number, &Wish::ChangeAmount { to: Yen(fact.due.unwrap() - 1) }).await;
        }
        refuse(&rig, "creditChangePrice", "A072000001");
        rig.run(MINUTES).await;
        let captured = || rig.world.books().iter().filter(|book| book.captures == 1).count();
        assert_eq!(captured(), 3, "{name}: those whose amount stays");
        let first = calls(&rig, "creditChangePrice");
        assert!((1..=5).contains(&first), "{name}: {first}");
        assert_eq!(log.lines(Level::ERROR, "").len(), 1, "{name}");
        let stopped = rig.db.store.stopped_functions(Some(&rig.contract.name)).await.unwrap();
        assert_eq!(stopped.len(), 1, "{name}: {stopped:?}");
        assert_eq!((stopped[0].kind, stopped[0].code.as_str()), ("change_amount", "A072000001"), "{name}");

        // The config is read anew while nothing is mended: one more, and not a word.
        rig.db.store.try_functions(now(&rig.db)).await.unwrap();
        rig.run(MINUTES).await;
        assert_eq!(calls(&rig, "creditChangePrice"), first + 1, "{name}");
        assert_eq!(log.lines(Level::ERROR, "").len(), 1, "{name}");
        rig.world.set_faults(Vec::new());
        rig.db.store.try_functions(now(&rig.db)).await.unwrap();
        rig.run(MINUTES).await;
        let changed: u32 = rig.world.books().iter().map(|book| book.amount_changes).sum();
        assert_eq!(changed, 5, "{name}");
        assert!(rig.db.store.stopped_functions(None).await.unwrap().is_empty(), "{name}");
        rig.server.stop().await;
    }
}
