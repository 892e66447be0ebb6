//! Yahoo!: samples through the parser (yahoo-shopping.md).

#![cfg(test)]

mod calls;
mod odd;
mod simulated;

use std::path::PathBuf;

use bytes::Bytes;
use mallsync::clock::Timestamp;
use mallsync::domain::ids::OrderRef;
use mallsync::domain::order::{PaymentMethod, PaymentStatus, PendingReason, Status};
use mallsync::http::{Fault, Response};
use mallsync::malls::Details;
use mallsync::malls::yahoo::model::info_fields;
use mallsync::malls::yahoo::wire::{self, By, Function, Search, decode, listed};
use mallsync::malls::yahoo::{read_answer, read_order};

pub fn sample(name: &str) -> String {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/yahoo").join(name);
    std::fs::read_to_string(path).unwrap()
}

pub fn now() -> Timestamp {
    Timestamp::parse("2026-10-08T12:00:00+09:00").unwrap()
}

pub fn response(status: u16, headers: &[(&str, &str)], body: &[u8]) -> Response {
    Response {
        status,
        headers: headers.iter().map(|(n, v)| (n.to_lowercase(), (*v).to_owned())).collect(),
        body: Bytes::copy_from_slice(body),
        sent_at: now(),
        server_time: None,
    }
}

pub const ORDERS: [&str; 7] = [
    "card_gift_coupon",
    "cod",
    "cancelled",
    "preorder",
    "paypay_combined",
    "social_gift_line",
    "subscription_convenience",
];

pub fn info(name: &str) -> String {
    sample(&format!("order_info_{name}.xml"))
}

/// Every response sample with its function and HTTP status (§13).
fn answers() -> Vec<(String, Function, Response)> {
    let lists =
        ["page1", "page2", "none", "start_beyond"].map(|n| (format!("order_list_response_{n}.xml"), 200));
    let errors = [
        ("error_401_expired_token", 401),
        ("error_401_px04102", 401),
        ("error_403_px04303", 403),
        ("error_403_px04306", 403),
        ("error_400_od90101", 400),
        ("error_404_not_exists", 404),
        ("error_500_od91001", 500),
        ("error_order_list_ng", 200),
    ]
    .map(|(n, status)| (format!("{n}.xml"), status));
    let infos = ORDERS.map(|n| (format!("order_info_{n}.xml"), 200));
    let others = ["order_count_response", "write_ok", "write_ok_warning_od91113", "write_ok_warning_od91704"]
        .map(|n| (format!("{n}.xml"), 200));
    let list = lists.into_iter().chain(errors).map(|(file, status)| (file, Function::OrderList, status));
    let info = infos.into_iter().chain(others).map(|(file, status)| (file, Function::OrderInfo, status));
    list.chain(info)
        .map(|(file, function, status)| {
            let body = sample(&file);
            let headers: &[(&str, &str)] = match status {
                401 if file.contains("expired") => &[(
                    "WWW-Authenticate",
                    "Bearer realm=\"yahooapis.jp\", error=\"invalid_token\", error_description=\"expired token\"",
                )],
                _ => &[("Content-Type", "application/xml; charset=utf-8")],
            };
            (file, function, response(status, headers, body.trim_end().as_bytes()))
        })
        .collect()
}

pub fn outcome(function: Function, response: &Response) -> Result<String, Fault> {
    let answer = decode(response, function)?;
    match function {
        Function::OrderList => {
            listed(&answer.root).map(|l| format!("{} rows of {:?}", l.rows.len(), l.total))
        }
        Function::OrderInfo => {
            let mut details = Details::default();
            let number = answer.document.split_once("<OrderId>").and_then(|(_, rest)| rest.split_once('<'));
            let number = number.map_or("none", |(number, _)| number);
            read_answer(&answer, &OrderRef::new(number), now(), &mut details);
            let bad: Vec<_> = details.bad.iter().map(|b| b.reason.as_str()).collect();
            Ok(format!("{} orders, {} missing, bad: {bad:?}", details.orders.len(), details.missing.len()))
        }
    }
}

