//! kuroneko-webcollect.md §5.2, §5.3, §5.7, rule by rule, as the merchant's console would show it: states, times, amounts.

use std::time::Duration;

use mallsync::sim::{ContractOption, StoredCard};

use crate::client::{DAY, Sim, element, slip, start_time};
use crate::webcollect_rig::CHANGING;

#[tokio::test]
async fn each_state_allows_what_the_table_says() {
    // §5.2: E01 (another slip), E02, E03, A06, A07, A11; "" is done.
    let states = [
        (4, ["", "E021010351", "E031010351", "", "", ""]),
        (5, ["E011010351", "E021010351", "", "", "", "A112000002"]),
        (15, ["E011010351", "E021010351", "E031010351", "", "A073000001", "A112000002"]),
        (17, ["E011010351", "E021010351", "E031010351", "", "A073000001", "A112000002"]),
        (30, ["", "", "E031010351", "", "", "A112000002"]),
        (31, ["E011010351", "E021010351", "E031010351", "A062010004", "A073000001", "A112000002"]),
        (40, ["E011010351", "E021010351", "E031010351", "A062010003", "A073000001", "A112000002"]),
        (11, ["E011010351", "E021010351", "E031010351", "A062010003", "A073000001", "A112000002"]),
        (16, ["E011010351", "E021010351", "E031010351", "A062010003", "A073000001", "A112000002"]),
        (21, ["E011010351", "E021010351", "E031010351", "A062010003", "A073000001", "A112000002"]),
    ];
    for (status, codes) in states {
        for ((function, path, _), code) in CHANGING.into_iter().zip(codes) {
            let sim = Sim::start().await;
            let order = format!("T{status}");
            sim.place_on(&order, status).await;
            let found = if function == "E01" {
                sim.register(&order, &slip(2)).await
            } else {
                sim.change(function, &order).await
            };
            assert_eq!(found, code, "{function} ({path}) on {status}");
            let after = sim.status(&order).await;
            if code.is_empty() {
                let wanted = match (function, status) {
                    ("E01", _) => 30,
                    ("E02", _) => 4,
                    ("A06", _) => 40,
                    _ => status,
                };
                assert_eq!(after, wanted.to_string(), "{function} on {status}");
            } else {
                assert_eq!(after, status.to_string(), "refused: {function} on {status}");
            }
        }
    }
    let sim = Sim::start().await;
    for ((function, ..), code) in CHANGING.into_iter().zip([
        "E011010351",
        "E021010351",
        "E031010351",
        "A062010001",
        "A073000001",
        "A112000002",
    ]) {
        assert_eq!(sim.change(function, "NOBODY").await, code, "{function} of an unknown order");
    }
}

#[tokio::test]
async fn an_authorisation_lives_sixty_days_the_first_included() {
    let sim = Sim::start().await;
    for order in ["A1", "A2", "A3", "A4", "A5"] {
        sim.place(order, None);
    }
    sim.clock.advance(DAY * 59);
    assert_eq!(sim.register("A1", &slip(1)).await, "", "the sixtieth day");
    assert_eq!(sim.change("A11", "A2").await, "");
    assert_eq!(element(&sim.look("A2").await, "crdCResDate"), "20260619120000");
    sim.clock.advance(DAY);
    assert_eq!(sim.status("A3").await, "4", "no status tells of it");
    assert_eq!(sim.register("A3", &slip(3)).await, "E011010351");
    assert_eq!(sim.change("A11", "A3").await, "A112000002");
    assert_eq!(sim.price("A3", 900).await, "A073000001");
    assert_eq!(sim.book("A3").lapsed_captures, 1);
    assert_eq!(sim.register("A1", &slip(2)).await, "", "what is captured has a sale, not an authorisation");
    assert_eq!(sim.book("A1").lapsed_captures, 0);
    assert_eq!(sim.change("A06", "A4").await, "", "it can be cancelled all the same");
    sim.world.switch(|s| s.webcollect.capture_lapsed = true);
    assert_eq!(sim.register("A5", &slip(5)).await, "");
    assert_eq!((sim.book("A5").captures, sim.book("A5").lapsed_captures), (1, 1));
    // A new period counts from the day that A11 succeeded, not from the old end.
    sim.world.switch(|s| s.webcollect.capture_lapsed = false);
    sim.clock.advance(DAY * 58);
    assert_eq!(sim.change("A11", "A2").await, "");
    sim.world.switch(|s| s.webcollect.auth_valid_days = 30);
    sim.clock.advance(DAY * 29);
    assert_eq!(sim.status("A2").await, "4");
    sim.clock.advance(DAY);
    assert_eq!(sim.register("A2", &slip(7)).await, "E011010351", "thirty days in another contract");
}

