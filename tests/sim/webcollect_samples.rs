//! Each sample of an answer, made by the gateway: the same elements, in the same order, with the same text.

use mallsync::clock::Timestamp;
use mallsync::sim::{Fault, Maintenance, Placement, StoredCard, TRADER_CODE};

use crate::client::{FORM, Sim, element, slip};

const SLIP: &str = "400123456784";

fn sample(name: &str) -> String {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/webcollect").join(name);
    std::fs::read_to_string(path).unwrap()
}

/// 14 digits.
fn time(digits: &str) -> Timestamp {
    let part = |from: usize, to: usize| &digits[from..to];
    let text = format!(
        "{}-{}-{}T{}:{}:{}+09:00",
        part(0, 4),
        part(4, 6),
        part(6, 8),
        part(8, 10),
        part(10, 12),
        part(12, 14)
    );
    Timestamp::parse(&text).unwrap()
}

/// The settlements that the samples tell of.
fn place(sim: &Sim) {
    for (order, amount, planned) in [
        ("20250401000123", 12_800, None),
        ("20250401000124", 5_400, None),
        ("20250401000125", 9_800, None),
        ("20250401000126", 15_000, None),
        ("20250401000130", 22_000, Some("2025-06-20".parse().unwrap())),
    ] {
        let placement = Placement {
            order_no: order.to_owned(),
            amount,
            scheduled_shipping_date: planned,
            placed_at: Some(time("20250401093011")),
            ..Placement::default()
        };
        assert!(sim.world.place(placement));
    }
}

/// Staff do something at this time.
fn by_hand(sim: &Sim, at: &str, function: &str, params: &[(&str, &str)], code: &str) {
    sim.clock.set(time(at));
    assert_eq!(sim.world.by_hand(function, params).as_deref(), Some(code));
}

fn register(sim: &Sim, at: &str, order: &str, number: &str) {
    let service = if number.len() == 12 { "00" } else { "99" };
    let params = [("order_no", order), ("slip_no", number), ("delivery_service_code", service)];
    by_hand(sim, at, "E01", &params, "");
}

fn cards(sim: &Sim, count: u8) {
    let card = |card_key: u8, expiry: &str, used: &str| StoredCard {
        card_key,
        masked_number: format!("************000{card_key}"),
        expiry: expiry.to_owned(),
        owner: "MIHON TARO".to_owned(),
        brand: 9,
        last_used_at: time(used),
    };
    let all = [card(1, "1230", "20250301120000"), card(2, "0629", "20241105081500")];
    sim.world.set_cards("MEMBER0001", "k7Q2m9Xa", all.into_iter().take(count.into()).collect());
}

/// Leaves in their order. The gateway's own numbers are known by their shape alone.
fn leaves(xml: &str) -> Vec<(String, String)> {
    let tags: Vec<&str> = xml.split('<').skip(1).collect();
    let mut leaves = Vec::new();
    for (n, tag) in tags.iter().enumerate() {
        let Some((name, text)) = tag.split_once('>') else { continue };
        if let Some(name) = name.strip_suffix('/') {
            leaves.push((name.to_owned(), String::new()));
        } else if tags.get(n + 1).is_some_and(|next| next.starts_with(&format!("/{name}>"))) {
            let own = matches!(name, "orderDataSeq" | "crdCResCd");
            let text = if own { text.replace(|c: char| c.is_ascii_digit(), "0") } else { text.to_owned() };
            leaves.push((name.to_owned(), text));
        }
    }
    leaves
}

/// The call is made when the sample's answer was sent, after `setup`.
async fn compare(name: &str, path: &str, request: &str, setup: impl FnOnce(&Sim)) {
    let sim = Sim::start().await;
    place(&sim);
    setup(&sim);
    let wanted = sample(&format!("{name}.response.xml"));
    sim.clock.set(time(&element(&wanted, "returnDate")));
    let body = match request.strip_suffix(".txt") {
        Some(_) => sample(request).trim().to_owned(),
        None => request.to_owned(),
    };
    let body = body.replace("123456789", TRADER_CODE);
    let method = if name == "common_not_post" { "GET" } else { "POST" };
    let reply = sim.send(method, &format!("/webcollect/api/{path}"), &FORM, &body).await;
    let (mut found, mut expected) = (leaves(&reply.text()), leaves(&wanted));
    if name == "E04_tradeInfo_settled" {
        // The sample settles in the night after the scan; here it is the scan that settles.
        for leaves in [&mut found, &mut expected] {
            leaves.retain(|(name, _)| name != "renewalDate");
        }
    }
    assert!(expected.len() >= 3, "{name}");
    assert_eq!(found, expected, "{name}");
}

fn nothing(_: &Sim) {}

