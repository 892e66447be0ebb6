//! What a look-up says of an intent: §5.5 and §5.6 as a table.

use mallsync::domain::money::Yen;
use mallsync::domain::operation::{Intent, Verdict};
use mallsync::domain::settlement::Observed;
use mallsync::settlement::Looked;
use mallsync::settlement::webcollect::{judge, map};

use super::noon;

pub(super) fn capture(delivery_service_code: &str, slip: &str) -> Intent {
    Intent::Capture {
        reception_number: "A-1".to_owned(),
        slip_number: slip.to_owned(),
        delivery_service_code: delivery_service_code.to_owned(),
        amount: Yen(12_800),
    }
}

fn shown(status: &str, slips: &[&str], delivery_service_code: Option<&str>) -> Looked {
    let observed = Observed {
        state: map::state(status),
        status: status.to_owned(),
        amount: Some(Yen(12_800)),
        authorized_at: Some(noon()),
        slips: slips.iter().map(|slip| (*slip).to_owned()).collect(),
        delivery_service_code: delivery_service_code.map(str::to_owned),
        ..Observed::default()
    };
    Looked { observed: Some(observed), ambiguous: false, http_status: 200, raw: Vec::new() }
}

const OURS: &str = "400123456784";
const OTHER: &str = "400012345670";

pub(super) fn word(verdict: &Verdict) -> &'static str {
    match verdict {
        Verdict::Done => "done",
        Verdict::NotDone => "not done",
        Verdict::Unclear { .. } => "unclear",
        Verdict::Person { .. } => "person",
    }
}

/// §5.5 row E01 (not claimed) and §5.6 (claimed).
#[test]
fn what_a_look_up_says_of_a_capture() {
    let (yamato, other_carrier) = (capture("00", OURS), capture("99", "A-1"));
    let table: &[(&str, &Intent, Looked, &str, &str)] = &[
        ("captured, ours", &yamato, shown("30", &[OURS], Some("00")), "done", "done"),
        (
            "captured, ours among others",
            &yamato,
            shown("30", &[OTHER, "4001-2345-6784"], None),
            "done",
            "done",
        ),
        ("settled, ours", &yamato, shown("31", &[OURS], Some("00")), "done", "done"),
        ("captured, another", &yamato, shown("30", &[OTHER], Some("00")), "person", "person"),
        ("settled, another", &yamato, shown("31", &[OTHER], Some("00")), "person", "person"),
        ("captured, no slip shown", &yamato, shown("30", &[], Some("00")), "person", "person"),
        ("captured by 99, ours is 00", &yamato, shown("30", &[], Some("99")), "person", "person"),
        ("99, its value shown", &other_carrier, shown("30", &["A-1"], Some("99")), "done", "done"),
        ("99, no slip shown", &other_carrier, shown("30", &[], Some("99")), "done", "done"),
        ("99, settled, no slip shown", &other_carrier, shown("31", &[], Some("99")), "done", "done"),
        ("99, no slip and no code", &other_carrier, shown("30", &[], None), "person", "person"),
        ("99, another slip", &other_carrier, shown("30", &[OTHER], Some("99")), "person", "person"),
        ("authorised, no slip", &yamato, shown("4", &[], None), "not done", "person"),
        ("authorised, our slip", &yamato, shown("4", &[OURS], None), "person", "person"),
        ("authorised, another slip", &yamato, shown("4", &[OTHER], None), "person", "person"),
        ("cancelled", &yamato, shown("40", &[], None), "person", "person"),
        ("cancelled, our slip", &yamato, shown("40", &[OURS], None), "person", "person"),
        ("reserved", &yamato, shown("5", &[], None), "person", "person"),
        ("amount change failed", &yamato, shown("17", &[], None), "person", "person"),
        ("in progress", &yamato, shown("21", &[], None), "person", "person"),
        ("a new status", &yamato, shown("77", &[OURS], None), "person", "person"),
        (
            "no block",
            &yamato,
            Looked { observed: None, ambiguous: false, http_status: 200, raw: Vec::new() },
            "person",
            "person",
        ),
        ("ambiguous", &yamato, Looked { ambiguous: true, ..shown("30", &[OURS], None) }, "person", "person"),
    ];
    for (case, intent, looked, plain, claimed) in table {
        assert_eq!(word(&judge::judge(intent, looked, false, &[])), *plain, "{case}");
        assert_eq!(word(&judge::judge(intent, looked, true, &[])), *claimed, "{case}, claimed");
    }
}

#[test]
fn a_further_parcel_and_what_forbids_sending_again() {
    let intent = capture("00", OURS);
    let ours = [OTHER.to_owned()];
    let first = shown("30", &[OTHER], Some("00"));
    assert_eq!(judge::judge(&intent, &first, false, &ours), Verdict::NotDone);
    assert_eq!(word(&judge::judge(&intent, &first, true, &ours)), "person");
    assert_eq!(word(&judge::judge(&intent, &shown("31", &[OTHER], None), false, &ours)), "person");
    let strange = shown("30", &[OTHER, "400099999990"], None);
    assert_eq!(word(&judge::judge(&intent, &strange, false, &ours)), "person");
    assert_eq!(
        word(&judge::judge(&capture("99", "A-1"), &first, false, &ours)),
        "person",
        "99: once an order"
    );

    let mut shared = first;
    shared.observed.as_mut().unwrap().consolidated_with.push("B-2".to_owned());
    assert_eq!(word(&judge::judge(&intent, &shared, false, &ours)), "person");
    let mut shared = shown("4", &[], None);
    shared.observed.as_mut().unwrap().consolidated_with.push("B-2".to_owned());
    assert_eq!(word(&judge::judge(&intent, &shared, false, &[])), "person");
    let mut dearer = shown("4", &[], None);
    dearer.observed.as_mut().unwrap().amount = Some(Yen(15_000));
    assert_eq!(word(&judge::judge(&intent, &dearer, false, &[])), "person");
}
