//! `check`: at most three harmless calls that tell whether the account works (decisions.md 19; amazon-sp-api.md §4.3, §6,
//! §8.5).

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;

use super::auth::{self, PLACE, ROLE_MISSING};
use super::wire::{self, Function, OrderAnswer, SearchRequest};
use super::{Amazon, map};
use crate::clock::Timestamp;
use crate::domain::account::{Bucket, Expiry, Finding, Health, Level};
use crate::domain::ids::OrderRef;
use crate::http::{Call, Closed, Fault, Gate, Priority};
use crate::malls::findings::{self, CALLS, end_unknown, finding, skew};

/// §4.4.
const WARN_BEFORE: Duration = Duration::from_secs(30 * 86_400);
/// A `lastUpdatedBefore` must lie two minutes back (§8.1); the rest is for clocks that differ.
const BACK: Duration = Duration::from_secs(5 * 60);
/// What restricted members need (§8.5).
const ADDRESS_ROLE: &str = "Direct-to-Consumer Delivery (Restricted)";

/// A gate that opens so often and no more, calls for tokens included.
struct Few<'a> {
    gate: &'a dyn Gate,
    left: AtomicUsize,
}

#[async_trait]
impl Gate for Few<'_> {
    async fn admit(&self, bucket: &Bucket, priority: Priority) -> Result<(), Closed> {
        let taken = self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1));
        match taken {
            Ok(_) => self.gate.admit(bucket, priority).await,
            Err(_) => Err(Closed::Failed(format!("{CALLS} calls are used up; check again"))),
        }
    }

    async fn pause(&self, bucket: &Bucket, until: Timestamp) {
        self.gate.pause(bucket, until).await;
    }

    fn pace(&self, bucket: &Bucket, per: Duration) {
        self.gate.pace(bucket, per);
    }
}

impl Amazon {
    pub(super) async fn health(&self, call: &Call<'_>, newest: Option<&OrderRef>) -> Result<Health, Fault> {
        let few = Few { gate: call.gate, left: AtomicUsize::new(CALLS) };
        let call = Call { gate: &few, ..*call };
        let ask = newest.and_then(super::get);
        let function = if ask.is_some() { Function::GetOrder } else { Function::SearchOrders };
        let asked = match ask {
            Some(ask) => {
                let answered = self.credentials.ask::<OrderAnswer>(&call, &ask).await;
                answered.map(|(answer, response)| (address(&answer), response))
            }
            None => {
                let answered = self.search(&call, &self.a_minute(call.now()), None).await;
                answered.map(|(_, response)| (address_not_seen(), response))
            }
        };
        let mut health = Health { expiries: self.expiries.clone(), ..Health::default() };
        match asked {
            Ok((address, response)) => {
                health.findings.push(signed_in(function));
                health.findings.extend(skew(&response, super::MALL.title));
                health.findings.push(address);
            }
            Err(Fault::Auth { code, message }) => health.findings.push(refused(&code, &message)),
            Err(Fault::Quota { until }) => health.findings.push(not_asked(until)),
            Err(Fault::Stopping) => return Err(Fault::Stopping),
            Err(fault) if wire::is_not_found(&fault) => health.findings.push(other_account()),
            Err(fault) => health.findings.push(failed(function, &fault)),
        }
        match self.expiries.as_slice() {
            [] => health.findings.push(end_unknown("client_secret", PLACE)),
            ends => health.findings.extend(ends.iter().map(|end| expiry_finding(end, call.now()))),
        }
        Ok(health)
    }

    /// A search of one minute.
    fn a_minute(&self, now: Timestamp) -> SearchRequest {
        let end = now - BACK;
        SearchRequest {
            last_updated_after: Some(wire::datetime(end - Duration::from_secs(60))),
            last_updated_before: Some(wire::datetime(end)),
            ..SearchRequest::new(&self.marketplace_ids)
        }
    }
}

fn signed_in(function: Function) -> Finding {
    let message = format!("Amazon accepted the credentials: {} answers", function.name());
    finding(Level::Ok, "signed_in", message, None)
}

fn refused(code: &str, message: &str) -> Finding {
    let about = if message.starts_with(ROLE_MISSING) { "permission_missing" } else { "signed_in" };
    let (what, said, action) = auth::parts(message).unwrap_or((message, "-", ""));
    let action = Some(action.to_owned()).filter(|action| !action.is_empty());
    finding(Level::Error, about, format!("{what}: {said} ({code})"), action)
}

fn other_account() -> Finding {
    finding(
        Level::Warning,
        "signed_in",
        "Amazon accepted the credentials, but does not know the newest order that is stored: refresh_token is another \
         seller account's"
            .to_owned(),
        Some(auth::authorize_again()),
    )
}

fn failed(function: Function, fault: &Fault) -> Finding {
    finding(Level::Error, "call_failed", format!("{} failed: {fault}", function.name()), None)
}

fn not_asked(until: Timestamp) -> Finding {
    let message = format!("not asked: the quota of the operation is used up until {until}");
    finding(Level::Warning, "not_asked", message, None)
}

fn address_not_seen() -> Finding {
    let message =
        "whether names and addresses are shown is not known: no order of the shop's own is stored yet";
    finding(Level::Ok, "not_asked", message.to_owned(), None)
}

/// §8.5: without the role the members are absent, and nothing says so.
fn address(answer: &OrderAnswer) -> Finding {
    let shown = answer.order.as_ref().and_then(|raw| super::read_model(raw).ok());
    match shown.as_ref().and_then(map::shows_address) {
        Some(true) => {
            let message = "names and addresses of orders to be shipped are shown".to_owned();
            finding(Level::Ok, "permission", message, None)
        }
        Some(false) => finding(
            Level::Warning,
            "permission_missing",
            format!("names and addresses are withheld: the application lacks the role {ADDRESS_ROLE}"),
            Some(auth::add_role()),
        ),
        None => {
            let message = "whether names and addresses are shown is not known: the newest order of the shop's own is \
                           pending or cancelled";
            finding(Level::Ok, "not_asked", message.to_owned(), None)
        }
    }
}

fn expiry_finding(expiry: &Expiry, now: Timestamp) -> Finding {
    findings::end(expiry, now, WARN_BEFORE, auth::new_secret())
}
