//! amazon-sp-api.md §13: shipments by feed.

use std::time::Duration;

use mallsync::sim::FeedEnd;
use serde_json::{Value, json};

use super::writing::package;
use super::*;

const XML: &str = "text/xml; charset=UTF-8";
const API: &str = "/amazon/feeds/2021-06-30";

fn sample(name: &str) -> String {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/amazon").join(name);
    std::fs::read_to_string(path).unwrap()
}

/// The envelope of the sample around these messages.
fn envelope(messages: &str) -> String {
    let whole = sample("feeds-order-fulfillment-document.xml");
    let (head, rest) = whole.split_once("  <Message>").unwrap();
    let tail = rest.rsplit_once("</Message>").unwrap().1;
    format!("{head}{messages}{tail}")
}

fn message(id: usize, order: &str, tracking: &str, items: &[(String, i64)]) -> String {
    let items: String = items
        .iter()
        .map(|(id, n)| {
            format!("<Item><AmazonOrderItemCode>{id}</AmazonOrderItemCode><Quantity>{n}</Quantity></Item>")
        })
        .collect();
    format!(
        "<Message><MessageID>{id}</MessageID><OrderFulfillment><AmazonOrderID>{order}</AmazonOrderID>\
         <FulfillmentDate>2026-04-21T14:30:00+09:00</FulfillmentDate><FulfillmentData><CarrierCode>YamatoTransport\
         </CarrierCode><ShippingMethod>宅急便</ShippingMethod><ShipperTrackingNumber>{tracking}</ShipperTrackingNumber>\
         </FulfillmentData>{items}</OrderFulfillment></Message>"
    )
}

impl Amazon {
    async fn put(&self, url: &str, content_type: &str, body: &str) -> u16 {
        let path = format!("/{}", url.strip_prefix("http://localhost/").unwrap());
        self.sim.send("PUT", &path, &[("content-type", content_type)], body).await.status
    }

    async fn document(&self) -> (String, String) {
        let reply = self.post(&format!("{API}/documents"), &json!({ "contentType": XML })).await;
        assert_eq!(reply.status, 201, "{}", reply.text());
        let body = reply.json();
        (body["feedDocumentId"].as_str().unwrap().to_owned(), body["url"].as_str().unwrap().to_owned())
    }

    async fn feed(&self, document: &str) -> Reply {
        let mut body = fixture("feeds-createFeed-request.json");
        body["inputFeedDocumentId"] = json!(document);
        self.post(&format!("{API}/feeds"), &body).await
    }

    /// A feed of these messages, from the document to its end: what `getFeed` says of it then.
    async fn fed(&self, xml: &str) -> Value {
        let (document, url) = self.document().await;
        assert_eq!(self.put(&url, XML, xml).await, 200);
        let reply = self.feed(&document).await;
        assert_eq!(reply.status, 202, "{}", reply.text());
        let path = format!("{API}/feeds/{}", reply.json()["feedId"].as_str().unwrap());
        assert_eq!(self.get(&path).await.json()["processingStatus"], "IN_QUEUE");
        self.sim.clock.advance(Duration::from_secs(30));
        let running = self.get(&path).await.json();
        assert_eq!(keys(&running), keys(&fixture("feeds-getFeed-in-progress.json")));
        assert_eq!(running["processingStatus"], "IN_PROGRESS");
        self.sim.clock.advance(Duration::from_secs(120));
        self.get(&path).await.json()
    }

    /// The result document of a feed.
    async fn report(&self, feed: &Value) -> String {
        let id = feed["resultFeedDocumentId"].as_str().unwrap();
        let answer = self.get(&format!("{API}/documents/{id}")).await.json();
        let url = answer["url"].as_str().unwrap();
        let path = format!("/{}", url.strip_prefix("http://localhost/").unwrap());
        let bytes = self.sim.raw(&get(&path, &[])).await.bytes;
        let body = parse(&bytes).body;
        if answer.get("compressionAlgorithm").is_none() {
            return String::from_utf8(body).unwrap();
        }
        // One stored block: ten bytes of head, five of the block's, eight behind it.
        assert_eq!((&body[..3], body[10]), (&[0x1F, 0x8B, 8][..], 1));
        String::from_utf8(body[15..body.len() - 8].to_vec()).unwrap()
    }
}

fn keys(value: &Value) -> Vec<&String> {
    value.as_object().unwrap().keys().collect()
}

