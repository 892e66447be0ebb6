//! Invented orders, contracts and slips.

use std::time::Duration;

use chrono::NaiveTime;
use mallsync::clock::Timestamp;
use mallsync::domain::money::Yen;
use mallsync::domain::order::{
    Amounts, Carrier, CollectedBy, FulfilledBy, Notes, Order, Package, Party, Payment, PaymentMethod,
    PaymentStatus, Status,
};
use mallsync::domain::planner::{
    CaptureOn, Contract, Delivery, MatchRule, Mode, OnChange, Parcels, Reauthorize, Reception, RegisteredBy,
};
use mallsync::domain::slip::SlipRow;
use mallsync::secret::Personal;
use mallsync::store::Planning;
use mallsync::store::operations::{Claim, Work};
use mallsync::store::orders::{OrderView, PageCommit, PageResult};
use mallsync::store::ready::{NewOrder, Preparer};
use mallsync::store::slips::SlipImport;
use mallsync::store::streams::ShopLease;

use crate::support::{TestStore, start};

pub fn at(minutes: u64) -> Timestamp {
    start() + Duration::from_secs(60 * minutes)
}

/// An order of the own cart that may ship, 12,800 yen by card, to one destination in 〒1000001.
pub fn order(number: &str) -> Order {
    let mut amounts = Amounts::none("JPY");
    amounts.total = Some(Yen(12_800));
    amounts.due = Some(Yen(12_800));
    Order {
        mall_order_id: number.to_owned(),
        status: Status::AwaitingShipment,
        mall_status: "新規受付".to_owned(),
        pending_reason: None,
        fulfilled_by: FulfilledBy::Shop,
        ordered_at: start() - Duration::from_secs(3_600),
        mall_updated_at: None,
        ship_by: None,
        payment: Payment {
            method: PaymentMethod::CreditCard,
            mall_method: Some("クロネコwebコレクト".to_owned()),
            status: PaymentStatus::Unknown,
            collected_by: CollectedBy::Shop,
        },
        amounts,
        taxes: Vec::new(),
        buyer: Party { name: Personal::new("試験 花子"), ..Party::default() },
        packages: vec![package("1", "1000001")],
        notes: Notes::default(),
        flags: Vec::new(),
        reception_number: None,
        source_columns: std::collections::BTreeMap::new(),
    }
}

pub fn package(id: &str, postal_code: &str) -> Package {
    Package {
        package_id: id.to_owned(),
        recipient: Party { postal_code: Personal::new(postal_code), ..Party::default() },
        ..Package::default()
    }
}

/// A live contract for every order of `cart`, whose reception number is the order number.
pub fn contract() -> Contract {
    Contract {
        name: "webcollect-main".to_owned(),
        mode: Mode::Live,
        since: None,
        registered_by: RegisteredBy::Mallsync,
        capture: CaptureOn::Slip,
        capture_time: NaiveTime::MIN,
        parcels: Parcels::All,
        delivery: Delivery::BySlip,
        on_amount_change: OnChange::Ask,
        on_cancel: OnChange::Ask,
        reauthorize: Reauthorize::Off,
        authorization_days: Some(60),
        amount_limit: Yen(300_000),
        max_per_hour: 500,
        max_yen_per_day: Yen(5_000_000),
        trader_code: None,
        rules: vec![MatchRule {
            shop: "cart".to_owned(),
            mall_payment: vec!["*webコレクト*".to_owned()],
            except: Vec::new(),
            own_contract: false,
            reception: Reception::Template("{mall_order_id|upper}".to_owned()),
        }],
    }
}

pub fn dry_run() -> Contract {
    Contract { mode: Mode::DryRun, ..contract() }
}

pub fn planning(contracts: &[Contract]) -> Planning<'_> {
    Planning { contracts, now: start() }
}

/// Polls a shop: its stream `new`, under a lease of a worker of that name.
pub struct Poller {
    pub lease: ShopLease,
    cursor: Option<serde_json::Value>,
}

impl Poller {
    pub async fn new(db: &TestStore, shop: &str) -> Self {
        db.store.ensure_streams(shop, &["late", "new", "open"], at(0)).await.unwrap();
        let lease = db.store.claim_shop(shop, "one", at(0), at(600)).await.unwrap().unwrap();
        Self { lease, cursor: None }
    }

    pub fn page(&self, orders: Vec<NewOrder>) -> PageCommit {
        PageCommit {
            mall: "csv".to_owned(),
            stream: "new".to_owned(),
            cursor_before: self.cursor.clone(),
            cursor_after: self.cursor.clone(),
            orders,
            bad: Vec::new(),
        }
    }

    /// Commits orders read at `minutes`, and moves the cursor.
    pub async fn read(
        &mut self,
        db: &TestStore,
        minutes: u64,
        orders: &[Order],
        contracts: &[Contract],
    ) -> PageResult {
        let mut page = self.page(orders.iter().map(|o| read_at(o, minutes)).collect());
        page.cursor_after = Some(serde_json::json!({ "minutes": minutes }));
        let result = db.store.commit_page(&self.lease, &page, &planning(contracts)).await.unwrap();
        self.cursor = page.cursor_after;
        result
    }
}

pub fn read_at(order: &Order, minutes: u64) -> NewOrder {
    let raw = serde_json::to_vec(order).unwrap();
    Preparer::default().order(order.clone(), raw, at(minutes)).unwrap()
}

/// The one order with this number.
pub async fn found(db: &TestStore, number: &str) -> OrderView {
    let mut found = db.store.find_orders(number).await.unwrap();
    assert_eq!(found.len(), 1, "{}: {number}", db.name);
    found.remove(0)
}

pub fn row(line: u32, key: &str, number: &str) -> SlipRow {
    SlipRow {
        source: format!("b2.csv:{line}"),
        order_key: key.to_owned(),
        other_keys: Vec::new(),
        reception_numbers: Vec::new(),
        trader_code: None,
        number: number.to_owned(),
        carrier: Carrier::Yamato,
        kind: "0".to_owned(),
        ship_date: None,
        postal_code: Some("1000001".to_owned()),
        package_id: None,
        b2_registers: None,
        by_number: false,
    }
}

pub fn file(digest: &str, rows: Vec<SlipRow>) -> SlipImport {
    SlipImport {
        file: "b2.csv".to_owned(),
        digest: digest.to_owned(),
        rows,
        verify_recipient: true,
        dry_run: false,
    }
}

/// A claim of whatever is due of `account`.
pub fn claiming<'a>(
    account: &'a str,
    work: Work,
    owner: &'a str,
    now: Timestamp,
    wall: Timestamp,
    until: Timestamp,
    limit: u64,
) -> Claim<'a> {
    Claim { account, order_id: None, work, owner, now, wall, until, limit }
}
