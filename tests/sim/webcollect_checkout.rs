//! A08: a checkout makes a settlement, once a token and once a reception number.

use std::time::Duration;

use mallsync::sim::{ContractOption, Fault};
use url::form_urlencoded::Serializer;

use crate::client::{Sim, element, slip};

/// The sample's request with some of its members changed.
fn checkout(order: &str, token: &str, changes: &[(&str, &str)]) -> String {
    let usual = [
        ("function_div", "A08"),
        ("device_div", "2"),
        ("order_no", order),
        ("settle_price", "12800"),
        ("buyer_name_kanji", "見本　花子"),
        ("buyer_tel", "03-0000-0000"),
        ("buyer_email", "buyer@example.jp"),
        ("pay_way", "1"),
        ("goods_name", "見本商品"),
        ("card_code_api", "9"),
        ("token", token),
    ];
    let mut body = Serializer::new(String::new());
    for (name, value) in usual {
        let changed = changes.iter().find(|(n, _)| *n == name);
        body.append_pair(name, changed.map_or(value, |(_, value)| value));
    }
    for (name, value) in changes.iter().filter(|(name, _)| !usual.iter().any(|(n, _)| n == name)) {
        body.append_pair(name, value);
    }
    body.finish()
}

#[tokio::test]
async fn a_checkout_makes_a_settlement_once() {
    let sim = Sim::start().await;
    let token = sim.world.token();
    let xml = sim.webcollect("creditToken", &checkout("W1", &token, &[])).await;
    assert_eq!(element(&xml, "returnCode"), "0");
    let look = sim.look("W1").await;
    assert_eq!(element(&look, "crdCResCd"), element(&xml, "crdCResCd"));
    assert_eq!((element(&look, "statusInfo"), element(&look, "settlePrice")), ("4".into(), "12800".into()));
    assert_eq!(sim.code("creditToken", &checkout("W2", &token, &[])).await, "A082000004", "spent");
    assert_eq!(sim.status("W2").await, "", "nothing is known of it");
    let duplicate = sim.webcollect("creditToken", &checkout("W1", &sim.world.token(), &[])).await;
    assert_eq!(element(&duplicate, "errorCode"), "A082000003");
    for name in ["crdCResCd", "creditErrorCode", "threeDAuthHtml", "threeDToken"] {
        assert!(duplicate.contains(&format!("<{name}/>")), "{name}");
    }
    let old = sim.world.token();
    sim.clock.advance(Duration::from_secs(30 * 60));
    assert_eq!(sim.code("creditToken", &checkout("W3", &old, &[])).await, "");
    let old = sim.world.token();
    sim.clock.advance(Duration::from_secs(30 * 60 + 1));
    assert_eq!(sim.code("creditToken", &checkout("W4", &old, &[])).await, "A082000004");
    assert_eq!(sim.register("W1", &slip(1)).await, "");
}

#[tokio::test]
async fn refused_reserved_and_lost_checkouts() {
    let sim = Sim::start().await;
    sim.world.switch(|s| {
        s.webcollect.declined.insert("W1".to_owned());
    });
    let token = sim.world.token();
    let xml = sim.webcollect("creditToken", &checkout("W1", &token, &[])).await;
    assert_eq!(
        (element(&xml, "errorCode"), element(&xml, "creditErrorCode")),
        ("A082000010".into(), "G61".into())
    );
    assert_eq!(sim.status("W1").await, "11");
    assert_eq!(
        sim.code("creditToken", &checkout("W2", &token, &[])).await,
        "A082000004",
        "spent all the same"
    );

    let planned = [("scheduled_shipping_date", "20260620")];
    let token = sim.world.token();
    assert_eq!(sim.code("creditToken", &checkout("W3", &token, &planned)).await, "");
    assert_eq!(sim.status("W3").await, "5");
    sim.world.switch(|s| s.webcollect.without = [ContractOption::Reservations].into());
    assert_eq!(sim.code("creditToken", &checkout("W4", &token, &planned)).await, "A082000005");

    // The answer is lost; a look-up tells.
    sim.fault("creditToken", Fault::EmptyBody);
    let lost = sim.webcollect("creditToken", &checkout("W5", &sim.world.token(), &[])).await;
    assert_eq!(lost, "");
    assert_eq!(sim.status("W5").await, "4");
}

#[tokio::test]
async fn items_are_checked_in_their_order() {
    let sim = Sim::start().await;
    let token = sim.world.token();
    let long = "見".repeat(31);
    let url = format!("https://shop.example/{}", "a".repeat(120));
    for (name, value, code) in [
        ("device_div", "", "A081010301"),
        ("device_div", "3", "A081010306"),
        ("order_no", "", "A081010401"),
        ("order_no", "w1", "A081010404"),
        ("settle_price", "12,800", "A081010504"),
        ("settle_price", "0", "A081010571"),
        ("settle_price", "300001", "A081010572"),
        ("buyer_name_kanji", "", "A081010601"),
        ("buyer_name_kanji", "ﾐﾎﾝ", "A081010671"),
        ("buyer_name_kanji", "髙橋", "A081010671"),
        ("buyer_name_kanji", long.as_str(), "A081010672"),
        ("buyer_tel", "0300000", "A081010702"),
        ("buyer_tel", "03(0000)0000", "A081010704"),
        ("buyer_email", "buyer", "A081010871"),
        ("buyer_email", "@example.jp", "A081010872"),
        ("pay_way", "", "A081010901"),
        ("pay_way", "4", "A082000007"),
        ("goods_name", "①", "A081011071"),
        ("card_code_api", "13", "A081011172"),
        ("token", "short", "A081011202"),
        ("trader_ec_url", "http://shop.example/", "A081011373"),
        ("trader_ec_url", url.as_str(), "A081011372"),
        ("scheduled_shipping_date", "2026-06-20", "A081011471"),
        ("scheduled_shipping_date", "20260420", "A081011472"),
        ("scheduled_shipping_date", "20260721", "A081011473"),
    ] {
        let body = checkout("W1", &token, &[(name, value)]);
        assert_eq!(sim.code("creditToken", &body).await, code, "{name}={value}");
    }
}
