//! The health of settlements, and what of them needs a person.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{Days, NaiveDate};
use serde::Serialize;

use super::{Attention, Pause, SettlementFacts, Topic, Waiting, stopped};
use crate::clock::Timestamp;
use crate::domain::money::Yen;
use crate::domain::operation::State;
use crate::domain::reconcile::{Kind, Report};
use crate::domain::settlement::{LAPSE_ALARM, SettlementState};
use crate::store::accounts::Account;
use crate::store::functions::StoppedFunction;
use crate::store::runs::Reconciliation;
use crate::store::settlements::SettlementSum;
use crate::store::signs::{AskedSettlements, Authorizations, OpenOperations, Renewals};
use crate::store::{Result, Store};

/// An operation that was due so long ago and is not over is late: a maintenance window is shorter.
pub(super) const LATE: Duration = Duration::from_secs(3 * 3_600);

/// A settlement's health.
#[derive(Clone, Debug, Serialize)]
pub struct SettlementHealth {
    /// The name.
    pub name: String,
    /// `live`, `dry-run` or `disabled`.
    pub mode: &'static str,
    /// Stopped by the other side, or not usable as it stands in the config: why and what to do.
    pub stopped: Option<String>,
    /// Functions that the gateway does not allow: one operation of each is tried at its time.
    pub stopped_functions: Vec<StoppedFunction>,
    /// Held by a guard or a person: why.
    pub held: Option<String>,
    /// What it waits for.
    pub waiting: Vec<Waiting>,
    /// Open operations by state.
    pub operations: BTreeMap<&'static str, u64>,
    /// Settlements by state.
    pub settlements: BTreeMap<&'static str, u64>,
    /// Yen registered or settled.
    pub yen_captured: Yen,
    /// Yen held on cards and not registered yet.
    pub yen_waiting: Yen,
    /// Authorisations that nothing is registered on yet.
    pub authorizations: u64,
    /// Those of them that end today or within three days. What has ended is `lapsed`.
    pub authorizations_lapsing: u64,
    /// The first of their last days.
    pub next_lapse_on: Option<NaiveDate>,
    /// Whole days until then; negative once it is past.
    pub next_lapse_days: Option<i64>,
    /// When every open settlement had been looked up last.
    pub reconciled_at: Option<Timestamp>,
    /// When that begins next.
    pub next_reconciliation_at: Option<Timestamp>,
    /// Why the last run ended before its time, or could not begin.
    pub reconciliation_error: Option<String>,
    /// What differs from the gateway's books by now, by kind.
    pub differences: Report,
}

/// What all settlements are judged by.
pub(super) struct Known<'a> {
    pub(super) accounts: &'a BTreeMap<String, Account>,
    pub(super) functions: &'a [StoppedFunction],
    pub(super) operations: &'a [OpenOperations],
    pub(super) asked: &'a [AskedSettlements],
    pub(super) reconciliations: &'a [Reconciliation],
    pub(super) now: Timestamp,
}

/// The command that renews all that a person is asked to renew.
#[must_use]
pub fn renewal_command(contract: &str, renewals: Renewals, now: Timestamp) -> String {
    let days = (renewals.last - now.jst_date()).num_days().max(0);
    format!("mallsync settlements reauth --lapsing-within {days}d --settlement {contract}")
}

/// The health of `settlement`, and what of it needs a person.
pub(super) async fn health(
    store: &Store,
    settlement: &SettlementFacts,
    known: &Known<'_>,
    attention: &mut Vec<Attention>,
) -> Result<SettlementHealth> {
    let name = &settlement.name;
    let account = known.accounts.get(name);
    let operations: Vec<&OpenOperations> = known.operations.iter().filter(|o| o.account == *name).collect();
    let today = known.now.jst_date();
    let alarm = today.checked_add_days(Days::new(LAPSE_ALARM)).unwrap_or(today);
    let authorizations = store.authorizations(name, alarm).await?;
    let reconciled = known.reconciliations.iter().find(|row| row.settlement == *name);
    let mut by_state = BTreeMap::new();
    for open in &operations {
        *by_state.entry(open.state.as_str()).or_default() += open.operations;
    }
    let health = SettlementHealth {
        name: name.clone(),
        mode: match (settlement.enabled, settlement.live) {
            (false, _) => "disabled",
            (true, true) => "live",
            (true, false) => "dry-run",
        },
        stopped: stopped(account),
        stopped_functions: known.functions.iter().filter(|f| f.account == *name).cloned().collect(),
        held: account.and_then(|account| account.held_reason.clone()),
        waiting: if settlement.enabled { waiting(settlement, account, &operations) } else { Vec::new() },
        operations: by_state,
        settlements: BTreeMap::new(),
        yen_captured: Yen::ZERO,
        yen_waiting: Yen::ZERO,
        authorizations: authorizations.open,
        authorizations_lapsing: authorizations.lapsing,
        next_lapse_on: authorizations.next,
        next_lapse_days: authorizations.next.map(|day| (day - today).num_days()),
        reconciled_at: reconciled.and_then(|row| row.succeeded_at),
        next_reconciliation_at: reconciled.filter(|_| settlement.enabled).map(|row| row.due_at),
        reconciliation_error: reconciled.and_then(|row| row.error.clone()),
        differences: reconciled.map(|row| row.report.clone()).unwrap_or_default(),
    };
    if settlement.enabled {
        health.attention(store, account, known, attention).await?;
        health.address_attention(store, settlement, attention).await?;
        health.renewals_attention(store, authorizations, (known.now, alarm), attention).await?;
    }
    Ok(health)
}

