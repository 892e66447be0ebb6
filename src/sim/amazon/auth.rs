//! Login with Amazon and the tokens it gives (amazon-sp-api.md §4, §5, §6). Tokens carry what they stand for, so that
//! none is kept.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::{Lwa, Shop, refusal};
use crate::clock::Timestamp;
use crate::sim::World;
use crate::sim::dice::{Dice, Salt};
use crate::sim::http::{Answer, Request};
use crate::sim::world::State;

const EXPIRED: &str = "The access token you provided has expired.";
const REVOKED: &str = "The access token you provided is revoked, malformed or invalid.";
const MISSING: &str = "Access token is missing in the request header.";
const SECRET_EXPIRED: &str = "The LWA secret token you provided has expired.";
const DENIED: &str = "Access to requested resource is denied.";
/// `expires_in`, in seconds.
const LIFE: u64 = 3_600;
/// Longest user agent (§5).
const USER_AGENT_CAP: usize = 500;

/// An OAuth error (§4.3).
fn oauth(status: u16, code: &str, text: &str) -> Answer {
    Answer::json(status, &json!({ "error": code, "error_description": text }))
}

/// Errors of the token endpoint by their names, for faults.
pub(crate) fn lwa_refusal(code: &str) -> Answer {
    match code {
        "invalid_client" => oauth(401, code, "Client authentication failed"),
        "invalid_grant" => oauth(
            400,
            code,
            "The request has an invalid grant parameter : refresh_token. User may have revoked or didn't grant the \
             permission.",
        ),
        "unauthorized_client" => oauth(400, code, "Not authorized for requested operation"),
        "unsupported_grant_type" => oauth(400, code, "The authorization grant type is not supported"),
        _ => oauth(400, "invalid_request", "The request is missing a required parameter or is malformed"),
    }
}

/// 403 with one of the texts of §6, by a short name.
pub(crate) fn denied(code: &str) -> Answer {
    let details = match code {
        "expired" => EXPIRED,
        "revoked" => REVOKED,
        "missing" => MISSING,
        "secret_expired" => SECRET_EXPIRED,
        _ => "",
    };
    refusal(403, "Unauthorized", DENIED, details).with("x-amzn-ErrorType", "AccessDeniedException")
}

/// Is the first client secret dead? By the switch, or 180 days after it was created; a shop whose history is longer
/// than that starts with a living one.
fn secret_expired(state: &State, shop: &Shop, now: Timestamp) -> bool {
    let ends = shop.client_secret_ends();
    let began = state.amazon.began.unwrap_or(now);
    state.switches.amazon.lwa == Lwa::ExpiredSecret || (began < ends && ends <= now)
}

/// `POST /auth/o2/token` (§4.1).
pub(crate) fn token(world: &World, state: &State, request: &Request, now: Timestamp) -> Answer {
    if request.method != "POST" || !request.query.is_empty() || !is_form(request) {
        return lwa_refusal("invalid_request");
    }
    let mut form: Vec<(String, String)> = url::form_urlencoded::parse(&request.body).into_owned().collect();
    form.sort();
    if form.windows(2).any(|pair| pair[0].0 == pair[1].0) {
        return lwa_refusal("invalid_request");
    }
    let get = |name: &str| {
        form.iter().find(|(known, value)| known == name && !value.is_empty()).map(|(_, value)| value.as_str())
    };
    let (Some(grant), Some(id), Some(secret)) = (get("grant_type"), get("client_id"), get("client_secret"))
    else {
        return lwa_refusal("invalid_request");
    };
    let switches = &state.switches.amazon;
    let shop = world.options.amazon.iter().find(|shop| shop.client_id() == id);
    let next = shop.is_some_and(|shop| shop.client_secret_next() == secret && switches.next_secret);
    let first = shop.is_some_and(|shop| {
        shop.client_secret() == secret
            && switches.lwa != Lwa::WrongSecret
            && !secret_expired(state, shop, now)
    });
    let Some(shop) = shop.filter(|_| first || next) else {
        return lwa_refusal("invalid_client");
    };
    match grant {
        "refresh_token" => {}
        // Of the grantless operations none is simulated.
        "client_credentials" => return lwa_refusal("unauthorized_client"),
        _ => return lwa_refusal("unsupported_grant_type"),
    }
    let Some(refresh) = get("refresh_token") else {
        return lwa_refusal("invalid_request");
    };
    if refresh != shop.refresh_token() || switches.lwa == Lwa::RevokedGrant {
        return lwa_refusal("invalid_grant");
    }
    let access = Access { account: shop.ordinal, issued: now, next_secret: next, serial: state.requests };
    let body: Value = json!({
        "access_token": access.token(world.options.seed), "refresh_token": refresh, "token_type": "bearer",
        "expires_in": LIFE,
    });
    Answer::json(200, &body).with("Cache-Control", "no-store").with("Pragma", "no-cache")
}

