//! Card settlement gateways. A gateway is a folder here, its `mod` line and its line in [`PROVIDERS`].

use std::time::Duration;

use async_trait::async_trait;

use crate::clock::Timestamp;
use crate::domain::account::{Bucket, Health, Problem, Validate};
use crate::domain::money::Yen;
use crate::domain::operation::{Answer, Intent, Verdict};
use crate::domain::settlement::{Observed, near_order};
use crate::http::text::scrub_code;
use crate::http::{Call, ClientSpec, Fault, SendError};

/// Files of reception numbers.
pub mod receptions;
/// Cards that buyers stored.
pub mod stored;
/// クロネコwebコレクト.
pub mod webcollect;

pub use stored::{Member, StoredCard};

/// Every gateway, by the word that `provider = "…"` takes.
pub const PROVIDERS: &[Registration] = &[webcollect::PROVIDER];

/// What the table says of a gateway.
#[derive(Clone, Copy)]
pub struct Registration {
    /// The word in `provider = "…"`.
    pub name: &'static str,
    /// Where the address that calls come from is registered, for people; `None`: any address is answered.
    pub registered_at: Option<&'static str>,
    /// JSON Schema of the gateway's own keys in `[settlements.NAME]` (the common ones are `config`'s).
    pub schema: fn(&mut schemars::SchemaGenerator) -> schemars::Schema,
    /// Checks the gateway's own keys; reads no secret.
    pub validate: Validate,
    /// The merchant's number at the gateway, where carriers' files may name it.
    pub trader_code: fn(&serde_json::Value) -> Option<String>,
    /// URLs that would be called with these keys.
    pub urls: fn(&serde_json::Value) -> Vec<String>,
    /// Reads secrets and builds the connector.
    pub build: fn(&str, &serde_json::Value) -> Result<Built, Vec<Problem>>,
}

/// A connector, ready to be called.
pub struct Built {
    /// The connector.
    pub settlement: Box<dyn Settlement>,
    /// How its HTTP client is built.
    pub client: ClientSpec,
    /// Secrets given inline or by environment.
    pub warnings: Vec<Problem>,
}

/// What a gateway can do; what it cannot is refused when planned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Function {
    /// Register a slip, which captures.
    Capture,
    /// Take a slip back.
    Undo,
    /// Cancel.
    Cancel,
    /// Change the amount.
    ChangeAmount,
    /// Authorise the same amount anew.
    Reauth,
    /// Move the planned ship date.
    ChangeDate,
    /// Look up.
    LookUp,
    /// List a buyer's stored cards.
    StoredCards,
}

impl Function {
    /// The function that carries `intent` out.
    #[must_use]
    pub const fn of(intent: &Intent) -> Self {
        match intent {
            Intent::Capture { .. } => Self::Capture,
            Intent::Undo { .. } => Self::Undo,
            Intent::Cancel { .. } => Self::Cancel,
            Intent::ChangeAmount { .. } => Self::ChangeAmount,
            Intent::Reauth { .. } => Self::Reauth,
            Intent::ChangeDate { .. } => Self::ChangeDate,
        }
    }

    /// One stable word; for what changes something, [`Intent::kind`]'s.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Capture => "capture",
            Self::Undo => "undo",
            Self::Cancel => "cancel",
            Self::ChangeAmount => "change_amount",
            Self::Reauth => "reauth",
            Self::ChangeDate => "change_date",
            Self::LookUp => "look_up",
            Self::StoredCards => "stored_cards",
        }
    }
}

/// Whether a function may be sent to a settlement as a look-up shows it (kuroneko-webcollect.md §5.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Permission {
    /// It may.
    Granted,
    /// Nobody knows what the gateway would do: a person decides. What to tell.
    Person(String),
    /// The gateway would refuse it. What to tell.
    Refused(String),
}

/// The whole outcome of a send, for the attempt row and the machine.
#[derive(Clone, Debug)]
pub struct Sent {
    /// What it means.
    pub answer: Answer,
    /// What must stop (CONF, kuroneko-webcollect.md §4.1), and what to tell.
    pub halt: Option<Halt>,
    /// HTTP status, where an answer came.
    pub http_status: Option<u16>,
    /// The raw answer, for the attempt row (up to 64 KiB, compressed by the store).
    pub raw: Vec<u8>,
}

/// Why something must not be used until a person has mended it. An account is probed hourly (decisions.md 11), a function
/// tried daily.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stop {
    /// Code of the other side.
    pub code: String,
    /// What is wrong and what to do.
    pub reason: String,
}

/// What an answer stops until a person has mended something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Halt {
    /// The whole account.
    Account(Stop),
    /// The function that was asked for, of this contract; the others go on.
    Function(Stop),
}

