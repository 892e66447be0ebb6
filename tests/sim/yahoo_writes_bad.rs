//! yahoo-shopping.md §7: what changing calls must not say, and what an order's state does not allow.

use std::time::Duration;

use mallsync::sim::Catalogue;

use crate::client::{DAY, element, start_time};
use crate::yahoo_client::{SELLER, Yahoo, facts, sample, shown, span};
use crate::yahoo_writes::{card, change, look, shipment, shippable, status, taken};

#[tokio::test]
async fn every_malformed_element_is_named() {
    let yahoo = Yahoo::start().await;
    let number = shippable(&yahoo, 1, card).await.remove(0);
    let ship = |rest: &str| shipment(&number, &format!("<ShipStatus>3</ShipStatus>{rest}"));
    let long_url = format!("<ShipUrl>{}</ShipUrl>", "x".repeat(101));
    let wide_notes = format!("<ShipNotes>{}</ShipNotes>", "あ".repeat(251));
    let detail = |words: &str| format!("<CancelReason>230</CancelReason>{words}");
    let cases: Vec<(&str, String, &str)> = vec![
        ("orderShipStatusChange", shipment(&number, ""), "ShipStatus"),
        ("orderShipStatusChange", shipment(&number, "<ShipStatus>5</ShipStatus>"), "ShipStatus"),
        ("orderShipStatusChange", ship("<ShipCompanyCode>103</ShipCompanyCode>"), "ShipCompanyCode"),
        ("orderShipStatusChange", ship("<ShipCompanyCode>1030</ShipCompanyCode>"), "ShipCompanyCode"),
        ("orderShipStatusChange", ship("<ShipMethod>postage15</ShipMethod>"), "ShipMethod"),
        ("orderShipStatusChange", ship("<ShipMethod>postage17</ShipMethod>"), "ShipMethod"),
        (
            "orderShipStatusChange",
            ship("<ShipInvoiceNumber1>4000 0000</ShipInvoiceNumber1>"),
            "ShipInvoiceNumber1",
        ),
        (
            "orderShipStatusChange",
            ship("<ShipInvoiceNumber2>４０００</ShipInvoiceNumber2>"),
            "ShipInvoiceNumber2",
        ),
        ("orderShipStatusChange", ship("<ShipDate>2026-10-06</ShipDate>"), "ShipDate"),
        ("orderShipStatusChange", ship("<ArrivalDate>20260231</ArrivalDate>"), "ArrivalDate"),
        (
            "orderShipStatusChange",
            ship("<ShipInvoiceNumberEmptyReason>106</ShipInvoiceNumberEmptyReason>"),
            "ShipInvoiceNumberEmptyReason",
        ),
        ("orderShipStatusChange", ship("<ShipInstructStatus>100</ShipInstructStatus>"), "ShipInstructStatus"),
        ("orderShipStatusChange", ship("<ShipMethodName>宅急便</ShipMethodName>"), "ShipMethodName"),
        ("orderShipStatusChange", ship("<ShipStatus>3</ShipStatus>"), "ShipStatus"),
        ("orderShipStatusChange", ship("<IsEazy>true</IsEazy>"), "EazyDeliveryCode"),
        ("orderShipStatusChange", ship(&long_url), "ShipUrl"),
        ("orderShipStatusChange", ship(&wide_notes), "ShipNotes"),
        (
            "orderShipStatusChange",
            change(&number, "", "<Ship><ShipStatus>3</ShipStatus></Ship>"),
            "IsPointFix",
        ),
        (
            "orderShipStatusChange",
            change(&number, "<IsPointFix>false</IsPointFix>", "<Ship><ShipStatus>3</ShipStatus></Ship>"),
            "IsPointFix",
        ),
        (
            "orderShipStatusChange",
            change(
                &number,
                "<IsPointFix>true</IsPointFix><User/>",
                "<Ship><ShipStatus>3</ShipStatus></Ship>",
            ),
            "User",
        ),
        ("orderShipStatusChange", shipment("", "<ShipStatus>3</ShipStatus>"), "OrderId"),
        (
            "orderShipStatusChange",
            ship("").replace("<Order>", "<Orders>").replace("</Order>", "</Orders>"),
            "Orders",
        ),
        (
            "orderStatusChange",
            change(&number, "<IsPointFix>true</IsPointFix>", "<OrderStatus>4</OrderStatus>"),
            "IsPointFix",
        ),
        (
            "orderStatusChange",
            change(&number, "<IsPointFix>false</IsPointFix>", "<OrderStatus>5</OrderStatus>"),
            "IsPointFix",
        ),
        ("orderStatusChange", status(&number, 6, ""), "OrderStatus"),
        ("orderStatusChange", status(&number, 3, "<CancelReason>100</CancelReason>"), "CancelReason"),
        ("orderStatusChange", status(&number, 4, "<CancelReason>300</CancelReason>"), "CancelReason"),
        ("orderStatusChange", status(&number, 4, &detail("")), "CancelReasonDetail"),
        (
            "orderStatusChange",
            status(&number, 4, &detail("<CancelReasonDetail>短すぎる</CancelReasonDetail>")),
            "CancelReasonDetail",
        ),
        (
            "orderStatusChange",
            status(&number, 4, "<CancelReasonDetail>十文字はありますとも、はい。</CancelReasonDetail>"),
            "CancelReasonDetail",
        ),
        ("orderPayStatusChange", change(&number, "", "<Pay><PayStatus>2</PayStatus></Pay>"), "PayStatus"),
        (
            "orderPayStatusChange",
            change(&number, "", "<Pay><PayStatus>1</PayStatus><PayDate>1004</PayDate></Pay>"),
            "PayDate",
        ),
        ("orderChange", change(&number, "", ""), "Order"),
        ("orderChange", change(&number, "", "<Ship><ShipStatus>3</ShipStatus></Ship>"), "ShipStatus"),
        ("orderChange", change(&number, "", "<IsSeen>false</IsSeen>"), "IsSeen"),
        ("orderChange", change(&number, "", "<OrderStatus>5</OrderStatus>"), "OrderStatus"),
        (
            "orderChange",
            change(&number, "<IsPointFix>true</IsPointFix>", "<IsSeen>true</IsSeen>"),
            "IsPointFix",
        ),
        ("orderChange", change(&number, "", "<Detail><Discount>5</Discount></Detail>"), "Detail"),
    ];
    for (function, body, name) in cases {
        let reply = yahoo.call(function, &body).await;
        let message = format!("Request Parameter Error : {name}");
        let expected = sample("error_400_od90101.xml").replace("Request Parameter Error : IsGift", &message);
        assert_eq!((reply.status, reply.text()), (400, expected), "{function} {body}");
    }
    let reply =
        yahoo.call("orderShipStatusChange", &shipment("sim-store-1", "<ShipStatus>3</ShipStatus>")).await;
    assert_eq!((reply.status, reply.text()), (404, sample("error_404_not_exists.xml")));
    let stranger = ship("").replace(SELLER, "other-store");
    assert_eq!(element(&yahoo.call("orderShipStatusChange", &stranger).await.text(), "Code"), "px-14304");
    assert_eq!(yahoo.call("orderShipStatusChange", "OrderId=1&ShipStatus=3").await.status, 400);
    assert_eq!(look(&yahoo, &number).await.get("Ship/ShipStatus"), "1", "nothing of it took effect");
    let book = yahoo.sim.world.write_book(&number);
    assert!(book.is_none_or(|book| book.effective + book.repeated == 0));
}

