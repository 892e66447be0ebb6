//! The one place that sends: a client per account with its deadlines, size cap, identity and proxy; faults told apart by
//! how far the request got; one debug line a request, without secrets (architecture.md, "Faults are not effects").

use std::fmt;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use bytes::Bytes;
use thiserror::Error;

use crate::clock::{Ambient, Timestamp};
pub use crate::domain::account::Bucket;

/// The client of an account and how it is built.
pub mod client;
mod scrub;
/// Charsets and XML that refuse a DOCTYPE.
pub mod text;
/// Client identities (PEM, ZIP) and extra roots.
pub mod tls;
/// Bearer tokens: refresh, consent, what is kept of them.
pub mod tokens;
/// Where sealed tokens are kept.
pub mod vault;
/// XML as a tree.
pub mod xml;

pub use client::{Client, ClientSpec};
pub use vault::Vault;

/// Why a gate does not open now.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Closed {
    /// The quota is used up until then; too far away to wait for it here.
    #[error("quota used up until {0}")]
    Until(Timestamp),
    /// The daemon is stopping: send nothing new.
    #[error("stopping")]
    Stopping,
    /// The limiter's row could not be read.
    #[error("limiter: {0}")]
    Failed(String),
}

/// Who goes first where a quota is short.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Priority {
    /// What must not be late: new orders, effects.
    #[default]
    Live,
    /// What takes the quota left over: backfills, orders read again. It leaves room for the others and waits elsewhere.
    Spare,
}

/// Admission to a service, implemented by `engine` over the limiter's rows.
#[async_trait]
pub trait Gate: Send + Sync {
    /// Returns when one call may be sent; waits a short while if it must.
    ///
    /// # Errors
    /// [`Closed`] when the wait would be long, or the daemon stops.
    async fn admit(&self, bucket: &Bucket, priority: Priority) -> Result<(), Closed>;

    /// The service asked for a pause: no call of this bucket before `until`.
    async fn pause(&self, bucket: &Bucket, until: Timestamp);

    /// The service told its rate: one call in `per`. It only ever makes the bucket slower than it was published.
    fn pace(&self, bucket: &Bucket, per: Duration);
}

/// What a request carries.
#[derive(Clone)]
pub enum Body {
    /// Nothing.
    Empty,
    /// JSON text, sent as `application/json; charset=utf-8`.
    Json(Vec<u8>),
    /// Form fields, sent as `application/x-www-form-urlencoded; charset=UTF-8`.
    Form(Vec<(&'static str, String)>),
    /// XML text, sent as `text/xml; charset=UTF-8`.
    Xml(Vec<u8>),
}

/// One request. `Debug` shows method and path alone.
#[derive(Clone)]
pub struct Request {
    /// `GET` or `POST`.
    pub method: Method,
    /// Which of the account's URLs.
    pub target: Target,
    /// Appended to the client's base URL; the only part of the URL that is logged.
    pub path: String,
    /// Never logged.
    pub query: Vec<(&'static str, String)>,
    /// Never logged.
    pub headers: Vec<(&'static str, crate::secret::Secret)>,
    /// Never logged.
    pub body: Body,
    /// Whether it changes something outside: no connection is reused and nothing is ever resent (decisions.md 7).
    pub changes: bool,
    /// For the whole call.
    pub deadline: Duration,
    /// Which quotas it uses.
    pub buckets: Vec<Bucket>,
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} {}", self.method, self.path)
    }
}

/// Which of an account's URLs a request goes to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Target {
    /// Below `base_url`.
    #[default]
    Api,
    /// `auth_url` itself: the token endpoint.
    Token,
}

/// HTTP methods in use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// Reads.
    Get,
    /// Reads and changes.
    Post,
}

/// A complete answer, whatever its status.
#[derive(Clone)]
pub struct Response {
    /// HTTP status.
    pub status: u16,
    /// Headers, lower-case names.
    pub headers: Vec<(String, String)>,
    /// The body, within the size cap.
    pub body: Bytes,
    /// When the request was sent: what "newer" is judged by (decisions.md 13).
    pub sent_at: Timestamp,
    /// The other side's clock, from its `Date` header.
    pub server_time: Option<Timestamp>,
}

impl Response {
    /// The first header of that (lower-case) name.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str())
    }

    /// `Retry-After`, in seconds or as a date.
    #[must_use]
    pub fn retry_after(&self) -> Option<Timestamp> {
        let value = self.header("retry-after")?.trim();
        if let Ok(seconds) = value.parse::<u32>() {
            return Some(self.sent_at + Duration::from_secs(seconds.into()));
        }
        chrono::DateTime::parse_from_rfc2822(value).ok().map(Timestamp::from)
    }
}

impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HTTP {} ({} bytes)", self.status, self.body.len())
    }
}

/// No complete answer came. What matters for a change is how far the request got.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum SendError {
    /// Not admitted: nothing was sent.
    #[error(transparent)]
    Closed(#[from] Closed),
    /// Connecting or the handshake failed: nothing was sent.
    #[error("could not connect: {0}")]
    NotSent(String),
    /// The request may have arrived; no complete answer did (timeout, reset, half a body, too large a body).
    #[error("no complete answer: {0}")]
    NoAnswer(String),
}

/// A read failed. Carries what to do next.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Fault {
    /// Our own limiter: the quota is used up until then. Nothing is wrong.
    #[error("quota used up until {until}")]
    Quota {
        /// Not before this.
        until: Timestamp,
    },
    /// Too many calls, the service says: not before `until`, where it names a time.
    #[error("throttled{}", until.map(|t| format!(" until {t}")).unwrap_or_default())]
    Throttled {
        /// Not before this.
        until: Option<Timestamp>,
    },
    /// Passing: try again later.
    #[error("{0}")]
    Transient(String),
    /// The service is closed for maintenance.
    #[error("maintenance: {0}")]
    Maintenance(String),
    /// Credentials refused, or a permission is missing: a person must act.
    #[error("refused ({code}): {message}")]
    Auth {
        /// Code of the other side.
        code: String,
        /// What it means and where it is mended, for a person.
        message: String,
    },
    /// The request itself was refused.
    #[error("rejected ({code}): {message}")]
    Rejected {
        /// Code of the other side.
        code: String,
        /// Text of the other side, scrubbed.
        message: String,
    },
    /// The answer cannot be read.
    #[error("unreadable answer: {0}")]
    Malformed(String),
    /// The daemon is stopping.
    #[error("stopping")]
    Stopping,
}

impl Fault {
    /// A stable word for logs, metrics and rows.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Quota { .. } => "quota",
            Self::Throttled { .. } => "throttled",
            Self::Transient(_) => "transient",
            Self::Maintenance(_) => "maintenance",
            Self::Auth { .. } => "auth",
            Self::Rejected { .. } => "rejected",
            Self::Malformed(_) => "malformed",
            Self::Stopping => "stopping",
        }
    }
}

impl From<SendError> for Fault {
    /// For reads, where sending twice harms nobody.
    fn from(e: SendError) -> Self {
        match e {
            SendError::Closed(Closed::Until(until)) => Self::Quota { until },
            SendError::Closed(Closed::Stopping) => Self::Stopping,
            SendError::Closed(Closed::Failed(m)) | SendError::NotSent(m) | SendError::NoAnswer(m) => {
                Self::Transient(m)
            }
        }
    }
}

/// What a connector is handed for one piece of work: it holds no state, reads no clock and sees no database.
#[derive(Clone, Copy)]
pub struct Call<'a> {
    /// Name of the shop or settlement, for logs.
    pub account: &'a str,
    /// The account's client.
    pub client: &'a Client,
    /// Admission.
    pub gate: &'a dyn Gate,
    /// How its requests are admitted.
    pub priority: Priority,
    /// Tokens that outlive the process.
    pub vault: &'a dyn Vault,
    /// Time (the moment of a call, not a licence to wait) and randomness.
    pub ambient: &'a Ambient,
}

impl Call<'_> {
    /// Now.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.ambient.now()
    }

    /// Waits for admission to `bucket`.
    ///
    /// # Errors
    /// [`Closed`] when the wait would be long, or the daemon stops.
    pub async fn admit(&self, bucket: &Bucket) -> Result<(), Closed> {
        let asked = Instant::now();
        let admitted = self.gate.admit(bucket, self.priority).await;
        if let Some(meter) = self.client.meter() {
            meter.waited(asked.elapsed());
        }
        admitted
    }

    /// Waits for admission to every bucket of `request`, then sends it and reads the whole answer.
    ///
    /// # Errors
    /// [`SendError`], by how far the request got.
    pub async fn send(&self, request: Request) -> Result<Response, SendError> {
        for bucket in &request.buckets {
            self.admit(bucket).await?;
        }
        self.client.send(self.account, request, self.ambient).await
    }
}