/// A look-up's answer.
#[derive(Clone, Debug)]
pub struct Looked {
    /// `None`: the gateway does not know the reception number.
    pub observed: Option<Observed>,
    /// More than one block fits and none decides (§3.3): a person.
    pub ambiguous: bool,
    /// HTTP status.
    pub http_status: u16,
    /// The raw answer.
    pub raw: Vec<u8>,
}

/// A look-up that failed.
#[derive(Clone, Debug)]
pub struct LookFailed {
    /// What to do.
    pub fault: Fault,
    /// Stop the account.
    pub stop: Option<Stop>,
    /// The raw answer, as far as one came.
    pub raw: Vec<u8>,
}

/// A connector: pure mapping around the calls it is handed.
#[async_trait]
pub trait Settlement: Send + Sync {
    /// What it can do.
    fn can(&self) -> &'static [Function];

    /// The pace, shared by all calls of the contract.
    fn bucket(&self) -> Bucket;

    /// The deadline of a changing call: what leases of effects are measured by.
    fn deadline(&self) -> Duration;

    /// Checks that need no call: alphabet, length, amount limit, check digit, dates past (§2.3, §2.5). The error is for a
    /// person.
    fn check_locally(&self, intent: &Intent, now: Timestamp) -> Result<(), String>;

    /// Whether `intent` may be sent to a settlement that shows `observed` (§5.2). Pure.
    fn allowed(&self, intent: &Intent, observed: &Observed) -> Permission;

    /// Sends `intent`, once. `NotSent` errors mean that no byte left.
    async fn send(&self, call: &Call<'_>, intent: &Intent) -> Result<Sent, SendError>;

    /// Looks a settlement up: always safe.
    async fn look_up(&self, call: &Call<'_>, reception_number: &str) -> Result<Looked, LookFailed>;

    /// Whether `looked` shows `intent` as done (§5.5; §5.6 where the gateway `claimed` so). Pure.
    fn judge(&self, intent: &Intent, looked: &Looked, claimed: bool) -> Verdict;

    /// As [`Settlement::judge`], on a settlement where `registered` slips of ours were registered before: a further
    /// parcel's slip that is not there yet is "not done" beside them (§5.2), where a stranger's slip is a person's case.
    fn judge_further(
        &self,
        intent: &Intent,
        looked: &Looked,
        claimed: bool,
        registered: &[String],
    ) -> Verdict {
        let _ = registered;
        self.judge(intent, looked, claimed)
    }

    /// The cards that a buyer stored: always safe, and asked for by a person alone.
    ///
    /// # Errors
    /// What kept the answer away; `Rejected` where there is nothing to ask with.
    async fn stored_cards(&self, call: &Call<'_>, member: &Member) -> Result<Vec<StoredCard>, Fault>;

    /// Harmless calls that tell whether the account works: H01, and E04 of `linked` if there is one (decisions.md 19).
    async fn check(&self, call: &Call<'_>, linked: Option<&str>) -> Result<Health, Fault>;
}

/// The identity check before the first operation (decisions.md 2): right state, the same amount, authorised within three
/// days of the order. `Err` is the reason for a person.
///
/// # Errors
/// The reason, for a person.
pub fn identify(
    observed: &Observed,
    due: Yen,
    ordered_at: Timestamp,
    registered_elsewhere: bool,
) -> Result<(), String> {
    use crate::domain::settlement::SettlementState::{Authorized, Registered, Settled};
    match observed.state {
        Authorized => {}
        Registered | Settled if registered_elsewhere => {}
        other => {
            return Err(format!("the gateway shows it as {other} (status {})", scrub_code(&observed.status)));
        }
    }
    same_sale(observed, Some(due), ordered_at)
}

/// The part of the identity check that no change of state touches: the amount, where one is known, and the day.
///
/// # Errors
/// The reason, for a person.
pub fn same_sale(observed: &Observed, due: Option<Yen>, ordered_at: Timestamp) -> Result<(), String> {
    match (observed.amount, due) {
        (_, None) => {}
        (Some(amount), Some(due)) if amount == due => {}
        (Some(amount), Some(due)) => {
            return Err(format!("the gateway holds {amount} yen, the order's due is {due} yen"));
        }
        (None, Some(_)) => return Err("the gateway shows no amount".to_owned()),
    }
    match observed.authorized_at {
        Some(at) if near_order(at, ordered_at) => Ok(()),
        Some(at) => Err(format!("authorised at {at}, more than three days from the order of {ordered_at}")),
        None => Err("the gateway shows no date of authorisation".to_owned()),
    }
}
