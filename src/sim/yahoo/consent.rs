//! YConnect v2: the authorization endpoint, where everybody consents at once, and the token endpoint
//! (yahoo-shopping.md §2.1).

use std::collections::BTreeMap;
use std::time::Duration;

use aws_lc_rs::digest;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::json;

use super::state::{Code, TOKEN_LIFE};
use super::{Shop, Switches};
use crate::clock::Timestamp;
use crate::sim::World;
use crate::sim::http::{Answer, Request};
use crate::sim::world::State;

const CODE_LIFE: Duration = Duration::from_secs(600);

/// Parameters by name; `None` when one comes twice.
fn parameters(encoded: &[u8]) -> Option<BTreeMap<String, String>> {
    let mut all = BTreeMap::new();
    for (name, value) in url::form_urlencoded::parse(encoded) {
        if all.insert(name.into_owned(), value.into_owned()).is_some() {
            return None;
        }
    }
    Some(all)
}

/// The error body of the token endpoint.
pub(crate) fn refused(error: &str) -> Answer {
    // Only the first number is known from anywhere; the others are invented.
    let (status, code, description) = match error {
        "invalid_grant" => (400, 4_102, "refresh token is expired or revoked"),
        "invalid_client" => (401, 4_401, "client authentication failed"),
        "unsupported_grant_type" => (400, 4_003, "grant_type is not supported"),
        "server_error" => (500, 5_000, "server error"),
        _ => (400, 4_000, "a parameter is missing or malformed"),
    };
    let body = json!({ "error": error, "error_description": description, "error_code": code });
    json_answer(status, &body)
}

fn json_answer(status: u16, body: &serde_json::Value) -> Answer {
    Answer::new(status, "application/json; charset=utf-8", body.to_string()).with("Cache-Control", "no-store")
}

/// `GET …/authorization`: the owner consents (or declines, by switch) and is sent back.
pub(crate) fn authorize(
    world: &World,
    state: &mut State,
    switches: &Switches,
    request: &Request,
    now: Timestamp,
) -> Answer {
    let page = |text: &str| {
        Answer::new(400, "text/html; charset=utf-8", format!("<html><body>{text}</body></html>"))
    };
    if request.method != "GET" {
        return Answer::new(405, "text/html; charset=utf-8", "<html><body>Method Not Allowed</body></html>");
    }
    let Some(given) = parameters(request.query.as_bytes()) else {
        return page("invalid_request");
    };
    let get = |name: &str| given.get(name).map_or("", String::as_str);
    let Some(shop) = world.options.yahoo.iter().find(|shop| shop.client_id() == get("client_id")) else {
        return page("invalid_client");
    };
    let redirect = get("redirect_uri");
    if redirect != shop.redirect_uri() {
        return page("invalid_redirect_uri");
    }
    let back = |members: &[(&str, &str)]| {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(members).extend_pairs(given.get("state").map(|state| ("state", state)));
        let separator = if redirect.contains('?') { '&' } else { '?' };
        let location = format!("{redirect}{separator}{}", query.finish());
        Answer::new(302, "text/html; charset=utf-8", "").with("Location", location)
    };
    if get("response_type") != "code" {
        return back(&[("error", "invalid_request")]);
    }
    if !get("scope").split(' ').any(|scope| scope == "openid") {
        return back(&[("error", "invalid_scope")]);
    }
    if switches.declined {
        // Without bail=1 the browser stays on Yahoo!'s own page.
        return if get("bail") == "1" { back(&[("error", "access_denied")]) } else { page("access_denied") };
    }
    let sha256 = match get("code_challenge_method") {
        "S256" => true,
        "plain" | "" => false,
        _ => return back(&[("error", "invalid_request")]),
    };
    let code = format!("{}-code-{}", shop.seller_id, state.yahoo.serial());
    state.yahoo.codes.retain(|_, code| now <= code.issued + CODE_LIFE);
    state.yahoo.codes.insert(
        code.clone(),
        Code {
            seller_id: shop.seller_id.clone(),
            issued: now,
            redirect_uri: redirect.to_owned(),
            challenge: given.get("code_challenge").map(|challenge| (challenge.clone(), sha256)),
        },
    );
    state.yahoo.consent(&shop.seller_id, now);
    back(&[("code", &code)])
}

