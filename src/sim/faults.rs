//! Faults on demand: which calls they hit, and what they do to effect and answer.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::dice::{Dice, Salt};
use super::http::Answer;

/// Which calls a fault hits. Every member that is given must hold.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Rule {
    /// `rakuten`, `yahoo`, `aupay`, `amazon` or `webcollect`; empty: any.
    pub service: String,
    /// `searchOrder`, `getOrder`, `shipmentEntry`, …; empty: any.
    pub function: String,
    /// Only calls about this order number (web collect: `order_no`; `getOrder`: among those asked for; a search is
    /// about none).
    pub order: String,
    /// The n-th calls, from 1, counted over those that meet the conditions above since the rule was set; empty: all.
    pub calls: BTreeSet<u64>,
    /// So many in a million, by the world's seed; 0: always.
    pub per_million: u64,
    /// At most so often; 0: no limit.
    pub times: u64,
    /// What happens.
    pub fault: Fault,
}

/// What goes wrong. `effect`: did the call take effect before it went wrong?
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Fault {
    /// Nothing goes wrong: a rule that only counts.
    #[default]
    None,
    /// The request is read, nothing happens, the connection is reset.
    ResetBeforeEffect,
    /// The effect happens; the connection is reset before a byte of the answer.
    ResetAfterEffect,
    /// The effect happens; the connection ends after `at` bytes of status line and headers.
    CutHeader {
        /// Bytes that still go out.
        at: usize,
    },
    /// The effect happens; the connection ends after the headers and `at` bytes of the body.
    CutBody {
        /// Bytes of the body that still go out.
        at: usize,
    },
    /// Everything goes out without a length, then a reset stands where the end should be.
    ResetBeforeClose,
    /// No byte of an answer until the client goes away.
    Stall {
        /// Did the call take effect?
        effect: bool,
        /// Answer other calls for this order number with "in progress" (Z012000004) meanwhile.
        #[serde(default)]
        hold: bool,
    },
    /// The request is read, the connection is reset, and the effect happens so much later (web collect, and the changing
    /// calls of the malls).
    LateEffect {
        /// Simulated seconds from the call to its effect.
        seconds: u64,
        /// Answer other calls for this order number with "in progress" (Z012000004) until then.
        #[serde(default)]
        hold: bool,
    },
    /// Headers and `at` bytes of the body, then nothing until the client goes away.
    StallBody {
        /// Bytes of the body that still go out.
        at: usize,
    },
    /// The answer comes late, by this many milliseconds of the machine's time; until then the gateway answers other calls
    /// for this order number with "in progress" (Z012000004).
    Delay {
        /// Milliseconds.
        millis: u64,
    },
    /// An HTTP status with a body that fits it.
    Status {
        /// 429, 500, 502, 503, …
        status: u16,
        /// What the body is.
        #[serde(default)]
        body: Body,
        /// Did the call take effect?
        #[serde(default)]
        effect: bool,
        /// Seconds for a `Retry-After` header; 0: none.
        #[serde(default)]
        retry_after: u64,
    },
    /// An HTML page with status 200, nothing done.
    MaintenancePage,
    /// Status 200 and an empty body after the effect.
    EmptyBody,
    /// A byte order mark before the body.
    Bom,
    /// Members that no edition has, and the known ones in another order.
    ExtraElements,
    /// White space and CDATA in leaves (XML only).
    Decorated,
    /// The first half of the document, with a length that fits it.
    Truncated,
    /// A document type declaration before the root (XML only).
    Doctype,
    /// Two blocks of result data (XML look-ups only).
    TwoBlocks,
    /// The gateway's `errorCode`, after the effect or without; a business error of au PAY or Rakuten; a refusal of Yahoo!
    /// (`od91001`, `px-04306`, …).
    Code {
        /// Ten characters, e.g. `Z019999999`; au PAY: any; Rakuten: `ERROR_101`, `WARNING_101`, …; Yahoo!: a code of
        /// yahoo-shopping.md §8.3 or §8.4.
        code: String,
        /// Did the call take effect?
        #[serde(default)]
        effect: bool,
    },
    /// `returnCode` 0 together with an `errorCode`.
    ZeroWithCode,
    /// `returnCode` 1 without an `errorCode`, nothing done.
    OneWithoutCode,
    /// A refusal before any function. Rakuten: `ES01-01`, `ES04-01`, `GA0001`, `ES01-02`. Yahoo!: `invalid_token` (the
    /// access token is dead), `insufficient_scope`, `incomplete`, a `px-` code, or an `error` of its token endpoint. au
    /// PAY: `0002`, `CME0022`. Amazon: `expired`, `revoked`, `missing`, `secret_expired`, `role`, and of its sign-in
    /// `invalid_grant`, `invalid_client`, ….
    Auth {
        /// The code.
        code: String,
    },
    /// The mall's answer to a pace it does not like: Rakuten 403, XML, QPSLimit; Yahoo! as its switches say; Amazon 429
    /// QuotaExceeded.
    QpsLimit,
    /// `getOrder` keeps its first order back and says so with `WARNING_101`; Yahoo! leaves the first row of a list out
    /// and says `Not Exists` of an order; a list of au PAY leaves one out without a word.
    Withhold,
    /// Some orders are shown with another value in one place (all malls; Rakuten's `getOrder` alone).
    Tamper {
        /// Their numbers; the others of the answer stay as they are.
        orders: BTreeSet<String>,
        /// Where, as a JSON pointer into the order, `/SettlementModel/settlementMethodCode`, or as a path of elements
        /// in it, `/Detail/TotalPrice`, `/detail/0/unit`.
        place: String,
        /// What stands there instead.
        value: serde_json::Value,
    },
    /// A whole document in which a member is of a type that no edition gave it, or a root that none has (Yahoo!).
    WrongShape,
}

