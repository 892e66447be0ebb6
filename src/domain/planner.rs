//! From facts to the operations wanted: pure (decisions.md 1–5, kuroneko-webcollect.md §2.5, §5).

use std::time::Duration;

use chrono::{NaiveDate, NaiveTime};

pub use super::link::{Linked, link};
use super::money::Yen;
use super::operation::{Intent, registered_slips};
use super::order::{Carrier, Order, Status};
use super::settlement::{Settlement, SettlementState, Wish};
use super::slip::Slip;
use super::words::words;
use crate::clock::Timestamp;

mod captures;
mod changes;
mod consolidation;
mod renewal;

pub use consolidation::{Companion, ORDERS_A_SLIP, YEN_A_SLIP};

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

impl Delivery {
    /// Whether a slip of `carrier` is registered as Yamato's (`00`).
    #[must_use]
    pub fn by_yamato(self, carrier: Carrier) -> bool {
        match self {
            Self::Yamato => true,
            Self::Other => false,
            Self::BySlip => carrier == Carrier::Yamato,
        }
    }
}

words! {
    /// What follows when the order's amount changed, or when the order was cancelled.
    OnChange {
        /// A person decides.
        Ask = "ask",
        /// The gateway is brought in step.
        Apply = "apply",
    }
}

words! {
    /// What is done about an authorisation that draws to its end.
    Reauthorize {
        /// A person decides.
        Ask = "ask",
        /// It is renewed.
        Auto = "auto",
        /// Nothing.
        Off = "off",
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
    /// When the amount changed.
    pub on_amount_change: OnChange,
    /// When the order was cancelled.
    pub on_cancel: OnChange,
    /// Before an authorisation ends.
    pub reauthorize: Reauthorize,
    /// Length of an authorisation, its first day included; needed in live.
    pub authorization_days: Option<u32>,
    /// Yen a settlement.
    pub amount_limit: Yen,
    /// Captures within an hour, past which everything is held.
    pub max_per_hour: u32,
    /// Yen within a day (JST), past which everything is held.
    pub max_yen_per_day: Yen,
    /// The merchant's number at the gateway (加盟店コード), where carriers' files may name it.
    pub trader_code: Option<String>,
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
    /// From the source itself, from `settlements import`, from B2クラウド's file or from `settlements link`.
    Imported,
}

/// What was due for so long and is not done will not be done by itself.
const STUCK: Duration = Duration::from_secs(86_400);

/// What is known of one order when it is planned.
#[derive(Clone, Debug)]
pub struct Facts<'a> {
    /// The order as the mall shows it now.
    pub order: &'a Order,
    /// Its settlement; `held` is a person's hold alone, not one that an earlier plan asked for.
    pub settlement: &'a Settlement,
    /// Its slips.
    pub slips: &'a [Slip],
    /// Other orders that carry one of them too (同梱); of one slip [`ORDERS_A_SLIP`] are enough to see that it is too many.
    pub companions: &'a [Companion],
    /// Intents of its operations that were done, in the order in which they became so.
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
    /// Why a person is needed, in words; nothing is sent but a renewal, which keeps the money there for the answer.
    pub hold: Option<String>,
    /// All that is asked is whether to renew the authorisation, which ends on this day: one question may stand for many.
    pub renew_by: Option<NaiveDate>,
}

/// The operations wanted for an order under `contract` at `now`.
#[must_use]
pub fn plan(contract: &Contract, facts: &Facts<'_>, now: Timestamp) -> Plan {
    let settlement = facts.settlement.on(now.jst_date());
    let facts = Facts { settlement: &settlement, ..facts.clone() };
    planned(contract, &facts, now).unwrap_or_else(Plan::from)
}

impl From<Vec<Wanted>> for Plan {
    fn from(wanted: Vec<Wanted>) -> Self {
        Self { wanted, ..Self::default() }
    }
}

impl From<Not> for Plan {
    fn from(not: Not) -> Self {
        match not {
            Not::Yet(reason) => Self { waiting: Some(reason), ..Self::default() },
            Not::WithoutPerson(reason) | Not::InTime(reason) => {
                Self { hold: Some(reason), ..Self::default() }
            }
            Not::WithoutRenewal(last) => Self {
                hold: Some(format!("the authorisation ends on {last}")),
                renew_by: Some(last),
                ..Self::default()
            },
        }
    }
}

/// Why nothing is wanted.
enum Not {
    /// Time, a slip or the mall will mend it.
    Yet(String),
    /// Only a person can.
    WithoutPerson(String),
    /// The authorisation ends first: only a person can, unless it is renewed.
    InTime(String),
    /// A person must say whether to renew the authorisation that ends on this day.
    WithoutRenewal(NaiveDate),
}

fn yet<T>(reason: impl Into<String>) -> Result<T, Not> {
    Err(Not::Yet(reason.into()))
}

fn ask<T>(reason: impl Into<String>) -> Result<T, Not> {
    Err(Not::WithoutPerson(reason.into()))
}

