//! I9 against services that talk: they repeat what they were sent, with people in pages, errors and broken documents.

use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use base64::Engine as _;
use mallsync::sim;

use crate::rig::{House, Outside, noon};

pub const PHONE: &str = "03-7654-3210";
pub const MAIL: &str = "canary-buyer@example.jp";
pub const NAME: &str = "金糸雀丘 囀子";
pub const STREET: &str = "囀町9-8-7";
pub const NOTE: &str = "canary-gift-message";
const ACCESS: &str = "Canary1AccessToken2Canary3Access4Token5";
const REFRESH: &str = "Canary6RefreshToken7Canary8Refresh9Token0";

/// Answers every request with one thing or another that should not be said on.
struct Talker {
    addr: SocketAddr,
    calls: Arc<AtomicUsize>,
}

impl Talker {
    fn start() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let addr = listener.local_addr().unwrap();
        let calls = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&calls);
        // Ends with the process of the tests.
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let n = counter.fetch_add(1, Ordering::Relaxed);
                std::thread::spawn(move || answer(stream, n));
            }
        });
        Self { addr, calls }
    }
}

/// Reads one request whole.
pub fn request(stream: &mut TcpStream) -> Option<String> {
    let mut bytes = Vec::new();
    let mut part = [0; 4_096];
    loop {
        let n = stream.read(&mut part).ok().filter(|n| *n > 0)?;
        bytes.extend_from_slice(&part[..n]);
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let length = head
            .lines()
            .find_map(|line| {
                line.to_lowercase().strip_prefix("content-length:").map(str::trim).map(str::to_owned)
            })
            .map_or(0, |n| n.parse().unwrap());
        if body.len() >= length {
            return Some(text);
        }
    }
}

