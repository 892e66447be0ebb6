//! Credentials: the access token, the second secret, and what a refusal means (amazon-sp-api.md §4, §5, §6, §7).

use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};

use super::wire::{self, Envelope, Function, decode};
use crate::domain::account::Bucket;
use crate::http::tokens::{ClientAuth, Grant};
use crate::http::{Body, Call, Fault, Method, Request, Response, Target};
use crate::secret::Secret;

/// For the whole call: a page of 100 orders may be slow.
const DEADLINE: Duration = Duration::from_secs(60);
/// A pause after a 429 is doubled so often at most.
const DOUBLINGS: u32 = 4;

/// Where applications are kept, as Seller Central names it.
pub const PLACE: &str = "Seller Central: アプリとサービス → アプリの開発 (Develop Apps)";
/// Where an application's secrets are made.
pub const SECRETS: &str = "LWA 認証情報 → 表示 → クライアントシークレットの更新 (Rotate secret)";
/// Where a seller authorises an application.
pub const AUTHORIZE: &str =
    "アプリの編集の▼ → 承認 → アプリを承認 (Authorize app), which shows a new refresh token";
/// Where an application's roles are.
pub const ROLES: &str = "アプリを編集 → ロール (Roles)";

/// The credentials of one seller account with one application.
pub struct Credentials {
    grant: Grant,
    search: Bucket,
    get: Bucket,
    user_agent: Secret,
}

