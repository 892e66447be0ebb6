//! What the tests of the simulated Yahoo! send, and how they read its XML.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::time::Duration;

use aws_lc_rs::rsa::{Pkcs1PublicEncryptingKey, PublicEncryptingKey};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use mallsync::clock::Timestamp;
use mallsync::sim::{Catalogue, Fact, Options, YAHOO_SHOP, YahooShop};
use quick_xml::Reader;
use quick_xml::events::Event;

use crate::client::{DAY, Reply, Sim, start_time};

pub const SELLER: &str = "sim-store";
pub const TOKEN_PATH: &str = "/yahoo/yconnect/v2/token";
const FORM: &str = "application/x-www-form-urlencoded";

/// An element of an answer.
#[derive(Debug, Default, Clone)]
pub struct Xml {
    pub name: String,
    pub text: String,
    pub children: Vec<Xml>,
}

impl Xml {
    pub fn parse(text: &str) -> Self {
        let mut reader = Reader::from_str(text);
        reader.config_mut().expand_empty_elements = true;
        let mut open = vec![Self::default()];
        loop {
            match reader.read_event().unwrap_or_else(|e| panic!("{e} in {text}")) {
                Event::Start(e) => open.push(Self { name: e.name().as_ref().to_owned(), ..Self::default() }),
                Event::End(_) => {
                    let node = open.pop().unwrap();
                    open.last_mut().unwrap().children.push(node);
                }
                Event::Text(t) => open.last_mut().unwrap().text.push_str(&t.xml10_content()),
                Event::CData(t) => open.last_mut().unwrap().text.push_str(&t.xml10_content()),
                Event::GeneralRef(r) => {
                    let c = match r.xml10_content().as_ref() {
                        "amp" => '&',
                        "lt" => '<',
                        "gt" => '>',
                        other => panic!("&{other};"),
                    };
                    open.last_mut().unwrap().text.push(c);
                }
                Event::Eof => return open.pop().unwrap().children.pop().expect("a root"),
                _ => {}
            }
        }
    }

    pub fn all<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a Self> {
        let name = name.to_owned();
        self.children.iter().filter(move |c| c.name == name)
    }

    pub fn at(&self, path: &str) -> &Self {
        let mut node = self;
        for name in path.split('/') {
            node = node.all(name).next().unwrap_or_else(|| panic!("{path} in {self:?}"));
        }
        node
    }

    pub fn get(&self, path: &str) -> &str {
        self.at(path).text.trim()
    }

    /// Yen; an empty element is none.
    pub fn yen(&self, path: &str) -> i64 {
        let text = self.get(path);
        if text.is_empty() { 0 } else { text.parse().unwrap_or_else(|_| panic!("{path}: {text}")) }
    }

    /// The path of every element.
    pub fn paths(&self) -> BTreeSet<String> {
        let mut paths = BTreeSet::new();
        let mut stack = vec![(self, self.name.clone())];
        while let Some((node, path)) = stack.pop() {
            for child in &node.children {
                stack.push((child, format!("{path}/{}", child.name)));
            }
            paths.insert(path);
        }
        paths
    }
}

pub fn sample(name: &str) -> String {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/yahoo").join(name);
    std::fs::read_to_string(path).unwrap()
}

/// `YYYYMMDDHH24MISS`.
pub fn t14(at: Timestamp) -> String {
    at.jst().format("%Y%m%d%H%M%S").to_string()
}

pub fn with_shop(orders: Catalogue) -> impl FnOnce(&mut Options) {
    move |o| o.yahoo = vec![YahooShop::new(YAHOO_SHOP, SELLER, 1, orders)]
}

/// A shop with a signed-in client. Time moves by a second before each call, so that the pace is kept.
pub struct Yahoo {
    pub sim: Sim,
    token: RefCell<(String, Timestamp)>,
    pub signed: bool,
    /// Sign in again before the token dies.
    pub lasting: bool,
}

impl Yahoo {
    pub async fn start() -> Self {
        Self::with(Catalogue::per_day(start_time(), DAY * 40, 60)).await
    }

    pub async fn with(orders: Catalogue) -> Self {
        let sim = Sim::with(with_shop(orders)).await;
        let token = RefCell::new((String::new(), start_time()));
        let yahoo = Self { sim, token, signed: true, lasting: true };
        yahoo.refresh().await;
        yahoo
    }

    /// A client that lets its token die.
    pub async fn careless() -> Self {
        Self { lasting: false, ..Self::start().await }
    }

    pub fn shop(&self) -> &YahooShop {
        self.sim.world.yahoo_shop(YAHOO_SHOP).unwrap()
    }

    pub async fn form(&self, body: &str) -> Reply {
        let pair = STANDARD.encode(format!("{}:{}", self.shop().client_id(), self.shop().client_secret()));
        let basic = format!("Basic {pair}");
        let headers = [("Content-Type", FORM), ("Authorization", basic.as_str())];
        self.sim.send("POST", TOKEN_PATH, &headers, body).await
    }

    pub async fn refresh(&self) {
        let token = self.shop().refresh_token();
        let reply = self.form(&format!("grant_type=refresh_token&refresh_token={token}")).await;
        assert_eq!(reply.status, 200, "{}", reply.text());
        let token = reply.json()["access_token"].as_str().unwrap().to_owned();
        *self.token.borrow_mut() = (token, self.sim.world.now());
    }

    /// The access token.
    pub fn token(&self) -> String {
        self.token.borrow().0.clone()
    }

