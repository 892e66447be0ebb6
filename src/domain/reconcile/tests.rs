use super::*;
use crate::domain::order::{
    Amounts, Carrier, CollectedBy, FulfilledBy, Notes, Package, Party, Payment, PaymentMethod, PaymentStatus,
    Status,
};
use crate::domain::planner::{
    CaptureOn, Contract, Delivery, Mode, OnChange, Parcels, Reauthorize, RegisteredBy,
};
use crate::domain::settlement::SettlementState;
use crate::domain::slip::WriteBack;

const SLIP: &str = "400123456784";
const OTHER: &str = "400012345670";
const NUMBER: &str = "A-1001";
const DUE: Yen = Yen(5_500);

fn noon() -> Timestamp {
    Timestamp::parse("2026-12-10T12:00:00+09:00").unwrap()
}

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn days(n: u32) -> std::time::Duration {
    std::time::Duration::from_secs(86_400) * n
}

struct Case {
    contract: Contract,
    order: Order,
    settlement: Settlement,
    shown: Shown,
    slips: Vec<Slip>,
    done: Vec<Intent>,
}

/// Authorised two days ago for the order's due, nothing shipped: nothing differs.
fn case() -> Case {
    let mut amounts = Amounts::none("JPY");
    amounts.due = Some(DUE);
    let contract = Contract {
        name: "webcollect-main".to_owned(),
        mode: Mode::Live,
        since: Some(noon() - days(30)),
        registered_by: RegisteredBy::Mallsync,
        capture: CaptureOn::ShipDate,
        capture_time: chrono::NaiveTime::MIN,
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
        rules: Vec::new(),
    };
    let order = Order {
        mall_order_id: "1001".to_owned(),
        status: Status::AwaitingShipment,
        mall_status: "新規受付".to_owned(),
        pending_reason: None,
        fulfilled_by: FulfilledBy::Shop,
        ordered_at: noon() - days(2),
        mall_updated_at: None,
        ship_by: None,
        payment: Payment {
            method: PaymentMethod::CreditCard,
            mall_method: None,
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
    };
    let settlement = Settlement {
        id: "s".to_owned(),
        name: "webcollect-main".to_owned(),
        order_id: "o".to_owned(),
        reception_number: Some(NUMBER.to_owned()),
        state: SettlementState::Authorized,
        amount: Some(DUE),
        authorized_on: Some(day("2026-12-08")),
        lapses_on: Some(day("2027-02-05")),
        verified_at: Some(noon() - days(2)),
        looked_at: Some(noon()),
        slips: Vec::new(),
        held: None,
        wish: None,
        resolved: None,
        authorized_at: Some(noon() - days(2)),
        approval: None,
        scheduled_on: None,
        generation: 0,
        linked_by: "rule".to_owned(),
    };
    let shown = Shown { status: Some("4".to_owned()), ..Shown::default() };
    Case { contract, order, settlement, shown, slips: Vec::new(), done: Vec::new() }
}

fn capture(slip: &str) -> Intent {
    Intent::Capture {
        reception_number: NUMBER.to_owned(),
        slip_number: slip.to_owned(),
        delivery_service_code: if slip == NUMBER { "99" } else { "00" }.to_owned(),
        amount: DUE,
    }
}

fn cancel() -> Intent {
    Intent::Cancel {
        reception_number: NUMBER.to_owned(),
        amount: DUE,
        authorized_on: None,
        state: SettlementState::Authorized,
    }
}

fn slip(number: &str, ship_date: &str) -> Slip {
    Slip {
        number: number.to_owned(),
        carrier: Carrier::Yamato,
        kind: "0".to_owned(),
        package_id: None,
        source: "b2.csv:2".to_owned(),
        ship_date: Some(day(ship_date)),
        learnt_at: noon(),
        write_back: WriteBack::Unsent,
        held: None,
        b2_registers: None,
    }
}

impl Case {
    fn with(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }

    /// Captured by us with `SLIP` and shown so, on `registered`.
    fn registered(self, registered: &str) -> Self {
        self.with(|case| {
            case.settlement.state = SettlementState::Registered;
            case.settlement.slips = vec![SLIP.to_owned()];
            case.slips = vec![slip(SLIP, registered)];
            case.done = vec![capture(SLIP)];
            case.shown.status = Some("30".to_owned());
            case.shown.registered_at = Some(Timestamp::jst_midnight(day(registered)));
        })
    }

    fn settled(self) -> Self {
        self.registered("2026-12-09").with(|case| case.settlement.state = SettlementState::Settled)
    }

    fn differences(&self) -> Vec<Difference> {
        let sale = Sale {
            order: &self.order,
            settlement: &self.settlement,
            shown: &self.shown,
            slips: &self.slips,
            done: &self.done,
        };
        compare(&self.contract, &sale, noon())
    }

    /// Kind, ours, theirs of each.
    fn told(&self) -> Vec<(Kind, Option<i64>, Option<i64>)> {
        let yen = |yen: Option<Yen>| yen.map(|yen| yen.0);
        self.differences().iter().map(|d| (d.kind, yen(d.ours), yen(d.theirs))).collect()
    }
}

/// What fits is not told of.
#[test]
fn what_fits() {
    use SettlementState::{Canceled, Refused, Reserved, Settled, Unknown};
    let fit = [
        ("authorised", case()),
        (
            "never looked up",
            case().with(|c| {
                c.settlement.state = Unknown;
                c.settlement.amount = None;
                c.settlement.looked_at = None;
            }),
        ),
        ("a reservation", case().with(|c| c.settlement.state = Reserved)),
        ("registered yesterday", case().registered("2026-12-09")),
        ("settled", case().settled()),
        ("settled in three weeks", case().registered("2026-11-20").with(|c| c.settlement.state = Settled)),
        (
            "another carrier's, whose number is not shown",
            case().with(|c| {
                c.settlement.state = SettlementState::Registered;
                c.done = vec![capture(NUMBER)];
            }),
        ),
        (
            "another carrier's, whose number is shown",
            case().with(|c| {
                c.settlement.state = SettlementState::Registered;
                c.settlement.slips = vec![NUMBER.to_owned()];
                c.done = vec![capture(NUMBER)];
            }),
        ),
        (
            "B2 registered it",
            case().registered("2026-12-09").with(|c| {
                c.contract.registered_by = RegisteredBy::B2cloud;
                c.done.clear();
            }),
        ),
        (
            "our own cancel of an order that lives",
            case().with(|c| {
                c.settlement.state = Canceled;
                c.done = vec![cancel()];
            }),
        ),
        (
            "cancelled on both sides",
            case().with(|c| {
                c.settlement.state = Canceled;
                c.order.status = Status::Canceled;
            }),
        ),
        (
            "refused, and the order is cancelled",
            case().with(|c| {
                c.settlement.state = Refused;
                c.order.status = Status::Canceled;
            }),
        ),
        (
            "not there, and the order is cancelled",
            case().with(|c| {
                c.shown.unseen = Some(Unseen::Absent);
                c.order.status = Status::Canceled;
            }),
        ),
        ("shipped two days ago", case().with(|c| c.slips = vec![slip(SLIP, "2026-12-08")])),
        (
            "nothing is due",
            case().with(|c| {
                c.order.amounts.due = None;
                c.slips = vec![slip(SLIP, "2026-12-01")];
            }),
        ),
        (
            "renewed far from the order, known as its own",
            case().with(|c| {
                c.settlement.authorized_at = Some(noon() + days(9));
            }),
        ),
        (
            "no number while the order may not ship",
            case().with(|c| {
                c.settlement.reception_number = None;
                c.settlement.state = SettlementState::Unlinked;
                c.order.status = Status::Pending;
            }),
        ),
        (
            "ordered before `since`",
            case().settled().with(|c| {
                c.done.clear();
                c.contract.since = Some(noon());
            }),
        ),
        (
            "resolved by a person",
            case().settled().with(|c| {
                c.order.status = Status::Canceled;
                c.settlement.resolved = Some("refunded by hand".to_owned());
            }),
        ),
        ("ends in four days", case().with(|c| c.settlement.lapses_on = Some(day("2026-12-14")))),
        (
            "ended, for an order that is cancelled at the gateway too",
            case().with(|c| {
                c.settlement.state = Canceled;
                c.settlement.lapses_on = Some(day("2026-12-01"));
                c.order.status = Status::Canceled;
            }),
        ),
    ];
    for (name, case) in fit {
        assert_eq!(case.differences(), [], "{name}");
    }
}

#[test]
fn what_differs_and_by_how_much() {
    use SettlementState::{Authorized, Canceled, Refused, Unknown};
    let due = Some(DUE.0);
    let none = Some(0);
    let differ = [
        (
            "captured by somebody else",
            case().registered("2026-12-09").with(|c| c.done.clear()),
            vec![(Kind::CapturedElsewhere, none, due)],
        ),
        (
            "captured by somebody else, settled since",
            case().settled().with(|c| {
                c.done.clear();
                c.settlement.slips.clear();
            }),
            vec![(Kind::CapturedElsewhere, none, due)],
        ),
        (
            "our capture was undone",
            case().registered("2026-12-09").with(|c| c.settlement.state = Authorized),
            vec![(Kind::CaptureGone, due, none)],
        ),
        (
            "our capture was cancelled",
            case().registered("2026-12-09").with(|c| c.settlement.state = Canceled),
            vec![(Kind::Refunded, due, none)],
        ),
        (
            "cancelled at the gateway",
            case().with(|c| c.settlement.state = Canceled),
            vec![(Kind::CanceledElsewhere, due, none)],
        ),
        ("our cancel is gone", case().with(|c| c.done = vec![cancel()]), vec![(Kind::CancelGone, none, due)]),
        (
            "the order came back after it was settled",
            case().settled().with(|c| c.order.status = Status::Canceled),
            vec![(Kind::RefundDue, none, due)],
        ),
        (
            "a part came back after it was settled",
            case().settled().with(|c| c.order.amounts.due = Some(Yen(5_000))),
            vec![(Kind::RefundDue, Some(5_000), due)],
        ),
        (
            "captured although the order is cancelled",
            case().registered("2026-12-09").with(|c| c.order.status = Status::Canceled),
            vec![(Kind::OrderCanceled, none, due)],
        ),
        (
            "held although the order is cancelled",
            case().with(|c| c.order.status = Status::Canceled),
            vec![(Kind::OrderCanceled, none, due)],
        ),
        (
            "another amount",
            case().with(|c| c.settlement.amount = Some(Yen(6_000))),
            vec![(Kind::AmountDiffers, due, Some(6_000))],
        ),
        (
            "less was settled than is due",
            case().settled().with(|c| c.settlement.amount = Some(Yen(5_000))),
            vec![(Kind::AmountDiffers, due, Some(5_000))],
        ),
        (
            "another slip",
            case().registered("2026-12-09").with(|c| c.settlement.slips = vec![OTHER.to_owned()]),
            vec![(Kind::SlipDiffers, due, due)],
        ),
        (
            "a slip that B2 registered and that the order does not have",
            case().registered("2026-12-09").with(|c| {
                c.contract.registered_by = RegisteredBy::B2cloud;
                c.done.clear();
                c.settlement.slips = vec![OTHER.to_owned()];
            }),
            vec![(Kind::SlipDiffers, due, due)],
        ),
        (
            "registered three days ago and not settled",
            case().registered("2026-12-07"),
            vec![(Kind::NotSettled, due, due)],
        ),
        (
            "shipped three days ago and not captured",
            case().with(|c| c.slips = vec![slip(SLIP, "2026-12-07")]),
            vec![(Kind::NotCaptured, due, none)],
        ),
        (
            "shipped three days ago by the mall's word",
            case().with(|c| {
                c.order.status = Status::Shipped;
                c.order.packages[0].shipped_on = Some(day("2026-12-07"));
            }),
            vec![(Kind::NotCaptured, due, none)],
        ),
        (
            "not there",
            case().with(|c| {
                c.settlement.state = Unknown;
                c.shown.unseen = Some(Unseen::Absent);
            }),
            vec![(Kind::NotThere, due, None)],
        ),
        (
            "several of them",
            case().with(|c| c.shown.unseen = Some(Unseen::Ambiguous)),
            vec![(Kind::Ambiguous, due, None)],
        ),
        (
            "an answer that cannot be read, beside what is known",
            case().with(|c| {
                c.shown.unseen = Some(Unseen::Unreadable);
                c.settlement.amount = Some(Yen(6_000));
            }),
            vec![(Kind::AmountDiffers, due, Some(6_000)), (Kind::Unreadable, due, None)],
        ),
        (
            "another sale",
            case().with(|c| {
                c.settlement.verified_at = None;
                c.settlement.authorized_at = Some(noon() - days(6));
            }),
            vec![(Kind::AnotherSale, due, due)],
        ),
        (
            "the authorisation failed",
            case().with(|c| c.settlement.state = Refused),
            vec![(Kind::Refused, due, none)],
        ),
        (
            "a status from which nothing follows",
            case().with(|c| c.settlement.state = Unknown),
            vec![(Kind::StrangeStatus, due, due)],
        ),
        (
            "it ended, and the parcel left",
            case().with(|c| {
                c.settlement.lapses_on = Some(day("2026-12-09"));
                c.slips = vec![slip(SLIP, "2026-12-01")];
            }),
            vec![(Kind::NotCaptured, due, none), (Kind::Lapsed, due, due)],
        ),
        (
            "lapsed, and the order is cancelled: the gateway shows it as alive",
            case().with(|c| {
                c.settlement.state = SettlementState::Lapsed;
                c.settlement.lapses_on = Some(day("2026-12-09"));
                c.order.status = Status::Canceled;
            }),
            vec![(Kind::OrderCanceled, none, due)],
        ),
        (
            "it ends in three days",
            case().with(|c| c.settlement.lapses_on = Some(day("2026-12-13"))),
            vec![(Kind::LapsesSoon, due, due)],
        ),
        (
            "no reception number",
            case().with(|c| {
                c.settlement.reception_number = None;
                c.settlement.state = SettlementState::Unlinked;
            }),
            vec![(Kind::NoNumber, due, None)],
        ),
    ];
    for (name, case, expected) in differ {
        assert_eq!(case.told(), expected, "{name}");
    }
    let told: Vec<Kind> = Kind::ALL.to_vec();
    let mut sorted = told.clone();
    sorted.sort();
    assert_eq!(told, sorted, "the order of a report is the order of the declaration");
}

/// The slip that nobody scanned is named.
#[test]
fn a_slip_that_was_never_scanned_is_named() {
    let stuck = || case().registered("2026-12-07");
    let reason = |case: &Case| case.differences()[0].reason.clone();
    assert_eq!(
        reason(&stuck()),
        format!("registered on 2026-12-07, not settled since: slip {SLIP} was never scanned")
    );
    let two = stuck().with(|c| {
        c.settlement.slips.push(OTHER.to_owned());
        c.slips.push(slip(OTHER, "2026-12-07"));
        c.done.push(capture(OTHER));
    });
    assert_eq!(
        reason(&two),
        format!("registered on 2026-12-07, not settled since: of slips {SLIP} {OTHER} not all were scanned")
    );
    let scanned = stuck().with(|c| c.shown.shipped_on = Some(day("2026-12-08")));
    assert_eq!(reason(&scanned), "registered on 2026-12-07, scanned on 2026-12-08, and not settled since");
    let another = stuck().with(|c| {
        c.settlement.slips = vec![NUMBER.to_owned()];
        c.done = vec![capture(NUMBER)];
    });
    assert_eq!(
        reason(&another),
        "registered on 2026-12-07 as another carrier's parcel, and not settled since"
    );
}

#[test]
fn what_is_paid_back_by_hand_is_told_in_yen() {
    let whole = case().settled().with(|c| c.order.status = Status::Canceled);
    let part = case().settled().with(|c| c.order.amounts.due = Some(Yen(5_000)));
    for (case, back) in [(whole, "5,500"), (part, "500")] {
        assert_eq!(
            case.differences()[0].reason,
            format!("pay {back} yen back by hand at the gateway's own screen or by transfer")
        );
    }
}

/// A code of the gateway's is told; what is none never is (I9).
#[test]
fn only_codes_are_repeated() {
    let status = |text: &str| {
        let case = case().with(|c| {
            c.settlement.state = SettlementState::Unknown;
            c.shown.status = Some(text.to_owned());
        });
        case.differences()[0].reason.clone()
    };
    for (text, told) in [("21", "21"), ("4/30", "4/30"), ("", "?"), ("山田太郎", "?"), ("0312345678", "?")]
    {
        assert_eq!(status(text), format!("the gateway shows status {told}, from which nothing follows"));
    }
}

#[test]
fn a_report_sums_by_kind() {
    let mut report = Report::default();
    let difference = |kind, ours, theirs| Difference {
        kind,
        ours: Some(Yen(ours)),
        theirs: Some(Yen(theirs)),
        reason: String::new(),
    };
    report.add(&difference(Kind::NotSettled, 700, 700));
    report.add(&difference(Kind::AmountDiffers, 100, 90));
    report.add(&difference(Kind::AmountDiffers, 200, 250));
    let tallies: Vec<_> = report.tallies().iter().map(|t| (t.kind, t.count, t.ours, t.theirs)).collect();
    assert_eq!(
        tallies,
        [(Kind::AmountDiffers, 2, Yen(300), Yen(340)), (Kind::NotSettled, 1, Yen(700), Yen(700))]
    );
    assert_eq!((report.count(), report.kinds().as_str()), (3, "amount_differs=2 not_settled=1"));
    let read: Report = serde_json::from_str(&serde_json::to_string(&report).unwrap()).unwrap();
    assert_eq!(read, report);
}