#[tokio::test]
async fn shipments() {
    let yamato = "E01_shipmentEntry_yamato.request.txt";
    let entry = |name: &'static str| format!("E01_shipmentEntry_{name}");
    let on_it = |sim: &Sim| register(sim, "20250402101530", "20250401000123", SLIP);
    compare(&entry("yamato_ok"), "shipmentEntry", yamato, nothing).await;
    let other = "E01_shipmentEntry_other_carrier.request.txt";
    compare(&entry("other_carrier_ok"), "shipmentEntry", other, nothing).await;
    compare(&entry("slip_already_registered"), "shipmentEntry", yamato, on_it).await;
    compare(&entry("order_state"), "shipmentEntry", yamato, |sim| {
        by_hand(sim, "20250402100000", "A06", &[("order_no", "20250401000123")], "");
    })
    .await;
    let of = |slip: &str| {
        format!(
            "function_div=E01&trader_code=123456789&order_no=20250401000123&slip_no={slip}&delivery_service_code=00"
        )
    };
    compare(&entry("bad_check_digit"), "shipmentEntry", &of("400123456785"), nothing).await;
    compare(&entry("slip_length"), "shipmentEntry", &of("40012345678"), nothing).await;
    compare(&entry("too_many_slips"), "shipmentEntry", yamato, |sim| {
        for n in 0..99 {
            register(sim, "20250402101530", "20250401000123", &slip(n));
        }
    })
    .await;
    compare(&entry("lock"), "shipmentEntry", yamato, |sim| {
        sim.fault("shipmentEntry", Fault::Code { code: "E013000001".into(), effect: false });
    })
    .await;

    let undo = "E02_shipmentCancel.request.txt";
    compare("E02_shipmentCancel_ok", "shipmentCancel", undo, on_it).await;
    compare("E02_shipmentCancel_order_state", "shipmentCancel", undo, nothing).await;
    compare("E02_shipmentCancel_not_linked", "shipmentCancel", undo, |sim| {
        register(sim, "20250402101530", "20250401000123", &slip(1));
    })
    .await;
    compare("E02_shipmentCancel_consolidated", "shipmentCancel", undo, |sim| {
        on_it(sim);
        register(sim, "20250402101600", "20250401000124", SLIP);
    })
    .await;

    compare("E03_changeDate_ok", "changeDate", "E03_changeDate.request.txt", nothing).await;
    let date = |date: &str| {
        format!(
            "function_div=E03&trader_code=123456789&order_no=20250401000130&scheduled_shipping_date={date}"
        )
    };
    compare("E03_changeDate_past", "changeDate", &date("20250401"), nothing).await;
    compare("E03_changeDate_beyond_limit", "changeDate", &date("20250701"), nothing).await;
}

#[tokio::test]
async fn look_ups() {
    let of = |order: &str| format!("function_div=E04&trader_code=123456789&order_no={order}");
    let look = |name: &'static str| format!("E04_tradeInfo_{name}");
    compare(&look("authorised"), "tradeInfo", "E04_tradeInfo.request.txt", nothing).await;
    compare(&look("captured_yamato"), "tradeInfo", "E04_tradeInfo.request.txt", |sim| {
        register(sim, "20250402101530", "20250401000123", SLIP);
    })
    .await;
    compare(&look("captured_other_carrier"), "tradeInfo", &of("20250401000124"), |sim| {
        register(sim, "20250402101811", "20250401000124", "20250401000124");
    })
    .await;
    compare(&look("settled"), "tradeInfo", "E04_tradeInfo.request.txt", |sim| {
        register(sim, "20250402101530", "20250401000123", SLIP);
        sim.clock.set(time("20250402180000"));
        sim.world.scan(None);
        sim.clock.set(time("20250403140000"));
        sim.world.deliver(None);
    })
    .await;
    compare(&look("cancelled"), "tradeInfo", &of("20250401000125"), |sim| {
        by_hand(sim, "20250402150000", "A06", &[("order_no", "20250401000125")], "");
    })
    .await;
    compare(&look("price_change_failed"), "tradeInfo", &of("20250401000126"), |sim| {
        sim.world.switch(|s| {
            s.webcollect.declined.insert("20250401000126".to_owned());
            s.webcollect.half_failed_change = true;
        });
        let params = [("order_no", "20250401000126"), ("new_price", "16000")];
        by_hand(sim, "20250403091300", "A07", &params, "A076000001");
    })
    .await;
    compare(&look("reservation"), "tradeInfo", &of("20250401000130"), nothing).await;
    compare(&look("unknown_order"), "tradeInfo", &of("20250401009999"), nothing).await;
    compare(&look("bad_order_no"), "tradeInfo", &of("order_1"), nothing).await;
}

