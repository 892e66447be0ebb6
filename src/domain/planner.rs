//! From facts to the operations wanted: pure (decisions.md 1–5, kuroneko-webcollect.md §2.5, §5).

use std::time::Duration;

use chrono::{NaiveDate, NaiveTime};

pub use super::link::{Linked, link};
use super::money::Yen;
use super::operation::Intent;
use super::order::{Carrier, Order};
use super::settlement::{Settlement, SettlementState};
use super::slip::Slip;
use super::words::words;
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

/// What is known of one order when it is planned.
#[derive(Clone, Debug)]
pub struct Facts<'a> {
    /// The order as the mall shows it now.
    pub order: &'a Order,
    /// Its settlement; `held` is a person's hold alone, not one that an earlier plan asked for.
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

/// A part of the parcels slipped for so long is a question (decisions.md 4).
const PART_SLIPPED: Duration = Duration::from_secs(7 * 86_400);

/// The operations wanted for an order under `contract` at `now`.
#[must_use]
pub fn plan(contract: &Contract, facts: &Facts<'_>, now: Timestamp) -> Plan {
    match wish(contract, facts, now) {
        Ok(wanted) => Plan { wanted, ..Plan::default() },
        Err(Not::Yet(reason)) => Plan { waiting: Some(reason), ..Plan::default() },
        Err(Not::WithoutPerson(reason)) => Plan { hold: Some(reason), ..Plan::default() },
    }
}

/// Why nothing is wanted.
enum Not {
    /// Time, a slip or the mall will mend it.
    Yet(String),
    /// Only a person can.
    WithoutPerson(String),
}

fn yet<T>(reason: impl Into<String>) -> Result<T, Not> {
    Err(Not::Yet(reason.into()))
}

fn ask<T>(reason: impl Into<String>) -> Result<T, Not> {
    Err(Not::WithoutPerson(reason.into()))
}

fn wish(contract: &Contract, facts: &Facts<'_>, now: Timestamp) -> Result<Vec<Wanted>, Not> {
    let (order, settlement) = (facts.order, facts.settlement);
    if let Some(reason) = &settlement.held {
        return yet(format!("held: {reason}"));
    }
    if contract.since.is_some_and(|since| order.ordered_at < since) {
        return yet("ordered before `since`: never touched");
    }
    if !order.status.may_ship() {
        return yet(format!("the order is {}", order.status));
    }
    if let Some(flag) = order.unknown_payment() {
        return ask(format!("how it is paid has a code never seen before: {}", flag.detail));
    }
    let Some(reception_number) = settlement.reception_number.as_deref() else {
        return ask("no reception number: `mallsync settlements link ORDER RECEPTION_NUMBER`");
    };
    let Some(due) = order.amounts.due else { return yet("the amount is not fixed") };
    if due <= Yen::ZERO {
        return yet("nothing is due");
    }
    if due > contract.amount_limit {
        return ask(format!("{due} yen is above amount_limit ({} yen)", contract.amount_limit));
    }
    if contract.registered_by == RegisteredBy::B2cloud {
        return yet("B2クラウド registers the slips itself");
    }
    if contract.capture == CaptureOn::Manual {
        return yet("capture = \"manual\"");
    }
    let slips = usable(contract, facts, now)?;
    let wanted = captures(contract, facts, reception_number, due, &slips);
    if wanted.is_empty() {
        return yet("registered");
    }
    gateway_allows(settlement, due, &wanted, now)?;
    Ok(wanted)
}

/// The slips that may be registered, once enough of the parcels have one.
fn usable<'a>(contract: &Contract, facts: &Facts<'a>, now: Timestamp) -> Result<Vec<&'a Slip>, Not> {
    let slips: Vec<&Slip> = facts
        .slips
        .iter()
        .filter(|slip| slip.held.is_none() && !matches!(slip.kind.as_str(), "2" | "9"))
        .collect();
    let Some(first) = slips.iter().map(|slip| slip.learnt_at).min() else {
        return match facts.slips.iter().find(|slip| slip.held.is_none()) {
            Some(slip) => {
                ask(format!("slip {} is cash on delivery: never registered on a card", slip.number))
            }
            None => yet("no slip"),
        };
    };
    if let Some(slip) = slips.iter().find(|slip| matches!(slip.kind.as_str(), "3" | "7")) {
        return ask(format!("slip {} is a letter-box service (送り状種類 {})", slip.number, slip.kind));
    }
    if let Some(slip) = slips.iter().find(|slip| facts.shared.contains(&slip.number)) {
        return ask(format!("slip {} stands on another order too", slip.number));
    }
    let parcels = facts.order.packages.len().max(1);
    let slipped = slipped_parcels(facts.order, &slips);
    if contract.parcels == Parcels::All && slipped < parcels {
        let text = format!("{slipped} of {parcels} parcels have a slip");
        return if now >= first + PART_SLIPPED { ask(format!("{text}, for seven days")) } else { yet(text) };
    }
    Ok(slips)
}