fn waiting(
    settlement: &SettlementFacts,
    account: Option<&Account>,
    operations: &[&OpenOperations],
) -> Vec<Waiting> {
    let mut all = Vec::new();
    if account.is_some_and(|account| account.held_reason.is_some()) {
        all.push(Waiting { what: Pause::Release, until: None });
    }
    if let Some(account) = account.filter(|account| account.stopped_code.is_some()) {
        all.push(Waiting { what: Pause::Probe, until: account.probe_at });
    }
    if settlement.window_ends_at.is_some() {
        all.push(Waiting { what: Pause::Maintenance, until: settlement.window_ends_at });
    }
    let due = |look: bool| {
        let wanted: &[State] =
            if look { &[State::Unknown, State::Looking] } else { &[State::Planned, State::Ready] };
        operations.iter().filter(|open| wanted.contains(&open.state)).map(|open| open.due_at).min()
    };
    for (what, until) in [(Pause::LookUp, due(true)), (Pause::Operation, due(false))] {
        all.extend(until.map(|until| Waiting { what, until: Some(until) }));
    }
    all
}

impl SettlementHealth {
    /// Whether nothing is sent for it, whatever is found: then nobody is called for what a person may look at later.
    fn only_shown(&self) -> bool {
        self.mode == "dry-run"
    }

    async fn attention(
        &self,
        store: &Store,
        account: Option<&Account>,
        known: &Known<'_>,
        list: &mut Vec<Attention>,
    ) -> Result<()> {
        let subject = format!("settlements.{}", self.name);
        let new = |topic, command: String| Attention::new(topic, &subject, command);
        if let Some(why) = &self.stopped {
            let since = account.and_then(|account| account.stopped_at);
            new(Topic::Stopped, "mallsync check".to_owned()).since(since).detail(why).push(list);
        }
        let command = format!("mallsync settlements release {}", self.name);
        for function in &self.stopped_functions {
            new(Topic::FunctionStopped, command.clone())
                .since(Some(function.stopped_at))
                .detail(format!("{} is not allowed ({}): {}", function.kind, function.code, function.reason))
                .push(list);
        }
        if let Some(why) = &self.held {
            let since = account.and_then(|account| account.held_at);
            new(Topic::AccountHeld, command).since(since).detail(why).advisory(self.only_shown()).push(list);
        }
        self.operations_attention(store, known, list).await?;
        let count = |unlinked: bool| -> u64 {
            let of = known.asked.iter().filter(|asked| asked.name == self.name);
            of.filter(|a| (a.state == SettlementState::Unlinked) == unlinked).map(|a| a.settlements).sum()
        };
        for (topic, unlinked) in [(Topic::SettlementsHeld, false), (Topic::Unlinked, true)] {
            let count = count(unlinked);
            if count == 0 {
                continue;
            }
            // It may have been decided between the two questions.
            let Some(first) = store.first_asked(&self.name, unlinked).await? else { continue };
            let command = match (unlinked, count) {
                (true, _) => format!("mallsync settlements link {} RECEPTION_NUMBER", first.mall_order_id),
                (false, 1) => format!("mallsync settlements show {}", first.id),
                (false, _) => "mallsync settlements list --held".to_owned(),
            };
            let why = first.reason.unwrap_or_default();
            new(topic, command).count(count).detail(why).advisory(self.only_shown()).push(list);
        }
        // What the planner asks about itself is told above.
        let told = [Kind::LapsesSoon, Kind::Lapsed, Kind::NoNumber];
        let others = self.differences.tallies().iter().filter(|tally| !told.contains(&tally.kind));
        let command = format!("mallsync settlements reconcile --settlement {} --no-look", self.name);
        new(Topic::Differences, command)
            .count(others.map(|tally| tally.count).sum())
            .since(known.reconciliations.iter().find(|r| r.settlement == self.name).and_then(|r| r.ended_at))
            .detail(format!("by kind: {}", self.differences.kinds()))
            .advisory(self.only_shown())
            .push(list);
        Ok(())
    }

