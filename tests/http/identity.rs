//! Client identities, from PEM and from a ZIP, over real mutual TLS.

use std::io::{Cursor, Write};
use std::sync::Arc;
use std::time::Duration;

use mallsync::clock::{Ambient, ManualClock, Timestamp};
use mallsync::http::tls::Identity;
use mallsync::http::{Body, Client, ClientSpec, Method, Request, Target};
use zip::write::SimpleFileOptions;

use super::server::{Act, Authority, Server, ok};

fn zip(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in files {
        archive.start_file(*name, SimpleFileOptions::default()).unwrap();
        archive.write_all(content).unwrap();
    }
    archive.finish().unwrap().into_inner()
}

fn request() -> Request {
    Request {
        method: Method::Get,
        target: Target::Api,
        path: "/".to_owned(),
        query: Vec::new(),
        headers: Vec::new(),
        body: Body::Empty,
        changes: true,
        deadline: Duration::from_secs(60),
        buckets: Vec::new(),
    }
}

#[tokio::test]
async fn mutual_tls_with_an_identity_from_pem_and_from_a_zip() {
    let (servers, clients) = (Authority::new(), Authority::new());
    let (certificate, key) = clients.issue("shop");
    let chain = format!("{}{certificate}", clients.root_pem);
    // The chain may stand in any order, and names in the archive say nothing.
    let archive =
        zip(&[("../../etc/a.key", key.as_bytes()), ("read me.txt", b"hello"), ("b", chain.as_bytes())]);
    let (rsa_certificate, rsa_key) = clients.issue_rsa("shop");
    let identities = [
        Identity::from_pem(rsa_certificate.as_bytes(), rsa_key.as_bytes()).unwrap(),
        Identity::from_pem(certificate.as_bytes(), key.as_bytes()).unwrap(),
        Identity::from_pem(chain.as_bytes(), key.as_bytes()).unwrap(),
        Identity::from_zip(&archive).unwrap(),
    ];
    let server = Server::tls(Act::Reply(ok("yes")), servers.server(Some(&clients))).await;
    let spec = ClientSpec {
        base_url: format!("https://127.0.0.1:{}", server.port),
        extra_roots: Some(servers.root_pem.clone().into_bytes()),
        ..ClientSpec::default()
    };
    let ambient = Ambient::seeded(Arc::new(ManualClock::new(Timestamp::from_micros(0))), 1);
    for identity in identities {
        assert_eq!(identity.expires_at(), Timestamp::parse("2031-05-06T00:00:00Z").unwrap());
        let client = Client::new(&ClientSpec { identity: Some(identity), ..spec.clone() }).unwrap();
        assert_eq!(client.send("shop", request(), &ambient).await.unwrap().status, 200);
    }
    let nobody = Client::new(&spec).unwrap();
    assert!(nobody.send("shop", request(), &ambient).await.is_err());
    assert_eq!(server.requests().len(), 4);
}

