//! The client of an account.

use std::collections::{BTreeMap, HashMap};
use std::error::Error;
use std::fmt;
use std::net::IpAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use chrono::DateTime;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use url::Url;

use super::tokens::Kept;
use super::{Body, Method, Request, Response, SendError, Target};
use crate::clock::{Ambient, Timestamp};
use crate::telemetry::metrics::Meter;

/// How long connecting and the TLS handshake may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Bodies larger than this are refused while they stream in, after decompression.
const BODY_CAP: usize = 16 * 1024 * 1024;
const USER_AGENT: &str = concat!("mallsync/", env!("CARGO_PKG_VERSION"));

/// How the client of an account is built.
#[derive(Clone, Default)]
pub struct ClientSpec {
    /// What all of a service's calls share; a path is kept and paths are appended to it.
    pub base_url: String,
    /// The token endpoint in full, where the service has one.
    pub auth_url: Option<String>,
    /// A fixed way out. No other proxy is ever used.
    pub proxy: Option<String>,
    /// Extra root certificates (PEM).
    pub extra_roots: Option<Vec<u8>>,
    /// Client certificate.
    pub identity: Option<super::tls::Identity>,
}

impl fmt::Debug for ClientSpec {
    /// Leaves the proxy's text out: its URL may hold a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientSpec")
            .field("base_url", &self.base_url)
            .field("auth_url", &self.auth_url)
            .field("proxy", &self.proxy.is_some())
            .field("extra_roots", &self.extra_roots.is_some())
            .field("identity", &self.identity)
            .finish()
    }
}

/// One client per account; never shared between accounts.
///
/// Besides the connections it keeps what connectors may learn about an account while the process lives, since they hold
/// no state themselves: which credential works, which edition of the wire format, how often in a row a quota was said to be
/// used up, and what else a service told in words. All are hints; losing them costs a refused call or a warning said twice.
pub struct Client {
    base: Url,
    auth: Option<Url>,
    reads: reqwest::Client,
    changes: reqwest::Client,
    body_cap: usize,
    credential: AtomicUsize,
    edition: AtomicUsize,
    throttled: Mutex<HashMap<String, u32>>,
    hints: Mutex<BTreeMap<String, String>>,
    tokens: tokio::sync::Mutex<Option<Kept>>,
    meter: Option<Meter>,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("base", &self.base.as_str()).finish_non_exhaustive()
    }
}

impl Client {
    /// Builds the client; opens no connection.
    ///
    /// # Errors
    /// What is wrong with the URL, the proxy, the roots or the identity. Plain HTTP is refused except to loopback.
    pub fn new(spec: &ClientSpec) -> Result<Self, String> {
        let base = base_url(&spec.base_url).map_err(|e| format!("base_url: {e}"))?;
        let auth = spec.auth_url.as_deref().map(base_url).transpose();
        let auth = auth.map_err(|e| format!("auth_url: {e}"))?;
        let plain = [Some(&base), auth.as_ref()].into_iter().flatten().all(|url| url.scheme() == "http");
        Ok(Self {
            reads: build(spec, plain, Purpose::Reads)?,
            changes: build(spec, plain, Purpose::Changes)?,
            base,
            auth,
            body_cap: BODY_CAP,
            credential: AtomicUsize::new(0),
            edition: AtomicUsize::new(0),
            throttled: Mutex::default(),
            hints: Mutex::default(),
            tokens: tokio::sync::Mutex::default(),
            meter: None,
        })
    }

    /// With another cap on the size of bodies, in bytes.
    #[must_use]
    pub const fn with_body_cap(mut self, bytes: usize) -> Self {
        self.body_cap = bytes;
        self
    }

    /// With a meter that counts what it does.
    #[must_use]
    pub fn with_meter(mut self, meter: Meter) -> Self {
        self.meter = Some(meter);
        self
    }

    /// What counts for the account.
    #[must_use]
    pub const fn meter(&self) -> Option<&Meter> {
        self.meter.as_ref()
    }

    /// Which of the account's credentials worked last, counted from 0.
    #[must_use]
    pub fn preferred_credential(&self) -> usize {
        self.credential.load(Ordering::Relaxed)
    }

    /// Remembers which credential works.
    pub fn prefer_credential(&self, index: usize) {
        self.credential.store(index, Ordering::Relaxed);
    }

