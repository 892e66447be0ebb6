//! I9 in everything that the daemon and the commands write beside a person's own lists: log, panics aside (`tests/panics.rs`),
//! metrics and health checks, attempts, reports, and the files beside those that were dropped. The gateway talks as the
//! malls of `echo` do, and keys are client certificates.

use std::collections::BTreeSet;
use std::fs;
use std::io::{Cursor, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use mallsync::sim::{Encoding, Format};
use rcgen::{CertificateParams, KeyPair};
use serde_json::Value;
use zip::write::SimpleFileOptions;

use crate::echo::{MAIL, NAME, NOTE, PHONE, STREET, forms, request};
use crate::health::{address, get};
use crate::rig::{HISTORY, House, Outside, noon};
use crate::stop::feed;

const PASSPHRASE: &str = "canary-passphrase-of-the-archive";
const ACCESS_KEY: &str = "CanaryAccessKey7Of8Stored9Cards";

/// A gateway whose look-ups mostly tell the truth and whose every other answer repeats what should not be said on.
struct Gateway {
    addr: SocketAddr,
    captures: Arc<AtomicUsize>,
    look_ups: Arc<AtomicUsize>,
}

impl Gateway {
    fn before(truth: SocketAddr) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let addr = listener.local_addr().unwrap();
        let [captures, look_ups] = [0; 2].map(|n| Arc::new(AtomicUsize::new(n)));
        let counters = (Arc::clone(&captures), Arc::clone(&look_ups));
        // Ends with the process of the tests.
        std::thread::spawn(move || {
            for mut stream in listener.incoming().flatten() {
                let (captures, look_ups) = (Arc::clone(&counters.0), Arc::clone(&counters.1));
                std::thread::spawn(move || {
                    // Of a TLS handshake there is no request.
                    let Some(request) = request(&mut stream) else { return };
                    let answer = if request.contains("shipmentEntry") {
                        told(captures.fetch_add(1, Ordering::Relaxed), &request)
                    } else if request.contains("tradeInfo") {
                        let n = look_ups.fetch_add(1, Ordering::Relaxed);
                        if n % 4 == 3 { odd(n, &request) } else { forward(truth, &request) }
                    } else {
                        told(0, &request)
                    };
                    let _ = stream.write_all(&answer);
                });
            }
        });
        Self { addr, captures, look_ups }
    }
}