fn is_form(request: &Request) -> bool {
    let media = request.header("content-type").and_then(|value| value.split(';').next());
    media.is_some_and(|media| media.trim().eq_ignore_ascii_case("application/x-www-form-urlencoded"))
}

/// What an access token stands for.
#[derive(Clone, Copy, Debug)]
struct Access {
    account: u64,
    issued: Timestamp,
    /// Obtained with the second secret.
    next_secret: bool,
    serial: u64,
}

impl Access {
    fn token(self, seed: u64) -> String {
        let fields =
            [self.account, self.issued.micros().cast_unsigned(), u64::from(self.next_secret), self.serial];
        let mut bytes: Vec<u8> = fields.into_iter().flat_map(u64::to_be_bytes).collect();
        bytes.extend(
            fields
                .into_iter()
                .fold(seed, |sum, field| Dice::new(sum, Salt::Request, field).roll())
                .to_be_bytes(),
        );
        format!("Atza|{}", URL_SAFE_NO_PAD.encode(bytes))
    }

    fn read(token: &str, seed: u64) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(token.strip_prefix("Atza|")?).ok()?;
        let field = |n: usize| {
            let bytes: [u8; 8] = bytes.get(n * 8..n * 8 + 8)?.try_into().ok()?;
            Some(u64::from_be_bytes(bytes))
        };
        let access = Self {
            account: field(0)?,
            issued: Timestamp::from_micros(field(1)?.cast_signed()),
            next_secret: field(2)? == 1,
            serial: field(3)?,
        };
        (access.token(seed) == token).then_some(access)
    }
}

/// The account behind an access token that still opens something, or the refusal.
pub(crate) fn account<'w>(
    world: &'w World,
    state: &State,
    request: &Request,
    now: Timestamp,
) -> Result<&'w Shop, Answer> {
    let Some(token) = request.header("x-amz-access-token").filter(|token| !token.is_empty()) else {
        return Err(denied("missing"));
    };
    let access = Access::read(token, world.options.seed);
    let shop = access.and_then(|access| {
        let shop = world.options.amazon.iter().find(|shop| shop.ordinal == access.account)?;
        Some((shop, access))
    });
    let Some((shop, access)) = shop else {
        return Err(denied("revoked"));
    };
    let switches = &state.switches.amazon;
    let withdrawn = state.amazon.tokens_dead_before.get(&shop.ordinal);
    if switches.lwa == Lwa::RevokedGrant || withdrawn.is_some_and(|at| access.issued <= *at) {
        return Err(denied("revoked"));
    }
    if !access.next_secret && secret_expired(state, shop, now) {
        return Err(denied("secret_expired"));
    }
    if access.issued + Duration::from_secs(switches.token_life_s) <= now {
        return Err(denied("expired"));
    }
    if !switches.order_role {
        return Err(denied("role"));
    }
    Ok(shop)
}

/// What is wrong with the user agent, if anything: `AppName/Version (Language=Rust/1.xx; …)`, at most 500 characters.
pub(crate) fn bad_user_agent(header: Option<&str>) -> Option<&'static str> {
    match header.filter(|agent| !agent.is_empty()) {
        None => Some("The user-agent header is missing."),
        Some(agent) if agent.chars().count() > USER_AGENT_CAP => {
            Some("The user-agent header is longer than 500 characters.")
        }
        Some(agent) => {
            let form = agent.split_once(" (").is_some_and(|(app, attributes)| {
                app.split_once('/').is_some_and(|(name, version)| !name.is_empty() && !version.is_empty())
                    && attributes.strip_suffix(')').is_some_and(|list| {
                        list.split(';').any(|one| {
                            one.trim().strip_prefix("Language=").is_some_and(|language| !language.is_empty())
                        })
                    })
            });
            (!form).then_some("The user-agent header must be AppName/Version (Language=…).")
        }
    }
}