    /// How many editions behind the newest configured one the service was found to speak; 0 until it refused one.
    #[must_use]
    pub fn preferred_edition(&self) -> usize {
        self.edition.load(Ordering::Relaxed)
    }

    /// Remembers which edition works.
    pub fn prefer_edition(&self, behind: usize) {
        self.edition.store(behind, Ordering::Relaxed);
    }

    /// The service throttled a call of the bucket of that key. How often in a row it did so.
    pub fn throttled(&self, bucket: &str) -> u32 {
        let mut throttled = self.throttled.lock().unwrap_or_else(PoisonError::into_inner);
        let times = throttled.entry(bucket.to_owned()).or_default();
        *times = times.saturating_add(1);
        *times
    }

    /// The service answered a call of the bucket of that key.
    pub fn not_throttled(&self, bucket: &str) {
        self.throttled.lock().unwrap_or_else(PoisonError::into_inner).remove(bucket);
    }

    /// What the service told last of `what`.
    #[must_use]
    pub fn hint(&self, what: &str) -> Option<String> {
        self.hints.lock().unwrap_or_else(PoisonError::into_inner).get(what).cloned()
    }

    /// Remembers what the service told of `what`; whether that is new.
    pub fn learn(&self, what: &str, told: &str) -> bool {
        let mut hints = self.hints.lock().unwrap_or_else(PoisonError::into_inner);
        hints.insert(what.to_owned(), told.to_owned()).is_none_or(|before| before != told)
    }

    /// The account's tokens; the lock is held while they are renewed, so that this happens once.
    pub(super) fn tokens(&self) -> &tokio::sync::Mutex<Option<Kept>> {
        &self.tokens
    }

    /// Sends `request` once and reads the whole answer, whatever its status. Nothing is ever resent.
    ///
    /// # Errors
    /// [`SendError`], by how far the request got. Its text names no query, no header and no body.
    pub async fn send(
        &self,
        account: &str,
        request: Request,
        ambient: &Ambient,
    ) -> Result<Response, SendError> {
        let _busy = ambient.clock().busy();
        let started = Instant::now();
        let method = request.method;
        let path = match (request.target, &self.auth) {
            (Target::Token, Some(auth)) => auth.path().to_owned(),
            _ => request.path.clone(),
        };
        let kind = kind(&request);
        let answer = self.exchange(request, ambient).await;
        let elapsed = started.elapsed();
        if let Some(meter) = &self.meter {
            meter.request(kind, outcome(&answer), elapsed);
        }
        let elapsed_ms = u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX);
        let method = method.as_str();
        match &answer {
            Ok(r) => tracing::debug!(
                target: "mallsync::http",
                account, method, path, status = r.status, bytes = r.body.len(), elapsed_ms, "Request answered."
            ),
            Err(e) => tracing::debug!(
                target: "mallsync::http",
                account, method, path, error.message = %e, elapsed_ms, "Request failed."
            ),
        }
        answer
    }

    async fn exchange(&self, request: Request, ambient: &Ambient) -> Result<Response, SendError> {
        let deadline = request.deadline;
        let client = if request.changes { &self.changes } else { &self.reads };
        let wire = self.wire(client, request)?;
        let sent_at = ambient.now();
        match tokio::time::timeout(deadline, receive(wire, self.body_cap, sent_at)).await {
            Ok(answer) => answer,
            Err(_) => {
                Err(SendError::NoAnswer(format!("nothing complete within {} ms", deadline.as_millis())))
            }
        }
    }

    /// Everything that can fail before a connection is opened.
    fn wire(&self, client: &reqwest::Client, request: Request) -> Result<reqwest::RequestBuilder, SendError> {
        let mut url = match (request.target, &self.auth) {
            (Target::Api, _) => join(&self.base, &request.path).map_err(SendError::NotSent)?,
            (Target::Token, Some(auth)) => auth.clone(),
            (Target::Token, None) => {
                return Err(SendError::NotSent("no token endpoint is configured".to_owned()));
            }
        };
        if !request.query.is_empty() {
            url.query_pairs_mut().extend_pairs(request.query.iter().map(|(k, v)| (*k, v.as_str())));
        }
        let mut headers = HeaderMap::new();
        for (name, value) in &request.headers {
            let invalid = || SendError::NotSent(format!("header {name} holds characters that no header may"));
            let mut value = HeaderValue::from_str(value.expose()).map_err(|_| invalid())?;
            value.set_sensitive(true);
            headers.insert(HeaderName::from_bytes(name.as_bytes()).map_err(|_| invalid())?, value);
        }
        let mut content = |kind: &'static str| {
            headers.entry(CONTENT_TYPE).or_insert(HeaderValue::from_static(kind));
        };
        let body = match request.body {
            Body::Empty => None,
            Body::Json(json) => {
                content("application/json; charset=utf-8");
                Some(json)
            }
            Body::Xml(xml) => {
                content("text/xml; charset=UTF-8");
                Some(xml)
            }
            Body::Form(fields) => {
                content("application/x-www-form-urlencoded; charset=UTF-8");
                let mut form = url::form_urlencoded::Serializer::new(String::new());
                form.extend_pairs(fields.iter().map(|(k, v)| (*k, v.as_str())));
                Some(form.finish().into_bytes())
            }
        };
        let method = match request.method {
            Method::Get => reqwest::Method::GET,
            Method::Post => reqwest::Method::POST,
        };
        let wire = client.request(method, url).headers(headers);
        Ok(match body {
            Some(body) => wire.body(body),
            None => wire,
        })
    }
}

