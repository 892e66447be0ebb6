//! The planner: tables of cases, and what must hold whatever the facts are (I8; decisions.md 2–5).
#![cfg(test)]

use std::time::Duration;

use chrono::{NaiveDate, NaiveTime};
use mallsync::clock::Timestamp;
use mallsync::domain::money::Yen;
use mallsync::domain::operation::Intent;
use mallsync::domain::order::{
    Amounts, Carrier, CollectedBy, FulfilledBy, Notes, Order, Package, Party, Payment, PaymentMethod,
    PaymentStatus, Status,
};
use mallsync::domain::planner::{
    CaptureOn, Contract, Delivery, Facts, MatchRule, Mode, OnChange, Parcels, Plan, Reauthorize, Reception,
    RegisteredBy, link, plan,
};
use mallsync::domain::settlement::{Settlement, SettlementState, Wish};
use mallsync::domain::slip::{Slip, WriteBack};
use mallsync::secret::Personal;
use proptest::prelude::*;

const DAY: Duration = Duration::from_secs(86_400);

fn noon() -> Timestamp {
    Timestamp::parse("2026-12-10T12:00:00+09:00").unwrap()
}

fn date(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn contract() -> Contract {
    Contract {
        name: "webcollect-main".to_owned(),
        mode: Mode::Live,
        since: Some(noon() - DAY * 30),
        registered_by: RegisteredBy::Mallsync,
        capture: CaptureOn::ShipDate,
        capture_time: NaiveTime::from_hms_opt(17, 0, 0).unwrap(),
        parcels: Parcels::All,
        delivery: Delivery::BySlip,
        on_amount_change: OnChange::Ask,
        on_cancel: OnChange::Ask,
        reauthorize: Reauthorize::Ask,
        authorization_days: Some(60),
        amount_limit: Yen(300_000),
        max_per_hour: 500,
        max_yen_per_day: Yen(5_000_000),
        trader_code: None,
        rules: vec![MatchRule {
            shop: "own-shop".to_owned(),
            mall_payment: vec!["*webコレクト*".to_owned()],
            except: vec!["*後払い*".to_owned()],
            own_contract: false,
            reception: Reception::Template("{mall_order_id}".to_owned()),
        }],
    }
}

fn order() -> Order {
    let mut amounts = Amounts::none("JPY");
    amounts.due = Some(Yen(5_500));
    Order {
        mall_order_id: "100001".to_owned(),
        status: Status::AwaitingShipment,
        mall_status: "新規受付".to_owned(),
        pending_reason: None,
        fulfilled_by: FulfilledBy::Shop,
        ordered_at: noon() - DAY * 2,
        mall_updated_at: None,
        ship_by: None,
        payment: Payment {
            method: PaymentMethod::CreditCard,
            mall_method: Some("クロネコｗｅｂコレクト(カード)".to_owned()),
            status: PaymentStatus::Unknown,
            collected_by: CollectedBy::Shop,
        },
        amounts,
        taxes: Vec::new(),
        buyer: Party::default(),
        packages: vec![Package { package_id: "1".to_owned(), ..Package::default() }],
        notes: Notes::default(),
        flags: Vec::new(),
        reception_number: None,
        source_columns: [].into(),
    }
}

fn settlement() -> Settlement {
    Settlement {
        id: "s".to_owned(),
        name: "webcollect-main".to_owned(),
        order_id: "o".to_owned(),
        reception_number: Some("100001".to_owned()),
        state: SettlementState::Unknown,
        amount: None,
        authorized_on: None,
        lapses_on: None,
        verified_at: None,
        looked_at: None,
        wish: None,
        resolved: None,
        authorized_at: None,
        approval: None,
        scheduled_on: None,
        slips: Vec::new(),
        held: None,
        generation: 0,
        linked_by: "rule".to_owned(),
    }
}

fn slip(number: &str) -> Slip {
    Slip {
        number: number.to_owned(),
        carrier: Carrier::Yamato,
        kind: "0".to_owned(),
        package_id: None,
        source: "b2.csv:2".to_owned(),
        ship_date: Some(date("2026-12-10")),
        learnt_at: noon(),
        write_back: WriteBack::Unsent,
        b2_registers: None,
        held: None,
    }
}

/// One situation; every test changes what it is about.
#[derive(Debug)]
struct Case {
    contract: Contract,
    order: Order,
    settlement: Settlement,
    slips: Vec<Slip>,
    shared: Vec<String>,
    done: Vec<Intent>,
    now: Timestamp,
}

fn case() -> Case {
    Case {
        contract: contract(),
        order: order(),
        settlement: settlement(),
        slips: vec![slip("400012345600")],
        shared: Vec::new(),
        done: Vec::new(),
        now: noon(),
    }
}

impl Case {
    fn with(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }

    fn plan(&self) -> Plan {
        let facts = Facts {
            order: &self.order,
            settlement: &self.settlement,
            slips: &self.slips,
            shared: &self.shared,
            done: &self.done,
        };
        plan(&self.contract, &facts, self.now)
    }
}

fn shown(plan: &Plan) -> String {
    if let Some(reason) = &plan.hold {
        return format!("ask: {reason}");
    }
    if let Some(reason) = &plan.waiting {
        return format!("wait: {reason}");
    }
    let all: Vec<String> = plan
        .wanted
        .iter()
        .map(|w| {
            let what = match &w.intent {
                Intent::Capture { slip_number, delivery_service_code, amount, .. } => {
                    format!("{delivery_service_code} {slip_number} {amount}")
                }
                Intent::Undo { slip_number, .. } => format!("undo {slip_number}"),
                Intent::Cancel { amount, .. } => format!("cancel {amount}"),
                Intent::ChangeAmount { from, to, .. } => format!("change {from} to {to}"),
                Intent::Reauth { amount, .. } => format!("renew {amount}"),
                Intent::ChangeDate { to, .. } => format!("move to {to}"),
            };
            format!("{what} at {}", w.run_at.jst().format("%m-%d %H:%M"))
        })
        .collect();
    all.join(", ")
}

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
        ("the slip of two orders", case().with(|c| c.shared.push("400012345600".to_owned()))),
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

/// A sale whose identity was shown, held on the card.
fn held() -> Case {
    case().with(|c| {
        c.settlement.state = SettlementState::Authorized;
        c.settlement.amount = Some(Yen(5_500));
        c.settlement.authorized_at = Some(noon() - DAY * 2);
        c.settlement.authorized_on = Some(date("2026-12-08"));
        c.settlement.lapses_on = Some(date("2027-02-05"));
        c.settlement.verified_at = Some(noon());
        c.contract.on_amount_change = OnChange::Apply;
        c.contract.on_cancel = OnChange::Apply;
        c.contract.reauthorize = Reauthorize::Auto;
    })
}

/// The same, with its slip registered by us.
fn sold() -> Case {
    held().with(|c| {
        c.done = vec![c.plan().wanted[0].intent.clone()];
        c.settlement.state = SettlementState::Registered;
        c.settlement.slips = vec!["400012345600".to_owned()];
    })
}

fn ends_in(case: Case, days: i64) -> Case {
    case.with(|c| {
        c.slips.clear();
        c.settlement.lapses_on = Some(c.now.jst_date() + chrono::TimeDelta::days(days));
    })
}

fn asked_for(case: Case, wish: Wish) -> Case {
    case.with(|c| c.settlement.wish = Some(wish))
}

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

/// Renewals of many sales that end on one day do not fall together, none at night, none past the third day.
#[test]
fn renewals_are_spread_over_days_and_hours() {
    use std::collections::BTreeMap;
    let mut days: BTreeMap<NaiveDate, usize> = BTreeMap::new();
    for number in 0..600 {
        let case = ends_in(held(), 5).with(|c| c.settlement.reception_number = Some(format!("A-{number}")));
        let plan = case.plan();
        let at = plan.wanted[0].run_at.jst();
        let hour = chrono::Timelike::hour(&at);
        assert!((10..16).contains(&hour), "{at}");
        *days.entry(at.date_naive()).or_default() += 1;
    }
    assert_eq!(days.len(), 3, "{days:?}");
    assert!(days.values().all(|n| *n > 100), "{days:?}");
    assert_eq!(days.keys().last(), Some(&date("2026-12-12")), "three days are left for a person");
}

#[test]
fn links_are_found_by_shop_payment_and_template() {
    let mut rules = contract();
    let number = |contracts: &[Contract], shop: &str, order: &Order| {
        link(contracts, shop, order).map(|linked| linked.reception)
    };
    let all = [rules.clone()];
    assert_eq!(number(&all, "own-shop", &order()), Some(Ok("100001".to_owned())));
    assert_eq!(number(&all, "rakuten-main", &order()), None, "another shop");
    let mut later = order();
    later.payment.mall_method = Some("webコレクト後払い".to_owned());
    assert_eq!(number(&all, "own-shop", &later), None, "excepted");
    let mut mall = order();
    mall.payment.collected_by = CollectedBy::Mall;
    assert_eq!(number(&all, "own-shop", &mall), None, "the mall collects");
    rules.rules[0].own_contract = true;
    assert_eq!(number(&[rules.clone()], "own-shop", &mall), Some(Ok("100001".to_owned())));

    rules.rules[0].reception = Reception::Template("W{mall_order_id|digits|tail:4}".to_owned());
    assert_eq!(number(&[rules.clone()], "own-shop", &order()), Some(Ok("W0001".to_owned())));
    let mut lower = order();
    lower.mall_order_id = "ab_1".to_owned();
    rules.rules[0].reception = Reception::Template("{mall_order_id|upper}".to_owned());
    let reason = number(&[rules.clone()], "own-shop", &lower).unwrap().unwrap_err();
    assert!(reason.contains("not a reception number"), "{reason}");

    let regex = regex::Regex::new("受付番号[:\\x{FF1A}]\\s*(\\S+)").unwrap();
    rules.rules[0].reception = Reception::Pattern { field: "notes.shop".to_owned(), regex };
    let mut noted = order();
    noted.notes.shop = Personal::new("受付番号： 2026-77 のし");
    assert_eq!(number(&[rules.clone()], "own-shop", &noted), Some(Ok("2026-77".to_owned())));
    assert!(number(&[rules], "own-shop", &order()).unwrap().is_err(), "nothing to find");
}

prop_compose! {
    fn any_case()(
        status in 0..Status::ALL.len(),
        state in 0..SettlementState::ALL.len(),
        due in prop::option::of(-10_i64..400_000),
        held_amount in prop::option::of(-10_i64..400_000),
        same in any::<bool>(),
        kinds in prop::collection::vec((prop::sample::select(vec!["0", "2", "3", "7", "8", "9", "A", ""]), any::<bool>(), any::<bool>(), any::<bool>()), 0..4),
        packages in 0_usize..4,
        ordered_days in 0_u32..60,
        lapses_in in prop::option::of(-5_i64..70),
        later in 0_u32..80,
        policy in 0_usize..3,
        first in any::<bool>(),
        rules in any::<(bool, bool, bool, bool, bool)>(),
        by_b2 in prop::bool::weighted(0.2),
        b2_says in prop::option::weighted(0.4, any::<bool>()),
    ) -> Case {
        case().with(|c| {
            c.order.status = Status::ALL[status];
            c.settlement.state = SettlementState::ALL[state];
            c.order.amounts.due = due.map(Yen);
            c.settlement.amount = if same { c.order.amounts.due } else { held_amount.map(Yen) };
            c.order.packages = (0..packages).map(|i| Package { package_id: i.to_string(), ..Package::default() }).collect();
            c.order.ordered_at = noon() - DAY * ordered_days;
            c.contract.capture = CaptureOn::ALL[policy];
            c.contract.registered_by = if by_b2 { RegisteredBy::B2cloud } else { RegisteredBy::Mallsync };
            c.contract.parcels = if first { Parcels::First } else { Parcels::All };
            c.now = noon() + DAY * later;
            c.settlement.lapses_on = lapses_in.map(|d| noon().jst_date() + chrono::TimeDelta::days(d));
            let (change, cancel, renew, verified, looked) = rules;
            c.contract.on_amount_change = if change { OnChange::Apply } else { OnChange::Ask };
            c.contract.on_cancel = if cancel { OnChange::Apply } else { OnChange::Ask };
            c.contract.reauthorize = if renew { Reauthorize::Auto } else { Reauthorize::Off };
            c.settlement.verified_at = verified.then(noon);
            c.settlement.authorized_at = looked.then(|| noon() - DAY);
            c.slips = kinds.iter().enumerate().map(|(i, (kind, yamato, held, shared))| {
                let number = format!("4000123456{i:02}");
                if *shared {
                    c.shared.push(number.clone());
                }
                Slip {
                    kind: (*kind).to_owned(),
                    carrier: if *yamato { Carrier::Yamato } else { Carrier::JapanPost },
                    held: held.then(|| "held".to_owned()),
                    b2_registers: b2_says,
                    ..slip(&number)
                }
            }).collect();
        })
    }
}

/// What asks for a renewal alone says so: many such questions are told as one.
#[test]
fn a_question_of_renewal_is_no_other() {
    let asked = ends_in(held(), 5).with(|c| c.contract.reauthorize = Reauthorize::Ask);
    assert_eq!(asked.plan().renew_by, asked.settlement.lapses_on);
    let unknown = ends_in(held(), 5).with(|c| c.settlement.verified_at = None);
    assert_eq!(unknown.plan().renew_by, unknown.settlement.lapses_on);
    let over = ends_in(held(), -1).with(|c| c.contract.reauthorize = Reauthorize::Ask);
    assert!(over.plan().hold.is_some() && over.plan().renew_by.is_none(), "it can be renewed no more");
}

proptest! {
    #[test]
    fn nothing_is_ever_wanted_that_must_not_be(case in any_case()) {
        let plan = case.plan();
        prop_assert!(plan.wanted.is_empty() || (plan.hold.is_none() && plan.waiting.is_none()));
        prop_assert!(!plan.wanted.is_empty() || plan.hold.is_some() || plan.waiting.is_some(), "always a reason");
        prop_assert!(plan.renew_by.is_none() || (plan.hold.is_some() && plan.renew_by == case.settlement.lapses_on));
        let mut seen = Vec::new();
        for wanted in &plan.wanted {
            prop_assert!(case.order.ordered_at >= case.contract.since.unwrap());
            let (slip_number, amount, reception_number) = match &wanted.intent {
                Intent::Capture { slip_number, amount, reception_number, .. } => (slip_number, amount, reception_number),
                Intent::Cancel { amount, state, .. } => {
                    prop_assert_eq!(case.order.status, Status::Canceled);
                    prop_assert!(case.settlement.verified_at.is_some() && matches!(state, SettlementState::Authorized | SettlementState::Reserved | SettlementState::Registered));
                    prop_assert_eq!(Some(*amount), case.settlement.amount);
                    continue;
                }
                Intent::ChangeAmount { from, to, .. } => {
                    prop_assert!(case.settlement.verified_at.is_some() && case.order.status.may_ship());
                    prop_assert_eq!((Some(*from), Some(*to)), (case.settlement.amount, case.order.amounts.due));
                    prop_assert!(*to > Yen::ZERO && *to <= case.contract.amount_limit && from != to);
                    continue;
                }
                Intent::Reauth { .. } => {
                    prop_assert_eq!(case.settlement.state, SettlementState::Authorized);
                    prop_assert!(case.settlement.verified_at.is_some());
                    prop_assert!(case.settlement.lapses_on.is_some_and(|last| case.now.jst_date() <= last));
                    continue;
                }
                other => return Err(TestCaseError::fail(format!("nobody asked for {other:?}"))),
            };
            prop_assert!(case.order.status.may_ship());
            prop_assert_eq!(case.contract.registered_by, RegisteredBy::Mallsync);
            prop_assert!(!case.slips.iter().any(|s| s.held.is_none() && s.number == *slip_number && s.b2_registers == Some(true)), "never a second registration");
            prop_assert_eq!(Some(*amount), case.order.amounts.due);
            prop_assert!(case.settlement.amount.is_none_or(|held| held == *amount), "never another amount than the authorised one");
            prop_assert!(*amount > Yen::ZERO && *amount <= case.contract.amount_limit);
            prop_assert!(case.settlement.lapses_on.is_none_or(|last| wanted.run_at.max(case.now).jst_date() <= last));
            prop_assert!(slip_number == reception_number || case.slips.iter().any(|s| s.number == *slip_number && s.held.is_none() && !matches!(s.kind.as_str(), "2" | "3" | "7" | "9")));
            prop_assert!(!case.shared.contains(slip_number));
            prop_assert!(!seen.contains(slip_number), "never two captures of one slip");
            seen.push(slip_number.clone());
        }
        // What was done is not wanted again, whatever changed meanwhile.
        let done: Vec<Intent> = plan.wanted.iter().map(|w| w.intent.clone()).collect();
        let after = case.with(|c| {
            c.done = done;
            c.order.amounts.due = c.order.amounts.due.map(|due| Yen(due.0 + 1));
        });
        let again = after.plan().wanted.iter().any(|w| {
            matches!(&w.intent, Intent::Capture { slip_number, .. } if seen.contains(slip_number))
        });
        prop_assert!(!again);
    }
}
