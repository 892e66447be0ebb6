//! How things stand, as metrics: from rows, at the moment of the scrape.

use super::{Facts, Signs, Topic};
use crate::clock::Timestamp;
use crate::domain::operation::{Intent, State};
use crate::telemetry::metrics::{
    self, ATTENTION, CREDENTIAL_EXPIRY, LAST_SUCCESS, NotInstalled, OPERATIONS_OPEN,
};

/// The states of operations that are not over.
const OPEN: [State; 6] =
    [State::Planned, State::Ready, State::Sending, State::Unknown, State::Looking, State::NeedsPerson];

/// Whole seconds since 1970.
const fn seconds(at: Timestamp) -> i64 {
    at.micros().div_euclid(1_000_000)
}

fn count(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

/// In Prometheus' text format.
pub(super) fn render(facts: &Facts, signs: &Signs) -> Result<String, NotInstalled> {
    metrics::gauges(|set| {
        // What is only shown raises no alert.
        let told = |subject: &str, topic: Topic| {
            let of =
                signs.attention.iter().filter(|a| a.topic == topic && a.subject == subject && !a.advisory);
            count(of.map(|a| a.count).sum())
        };
        for shop in &facts.shops {
            let labels = [("shop", shop.name.as_str()), ("mall", shop.mall.as_str())];
            for topic in Topic::OF_SHOPS {
                let value = told(&format!("shops.{}", shop.name), topic);
                set(ATTENTION, &[labels[0], labels[1], ("kind", topic.as_str())], value);
            }
        }
        for settlement in &facts.settlements {
            let label = ("settlement", settlement.name.as_str());
            for topic in Topic::OF_SETTLEMENTS {
                let value = told(&format!("settlements.{}", settlement.name), topic);
                set(ATTENTION, &[label, ("kind", topic.as_str())], value);
            }
            // A series that comes and goes would hide from `min_over_time` that there was none for a while.
            for (kind, state) in Intent::KINDS.iter().flat_map(|kind| OPEN.map(|state| (*kind, state))) {
                let of = signs.operations.iter().filter(|o| o.account == settlement.name && o.kind == kind);
                let value = of.filter(|o| o.state == state).map(|o| o.operations).sum();
                set(OPERATIONS_OPEN, &[label, ("kind", kind), ("outcome", state.as_str())], count(value));
            }
        }
        let others = [
            ("slips", Topic::SlipsHeld),
            ("config", Topic::ConfigRefused),
            ("database", Topic::DatabaseFull),
        ];
        for (subject, topic) in others {
            set(ATTENTION, &[("kind", topic.as_str())], told(subject, topic));
        }
        for shop in signs.shops.iter().filter(|shop| shop.enabled) {
            if let Some(at) = shop.last_success_at {
                set(LAST_SUCCESS, &[("shop", &shop.name), ("mall", &shop.mall)], seconds(at));
            }
        }
        for ending in &signs.expiries {
            let kind = ("kind", ending.what.as_str());
            let value = seconds(ending.at);
            match facts.shops.iter().find(|shop| shop.name == ending.subject) {
                Some(shop) => {
                    set(CREDENTIAL_EXPIRY, &[("shop", &shop.name), ("mall", &shop.mall), kind], value);
                }
                None => set(CREDENTIAL_EXPIRY, &[("settlement", &ending.subject), kind], value),
            }
        }
    })
}