fn planned(contract: &Contract, facts: &Facts<'_>, now: Timestamp) -> Result<Plan, Not> {
    let (order, settlement) = (facts.order, facts.settlement);
    if let Some(reason) = &settlement.held {
        return yet(format!("held: {reason}"));
    }
    if let Some(resolved) = &settlement.resolved {
        return yet(format!("resolved: {resolved}"));
    }
    if contract.since.is_some_and(|since| order.ordered_at < since) {
        return yet("ordered before `since`: never touched");
    }
    if let Some(wish) = &settlement.wish {
        // What a capture needs is asked below; the person's word replaces the rule on when.
        let wanted = match wish {
            Wish::Capture if order.status.may_ship() => capture(contract, facts, now, true)?,
            Wish::Capture => {
                return ask(format!("a capture was asked for, yet the order is {}", order.status));
            }
            _ => changes::by_word(contract, facts, wish)?,
        };
        return Ok(wanted.into());
    }
    if order.status == Status::Canceled {
        return changes::cancel(contract, facts).map(Plan::from);
    }
    let wanted = if order.status.may_ship() {
        capture(contract, facts, now, false)
    } else {
        yet(format!("the order is {}", order.status))
    };
    let not = match wanted {
        Ok(mut wanted) => {
            // What should have been done long ago is refused, or waits for a person: the money must stay held for it too.
            if wanted.iter().all(|wanted| wanted.run_at + STUCK < now)
                && let Ok(Some(renewal)) = renewal::renewal(contract, facts, now)
            {
                wanted.push(renewal);
            }
            return Ok(wanted.into());
        }
        Err(not) => not,
    };
    // While it waits, for a slip or for a person, the money must stay held. The person's question stands beside that.
    match (renewal::renewal(contract, facts, now), not) {
        (Ok(Some(renewal)), Not::WithoutPerson(question)) => {
            Ok(Plan { hold: Some(question), ..Plan::from(vec![renewal]) })
        }
        (Ok(Some(renewal)), Not::Yet(_) | Not::InTime(_) | Not::WithoutRenewal(_)) => {
            Ok(vec![renewal].into())
        }
        (Err(question), Not::Yet(_)) => Err(question),
        (_, not) => Err(not),
    }
}

/// What brings the sale to its capture: the right slips, the right amount, then the registration. `at_once`: a person
/// asked for it, whatever the rule on when says.
fn capture(
    contract: &Contract,
    facts: &Facts<'_>,
    now: Timestamp,
    at_once: bool,
) -> Result<Vec<Wanted>, Not> {
    let (order, settlement) = (facts.order, facts.settlement);
    if let Some(flag) = order.unknown_payment() {
        return ask(format!("how it is paid has a code never seen before: {}", flag.detail));
    }
    let Some(reception_number) = settlement.reception_number.as_deref() else {
        return ask("no reception number: `mallsync settlements link ORDER RECEPTION_NUMBER`");
    };
    let Some(due) = order.amounts.due else { return yet("the amount is not fixed") };
    if due <= Yen::ZERO {
        return changes::nothing_due(settlement);
    }
    if settlement.state == SettlementState::Lapsed {
        return renewal::ended(settlement);
    }
    if due > contract.amount_limit {
        return ask(format!("{due} yen is above amount_limit ({} yen)", contract.amount_limit));
    }
    if contract.registered_by == RegisteredBy::Mallsync
        && let Some(undo) = changes::undo(contract, facts, reception_number, due)?
    {
        return Ok(vec![undo]);
    }
    // Where B2クラウド registers, the amount that is held is taken whenever its slip is issued: it must be right at once.
    let by_b2 = contract.registered_by == RegisteredBy::B2cloud;
    let captured = settlement.state.captured() || !registered_slips(facts.done).is_empty();
    if (captured || by_b2)
        && let Some(change) = changes::amount(contract, facts, reception_number, due)?
    {
        return Ok(vec![change]);
    }
    if by_b2 {
        return captures::left_to_b2(facts);
    }
    if contract.capture == CaptureOn::Manual && !at_once {
        return yet("capture = \"manual\"");
    }
    let slips = captures::usable(contract, facts, now)?;
    let mut wanted = captures::captures(contract, facts, reception_number, due, &slips);
    if wanted.is_empty() {
        return yet(consolidation::registered(facts));
    }
    captures::not_by_b2(facts, &slips)?;
    let by_yamato: Vec<&Slip> =
        slips.iter().copied().filter(|slip| contract.delivery.by_yamato(slip.carrier)).collect();
    consolidation::allows(facts, due, &by_yamato, &wanted)?;
    if at_once {
        for wanted in &mut wanted {
            wanted.run_at = wanted.run_at.min(now);
        }
    }
    captures::not_too_late(settlement, &wanted, now)?;
    if let Some(change) = changes::amount(contract, facts, reception_number, due)? {
        return Ok(vec![change]);
    }
    captures::gateway_allows(facts)?;
    if !at_once && let Some(again) = wanted.iter().find(|wanted| facts.done.contains(&wanted.intent)) {
        let slip = again.intent.slip_number().unwrap_or_default();
        return ask(format!(
            "slip {slip} was registered before and taken back: `settlements capture` registers it again"
        ));
    }
    Ok(wanted)
}

/// The time of a wish that is due already: long past, and the same at every planning.
fn at_once(facts: &Facts<'_>) -> Timestamp {
    facts.order.ordered_at
}
