//! From facts to the operations wanted: pure (decisions.md 1–5, kuroneko-webcollect.md §2.5, §5).

use chrono::NaiveTime;

use super::money::Yen;
use super::operation::Intent;
use super::order::{Order, words};
use super::settlement::Settlement;
use super::slip::Slip;
use crate::clock::Timestamp;

words! {
    /// Whether anything is sent.
    Mode {
        /// Plans and shows; sends nothing, leaves nothing to be sent later.
        DryRun = "dry-run",
        /// Sends.
        Live = "live",
    }
}

words! {
    /// Who registers slips at the gateway.
    RegisteredBy {
        /// We do.
        Mallsync = "mallsync",
        /// B2クラウド does (its columns 43–47): no capture is sent.
        B2cloud = "b2cloud",
    }
}

words! {
    /// When a capture is sent.
    CaptureOn {
        /// On the slip's ship date, at `capture_time`.
        ShipDate = "ship_date",
        /// As soon as the slip is known.
        Slip = "slip",
        /// Only by a person's command.
        Manual = "manual",
    }
}

words! {
    /// Which parcels must have a slip first.
    Parcels {
        /// All of them.
        All = "all",
        /// One is enough.
        First = "first",
    }
}

words! {
    /// Which delivery service code is sent.
    Delivery {
        /// `00` for Yamato's slips, `99` for others.
        BySlip = "by_slip",
        /// Always `00`.
        Yamato = "yamato",
        /// Always `99`.
        Other = "other",
    }
}

/// The rules of one `[settlements.NAME]`, as the planner needs them.
#[derive(Clone, Debug)]
pub struct Contract {
    /// The name in the config.
    pub name: String,
    /// Sends or only shows.
    pub mode: Mode,
    /// Orders placed before are never touched.
    pub since: Option<Timestamp>,
    /// Who registers slips.
    pub registered_by: RegisteredBy,
    /// When.
    pub capture: CaptureOn,
    /// At what time of the ship date (JST).
    pub capture_time: NaiveTime,
    /// Which parcels first.
    pub parcels: Parcels,
    /// Which delivery service code.
    pub delivery: Delivery,
    /// Length of an authorisation, its first day included; needed in live.
    pub authorization_days: Option<u32>,
    /// Yen a settlement.
    pub amount_limit: Yen,
    /// Captures within an hour, past which everything is held.
    pub max_per_hour: u32,
    /// Yen within a day (JST), past which everything is held.
    pub max_yen_per_day: Yen,
    /// Which orders it belongs to; the first match wins.
    pub rules: Vec<MatchRule>,
}

/// One `[[settlements.NAME.match]]`.
#[derive(Clone, Debug)]
pub struct MatchRule {
    /// The shop.
    pub shop: String,
    /// Patterns on the mall's or cart's own payment name, `*` at either end or within.
    pub mall_payment: Vec<String>,
    /// Names that do not count.
    pub except: Vec<String>,
    /// Also orders that the mall would collect itself.
    pub own_contract: bool,
    /// Where the reception number comes from.
    pub reception: Reception,
}

/// Where a 受付番号 comes from.
#[derive(Clone, Debug)]
pub enum Reception {
    /// `{mall_order_id}` with filters `|upper`, `|digits`, `|tail:N`, and literal text.
    Template(String),
    /// The first group of a pattern on a text field (`notes.shop`) or a CSV column.
    Pattern {
        /// `notes.buyer`, `notes.shop`, `notes.gift`, `payment.mall_method`, `mall_order_id`, or a column's name.
        field: String,
        /// With one group.
        regex: regex::Regex,
    },
    /// From the source itself or from `settlements link`.
    Imported,
}

/// An order's place under a contract.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Linked {
    /// Name of the contract.
    pub contract: String,
    /// The reception number, or why there is none (the settlement waits for `settlements link`).
    pub reception: Result<String, String>,
    /// `rule` or `source`.
    pub linked_by: &'static str,
}

/// What is known of one order when it is planned.
#[derive(Clone, Debug)]
pub struct Facts<'a> {
    /// The order as the mall shows it now.
    pub order: &'a Order,
    /// Its settlement.
    pub settlement: &'a Settlement,
    /// Its slips.
    pub slips: &'a [Slip],
    /// Numbers among them that another order carries too.
    pub shared: &'a [String],
    /// Intents of its operations that were done.
    pub done: &'a [Intent],
}

/// One operation wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// What.
    pub intent: Intent,
    /// Not before this.
    pub run_at: Timestamp,
}

/// What is wanted for one order now.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// Operations wanted, none of them done yet.
    pub wanted: Vec<Wanted>,
    /// What is being waited for, in words.
    pub waiting: Option<String>,
    /// Why a person is needed, in words; nothing is sent.
    pub hold: Option<String>,
}

/// The contract whose rule an order of `shop` matches, and the reception number it gives. `None`: no contract's.
#[must_use]
pub fn link(contracts: &[Contract], shop: &str, order: &Order) -> Option<Linked> {
    let _ = (contracts, shop, order);
    None
}

/// The operations wanted for an order under `contract`.
#[must_use]
pub fn plan(contract: &Contract, facts: &Facts<'_>, now: Timestamp) -> Plan {
    let _ = (contract, facts, now);
    Plan::default()
}
