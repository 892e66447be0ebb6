//! `shops authorize`: a person's consent, against a scripted token endpoint.

use std::io::Write;
use std::process::{Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;
use tokio::runtime::Runtime;
use wiremock::matchers::{body_string_contains, header, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::binary::{code, home, mallsync, run, stderr, stdout};

const REDIRECT: &str = "https://shop.example.jp/callback";

struct Bench {
    runtime: Runtime,
    server: MockServer,
    dir: TempDir,
}

impl Bench {
    fn new(redirect: &str) -> Self {
        let runtime = Runtime::new().unwrap();
        let server = runtime.block_on(MockServer::start());
        let uri = server.uri();
        let dir = home(&format!(
            "[database]\nurl = \"sqlite:shop.db\"\n\n[shops.yahoo-main]\nmall = \"yahoo\"\nenabled = false\nseller_id = \"my-store\"\n\
             client_id = \"client\"\nclient_secret = \"plain:canary-secret\"\n{redirect}base_url = \"{uri}/V1/\"\n\
             auth_url = \"{uri}/yconnect/v2/token\"\n\n[shops.cart]\nmall = \"csv\"\nenabled = false\ndirectory = \"orders\"\nprofile = \"generic\"\n"
        ));
        Self { runtime, server, dir }
    }

    fn registered() -> Self {
        Self::new(&format!("redirect_uri = \"{REDIRECT}\"\n"))
    }

    fn answers(&self, code: &str, status: u16, body: &str) {
        let answer = ResponseTemplate::new(status).set_body_raw(body.to_owned(), "application/json");
        let mock = Mock::given(path("/yconnect/v2/token"))
            .and(header("authorization", "Basic Y2xpZW50OmNhbmFyeS1zZWNyZXQ="))
            .and(body_string_contains(format!("code={code}&")))
            .respond_with(answer);
        self.runtime.block_on(mock.mount(&self.server));
    }

    fn asked(&self) -> usize {
        self.runtime.block_on(self.server.received_requests()).unwrap().len()
    }

    /// Begins; gives the page's address.
    fn begin(&self) -> url::Url {
        let begun = run(self.dir.path(), &["shops", "authorize", "yahoo-main"]);
        assert_eq!(code(&begun), 1, "nobody is there to paste an address");
        assert!(stderr(&begun).contains("--redirected URL"), "{}", stderr(&begun));
        url::Url::parse(stdout(&begun).trim()).unwrap()
    }

    fn finish(&self, redirected: &str) -> Output {
        let output = run(self.dir.path(), &["shops", "authorize", "yahoo-main", "--redirected", redirected]);
        assert!(!stderr(&output).contains("canary"), "{}", stderr(&output));
        output
    }

    fn expiries(&self) -> Value {
        let status = run(self.dir.path(), &["status", "--format", "json"]);
        let report: Value = serde_json::from_str(stdout(&status)).unwrap();
        report["expiries"].clone()
    }
}

fn state(page: &url::Url) -> String {
    page.query_pairs().find(|(name, _)| name == "state").unwrap().1.into_owned()
}

const GIVEN: &str = r#"{"access_token":"canary-access","refresh_token":"canary-refresh","expires_in":3600,"token_type":"Bearer"}"#;

#[test]
fn a_consent_is_taken_from_a_pipe_and_from_the_command_line() {
    let bench = Bench::registered();
    bench.answers("good", 200, GIVEN);
    let page = bench.begin();
    assert!(
        page.as_str().starts_with(&format!("{}/yconnect/v2/authorization?", bench.server.uri())),
        "{page}"
    );
    let redirected = format!("{REDIRECT}?code=good&state={}", state(&page));
    let done = bench.finish(&redirected);
    assert_eq!(code(&done), 0, "{}", stderr(&done));
    assert!(done.stdout.is_empty());
    assert!(stderr(&done).contains("Shop yahoo-main is authorized until 2"), "{}", stderr(&done));
    assert_eq!(bench.expiries()[0]["what"], "refresh_token");
    // A state is good once.
    let again = bench.finish(&redirected);
    assert_eq!((code(&again), bench.asked()), (1, 1));
    assert!(stderr(&again).contains("begun"), "{}", stderr(&again));
    // In one go: the address comes by the pipe once the page is known.
    let mut child = mallsync(bench.dir.path(), &["shops", "authorize", "yahoo-main"])
        .env("LC_ALL", "ja_JP.UTF-8")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut page = String::new();
    std::io::BufRead::read_line(&mut std::io::BufReader::new(child.stdout.take().unwrap()), &mut page)
        .unwrap();
    let page = url::Url::parse(page.trim()).unwrap();
    writeln!(child.stdin.take().unwrap(), "  {REDIRECT}?state={}&code=good ", state(&page)).unwrap();
    let done = child.wait_with_output().unwrap();
    assert_eq!(code(&done), 0, "{}", stderr(&done));
    assert!(stderr(&done).contains("同意を登録しました"), "{}", stderr(&done));
    assert_eq!(bench.asked(), 2);
}

#[test]
fn what_is_no_consent_is_said_in_words_and_asks_nobody() {
    let bench = Bench::registered();
    let not_begun = bench.finish(&format!("{REDIRECT}?code=good&state=x"));
    assert_eq!(code(&not_begun), 1);
    assert!(stderr(&not_begun).contains("without --redirected first"), "{}", stderr(&not_begun));
    let good = state(&bench.begin());
    for (redirected, words) in [
        (format!("{REDIRECT}?code=good&state=other"), "another authorization"),
        (format!("{REDIRECT}?code=good"), "another authorization"),
        (format!("{REDIRECT}?error=access_denied&state={good}"), "the consent was declined (access_denied)"),
        (format!("{REDIRECT}?state={good}"), "the consent was declined"),
        (
            format!("https://evil.example/callback?code=good&state={good}"),
            "it begins with https://shop.example.jp/callback",
        ),
        ("canary".to_owned(), "it begins with https://shop.example.jp/callback"),
    ] {
        let output = bench.finish(&redirected);
        assert_eq!(code(&output), 1, "{redirected}");
        assert!(stderr(&output).contains(words), "{redirected}: {}", stderr(&output));
    }
    // Begun anew, the first address is another authorization's.
    let newer = state(&bench.begin());
    assert_ne!(good, newer);
    assert!(
        stderr(&bench.finish(&format!("{REDIRECT}?code=good&state={good}")))
            .contains("another authorization")
    );
    assert_eq!(bench.asked(), 0);
}

#[test]
fn a_refused_code_is_explained() {
    let bench = Bench::registered();
    bench.answers("old", 400, r#"{"error":"invalid_grant","error_description":"expired"}"#);
    bench.answers("down", 503, "busy");
    bench.answers("stranger", 401, r#"{"error":"invalid_client"}"#);
    let state = state(&bench.begin());
    for (given, words) in
        [("old", "older than ten minutes"), ("stranger", "client_secret refused"), ("down", "HTTP 503")]
    {
        let output = bench.finish(&format!("{REDIRECT}?code={given}&state={state}"));
        assert_eq!(code(&output), 1);
        assert!(stderr(&output).contains(words), "{given}: {}", stderr(&output));
    }
    assert_eq!(bench.expiries(), serde_json::json!([]));
}

#[test]
fn shops_that_cannot_be_authorized_say_so() {
    let bench = Bench::new("");
    let authorize = |name: &str| run(bench.dir.path(), &["shops", "authorize", name]);
    for (name, words) in [
        ("cart", "the mall csv needs no consent"),
        ("nowhere", "known: cart, yahoo-main"),
        ("yahoo-main", "redirect_uri is missing"),
    ] {
        let output = authorize(name);
        assert_eq!(code(&output), 1, "{name}");
        assert!(output.stdout.is_empty());
        assert!(stderr(&output).contains(words), "{name}: {}", stderr(&output));
    }
    let japanese = mallsync(bench.dir.path(), &["shops", "authorize", "cart"])
        .env("LC_ALL", "ja_JP.UTF-8")
        .output()
        .unwrap();
    assert!(stderr(&japanese).contains("同意の手続きは必要ありません"), "{}", stderr(&japanese));
    assert_eq!(code(&run(bench.dir.path(), &["shops", "authorize"])), 2);
}
