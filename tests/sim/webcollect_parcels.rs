//! kuroneko-webcollect.md §2.5, §5.4, rule by rule: slips, parcels, consolidation, cancels.

use mallsync::sim::{Means, OtherSlip, Placement};

use crate::client::{DAY, Sim, element, slip};

#[tokio::test]
async fn an_order_settles_when_all_its_parcels_were_scanned() {
    let sim = Sim::start().await;
    sim.place("S1", None);
    assert_eq!(sim.register("S1", &slip(1)).await, "");
    sim.world.switch(|s| {
        s.webcollect.unscanned_slips.insert(slip(2));
        s.webcollect.slip_separator = "、".to_owned();
    });
    assert_eq!(sim.register("S1", &slip(2)).await, "");
    sim.clock.advance(DAY);
    assert!(sim.world.scan(None).is_empty(), "one of two was never scanned");
    let look = sim.look("S1").await;
    assert_eq!(element(&look, "statusInfo"), "30");
    assert!(look.contains("<allDeliveryDate/>"));
    assert_eq!(element(&look, "slipNo"), format!("{}、{}", slip(1), slip(2)));
    sim.world.switch(|s| s.webcollect.unscanned_slips.clear());
    sim.clock.advance(DAY);
    assert_eq!(sim.world.deliver(Some("S1")), ["S1"]);
    let look = sim.look("S1").await;
    assert_eq!(element(&look, "statusInfo"), "31");
    assert_eq!(
        (element(&look, "allDeliveryDate"), element(&look, "finishDate")),
        ("20260423".into(), "20260423".into())
    );
    assert_eq!(sim.unregister("S1", &slip(1)).await, "E021010351", "too late to undo");
    sim.world.switch(|s| s.webcollect.cancel_settled = true);
    assert_eq!(sim.change("A06", "S1").await, "", "some gateways cancel a settled sale");
}

#[tokio::test]
async fn another_carrier_settles_by_the_nightly_batch() {
    let sim = Sim::start().await;
    for order in ["B1", "B2"] {
        sim.place(order, None);
        assert_eq!(sim.register(order, order).await, "");
    }
    assert!(sim.world.deliver(None).is_empty(), "nobody scans it");
    assert_eq!(sim.register("B1", "B1-2").await, "E012000001", "once an order");
    assert_eq!(sim.register("B1", &slip(1)).await, "E012000001");
    let look = sim.look("B1").await;
    assert_eq!((element(&look, "extraSlipNo"), element(&look, "slipNo")), ("B1".into(), String::new()));
    sim.world.switch(|s| s.webcollect.other_slip = OtherSlip::SlipNo);
    assert_eq!(element(&sim.look("B1").await, "slipNo"), "B1");
    sim.world.switch(|s| s.webcollect.other_slip = OtherSlip::Hidden);
    let look = sim.look("B1").await;
    assert!(look.contains("<slipNo/>") && look.contains("<extraSlipNo/>"));
    assert_eq!(element(&look, "deliveryServiceCode"), "99");
    assert_eq!(sim.unregister("B2", &slip(9)).await, "E022000001");
    assert_eq!(sim.unregister("B2", "B2").await, "", "undone with the value that was registered");
    assert_eq!(sim.world.batch(None), ["B1"]);
    let look = sim.look("B1").await;
    assert_eq!(element(&look, "statusInfo"), "31");
    assert!(look.contains("<allDeliveryDate/>"));
    assert_eq!(sim.status("B2").await, "4");
}

#[tokio::test]
async fn a_day_settles_what_was_picked_up_and_a_night_the_rest() {
    let sim = Sim::start().await;
    let folder = tempfile::tempdir().unwrap();
    let folders = mallsync::sim::Folders::below(folder.path());
    for order in ["F1", "F2", "F3"] {
        sim.place(order, None);
    }
    assert_eq!(sim.register("F1", &slip(1)).await, "");
    assert_eq!(sim.register("F2", "F2").await, "");
    assert!(sim.world.carrier_tick(&folders).unwrap().settled.is_empty());
    sim.at("2026-04-22T02:00:01");
    assert_eq!(sim.register("F3", "F3").await, "", "after the night's batch");
    sim.at("2026-04-22T11:59:59");
    assert_eq!(sim.world.carrier_tick(&folders).unwrap().settled, ["F2"]);
    sim.at("2026-04-22T12:00:00");
    assert_eq!(sim.world.carrier_tick(&folders).unwrap().settled, ["F1"]);
    assert_eq!(sim.status("F3").await, "30");
}

