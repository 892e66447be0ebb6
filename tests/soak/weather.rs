//! What goes wrong outside, some minutes at a time.

use mallsync::sim::{Body, Fault, Rule};
use rand::RngExt;
use rand::rngs::StdRng;

const MALLS: [&str; 4] = ["rakuten", "yahoo", "aupay", "amazon"];

fn pick(dice: &mut StdRng, faults: &[Fault]) -> Fault {
    faults[dice.random_range(0..faults.len())].clone()
}

fn status(status: u16, effect: bool, retry_after: u64) -> Fault {
    Fault::Status { status, body: Body::Html, effect, retry_after }
}

/// Answers that are lost, cut off or late, refusals of every kind.
fn at_malls() -> Vec<Fault> {
    vec![
        Fault::ResetBeforeEffect,
        Fault::ResetAfterEffect,
        Fault::Truncated,
        Fault::CutHeader { at: 20 },
        Fault::CutBody { at: 700 },
        Fault::EmptyBody,
        Fault::MaintenancePage,
        Fault::QpsLimit,
        Fault::Delay { millis: 1_500 },
        status(429, false, 0),
        status(429, false, 90),
        status(500, false, 0),
        status(503, false, 0),
    ]
}

/// Likewise, for calls that move money: with the effect and without.
fn at_the_gateway() -> Vec<Fault> {
    vec![
        Fault::ResetBeforeEffect,
        Fault::ResetAfterEffect,
        Fault::CutHeader { at: 20 },
        Fault::CutBody { at: 60 },
        Fault::Truncated,
        Fault::Delay { millis: 1_500 },
        status(502, true, 0),
        status(502, false, 0),
    ]
}

/// The rules of a round. `stalls`: connections may also hang until their deadline, which is a matter of minutes on the
/// machine's clock and of hours on the simulated one.
pub fn weather(dice: &mut StdRng, stalls: bool) -> Vec<Rule> {
    let mut rules = Vec::new();
    if stalls && dice.random_ratio(1, 10) {
        let service = MALLS[dice.random_range(0..MALLS.len())].to_owned();
        let fault = pick(dice, &[Fault::Stall { effect: true, hold: false }, Fault::StallBody { at: 300 }]);
        rules.push(Rule { service, times: 1, fault, ..Rule::default() });
    }
    if stalls && dice.random_ratio(1, 10) {
        let effect = dice.random_ratio(1, 2);
        let fault = Fault::Stall { effect, hold: true };
        rules.push(Rule { service: "webcollect".to_owned(), times: 1, fault, ..Rule::default() });
    }
    for service in MALLS {
        if dice.random_ratio(1, 2) {
            let fault = pick(dice, &at_malls());
            let per_million = dice.random_range(20_000..300_000);
            rules.push(Rule { service: service.to_owned(), per_million, fault, ..Rule::default() });
        }
    }
    for function in ["shipmentEntry", "tradeInfo"] {
        if dice.random_ratio(2, 3) {
            let fault = pick(dice, &at_the_gateway());
            let (service, function) = ("webcollect".to_owned(), function.to_owned());
            let per_million = dice.random_range(50_000..300_000);
            rules.push(Rule { service, function, per_million, fault, ..Rule::default() });
        }
    }
    rules
}
