//! What is wanted in each situation of a sale.

use mallsync::domain::money::Yen;
use mallsync::domain::operation::Intent;
use mallsync::domain::order::{Carrier, Package, Status};
use mallsync::domain::planner::{CaptureOn, Delivery, OnChange, Parcels, RegisteredBy};
use mallsync::domain::settlement::{SettlementState, Wish};
use mallsync::domain::slip::Slip;

use crate::rig::{Case, DAY, case, companion, date, held, noon, shown, slip, sold};

/// What somebody else cancelled is a question; what was decided here is none, though the order lives.
#[test]
fn our_own_cancel_is_no_surprise() {
    let canceled = case().with(|c| c.settlement.state = SettlementState::Canceled);
    assert_eq!(shown(&canceled.plan()), "ask: the gateway shows it as canceled");
    let by_us = canceled.with(|c| {
        c.done = vec![Intent::Cancel {
            reception_number: "100001".to_owned(),
            amount: Yen(5_500),
            authorized_on: None,
            state: SettlementState::Authorized,
        }];
    });
    assert_eq!(shown(&by_us.plan()), "wait: canceled at the gateway, as it was decided here");
}

#[test]
fn what_is_wanted_in_each_situation() {
    let cases: Vec<(&str, Case)> = vec![
        ("a slip of today", case()),
        ("as soon as the slip is known", case().with(|c| c.contract.capture = CaptureOn::Slip)),
        ("only by hand", case().with(|c| c.contract.capture = CaptureOn::Manual)),
        ("without a ship date", case().with(|c| c.slips[0].ship_date = None)),
        ("no slip", case().with(|c| c.slips.clear())),
        ("another carrier", case().with(|c| c.slips[0].carrier = Carrier::Sagawa)),
        ("always another carrier", case().with(|c| c.contract.delivery = Delivery::Other)),
        (
            "two parcels of one destination",
            case()
                .with(|c| c.slips.push(Slip { ship_date: Some(date("2026-12-11")), ..slip("400012345611") })),
        ),
        (
            "Yamato and another carrier",
            case().with(|c| c.slips.push(Slip { carrier: Carrier::Sagawa, ..slip("360000000010") })),
        ),
        ("one of two destinations slipped", case().with(|c| c.order.packages.push(Package::default()))),
        (
            "one of two destinations is enough",
            case().with(|c| {
                c.order.packages.push(Package::default());
                c.contract.parcels = Parcels::First;
            }),
        ),
        (
            "one of two for seven days",
            case().with(|c| {
                c.order.packages.push(Package::default());
                c.now = noon() + DAY * 7;
            }),
        ),
        ("a slip held", case().with(|c| c.slips[0].held = Some("another postal code".to_owned()))),
        ("cash on delivery", case().with(|c| c.slips[0].kind = "2".to_owned())),
        ("compact collect", case().with(|c| c.slips[0].kind = "9".to_owned())),
        ("letter box", case().with(|c| c.slips[0].kind = "7".to_owned())),
        ("not fixed", case().with(|c| c.order.amounts.due = None)),
        ("nothing due", case().with(|c| c.order.amounts.due = Some(Yen(0)))),
        ("above the limit", case().with(|c| c.order.amounts.due = Some(Yen(300_001)))),
        ("cancelled", case().with(|c| c.order.status = Status::Canceled)),
        ("cancel asked for", case().with(|c| c.order.status = Status::CancelRequested)),
        ("unknown status", case().with(|c| c.order.status = Status::Unknown)),
        ("pending", case().with(|c| c.order.status = Status::Pending)),
        ("shipped already", case().with(|c| c.order.status = Status::Shipped)),
        ("before since", case().with(|c| c.order.ordered_at = noon() - DAY * 31)),
        ("held by a person", case().with(|c| c.settlement.held = Some("asked the buyer".to_owned()))),
        ("no reception number", case().with(|c| c.settlement.reception_number = None)),
        ("B2 registers", case().with(|c| c.contract.registered_by = RegisteredBy::B2cloud)),
        (
            "B2 registers, and its file says so",
            case().with(|c| {
                c.contract.registered_by = RegisteredBy::B2cloud;
                c.slips[0].b2_registers = Some(true);
            }),
        ),
        (
            "B2 is to register, and its file says that it does not",
            case().with(|c| {
                c.contract.registered_by = RegisteredBy::B2cloud;
                c.slips[0].b2_registers = Some(false);
            }),
        ),
        ("B2 registers all the same, by its file", case().with(|c| c.slips[0].b2_registers = Some(true))),
        ("B2 does not register, by its file", case().with(|c| c.slips[0].b2_registers = Some(false))),
        (
            "B2 registers a slip that is held",
            case().with(|c| {
                c.slips[0].b2_registers = Some(true);
                c.slips[0].held = Some("another postal code".to_owned());
            }),
        ),
        (
            "B2 registers, another amount at the gateway",
            case().with(|c| {
                c.contract.registered_by = RegisteredBy::B2cloud;
                c.settlement.state = SettlementState::Authorized;
                c.settlement.amount = Some(Yen(5_000));
            }),
        ),
        (
            "another amount at the gateway",
            case().with(|c| {
                c.settlement.state = SettlementState::Authorized;
                c.settlement.amount = Some(Yen(5_000));
            }),
        ),
        ("cancelled at the gateway", case().with(|c| c.settlement.state = SettlementState::Canceled)),
        ("settled at the gateway", case().with(|c| c.settlement.state = SettlementState::Settled)),
        ("a reservation", case().with(|c| c.settlement.state = SettlementState::Reserved)),
        (
            "the last day of the authorisation",
            case().with(|c| c.settlement.lapses_on = Some(date("2026-12-10"))),
        ),
        ("a day too late", case().with(|c| c.settlement.lapses_on = Some(date("2026-12-09")))),
        (
            "registered",
            case().with(|c| {
                let intent = c.plan().wanted[0].intent.clone();
                c.done.push(intent);
                c.settlement.state = SettlementState::Settled;
            }),
        ),
        (
            "a further parcel of a registered one",
            case().with(|c| {
                let intent = c.plan().wanted[0].intent.clone();
                c.done.push(intent);
                c.settlement.state = SettlementState::Registered;
                c.slips.push(slip("400012345611"));
            }),
        ),
    ];
    let told: Vec<String> =
        cases.iter().map(|(name, case)| format!("{name}: {}", shown(&case.plan()))).collect();
    insta::assert_snapshot!(told.join("\n"));
}