#[tokio::test]
async fn an_order_has_ninety_nine_slips_at_most() {
    let sim = Sim::start().await;
    sim.place("L1", None);
    for n in 0..99 {
        assert_eq!(sim.register("L1", &slip(n)).await, "");
    }
    assert_eq!(sim.register("L1", &slip(99)).await, "E012000002");
    for n in 0..98 {
        assert_eq!(sim.unregister("L1", &slip(n)).await, "");
    }
    assert_eq!(sim.status("L1").await, "30", "one is left");
    assert_eq!(sim.unregister("L1", &slip(98)).await, "");
    assert_eq!(sim.status("L1").await, "4");
    let book = sim.book("L1");
    assert_eq!((book.registered_slips, book.undone_slips, book.captures), (99, 99, 1));
    assert_eq!((book.effective_captures, book.repeated()), (0, 0));
}

#[tokio::test]
async fn consolidation_has_its_limits() {
    let sim = Sim::start().await;
    for order in ["C1", "C2", "C3", "C4", "C5"] {
        sim.place(order, None);
    }
    let large = |order: &str, amount| Placement { order_no: order.into(), amount, ..Placement::default() };
    assert!(sim.world.place(large("G1", 200_000)) && sim.world.place(large("G2", 100_000)));
    assert!(sim.world.place(large("G3", 100_001)));
    assert_eq!(sim.register("G1", &slip(9)).await, "");
    assert_eq!(sim.register("G3", &slip(9)).await, "E012000003");
    assert_eq!(sim.register("G2", &slip(9)).await, "", "300,000 yen are allowed");

    for order in ["C1", "C2", "C3"] {
        assert_eq!(sim.register(order, &slip(1)).await, "");
    }
    assert_eq!(element(&sim.look("C1").await, "packingInfo"), "C2,C3");
    assert_eq!(sim.register("C4", &slip(1)).await, "E012000004");
    assert_eq!(sim.register("C1", &slip(2)).await, "E012000006");
    assert_eq!(sim.unregister("C1", &slip(1)).await, "E022000002");
    assert_eq!(sim.price("C1", 900).await, "A073000002");
    assert_eq!(sim.change("A06", "C3").await, "", "a cancel takes an order off the slip");
    assert_eq!(element(&sim.look("C1").await, "packingInfo"), "C2");
    // One parcel: it is scanned for all of its orders.
    assert_eq!(sim.world.scan(Some("C1")), ["C1", "C2"]);
    assert_eq!(sim.register("C4", &slip(1)).await, "E012000005", "the parcel is on its way");

    assert_eq!(sim.register("C4", &slip(4)).await, "");
    assert_eq!(sim.register("C4", &slip(5)).await, "");
    assert_eq!(sim.register("C5", &slip(5)).await, "E012000005", "C4 has two slips");
    assert_eq!(sim.unregister("C4", &slip(5)).await, "");
    assert_eq!(sim.register("C5", &slip(6)).await, "");
    assert_eq!(sim.register("C5", &slip(4)).await, "E012000006", "C5 has a slip of its own");
    sim.world.switch(|s| {
        s.webcollect.foreign_slips.insert(slip(7));
        s.webcollect.dead_slips.insert(slip(8));
    });
    assert_eq!(sim.register("C5", &slip(7)).await, "E012000001", "another merchant's");
    assert_eq!(sim.register("C5", &slip(8)).await, "E011010451");
}

#[tokio::test]
async fn a_cancel_takes_the_slips_with_it() {
    let sim = Sim::start().await;
    sim.place_on("K1", 30).await;
    assert_eq!(sim.change("A06", "K1").await, "");
    let look = sim.look("K1").await;
    assert!(look.contains("<slipNo/>"));
    assert_eq!(element(&look, "cancelDate"), "20260421120000");
    assert_eq!(sim.unregister("K1", &slip(1)).await, "E021010351");
    sim.place("K2", None);
    assert_eq!(sim.register("K2", &slip(1)).await, "", "the slip is free");
    let cvs = Placement {
        order_no: "K3".into(),
        amount: 500,
        means: Means::ConvenienceStore,
        status: Some(3),
        ..Placement::default()
    };
    assert!(sim.world.place(cvs));
    assert_eq!(element(&sim.look("K3").await, "settleMethodDiv"), "1");
    assert_eq!(sim.change("A06", "K3").await, "A062010002");
    assert_eq!(sim.price("K3", 400).await, "A073000001");
    let again = Placement { order_no: "K1".into(), amount: 1_000, ..Placement::default() };
    assert!(!sim.world.place(again), "a reception number is used once");
}
