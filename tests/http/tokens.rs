//! Bearer tokens: asked for as rarely as can be, kept beyond the process, renewed once.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use mallsync::clock::{Ambient, ManualClock, Timestamp};
use mallsync::domain::account::Bucket;
use mallsync::http::tokens::{ClientAuth, Grant};
use mallsync::http::vault::Fleeting;
use mallsync::http::{Call, Client, ClientSpec, Closed, Fault, Gate, Priority, Vault};
use mallsync::secret::Secret;
use serde_json::{Value, json};
use wiremock::matchers::{body_string_contains, header, header_exists};
use wiremock::{Mock, MockServer, ResponseTemplate};

struct Open;

#[async_trait]
impl Gate for Open {
    async fn admit(&self, _: &Bucket, _: Priority) -> Result<(), Closed> {
        Ok(())
    }
    async fn pause(&self, _: &Bucket, _: Timestamp) {}
    fn pace(&self, _: &Bucket, _: Duration) {}
}

fn now() -> Timestamp {
    Timestamp::parse("2026-11-21T10:00:00+09:00").unwrap()
}

/// What outlives a process: the endpoint, the vault, the clock.
struct Rig {
    server: MockServer,
    vault: Fleeting,
    clock: ManualClock,
}

/// A process over them.
struct Process<'a> {
    rig: &'a Rig,
    client: Client,
    ambient: Ambient,
}

impl Rig {
    async fn new() -> Self {
        Self { server: MockServer::start().await, vault: Fleeting::default(), clock: ManualClock::new(now()) }
    }

    fn process(&self) -> Process<'_> {
        let spec = ClientSpec {
            base_url: self.server.uri(),
            auth_url: Some(format!("{}/token", self.server.uri())),
            ..ClientSpec::default()
        };
        let ambient = Ambient::seeded(Arc::new(self.clock.clone()), 1);
        Process { rig: self, client: Client::new(&spec).unwrap(), ambient }
    }

    async fn answers(&self, times: u64, status: u16, body: &Value) {
        let template = ResponseTemplate::new(status).set_body_json(body);
        Mock::given(wiremock::matchers::path("/token"))
            .respond_with(template)
            .up_to_n_times(times)
            .mount(&self.server)
            .await;
    }

    async fn asked(&self) -> usize {
        self.server.received_requests().await.unwrap().len()
    }
}

impl Process<'_> {
    fn call(&self) -> Call<'_> {
        Call {
            account: "shop",
            client: &self.client,
            gate: &Open,
            priority: Priority::Live,
            vault: &self.rig.vault,
            ambient: &self.ambient,
        }
    }

    async fn token(&self, grant: &Grant) -> String {
        grant.access(&self.call()).await.unwrap().expose().to_owned()
    }
}

fn grant(refresh_token: &str) -> Grant {
    Grant {
        client_id: "client".into(),
        client_secrets: vec![
            ("client_secret", Secret::new("canary-1")),
            ("client_secret_next", Secret::new("canary-2")),
        ],
        refresh_token: Some(Secret::new(refresh_token)),
        authorized_at: None,
        auth: ClientAuth::Basic,
    }
}

fn token(name: &str) -> Value {
    json!({ "access_token": name, "token_type": "Bearer", "expires_in": 3600 })
}

#[tokio::test]
async fn a_restart_does_not_refresh_again() {
    let rig = Rig::new().await;
    rig.answers(9, 200, &token("a")).await;
    let grant = grant("r");
    assert!(!grant.at_hand(&rig.process().call()).await.unwrap());
    for _ in 0..3 {
        assert_eq!(rig.process().token(&grant).await, "a");
    }
    assert!(grant.at_hand(&rig.process().call()).await.unwrap());
    assert_eq!(rig.asked().await, 1);
    // What is kept opens with the client secret alone.
    let sealed = rig.vault.get("shop/token").await.unwrap().unwrap();
    assert!(!String::from_utf8_lossy(&sealed).contains("access"));
    let mut stranger = self::grant("r");
    stranger.client_secrets = vec![("client_secret", Secret::new("another"))];
    assert!(!stranger.at_hand(&rig.process().call()).await.unwrap());
}

#[tokio::test]
async fn many_at_once_refresh_once() {
    let rig = Rig::new().await;
    let slow = ResponseTemplate::new(200).set_body_json(token("a")).set_delay(Duration::from_millis(50));
    Mock::given(header_exists("authorization")).respond_with(slow).mount(&rig.server).await;
    let (process, grant) = (rig.process(), grant("r"));
    let calls = (0..20).map(|_| process.token(&grant));
    let tokens = futures_util::future::join_all(calls).await;
    assert!(tokens.iter().all(|t| t == "a"));
    assert_eq!(rig.asked().await, 1);
}

