//! `check`: H01 tells which address the gateway sees; E04 of a linked settlement proves the contract (decisions.md 19).
//!
//! A03 (お預かり情報照会) is left out by choice: it asks for a member's id and authentication key, which no order carries.
//! `settlements cards` asks it, with those that a person types.

use std::net::IpAddr;
use std::time::Duration;

use super::codes::describe;
use super::{WebCollect, map};
use crate::clock::Timestamp;
use crate::domain::account::{Finding, Health, Level};
use crate::http::{Call, Fault, Response};

/// The gateway's times have whole seconds and travel with the answer.
const SKEW: Duration = Duration::from_secs(120);

/// At most two calls, neither changes anything. Refusals of class CONF are findings.
///
/// # Errors
/// What kept the answer away that decides: E04's where a settlement is linked, else H01's.
pub(super) async fn check(
    gateway: &WebCollect,
    call: &Call<'_>,
    linked: Option<&str>,
) -> Result<Health, Fault> {
    let mut health = Health::default();
    let mut trouble = None;
    match ask_address(gateway, call).await {
        Ok((address, findings)) => (health.address, health.findings) = (address, findings),
        Err(fault @ (Fault::Stopping | Fault::Throttled { .. })) => return Err(fault),
        Err(fault) => trouble = Some(fault),
    }
    let Some(number) = linked else {
        return match trouble {
            None => Ok(health),
            Some(fault) => {
                refusal(fault).map(|finding| Health { findings: vec![finding], ..Health::default() })
            }
        };
    };
    match ask_linked(gateway, call, number).await {
        Ok(findings) => {
            // H01 is answered by another host (§1): with the contract proven, its trouble stops nobody.
            health.findings.extend(trouble.map(|fault| {
                finding(
                    Level::Warning,
                    "address_unknown",
                    format!("the gateway did not say which address it sees: {fault}"),
                    Some("try again later; look-ups work meanwhile"),
                )
            }));
            for found in findings {
                if health.findings.iter().all(|known| known.code != found.code) {
                    health.findings.push(found);
                }
            }
        }
        Err(fault) => health.findings.push(refusal(fault)?),
    }
    Ok(health)
}

/// H01.
async fn ask_address(gateway: &WebCollect, call: &Call<'_>) -> Result<(Option<IpAddr>, Vec<Finding>), Fault> {
    let call = match &gateway.address_client {
        Some(client) => Call { client, ..*call },
        None => *call,
    };
    let response = call.send(gateway.address()).await?;
    let reply = map::read_only(response.status, &response.body).map_err(|(fault, _)| fault)?;
    let seen = reply.leaf("ipAddress").and_then(|text| text.parse().ok());
    let findings = [Some(address(seen)), clock(&response, map::returned_at(&reply))];
    Ok((seen, findings.into_iter().flatten().collect()))
}

/// E04 of a settlement that is linked to an order.
async fn ask_linked(gateway: &WebCollect, call: &Call<'_>, number: &str) -> Result<Vec<Finding>, Fault> {
    let response = call.send(gateway.look(number)).await?;
    let info = map::trade_info(response.status, &response.body, number).map_err(|(fault, _)| fault)?;
    let signed_in = format!("the gateway answers for the 加盟店コード {}", gateway.trader_code);
    let unknown = (info.observed.is_none() && !info.ambiguous).then(|| {
        finding(
            Level::Warning,
            "linked_unknown",
            format!("the gateway does not know the 受付番号 {number}, which is linked to an order"),
            Some(
                "check `trader_code`, `environment` and the rule that makes reception numbers, or link the right one \
                 with `settlements link`",
            ),
        )
    });
    let signed_in = finding(Level::Ok, "signed_in", signed_in, None);
    Ok([Some(signed_in), unknown, clock(&response, info.returned_at)].into_iter().flatten().collect())
}

/// A refusal that a person can mend, under a stable word; any other fault stays one.
fn refusal(fault: Fault) -> Result<Finding, Fault> {
    let Fault::Auth { code, .. } = &fault else { return Err(fault) };
    let word = match code.as_str() {
        "Z012000007" => "trader_refused",
        "Z012000008" => "contract_missing",
        "Z012000009" => "address_not_registered",
        _ => "function_refused",
    };
    Ok(finding(Level::Error, word, describe(code), Some(map::mend(code))))
}

fn address(seen: Option<IpAddr>) -> Finding {
    match seen {
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

/// Tells of a clock that differs from the gateway's.
fn clock(response: &Response, returned_at: Option<Timestamp>) -> Option<Finding> {
    let theirs = returned_at.or(response.server_time)?;
    let apart = theirs.since(response.sent_at).max(response.sent_at.since(theirs));
    (apart > SKEW).then(|| {
        finding(
            Level::Warning,
            "clock_skew",
            format!("this machine's clock is {} seconds away from the gateway's", apart.as_secs()),
            Some("set this machine's clock by NTP: dates of capture and of authorisations hang on it"),
        )
    })
}

fn finding(level: Level, code: &str, message: String, action: Option<&str>) -> Finding {
    Finding { level, code: code.to_owned(), message, action: action.map(str::to_owned) }
}