/// What a request is for, as metrics name it.
const fn kind(request: &Request) -> &'static str {
    match (request.target, request.changes) {
        (Target::Token, _) => "token",
        (Target::Api, true) => "change",
        (Target::Api, false) => "read",
    }
}

/// How it ended, as metrics name it.
const fn outcome(answer: &Result<Response, SendError>) -> &'static str {
    match answer {
        Ok(Response { status: 429, .. }) => "429",
        Ok(Response { status: 500.., .. }) => "5xx",
        Ok(Response { status: 400.., .. }) => "4xx",
        Ok(Response { status: 300.., .. }) => "3xx",
        Ok(_) => "2xx",
        Err(SendError::Closed(_) | SendError::NotSent(_)) => "not_sent",
        Err(SendError::NoAnswer(_)) => "no_answer",
    }
}

impl Method {
    /// The word on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Purpose {
    Reads,
    Changes,
}

#[expect(clippy::disallowed_methods, reason = "the one place that builds clients")]
fn build(spec: &ClientSpec, plain: bool, purpose: Purpose) -> Result<reqwest::Client, String> {
    let mut builder = reqwest::Client::builder()
        .user_agent(USER_AGENT)
        .connect_timeout(CONNECT_TIMEOUT)
        .redirect(reqwest::redirect::Policy::none())
        .referer(false)
        .retry(reqwest::retry::never())
        .no_proxy();
    if purpose == Purpose::Changes {
        // A reused connection may be closing under us, and then nobody knows whether the request arrived.
        builder = builder.http1_only().pool_max_idle_per_host(0).no_gzip();
    }
    if plain && spec.proxy.is_none() {
        // No TLS at all, so a machine without root certificates will do.
        builder = builder.tls_certs_only([]);
    }
    if let Some(proxy) = &spec.proxy {
        let proxy = reqwest::Proxy::all(proxy)
            .map_err(|_| "proxy: expected a URL such as http://192.0.2.1:3128".to_owned())?;
        builder = builder.proxy(proxy);
    }
    if let Some(pem) = &spec.extra_roots {
        let roots = reqwest::Certificate::from_pem_bundle(pem)
            .map_err(|_| "ca_file: not PEM certificates (-----BEGIN CERTIFICATE-----)".to_owned())?;
        if roots.is_empty() {
            return Err("ca_file: holds no certificate (-----BEGIN CERTIFICATE-----)".to_owned());
        }
        builder = builder.tls_certs_merge(roots);
    }
    if let Some(identity) = &spec.identity {
        builder = builder.identity(identity.to_reqwest()?);
    }
    builder.build().map_err(|e| format!("the HTTP client cannot be built: {}", describe(e)))
}

/// Whether `text` has the form of a base URL: a host, no query, no password. Whether plain HTTP may go there is another
/// question, which `config` answers for every URL at once.
///
/// # Errors
/// What was expected; the URL is not repeated.
pub fn check_url(text: &str) -> Result<(), String> {
    parse_base(text).map(drop)
}

fn parse_base(text: &str) -> Result<Url, String> {
    let url = Url::parse(text).map_err(|e| format!("not a URL ({e}); expected https://HOST/…"))?;
    if url.query().is_some()
        || url.fragment().is_some()
        || url.password().is_some()
        || !url.username().is_empty()
    {
        return Err("must hold no query, fragment, user or password".to_owned());
    }
    if !matches!(url.scheme(), "https" | "http") || !url.has_host() {
        return Err("expected https://HOST/…".to_owned());
    }
    Ok(url)
}