#[tokio::test]
async fn a_token_is_renewed_a_minute_before_its_end() {
    let rig = Rig::new().await;
    rig.answers(1, 200, &token("a")).await;
    // A number as text, and an answer that does not say: an hour.
    rig.answers(1, 200, &json!({ "access_token": "b", "expires_in": "120" })).await;
    rig.answers(1, 200, &json!({ "access_token": "c" })).await;
    rig.answers(1, 200, &token("d")).await;
    let (process, grant) = (rig.process(), grant("r"));
    assert_eq!(process.token(&grant).await, "a");
    rig.clock.advance(Duration::from_secs(3_539));
    assert_eq!(process.token(&grant).await, "a");
    rig.clock.advance(Duration::from_secs(1));
    assert_eq!(process.token(&grant).await, "b");
    rig.clock.advance(Duration::from_secs(59));
    assert_eq!(process.token(&grant).await, "b");
    rig.clock.advance(Duration::from_secs(1));
    assert_eq!(process.token(&grant).await, "c");
    rig.clock.advance(Duration::from_secs(3_539));
    assert_eq!(process.token(&grant).await, "c");
    rig.clock.advance(Duration::from_secs(1));
    assert_eq!(process.token(&grant).await, "d");
}

#[tokio::test]
async fn a_changed_token_of_the_config_wins_over_the_kept_one() {
    let rig = Rig::new().await;
    for name in ["old", "new"] {
        Mock::given(body_string_contains(format!("refresh_token={name}")))
            .respond_with(ResponseTemplate::new(200).set_body_json(token(name)))
            .mount(&rig.server)
            .await;
    }
    assert_eq!(rig.process().token(&grant("old")).await, "old");
    assert_eq!(rig.process().token(&grant("new")).await, "new");
    assert_eq!(rig.process().token(&grant("new")).await, "new");
    assert_eq!(rig.asked().await, 2);
}

#[tokio::test]
async fn a_consent_given_since_wins_until_the_config_changes() {
    let rig = Rig::new().await;
    let exchanged = json!({ "access_token": "x", "refresh_token": "given", "expires_in": 3600 });
    Mock::given(body_string_contains("authorization_code"))
        .respond_with(ResponseTemplate::new(200).set_body_json(exchanged))
        .mount(&rig.server)
        .await;
    for name in ["config", "given", "changed"] {
        Mock::given(body_string_contains(format!("refresh_token={name}")))
            .respond_with(ResponseTemplate::new(200).set_body_json(token(name)))
            .mount(&rig.server)
            .await;
    }
    let (daemon, grant) = (rig.process(), grant("config"));
    assert_eq!(daemon.token(&grant).await, "config");
    // Another process takes the consent; the daemon still holds its own token.
    rig.clock.advance(Duration::from_secs(60));
    let at = grant.exchange(&rig.process().call(), "code", "https://example.jp/cb").await.unwrap();
    assert_eq!(at, now() + Duration::from_secs(60));
    assert_eq!(daemon.token(&grant).await, "config");
    // Refused or overtaken, it takes up what the other has kept, and puts nothing over it.
    assert!(grant.superseded(&daemon.call(), &Secret::new("config")).await.unwrap());
    assert_eq!(daemon.token(&grant).await, "x");
    let third = rig.process();
    grant.refused(&third.call(), &Secret::new("config")).await.unwrap();
    assert_eq!(third.token(&grant).await, "x");
    grant.refused(&third.call(), &Secret::new("x")).await.unwrap();
    assert_eq!(third.token(&grant).await, "given");
    assert_eq!(grant.authorized_at(&third.call()).await.unwrap(), Some(at));
    // A later day in the config is the later consent; a changed token is a new one altogether.
    let mut later = self::grant("config");
    later.authorized_at = Some(at + Duration::from_secs(1));
    assert_eq!(later.authorized_at(&third.call()).await.unwrap(), later.authorized_at);
    let changed = self::grant("changed");
    assert_eq!(rig.process().token(&changed).await, "changed");
    assert_eq!(changed.authorized_at(&rig.process().call()).await.unwrap(), None);
}

