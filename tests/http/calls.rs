//! Calls: what is sent, what is read, and how far a failed request got.

use std::io::Write;
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use mallsync::clock::{Ambient, ManualClock, Timestamp};
use mallsync::http::{Body, Client, ClientSpec, Method, Request, Response, SendError, Target};
use mallsync::secret::Secret;
use tracing_subscriber::layer::SubscriberExt as _;

use super::server::{Act, Authority, Server, closed_port, ok};

const SOON: Duration = Duration::from_millis(200);
const LONG: Duration = Duration::from_secs(60);

fn now() -> Timestamp {
    Timestamp::parse("2026-11-21T10:00:00+09:00").unwrap()
}

fn plain(port: u16) -> ClientSpec {
    ClientSpec { base_url: format!("http://127.0.0.1:{port}/base"), ..ClientSpec::default() }
}

fn request(changes: bool, deadline: Duration) -> Request {
    Request {
        method: Method::Post,
        target: Target::Api,
        path: "/call".to_owned(),
        query: vec![("key", "canary-query".to_owned())],
        headers: vec![("authorization", Secret::new("canary-header"))],
        body: Body::Form(vec![("name", "canary body/山".to_owned())]),
        changes,
        deadline,
        buckets: Vec::new(),
    }
}

async fn send(spec: &ClientSpec, request: Request) -> Result<Response, SendError> {
    send_with(&Client::new(spec).unwrap(), request).await
}

async fn send_with(client: &Client, request: Request) -> Result<Response, SendError> {
    let ambient = Ambient::seeded(Arc::new(ManualClock::new(now())), 1);
    let answer = client.send("shop", request, &ambient).await;
    if let Err(e) = &answer {
        assert!(!e.to_string().contains("canary"), "{e}");
    }
    answer
}

fn no_answer(answer: &Result<Response, SendError>, part: &str) {
    match answer {
        Err(SendError::NoAnswer(text)) if text.contains(part) => {}
        other => panic!("{other:?}"),
    }
}

fn not_sent(answer: &Result<Response, SendError>) {
    assert!(matches!(answer, Err(SendError::NotSent(_))), "{answer:?}");
}

#[tokio::test]
async fn a_whole_answer_is_read() {
    let server = Server::plain(Act::Reply(ok("はい"))).await;
    for changes in [false, true] {
        let answer = send(&plain(server.port), request(changes, LONG)).await.unwrap();
        assert_eq!((answer.status, answer.body.as_ref()), (200, "はい".as_bytes()));
        assert_eq!(answer.header("content-type"), Some("text/plain"));
        assert_eq!(answer.sent_at, now());
        assert_eq!(answer.server_time, Some(now()));
    }
    let sent = server.requests().remove(0).to_lowercase();
    assert!(sent.starts_with("post /base/call?key=canary-query http/1.1\r\n"), "{sent}");
    assert!(sent.contains("user-agent: mallsync/"), "{sent}");
    assert!(sent.contains("authorization: canary-header"), "{sent}");
    assert!(sent.contains("content-type: application/x-www-form-urlencoded; charset=utf-8"), "{sent}");
    assert!(sent.ends_with("name=canary+body%2f%e5%b1%b1"), "{sent}");
}

#[tokio::test]
async fn a_refused_connection_sent_nothing() {
    let port = closed_port().await;
    not_sent(&send(&plain(port), request(true, LONG)).await);
}

#[tokio::test]
async fn a_host_without_an_address_was_sent_nothing() {
    let spec = ClientSpec { base_url: "https://nobody.invalid".to_owned(), ..ClientSpec::default() };
    not_sent(&send(&spec, request(true, LONG)).await);
}

#[tokio::test]
async fn a_header_that_cannot_be_sent_sends_nothing() {
    let server = Server::plain(Act::Reply(ok("yes"))).await;
    let mut bad = request(true, LONG);
    bad.headers = vec![("authorization", Secret::new("canary\nheader"))];
    not_sent(&send(&plain(server.port), bad).await);
    assert_eq!(server.accepts(), 0);
}