fn http(status: u16, kind: &str, body: &str) -> Vec<u8> {
    let head = format!(
        "HTTP/1.1 {status} X\r\nContent-Type: {kind}\r\nContent-Length: {}\r\nX-Buyer: {MAIL}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), body.as_bytes()].concat()
}

fn xml(inner: &str) -> Vec<u8> {
    http(200, "text/xml", &format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?><return>{inner}</return>"))
}

/// An answer to a change.
fn told(n: usize, request: &str) -> Vec<u8> {
    let people = format!("{NAME} {STREET} TEL {PHONE} {MAIL} {NOTE}");
    match n % 7 {
        0 => xml(&format!(
            "<returnCode>1</returnCode><errorCode>{NAME}</errorCode><creditErrorCode>{MAIL}</creditErrorCode>"
        )),
        1 => xml(&format!(
            "<returnCode>{NAME}</returnCode><errorCode>{PHONE}</errorCode><note>{people}</note>"
        )),
        2 => http(200, "text/html", &format!("<html><title>{people}</title><body>{people}</body></html>")),
        3 => http(500, "text/plain", &format!("{people} {request}")),
        4 => xml(&format!("<returnCode>0</returnCode><errorCode>{PHONE}</errorCode>")),
        5 => xml(&format!(
            "<returnCode>1</returnCode><errorCode>A081000004</errorCode><creditErrorCode>{NAME}</creditErrorCode>"
        )),
        _ => xml(&format!("<returnCode>1</returnCode><errorMessage>{people}</errorMessage>")),
    }
}

/// A look-up's answer for the order that was asked for, with people where codes should stand.
fn odd(n: usize, request: &str) -> Vec<u8> {
    let number = request.split("order_no=").nth(1).unwrap_or_default();
    let number = number.split('&').next().unwrap_or_default();
    match n % 8 {
        3 => xml(&format!(
            "<returnCode>0</returnCode><resultCount>{NAME}</resultCount><resultData><orderNo>{number}</orderNo>\
             <statusInfo>{NAME}</statusInfo><settlePrice>{PHONE}</settlePrice><slipNo>{MAIL}</slipNo></resultData>"
        )),
        _ => told(n / 4, request),
    }
}

/// What the simulator answers.
fn forward(truth: SocketAddr, request: &str) -> Vec<u8> {
    let mut stream = TcpStream::connect(truth).unwrap();
    let request = request.replacen("\r\n", "\r\nConnection: close\r\n", 1);
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    answer
}

/// A file that is no business of others.
fn secret(path: &Path, bytes: &[u8]) -> String {
    fs::write(path, bytes).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
    path.to_str().unwrap().to_owned()
}

fn archive(files: &[(&str, &str)]) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, text) in files {
        zip.start_file(*name, SimpleFileOptions::default()).unwrap();
        zip.write_all(text.as_bytes()).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

/// An archive whose entries are locked: their flags say so, in both headers.
fn locked(mut zip: Vec<u8>) -> Vec<u8> {
    for (mark, flags) in [(b"PK\x03\x04", 6), (b"PK\x01\x02", 8)] {
        let places: Vec<usize> = (0..zip.len() - 4).filter(|at| &zip[*at..at + 4] == mark).collect();
        for at in places {
            zip[at + flags] |= 1;
        }
    }
    zip
}

/// Yahoo! shops with a client certificate in every form, whose other end breaks the handshake off. Gives what of them must
/// not be said.
fn certificates(house: &mut House, other_end: SocketAddr) -> BTreeSet<String> {
    let mut words = BTreeSet::from([PASSPHRASE.to_owned()]);
    let mut pair = || {
        let key = KeyPair::generate().unwrap();
        let certificate =
            CertificateParams::new(vec!["canary".to_owned()]).unwrap().self_signed(&key).unwrap();
        let key = key.serialize_pem();
        words.extend(key.lines().filter(|line| !line.starts_with('-')).map(str::to_owned));
        (certificate.pem(), key)
    };
    let ([(crt, key), (zip_crt, zip_key)], (_, other)) = ([pair(), pair()], pair());
    let (_, mut sealed) = pair();
    sealed = sealed.replace("PRIVATE KEY", "ENCRYPTED PRIVATE KEY");
    let folder = house.path().to_owned();
    let file = |name: &str, bytes: &[u8]| secret(&folder.join(name), bytes);
    let note = ("password.txt", PASSPHRASE);
    let whole = archive(&[("a.crt", &zip_crt), ("a.key", &zip_key), note]);
    let two_keys = archive(&[("a.crt", &zip_crt), ("a.key", &zip_key), ("b.key", &other)]);
    let crt = file("shop.crt", crt.as_bytes());
    let with = |key: String| format!("certificate = \"{crt}\"\nprivate_key = \"{key}\"\n");
    let zipped = |zip: String| format!("certificate_zip = \"{zip}\"\n");
    let shops = [
        ("pem", with(file("shop.key", key.as_bytes()))),
        ("zip", zipped(file("shop.zip", &whole))),
        ("locked", zipped(file("locked.zip", &locked(whole.clone())))),
        ("damaged", zipped(file("damaged.zip", &whole[..whole.len() / 2]))),
        ("two-keys", zipped(file("two.zip", &two_keys))),
        ("sealed", with(file("sealed.key", sealed.as_bytes()))),
        ("wrong", with(file("other.key", other.as_bytes()))),
        ("garbled", with(file("garbled.key", key.replacen('M', "!", 3).as_bytes()))),
    ];
    let (_, rest) = house.text.split_once("[shops.yahoo-main]").unwrap();
    let section = rest.split("\n[").next().unwrap().to_owned();
    for (name, keys) in shops {
        let section: String = section
            .lines()
            .map(|line| match line.split_once("http://") {
                Some((key, rest)) => {
                    let (_, path) = rest.split_once('/').unwrap();
                    format!("{key}https://{other_end}/{path}\n")
                }
                None => format!("{line}\n"),
            })
            .collect();
        house.text.push_str(&format!("\n[shops.yahoo-{name}]{section}{keys}"));
    }
    // Writes it.
    house.change("[log]", "[log]");
    words
}

/// Order files that cannot be read, with people wherever the reason might be taken from.
fn broken_files(house: &House, outside: &Outside) {
    let since = noon() - HISTORY - Duration::from_secs(1);
    let whole = outside.world.cart_file(Format::EcCube4, Encoding::Utf8Bom, since, noon()).unwrap().unwrap();
    let text = String::from_utf8(whole).unwrap();
    let (header, rest) = text.split_once("\r\n").unwrap();
    let row = rest.split("\r\n").next().unwrap();
    let columns = header.split(',').count();
    // Each cell of an order, in turn, is a person's name or number.
    let mut spoilt = format!("{header}\r\n");
    // What stands as a number, a status or a kind of payment is told as such.
    let named =
        |name: &str| ["注文番号", "注文ID", "対応状況", "支払方法"].iter().any(|word| name.contains(word));
    for column in header.split(',').enumerate().filter(|(_, name)| !named(name)).map(|(n, _)| n) {
        let word = [NAME, PHONE, MAIL][column % 3];
        let cells = row.split(',').enumerate();
        let cells: Vec<&str> = cells.map(|(n, cell)| if n == column { word } else { cell }).collect();
        // Orders of their own, so that rows do not contradict one another.
        spoilt.push_str(&cells.join(",").replacen("100", &format!("9{column:02}"), 1));
        spoilt.push_str("\r\n");
    }
    let people = vec![NAME; columns].join(",");
    for (n, (name, text)) in [
        ("9-spoilt.csv", spoilt),
        ("9-no-header.csv", rest.to_owned()),
        ("9-people.csv", format!("{people}\r\n{people}\r\n")),
        ("9-short.csv", format!("{header}\r\n{NAME},{MAIL}\r\n\"{NAME}\r\n")),
        ("9-one-column.csv", format!("注文番号\r\n{NAME}\r\n")),
    ]
    .into_iter()
    .enumerate()
    {
        house.drop_orders(name, text.as_bytes(), 10 + u64::try_from(n).unwrap());
    }
}

/// Files that the daemon has written below `folder`: not the database, which holds orders, nor what people put there.
fn written(folder: &Path, put: &BTreeSet<PathBuf>) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(written(&path, put));
        } else if !put.contains(&path) {
            found.push(path);
        }
    }
    found
}

