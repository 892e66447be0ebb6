//! Each fault does what it says, byte by byte, and takes effect or does not.

use std::io::ErrorKind;

use mallsync::sim::{Body, Fault, Rule, TRADER_CODE};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::client::{FORM, Raw, Sim, element, header, parse, rakuten_headers, request, slip};

/// One capture under a fault: what came, and whether the gateway captured.
async fn capture(sim: &Sim, n: u64, fault: Fault) -> (Raw, bool) {
    let order = sim.capturable(usize::try_from(n).unwrap());
    sim.fault("shipmentEntry", fault);
    let body = format!(
        "function_div=E01&trader_code={TRADER_CODE}&order_no={order}&slip_no={}&delivery_service_code=00",
        slip(n)
    );
    let raw = sim.raw(&request("POST", "/webcollect/api/shipmentEntry", &FORM, &body)).await;
    let done = sim.world.books().iter().any(|b| b.order_no == order && b.effective_captures == 1);
    (raw, done)
}

#[tokio::test]
async fn connections_break_where_they_are_told_to() {
    let sim = Sim::start().await;
    let reset = Err(ErrorKind::ConnectionReset);

    let (raw, done) = capture(&sim, 0, Fault::ResetBeforeEffect).await;
    assert_eq!((raw.bytes.len(), raw.end, done), (0, reset, false));

    let (raw, done) = capture(&sim, 1, Fault::ResetAfterEffect).await;
    assert_eq!((raw.bytes.len(), raw.end, done), (0, reset, true));

    let (raw, done) = capture(&sim, 2, Fault::CutHeader { at: 20 }).await;
    assert_eq!((raw.bytes.as_slice(), raw.end, done), (b"HTTP/1.1 200 OK\r\nCon".as_slice(), Ok(()), true));

    let (raw, done) = capture(&sim, 3, Fault::CutBody { at: 30 }).await;
    let text = String::from_utf8(raw.bytes).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    assert_eq!((body.len(), raw.end, done), (30, Ok(()), true));
    assert!(header(head, "content-length").unwrap().parse::<usize>().unwrap() > 30);

    let (raw, done) = capture(&sim, 4, Fault::ResetBeforeClose).await;
    assert_eq!((raw.end, done), (reset, true));
    let reply = parse(&raw.bytes);
    assert!(header(&reply.head, "content-length").is_none());
    assert!(reply.text().trim_end().ends_with("</return>"));

    let (raw, done) = capture(&sim, 5, Fault::Delay { millis: 20 }).await;
    assert_eq!((parse(&raw.bytes).status, done), (200, true));
}

#[tokio::test]
async fn a_stalled_call_answers_nothing_until_the_client_leaves() {
    let sim = Sim::start().await;
    for (n, effect) in [(0, false), (1, true)] {
        let order = sim.capturable(n);
        sim.fault("shipmentEntry", Fault::Stall { effect, hold: true });
        let body =
            format!("function_div=E01&trader_code={TRADER_CODE}&order_no={order}&slip_no={}", slip(n as u64));
        let mut stream = sim.connect().await;
        stream.write_all(&request("POST", "/webcollect/api/shipmentEntry", &FORM, &body)).await.unwrap();
        // The call has arrived once the journal shows it.
        while sim.world.calls().iter().filter(|c| c.orders == [order.clone()]).count() == 0 {
            tokio::task::yield_now().await;
        }
        let look = format!("function_div=E04&order_no={order}");
        assert_eq!(sim.code("tradeInfo", &look).await, "Z012000004", "held while it is under way");
        stream.shutdown().await.unwrap();
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).await.unwrap();
        assert!(bytes.is_empty(), "not a byte of an answer");
        let status = element(&sim.webcollect("tradeInfo", &look).await, "statusInfo");
        assert_eq!(status, if effect { "30" } else { "4" });
    }
    let order = sim.capturable(2);
    sim.fault("tradeInfo", Fault::StallBody { at: 10 });
    let body = format!("function_div=E04&trader_code={TRADER_CODE}&order_no={order}");
    let mut stream = sim.connect().await;
    stream.write_all(&request("POST", "/webcollect/api/tradeInfo", &FORM, &body)).await.unwrap();
    let mut bytes = Vec::new();
    while !bytes.ends_with(b"<?xml vers") {
        assert_ne!(stream.read_buf(&mut bytes).await.unwrap(), 0);
    }
    stream.shutdown().await.unwrap();
    assert_eq!(stream.read_buf(&mut bytes).await.unwrap(), 0, "nothing more came");
}

