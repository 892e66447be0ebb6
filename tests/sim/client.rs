//! A client of a few lines: it must show the bytes that come, broken ones too.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use mallsync::clock::{ManualClock, Timestamp};
use mallsync::sim::{Fact, Fault, Options, Rule, Server, TRADER_CODE, World};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

pub const DAY: Duration = Duration::from_hours(24);

pub struct Sim {
    pub world: Arc<World>,
    pub clock: ManualClock,
    pub server: Server,
}

/// What came until the connection ended, and how it ended.
#[derive(Debug)]
pub struct Raw {
    pub bytes: Vec<u8>,
    pub end: Result<(), io::ErrorKind>,
}

#[derive(Debug)]
pub struct Reply {
    pub status: u16,
    pub head: String,
    pub body: Vec<u8>,
}

impl Reply {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    pub fn text(&self) -> String {
        String::from_utf8(self.body.clone()).unwrap()
    }
}

pub fn start_time() -> Timestamp {
    Timestamp::parse("2026-04-21T12:00:00+09:00").unwrap()
}

impl Sim {
    pub async fn start() -> Self {
        Self::with(|_| {}).await
    }

    /// 40 orders a day, sixty days of them in the past.
    pub async fn with(change: impl FnOnce(&mut Options)) -> Self {
        let clock = ManualClock::new(start_time());
        let mut options = Options::per_day(7, Arc::new(clock.clone()), 40, DAY * 60);
        options.oddities = false;
        change(&mut options);
        let world = World::new(options);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server = Server::start(listener, Arc::clone(&world)).unwrap();
        Self { world, clock, server }
    }

    pub async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.server.addr()).await.unwrap()
    }

    pub async fn raw(&self, request: &[u8]) -> Raw {
        let mut stream = self.connect().await;
        stream.write_all(request).await.unwrap();
        let mut bytes = Vec::new();
        let end = stream.read_to_end(&mut bytes).await.map(|_| ()).map_err(|e| e.kind());
        Raw { bytes, end }
    }

    pub async fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Reply {
        let raw = self.raw(&request(method, path, headers, body)).await;
        assert_eq!(raw.end, Ok(()), "{method} {path}");
        parse(&raw.bytes)
    }

    pub async fn rakuten(&self, function: &str, body: &Value) -> (u16, Value) {
        let path = format!("/rakuten/es/2.0/order/{function}/");
        let reply = self.send("POST", &path, &rakuten_headers(), &body.to_string()).await;
        (reply.status, reply.json())
    }

    pub async fn webcollect(&self, name: &str, params: &str) -> String {
        let path = format!("/webcollect/api/{name}");
        let body = format!("{params}&trader_code={TRADER_CODE}");
        let reply = self.send("POST", &path, &FORM, &body).await;
        assert_eq!(reply.status, 200);
        reply.text()
    }

    /// `errorCode`, empty on success.
    pub async fn code(&self, name: &str, params: &str) -> String {
        element(&self.webcollect(name, params).await, "errorCode")
    }

    pub async fn control(&self, method: &str, path: &str, body: &Value) -> (u16, Value) {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let reply = self.send(method, &format!("/_sim/{path}"), &[], &body).await;
        (reply.status, reply.json())
    }

    pub fn fault(&self, function: &str, fault: Fault) {
        self.world.set_fault(Rule { function: function.into(), times: 1, fault, ..Rule::default() });
    }

    /// An order of the cart that is captured without anybody's help in the end, of the last fifty days: its
    /// authorisation lives.
    pub fn capturable(&self, nth: usize) -> String {
        let live = |f: &Fact| f.capturable && self.world.now().since(f.ordered_at) < DAY * 50;
        let fact = self.world.truth("own-shop").filter(live).nth(nth);
        fact.unwrap().reception_number.unwrap()
    }
}

pub const FORM: [(&str, &str); 1] = [("Content-Type", "application/x-www-form-urlencoded; charset=UTF-8")];

pub fn authorization(secret: &str, key: &str) -> String {
    let pair = base64::engine::general_purpose::STANDARD.encode(format!("{secret}:{key}"));
    format!("ESA {pair}")
}

pub fn rakuten_headers() -> [(&'static str, &'static str); 2] {
    [
        // base64 of SP345678_sim:SL345678_sim
        ("Authorization", "ESA U1AzNDU2Nzhfc2ltOlNMMzQ1Njc4X3NpbQ=="),
        ("Content-Type", "application/json; charset=utf-8"),
    ]
}

pub fn request(method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Vec<u8> {
    let mut text = format!("{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n");
    for (name, value) in headers {
        text.push_str(&format!("{name}: {value}\r\n"));
    }
    text.push_str(&format!("Content-Length: {}\r\n\r\n{body}", body.len()));
    text.into_bytes()
}

pub fn parse(bytes: &[u8]) -> Reply {
    let at = bytes.windows(4).position(|w| w == b"\r\n\r\n").expect("a whole head");
    let head = String::from_utf8(bytes[..at].to_vec()).unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    let body = bytes[at + 4..].to_vec();
    if let Some(length) = header(&head, "content-length") {
        assert_eq!(length.parse::<usize>().unwrap(), body.len(), "the length must be true: {head}");
    }
    Reply { status, head, body }
}

pub fn header(head: &str, name: &str) -> Option<String> {
    head.lines().find_map(|line| {
        let (n, value) = line.split_once(": ")?;
        n.eq_ignore_ascii_case(name).then(|| value.to_owned())
    })
}

/// The text of the first element of this name; empty when it is empty or missing.
pub fn element(xml: &str, name: &str) -> String {
    let open = format!("<{name}>");
    xml.split_once(&open)
        .and_then(|(_, rest)| rest.split_once(&format!("</{name}>")))
        .map_or(String::new(), |(text, _)| text.to_owned())
}

pub fn fixture(name: &str) -> String {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/sim").join(name);
    std::fs::read_to_string(path).unwrap()
}

pub fn json_fixture(name: &str) -> Value {
    serde_json::from_str(&fixture(name)).unwrap()
}

/// A slip with a valid check digit.
pub fn slip(n: u64) -> String {
    let body = 40_009_000_000 + n;
    format!("{body}{}", body % 7)
}
