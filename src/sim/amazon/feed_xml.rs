//! The documents of a feed (amazon-sp-api.md §13): the envelope of shipments, read strictly, and the report about it.

use std::collections::BTreeSet;

use chrono::DateTime;

use super::confirm::Shipment;
use crate::clock::Timestamp;
use crate::sim::xml::{self, Node};

/// One message.
#[derive(Clone, Debug)]
pub(crate) struct Message {
    pub(crate) id: String,
    pub(crate) order: String,
    /// Or what is wrong with it.
    pub(crate) shipment: Result<Shipment, &'static str>,
}

/// What became of a message.
#[derive(Clone, Debug)]
pub(crate) struct Verdict {
    pub(crate) id: String,
    pub(crate) order: String,
    /// What is wrong, if anything.
    pub(crate) error: Option<String>,
}

/// The messages of a document; `None` where it is no such envelope, in these elements, in this order.
pub(crate) fn read(body: &[u8]) -> Option<Vec<Message>> {
    let root = xml::read(body, "AmazonEnvelope")?;
    let [header, kind, messages @ ..] = root.children.as_slice() else { return None };
    let version = header.leaf("DocumentVersion") == Some("1.01");
    let merchant = header.leaf("MerchantIdentifier").is_some();
    let typed = kind.name == "MessageType" && kind.text.trim() == "OrderFulfillment";
    if header.name != "Header" || !version || !merchant || !typed || messages.is_empty() {
        return None;
    }
    let messages: Vec<Message> = messages.iter().map(message).collect::<Option<_>>()?;
    let ids: BTreeSet<&str> = messages.iter().map(|message| message.id.as_str()).collect();
    (ids.len() == messages.len()).then_some(messages)
}

fn message(node: &Node) -> Option<Message> {
    let [id, fulfillment] = node.children.as_slice() else { return None };
    if node.name != "Message" || id.name != "MessageID" || fulfillment.name != "OrderFulfillment" {
        return None;
    }
    let id = id.text.trim();
    id.parse::<u64>().ok().filter(|n| *n > 0)?;
    let shipment = shipment(fulfillment);
    let order = fulfillment.leaf("AmazonOrderID").unwrap_or_default().to_owned();
    Some(Message { id: id.to_owned(), order, shipment })
}

/// Do the children come in this order, each at most once but the last?
fn ordered(node: &Node, names: &[&str]) -> bool {
    let places: Option<Vec<usize>> =
        node.children.iter().map(|child| names.iter().position(|name| *name == child.name)).collect();
    places.is_some_and(|places| {
        let last = names.len() - 1;
        places.windows(2).all(|pair| pair[0] < pair[1] || (pair[0] == last && pair[1] == last))
    })
}

fn shipment(node: &Node) -> Result<Shipment, &'static str> {
    if !ordered(node, &["AmazonOrderID", "FulfillmentDate", "FulfillmentData", "CODCollectionMethod", "Item"])
    {
        return Err("The elements of OrderFulfillment are not those of the schema, in its order.");
    }
    let data = node.child("FulfillmentData").ok_or("FulfillmentData is missing.")?;
    if !ordered(data, &["CarrierCode", "CarrierName", "ShippingMethod", "ShipperTrackingNumber"]) {
        return Err("The elements of FulfillmentData are not those of the schema, in its order.");
    }
    let date = node.leaf("FulfillmentDate").and_then(|text| DateTime::parse_from_rfc3339(text).ok());
    let cash = match node.leaf("CODCollectionMethod") {
        None => false,
        Some("DirectPayment") => true,
        Some(_) => return Err("CODCollectionMethod has an unknown value."),
    };
    let own = |name: &str| data.leaf(name).map(str::to_owned);
    let items = node.children.iter().filter(|child| child.name == "Item").map(|item| {
        let quantity = item.leaf("Quantity").and_then(|text| text.parse().ok()).filter(|n| *n > 0);
        let id =
            item.leaf("AmazonOrderItemCode").filter(|_| ordered(item, &["AmazonOrderItemCode", "Quantity"]));
        Some((id?.to_owned(), quantity?, Vec::new()))
    });
    Ok(Shipment {
        reference: None,
        carrier_code: own("CarrierCode").ok_or("CarrierCode is missing.")?,
        carrier_name: own("CarrierName"),
        method: own("ShippingMethod"),
        tracking: own("ShipperTrackingNumber").ok_or("ShipperTrackingNumber is missing.")?,
        ship_date: date.map(Timestamp::from).ok_or("FulfillmentDate is no date-time.")?,
        cash,
        items: items.collect::<Option<_>>().ok_or("Item is malformed.")?,
    })
}

/// The processing report of a feed.
pub(crate) fn report(merchant: &str, feed: &str, verdicts: &[Verdict]) -> String {
    let failed: Vec<&Verdict> = verdicts.iter().filter(|verdict| verdict.error.is_some()).collect();
    let (all, wrong) = (verdicts.len(), failed.len());
    let mut out = format!(
        r#"<?xml version="1.0" encoding="UTF-8"?>
<AmazonEnvelope xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:noNamespaceSchemaLocation="amzn-envelope.xsd">
  <Header>
    <DocumentVersion>1.02</DocumentVersion>
    <MerchantIdentifier>{merchant}</MerchantIdentifier>
  </Header>
  <MessageType>ProcessingReport</MessageType>
  <Message>
    <MessageID>1</MessageID>
    <ProcessingReport>
      <DocumentTransactionID>{feed}</DocumentTransactionID>
      <StatusCode>Complete</StatusCode>
      <ProcessingSummary>
        <MessagesProcessed>{all}</MessagesProcessed>
        <MessagesSuccessful>{fine}</MessagesSuccessful>
        <MessagesWithError>{wrong}</MessagesWithError>
        <MessagesWithWarning>0</MessagesWithWarning>
      </ProcessingSummary>
"#,
        fine = all - wrong,
    );
    for Verdict { id, order, error } in failed {
        let text = xml::escape(error.as_deref().unwrap_or_default());
        let order = xml::escape(order);
        out.push_str(&format!(
            r"      <Result>
        <MessageID>{id}</MessageID>
        <ResultCode>Error</ResultCode>
        <ResultMessageCode>18028</ResultMessageCode>
        <ResultDescription>{text}</ResultDescription>
        <AdditionalInfo>
          <AmazonOrderID>{order}</AmazonOrderID>
        </AdditionalInfo>
      </Result>
"
        ));
    }
    out.push_str("    </ProcessingReport>\n  </Message>\n</AmazonEnvelope>\n");
    out
}