#[tokio::test]
async fn the_night_closes_amounts_and_renewals_alone() {
    let sim = Sim::start().await;
    sim.place("N1", None);
    for (time, closed) in [
        ("2026-04-21T22:59:59", false),
        ("2026-04-21T23:00:00", true),
        ("2026-04-22T00:59:59", true),
        ("2026-04-22T01:00:00", false),
    ] {
        sim.at(time);
        let before = sim.look("N1").await;
        let codes = [sim.price("N1", 1_000).await, sim.change("A11", "N1").await];
        let wanted = if closed { ["A070000000", "A110000000"] } else { ["A074000001", ""] };
        assert_eq!(codes, wanted, "{time}");
        assert_eq!(element(&sim.look("N1").await, "settlePrice"), element(&before, "settlePrice"));
    }
    sim.at("2026-04-22T23:30:00");
    assert_eq!(sim.register("N1", &slip(1)).await, "");
    assert_eq!(sim.unregister("N1", &slip(1)).await, "");
    assert_eq!(sim.change("A06", "N1").await, "");
    sim.world.switch(|s| s.webcollect.night_window = false);
    sim.place("N2", None);
    assert_eq!(sim.price("N2", 900).await, "");
}

#[tokio::test]
async fn reservations_are_authorised_ten_days_before_the_planned_date() {
    let sim = Sim::start().await;
    for order in ["R1", "R2", "R3"] {
        sim.place(order, Some("2026-06-20"));
    }
    let look = sim.look("R1").await;
    assert_eq!(element(&look, "scheduledShippingDate"), "20260620");
    assert!(look.contains("<crdCResCd/>"), "nothing is authorised yet");
    assert_eq!(sim.date("R1", "20260601").await, "");
    assert_eq!(element(&sim.look("R1").await, "scheduledShippingDate"), "20260601");
    // 1 June is the tenth day of those from 23 May.
    sim.at("2026-05-23T01:59:59");
    assert_eq!(sim.status("R1").await, "5");
    sim.at("2026-05-23T09:00:00");
    assert_eq!((sim.status("R1").await, sim.status("R2").await), ("4".into(), "5".into()));
    let look = sim.look("R1").await;
    assert_eq!(element(&look, "crdCResDate"), "20260523020000");
    assert_eq!(element(&look, "crdCResCd").len(), 9);
    assert_eq!(sim.date("R1", "20260602").await, "E031010351", "it is no reservation any more");
    assert_eq!(sim.register("R1", &slip(1)).await, "");

    sim.world.switch(|s| {
        s.webcollect.declined.insert("R2".to_owned());
    });
    // Within ten days: at once.
    assert_eq!(sim.date("R3", "20260523").await, "");
    assert_eq!(sim.status("R3").await, "4");
    sim.at("2026-06-11T02:00:00");
    assert_eq!(sim.status("R2").await, "15");
    assert_eq!(sim.book("R2").declines, 1);
    assert_eq!(sim.date("R2", "20260701").await, "E031010351");
    assert_eq!(sim.change("A06", "R2").await, "");
    assert_eq!(sim.status("R2").await, "40");
}

#[tokio::test]
async fn a_planned_date_is_a_day_ahead_within_the_limit() {
    let sim = Sim::start().await;
    sim.place("D1", Some("2026-06-20"));
    for (date, code) in [
        ("", "E031010401"),
        ("2026-6-1", "E031010405"),
        ("20260631", "E031010405"),
        ("2026063１", "E031010405"),
        ("20260420", "E031010471"),
        ("20260720", ""),
        ("20260721", "E031010472"),
        ("20260720", ""),
    ] {
        assert_eq!(sim.date("D1", date).await, code, "{date}");
    }
    let book = sim.book("D1");
    assert_eq!((book.date_changes, book.repeated_date_changes), (1, 1));
    sim.world.switch(|s| s.webcollect.schedule_days = 180);
    assert_eq!(sim.date("D1", "20261018").await, "");
    assert_eq!(sim.date("D1", "20261019").await, "E031010472");
}

