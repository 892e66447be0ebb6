//! What must hold whatever the facts are.

use std::time::Duration;

use chrono::Timelike as _;
use mallsync::domain::money::Yen;
use mallsync::domain::operation::{Intent, registered_slips};
use mallsync::domain::order::{Carrier, Package, Status};
use mallsync::domain::planner::{
    CaptureOn, Companion, OnChange, Parcels, Plan, Reauthorize, RegisteredBy, Wanted,
};
use mallsync::domain::settlement::{SettlementState, Wish};
use mallsync::domain::slip::Slip;
use proptest::prelude::*;

use crate::rig::{Case, DAY, case, companion, date, noon};

const NUMBER: &str = "100001";

fn number(i: usize) -> String {
    format!("4000123456{i:02}")
}

prop_compose! {
    /// Slips of the order: kind, carrier, held, and what B2クラウド says.
    fn any_slips()(
        slips in prop::collection::vec((prop::sample::select(vec!["0", "0", "0", "2", "3", "7", "8", "9", "A", ""]), any::<bool>(), prop::bool::weighted(0.2)), 0..4),
        b2_says in prop::option::weighted(0.3, any::<bool>()),
    ) -> Vec<Slip> {
        slips.iter().enumerate().map(|(i, (kind, yamato, held))| Slip {
            kind: (*kind).to_owned(),
            carrier: if *yamato { Carrier::Yamato } else { Carrier::JapanPost },
            held: held.then(|| "held".to_owned()),
            b2_registers: b2_says,
            ..crate::rig::slip(&number(i))
        }).collect()
    }
}

prop_compose! {
    /// Orders on the slip of that place.
    fn any_companion()(
        slip in 0_usize..4,
        status in prop::sample::select(vec![Status::AwaitingShipment, Status::AwaitingShipment, Status::Completed, Status::Pending, Status::Canceled, Status::CancelRequested]),
        due in prop::option::weighted(0.9, -10_i64..200_000),
        contract in prop::sample::select(vec![Some("webcollect-main"), Some("webcollect-main"), Some("webcollect-main"), Some("webcollect-sub"), None]),
        slips in prop::sample::select(vec![1, 1, 1, 2]),
        held in prop::bool::weighted(0.1),
        registered in any::<bool>(),
    ) -> Companion {
        Companion {
            slip_number: number(slip),
            status,
            due: due.map(Yen),
            contract: contract.map(str::to_owned),
            slips,
            held,
            registered,
            ..companion("100002", 0)
        }
    }
}

prop_compose! {
    /// Something that was done: to a slip of that place, or under the reception number.
    fn any_deed()(kind in 0_usize..5, slip in 0_usize..6, amount in 1_i64..300_000) -> Intent {
        let reception_number = NUMBER.to_owned();
        let slip_number = if slip == 5 { NUMBER.to_owned() } else { number(slip) };
        let delivery_service_code = if slip == 5 { "99" } else { "00" }.to_owned();
        let (amount, state) = (Yen(amount), SettlementState::Authorized);
        match kind {
            0 | 1 => Intent::Capture { reception_number, slip_number, delivery_service_code, amount },
            2 => Intent::Undo { reception_number, slip_number, delivery_service_code, amount },
            3 => Intent::Cancel { reception_number, amount, authorized_on: None, state },
            _ => Intent::Reauth { reception_number, amount, authorized_at: noon() - DAY, approval: None },
        }
    }
}

fn any_wish() -> impl Strategy<Value = Option<Wish>> {
    let wish = prop_oneof![
        Just(Wish::Capture),
        Just(Wish::Cancel),
        (-10_i64..400_000).prop_map(|to| Wish::ChangeAmount { to: Yen(to) }),
        Just(Wish::Reauth),
        (0_usize..5).prop_map(|slip| Wish::Undo { slip_number: number(slip) }),
        Just(Wish::ChangeDate { to: date("2027-01-10") }),
    ];
    prop::option::weighted(0.2, wish)
}

prop_compose! {
    fn any_case()(
        status in 0..Status::ALL.len(),
        state in 0..SettlementState::ALL.len(),
        due in prop::option::of(-10_i64..400_000),
        held_amount in prop::option::of(-10_i64..400_000),
        same in any::<bool>(),
        slips in any_slips(),
        companions in prop::collection::vec(any_companion(), 0..4),
        done in prop::collection::vec(any_deed(), 0..4),
        shown in prop::collection::vec(0_usize..5, 0..3),
        wish in any_wish(),
        packages in 0_usize..4,
        ordered_days in 0_u32..60,
        lapses_in in prop::option::of(-5_i64..70),
        later in (0_u32..80, 0_u64..24),
        policy in 0_usize..3,
        rules in any::<(bool, bool, bool, bool, bool, bool)>(),
        by_b2 in prop::bool::weighted(0.2),
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
            c.now = noon() + DAY * later.0 + Duration::from_secs(later.1 * 3_600);
            c.settlement.lapses_on = lapses_in.map(|d| noon().jst_date() + chrono::TimeDelta::days(d));
            let (change, cancel, renew, verified, looked, first) = rules;
            c.contract.parcels = if first { Parcels::First } else { Parcels::All };
            c.contract.on_amount_change = if change { OnChange::Apply } else { OnChange::Ask };
            c.contract.on_cancel = if cancel { OnChange::Apply } else { OnChange::Ask };
            c.contract.reauthorize = if renew { Reauthorize::Auto } else { Reauthorize::Off };
            c.settlement.verified_at = verified.then(noon);
            c.settlement.authorized_at = looked.then(|| noon() - DAY);
            c.settlement.slips = shown.iter().map(|i| number(*i)).collect();
            c.settlement.wish = wish;
            c.slips = slips;
            c.companions = companions;
            c.done = done;
        })
    }
}