#[tokio::test]
async fn answers_of_other_kinds() {
    let sim = Sim::start().await;
    let status = |status, body, effect| Fault::Status { status, body, effect, retry_after: 7 };
    for (n, (fault, code, starts, captured)) in [
        (status(429, Body::Json, false), 429, "{", false),
        (status(500, Body::Html, true), 500, "<!DOCTYPE html>", true),
        (status(502, Body::Empty, false), 502, "", false),
        (status(503, Body::Html, false), 503, "<!DOCTYPE html>", false),
        (Fault::MaintenancePage, 200, "<!DOCTYPE html>", false),
        (Fault::EmptyBody, 200, "", true),
        (Fault::Bom, 200, "\u{feff}<?xml", true),
        (Fault::Doctype, 200, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<!DOCTYPE return", true),
        (Fault::Decorated, 200, "<?xml", true),
        (Fault::ExtraElements, 200, "<?xml", true),
        (Fault::Truncated, 200, "<?xml", true),
    ]
    .into_iter()
    .enumerate()
    {
        let (raw, done) = capture(&sim, n as u64, fault.clone()).await;
        let reply = parse(&raw.bytes);
        assert_eq!((reply.status, done), (code, captured), "{fault:?}");
        let text = reply.text();
        assert!(text.starts_with(starts), "{fault:?}: {text}");
        match fault {
            Fault::Status { .. } => assert_eq!(header(&reply.head, "retry-after").as_deref(), Some("7")),
            Fault::EmptyBody => assert_eq!(text, ""),
            Fault::Truncated => assert!(!text.contains("</return>") && text.contains("<return>")),
            Fault::ExtraElements => {
                assert!(text.contains("unknownElement"));
                assert!(text.find("returnDate").unwrap() < text.find("returnCode").unwrap());
            }
            Fault::Decorated => assert!(text.contains("<returnCode>\n\u{3000}<![CDATA[0]]> </returnCode>")),
            _ => {}
        }
    }
}

#[tokio::test]
async fn contradictions_and_codes_of_the_gateway() {
    let sim = Sim::start().await;
    let code = |code: &str, effect| Fault::Code { code: code.into(), effect };
    for (n, (fault, return_code, error_code, captured)) in [
        (Fault::ZeroWithCode, "0", "Z019999999", true),
        (Fault::OneWithoutCode, "1", "", false),
        (code("Z012000005", true), "1", "Z012000005", true),
        (code("Z012000005", false), "1", "Z012000005", false),
        (code("Z019999999", true), "1", "Z019999999", true),
        (code("Z012000006", false), "1", "Z012000006", false),
    ]
    .into_iter()
    .enumerate()
    {
        let (raw, done) = capture(&sim, n as u64, fault.clone()).await;
        let xml = parse(&raw.bytes).text();
        let found = (element(&xml, "returnCode"), element(&xml, "errorCode"), done);
        assert_eq!(found, (return_code.into(), error_code.into(), captured), "{fault:?}");
    }
    sim.fault("tradeInfo", Fault::TwoBlocks);
    let look = format!("function_div=E04&order_no={}", sim.capturable(9));
    let xml = sim.webcollect("tradeInfo", &look).await;
    assert_eq!((element(&xml, "resultCount").as_str(), xml.matches("<resultData>").count()), ("2", 2));
    assert!(xml.contains("<statusInfo>40<") && xml.contains("<statusInfo>4<"));
}

#[tokio::test]
async fn faults_of_the_mall() {
    let sim = Sim::start().await;
    let numbers: Vec<String> = sim.world.truth("rakuten-main").take(3).map(|f| f.order_number).collect();
    let body = json!({ "orderNumberList": numbers, "version": 10 });
    let path = "/rakuten/es/2.0/order/getOrder/";
    let plain = sim.rakuten("getOrder", &body).await.1;

    sim.fault("getOrder", Fault::ExtraElements);
    let text = sim.send("POST", path, &rakuten_headers(), &body.to_string()).await.text();
    assert!(text.starts_with("{\"version\"") && text.contains("\"unknownMember\":null"));
    let odd: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(odd["OrderModelList"], plain["OrderModelList"]);

    sim.fault("getOrder", Fault::Withhold);
    let (_, answer) = sim.rakuten("getOrder", &body).await;
    assert_eq!(answer["OrderModelList"].as_array().unwrap().len(), 2);
    let warning = answer["MessageModelList"].as_array().unwrap().last().unwrap();
    assert_eq!((&warning["messageType"], &warning["orderNumber"]), (&json!("WARNING"), &json!(numbers[0])));

    for (code, status) in [("ES01-01", 401), ("ES04-01", 401), ("GA0001", 401), ("ES01-02", 503)] {
        sim.fault("getOrder", Fault::Auth { code: code.into() });
        let reply = sim.send("POST", path, &rakuten_headers(), &body.to_string()).await;
        assert_eq!(reply.status, status);
        assert!(reply.text().contains(code));
    }
    sim.fault("getOrder", Fault::QpsLimit);
    let reply = sim.send("POST", path, &rakuten_headers(), &body.to_string()).await;
    assert!(reply.status == 403 && reply.text().contains("QPSLimit"));
    sim.fault("getOrder", Fault::Truncated);
    let reply = sim.send("POST", path, &rakuten_headers(), &body.to_string()).await;
    assert!(serde_json::from_slice::<Value>(&reply.body).is_err());
    assert_eq!(sim.rakuten("getOrder", &body).await.1, plain, "each struck once");
}

#[tokio::test]
async fn rules_pick_their_calls() {
    let sim = Sim::start().await;
    let order = sim.capturable(0);
    let other = sim.capturable(1);
    let code = |code: &str| Fault::Code { code: code.into(), effect: false };
    sim.world.set_faults(vec![
        Rule {
            function: "tradeInfo".into(),
            calls: [2, 4].into(),
            fault: code("Z012000006"),
            ..Rule::default()
        },
        Rule {
            service: "webcollect".into(),
            order: other.clone(),
            fault: code("Z012000005"),
            ..Rule::default()
        },
        // A fault of the mall never hits the gateway.
        Rule { fault: Fault::QpsLimit, ..Rule::default() },
    ]);
    let look = |order: &str| format!("function_div=E04&order_no={order}");
    let mut found = Vec::new();
    for order in [&order, &order, &order, &order, &order, &other] {
        found.push(sim.code("tradeInfo", &look(order)).await);
    }
    assert_eq!(found, ["", "Z012000006", "", "Z012000006", "", "Z012000005"]);

    // By probability, the same with the same seed.
    let mut struck = Vec::new();
    for _ in 0..2 {
        let sim = Sim::start().await;
        let rule = json!([{ "function": "tradeInfo", "per_million": 300_000,
                            "fault": { "kind": "code", "code": "Z012000006" } }]);
        assert_eq!(sim.control("PUT", "faults", &rule).await.0, 200);
        let mut row = Vec::new();
        for _ in 0..40 {
            row.push(sim.code("tradeInfo", &look(&order)).await.is_empty());
        }
        assert!((5..25).contains(&row.iter().filter(|fine| !**fine).count()));
        struck.push(row);
        assert_eq!(sim.control("DELETE", "faults", &Value::Null).await.0, 200);
        assert_eq!(sim.code("tradeInfo", &look(&order)).await, "");
    }
    assert_eq!(struck[0], struck[1]);
    let wrong = sim.control("PUT", "faults", &json!([{ "fault": { "kind": "meteorite" } }])).await;
    assert_eq!(wrong.0, 400);
}

#[tokio::test]
async fn stopping_ends_connections_that_wait() {
    let sim = Sim::start().await;
    let mut idle = sim.connect().await;
    idle.write_all(b"POST /webcollect/api/tradeInfo HTTP/1.1\r\nContent-Le").await.unwrap();
    let huge = format!("GET /{} HTTP/1.1\r\n", "a".repeat(20_000));
    assert_eq!(parse(&sim.raw(huge.as_bytes()).await.bytes).status, 413);
    assert_eq!(parse(&sim.raw(b"HELLO\r\n\r\n").await.bytes).status, 400);
    sim.server.stop().await;
    let mut rest = Vec::new();
    assert!(matches!(idle.read_to_end(&mut rest).await, Ok(0) | Err(_)), "the connection ended");
    assert!(rest.is_empty());
}