#[tokio::test]
async fn money() {
    let cancel = "A06_creditCancel.request.txt";
    compare("A06_creditCancel_ok", "creditCancel", cancel, nothing).await;
    compare("A06_creditCancel_not_cancellable", "creditCancel", cancel, |sim| {
        by_hand(sim, "20250402140000", "A06", &[("order_no", "20250401000125")], "");
    })
    .await;
    compare("A06_creditCancel_already_settled", "creditCancel", cancel, |sim| {
        register(sim, "20250402101530", "20250401000125", SLIP);
        sim.world.scan(None);
    })
    .await;

    let change = "A07_creditChangePrice.request.txt";
    let name = |name: &'static str| format!("A07_creditChangePrice_{name}");
    compare(&name("ok"), "creditChangePrice", change, nothing).await;
    compare(&name("night"), "creditChangePrice", change, nothing).await;
    let same = "function_div=A07&trader_code=123456789&order_no=20250401000123&new_price=12800";
    compare(&name("same_amount"), "creditChangePrice", same, nothing).await;
    let declined = |sim: &Sim| {
        sim.world.switch(|s| {
            s.webcollect.declined.insert("20250401000123".to_owned());
        });
    };
    compare(&name("declined"), "creditChangePrice", change, declined).await;
    compare(&name("reversal_failed"), "creditChangePrice", change, |sim| {
        sim.world.switch(|s| {
            s.webcollect.unreversed.insert("20250401000123".to_owned());
        });
    })
    .await;

    let renew = "A11_reAuth.request.txt";
    compare("A11_reAuth_ok", "reAuth", renew, nothing).await;
    compare("A11_reAuth_night", "reAuth", renew, nothing).await;
    compare("A11_reAuth_declined", "reAuth", renew, declined).await;
    compare("A11_reAuth_not_eligible", "reAuth", renew, |sim| {
        register(sim, "20250402101530", "20250401000123", SLIP);
    })
    .await;
}

#[tokio::test]
async fn cards_and_addresses() {
    let list = "A03_creditInfoGet.request.txt";
    compare("A03_creditInfoGet_none", "creditInfoGet", list, nothing).await;
    compare("A03_creditInfoGet_one", "creditInfoGet", list, |sim| cards(sim, 1)).await;
    compare("A03_creditInfoGet_two", "creditInfoGet", list, |sim| cards(sim, 2)).await;
    let wrong = format!("{}0", sample(list).trim());
    compare("A03_creditInfoGet_bad_checksum", "creditInfoGet", &wrong, |sim| cards(sim, 1)).await;
    compare("H01_traderIp_ok", "traderIp", "H01_traderIp.request.txt", |sim| {
        sim.world.switch(|s| s.webcollect.seen_address = Some("192.0.2.10".parse().unwrap()));
    })
    .await;
}

#[tokio::test]
async fn checkouts() {
    let request = |order: &str, token: &str| {
        sample("A08_creditToken.request.txt")
            .trim()
            .replace("20250401000123", order)
            .replace("tokensample00001", token)
    };
    // The world's first token, which is made just before.
    let first = "sim0000000000001";
    let token = |sim: &Sim| {
        sim.clock.set(time("20250401093000"));
        assert_eq!(sim.world.token(), first);
    };
    let new = "20250401000201";
    compare("A08_creditToken_ok", "creditToken", &request(new, first), token).await;
    compare("A08_creditToken_token_spent", "creditToken", &request(new, first), nothing).await;
    compare("A08_creditToken_duplicate_order", "creditToken", &request("20250401000123", first), token).await;
    compare("A08_creditToken_declined", "creditToken", &request(new, first), |sim| {
        token(sim);
        sim.world.switch(|s| {
            s.webcollect.declined.insert(new.to_owned());
        });
    })
    .await;
}

#[tokio::test]
async fn refusals_of_every_function() {
    let look = "E04_tradeInfo.request.txt";
    let code = |code: &'static str| {
        move |sim: &Sim| sim.fault("tradeInfo", Fault::Code { code: code.into(), effect: false })
    };
    compare("common_not_post", "tradeInfo", "", nothing).await;
    compare("common_bad_function", "shipmentEntry", look, nothing).await;
    compare("common_maintenance", "tradeInfo", look, |sim| {
        sim.world.switch(|s| s.webcollect.maintenance = Maintenance::Code);
    })
    .await;
    let suspended = |sim: &Sim| sim.world.switch(|s| s.webcollect.suspended = true);
    compare("common_trader", "tradeInfo", look, suspended).await;
    compare("common_no_contract", "tradeInfo", look, |sim| {
        sim.world.switch(|s| s.webcollect.no_contract = true);
    })
    .await;
    compare("common_ip", "tradeInfo", look, |sim| {
        sim.world.switch(|s| s.webcollect.registered_address = Some("192.0.2.10".parse().unwrap()));
    })
    .await;
    compare("common_in_progress", "tradeInfo", look, code("Z012000004")).await;
    compare("common_timeout", "tradeInfo", look, code("Z012000005")).await;
    compare("common_too_many", "tradeInfo", look, code("Z012000006")).await;
    compare("common_internal", "tradeInfo", look, code("Z019999999")).await;
}
