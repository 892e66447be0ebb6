//! §5.5 below its first row: what a look-up says of every other change, at every status, claimed or not.

use mallsync::clock::Timestamp;
use mallsync::domain::money::Yen;
use mallsync::domain::operation::{Intent, Verdict};
use mallsync::domain::settlement::{Observed, SettlementState};
use mallsync::settlement::Looked;
use mallsync::settlement::webcollect::{judge, map};
use proptest::prelude::*;

use super::changes::{cancel, change_amount, change_date, reauth, undo};
use super::judge::word;

/// All of §3.4, what clients mark themselves, and codes nobody knows.
const STATUSES: &[&str] = &[
    "0", "1", "2", "3", "4", "5", "6", "11", "12", "13", "14", "15", "16", "17", "18", "20", "21", "22",
    "23", "30", "31", "40", "41", "50", "77", "", "4/30",
];
const OURS: &str = "400123456784";
const OTHER: &str = "400012345670";

fn authorized() -> Timestamp {
    Timestamp::parse("2025-04-01T09:30:11+09:00").unwrap()
}

fn seen(status: &str) -> Observed {
    Observed {
        state: map::state(status),
        status: status.to_owned(),
        amount: Some(Yen(12_800)),
        authorized_at: Some(authorized()),
        approval: Some("000123456".to_owned()),
        ..Observed::default()
    }
}

fn looked(observed: Observed) -> Looked {
    Looked { observed: Some(observed), ambiguous: false, http_status: 200, raw: Vec::new() }
}

fn says(intent: &Intent, observed: Observed, claimed: bool) -> Verdict {
    judge::judge(intent, &looked(observed), claimed, &[])
}

/// `done` and `not_done` are the statuses at which a look-up that shows `scene` says so; all others are a person's. Where
/// the gateway claimed it, what is not done is a person's too.
#[track_caller]
fn row(intent: &Intent, scene: impl Fn(Observed) -> Observed, done: &[&str], not_done: &[&str]) {
    for status in STATUSES {
        let observed = scene(seen(status));
        let want = if done.contains(status) {
            "done"
        } else if not_done.contains(status) {
            "not done"
        } else {
            "person"
        };
        assert_eq!(word(&says(intent, observed.clone(), false)), want, "{} at {status}", intent.kind());
        let claimed = if want == "not done" { "person" } else { want };
        assert_eq!(word(&says(intent, observed, true)), claimed, "{} at {status}, claimed", intent.kind());
    }
}

fn with_slips(slips: &'static [&str]) -> impl Fn(Observed) -> Observed {
    move |o| Observed { slips: slips.iter().map(|slip| (*slip).to_owned()).collect(), ..o }
}

#[test]
fn e02_our_slip_gone() {
    row(&undo(), with_slips(&[]), &["4", "40"], &[]);
    row(&undo(), with_slips(&[OTHER]), &["4", "30", "40"], &[]);
    row(&undo(), with_slips(&[OURS]), &["40"], &["30"]);
    row(&undo(), with_slips(&[OTHER, OURS]), &["40"], &["30"]);
    let Verdict::Person { reason } = says(&undo(), seen("31"), false) else { panic!("31 is too late") };
    assert!(reason.contains("too late"), "{reason}");
}

/// Another carrier's slip may not be named at all (§3.3, §5.6): then a sale of 99 is one whose slip is still there.
#[test]
fn e02_of_another_carrier() {
    let intent = Intent::Undo {
        reception_number: "A-1".to_owned(),
        slip_number: "A-1".to_owned(),
        delivery_service_code: "99".to_owned(),
        amount: Yen(12_800),
    };
    let by = |code: &'static str| {
        move |o| Observed { delivery_service_code: Some(code.to_owned()), slips: Vec::new(), ..o }
    };
    row(&intent, by("99"), &["4", "40"], &["30"]);
    row(&intent, by("00"), &["4", "40"], &[]);
    row(&intent, with_slips(&["A-1"]), &["40"], &["30"]);
}

#[test]
fn a06_cancelled_or_as_before() {
    for (state, as_before) in [
        (SettlementState::Authorized, "4"),
        (SettlementState::Reserved, "5"),
        (SettlementState::Refused, "15"),
        (SettlementState::Unknown, "17"),
        (SettlementState::Registered, "30"),
        (SettlementState::Settled, "31"),
    ] {
        let Intent::Cancel { reception_number, amount, authorized_on, .. } = cancel() else { panic!("A06") };
        let intent = Intent::Cancel { reception_number, amount, authorized_on, state };
        row(&intent, |o| o, &["40"], &[as_before]);
    }
}

fn holding(amount: Option<i64>) -> impl Fn(Observed) -> Observed {
    move |o| Observed { amount: amount.map(Yen), ..o }
}

