//! What follows when something changed.

use mallsync::clock::Timestamp;
use mallsync::domain::money::Yen;
use mallsync::domain::operation::Intent;
use mallsync::domain::order::{Carrier, Status};
use mallsync::domain::planner::{CaptureOn, OnChange, Reauthorize, RegisteredBy};
use mallsync::domain::settlement::{SettlementState, Wish};
use mallsync::domain::slip::Slip;

use crate::rig::{Case, asked_for, case, date, ends_in, held, noon, shown, slip, sold};

#[test]
fn what_follows_when_something_changed() {
    let replaced = |c: Case| c.with(|c| c.slips = vec![slip("400012345611")]);
    let cases: Vec<(&str, Case)> = vec![
        ("another amount", held().with(|c| c.order.amounts.due = Some(Yen(5_000)))),
        (
            "another amount, ask",
            held().with(|c| {
                c.order.amounts.due = Some(Yen(5_000));
                c.contract.on_amount_change = OnChange::Ask;
            }),
        ),
        (
            "another amount on a sale never identified",
            held().with(|c| {
                c.order.amounts.due = Some(Yen(5_000));
                c.settlement.verified_at = None;
            }),
        ),
        (
            "another amount before there is a slip",
            held().with(|c| {
                c.order.amounts.due = Some(Yen(5_000));
                c.slips.clear();
            }),
        ),
        ("another amount of a registered sale", sold().with(|c| c.order.amounts.due = Some(Yen(5_000)))),
        (
            "another amount of a settled sale",
            sold().with(|c| {
                c.order.amounts.due = Some(Yen(5_000));
                c.settlement.state = SettlementState::Settled;
            }),
        ),
        ("nothing due any more", held().with(|c| c.order.amounts.due = Some(Yen(0)))),
        ("cancelled", held().with(|c| c.order.status = Status::Canceled)),
        (
            "cancelled, ask",
            held().with(|c| {
                c.order.status = Status::Canceled;
                c.contract.on_cancel = OnChange::Ask;
            }),
        ),
        (
            "cancelled, never identified",
            held().with(|c| {
                c.order.status = Status::Canceled;
                c.settlement.verified_at = None;
            }),
        ),
        ("cancelled after it was registered", sold().with(|c| c.order.status = Status::Canceled)),
        (
            "cancelled after it was settled",
            sold().with(|c| {
                c.order.status = Status::Canceled;
                c.settlement.state = SettlementState::Settled;
            }),
        ),
        (
            "cancelled here and there",
            held().with(|c| {
                c.order.status = Status::Canceled;
                c.settlement.state = SettlementState::Canceled;
            }),
        ),
        ("cancel asked for by the buyer", held().with(|c| c.order.status = Status::CancelRequested)),
        ("a slip replaced", replaced(sold())),
        (
            "a slip replaced, B2 registers",
            replaced(sold()).with(|c| c.contract.registered_by = RegisteredBy::B2cloud),
        ),
        (
            "a slip replaced after it was settled",
            replaced(sold()).with(|c| c.settlement.state = SettlementState::Settled),
        ),
        (
            "a slip taken back",
            replaced(sold()).with(|c| {
                let undo = c.plan().wanted[0].intent.clone();
                c.done.push(undo);
                c.settlement.state = SettlementState::Authorized;
                c.settlement.slips.clear();
            }),
        ),
        (
            "a slip taken back, and right after all",
            sold().with(|c| {
                let capture = c.done[0].clone();
                let Intent::Capture { reception_number, slip_number, delivery_service_code, amount } =
                    capture
                else {
                    panic!("sold by a capture");
                };
                c.done.push(Intent::Undo { reception_number, slip_number, delivery_service_code, amount });
                c.settlement.state = SettlementState::Authorized;
                c.settlement.slips.clear();
            }),
        ),
        (
            "another amount, B2 registers",
            held().with(|c| {
                c.contract.registered_by = RegisteredBy::B2cloud;
                c.order.amounts.due = Some(Yen(5_000));
            }),
        ),
        (
            "another amount, there and back and there",
            held().with(|c| {
                c.order.amounts.due = Some(Yen(5_000));
                c.done = vec![c.plan().wanted[0].intent.clone()];
            }),
        ),
        (
            "another slip registered by hand at the gateway",
            held().with(|c| {
                c.settlement.state = SettlementState::Registered;
                c.settlement.slips = vec!["400012345622".to_owned()];
            }),
        ),
        ("six days before the end", ends_in(held(), 6)),
        ("five days before the end", ends_in(held(), 5)),
        ("five days before the end, pending", ends_in(held(), 5).with(|c| c.order.status = Status::Pending)),
        (
            "five days before the end, ask",
            ends_in(held(), 5).with(|c| c.contract.reauthorize = Reauthorize::Ask),
        ),
        (
            "five days before the end, off",
            ends_in(held(), 5).with(|c| c.contract.reauthorize = Reauthorize::Off),
        ),
        (
            "five days before the end, never identified",
            ends_in(held(), 5).with(|c| c.settlement.verified_at = None),
        ),
        (
            "five days before the end, cancel asked for",
            ends_in(held(), 5).with(|c| c.order.status = Status::CancelRequested),
        ),
        (
            "five days before the end, with a question open",
            ends_in(held(), 5).with(|c| {
                c.slips = held().slips;
                c.slips[0].kind = "7".to_owned();
            }),
        ),
        ("the last day", ends_in(held(), 0)),
        (
            "two days before the end, nobody was there, and it is night",
            ends_in(held(), 2).with(|c| c.now = Timestamp::parse("2026-12-10T03:00:00+09:00").unwrap()),
        ),
        (
            "two days before the end, nobody was there, and it is evening",
            ends_in(held(), 2).with(|c| c.now = Timestamp::parse("2026-12-10T18:00:00+09:00").unwrap()),
        ),
        (
            "the evening of the last day",
            ends_in(held(), 0).with(|c| c.now = Timestamp::parse("2026-12-10T18:00:00+09:00").unwrap()),
        ),
        (
            "the order is cancelled, the gateway's status leads nowhere",
            held().with(|c| {
                c.order.status = Status::Canceled;
                c.settlement.state = SettlementState::Unknown;
                c.settlement.looked_at = Some(noon());
            }),
        ),
        ("ended", ends_in(held(), -1)),
        ("registered, near the end", sold().with(|c| c.settlement.lapses_on = Some(date("2026-12-12")))),
        (
            "a slip for the day after the end",
            held().with(|c| {
                c.settlement.lapses_on = Some(date("2026-12-10"));
                c.slips[0].ship_date = Some(date("2026-12-11"));
            }),
        ),
        (
            "by word: capture",
            asked_for(held().with(|c| c.contract.capture = CaptureOn::Manual), Wish::Capture),
        ),
        (
            "by word: capture of a slip for later",
            asked_for(held().with(|c| c.slips[0].ship_date = Some(date("2026-12-14"))), Wish::Capture),
        ),
        (
            "by word: capture of a cancelled order",
            asked_for(held().with(|c| c.order.status = Status::Canceled), Wish::Capture),
        ),
        ("by word: cancel", asked_for(held(), Wish::Cancel)),
        ("by word: cancel of what was never looked up", asked_for(case(), Wish::Cancel)),
        ("by word: another amount", asked_for(held(), Wish::ChangeAmount { to: Yen(100) })),
        ("by word: too much", asked_for(held(), Wish::ChangeAmount { to: Yen(300_001) })),
        ("by word: renew", asked_for(held(), Wish::Reauth)),
        ("by word: undo", asked_for(sold(), Wish::Undo { slip_number: "400012345600".to_owned() })),
        (
            "by word, held",
            asked_for(held().with(|c| c.settlement.held = Some("asked the buyer".to_owned())), Wish::Cancel),
        ),
    ];
    let told: Vec<String> =
        cases.iter().map(|(name, case)| format!("{name}: {}", shown(&case.plan()))).collect();
    insta::assert_snapshot!(told.join("\n"));
}

