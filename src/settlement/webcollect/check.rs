//! `check`: H01 tells which address the gateway sees; E04 of a linked settlement proves the contract (decisions.md 19).

use std::time::Duration;

use super::{WebCollect, map, wire};
use crate::clock::Timestamp;
use crate::domain::account::{Finding, Health, Level};
use crate::http::{Call, Fault, Response};
use crate::settlement::Stop;

/// The gateway's times have whole seconds and travel with the answer.
const SKEW: Duration = Duration::from_secs(120);

/// At most two calls, neither changes anything.
///
/// # Errors
/// What kept an answer away. Refusals of class CONF are findings.
pub(super) async fn check(
    gateway: &WebCollect,
    call: &Call<'_>,
    linked: Option<&str>,
) -> Result<Health, Fault> {
    let mut health = Health::default();
    let address_call = match &gateway.address_client {
        Some(client) => Call { client, ..*call },
        None => *call,
    };
    let response = address_call.send(gateway.address()).await?;
    let mut skewed = false;
    match map::read_only(response.status, &response.body) {
        Ok(reply) => {
            health.findings.push(address(&reply));
            skewed |= clock(&mut health, &response, map::returned_at(&reply));
        }
        Err((_, Some(stop))) => health.findings.push(stopped(&stop)),
        Err((fault, None)) => return Err(fault),
    }
    if let Some(number) = linked {
        let response = call.send(gateway.look(number)).await?;
        match map::trade_info(response.status, &response.body, number) {
            Ok(info) => {
                health.findings.push(finding(
                    Level::Ok,
                    "signed_in",
                    format!("the gateway answers for the 加盟店コード {}", gateway.trader_code),
                    None,
                ));
                if info.observed.is_none() && !info.ambiguous {
                    health.findings.push(finding(
                        Level::Warning,
                        "linked_unknown",
                        format!("the gateway does not know the 受付番号 {number}, which is linked to an order"),
                        Some(
                            "check `trader_code`, `environment` and the rule that makes reception numbers, or link the \
                             right one with `settlements link`",
                        ),
                    ));
                }
                if !skewed {
                    clock(&mut health, &response, info.returned_at);
                }
            }
            Err((_, Some(stop))) => {
                let found = stopped(&stop);
                if !health.findings.contains(&found) {
                    health.findings.push(found);
                }
            }
            Err((fault, None)) => return Err(fault),
        }
    }
    Ok(health)
}

fn address(reply: &wire::Reply) -> Finding {
    match reply.leaf("ipAddress") {
        Some(address) => finding(
            Level::Ok,
            "address_seen",
            format!(
                "the gateway sees this machine at {address}; that must be the registered 接続元グローバルIP"
            ),
            None,
        ),
        None => finding(
            Level::Warning,
            "address_seen",
            "the gateway answered without the address that it sees".to_owned(),
            Some(
                "compare this machine's outgoing address with the 接続元グローバルIP registered with Yamato",
            ),
        ),
    }
}

/// A refusal that needs a person, under a stable word.
fn stopped(stop: &Stop) -> Finding {
    let code = match stop.code.as_str() {
        "Z012000007" => "trader_refused",
        "Z012000008" => "contract_missing",
        "Z012000009" => "address_not_registered",
        _ => "function_refused",
    };
    finding(Level::Error, code, super::codes::describe(&stop.code), Some(map::mend(&stop.code)))
}

/// Tells of a clock that differs from the gateway's. Whether it did.
fn clock(health: &mut Health, response: &Response, returned_at: Option<Timestamp>) -> bool {
    let Some(theirs) = returned_at.or(response.server_time) else { return false };
    let apart = theirs.since(response.sent_at).max(response.sent_at.since(theirs));
    if apart <= SKEW {
        return false;
    }
    health.findings.push(finding(
        Level::Warning,
        "clock_skew",
        format!("this machine's clock is {} seconds away from the gateway's", apart.as_secs()),
        Some("set this machine's clock by NTP: dates of capture and of authorisations hang on it"),
    ));
    true
}

fn finding(level: Level, code: &str, message: String, action: Option<&str>) -> Finding {
    Finding { level, code: code.to_owned(), message, action: action.map(str::to_owned) }
}