    /// Base64 of the encrypted text.
    pub fn encrypt(&self, plain: &str) -> String {
        let (name, pem) = self.shop().key_files().remove(0);
        assert_eq!(name, "yahoo-public.pem");
        let body: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
        let key = PublicEncryptingKey::from_der(&STANDARD.decode(body).unwrap()).unwrap();
        let key = Pkcs1PublicEncryptingKey::new(key).unwrap();
        let mut cipher = vec![0; key.ciphertext_size()];
        STANDARD.encode(key.encrypt(plain.as_bytes(), &mut cipher).unwrap())
    }

    pub fn signature(&self) -> String {
        self.encrypt(&format!("{SELLER}:{}", self.sim.world.now().micros() / 1_000_000))
    }

    /// A call as it stands, without waiting.
    pub async fn raw(&self, method: &str, function: &str, extra: &[(&str, &str)], body: &str) -> Reply {
        let bearer = format!("Bearer {}", self.token.borrow().0);
        let mut headers =
            vec![("Content-Type", "application/xml; charset=utf-8"), ("Authorization", bearer.as_str())];
        headers.extend(extra);
        let path = format!("/yahoo/ShoppingWebService/V1/{function}");
        self.sim.send(method, &path, &headers, body).await
    }

    pub async fn call(&self, function: &str, body: &str) -> Reply {
        self.sim.clock.advance(Duration::from_secs(1));
        let age = self.sim.world.now().since(self.token.borrow().1);
        if self.lasting && age > Duration::from_secs(3_500) {
            self.refresh().await;
        }
        let signature = self.signature();
        let signed = [("X-sws-signature", signature.as_str()), ("X-sws-signature-version", "1")];
        self.raw("POST", function, if self.signed { &signed } else { &[] }, body).await
    }

    pub async fn list(&self, conditions: &str, fields: &str, size: usize, start: usize) -> Xml {
        let reply = self.call("orderList", &search(conditions, fields, size, start)).await;
        assert_eq!(reply.status, 200, "{}", reply.text());
        Xml::parse(&reply.text())
    }

    /// The order numbers that fit.
    pub async fn numbers(&self, conditions: &str) -> Vec<String> {
        let answer = self.list(conditions, "OrderId", 2_000, 1).await;
        let rows = answer.at("Search").all("OrderInfo").map(|row| row.get("OrderId").to_owned());
        rows.collect()
    }

    /// An order without waiting: for many of them at one moment. (The pace is counted, but nobody looks.)
    pub async fn info_now(&self, number: &str, fields: &str) -> Reply {
        self.raw("POST", "orderInfo", &[], &order(number, fields)).await
    }

    pub async fn info(&self, number: &str, fields: &str) -> Reply {
        self.call("orderInfo", &order(number, fields)).await
    }
}

pub fn search(conditions: &str, fields: &str, size: usize, start: usize) -> String {
    format!(
        "<Req><Search><Result>{size}</Result><Start>{start}</Start><Sort>+order_time</Sort>\
         <Condition>{conditions}</Condition><Field>{fields}</Field></Search><SellerId>{SELLER}</SellerId></Req>"
    )
}

pub fn order(number: &str, fields: &str) -> String {
    format!(
        "<Req><Target><OrderId>{number}</OrderId><Field>{fields}</Field></Target><SellerId>{SELLER}</SellerId></Req>"
    )
}

/// All orders placed from `from` to `to`.
pub fn span(from: Timestamp, to: Timestamp) -> String {
    format!("<OrderTimeFrom>{}</OrderTimeFrom><OrderTimeTo>{}</OrderTimeTo>", t14(from), t14(to))
}

/// The fields of the sample request and those that its answers carry beyond.
pub fn all_fields() -> String {
    let mut names = BTreeSet::new();
    let wrappers =
        ["ResultSet", "Result", "Status", "OrderInfo", "Pay", "Ship", "Detail", "Item", "Seller", "Buyer"];
    for file in std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/yahoo")).unwrap() {
        let name = file.unwrap().file_name().into_string().unwrap();
        if !name.starts_with("order_info_") || name.contains("request") {
            continue;
        }
        for path in Xml::parse(&sample(&name)).paths() {
            let parts: Vec<&str> = path.split('/').collect();
            let nested = parts.iter().rev().skip(1).any(|p| matches!(*p, "ItemOption" | "Inscription"));
            if !nested && !wrappers.contains(parts.last().unwrap()) {
                names.insert((*parts.last().unwrap()).to_owned());
            }
        }
    }
    names.into_iter().collect::<Vec<_>>().join(",")
}

pub fn facts(yahoo: &Yahoo) -> Vec<Fact> {
    yahoo.sim.world.truth(YAHOO_SHOP).collect()
}

pub async fn shown(yahoo: &Yahoo, number: &str, fields: &str) -> Xml {
    let reply = yahoo.info(number, fields).await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    Xml::parse(&reply.text()).at("Result/OrderInfo").clone()
}

/// The identity of §6.7 in the two readings of `UsePoint`: which of them hold?
pub fn readings(order: &Xml) -> (bool, bool) {
    let goods: i64 = order.all("Item").map(|i| i.yen("UnitPrice") * i.yen("Quantity")).sum();
    let detail = order.at("Detail");
    let bonus = detail.yen("TotalImmediateBonusAmount");
    let before = goods + detail.yen("GiftWrapCharge") + detail.yen("ShipCharge") + detail.yen("PayCharge")
        - detail.yen("Discount")
        - detail.yen("TotalMallCouponDiscount")
        - bonus
        - detail.yen("GiftCardDiscount")
        + detail.yen("Adjustments");
    let (points, total) = (detail.yen("UsePoint"), detail.yen("TotalPrice"));
    let held = points - bonus - detail.yen("GiftCardDiscount");
    (before - points == total, before - held == total)
}