/// What orders say of people, long enough not to be found by chance.
fn people(value: &Value, words: &mut BTreeSet<String>) {
    match value {
        Value::Array(all) => all.iter().for_each(|one| people(one, words)),
        Value::Object(members) => {
            for party in ["buyer", "recipient"].iter().filter_map(|party| members.get(*party)) {
                let said = ["name", "name_kana", "address", "phone", "email"].map(|key| party[key].as_str());
                words.extend(said.into_iter().flatten().map(str::to_owned));
            }
            members.values().for_each(|value| people(value, words));
        }
        _ => {}
    }
}

#[test]
fn nothing_that_is_written_anywhere_holds_a_secret_or_a_person() {
    let outside = Outside::four(12, 20, Outside::clock(noon(), 600));
    let mut house = House::new(&outside);
    house.change("filter = \"info\"", "filter = \"trace\"");
    feed(&house, &outside);
    broken_files(&house, &outside);
    let gateway = Gateway::before(outside.addr());
    let truth = format!("http://{}/webcollect", outside.addr());
    house.change(&truth, &format!("http://{}/webcollect", gateway.addr));
    house.change("capture = \"slip\"", &format!("capture = \"slip\"\naccess_key = \"plain:{ACCESS_KEY}\""));
    let mut words = certificates(&mut house, gateway.addr);
    words.extend([PHONE, MAIL, NAME, STREET, NOTE, ACCESS_KEY].map(str::to_owned));
    let plain = house.text.split("\"plain:").skip(1).map(|rest| rest.split('"').next().unwrap().to_owned());
    // A word such as an id of eight letters would be found by chance.
    words.extend(plain.filter(|value| value.len() >= 12));
    let put: BTreeSet<PathBuf> = written(house.path(), &BTreeSet::new()).into_iter().collect();

    let daemon = house.daemon();
    let at = address(&daemon.log);
    for shop in ["yahoo-locked", "yahoo-damaged", "yahoo-two-keys", "yahoo-sealed", "yahoo-wrong"] {
        daemon.log.wait(0, &["Section could not be used.", shop]);
    }
    for shop in ["yahoo-pem", "yahoo-zip"] {
        daemon.log.wait(0, &["Pass failed.", shop]);
    }
    for file in ["9-no-header.csv", "9-people.csv", "9-short.csv", "9-one-column.csv"] {
        daemon.log.wait(0, &["Order set aside.", file]);
    }
    let talked = daemon.log.find(0, |_| {
        gateway.captures.load(Ordering::Relaxed) >= 7 && gateway.look_ups.load(Ordering::Relaxed) >= 12
    });
    assert!(talked.is_some(), "{}", daemon.log.lines().join("\n"));

    let mut said = Vec::new();
    let mut hear = |args: &[&str]| -> Vec<u8> {
        let output = house.run(args);
        for bytes in [&output.stdout, &output.stderr] {
            said.push((args.join(" "), String::from_utf8_lossy(bytes).into_owned()));
        }
        output.stdout
    };
    let operations: Value = serde_json::from_slice(&hear(&["operations", "list"])).unwrap();
    for operation in operations.as_array().unwrap() {
        let id = operation["id"].as_str().unwrap();
        hear(&["operations", "show", id, "--format", "json"]);
        hear(&["operations", "show", id, "--format", "table"]);
    }
    for args in [
        &["check"][..],
        &["status", "--format", "json"],
        &["status", "--format", "table"],
        &["settlements", "list"],
        &["config", "show"],
    ] {
        hear(args);
    }
    for path in ["/metrics", "/healthz", "/readyz", "/", &format!("/{MAIL}")] {
        let (_, head, body) = get(at, path);
        said.push((path.replace(MAIL, "MAIL"), format!("{head}\n{body}")));
    }
    people(&house.json(&["orders", "list"]), &mut words);
    daemon.terminate();
    daemon.log.wait(0, &["mallsync stopped."]);
    said.extend([&daemon.log, &daemon.out].map(|log| ("run".to_owned(), log.lines().join("\n"))));
    drop(daemon);
    let database = |path: &Path| path.file_name().unwrap().to_str().unwrap().starts_with("mallsync.db");
    let moved = |path: &Path| {
        let name = path.file_name().unwrap();
        put.iter().any(|put| put.file_name() == Some(name))
    };
    let mut results = 0;
    for path in written(house.path(), &put).into_iter().filter(|path| !database(path)) {
        let name = path.display().to_string();
        results += usize::from(name.ends_with(".result.txt"));
        let text = if moved(&path) { String::new() } else { fs::read_to_string(&path).unwrap() };
        said.push((name.clone(), format!("{name}\n{text}")));
    }
    assert!(results >= 3, "files beside those that were refused: {results}");
    let attempts = said.iter().filter(|(what, _)| what.starts_with("operations show")).count();
    assert!(attempts >= 8, "operations: {operations}");
    assert!(words.len() > 60, "{words:?}");
    let forbidden = forms(&words);
    for (what, text) in &said {
        for line in text.lines() {
            for word in &forbidden {
                assert!(!line.contains(word.as_str()), "{what} said {word:?}: {line}");
            }
        }
    }
}
