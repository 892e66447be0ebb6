//! OAuth 2.0 for malls whose calls carry a bearer token: the refresh token grant (RFC 6749 §6), and the exchange of the
//! code that a person's consent gave. One refresh is under way per account at most, and its answer is kept, so that a
//! restart does not refresh again.

use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use serde::{Deserialize, Serialize};

use super::text::{scrub, scrub_code};
use super::vault::Seal;
use super::{Body, Bucket, Call, Fault, Method, Request, Response, Target};
use crate::clock::Timestamp;
use crate::secret::Secret;

/// For one call of the token endpoint.
const DEADLINE: Duration = Duration::from_secs(30);
/// A token is renewed so long before its end.
const MARGIN: Duration = Duration::from_secs(60);
/// Between two calls of the token endpoint: nothing is published, and more are never needed.
const PACE: Duration = Duration::from_secs(1);

/// How the client shows who it is (RFC 6749 §2.3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientAuth {
    /// `Authorization: Basic`.
    Basic,
    /// `client_id` and `client_secret` in the form.
    Form,
}

/// The grant of one account: what its config holds, and how to use it.
pub struct Grant {
    /// `client_id`.
    pub client_id: String,
    /// Client secrets with their keys in the config, in the order they are tried.
    pub client_secrets: Vec<(&'static str, Secret)>,
    /// The refresh token of the config, if it has one.
    pub refresh_token: Option<Secret>,
    /// When a person consented, as the config says.
    pub authorized_at: Option<Timestamp>,
    /// How the client shows who it is.
    pub auth: ClientAuth,
}

/// What is kept between calls and restarts.
#[derive(Clone, Default, Serialize, Deserialize)]
pub struct Kept {
    /// Digest of the config's refresh token when this was kept: a changed one wins over all that is here.
    configured: String,
    /// The refresh token that a consent gave, in place of the config's.
    refresh_token: Option<String>,
    /// When that consent was given.
    authorized_at: Option<Timestamp>,
    access: Option<Access>,
}

#[derive(Clone, Serialize, Deserialize)]
struct Access {
    token: String,
    until: Timestamp,
}

/// The token endpoint's answer, members of both outcomes (RFC 6749 §5).
#[derive(Default, Deserialize)]
#[serde(default)]
struct Answer {
    access_token: Option<String>,
    refresh_token: Option<String>,
    expires_in: serde_json::Value,
    error: Option<String>,
    error_description: Option<String>,
}

/// How long a token lives whose answer does not say so.
const LIFE: Duration = Duration::from_secs(3_600);

impl Answer {
    /// A number, or a number as text.
    fn life(&self) -> Duration {
        let seconds = match &self.expires_in {
            serde_json::Value::Number(n) => n.as_u64(),
            serde_json::Value::String(text) => text.trim().parse().ok(),
            _ => None,
        };
        seconds.map_or(LIFE, Duration::from_secs)
    }
}

impl Grant {
    /// An access token that is good for a minute at least: the one at hand, the one kept, or a new one.
    ///
    /// # Errors
    /// [`Fault::Auth`] with the `error` of RFC 6749 §5.2 as its code (`invalid_grant`: a person must consent again;
    /// `invalid_client`: every client secret was refused), or what happened on the way.
    pub async fn access(&self, call: &Call<'_>) -> Result<Secret, Fault> {
        let mut kept = call.client.tokens().lock().await;
        if let Some(token) = kept.as_ref().and_then(|kept| self.usable(kept, call)) {
            return Ok(token);
        }
        let mut now_kept = self.load(call).await?;
        if let Some(token) = self.usable(&now_kept, call) {
            *kept = Some(now_kept);
            return Ok(token);
        }
        let token = now_kept.refresh_token.clone().map(|token| Secret::new(&token));
        let Some(token) = token.or_else(|| self.refresh_token.clone()) else {
            return Err(Fault::Auth {
                code: "no_refresh_token".to_owned(),
                message: "no refresh token is kept or configured".to_owned(),
            });
        };
        let form =
            vec![("grant_type", "refresh_token".to_owned()), ("refresh_token", token.expose().to_owned())];
        let (answer, sent_at) = self.ask(call, &form).await?;
        if let Some(rotated) = answer.refresh_token.as_ref().filter(|new| *new != token.expose()) {
            now_kept.refresh_token = Some(rotated.clone());
        }
        let token = self.keep(call, &mut now_kept, &answer, sent_at).await?;
        *kept = Some(now_kept);
        Ok(token)
    }