/// One call, before a token is chosen.
pub struct Ask {
    /// What is called.
    pub function: Function,
    /// Below the base URL.
    pub path: String,
    /// Never logged.
    pub query: Vec<(&'static str, String)>,
}

impl Credentials {
    /// An application's id and secrets, with their keys in the config, and the seller's refresh token.
    #[must_use]
    pub fn new(
        client_id: String,
        client_secrets: Vec<(&'static str, Secret)>,
        refresh_token: Secret,
    ) -> Self {
        // The quota is that of a seller account with an application (§7): the refresh token stands for both.
        let pair = Secret::new(&format!("{client_id}\n{}", refresh_token.expose()));
        let id = digest(&SHA256, pair.expose().as_bytes());
        let hash: String = id.as_ref().iter().take(6).map(|b| format!("{b:02x}")).collect();
        let bucket = |function: Function| {
            let (per, burst) = function.quota();
            Bucket { key: format!("amazon/{}/{hash}", function.name()), per, burst }
        };
        Self {
            grant: Grant {
                client_id,
                client_secrets,
                refresh_token: Some(refresh_token),
                authorized_at: None,
                auth: ClientAuth::Form,
            },
            search: bucket(Function::SearchOrders),
            get: bucket(Function::GetOrder),
            user_agent: Secret::new(&user_agent()),
        }
    }

    /// The quota of an operation.
    pub fn bucket(&self, function: Function) -> &Bucket {
        match function {
            Function::SearchOrders => &self.search,
            Function::GetOrder => &self.get,
        }
    }

    /// The request with that token (§5).
    pub fn request(&self, call: &Call<'_>, ask: &Ask, token: &Secret) -> Request {
        let date = call.now().utc().format("%Y%m%dT%H%M%SZ").to_string();
        Request {
            method: Method::Get,
            target: Target::Api,
            path: ask.path.clone(),
            query: ask.query.clone(),
            headers: vec![
                ("x-amz-access-token", token.clone()),
                ("x-amz-date", Secret::new(&date)),
                ("user-agent", self.user_agent.clone()),
                ("accept", Secret::new("application/json")),
            ],
            body: Body::Empty,
            changes: false,
            deadline: DEADLINE,
            buckets: vec![self.bucket(ask.function).clone()],
        }
    }

    /// Asks with that token.
    ///
    /// # Errors
    /// What the answer means (§6). A rate that the server tells, and the pause that a 429 asks for, are passed on to the
    /// gate (§7).
    async fn ask_with<T: Envelope>(
        &self,
        call: &Call<'_>,
        ask: &Ask,
        token: &Secret,
    ) -> Result<(T, Response), Fault> {
        let bucket = self.bucket(ask.function);
        let response = call.send(self.request(call, ask, token)).await?;
        if let Some(per) = wire::told_pace(&response) {
            call.gate.pace(bucket, per);
        }
        let answer = decode::<T>(&response);
        if let Err(Fault::Throttled { .. }) = &answer {
            let doublings = call.client.throttled(&bucket.key).saturating_sub(1).min(DOUBLINGS);
            let pause = bucket.per * 2_u32.pow(doublings);
            let until = response.sent_at + pause + call.ambient.part_of(bucket.per / 5);
            call.gate.pause(bucket, until).await;
            return Err(Fault::Throttled { until: Some(until) });
        }
        match &answer {
            Ok(_) => call.client.not_throttled(&bucket.key),
            Err(Fault::Malformed(reason)) => tracing::debug!(
                shop = call.account,
                request_id = response.header("x-amzn-requestid"),
                error.message = %reason,
                "Answer could not be read."
            ),
            Err(_) => {}
        }
        answer.map(|answer| (answer, response))
    }

    /// Asks; where the access token is refused, once more with a new one (§6).
    ///
    /// # Errors
    /// As [`Credentials::ask_with`]; a refusal says where it is mended.
    pub async fn ask<T: Envelope>(&self, call: &Call<'_>, ask: &Ask) -> Result<(T, Response), Fault> {
        let token = self.access(call).await?;
        let refused = match self.ask_with(call, ask, &token).await {
            Err(fault) if wire::refuses_token(&fault) || wire::refuses_secret(&fault) => fault,
            other => return other.map_err(explain),
        };
        if wire::refuses_secret(&refused) {
            // The token was made with a secret that has ended since: the next one with another.
            call.client.prefer_credential(call.client.preferred_credential() + 1);
        }
        self.grant.refused(call, &token).await?;
        let token = self.access(call).await?;
        self.ask_with(call, ask, &token).await.map_err(explain)
    }

    async fn access(&self, call: &Call<'_>) -> Result<Secret, Fault> {
        self.grant.access(call).await.map_err(explain_token)
    }
}

/// §5: name, version and, in brackets, the language, which is mandatory, and the platform.
fn user_agent() -> String {
    let (version, language) = (env!("CARGO_PKG_VERSION"), env!("CARGO_PKG_RUST_VERSION"));
    format!("mallsync/{version} (Language=Rust/{language}; Platform={})", std::env::consts::OS)
}

/// What the token endpoint's refusals mean, and where they are mended (§4.3).
fn explain_token(fault: Fault) -> Fault {
    let (code, said) = match fault {
        Fault::Auth { code, message } => (code, message),
        // No order is at fault.
        Fault::Malformed(reason) => return Fault::Transient(reason),
        other => return other,
    };
    let (what, action) = match code.as_str() {
        "invalid_grant" => (
            "Amazon does not accept the refresh token: the seller withdrew the authorisation, or it is another \
             application's",
            authorize_again(),
        ),
        "invalid_client" => (
            "Amazon does not accept client_id with any client secret: wrong, or older than 180 days",
            new_secret(),
        ),
        "unauthorized_client" => (
            "the application may not act for a seller",
            format!("compare client_id with the application at {PLACE}"),
        ),
        _ => (
            "the token endpoint refused the request",
            "compare client_id, client_secret and refresh_token with those of the application".to_owned(),
        ),
    };
    Fault::Auth { code, message: told(what, &said, &action) }
}

/// What the API's refusals mean, and where they are mended (§6).
fn explain(fault: Fault) -> Fault {
    let (what, action) = if wire::refuses_secret(&fault) {
        ("the client secret is older than 180 days", new_secret())
    } else if wire::refuses_token(&fault) {
        ("Amazon refuses a new access token: the seller withdrew the authorisation", authorize_again())
    } else {
        (ROLE_MISSING, add_role())
    };
    match fault {
        Fault::Auth { code, message: said } => Fault::Auth { code, message: told(what, &said, &action) },
        other => other,
    }
}

/// A refusal that is neither the token's nor the secret's (§6).
pub const ROLE_MISSING: &str = "a role is missing, or the seller is of another region than base_url";

/// A secret in place of one that ends (§4.4).
pub fn new_secret() -> String {
    format!("make a new secret at {PLACE} → {SECRETS}, and set client_secret and client_secret_issued_on")
}

/// A refresh token in place of one that is refused (§4.3).
pub fn authorize_again() -> String {
    format!(
        "authorise the application again at {PLACE} → {AUTHORIZE}, and set the new token as refresh_token"
    )
}

/// A role comes into force with the next authorisation.
pub fn add_role() -> String {
    format!("add the role at {PLACE} → {ROLES}; then {}", authorize_again())
}

fn told(what: &str, said: &str, action: &str) -> String {
    format!("{what} [{said}]; {action}")
}

/// An explained refusal in its parts: what it means, what was said, what to do.
#[must_use]
pub fn parts(message: &str) -> Option<(&str, &str, &str)> {
    let (what, rest) = message.split_once(" [")?;
    let (said, action) = rest.split_once("]; ")?;
    Some((what, said, action))
}