/// The section of a shop names two files, or the ZIP as it was handed out.
#[tokio::test]
async fn a_shop_presents_the_certificate_that_its_section_names() {
    use std::os::unix::fs::PermissionsExt as _;

    let (servers, clients) = (Authority::new(), Authority::new());
    let (certificate, key) = clients.issue_rsa("SHP-my-store");
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, content: &[u8]| {
        let path = folder.path().join(name);
        std::fs::write(&path, content).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        path.to_string_lossy().into_owned()
    };
    let archive = zip(&[("SHP-my-store.crt", certificate.as_bytes()), ("SHP-my-store.key", key.as_bytes())]);
    let server = Server::tls(Act::Reply(ok("yes")), servers.server(Some(&clients))).await;
    let section = |more: serde_json::Value| {
        let mut section = serde_json::json!({
            "seller_id": "my-store", "client_id": "client", "client_secret": "plain:canary",
            "base_url": format!("https://127.0.0.1:{}/V1/", server.port),
            "ca_file": file("root.pem", servers.root_pem.as_bytes()),
        });
        section.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        section
    };
    let key_file = file("SHP-my-store.key", key.as_bytes());
    let pair = serde_json::json!({
        "certificate": file("SHP-my-store.crt", certificate.as_bytes()), "private_key": key_file
    });
    let in_zip = serde_json::json!({ "certificate_zip": file("SHP-my-store.zip", &archive) });
    let ambient = Ambient::seeded(Arc::new(ManualClock::new(Timestamp::from_micros(0))), 1);
    let build = mallsync::malls::yahoo::MALL.build;
    for (more, presented) in [(pair.clone(), true), (in_zip, true), (serde_json::json!({}), false)] {
        let built = build("shop", &section(more)).unwrap_or_else(|p| panic!("{p:?}"));
        let ends = built.expiries.iter().find(|e| e.what == "certificate").map(|e| e.at);
        assert_eq!(ends, presented.then(|| Timestamp::parse("2031-05-06T00:00:00Z").unwrap()));
        let client = Client::new(&built.client).unwrap();
        assert_eq!(client.send("shop", request(), &ambient).await.is_ok(), presented);
    }
    assert_eq!(server.requests().len(), 2);
    // A key that others can read is refused, as any secret is.
    std::fs::set_permissions(&key_file, std::fs::Permissions::from_mode(0o644)).unwrap();
    let problems = build("shop", &section(pair)).err().unwrap();
    assert_eq!(problems[0].key, "private_key");
}

#[test]
fn what_does_not_belong_together_is_refused() {
    let authority = Authority::new();
    let (certificate, key) = authority.issue("shop");
    let (_, other_key) = authority.issue("shop");
    let from = |certificate: &str, key: &str| {
        Identity::from_pem(certificate.as_bytes(), key.as_bytes()).unwrap_err()
    };
    assert!(from(&certificate, &other_key).contains("does not belong"));
    assert!(from(&key, &key).contains("no PEM certificate"));
    assert!(from(&certificate, &certificate).contains("no PEM private key"));
    let locked = "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n";
    assert!(from(&certificate, locked).contains("passphrase"));
    assert!(from("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", &key).contains("X.509"));
}

#[test]
fn zips_are_read_within_bounds() {
    let (certificate, key) = Authority::new().issue("shop");
    let (certificate, key) = (certificate.as_bytes(), key.as_bytes());
    let refused = |archive: &[u8]| Identity::from_zip(archive).unwrap_err();
    assert!(refused(b"no archive").contains("not a ZIP"));
    assert!(refused(&zip(&[("a", certificate)])).contains("no PEM private key"));
    assert!(refused(&zip(&[("a", key)])).contains("no PEM certificate"));
    assert!(refused(&zip(&[("a", certificate), ("b", key), ("c", key)])).contains("more than one"));
    let bomb = vec![b' '; 10 * 1024 * 1024];
    assert!(refused(&zip(&[("a", certificate), ("b", key), ("c", &bomb)])).contains("more than 65536 bytes"));
    let names: Vec<String> = (0..17).map(|i| i.to_string()).collect();
    let many: Vec<(&str, &[u8])> = names.iter().map(|n| (n.as_str(), b"x".as_slice())).collect();
    assert!(refused(&zip(&many)).contains("more than 16 entries"));
    assert!(refused(&vec![0; 2 * 1024 * 1024]).contains("larger than"));
}

#[test]
fn debug_shows_no_key() {
    let (certificate, key) = Authority::new().issue("shop");
    let identity = Identity::from_pem(certificate.as_bytes(), key.as_bytes()).unwrap();
    let shown = format!(
        "{identity:?} {:?}",
        ClientSpec { identity: Some(identity.clone()), ..ClientSpec::default() }
    );
    let secret = key.lines().nth(1).unwrap();
    assert!(!shown.contains(secret) && !shown.contains("BEGIN"), "{shown}");
}