#[tokio::test]
async fn only_known_roots_are_trusted() {
    let authority = Authority::new();
    let server = Server::tls(Act::Reply(ok("yes")), authority.server(None)).await;
    let url = format!("https://127.0.0.1:{}", server.port);
    let strange = ClientSpec { base_url: url.clone(), ..ClientSpec::default() };
    not_sent(&send(&strange, request(true, LONG)).await);
    let other = Authority::new().root_pem.into_bytes();
    let other = ClientSpec { base_url: url.clone(), extra_roots: Some(other), ..ClientSpec::default() };
    not_sent(&send(&other, request(true, LONG)).await);
    assert!(server.requests().is_empty());
    let known = ClientSpec {
        base_url: url,
        extra_roots: Some(authority.root_pem.clone().into_bytes()),
        ..ClientSpec::default()
    };
    assert_eq!(send(&known, request(true, LONG)).await.unwrap().status, 200);
    let broken = ClientSpec { extra_roots: Some(b"not PEM".to_vec()), ..known };
    assert!(Client::new(&broken).unwrap_err().starts_with("ca_file"));
}

#[tokio::test]
async fn a_reset_is_no_answer_and_nothing_is_resent() {
    for changes in [true, false] {
        let server = Server::plain(Act::ReplyAndReset(Vec::new())).await;
        no_answer(&send(&plain(server.port), request(changes, LONG)).await, "");
        assert_eq!(server.requests().len(), 1, "changes: {changes}");
    }
    let server = Server::plain(Act::ReplyAndReset(b"HTTP/1.1 200 OK\r\nContent-Le".to_vec())).await;
    no_answer(&send(&plain(server.port), request(true, LONG)).await, "");
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn a_close_before_the_answer_is_no_answer_and_nothing_is_resent() {
    let server = Server::plain(Act::ReplyAndClose(Vec::new())).await;
    no_answer(&send(&plain(server.port), request(true, LONG)).await, "");
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn half_a_body_is_no_answer() {
    let whole = ok("0123456789");
    let half = whole[..whole.len() - 5].to_vec();
    let chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n01234\r\n5\r\n56".to_vec();
    for bytes in [half, chunked] {
        let server = Server::plain(Act::ReplyAndClose(bytes.clone())).await;
        no_answer(&send(&plain(server.port), request(true, LONG)).await, "HTTP 200, then after");
        let server = Server::plain(Act::ReplyAndReset(bytes)).await;
        no_answer(&send(&plain(server.port), request(true, LONG)).await, "HTTP 200, then after");
    }
}

#[tokio::test]
async fn what_is_not_http_is_no_answer() {
    let server = Server::plain(Act::ReplyAndClose(b"<html>\r\n\r\n".to_vec())).await;
    no_answer(&send(&plain(server.port), request(true, LONG)).await, "");
}

#[tokio::test]
async fn a_stall_ends_with_the_deadline() {
    let whole = ok("0123456789");
    for bytes in [Vec::new(), whole[..20].to_vec(), whole[..whole.len() - 5].to_vec()] {
        let server = Server::plain(Act::ReplyAndStall(bytes)).await;
        no_answer(&send(&plain(server.port), request(true, SOON)).await, "within 200 ms");
        assert_eq!(server.requests().len(), 1);
    }
}

#[tokio::test]
async fn too_large_a_body_is_no_answer() {
    let announced = ok(&"x".repeat(1_001));
    let chunk = format!("3e8\r\n{}\r\n", "x".repeat(1_000));
    let streamed = format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{chunk}{chunk}0\r\n\r\n");
    for bytes in [announced, streamed.into_bytes()] {
        let server = Server::plain(Act::Reply(bytes)).await;
        let client = Client::new(&plain(server.port)).unwrap().with_body_cap(1_000);
        no_answer(&send_with(&client, request(false, LONG)).await, "more than 1000 bytes");
    }
    let server = Server::plain(Act::Reply(ok(&"x".repeat(1_000)))).await;
    let client = Client::new(&plain(server.port)).unwrap().with_body_cap(1_000);
    assert_eq!(send_with(&client, request(false, LONG)).await.unwrap().body.len(), 1_000);
}

#[tokio::test]
async fn redirects_are_answers_not_orders() {
    let elsewhere = Server::plain(Act::Reply(ok("elsewhere"))).await;
    let to = format!(
        "HTTP/1.1 307 Moved\r\nLocation: http://127.0.0.1:{}/\r\nContent-Length: 0\r\n\r\n",
        elsewhere.port
    );
    let server = Server::plain(Act::Reply(to.into_bytes())).await;
    for changes in [true, false] {
        assert_eq!(send(&plain(server.port), request(changes, LONG)).await.unwrap().status, 307);
    }
    assert_eq!((server.requests().len(), elsewhere.accepts()), (2, 0));
}

#[tokio::test]
async fn cookies_are_not_kept() {
    let reply = b"HTTP/1.1 200 OK\r\nSet-Cookie: WMONID=1\r\nContent-Length: 0\r\n\r\n".to_vec();
    let server = Server::plain(Act::Reply(reply)).await;
    let client = Client::new(&plain(server.port)).unwrap();
    for _ in 0..2 {
        send_with(&client, request(false, LONG)).await.unwrap();
    }
    assert!(server.requests().iter().all(|r| !r.to_lowercase().contains("\ncookie:")));
}

#[tokio::test]
async fn changing_calls_never_reuse_a_connection() {
    let server = Server::plain(Act::Reply(ok("yes"))).await;
    let client = Client::new(&plain(server.port)).unwrap();
    for _ in 0..3 {
        send_with(&client, request(true, LONG)).await.unwrap();
    }
    assert_eq!((server.requests().len(), server.accepts()), (3, 3));
    for _ in 0..3 {
        send_with(&client, request(false, LONG)).await.unwrap();
    }
    assert_eq!((server.requests().len(), server.accepts()), (6, 4), "reads share one");
}

#[tokio::test]
async fn a_proxy_is_used_when_configured_and_only_then() {
    let target = Server::plain(Act::Reply(ok("target"))).await;
    let proxy = Server::plain(Act::Reply(ok("proxy"))).await;
    let direct = plain(target.port);
    assert_eq!(send(&direct, request(true, LONG)).await.unwrap().body.as_ref(), b"target");
    let through = ClientSpec { proxy: Some(format!("http://127.0.0.1:{}", proxy.port)), ..direct };
    assert_eq!(send(&through, request(true, LONG)).await.unwrap().body.as_ref(), b"proxy");
    assert_eq!((target.accepts(), proxy.accepts()), (1, 1));
    let gone =
        ClientSpec { proxy: Some(format!("http://u:canary@127.0.0.1:{}", closed_port().await)), ..through };
    not_sent(&send(&gone, request(true, LONG)).await);
}

#[test]
fn proxies_of_the_environment_are_ignored() {
    let test = "calls::a_whole_answer_is_read";
    let mut child = Command::new(std::env::current_exe().unwrap());
    child.args(["--exact", test]);
    for name in ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"] {
        child.env(name, "http://127.0.0.1:1");
    }
    let output = child.env_remove("NO_PROXY").env_remove("no_proxy").output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && text.contains("1 passed"), "{text}");
}

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn every_request_leaves_one_line_without_secrets() {
    // The lines are known to tracing before anybody listens: tests beside this one make themselves known at the same time.
    let early = Server::plain(Act::Reply(ok("early"))).await;
    send(&plain(early.port), request(true, LONG)).await.unwrap();
    not_sent(&send(&plain(closed_port().await), request(true, LONG)).await);
    let lines = Lines::default();
    let writer = lines.clone();
    let layer = tracing_subscriber::fmt::layer().with_ansi(false).with_writer(move || writer.clone());
    let filter = tracing_subscriber::EnvFilter::new("mallsync=trace,warn");
    let _guard = tracing::subscriber::set_default(tracing_subscriber::registry().with(filter).with(layer));
    let server = Server::plain(Act::Reply(ok("canary-answer"))).await;
    send(&plain(server.port), request(true, LONG)).await.unwrap();
    not_sent(&send(&plain(closed_port().await), request(true, LONG)).await);
    let text = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
    let logged: Vec<&str> = text.lines().collect();
    assert_eq!(logged.len(), 2, "{text}");
    for part in [
        "DEBUG mallsync::http",
        "account=\"shop\"",
        "method=\"POST\"",
        "path=\"/call\"",
        "status=200",
        "bytes=13",
        "elapsed_ms=",
    ] {
        assert!(logged[0].contains(part), "{part}: {text}");
    }
    assert!(logged[1].contains("could not connect"), "{text}");
    assert!(!text.contains("canary"), "{text}");
}