fn answer(mut stream: TcpStream, n: usize) {
    let Some(request) = request(&mut stream) else { return };
    let path = request.split(' ').nth(1).unwrap_or_default().to_owned();
    let flat = request.replace(['\r', '\n'], " ").replace(['"', '\\', '<', '&'], " ");
    let people = format!("{NAME} 様 {STREET} TEL {PHONE} {MAIL} {NOTE}");
    let order = format!(
        r#"{{"name":"{NAME}","address":"{STREET}","phone":"{PHONE}","email":"{MAIL}","gift":"{NOTE}"}}"#
    );
    let token = path.contains("token");
    let (status, kind, body) = match n % 9 {
        _ if token && !n.is_multiple_of(4) => (
            200,
            "application/json",
            format!(
                r#"{{"access_token":"{ACCESS}","refresh_token":"{REFRESH}","expires_in":3600,"token_type":"bearer"}}"#
            ),
        ),
        0 => (400, "text/plain", request.clone()),
        1 => (
            400,
            "application/json",
            format!(
                r#"{{"MessageModelList":[{{"messageType":"ERROR","messageCode":"E_1","message":"{people} {flat}"}}],
                "errors":[{{"code":"InvalidInput","message":"{people} {flat}","details":"{flat}"}}],
                "error":"invalid_grant","error_description":"{people} {flat}"}}"#
            ),
        ),
        2 => (500, "text/html", format!("<html><title>{people} {flat}</title><body>{order}</body></html>")),
        3 => (
            400,
            "text/xml",
            format!(
                "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Error><Code>px-04102</Code><Message>{people} {flat}</Message></Error>"
            ),
        ),
        4 => (
            200,
            "application/json",
            format!(r#"{{"orders":{order},"orderNumberList":{order},"MessageModelList":{order}}}"#),
        ),
        5 => (
            200,
            "text/xml",
            format!(
                "<?xml version=\"1.0\"?><response><result><status>{NAME}</status></result><orderInfo>{order}</orderInfo></response>"
            ),
        ),
        6 => (
            401,
            "application/json",
            format!(r#"{{"error":{{"message":"{people} {flat}"}},"order":{order}}}"#),
        ),
        7 => (302, "text/plain", order.clone()),
        _ => (200, "application/json", format!(r#"{{"orders":[{order},"#)),
    };
    let ascii: String = flat.chars().filter(|c| c.is_ascii_graphic() || *c == ' ').take(2_000).collect();
    let _ = write!(
        stream,
        "HTTP/1.1 {status} X\r\nContent-Type: {kind}\r\nContent-Length: {}\r\nLocation: /gone?tel={PHONE}&mail={MAIL}\r\n\
         WWW-Authenticate: Bearer error=\"invalid_token\", error_description=\"{MAIL}\"\r\nX-Echo: {ascii}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    );
}

/// What must not be said: as it is, as a URL has it in UTF-8 and in Shift_JIS, in Base64, and as JSON may escape it.
pub fn forms(words: &BTreeSet<String>) -> BTreeSet<String> {
    let percent = |bytes: &[u8]| -> String { bytes.iter().map(|b| format!("%{b:02X}")).collect() };
    let mut all = BTreeSet::new();
    for word in words {
        let (sjis, _, _) = encoding_rs::SHIFT_JIS.encode(word);
        all.extend([word.clone(), word.replace(' ', ""), word.replace('-', "")]);
        all.extend([percent(word.as_bytes()), percent(&sjis)]);
        all.extend([String::from_utf8_lossy(&sjis).into_owned()]);
        all.extend([base64::engine::general_purpose::STANDARD.encode(word).trim_end_matches('=').to_owned()]);
        if !word.is_ascii() {
            all.insert(word.encode_utf16().map(|unit| format!("\\u{unit:04x}")).collect());
        }
    }
    all
}

#[test]
fn what_services_repeat_is_never_said_in_json() {
    repeats("json");
}

#[test]
fn what_services_repeat_is_never_said_in_text() {
    repeats("text");
}

fn repeats(format: &str) {
    let outside = Outside::four(12, 5, Outside::clock(noon(), 600));
    let mut house = House::new(&outside);
    house.change(
        "format = \"json\"\nfilter = \"info\"",
        &format!("format = \"{format}\"\nfilter = \"trace\""),
    );
    // Keys as long as real ones are; what is at the other end does not ask for the right ones.
    let plain: Vec<String> =
        house.text.split("\"plain:").skip(1).map(|rest| rest.split('"').next().unwrap().to_owned()).collect();
    let mut words: BTreeSet<String> =
        [PHONE, MAIL, NAME, STREET, NOTE, ACCESS, REFRESH].map(str::to_owned).into();
    for (n, value) in plain.iter().enumerate() {
        let long = format!("Canary{n}Key{n}aB3dE5fG7hJ9kL1mN{n}");
        house.change(&format!("\"plain:{value}\""), &format!("\"plain:{long}\""));
        words.insert(long);
    }
    assert!(words.len() > 14, "{words:?}");
    let talker = Talker::start();
    house.change(&outside.addr().to_string(), &talker.addr.to_string());
    let daemon = house.launch();
    for shop in [sim::RAKUTEN_SHOP, sim::YAHOO_SHOP, sim::AUPAY_SHOP, sim::AMAZON_SHOP] {
        let mut from = 0;
        for _ in 0..12 {
            from = daemon.log.wait(from, &["Pass failed.", shop]) + 1;
        }
    }
    let mut said = Vec::new();
    for command in [
        &["check"][..],
        &["sync"],
        &["status"],
        &["status", "--format", "table"],
        &["operations", "list"],
        &["config", "show"],
    ] {
        let output = house.run(command);
        said.push(String::from_utf8_lossy(&output.stdout).into_owned());
        said.push(String::from_utf8_lossy(&output.stderr).into_owned());
    }
    daemon.terminate();
    daemon.log.wait(0, &["mallsync stopped."]);
    said.extend(daemon.log.lines());
    said.extend(daemon.out.lines());
    drop(daemon);
    assert!(talker.calls.load(Ordering::Relaxed) > 60);
    let forbidden = forms(&words);
    for text in &said {
        for word in &forbidden {
            assert!(!text.contains(word.as_str()), "{word:?} was said: {text}");
        }
    }
}