    /// Whether [`Grant::access`] has a token without asking for one.
    ///
    /// # Errors
    /// The vault's.
    pub async fn at_hand(&self, call: &Call<'_>) -> Result<bool, Fault> {
        let kept = call.client.tokens().lock().await;
        if kept.as_ref().is_some_and(|kept| self.usable(kept, call).is_some()) {
            return Ok(true);
        }
        Ok(self.usable(&self.load(call).await?, call).is_some())
    }

    /// The service refused `token` before its time: the next [`Grant::access`] gets another one, once. What another
    /// process has kept since (a renewal, a new consent) stays.
    ///
    /// # Errors
    /// The vault's.
    pub async fn refused(&self, call: &Call<'_>, token: &Secret) -> Result<(), Fault> {
        let mut kept = call.client.tokens().lock().await;
        let mut now_kept = self.load(call).await?;
        if now_kept.access.as_ref().is_some_and(|access| access.token == token.expose()) {
            now_kept.access = None;
            self.save(call, &now_kept).await?;
        }
        *kept = Some(now_kept);
        Ok(())
    }

    /// Takes up what another process has kept since `token`, after a new consent; whether there is anything.
    ///
    /// # Errors
    /// The vault's.
    pub async fn superseded(&self, call: &Call<'_>, token: &Secret) -> Result<bool, Fault> {
        let mut kept = call.client.tokens().lock().await;
        let now_kept = self.load(call).await?;
        let newer = self.usable(&now_kept, call).is_some_and(|usable| usable.expose() != token.expose());
        if newer {
            *kept = Some(now_kept);
        }
        Ok(newer)
    }

    /// Exchanges the code that a person's consent gave (RFC 6749 §4.1.3) and keeps what comes of it.
    ///
    /// # Errors
    /// As [`Grant::access`].
    pub async fn exchange(
        &self,
        call: &Call<'_>,
        code: &str,
        redirect_uri: &str,
    ) -> Result<Timestamp, Fault> {
        let mut kept = call.client.tokens().lock().await;
        let form = vec![
            ("grant_type", "authorization_code".to_owned()),
            ("code", code.to_owned()),
            ("redirect_uri", redirect_uri.to_owned()),
        ];
        let (answer, sent_at) = self.ask(call, &form).await?;
        let Some(refresh_token) = answer.refresh_token.clone() else {
            return Err(Fault::Malformed("the token endpoint gave no refresh token".to_owned()));
        };
        let mut now_kept = Kept {
            configured: self.configured(),
            refresh_token: Some(refresh_token),
            authorized_at: Some(sent_at),
            access: None,
        };
        self.keep(call, &mut now_kept, &answer, sent_at).await?;
        *kept = Some(now_kept);
        Ok(sent_at)
    }

    /// When a person consented last: by the config or through [`Grant::exchange`], whichever is later.
    ///
    /// # Errors
    /// The vault's.
    pub async fn authorized_at(&self, call: &Call<'_>) -> Result<Option<Timestamp>, Fault> {
        let kept = self.load(call).await?;
        Ok(kept.authorized_at.max(self.authorized_at))
    }

    fn usable(&self, kept: &Kept, call: &Call<'_>) -> Option<Secret> {
        let access = kept.access.as_ref().filter(|_| kept.configured == self.configured())?;
        (access.until > call.now() + MARGIN).then(|| Secret::new(&access.token))
    }

    fn configured(&self) -> String {
        let token = self.refresh_token.as_ref().map_or("", Secret::expose);
        base64::engine::general_purpose::STANDARD.encode(digest(&SHA256, token.as_bytes()))
    }

    fn name(call: &Call<'_>) -> String {
        format!("{}/token", call.account)
    }

    /// What is kept for this account. A record that no client secret opens (the secret was changed), or that rests on
    /// another refresh token of the config, counts for nothing.
    async fn load(&self, call: &Call<'_>) -> Result<Kept, Fault> {
        let fresh = || Kept { configured: self.configured(), ..Kept::default() };
        let name = Self::name(call);
        let Some(sealed) = call.vault.get(&name).await.map_err(Fault::Transient)? else {
            return Ok(fresh());
        };
        for (_, secret) in &self.client_secrets {
            let opened = Seal::new(secret).map_err(Fault::Transient)?.open(&name, &sealed);
            let kept = opened.and_then(|plain| serde_json::from_slice::<Kept>(&plain).ok());
            if let Some(kept) = kept {
                return Ok(if kept.configured == self.configured() { kept } else { fresh() });
            }
        }
        Ok(fresh())
    }