#[tokio::test]
async fn an_amount_is_authorised_anew_before_the_old_one_goes() {
    let sim = Sim::start().await;
    for order in ["M1", "M2", "M3", "M4", "M5"] {
        sim.place(order, None);
    }
    let before = sim.look("M1").await;
    sim.clock.advance(DAY * 3);
    assert_eq!(sim.price("M1", 1_500).await, "");
    let after = sim.look("M1").await;
    assert_eq!(element(&after, "settlePrice"), "1500");
    assert_eq!(element(&after, "crdCResDate"), "20260424120000", "the authorisation starts again");
    assert_ne!(element(&before, "crdCResCd"), element(&after, "crdCResCd"));
    assert_eq!(element(&before, "settleDate"), element(&after, "settleDate"));

    sim.world.switch(|s| {
        s.webcollect.declined = ["M2".to_owned(), "M3".to_owned()].into();
        s.webcollect.unreversed = ["M4".to_owned()].into();
    });
    assert_eq!(sim.price("M2", 900).await, "A076000001");
    let look = sim.look("M2").await;
    assert_eq!((element(&look, "statusInfo"), element(&look, "settlePrice")), ("4".into(), "1000".into()));
    sim.world.switch(|s| {
        s.webcollect.half_failed_change = true;
        s.webcollect.credit_error_code = "C12".to_owned();
    });
    let refused = sim.webcollect("creditChangePrice", "function_div=A07&order_no=M3&new_price=900").await;
    assert_eq!(element(&refused, "creditErrorCode"), "C12");
    let look = sim.look("M3").await;
    assert_eq!((element(&look, "statusInfo"), element(&look, "settlePrice")), ("17".into(), "1000".into()));
    assert_eq!(sim.price("M4", 900).await, "A077000001");
    let look = sim.look("M4").await;
    assert_eq!((element(&look, "statusInfo"), element(&look, "settlePrice")), ("17".into(), "900".into()));
    assert_eq!(sim.book("M4").declines, 1);
    assert_eq!(sim.register("M4", &slip(1)).await, "E011010351");
    assert_eq!(sim.change("A06", "M4").await, "", "a person can still cancel it");

    sim.world.switch(|s| s.webcollect.cancel_refused = ["M1".to_owned(), "M5".to_owned()].into());
    assert_eq!(sim.change("A06", "M1").await, "A062010005");
    assert_eq!(sim.status("M1").await, "4");
    sim.world.switch(|s| s.webcollect.half_failed_cancel = true);
    assert_eq!(sim.change("A06", "M5").await, "A062010005");
    assert_eq!(sim.status("M5").await, "16");
    assert_eq!((sim.book("M5").cancels, sim.book("M5").declines), (0, 1));
}

#[tokio::test]
async fn a_refused_renewal_leaves_the_old_authorisation() {
    let sim = Sim::start().await;
    sim.place("V1", None);
    let before = sim.look("V1").await;
    sim.world.switch(|s| {
        s.webcollect.declined.insert("V1".to_owned());
    });
    sim.clock.advance(DAY * 55);
    assert_eq!(sim.change("A11", "V1").await, "A112000004");
    let after = sim.look("V1").await;
    for name in ["statusInfo", "crdCResCd", "crdCResDate", "settlePrice"] {
        assert_eq!(element(&before, name), element(&after, name), "{name}");
    }
    assert_eq!((sim.book("V1").declines, sim.book("V1").reauthorizations), (1, 0));
    assert_eq!(sim.register("V1", &slip(1)).await, "", "it is good to its end");
    sim.world.switch(|s| {
        s.webcollect.declined.clear();
        s.webcollect.reauthorize_registered = true;
    });
    assert_eq!(sim.change("A11", "V1").await, "", "where the contract lets it");
}

