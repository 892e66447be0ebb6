//! §5.2, cell by cell: what may be sent at which status.

use mallsync::domain::operation::Intent;
use mallsync::domain::settlement::Observed;
use mallsync::settlement::webcollect::allowed::{Cell, allowed, cell};
use mallsync::settlement::webcollect::map;
use mallsync::settlement::{Function, Permission};

use super::changes::{cancel, change_amount, change_date, reauth, undo};
use super::judge::capture;

const SLIP: &str = "400123456784";

/// The page's table, as it stands there.
const PAGE: &str = "
status E01 E02 A06 A07 A11 E03
4      y   n   y   y   y   n
5      n   n   y   y   n   y
15     n   n   y   n   n   ?
17     ?   n   y   ?   ?   n
30     y   y   y   y   ?   n
31     n   n   ?   ?   n   n
40     n   n   n   n   ?   n
";

fn intents() -> [(Function, Intent); 6] {
    let of = |intent: Intent| (Function::of(&intent), intent);
    [capture("00", SLIP), undo(), cancel(), change_amount(), reauth(), change_date()].map(of)
}

fn observed(status: &str) -> Observed {
    let slips = if matches!(status, "30" | "31") { vec![SLIP.to_owned()] } else { Vec::new() };
    Observed { state: map::state(status), status: status.to_owned(), slips, ..Observed::default() }
}

#[test]
fn the_table_of_the_page() {
    let mut rows = 0;
    for line in PAGE.trim().lines().skip(1) {
        let mut words = line.split_whitespace();
        let status = words.next().unwrap();
        for ((function, intent), word) in intents().iter().zip(words) {
            let wanted = match word {
                "y" => Cell::Yes,
                "?" => Cell::Unsure,
                _ => Cell::No,
            };
            assert_eq!(cell(*function, status.parse().ok()), wanted, "{status} {}", function.as_str());
            let permission = allowed(intent, &observed(status));
            let fits = match wanted {
                Cell::Yes => permission == Permission::Granted,
                Cell::Unsure => matches!(permission, Permission::Person(_)),
                Cell::No => matches!(permission, Permission::Refused(_)),
            };
            assert!(fits, "{status} {}: {permission:?}", function.as_str());
            if let Permission::Person(reason) | Permission::Refused(reason) = permission {
                assert!(reason.contains(&format!("status {status} (")), "{reason}");
            }
        }
        rows += 1;
    }
    assert_eq!(rows, 7);
}

#[test]
fn every_other_status_refuses_everything() {
    for status in [
        "0", "1", "2", "3", "6", "11", "12", "13", "14", "16", "18", "20", "21", "22", "23", "41", "77", "",
        "4/30",
    ] {
        for (function, intent) in intents() {
            let permission = allowed(&intent, &observed(status));
            assert!(
                matches!(permission, Permission::Refused(_)),
                "{status} {}: {permission:?}",
                function.as_str()
            );
        }
    }
    assert_eq!(cell(Function::LookUp, Some(77)), Cell::Yes, "a look-up is always safe");
}

/// "y, only a further slip", "y, not when consolidated", and what §5.3 and §5.4 add.
#[test]
fn what_narrows_a_yes() {
    let shared = |status: &str| Observed { consolidated_with: vec!["B-2".to_owned()], ..observed(status) };
    let slips = |status: &str, slips: &[&str]| Observed {
        slips: slips.iter().map(|slip| (*slip).to_owned()).collect(),
        ..observed(status)
    };
    let many: Vec<String> = (0..99).map(|n| format!("A{n}")).collect();
    let by_99 =
        Observed { slips: Vec::new(), delivery_service_code: Some("99".to_owned()), ..observed("30") };
    let further = capture("00", "400012345670");
    for (case, intent, observed, want) in [
        ("a further slip", further.clone(), observed("30"), "granted"),
        ("a further slip in a shared parcel", further.clone(), shared("30"), "refused"),
        ("the hundredth slip", further.clone(), Observed { slips: many, ..observed("30") }, "refused"),
        ("another carrier's, once an order", capture("99", "A-1"), observed("30"), "refused"),
        ("another carrier's first", capture("99", "A-1"), observed("4"), "granted"),
        ("a slip on an authorised one", further, slips("4", &["X"]), "person"),
        ("a slip of a shared parcel", undo(), shared("30"), "person"),
        ("a slip that is not shown", undo(), slips("30", &["400012345670"]), "person"),
        ("no slip shown", undo(), slips("30", &[]), "person"),
        ("another carrier's, not named", undo_99(), by_99, "granted"),
        ("the amount of a shared parcel", change_amount(), shared("30"), "refused"),
        ("the amount of a shared parcel, authorised", change_amount(), shared("4"), "refused"),
        ("a renewal with a slip", reauth(), slips("4", &[SLIP]), "person"),
        ("a cancel of a shared parcel", cancel(), shared("30"), "granted"),
    ] {
        let word = match allowed(&intent, &observed) {
            Permission::Granted => "granted",
            Permission::Person(_) => "person",
            Permission::Refused(_) => "refused",
        };
        assert_eq!(word, want, "{case}");
    }
}

fn undo_99() -> Intent {
    let Intent::Undo { reception_number, amount, .. } = undo() else { panic!("it takes a slip back") };
    Intent::Undo {
        slip_number: reception_number.clone(),
        reception_number,
        delivery_service_code: "99".to_owned(),
        amount,
    }
}