fn base_url(text: &str) -> Result<Url, String> {
    let url = parse_base(text)?;
    if url.scheme() == "http" && !url.host_str().is_some_and(is_loopback) {
        return Err("plain http:// is allowed to loopback alone; use https://".to_owned());
    }
    Ok(url)
}

fn is_loopback(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || bare.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

/// Appends a documented path to the base, which may hold a path itself.
fn join(base: &Url, path: &str) -> Result<Url, String> {
    let text = format!("{}/{}", base.as_str().trim_end_matches('/'), path.trim_start_matches('/'));
    let url = Url::parse(&text).map_err(|e| format!("path {path}: {e}"))?;
    if url.query().is_some() || url.fragment().is_some() || url.origin() != base.origin() {
        return Err(format!("path {path}: a path must not hold ? or #"));
    }
    Ok(url)
}

#[expect(clippy::disallowed_methods, reason = "the one place that sends")]
async fn receive(
    wire: reqwest::RequestBuilder,
    body_cap: usize,
    sent_at: Timestamp,
) -> Result<Response, SendError> {
    let mut answer = wire.send().await.map_err(|e| {
        // Only these two prove that no byte of the request left.
        if e.is_builder() || e.is_connect() {
            SendError::NotSent(describe(e))
        } else {
            SendError::NoAnswer(describe(e))
        }
    })?;
    let status = answer.status().as_u16();
    let headers: Vec<(String, String)> = answer
        .headers()
        .iter()
        .map(|(n, v)| (n.as_str().to_owned(), String::from_utf8_lossy(v.as_bytes()).into_owned()))
        .collect();
    let too_large =
        || SendError::NoAnswer(format!("HTTP {status} with a body of more than {body_cap} bytes"));
    if answer.content_length().is_some_and(|n| n > body_cap as u64) {
        return Err(too_large());
    }
    let mut body = BytesMut::new();
    loop {
        let chunk = answer.chunk().await.map_err(|e| {
            SendError::NoAnswer(format!("HTTP {status}, then after {} bytes: {}", body.len(), describe(e)))
        })?;
        let Some(chunk) = chunk else { break };
        if body.len() + chunk.len() > body_cap {
            return Err(too_large());
        }
        body.extend_from_slice(&chunk);
    }
    let server_time = headers
        .iter()
        .find(|(n, _)| n == "date")
        .and_then(|(_, v)| DateTime::parse_from_rfc2822(v).ok())
        .map(Timestamp::from);
    Ok(Response { status, headers, body: Bytes::from(body), sent_at, server_time })
}

/// The error and its causes in one line, without the URL: its query may hold a key.
fn describe(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(e) = cause {
        let part = e.to_string();
        if !text.ends_with(&part) {
            text.push_str(": ");
            text.push_str(&part);
        }
        cause = e.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_http_goes_to_loopback_alone() {
        for good in
            ["https://api.example.jp", "http://127.0.0.1:9480/rakuten", "http://localhost/", "http://[::1]:1"]
        {
            assert!(base_url(good).is_ok(), "{good}");
        }
        for bad in [
            "http://api.example.jp",
            "http://127.0.0.1.example.jp",
            "ftp://127.0.0.1",
            "api.example.jp",
            "https://user:pass@api.example.jp",
            "https://api.example.jp/?a=b",
        ] {
            assert!(base_url(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn documented_paths_are_appended_to_the_base() {
        let base = base_url("http://127.0.0.1:9480/rakuten").unwrap();
        assert_eq!(
            join(&base, "/es/2.0/order/").unwrap().as_str(),
            "http://127.0.0.1:9480/rakuten/es/2.0/order/"
        );
        let base = base_url("https://host/api/").unwrap();
        assert_eq!(join(&base, "traderEntry.api").unwrap().as_str(), "https://host/api/traderEntry.api");
        assert!(join(&base, "a?b=c").is_err());
    }

    #[test]
    fn debug_shows_no_proxy_password() {
        let spec = ClientSpec {
            base_url: "https://host".into(),
            proxy: Some("http://u:canary@192.0.2.1".into()),
            ..ClientSpec::default()
        };
        assert!(!format!("{spec:?} {:?}", Client::new(&spec).unwrap()).contains("canary"));
    }
}