/// What `details` makes of an answer, when `number` was asked for.
pub fn details(body: &str, number: &str) -> Details {
    let answer = decode(&response(200, &[], body.as_bytes()), Function::OrderInfo).unwrap();
    let mut details = Details::default();
    read_answer(&answer, &OrderRef::new(number), now(), &mut details);
    details
}

pub fn read(body: &str) -> Result<mallsync::domain::order::Order, String> {
    let answer = decode(&response(200, &[], body.as_bytes()), Function::OrderInfo).unwrap();
    read_order(answer.root.child("Result").unwrap().child("OrderInfo").unwrap())
}

#[test]
fn every_answer_has_its_meaning() {
    let outcomes: Vec<String> = answers()
        .iter()
        .map(|(file, function, response)| match outcome(*function, response) {
            Ok(data) => format!("{file}: {data}"),
            Err(fault) => format!("{file}: {} | {fault}", fault.kind()),
        })
        .collect();
    insta::assert_json_snapshot!(outcomes);
}

#[test]
fn every_order_lands_in_the_one_shape() {
    for name in ORDERS {
        let order = read(&info(name)).unwrap();
        assert_eq!(order.flags, [], "{name}: amounts add up and every code is known");
        insta::assert_json_snapshot!(format!("order_info_{name}"), order);
    }
}

#[test]
fn rows_of_a_search_carry_number_and_time_of_change() {
    let read = |name: &str| {
        let body = sample(&format!("order_list_response_{name}.xml"));
        listed(&decode(&response(200, &[], body.as_bytes()), Function::OrderList).unwrap().root).unwrap()
    };
    let page = read("page1");
    assert_eq!((page.total, page.rows.len()), (Some(5), 3));
    assert_eq!(page.rows[0].number, "hoshizora-shop-10000103");
    assert_eq!(page.rows[0].updated_at, Timestamp::parse("2026-09-29T10:12:13+09:00").ok());
    assert_eq!(page.rows.iter().map(|r| r.closed).collect::<Vec<_>>(), [true, false, false]);
    // One match is one row, and an empty OrderInfo is none (§5.4).
    let beyond = read("start_beyond");
    assert_eq!((beyond.total, beyond.rows.len()), (Some(5), 0));
    let one = "<Result><Status>OK</Status><Search><TotalCount>1</TotalCount><OrderInfo><OrderId>s-1</OrderId></OrderInfo></Search></Result>";
    let one =
        listed(&decode(&response(200, &[], one.as_bytes()), Function::OrderList).unwrap().root).unwrap();
    assert_eq!(one.rows.len(), 1);
}

/// Documents of the same meaning: elements with their text, in no order.
fn shape(xml: &str) -> Vec<String> {
    fn walk(element: &mallsync::http::xml::Element, path: &str, found: &mut Vec<String>) {
        let path = format!("{path}/{}", element.name);
        if element.children.is_empty() {
            found.push(format!("{path}={}", element.text.trim()));
        }
        element.children.iter().for_each(|child| walk(child, &path, found));
    }
    let mut found = Vec::new();
    walk(&mallsync::http::xml::Element::parse(xml).unwrap(), "", &mut found);
    found.sort();
    found
}

