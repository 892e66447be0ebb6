//! Renewals of authorisations.

use chrono::NaiveDate;
use mallsync::domain::planner::Reauthorize;

use crate::rig::{date, ends_in, held};

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

/// A capture that was due long ago is refused, or waits for a person: the money stays held for it. One that is due now comes
/// in time by itself.
#[test]
fn a_capture_that_does_not_come_about_does_not_let_the_authorisation_end() {
    let kinds = |case: &crate::rig::Case| -> Vec<&str> {
        case.plan().wanted.iter().map(|wanted| wanted.intent.kind()).collect()
    };
    let last_days =
        held().with(|c| c.settlement.lapses_on = Some(c.now.jst_date() + chrono::TimeDelta::days(5)));
    assert_eq!(kinds(&last_days), ["capture"], "due by now");
    let stuck = last_days.with(|c| {
        for slip in &mut c.slips {
            slip.ship_date = slip.ship_date.map(|day| day - chrono::TimeDelta::days(3));
            slip.learnt_at = slip.learnt_at - std::time::Duration::from_secs(3 * 86_400);
        }
    });
    assert_eq!(kinds(&stuck), ["capture", "reauth"]);
    let off = stuck.with(|c| c.contract.reauthorize = Reauthorize::Off);
    assert_eq!(kinds(&off), ["capture"]);
}