#[tokio::test]
async fn the_contract_has_options() {
    let sim = Sim::start().await;
    sim.place("O1", None);
    sim.place("O5", Some("2026-06-20"));
    let lack = |option| sim.world.switch(move |s| s.webcollect.without = [option].into());
    lack(ContractOption::Shipments);
    assert_eq!(sim.register("O1", &slip(1)).await, "E011010251");
    assert_eq!(sim.unregister("O1", &slip(1)).await, "E021010251");
    lack(ContractOption::Reservations);
    assert_eq!(sim.date("O5", "20260601").await, "E032000001");
    lack(ContractOption::AmountChange);
    assert_eq!(sim.price("O1", 900).await, "A072000001");
    lack(ContractOption::Increase);
    assert_eq!(sim.price("O1", 1_100).await, "A074000002");
    assert_eq!(sim.price("O1", 900).await, "", "less is allowed");
    lack(ContractOption::Card);
    assert_eq!(sim.change("A11", "O1").await, "A112000001");
    lack(ContractOption::StoredCards);
    let sum = "3aca9371c5bc8c0b2aa2b3bb3e033327b9e25352b131acd66ea9ea6e24e09008";
    let a03 = |member: &str, key: &str, sum: &str| {
        format!("function_div=A03&member_id={member}&authentication_key={key}&check_sum={sum}")
    };
    assert_eq!(sim.code("creditInfoGet", &a03("MEMBER0001", "k7Q2m9Xa", sum)).await, "A032000001");
    let long = "M".repeat(65);
    for (member, key, sum, code) in [
        ("", "k7Q2m9Xa", sum, "A031010301"),
        (long.as_str(), "k7Q2m9Xa", sum, "A031010302"),
        ("MEMBER_1", "k7Q2m9Xa", sum, "A031010371"),
        ("MEMBER0001", "", sum, "A031010401"),
        ("MEMBER0001", "k7Q2m9Xa9", sum, "A031010402"),
        ("MEMBER0001", "k7Q2m9X-", sum, "A031010471"),
        ("MEMBER0001", "k7Q2m9Xa", "", "A031010501"),
        ("MEMBER0002", "k7Q2m9Xa", sum, "A031010571"),
    ] {
        assert_eq!(sim.code("creditInfoGet", &a03(member, key, sum)).await, code);
    }
    sim.world.switch(|s| s.webcollect.without.clear());
    let card = StoredCard {
        card_key: 1,
        masked_number: "************0001".into(),
        expiry: "1230".into(),
        owner: "MIHON TARO".into(),
        brand: 9,
        last_used_at: start_time(),
    };
    sim.world.set_cards("MEMBER0001", "k7Q2m9Xa", vec![card]);
    let list = a03("MEMBER0001", "k7Q2m9Xa", sum);
    assert_eq!(element(&sim.webcollect("creditInfoGet", &list).await, "cardUnit"), "1");
    sim.clock.advance(DAY * 366);
    assert_eq!(element(&sim.webcollect("creditInfoGet", &list).await, "cardUnit"), "0", "unused for a year");
}

#[tokio::test]
async fn look_ups_lag_behind_every_change() {
    let sim = Sim::start().await;
    sim.world.switch(|s| s.webcollect.stale_reads = true);
    for (function, path, _) in CHANGING {
        let order = format!("Y{function}");
        let status = match function {
            "E02" => 30,
            "E03" => 5,
            _ => 4,
        };
        sim.world.switch(|s| s.webcollect.stale_reads = false);
        sim.place_on(&order, status).await;
        if function == "A06" {
            assert_eq!(sim.price(&order, 950).await, "");
        }
        sim.clock.advance(Duration::from_secs(61));
        sim.world.switch(|s| s.webcollect.stale_reads = true);
        let before = sim.look(&order).await;
        assert_eq!(sim.change(function, &order).await, "", "{path}");
        let block = |xml: &str| xml.split_once("<resultData>").unwrap().1.to_owned();
        assert_eq!(block(&sim.look(&order).await), block(&before), "{function}: not to be seen yet");
        sim.clock.advance(Duration::from_secs(60));
        assert_ne!(block(&sim.look(&order).await), block(&before), "{function}: to be seen now");
        assert_eq!(sim.book(&order).repeated(), 0);
        if function == "E02" {
            continue;
        }
        // The next function finds the slip free.
        sim.world.by_hand("A06", &[("order_no", &order)]);
    }
}