/// `POST …/token`.
pub(crate) fn token(
    world: &World,
    state: &mut State,
    switches: &Switches,
    request: &Request,
    now: Timestamp,
) -> Answer {
    if request.method != "POST" {
        return Answer::new(405, "text/plain; charset=utf-8", "Method Not Allowed\n");
    }
    let form = request.header("content-type").is_some_and(|media| {
        media.split(';').next().unwrap_or("").trim().eq_ignore_ascii_case("application/x-www-form-urlencoded")
    });
    let Some(given) = parameters(&request.body).filter(|_| form) else {
        return refused("invalid_request");
    };
    let Some(shop) = client(world, request, &given) else {
        return refused("invalid_client");
    };
    let get = |name: &str| given.get(name).map_or("", String::as_str);
    let known: &[&str] = match get("grant_type") {
        "authorization_code" => &["code", "redirect_uri", "code_verifier"],
        "refresh_token" => &["refresh_token"],
        "" => return refused("invalid_request"),
        _ => return refused("unsupported_grant_type"),
    };
    let always = ["grant_type", "client_id", "client_secret"];
    if given.keys().any(|name| !known.contains(&name.as_str()) && !always.contains(&name.as_str())) {
        return refused("invalid_request");
    }
    let by_code = get("grant_type") == "authorization_code";
    if by_code {
        if get("code").is_empty() || get("redirect_uri").is_empty() {
            return refused("invalid_request");
        }
        // Spent by the first who shows it, whatever comes of it.
        let code = state.yahoo.codes.remove(get("code"));
        let good = code.is_some_and(|code| {
            code.seller_id == shop.seller_id
                && now <= code.issued + CODE_LIFE
                && code.redirect_uri == get("redirect_uri")
                && code.challenge.is_none_or(|(challenge, sha256)| {
                    challenge
                        == if sha256 { hashed(get("code_verifier")) } else { get("code_verifier").to_owned() }
                })
        });
        if !good {
            return refused("invalid_grant");
        }
    } else if get("refresh_token").is_empty() {
        return refused("invalid_request");
    }
    let grant = state.yahoo.grants.get(&shop.seller_id).filter(|grant| grant.alive(now)).cloned();
    let refresh = grant.map(|grant| shop.refresh_token_of(grant.serial));
    let Some(refresh) =
        refresh.filter(|own| !switches.invalid_grant && (by_code || get("refresh_token") == own))
    else {
        return refused("invalid_grant");
    };
    let mut body = json!({
        "access_token": state.yahoo.issue(&shop.seller_id, now),
        "token_type": "Bearer",
        "expires_in": TOKEN_LIFE.as_secs(),
    });
    if switches.expires_in_text {
        body["expires_in"] = json!(TOKEN_LIFE.as_secs().to_string());
    }
    if by_code {
        body["refresh_token"] = json!(refresh);
        body["id_token"] = json!(id_token(shop));
    }
    json_answer(200, &body)
}

/// The shop whose application calls: Basic, or `client_id` and `client_secret` in the body.
fn client<'w>(world: &'w World, request: &Request, given: &BTreeMap<String, String>) -> Option<&'w Shop> {
    let (id, secret) = match request.header("authorization") {
        Some(header) => {
            let pair = STANDARD.decode(header.strip_prefix("Basic ")?).ok()?;
            let pair = String::from_utf8(pair).ok()?;
            let (id, secret) = pair.split_once(':')?;
            (id.to_owned(), secret.to_owned())
        }
        None => (given.get("client_id")?.clone(), given.get("client_secret")?.clone()),
    };
    world.options.yahoo.iter().find(|shop| shop.client_id() == id && shop.client_secret() == secret)
}

fn hashed(verifier: &str) -> String {
    URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, verifier.as_bytes()))
}

/// The shape of a JSON Web Token; its signature is none.
fn id_token(shop: &Shop) -> String {
    let part = |value: serde_json::Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let (head, claims) = (json!({ "alg": "RS256", "typ": "JWT" }), json!({ "sub": shop.seller_id }));
    format!("{}.{}.c2ln", part(head), part(claims))
}