#[tokio::test]
async fn a_token_refused_before_its_time_is_renewed_once() {
    let rig = Rig::new().await;
    rig.answers(1, 200, &token("a")).await;
    rig.answers(9, 200, &token("b")).await;
    let (process, grant) = (rig.process(), grant("r"));
    let first = grant.access(&process.call()).await.unwrap();
    // Several calls that ran with it are refused: one renewal.
    for _ in 0..3 {
        grant.refused(&process.call(), &first).await.unwrap();
        assert_eq!(process.token(&grant).await, "b");
    }
    assert_eq!(rig.asked().await, 2);
    assert_eq!(rig.process().token(&grant).await, "b");
    assert_eq!(rig.asked().await, 2);
}

#[tokio::test]
async fn the_second_client_secret_is_tried_and_then_asked_first() {
    let rig = Rig::new().await;
    let basic = |secret: &str| {
        use base64::Engine as _;
        format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(format!("client:{secret}")))
    };
    Mock::given(header("authorization", basic("canary-1").as_str()))
        .respond_with(ResponseTemplate::new(401).set_body_json(json!({ "error": "invalid_client" })))
        .mount(&rig.server)
        .await;
    Mock::given(header("authorization", basic("canary-2").as_str()))
        .respond_with(ResponseTemplate::new(200).set_body_json(token("a")))
        .mount(&rig.server)
        .await;
    let (process, grant) = (rig.process(), grant("r"));
    assert_eq!(process.token(&grant).await, "a");
    assert_eq!(rig.asked().await, 2);
    rig.clock.advance(Duration::from_secs(3_600));
    process.token(&grant).await;
    assert_eq!(rig.asked().await, 3);
    // Both refused: the endpoint's own code, and nothing of the secrets.
    let mut lost = self::grant("r");
    lost.client_secrets.truncate(1);
    let fault = lost.access(&rig.process().call()).await;
    assert!(fault.is_ok(), "what was kept with either secret opens");
    rig.clock.advance(Duration::from_secs(3_600));
    match lost.access(&rig.process().call()).await {
        Err(Fault::Auth { code, message }) => {
            assert_eq!(code, "invalid_client");
            assert!(!message.contains("canary"), "{message}");
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn refusals_are_told_by_the_json_whatever_the_status() {
    for (status, body, kind) in [
        (
            400,
            json!({ "error": "invalid_grant", "error_description": "expired\nor revoked", "error_code": 4102 }),
            "auth",
        ),
        (401, json!({ "error": "invalid_grant" }), "auth"),
        (200, json!({ "error": "invalid_grant" }), "auth"),
        (500, json!({ "error": "server_error" }), "transient"),
        (400, json!({ "error": "temporarily_unavailable" }), "transient"),
        (200, json!({ "token_type": "Bearer" }), "malformed"),
        (200, json!([1]), "malformed"),
        (429, json!([1]), "throttled"),
        (502, json!([1]), "transient"),
    ] {
        let rig = Rig::new().await;
        rig.answers(9, status, &body).await;
        let (process, grant) = (rig.process(), grant("r"));
        let fault = grant.access(&process.call()).await.unwrap_err();
        assert_eq!(fault.kind(), kind, "{status} {body}");
        if let Fault::Auth { code, message } = fault {
            assert_eq!(code, "invalid_grant");
            assert!(!message.contains('\n'));
        }
        assert_eq!(rig.asked().await, 1, "{status} {body}: not asked again at once");
    }
    let rig = Rig::new().await;
    let mut nobody = grant("r");
    nobody.refresh_token = None;
    match nobody.access(&rig.process().call()).await {
        Err(Fault::Auth { code, .. }) => assert_eq!(code, "no_refresh_token"),
        other => panic!("{other:?}"),
    }
    assert_eq!(rig.asked().await, 0);
}

#[tokio::test]
async fn a_rotated_refresh_token_is_kept() {
    let rig = Rig::new().await;
    Mock::given(body_string_contains("refresh_token=first"))
        .respond_with(
            ResponseTemplate::new(200)
                .set_body_json(json!({ "access_token": "a", "refresh_token": "second", "expires_in": 60 })),
        )
        .mount(&rig.server)
        .await;
    Mock::given(body_string_contains("refresh_token=second"))
        .respond_with(ResponseTemplate::new(200).set_body_json(token("b")))
        .mount(&rig.server)
        .await;
    let grant = grant("first");
    assert_eq!(rig.process().token(&grant).await, "a");
    assert_eq!(rig.process().token(&grant).await, "b");
}