#[test]
fn requests_are_those_of_the_contract() {
    let at = |t: &str| Timestamp::parse(t).unwrap();
    let asked = Search {
        by: By::OrderTime,
        from: at("2026-09-28T00:00:00+09:00"),
        to: at("2026-10-05T23:59:59.999+09:00"),
        statuses: Some("1,2,3,4,5"),
        start: 1,
        rows: 3,
    };
    let fields = "OrderId,OrderTime,LastUpdateTime,OrderStatus,IsSeen,PayStatus,SettleStatus,ShipStatus,PayMethod,TotalPrice";
    let fields: Vec<&str> = fields.split(',').collect();
    let sent = wire::search("hoshizora-shop", &asked, &fields);
    assert_eq!(shape(&sent), shape(&sample("order_list_request.xml")));
    let asked = Search {
        by: By::PublicationTime,
        from: at("2026-10-03T00:00:00+09:00"),
        to: at("2026-10-03T23:59:59+09:00"),
        statuses: None,
        start: 1,
        rows: 2_000,
    };
    let sent = wire::search(
        "hoshizora-shop",
        &asked,
        &["OrderId", "OrderTime", "LastUpdateTime", "PublicationTime", "OrderStatus"],
    );
    let wanted: Vec<String> = shape(&sample("order_list_request_publication.xml"))
        .into_iter()
        .filter(|line| !line.contains("ReadOnlyMode=0"))
        .collect();
    assert_eq!(shape(&sent), wanted, "0 is the default of ReadOnlyMode");
    let wanted = sample("order_info_request.xml");
    let fields = wanted.split_once("<Field>").unwrap().1.split_once("</Field>").unwrap().0;
    let fields: Vec<&str> = fields.split(',').collect();
    let sent = wire::info("hoshizora-shop", "hoshizora-shop-10000101", &fields);
    assert_eq!(shape(&sent), shape(&wanted));
    // A name that is no name cannot break out of its element.
    assert!(
        shape(&wire::info("s", "x</OrderId>&\u{1}", &["OrderId"]))
            .contains(&"/Req/Target/OrderId=x</OrderId>&".to_owned())
    );
}

#[test]
fn card_data_is_not_asked_for_and_not_kept() {
    assert!(info_fields().iter().all(|f| !f.starts_with("Card")), "§6.5: never request");
    assert!(info_fields().join(",").len() < 10_000, "§3");
    let unique: std::collections::BTreeSet<_> = info_fields().into_iter().collect();
    assert_eq!(unique.len(), info_fields().len());
    let card = "<CardNumber><![CDATA[canary]]></CardNumber><CardHolderName>canary</CardHolderName><CardNumberLast4>9999</CardNumberLast4>";
    let body = info("cod").replace("<Pay>", &format!("<Pay>{card}"));
    let read = details(&body, "hoshizora-shop-10000102");
    let raw = String::from_utf8(read.orders[0].raw.clone()).unwrap();
    assert!(raw.starts_with("<OrderInfo>") && raw.ends_with("</OrderInfo>"), "{raw}");
    assert!(
        !raw.contains("canary") && !raw.contains("9999") && raw.contains("<Pay><PayStatus>")
            || raw.contains("<Pay>\n"),
        "{raw}"
    );
    assert_eq!(raw.len(), details(&info("cod"), "hoshizora-shop-10000102").orders[0].raw.len());
}

#[test]
fn an_answer_is_joined_to_the_number_that_was_asked_for() {
    let read = details(&info("cod"), "HOSHIZORA-shop-10000102");
    assert_eq!((read.orders.len(), read.orders[0].read_at), (1, now()));
    let other = details(&info("cod"), "hoshizora-shop-1");
    assert_eq!((other.orders.len(), other.bad[0].reason.as_str()), (0, "the answer is about another order"));
    let none = "<ResultSet totalResultsAvailable=\"0\"><Result><Status>OK</Status></Result></ResultSet>";
    assert_eq!(details(none, "s-1").missing, [OrderRef::new("s-1")]);
}

/// An order of the sample with elements replaced.
fn changed(name: &str, changes: &[(&str, &str)]) -> mallsync::domain::order::Order {
    let mut body = info(name);
    for (element, value) in changes {
        let (open, close) = (format!("<{element}>"), format!("</{element}>"));
        let (before, rest) = body.split_once(&open).unwrap_or_else(|| panic!("{element}"));
        let (_, after) = rest.split_once(&close).unwrap();
        body = format!("{before}{open}{value}{close}{after}");
    }
    read(&body).unwrap()
}