/// The body of a faulty status.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Body {
    /// A page for people.
    #[default]
    Html,
    /// A JSON object.
    Json,
    /// Nothing.
    Empty,
}

/// The malls' functions whose effect may come late.
const CHANGING: [&str; 11] = [
    "orderShipStatusChange",
    "orderStatusChange",
    "orderPayStatusChange",
    "orderChange",
    "confirmShipment",
    "confirmOrder",
    "updateOrderShipping",
    "updateOrderShippingAsync",
    "updateTradeInfoProc",
    "updateTradeStsProc",
    "cancelTradeProc",
];

impl Fault {
    /// Does the call take effect (or is it read, where it only reads)?
    pub(crate) fn effect(&self) -> bool {
        match self {
            Self::ResetBeforeEffect
            | Self::LateEffect { .. }
            | Self::MaintenancePage
            | Self::OneWithoutCode
            | Self::Auth { .. }
            | Self::QpsLimit => false,
            Self::Stall { effect, .. } | Self::Status { effect, .. } | Self::Code { effect, .. } => *effect,
            _ => true,
        }
    }

    /// Is it a fault of this service? (What one service calls an error means nothing to the other.)
    fn concerns(&self, service: &str, function: &str) -> bool {
        match self {
            Self::ZeroWithCode | Self::OneWithoutCode | Self::TwoBlocks => service == "webcollect",
            Self::LateEffect { .. } => service == "webcollect" || CHANGING.contains(&function),
            Self::Code { .. } => matches!(service, "webcollect" | "yahoo" | "aupay" | "rakuten"),
            Self::Decorated | Self::Doctype => matches!(service, "webcollect" | "yahoo" | "aupay"),
            Self::Withhold => matches!(service, "rakuten" | "yahoo" | "aupay"),
            Self::Auth { .. } | Self::Tamper { .. } | Self::WrongShape => {
                matches!(service, "rakuten" | "yahoo" | "aupay" | "amazon")
            }
            Self::QpsLimit => matches!(service, "rakuten" | "yahoo" | "amazon"),
            _ => true,
        }
    }

    /// Is a call that waits for its answer to be seen as in progress?
    pub(crate) fn holds(&self) -> bool {
        matches!(self, Self::Stall { hold: true, .. } | Self::Delay { .. })
    }

    /// Does what the fault does to a body that both services could send.
    pub(crate) fn mangle(&self, answer: Answer) -> Answer {
        match self {
            Self::Status { status, body, retry_after, .. } => {
                let answer = match body {
                    Body::Html => Answer::new(*status, "text/html; charset=UTF-8", page(*status)),
                    Body::Json => Answer::new(
                        *status,
                        "application/json;charset=UTF-8",
                        format!("{{\"status\":{status},\"error\":\"simulated\"}}"),
                    ),
                    Body::Empty => Answer::new(*status, "text/plain", ""),
                };
                if *retry_after > 0 { answer.with("Retry-After", retry_after.to_string()) } else { answer }
            }
            Self::MaintenancePage => Answer::new(200, "text/html; charset=UTF-8", page(200)),
            Self::EmptyBody => Answer { body: Vec::new(), ..answer },
            Self::Bom => {
                let mut body = vec![0xEF, 0xBB, 0xBF];
                body.extend(answer.body);
                Answer { body, ..answer }
            }
            Self::Truncated => {
                let mut body = answer.body;
                body.truncate(body.len() / 2);
                Answer { body, ..answer }
            }
            _ => answer,
        }
    }
}

fn page(status: u16) -> String {
    format!(
        "<!DOCTYPE html>\n<html lang=\"ja\"><head><meta charset=\"UTF-8\"><title>{status}</title></head>\
         <body><h1>ただいまメンテナンス中です</h1><p>しばらくお待ちください。</p></body></html>\n"
    )
}

/// The rules in force, with their counts.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    rules: Vec<(Rule, u64, u64)>,
    serial: u64,
}

impl Faults {
    pub(crate) fn set(&mut self, rules: Vec<Rule>) {
        self.rules = rules.into_iter().map(|rule| (rule, 0, 0)).collect();
    }

    pub(crate) fn add(&mut self, rule: Rule) {
        self.rules.push((rule, 0, 0));
    }

    /// Each rule with how many calls met its conditions and how many it struck.
    pub(crate) fn rules(&self) -> &[(Rule, u64, u64)] {
        &self.rules
    }

    /// The fault that hits this call, if any: the first rule that fits.
    pub(crate) fn decide(
        &mut self,
        seed: u64,
        service: &str,
        function: &str,
        orders: &[String],
    ) -> Option<Fault> {
        let mut hit = None;
        for (rule, met, struck) in &mut self.rules {
            let fits = rule.fault.concerns(service, function)
                && (rule.service.is_empty() || rule.service == service)
                && (rule.function.is_empty() || rule.function == function)
                && (rule.order.is_empty() || orders.contains(&rule.order));
            if !fits {
                continue;
            }
            *met += 1;
            if hit.is_some()
                || (rule.times > 0 && *struck >= rule.times)
                || !(rule.calls.is_empty() || rule.calls.contains(met))
            {
                continue;
            }
            self.serial += 1;
            if rule.per_million > 0
                && Dice::new(seed, Salt::Fault, self.serial).below(1_000_000) >= rule.per_million
            {
                continue;
            }
            *struck += 1;
            hit = Some(rule.fault.clone());
        }
        hit.filter(|fault| *fault != Fault::None)
    }
}