/// How many destinations have a slip. A slip that names no destination counts for one that has none.
fn slipped_parcels(order: &Order, slips: &[&Slip]) -> usize {
    let named = order
        .packages
        .iter()
        .filter(|p| slips.iter().any(|slip| slip.package_id.as_deref() == Some(p.package_id.as_str())))
        .count();
    let unnamed = slips
        .iter()
        .filter(|slip| {
            !order.packages.iter().any(|p| slip.package_id.as_deref() == Some(p.package_id.as_str()))
        })
        .count();
    named + unnamed
}

fn captures(
    contract: &Contract,
    facts: &Facts<'_>,
    reception_number: &str,
    due: Yen,
    slips: &[&Slip],
) -> Vec<Wanted> {
    let by_yamato = |slip: &Slip| match contract.delivery {
        Delivery::Yamato => true,
        Delivery::Other => false,
        Delivery::BySlip => slip.carrier == Carrier::Yamato,
    };
    let run_at = |slip: &Slip| match contract.capture {
        CaptureOn::ShipDate => {
            let day: NaiveDate = slip.ship_date.unwrap_or_else(|| slip.learnt_at.jst_date());
            let seconds = u64::from(chrono::Timelike::num_seconds_from_midnight(&contract.capture_time));
            Timestamp::jst_midnight(day) + Duration::from_secs(seconds)
        }
        CaptureOn::Slip | CaptureOn::Manual => slip.learnt_at,
    };
    let mut wanted: Vec<Wanted> = slips
        .iter()
        .filter(|slip| by_yamato(slip))
        .map(|slip| Wanted {
            intent: Intent::Capture {
                reception_number: reception_number.to_owned(),
                slip_number: slip.number.clone(),
                delivery_service_code: "00".to_owned(),
                amount: due,
            },
            run_at: run_at(slip),
        })
        .collect();
    // Another carrier's parcel is registered once an order, under the reception number itself (§2.5); where Yamato
    // brings a part, that part's slip captures the whole amount already.
    if wanted.is_empty()
        && let Some(run_at) = slips.iter().map(|slip| run_at(slip)).max()
    {
        let intent = Intent::Capture {
            reception_number: reception_number.to_owned(),
            slip_number: reception_number.to_owned(),
            delivery_service_code: "99".to_owned(),
            amount: due,
        };
        wanted.push(Wanted { intent, run_at });
    }
    wanted.retain(|w| !facts.done.iter().any(|done| same_slip(done, &w.intent)));
    wanted
}

/// Whether both register the same slip: what was done is not wanted again, whatever the amount was.
fn same_slip(a: &Intent, b: &Intent) -> bool {
    captured_slip(a).is_some_and(|slip| captured_slip(b) == Some(slip))
}

/// The settlement and the slip that a capture registers.
fn captured_slip(intent: &Intent) -> Option<(&str, &str)> {
    match intent {
        Intent::Capture { reception_number, slip_number, .. } => Some((reception_number, slip_number)),
        Intent::Undo { .. }
        | Intent::Cancel { .. }
        | Intent::ChangeAmount { .. }
        | Intent::Reauth { .. }
        | Intent::ChangeDate { .. } => None,
    }
}

/// What the gateway showed last must not speak against it. A settlement never looked up is looked up before the first
/// operation; see `settlement::identify`.
fn gateway_allows(settlement: &Settlement, due: Yen, wanted: &[Wanted], now: Timestamp) -> Result<(), Not> {
    use SettlementState::{
        Authorized, Canceled, Lapsed, Refused, Registered, Reserved, Settled, Unknown, Unlinked,
    };
    match settlement.state {
        Authorized | Registered | Unknown | Unlinked => {}
        Reserved => return yet("a reservation: the gateway authorises it later"),
        Settled => return ask("the gateway shows it as settled: a further slip cannot be registered"),
        Canceled | Lapsed | Refused => {
            return ask(format!("the gateway shows it as {}", settlement.state));
        }
    }
    if let Some(amount) = settlement.amount
        && amount != due
    {
        return ask(format!("the gateway holds {amount} yen, the order's due is {due} yen"));
    }
    if let Some(last) = settlement.lapses_on
        && let Some(late) = wanted.iter().find(|w| w.run_at.max(now).jst_date() > last)
    {
        return ask(format!("the authorisation ends on {last}, before {}", late.run_at.max(now).jst_date()));
    }
    Ok(())
}