/// One slip on several orders (同梱, §5.4): each is registered when its own time comes, and the limits count all of them.
#[test]
fn what_is_wanted_of_a_parcel_with_several_orders() {
    use mallsync::domain::planner::Companion;
    let with = |others: Vec<Companion>| case().with(|c| c.companions = others);
    let other = |change: fn(&mut Companion)| {
        let mut other = companion("100002", 7_000);
        change(&mut other);
        with(vec![other])
    };
    // Registered with its slip, another order already on it.
    let registered = |change: fn(&mut Companion)| {
        sold().with(|c| {
            let mut other = companion("100002", 7_000);
            other.registered = true;
            change(&mut other);
            c.companions = vec![other];
        })
    };
    let cases: Vec<(&str, Case)> = vec![
        ("two orders", other(|_| ())),
        ("two orders, the other registered", other(|o| o.registered = true)),
        ("two orders, the other shipped long ago", other(|o| o.status = Status::Completed)),
        ("two orders, the other not to be shipped yet", other(|o| o.status = Status::Pending)),
        ("three orders", with(vec![companion("100002", 7_000), companion("100003", 200)])),
        (
            "four orders",
            with(vec![companion("100002", 7_000), companion("100003", 200), companion("100004", 200)]),
        ),
        ("300,000 yen together", other(|o| o.due = Some(Yen(294_500)))),
        ("300,001 yen together", other(|o| o.due = Some(Yen(294_501)))),
        (
            "300,001 yen of three orders",
            with(vec![companion("100002", 200_000), companion("100003", 94_501)]),
        ),
        ("the other's amount not fixed", other(|o| o.due = None)),
        ("the other cancelled", other(|o| o.status = Status::Canceled)),
        ("a cancel of the other asked for", other(|o| o.status = Status::CancelRequested)),
        ("the other without settlement", other(|o| o.contract = None)),
        ("the other of another contract", other(|o| o.contract = Some("webcollect-sub".to_owned()))),
        ("the other's slip held", other(|o| o.held = true)),
        ("the other with a second slip", other(|o| o.slips = 2)),
        ("with a second slip of its own", other(|_| ()).with(|c| c.slips.push(slip("400012345611")))),
        (
            "with another carrier's second slip",
            other(|_| ()).with(|c| c.slips.push(Slip { carrier: Carrier::Sagawa, ..slip("360000000010") })),
        ),
        (
            "another carrier's slip on four orders",
            with(vec![companion("100002", 7_000), companion("100003", 200), companion("100004", 200)])
                .with(|c| c.slips[0].carrier = Carrier::Sagawa),
        ),
        ("only by hand", other(|_| ()).with(|c| c.contract.capture = CaptureOn::Manual)),
        (
            "by word: too much together",
            other(|o| o.due = Some(Yen(294_501))).with(|c| c.settlement.wish = Some(Wish::Capture)),
        ),
        ("registered", registered(|_| ())),
        ("registered, the other not yet", registered(|o| o.registered = false)),
        (
            "registered, the other cancelled before it was",
            registered(|o| {
                o.registered = false;
                o.status = Status::Canceled;
            }),
        ),
        ("registered, the other cancelled afterwards", registered(|o| o.status = Status::Canceled)),
        ("registered, with a further slip", registered(|_| ()).with(|c| c.slips.push(slip("400012345611")))),
        ("registered, another amount", registered(|_| ()).with(|c| c.order.amounts.due = Some(Yen(5_000)))),
        (
            "registered, another amount, the other not yet",
            registered(|o| o.registered = false).with(|c| c.order.amounts.due = Some(Yen(5_000))),
        ),
        (
            "registered, by word: another amount",
            registered(|_| ()).with(|c| c.settlement.wish = Some(Wish::ChangeAmount { to: Yen(5_000) })),
        ),
        ("registered, by word: renew", registered(|_| ()).with(|c| c.settlement.wish = Some(Wish::Reauth))),
        (
            "registered, by word: undo",
            registered(|_| ())
                .with(|c| c.settlement.wish = Some(Wish::Undo { slip_number: "400012345600".to_owned() })),
        ),
        (
            "registered, near the end",
            registered(|_| ()).with(|c| c.settlement.lapses_on = Some(date("2026-12-12"))),
        ),
        (
            "cancelled, ask, the other registered",
            held().with(|c| {
                c.order.status = Status::Canceled;
                c.contract.on_cancel = OnChange::Ask;
                c.companions = vec![Companion { registered: true, ..companion("100002", 7_000) }];
            }),
        ),
    ];
    let told: Vec<String> =
        cases.iter().map(|(name, case)| format!("{name}: {}", shown(&case.plan()))).collect();
    insta::assert_snapshot!(told.join("\n"));
}