/// Another carrier's parcel is registered under the reception number, and that follows corrections too (§2.5).
#[test]
fn what_follows_when_the_carrier_changed() {
    let sagawa = |number: &str| Slip { carrier: Carrier::Sagawa, ..slip(number) };
    let other = || {
        held().with(|c| {
            c.slips = vec![sagawa("360000000010")];
            c.done = vec![c.plan().wanted[0].intent.clone()];
            c.settlement.state = SettlementState::Registered;
        })
    };
    let undone = |c: Case| {
        c.with(|c| {
            let undo = c.plan().wanted[0].intent.clone();
            c.done.push(undo);
            c.settlement.state = SettlementState::Authorized;
            c.settlement.slips.clear();
        })
    };
    let by_yamato = || other().with(|c| c.slips = vec![slip("400012345611")]);
    let by_sagawa = || sold().with(|c| c.slips = vec![sagawa("360000000010")]);
    let cases: Vec<(&str, Case)> = vec![
        ("registered", other()),
        ("another number of that carrier", other().with(|c| c.slips = vec![sagawa("360000000021")])),
        (
            "another number of a third carrier",
            other().with(|c| c.slips = vec![Slip { carrier: Carrier::JapanPost, ..slip("1234") }]),
        ),
        ("a slip of Yamato's beside it", other().with(|c| c.slips.push(slip("400012345611")))),
        ("taken away", other().with(|c| c.slips.clear())),
        ("taken away, and undone", undone(other().with(|c| c.slips.clear()))),
        ("replaced by Yamato's", by_yamato()),
        ("replaced by Yamato's, and undone", undone(by_yamato())),
        (
            "replaced by Yamato's after it was settled",
            by_yamato().with(|c| c.settlement.state = SettlementState::Settled),
        ),
        (
            "taken away after it was settled",
            other().with(|c| {
                c.slips.clear();
                c.settlement.state = SettlementState::Settled;
            }),
        ),
        ("Yamato's replaced by another carrier's", by_sagawa()),
        ("Yamato's replaced by another carrier's, and undone", undone(by_sagawa())),
        ("there and back", undone(by_yamato()).with(|c| c.slips = vec![sagawa("360000000010")])),
    ];
    let told: Vec<String> =
        cases.iter().map(|(name, case)| format!("{name}: {}", shown(&case.plan()))).collect();
    insta::assert_snapshot!(told.join("\n"));
}

/// A reservation alone has a planned ship date, and only within ninety days of its own day.
#[test]
fn the_planned_ship_date_of_a_reservation_is_moved_by_a_persons_word() {
    let reserved = |state, to: &str| {
        case().with(|c| {
            c.settlement.state = state;
            c.settlement.amount = Some(Yen(5_500));
            c.settlement.authorized_on = Some(date("2026-12-01"));
            c.settlement.scheduled_on = Some(date("2026-12-20"));
            c.settlement.wish = Some(Wish::ChangeDate { to: date(to) });
        })
    };
    let told = |state, to: &str| shown(&reserved(state, to).plan());
    assert!(told(SettlementState::Reserved, "2027-03-01").starts_with("move to 2027-03-01 at "));
    assert_eq!(
        told(SettlementState::Reserved, "2027-03-02"),
        "ask: the planned ship date 2027-03-02 is too far ahead: the gateway takes none after 2027-03-01"
    );
    assert_eq!(
        told(SettlementState::Authorized, "2026-12-24"),
        "ask: only a reservation has a planned ship date; it is authorized"
    );
}