#[tokio::test]
async fn a_feed_ships_what_can_be_shipped_and_reports_the_rest() {
    let amazon = Amazon::writing().await;
    let orders = amazon.shippable(2, |_| true).await;
    let items = amazon.open_items(&orders[0]).await;
    let canceled = amazon.with_status("CANCELLED").order_number;
    let messages = [
        message(1, &orders[0], "400000000011", &items),
        // Without items: all that is left.
        message(2, &orders[1], "400000000022", &[]),
        message(3, &canceled, "400000000033", &[]),
    ];
    let done = amazon.fed(&envelope(&messages.concat())).await;
    assert_eq!(keys(&done), keys(&fixture("feeds-getFeed-done.json")));
    assert_eq!(done["processingStatus"], "DONE");
    let report = amazon.report(&done).await;
    let expected = sample("feeds-processing-report.xml")
        .replace("A0SYNTHETIC000", AMAZON_SELLER)
        .replace("50000012345", done["feedId"].as_str().unwrap())
        .replace("<MessagesProcessed>2", "<MessagesProcessed>3")
        .replace("<MessagesSuccessful>1", "<MessagesSuccessful>2")
        .replace("<MessageID>2", "<MessageID>3")
        .replace("合成エラー：この注文の出荷通知は処理できませんでした。", "The order is cancelled.")
        .replace("249-1000007-0000007", &canceled);
    assert_eq!(report, expected);
    amazon.settle();
    for (number, tracking) in orders.iter().zip(["400000000011", "400000000022"]) {
        let (_, answer) = amazon.order(number, ALL).await;
        assert_eq!(answer["order"]["fulfillment"]["fulfillmentStatus"], "SHIPPED");
        assert_eq!(answer["order"]["packages"][0]["trackingNumber"], tracking);
        assert_eq!(amazon.sim.world.write_entries(number)[0].function, "feed");
    }
    // Told again: nothing is left to be shipped, and an edit by its number works.
    amazon.sim.world.switch(|s| s.amazon.feed_gzip = false);
    let again = amazon.fed(&envelope(&message(1, &orders[0], "400000000011", &items))).await;
    assert!(amazon.report(&again).await.contains("already fulfilled"));
    assert_eq!(amazon.sim.world.write_book(&orders[0]).unwrap().refused, 1);
    let edit = amazon.confirm(&orders[0], &package("1", "400000000044", &items)).await;
    assert_eq!(edit.status, 204);
}

#[tokio::test]
async fn a_feed_may_end_otherwise() {
    let amazon = Amazon::writing().await;
    let orders = amazon.shippable(2, |_| true).await;
    let both = [message(1, &orders[0], "1", &[]), message(2, &orders[1], "2", &[])].concat();
    amazon.sim.world.switch(|s| s.amazon.feed_end = FeedEnd::Cancelled);
    let ended = amazon.fed(&envelope(&both)).await;
    assert_eq!((&ended["processingStatus"], ended.get("resultFeedDocumentId")), (&json!("CANCELLED"), None));
    assert!(amazon.sim.world.write_books().is_empty());
    amazon.sim.world.switch(|s| s.amazon.feed_end = FeedEnd::Fatal);
    assert_eq!(amazon.fed(&envelope(&both)).await["processingStatus"], "FATAL");
    let books = amazon.sim.world.write_books();
    assert_eq!((books.len(), &books[0].order_number), (1, &orders[0]), "half of it");
    amazon.sim.world.switch(|s| s.amazon.feed_end = FeedEnd::Done);
    for broken in [
        "<AmazonEnvelope>".to_owned(),
        envelope(""),
        envelope(&both).replace("OrderFulfillment</MessageType>", "Product</MessageType>"),
        envelope(&both).replace("<MessageID>2<", "<MessageID>1<"),
    ] {
        assert_eq!(amazon.fed(&broken).await["processingStatus"], "FATAL", "{broken}");
    }
    // The order of elements matters, and so does their spelling.
    let swapped = message(1, &orders[1], "2", &[]).replace("CarrierCode>", "carrierCode>");
    let done = amazon.fed(&envelope(&swapped)).await;
    assert!(amazon.report(&done).await.contains("<MessagesWithError>1</MessagesWithError>"));
    assert_eq!(amazon.sim.world.write_book(&orders[1]), None);
}

#[tokio::test]
async fn documents_have_addresses_that_expire() {
    let amazon = Amazon::writing().await;
    let (document, url) = amazon.document().await;
    assert_eq!(amazon.feed(&document).await.status, 400, "nothing was uploaded");
    assert_eq!(amazon.put(&url, "text/xml", "<a/>").await, 403, "another content type");
    assert_eq!(amazon.put(&url.replace("Signature=", "Signature=0"), XML, "<a/>").await, 403);
    let path = format!("/{}", url.strip_prefix("http://localhost/").unwrap());
    let token = [("content-type", XML), ("x-amz-access-token", amazon.access.as_str())];
    assert_eq!(
        amazon.sim.send("PUT", &path, &token, "<a/>").await.status,
        400,
        "a token has no business there"
    );
    amazon.sim.clock.advance(Duration::from_secs(301));
    assert_eq!(amazon.put(&url, XML, "<a/>").await, 403, "after five minutes");
    let reply = amazon.post(&format!("{API}/documents"), &json!({ "contentType": XML, "more": 1 })).await;
    assert_eq!(reply.status, 400);
    for (name, value) in [
        ("feedType", json!("POST_FLAT_FILE_FULFILLMENT_DATA")),
        ("marketplaceIds", json!(["ATVPDKIKX0DER"])),
        ("inputFeedDocumentId", json!("amzn1.tortuga.4.fe.nobody")),
    ] {
        let mut body = fixture("feeds-createFeed-request.json");
        body[name] = value;
        assert_eq!(amazon.post(&format!("{API}/feeds"), &body).await.status, 400, "{name}");
    }
    assert_eq!(amazon.get(&format!("{API}/feeds/1")).await.status, 404);
    assert_eq!(amazon.get(&format!("{API}/documents/{document}")).await.status, 404, "no content");
    let (document, url) = amazon.document().await;
    assert_eq!(amazon.put(&url, XML, "<a/>").await, 200);
    let mut amazon = amazon;
    amazon.sim.clock.advance(crate::client::DAY * 2 + MINUTE);
    amazon.sign_in().await;
    assert_eq!(amazon.feed(&document).await.status, 400, "two days old");
    assert_eq!(amazon.sim.world.counts()["amazon.feedStore"], 5);
}
