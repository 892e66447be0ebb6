//! Look-ups that lag behind our own changes decide nothing (kuroneko-webcollect.md §7).

use std::time::Duration;

use mallsync::domain::money::Yen;
use mallsync::domain::operation::State;
use mallsync::domain::planner::{Contract, OnChange};
use mallsync::domain::settlement::{SettlementState, Wish};

use crate::changes::{by_word, looked_up, settlement, wish};
use crate::rig::{Rig, contract, yamato};
use crate::support::stores;

const MINUTE: Duration = Duration::from_secs(60);

fn lagging(rig: &Rig) {
    rig.world.switch(|s| s.webcollect.stale_reads = true);
}

/// What was before our last change looks like what is wanted next: a slip that is not there, the amount as it shall be.
#[tokio::test]
async fn what_was_before_a_change_is_not_taken_for_done() {
    for db in stores().await {
        let rig = Rig::new(db, 2, by_word()).await;
        let name = rig.db.name;
        looked_up(&rig).await;
        lagging(&rig);
        let (slipped, priced) = (&rig.orders[0].order_number, &rig.orders[1]);
        let due = priced.due.unwrap();
        wish(&rig, slipped, &Wish::Capture).await;
        wish(&rig, &priced.order_number, &Wish::ChangeAmount { to: Yen(due - 1) }).await;
        rig.run(MINUTE / 6).await;
        let book = |number: &str| rig.world.book(number).unwrap();
        assert_eq!((book(slipped).captures, book(&priced.order_number).amount), (1, due - 1), "{name}");

        // Both are taken back at once.
        wish(&rig, slipped, &Wish::Undo { slip_number: yamato(0) }).await;
        wish(&rig, &priced.order_number, &Wish::ChangeAmount { to: Yen(due) }).await;
        rig.run(MINUTE * 5).await;
        for op in rig.operations().await {
            assert_eq!(op.progress.state, State::Done, "{name}: {op:?}");
        }
        let (slipped, priced) = (book(slipped), book(&priced.order_number));
        assert_eq!((slipped.undone_slips, slipped.effective_captures), (1, 0), "{name}: {slipped:?}");
        assert_eq!((priced.amount_changes, priced.amount), (2, due), "{name}: {priced:?}");
        rig.server.stop().await;
    }
}

/// The amount is changed by rule and the sale captured after it: nobody is asked about an amount of a minute ago.
#[tokio::test]
async fn an_amount_that_is_not_shown_yet_is_no_question() {
    for db in stores().await {
        let rig = Rig::new(db, 1, Contract { on_amount_change: OnChange::Apply, ..contract() }).await;
        let name = rig.db.name;
        looked_up(&rig).await;
        lagging(&rig);
        let mut fact = rig.orders[0].clone();
        fact.due = fact.due.map(|due| due - 1);
        rig.db.clock.advance(MINUTE);
        rig.read_again(&fact).await;
        rig.run(MINUTE * 5).await;
        let book = rig.world.book(&fact.order_number).unwrap();
        assert_eq!((book.amount_changes, book.captures), (1, 1), "{name}: {book:?}");
        assert_eq!(Some(book.amount), fact.due, "{name}");
        let row = settlement(&rig, &fact.order_number).await;
        assert_eq!((row.state, row.held), (SettlementState::Registered, None), "{name}");
        rig.server.stop().await;
    }
}

/// The look after a change does not put back what was before it.
#[tokio::test]
async fn a_row_keeps_what_is_known_to_be_done() {
    for db in stores().await {
        let rig = Rig::new(db, 1, by_word()).await;
        let number = &rig.orders[0].order_number;
        looked_up(&rig).await;
        lagging(&rig);
        wish(&rig, number, &Wish::Cancel).await;
        rig.run(MINUTE / 6).await;
        assert_eq!(rig.world.book(number).unwrap().cancels, 1, "{}", rig.db.name);
        let row = settlement(&rig, number).await;
        assert_eq!(row.state, SettlementState::Canceled, "{}", rig.db.name);
        rig.server.stop().await;
    }
}