#[tokio::test]
async fn slips_are_as_their_carriers_have_them() {
    let yahoo = Yahoo::start().await;
    let number = shippable(&yahoo, 1, card).await.remove(0);
    let tell = async |carrier: &str, first: &str, second: &str| {
        let ship = format!(
            "<Ship><ShipCompanyCode>{carrier}</ShipCompanyCode><ShipInvoiceNumber1>{first}</ShipInvoiceNumber1>\
             <ShipInvoiceNumber2>{second}</ShipInvoiceNumber2></Ship>"
        );
        let reply = yahoo.call("orderChange", &change(&number, "", &ship)).await;
        (reply.status, element(&reply.text(), "Message").replace("Request Parameter Error : ", ""))
    };
    let one = || (400, "ShipInvoiceNumber1".to_owned());
    let fine = || (200, String::new());
    assert_eq!(tell("1001", "123-456789-012345", "").await, one(), "17 bytes");
    assert_eq!(tell("1001", "4000AB000011", "").await, one());
    assert_eq!(tell("1001", "400000000011", "4000AB").await.1, "ShipInvoiceNumber2");
    assert_eq!(tell("1003", "1234567890", "").await, one(), "ten characters");
    assert_eq!(tell("1003", "RA-12345-6789-JP", "1").await, fine());
    assert_eq!(tell("1002", "1234567890123456789012345678901", "").await, one(), "31 bytes");
    assert_eq!(tell("1002", "123456789012345678901234567890", "").await, fine());

    let reason = "<Ship><ShipInvoiceNumberEmptyReason>105</ShipInvoiceNumberEmptyReason></Ship>";
    let both = "<Ship><ShipInvoiceNumber1></ShipInvoiceNumber1><ShipInvoiceNumberEmptyReason>105</ShipInvoiceNumberEmptyReason></Ship>";
    for refused in [reason, both] {
        let reply = yahoo.call("orderChange", &change(&number, "", refused)).await;
        assert_eq!(reply.status, 400, "a slip stands there: {refused}");
    }
    let clear = "<Ship><ShipInvoiceNumber1></ShipInvoiceNumber1><ShipInvoiceNumber2/></Ship>";
    taken(&yahoo.call("orderChange", &change(&number, "", clear)).await);
    taken(&yahoo.call("orderChange", &change(&number, "", reason)).await);
    assert_eq!(tell("1002", "1", "").await, one(), "a reason stands there");
    let together =
        format!("{}<ShipInvoiceNumber1>1</ShipInvoiceNumber1></Ship>", reason.trim_end_matches("</Ship>"));
    assert_eq!(yahoo.call("orderChange", &change(&number, "", &together)).await.status, 400);
    let shown = look(&yahoo, &number).await;
    assert_eq!(
        (shown.get("Ship/ShipInvoiceNumber1"), shown.get("Ship/ShipInvoiceNumberEmptyReason")),
        ("", "105")
    );
    let book = yahoo.sim.world.write_book(&number).unwrap();
    assert_eq!((book.effective, book.shipments, book.parcels["1"].number.as_str()), (4, 0, ""));
}