/// A sale near its end, of which a slip may be known: what renewals are about.
fn near_the_end() -> impl Strategy<Value = Case> {
    (any_case(), -1_i64..8, any::<bool>()).prop_map(|(case, ends_in, bare)| {
        case.with(|c| {
            c.settlement.state = SettlementState::Authorized;
            c.settlement.lapses_on = Some(c.now.jst_date() + chrono::TimeDelta::days(ends_in));
            c.settlement.verified_at = Some(noon());
            c.settlement.authorized_at = Some(noon() - DAY);
            c.settlement.amount = Some(Yen(5_500));
            c.contract.reauthorize = Reauthorize::Auto;
            c.settlement.wish = None;
            if bare {
                c.done.clear();
                c.settlement.slips.clear();
            }
        })
    })
}

/// What stands registered for the sale, by us or as it was shown.
fn registered(case: &Case) -> Vec<String> {
    let mut slips = registered_slips(&case.done);
    if case.settlement.state.captured() {
        slips.extend(case.settlement.slips.iter().cloned());
    }
    slips
}

/// Whether the sale is in one parcel with another one at the gateway.
fn consolidated(case: &Case) -> bool {
    let slips = registered(case);
    case.companions.iter().any(|other| other.registered && slips.contains(&other.slip_number))
}

fn state(case: &Case) -> SettlementState {
    case.settlement.on(case.now.jst_date()).state
}

fn captured(
    case: &Case,
    wanted: &Wanted,
    slip: &str,
    service: &str,
    amount: Yen,
) -> Result<(), TestCaseError> {
    use SettlementState::{Authorized, Registered, Unknown, Unlinked};
    prop_assert!(case.order.status.may_ship());
    prop_assert_eq!(case.contract.registered_by, RegisteredBy::Mallsync);
    prop_assert!(matches!(state(case), Authorized | Registered | Unknown | Unlinked), "{}", state(case));
    prop_assert_eq!(Some(amount), case.order.amounts.due);
    prop_assert!(
        case.settlement.amount.is_none_or(|held| held == amount),
        "never another amount than the authorised one"
    );
    prop_assert!(amount > Yen::ZERO && amount <= case.contract.amount_limit);
    prop_assert!(case.settlement.lapses_on.is_none_or(|last| wanted.run_at.max(case.now).jst_date() <= last));
    prop_assert!(
        !registered_slips(&case.done).iter().any(|done| done == slip || done == NUMBER),
        "never twice"
    );
    let usable = |s: &&Slip| s.held.is_none() && !matches!(s.kind.as_str(), "2" | "3" | "7" | "9");
    prop_assert!(
        (service == "99" && slip == NUMBER) || case.slips.iter().filter(usable).any(|s| s.number == slip)
    );
    prop_assert!(
        !case.slips.iter().any(|s| s.held.is_none() && s.number == slip && s.b2_registers == Some(true)),
        "never a second registration"
    );
    let others: Vec<&Companion> = case.companions.iter().filter(|other| other.slip_number == slip).collect();
    if service == "00" && !others.is_empty() {
        let theirs: i64 = others.iter().map(|other| other.due.unwrap().0.max(0)).sum();
        prop_assert!(
            others.len() <= 2 && amount.0 + theirs <= 300_000,
            "never more than the gateway takes of a parcel"
        );
        for other in others {
            prop_assert!(!matches!(other.status, Status::Canceled | Status::CancelRequested));
            prop_assert_eq!(other.contract.as_deref(), Some("webcollect-main"));
        }
        let by_yamato = case.slips.iter().filter(usable).filter(|s| s.carrier == Carrier::Yamato);
        prop_assert_eq!(by_yamato.count(), 1, "never a second slip");
    }
    Ok(())
}

fn renewed(case: &Case, wanted: &Wanted) -> Result<(), TestCaseError> {
    prop_assert!(state(case) != SettlementState::Lapsed);
    prop_assert!(!consolidated(case));
    if case.settlement.wish.is_some() {
        return Ok(());
    }
    let (today, last) = (case.now.jst_date(), case.settlement.lapses_on.unwrap());
    prop_assert_eq!(case.settlement.state.at_gateway(), SettlementState::Authorized);
    prop_assert!(case.settlement.verified_at.is_some() && today <= last);
    prop_assert!(
        case.settlement.slips.is_empty() && registered_slips(&case.done).is_empty(),
        "never after a slip"
    );
    let daytime = |hour: u32| (10..16).contains(&hour);
    prop_assert!(daytime(wanted.run_at.jst().hour()));
    let (due, hour) = (wanted.run_at <= case.now, case.now.jst().hour());
    prop_assert!(!due || daytime(hour) || today == last, "never at night");
    Ok(())
}

