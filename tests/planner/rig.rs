//! One situation, and how its plan reads.

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
    CaptureOn, Companion, Contract, Delivery, Facts, MatchRule, Mode, OnChange, Parcels, Plan, Reauthorize,
    Reception, RegisteredBy, plan,
};
use mallsync::domain::settlement::{Settlement, SettlementState, Wish};
use mallsync::domain::slip::{Slip, WriteBack};

pub const DAY: Duration = Duration::from_secs(86_400);

pub fn noon() -> Timestamp {
    Timestamp::parse("2026-12-10T12:00:00+09:00").unwrap()
}

pub fn date(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

pub fn contract() -> Contract {
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

pub fn order() -> Order {
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

pub fn settlement() -> Settlement {
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

pub fn slip(number: &str) -> Slip {
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
pub struct Case {
    pub contract: Contract,
    pub order: Order,
    pub settlement: Settlement,
    pub slips: Vec<Slip>,
    pub companions: Vec<Companion>,
    pub done: Vec<Intent>,
    pub now: Timestamp,
}

pub fn case() -> Case {
    Case {
        contract: contract(),
        order: order(),
        settlement: settlement(),
        slips: vec![slip("400012345600")],
        companions: Vec::new(),
        done: Vec::new(),
        now: noon(),
    }
}

impl Case {
    pub fn with(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }

    pub fn plan(&self) -> Plan {
        let facts = Facts {
            order: &self.order,
            settlement: &self.settlement,
            slips: &self.slips,
            companions: &self.companions,
            done: &self.done,
        };
        plan(&self.contract, &facts, self.now)
    }
}

pub fn shown(plan: &Plan) -> String {
    if let Some(reason) = &plan.hold {
        let beside = Plan { hold: None, ..plan.clone() };
        let beside = if plan.wanted.is_empty() { String::new() } else { format!("{}; ", shown(&beside)) };
        return format!("{beside}ask: {reason}");
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

/// A sale whose identity was shown, held on the card.
pub fn held() -> Case {
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
pub fn sold() -> Case {
    held().with(|c| {
        c.done = vec![c.plan().wanted[0].intent.clone()];
        c.settlement.state = SettlementState::Registered;
        c.settlement.slips = vec!["400012345600".to_owned()];
    })
}

pub fn ends_in(case: Case, days: i64) -> Case {
    case.with(|c| {
        c.slips.clear();
        c.settlement.lapses_on = Some(c.now.jst_date() + chrono::TimeDelta::days(days));
    })
}

pub fn asked_for(case: Case, wish: Wish) -> Case {
    case.with(|c| c.settlement.wish = Some(wish))
}

/// Another order of the contract on the case's slip, whose time has not come.
pub fn companion(order: &str, due: i64) -> Companion {
    Companion {
        slip_number: "400012345600".to_owned(),
        order_id: format!("id of {order}"),
        mall_order_id: order.to_owned(),
        status: Status::AwaitingShipment,
        due: Some(Yen(due)),
        contract: Some("webcollect-main".to_owned()),
        slips: 1,
        held: false,
        registered: false,
    }
}