#[tokio::test]
async fn statuses_move_as_the_table_says() {
    let yahoo = Yahoo::start().await;
    let numbers = shippable(&yahoo, 3, card).await;
    let go = async |number: &str, to: u8| {
        let reply = yahoo.call("orderStatusChange", &status(number, to, "")).await;
        (reply.status, element(&reply.text(), "Code"))
    };
    let no = || (400, "od91150".to_owned());
    let yes = || (200, String::new());
    assert_eq!(go(&numbers[0], 1).await, no());
    assert_eq!(go(&numbers[0], 5).await, no(), "not shipped yet");
    assert_eq!(go(&numbers[0], 2).await, (200, "od91705".to_owned()));
    assert_eq!(go(&numbers[0], 3).await, yes());
    assert_eq!(look(&yahoo, &numbers[0]).await.get("OrderStatus"), "3");
    assert_eq!(go(&numbers[0], 1).await, no(), "no release date ahead");
    assert_eq!(go(&numbers[0], 2).await, yes());
    taken(&yahoo.call("orderShipStatusChange", &shipment(&numbers[0], "<ShipStatus>3</ShipStatus>")).await);
    assert_eq!(go(&numbers[0], 5).await, no(), "so soon after the shipment");
    yahoo.sim.clock.advance(Duration::from_secs(10));
    assert_eq!(go(&numbers[0], 5).await, yes());
    let done = look(&yahoo, &numbers[0]).await.get("FirstOrderDoneDate").to_owned();
    assert_eq!(go(&numbers[0], 3).await, no());
    assert_eq!(go(&numbers[0], 2).await, yes());
    assert_eq!(go(&numbers[0], 3).await, no(), "it was complete once");
    assert_eq!(look(&yahoo, &numbers[0]).await.get("FirstOrderDoneDate"), done);
    assert_eq!(go(&numbers[0], 4).await, yes());
    for to in [1, 2, 3, 5] {
        let reply = yahoo.call("orderStatusChange", &status(&numbers[0], to, "")).await;
        assert_eq!(element(&reply.text(), "Message"), "Cannot Be Operated : CancelOrder OrderStatus", "{to}");
    }

    // A shipment of an order on hold is taken, and the books tell.
    assert_eq!(go(&numbers[1], 3).await, yes());
    taken(&yahoo.call("orderShipStatusChange", &shipment(&numbers[1], "<ShipStatus>3</ShipStatus>")).await);
    let book = yahoo.sim.world.write_book(&numbers[1]).unwrap();
    assert_eq!((book.forbidden, book.forbidden_taken), (1, 1));
    assert_eq!(yahoo.sim.world.write_entries(&numbers[1]).pop().unwrap().must_not_ship, Some("on_hold"));
    // What the platform settles is not the store's to say.
    let paid = change(&numbers[2], "", "<Pay><PayStatus>1</PayStatus></Pay>");
    assert_eq!(yahoo.call("orderPayStatusChange", &paid).await.status, 400);
}