fn sound(case: &Case, plan: &Plan) -> Result<(), TestCaseError> {
    let renewals = plan.wanted.iter().all(|wanted| matches!(wanted.intent, Intent::Reauth { .. }));
    prop_assert!(plan.wanted.is_empty() || plan.waiting.is_none());
    prop_assert!(plan.hold.is_none() || renewals, "beside a question the money is kept and nothing else");
    prop_assert!(!plan.wanted.is_empty() || plan.hold.is_some() || plan.waiting.is_some(), "always a reason");
    prop_assert!(
        plan.renew_by.is_none() || (plan.hold.is_some() && plan.renew_by == case.settlement.lapses_on)
    );
    let mut seen = Vec::new();
    for wanted in &plan.wanted {
        prop_assert!(case.order.ordered_at >= case.contract.since.unwrap());
        match (&wanted.intent, &case.settlement.wish) {
            (
                Intent::Capture { slip_number, delivery_service_code, amount, .. },
                None | Some(Wish::Capture),
            ) => {
                captured(case, wanted, slip_number, delivery_service_code, *amount)?;
                prop_assert!(!seen.contains(&slip_number), "never two captures of one slip");
                seen.push(slip_number);
            }
            (Intent::Cancel { amount, state, .. }, wish) => {
                prop_assert_eq!(Some(*amount), case.settlement.amount);
                prop_assert!(*state != SettlementState::Lapsed, "as the gateway shows it");
                if *wish != Some(Wish::Cancel) {
                    prop_assert!(wish.is_none() && case.order.status == Status::Canceled);
                    prop_assert!(case.settlement.verified_at.is_some());
                    prop_assert!(matches!(
                        state,
                        SettlementState::Authorized | SettlementState::Reserved | SettlementState::Registered
                    ));
                }
            }
            (Intent::ChangeAmount { from, to, .. }, wish) => {
                prop_assert!(!consolidated(case), "the gateway changes no amount of a consolidated parcel");
                prop_assert_eq!(Some(*from), case.settlement.amount);
                prop_assert!(*to <= case.contract.amount_limit);
                if *wish != Some(Wish::ChangeAmount { to: *to }) {
                    prop_assert!(matches!(wish, None | Some(Wish::Capture)));
                    prop_assert!(case.settlement.verified_at.is_some() && case.order.status.may_ship());
                    prop_assert_eq!(Some(*to), case.order.amounts.due);
                    prop_assert!(*to > Yen::ZERO && from != to);
                }
            }
            (Intent::Reauth { .. }, None | Some(Wish::Reauth)) => renewed(case, wanted)?,
            (Intent::Undo { slip_number, delivery_service_code, .. }, None | Some(Wish::Capture)) => {
                prop_assert!(registered_slips(&case.done).contains(slip_number), "only what we registered");
                let other = |slip: &Slip| slip.carrier != Carrier::Yamato;
                let gone = if slip_number == NUMBER {
                    !case.slips.iter().any(other)
                } else {
                    !case.slips.iter().any(|s| s.number == *slip_number)
                };
                prop_assert!(gone && (delivery_service_code == "99") == (slip_number == NUMBER));
            }
            (Intent::Undo { slip_number, .. }, Some(Wish::Undo { slip_number: wished })) => {
                prop_assert_eq!(slip_number, wished);
            }
            (Intent::ChangeDate { .. }, Some(Wish::ChangeDate { .. })) => {}
            (other, wish) => {
                return Err(TestCaseError::fail(format!("nobody asked for {other:?}: {wish:?}")));
            }
        }
    }
    Ok(())
}

proptest! {
    #[test]
    fn nothing_is_ever_wanted_that_must_not_be(case in any_case()) {
        let plan = case.plan();
        sound(&case, &plan)?;
        // What was done is not wanted again, whatever changed meanwhile.
        let captures: Vec<Intent> = plan.wanted.iter().map(|w| w.intent.clone()).filter(|i| i.kind() == "capture").collect();
        let after = case.with(|c| {
            c.done.extend(captures.iter().cloned());
            c.order.amounts.due = c.order.amounts.due.map(|due| Yen(due.0 + 1));
        });
        let again = after.plan().wanted.iter().any(|w| {
            matches!(&w.intent, Intent::Capture { slip_number, .. } if captures.iter().any(|done| done.slip_number() == Some(slip_number)))
        });
        prop_assert!(!again);
    }

    #[test]
    fn what_ends_is_renewed_by_day_or_asked_for(case in near_the_end()) {
        let plan = case.plan();
        sound(&case, &plan)?;
        if case.now.jst_date() > case.settlement.lapses_on.unwrap() {
            let kinds: Vec<&str> = plan.wanted.iter().map(|w| w.intent.kind()).collect();
            prop_assert!(!["capture", "reauth", "change_amount"].iter().any(|kind| kinds.contains(kind)));
        }
    }
}