#[test]
fn states_are_judged_in_their_order() {
    use PendingReason as P;
    let status = |changes: &[(&str, &str)]| {
        let order = changed("card_gift_coupon", changes);
        (order.status, order.pending_reason)
    };
    assert_eq!(status(&[]), (Status::AwaitingShipment, None));
    type Case = (&'static [(&'static str, &'static str)], Status, Option<P>);
    let cases: &[Case] = &[
        (&[("ShipStatus", "0")], Status::Pending, Some(P::Payment)),
        (&[("ShipStatus", "2")], Status::AwaitingShipment, None),
        (&[("ShipStatus", "3")], Status::Shipped, None),
        (&[("ShipStatus", "4")], Status::Shipped, None),
        (&[("OrderStatus", "1")], Status::Pending, Some(P::ReleaseDate)),
        (&[("OrderStatus", "8")], Status::Pending, Some(P::NotFinal)),
        (&[("OrderStatus", "3")], Status::OnHold, None),
        (&[("OrderStatus", "4"), ("IsReadOnly", "1")], Status::Canceled, None),
        (&[("OrderStatus", "5"), ("FraudHoldStatus", "3")], Status::Completed, None),
        (&[("FraudHoldStatus", "3"), ("IsReadOnly", "1")], Status::OnHold, None),
        (&[("FraudHoldStatus", "1")], Status::Pending, Some(P::MallCheck)),
        (&[("FraudHoldStatus", "2")], Status::AwaitingShipment, None),
        (&[("Suspect", "1"), ("ShipStatus", "3")], Status::Pending, Some(P::MallCheck)),
        (&[("Suspect", "2")], Status::AwaitingShipment, None),
        (&[("IsReadOnly", "1")], Status::Pending, Some(P::NotFinal)),
        (&[("IsReadOnly", "true")], Status::Pending, Some(P::NotFinal)),
        (&[("IsLineGiftOrder", "true")], Status::Pending, Some(P::NotFinal)),
        (&[("IsLineGiftOrder", "true"), ("IsLineGiftShippable", "true")], Status::AwaitingShipment, None),
    ];
    for (changes, wanted, reason) in cases {
        assert_eq!(status(changes), (*wanted, *reason), "{changes:?}");
    }
}

#[test]
fn codes_never_seen_are_kept_shown_and_flagged() {
    for (element, value) in [
        ("OrderStatus", "7"),
        ("OrderStatus", ""),
        ("ShipStatus", "9"),
        ("FraudHoldStatus", "8"),
        ("Suspect", "x"),
    ] {
        let order = changed("card_gift_coupon", &[(element, value)]);
        assert_eq!(order.status, Status::Unknown, "{element} {value}");
        assert_eq!(order.flags[0].code, "unknown_status");
        assert!(order.flags[0].detail.starts_with(element), "{:?}", order.flags);
    }
    let order =
        changed("cod", &[("PayMethod", "payment_q9"), ("ShipCompanyCode", "2001"), ("OrderStatus", "6")]);
    let codes: Vec<_> = order.flags.iter().map(|f| f.code.as_str()).collect();
    assert_eq!(codes, ["unknown_status", "unknown_payment_method", "unknown_carrier"]);
    assert_eq!((order.mall_status.as_str(), order.payment.method), ("6", PaymentMethod::Other));
}

#[test]
fn both_readings_of_the_points_field_add_up_and_anything_else_is_flagged() {
    // 9070 = 10850 before coupons … of which 150 points; now 100 of them are instant bonus.
    let with =
        |points: &str, bonus: &str| {
            let body = info("card_gift_coupon").replace("<UsePoint>150</UsePoint>", &format!(
            "<UsePoint>{points}</UsePoint><TotalImmediateBonusAmount>{bonus}</TotalImmediateBonusAmount>"
        ));
            read(&body).unwrap()
        };
    for order in [with("150", "100"), with("50", "100")] {
        assert_eq!(order.flags, []);
        assert_eq!(order.amounts.points.map(|y| y.0), Some(50));
        assert_eq!(order.amounts.other_discount.map(|y| y.0), Some(100));
        assert_eq!(order.amounts.due.map(|y| y.0), Some(9_070));
    }
    let off = with("149", "100");
    assert_eq!(off.flags.iter().map(|f| f.code.as_str()).collect::<Vec<_>>(), ["due_mismatch"]);
    assert_eq!(
        (off.amounts.due.map(|y| y.0), off.amounts.points.map(|y| y.0)),
        (Some(9_070), Some(149)),
        "flagged, never repaired"
    );
}

#[test]
fn the_malls_own_identities_are_checked() {
    let codes = |name: &str, changes: &[(&str, &str)]| {
        changed(name, changes).flags.into_iter().map(|f| f.code).collect::<Vec<_>>()
    };
    assert_eq!(codes("cod", &[("SettleAmount", "7309")]), ["settle_mismatch"]);
    assert_eq!(codes("paypay_combined", &[("PayMethodAmount", "701")]), ["combined_payment_mismatch"]);
    assert_eq!(codes("card_gift_coupon", &[("TotalCouponDiscount", "299")]), ["shop_coupon_mismatch"]);
    assert_eq!(codes("cod", &[("PayCharge", "x")]), ["unreadable_number"]);
    // A free-shipping coupon: shipping is shown before it.
    let free = changed("card_gift_coupon", &[("ShippingCouponDiscount", "100"), ("ShippingCouponFlg", "1")]);
    assert_eq!(free.flags, []);
    assert_eq!(
        (free.amounts.shipping.map(|y| y.0), free.amounts.shop_coupon.map(|y| y.0)),
        (Some(650), Some(400))
    );
    // The fee for a remote area is open: nothing that rests on it is fixed.
    let open = changed("cod", &[("RemoteAreaShippingType", "2")]);
    assert_eq!(
        (open.amounts.shipping, open.amounts.total, open.amounts.due, open.flags.len()),
        (None, None, None, 0)
    );
}

#[test]
fn splits_name_each_other_and_cancelled_lines_stay() {
    let source = changed(
        "cancelled",
        &[("IsSplit", "true"), ("ChildOrderId", "hoshizora-shop-201,hoshizora-shop-202")],
    );
    assert_eq!(source.status, Status::Canceled);
    assert_eq!(source.flags[0].detail, "split into hoshizora-shop-201, hoshizora-shop-202");
    let child = changed("cod", &[("ParentOrderId", "hoshizora-shop-103")]);
    assert_eq!((child.flags[0].code.as_str(), child.flags.len()), ("split_from", 1));
    let zero = changed("cod", &[("Quantity", "0"), ("TotalPrice", "330"), ("SettleAmount", "330")]);
    let line = &zero.packages[0].lines[0];
    assert_eq!(
        (line.quantity, line.subtotal.map(|y| y.0), line.unit_price.map(|y| y.0)),
        (0, Some(0), Some(3_490))
    );
    assert_eq!(zero.flags, []);
}

#[test]
fn money_stands_where_the_mall_says() {
    use PaymentStatus as S;
    let status = |name: &str, changes: &[(&str, &str)]| changed(name, changes).payment.status;
    let card = |changes: &[(&str, &str)]| status("card_gift_coupon", changes);
    assert_eq!(card(&[]), S::Authorized);
    assert_eq!(card(&[("ShipStatus", "3")]), S::Paid);
    assert_eq!(card(&[("OrderStatus", "5")]), S::Paid);
    assert_eq!(card(&[("FraudHoldStatus", "1")]), S::Unpaid);
    assert_eq!(card(&[("SettleStatus", "10")]), S::Unpaid);
    assert_eq!(card(&[("SettleStatus", "7"), ("OrderStatus", "4")]), S::Refunded);
    assert_eq!(card(&[("OrderStatus", "4")]), S::Unknown);
    assert_eq!(status("preorder", &[]), S::Authorized);
    assert_eq!(status("cod", &[]), S::Unpaid);
    assert_eq!(status("cod", &[("PayStatus", "1")]), S::Paid);
    assert_eq!(
        status("cod", &[("PayMethod", "payment_e3"), ("PayMethodName", "クレジットカード(自社)")]),
        S::Unknown
    );
    assert_eq!(status("subscription_convenience", &[]), S::Unpaid);
    assert_eq!(status("subscription_convenience", &[("ShipStatus", "1")]), S::Paid);
    let own = changed("cod", &[("PayMethod", "payment_e3"), ("PayMethodName", "webコレクト")]);
    assert_eq!(own.payment.method, PaymentMethod::CreditCard);
    assert_eq!(own.payment.collected_by, mallsync::domain::order::CollectedBy::Shop);
    assert_eq!(own.payment.mall_method.as_deref(), Some("webコレクト"));
}