    async fn save(&self, call: &Call<'_>, kept: &Kept) -> Result<(), Fault> {
        let Some((_, secret)) = self.client_secrets.first() else {
            return Ok(());
        };
        let name = Self::name(call);
        let plain = serde_json::to_vec(kept).map_err(|e| Fault::Transient(e.to_string()))?;
        let sealed = Seal::new(secret).and_then(|seal| seal.seal(&name, &plain)).map_err(Fault::Transient)?;
        call.vault.put(&name, &sealed).await.map_err(Fault::Transient)
    }

    async fn keep(
        &self,
        call: &Call<'_>,
        kept: &mut Kept,
        answer: &Answer,
        sent_at: Timestamp,
    ) -> Result<Secret, Fault> {
        let Some(token) = &answer.access_token else {
            return Err(Fault::Malformed("the token endpoint gave no access token".to_owned()));
        };
        kept.access = Some(Access { token: token.clone(), until: sent_at + answer.life() });
        self.save(call, kept).await?;
        Ok(Secret::new(token))
    }

    /// Asks with each client secret in turn until one is not refused.
    async fn ask(
        &self,
        call: &Call<'_>,
        form: &[(&'static str, String)],
    ) -> Result<(Answer, Timestamp), Fault> {
        let mut refused = None;
        let secrets = self.client_secrets.len().max(1);
        let first = call.client.preferred_credential() % secrets;
        for index in (0..secrets).map(|n| (first + n) % secrets) {
            let Some((_, secret)) = self.client_secrets.get(index) else { break };
            let response = call.send(self.request(form, secret)).await?;
            match read(&response) {
                Ok(answer) => {
                    call.client.prefer_credential(index);
                    return Ok((answer, response.sent_at));
                }
                Err(Fault::Auth { code, message }) if is_client(&code) => {
                    refused.get_or_insert(Fault::Auth { code, message });
                }
                Err(fault) => return Err(fault),
            }
        }
        Err(refused.unwrap_or_else(|| Fault::Auth {
            code: "config".to_owned(),
            message: "no client secret is configured".to_owned(),
        }))
    }

    fn request(&self, form: &[(&'static str, String)], secret: &Secret) -> Request {
        let mut form = form.to_vec();
        let mut headers = Vec::new();
        match self.auth {
            ClientAuth::Basic => {
                let pair = Secret::new(&format!("{}:{}", self.client_id, secret.expose()));
                let pair = base64::engine::general_purpose::STANDARD.encode(pair.expose());
                headers.push(("authorization", Secret::new(&format!("Basic {pair}"))));
            }
            ClientAuth::Form => {
                form.push(("client_id", self.client_id.clone()));
                form.push(("client_secret", secret.expose().to_owned()));
            }
        }
        let id = digest(&SHA256, self.client_id.as_bytes());
        let hash: String = id.as_ref().iter().take(6).map(|b| format!("{b:02x}")).collect();
        Request {
            method: Method::Post,
            target: Target::Token,
            path: String::new(),
            query: Vec::new(),
            headers,
            body: Body::Form(form),
            changes: false,
            deadline: DEADLINE,
            buckets: vec![Bucket { key: format!("token/{hash}"), per: PACE, burst: 1 }],
        }
    }
}

/// Whether the refusal is about the client and not about the grant.
fn is_client(code: &str) -> bool {
    matches!(code, "invalid_client" | "unauthorized_client")
}

/// §5.1, §5.2: told by the JSON, since the status of refusals varies.
fn read(response: &Response) -> Result<Answer, Fault> {
    let answer = serde_json::from_slice::<Answer>(&response.body);
    match answer {
        Ok(Answer { error: Some(code), error_description, .. }) => match code.as_str() {
            "server_error" | "temporarily_unavailable" => {
                Err(Fault::Transient(format!("the token endpoint answered {code}")))
            }
            _ => {
                let message = error_description.as_deref().unwrap_or("refused");
                Err(Fault::Auth { message: scrub(message), code: scrub_code(&code) })
            }
        },
        Ok(answer) if response.status < 300 => Ok(answer),
        _ if response.status == 429 => Err(Fault::Throttled { until: None }),
        _ if response.status < 300 => {
            Err(Fault::Malformed("the token endpoint's answer is no JSON".to_owned()))
        }
        _ => Err(Fault::Transient(format!("the token endpoint answered HTTP {}", response.status))),
    }
}