#[tokio::test]
async fn new_orders_and_line_orders_keep_to_themselves() {
    let yahoo = Yahoo::with(Catalogue::spread(start_time() + DAY, DAY * 4, 2_400)).await;
    let since = span(start_time() - Duration::from_mins(10), start_time());
    let new = yahoo.numbers(&format!("{since}<ReadOnlyMode>1</ReadOnlyMode>")).await.remove(0);
    let reply = yahoo.call("orderShipStatusChange", &shipment(&new, "<ShipStatus>3</ShipStatus>")).await;
    assert_eq!(
        (reply.status, element(&reply.text(), "Message").as_str()),
        (400, "Cannot Be Operated : ReadOnlyOrder ShipStatus")
    );
    let all = span(start_time() - DAY * 3, start_time());
    let conditions =
        "<OrderStatus>2</OrderStatus><LineGiftDisplayType>1</LineGiftDisplayType><ShipStatus>1</ShipStatus>";
    let line = yahoo
        .numbers(&format!("{all}{conditions}<LineGiftShippableType>1</LineGiftShippableType>"))
        .await
        .remove(0);
    for (order, refused) in [
        ("<Notes>見本</Notes>", "Notes"),
        ("<Pay><PayNotes>見本</PayNotes></Pay>", "PayNotes"),
        ("<Ship><ShipAddress2>見本</ShipAddress2></Ship>", "ShipAddress2"),
        ("<Ship><CashOnDeliveryTax>10</CashOnDeliveryTax></Ship>", "CashOnDeliveryTax"),
    ] {
        let reply = yahoo.call("orderChange", &change(&line, "", order)).await;
        assert_eq!(element(&reply.text(), "Message"), format!("Cannot Be Operated : {refused}"));
    }
    let slip =
        "<Ship><ShipInvoiceNumber1>400000000011</ShipInvoiceNumber1><ShipDate>20260421</ShipDate></Ship>";
    taken(&yahoo.call("orderChange", &change(&line, "", slip)).await);
    assert_eq!(shown(&yahoo, &line, "ShipDate").await.get("Ship/ShipDate"), "2026-04-21");
    let waiting = yahoo
        .numbers(&format!("{all}{conditions}<LineGiftShippableType>2</LineGiftShippableType>"))
        .await
        .remove(0);
    taken(&yahoo.call("orderShipStatusChange", &shipment(&waiting, "<ShipStatus>3</ShipStatus>")).await);
    assert_eq!(yahoo.sim.world.write_entries(&waiting)[0].must_not_ship, Some("line_not_shippable"));
    assert!(facts(&yahoo).iter().any(|f| f.order_number == line && f.slips == ["400000000011"]));
    assert_eq!(yahoo.sim.world.write_books().len(), 3);
}