#[test]
fn a07_the_new_amount_or_the_old_one() {
    let standing = ["4", "5", "30", "31"];
    row(&change_amount(), holding(Some(11_300)), &standing, &[]);
    row(&change_amount(), holding(Some(12_800)), &[], &["4"]);
    row(&change_amount(), holding(Some(12_000)), &[], &[]);
    row(&change_amount(), holding(None), &[], &[]);
    let Intent::ChangeAmount { reception_number, from, to, authorized_on, .. } = change_amount() else {
        panic!("A07")
    };
    for (state, as_before) in [
        (SettlementState::Reserved, "5"),
        (SettlementState::Registered, "30"),
        (SettlementState::Settled, "31"),
    ] {
        let reception_number = reception_number.clone();
        let intent = Intent::ChangeAmount { reception_number, from, to, authorized_on, state };
        row(&intent, holding(Some(12_800)), &[], &[as_before]);
    }
}

#[test]
fn a11_a_new_authorisation_or_the_old_one() {
    row(&reauth(), |o| o, &[], &["4"]);
    let later = |o| Observed { authorized_at: Some(authorized() + std::time::Duration::from_secs(1)), ..o };
    row(&reauth(), later, &["4"], &[]);
    let number = |o| Observed { approval: Some("000999999".to_owned()), ..o };
    row(&reauth(), number, &["4"], &[]);
    let earlier = |o| Observed { authorized_at: Some(authorized() - std::time::Duration::from_secs(1)), ..o };
    row(&reauth(), earlier, &[], &[]);
    row(&reauth(), |o| Observed { authorized_at: None, ..o }, &[], &[]);
    row(&reauth(), |o| Observed { approval: None, ..o }, &[], &[]);
    row(&reauth(), holding(Some(9_999)), &[], &[]);
}

/// The gateway may give the day alone: the same day says nothing, a later one does.
#[test]
fn a11_where_only_days_are_known() {
    let day = |text: &str| Timestamp::jst_midnight(text.parse().unwrap());
    let on = |text: &'static str| move |o| Observed { authorized_at: Some(day(text)), approval: None, ..o };
    let intent = |authorized_at| Intent::Reauth {
        reception_number: "A-1".to_owned(),
        amount: Yen(12_800),
        authorized_at,
        approval: None,
    };
    for before in [authorized(), day("2025-04-01")] {
        row(&intent(before), on("2025-04-01"), &[], &["4"]);
        row(&intent(before), on("2025-05-27"), &["4"], &[]);
    }
    // A time of the same day is no renewal of a day, and a number that was not known before is no new one.
    row(&intent(day("2025-04-01")), |o| o, &[], &["4"]);
}

#[test]
fn e03_the_wished_date_or_the_old_one() {
    let on = |text: Option<&'static str>| {
        move |o| Observed { scheduled_on: text.map(|text| text.parse().unwrap()), ..o }
    };
    row(&change_date(), on(Some("2025-06-20")), STATUSES, &[]);
    row(&change_date(), on(Some("2025-05-20")), &[], STATUSES);
    row(&change_date(), on(Some("2025-05-21")), &[], &[]);
    row(&change_date(), on(None), &[], &[]);
    let Intent::ChangeDate { reception_number, to, .. } = change_date() else { panic!("E03") };
    row(&Intent::ChangeDate { reception_number, from: None, to }, on(None), &[], STATUSES);
}

#[test]
fn nothing_shown_is_a_persons() {
    for intent in [undo(), cancel(), change_amount(), reauth(), change_date()] {
        for claimed in [false, true] {
            let none = Looked { observed: None, ambiguous: false, http_status: 200, raw: Vec::new() };
            assert_eq!(word(&judge::judge(&intent, &none, claimed, &[])), "person");
            let several = Looked { ambiguous: true, ..looked(seen("40")) };
            assert_eq!(word(&judge::judge(&intent, &several, claimed, &[])), "person");
        }
    }
}

proptest! {
    /// Whatever a look-up shows: no panic, and never "not done", which sends again, once the gateway claimed it.
    #[test]
    fn what_was_claimed_is_never_sent_again(
        status in prop::sample::select(STATUSES),
        amount in prop::option::of(prop::sample::select(vec![11_300_i64, 12_800, 1])),
        seconds in prop::option::of(-2_i64..3),
        slips in prop::collection::vec(prop::sample::select(vec![OURS, OTHER, "X"]), 0..3),
        code in prop::option::of(prop::sample::select(vec!["00", "99"])),
        which in 0_usize..5,
    ) {
        let intent = [undo(), cancel(), change_amount(), reauth(), change_date()][which].clone();
        let observed = Observed {
            amount: amount.map(Yen),
            authorized_at: seconds.map(|s| Timestamp::from_micros(authorized().micros() + s * 1_000_000)),
            slips: slips.into_iter().map(str::to_owned).collect(),
            delivery_service_code: code.map(str::to_owned),
            ..seen(status)
        };
        prop_assert!(!matches!(says(&intent, observed, true), Verdict::NotDone));
    }
}