    /// Calls that come from another address than they should.
    async fn address_attention(
        &self,
        store: &Store,
        settlement: &SettlementFacts,
        list: &mut Vec<Attention>,
    ) -> Result<()> {
        let way_out = &settlement.way_out;
        let address = store.source_address(&self.name).await?;
        let Some((known, seen)) = address.differs_from(way_out.registered).zip(address.seen) else {
            return Ok(());
        };
        Attention::new(
            Topic::AddressChanged,
            &format!("settlements.{}", self.name),
            "mallsync check".to_owned(),
        )
        .since(address.seen_since)
        .detail(format!(
            "calls come from {seen}, not from {known}: register the new address: {}",
            way_out.places.join(", ")
        ))
        .push(list);
        Ok(())
    }

    /// Authorisations that end: those that a person is asked to renew are one question, with the command that answers it
    /// for all of them.
    async fn renewals_attention(
        &self,
        store: &Store,
        authorizations: Authorizations,
        (now, alarm): (Timestamp, NaiveDate),
        list: &mut Vec<Attention>,
    ) -> Result<()> {
        let subject = format!("settlements.{}", self.name);
        let asked = store.renewals(&self.name, alarm).await?;
        if let Some(asked) = asked {
            let command = renewal_command(&self.name, asked, now);
            Attention::new(Topic::RenewalsAsked, &subject, command)
                .count(asked.authorizations)
                .detail(format!("{} authorisations lapse by {}", asked.authorizations, asked.last))
                .advisory(self.only_shown() && asked.lapsing == 0)
                .push(list);
        }
        if let Some(next) = authorizations.next {
            let command = "mallsync settlements list --state authorized".to_owned();
            Attention::new(Topic::AuthorizationsLapse, &subject, command)
                .count(authorizations.lapsing.saturating_sub(asked.map_or(0, |asked| asked.lapsing)))
                .detail(format!("the first authorisation ends on {next}"))
                .push(list);
        }
        Ok(())
    }

    async fn operations_attention(
        &self,
        store: &Store,
        known: &Known<'_>,
        list: &mut Vec<Attention>,
    ) -> Result<()> {
        let subject = format!("settlements.{}", self.name);
        let count = self.operations.get(State::NeedsPerson.as_str()).copied().unwrap_or(0);
        if count > 0
            && let Some(first) = store.first_for_person(&self.name).await?
        {
            let command = match count {
                1 => format!("mallsync operations show {}", first.id),
                _ => "mallsync operations list --state needs_person".to_owned(),
            };
            Attention::new(Topic::OperationsNeedPerson, &subject, command)
                .count(count)
                .since(first.since)
                .detail(first.reason.unwrap_or_default())
                .push(list);
        }
        // What a person must decide is told above; what is held waits for its release, and a function for its try.
        let rests = |kind: &str| self.stopped_functions.iter().any(|function| function.kind == kind);
        let waits =
            known.operations.iter().filter(|o| o.account == self.name && o.late > 0 && !rests(&o.kind));
        let late: Vec<_> = waits.filter(|o| o.state != State::NeedsPerson).collect();
        if self.mode == "live" && self.held.is_none() && self.stopped.is_none() {
            let since = late.iter().map(|o| o.due_at).min();
            Attention::new(Topic::OperationsLate, &subject, "mallsync operations list")
                .count(late.iter().map(|o| o.late).sum())
                .since(since)
                .detail("due more than three hours ago and not over")
                .push(list);
        }
        Ok(())
    }

    /// Adds what the sums of its settlements say.
    pub(super) fn add(&mut self, sums: &[SettlementSum]) {
        for sum in sums.iter().filter(|sum| sum.name == self.name) {
            let Some(state) = sum.state else { continue };
            *self.settlements.entry(state.as_str()).or_default() += sum.settlements;
            if state.captured() {
                self.yen_captured = [self.yen_captured, sum.yen].into_iter().sum();
            } else if matches!(
                state,
                SettlementState::Authorized | SettlementState::Unknown | SettlementState::Unlinked
            ) {
                self.yen_waiting = [self.yen_waiting, sum.yen].into_iter().sum();
            }
        }
    }
}
