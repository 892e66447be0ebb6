//! What must hold whatever the facts are.

use mallsync::domain::money::Yen;
use mallsync::domain::operation::Intent;
use mallsync::domain::order::{Carrier, Package, Status};
use mallsync::domain::planner::{CaptureOn, Companion, OnChange, Parcels, Reauthorize, RegisteredBy};
use mallsync::domain::settlement::SettlementState;
use mallsync::domain::slip::Slip;
use proptest::prelude::*;

use crate::rig::{Case, DAY, case, companion, noon};

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
                    c.companions.push(Companion { slip_number: number.clone(), ..companion("100002", 7_000) });
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

proptest! {
    #[test]
    fn nothing_is_ever_wanted_that_must_not_be(case in any_case()) {
        let plan = case.plan();
        let renewals = plan.wanted.iter().all(|w| w.intent.kind() == "reauth");
        prop_assert!(plan.waiting.is_none() || plan.wanted.is_empty());
        prop_assert!(plan.hold.is_none() || renewals);
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
            let others = case.companions.iter().filter(|other| other.slip_number == *slip_number);
            prop_assert!(others.fold(amount.0, |sum, other| sum + other.due.unwrap().0) <= 300_000);
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
