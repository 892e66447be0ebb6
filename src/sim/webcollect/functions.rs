//! What the functions have in common (kuroneko-webcollect.md §5.2, §7).

use super::books::{By, Effect};
use super::state::{Note, Settlement};
use super::switches::{ContractOption, WebcollectSwitches};
use super::xml::Reply;
use super::{Params, check};
use crate::clock::Timestamp;
use crate::sim::World;
use crate::sim::world::State;

/// The functions that the simulated merchant has a contract for.
pub(super) const CONTRACTED: [&str; 10] =
    ["A03", "A06", "A07", "A08", "A11", "E01", "E02", "E03", "E04", "H01"];

/// An answer, or the `errorCode` of a refusal.
pub(super) type Outcome = Result<Reply, String>;

/// A call with what every function needs.
pub(super) struct Context<'a> {
    pub(super) world: &'a World,
    pub(super) state: &'a mut State,
    pub(super) switches: &'a WebcollectSwitches,
    pub(super) params: &'a Params,
    pub(super) by: By,
    pub(super) now: Timestamp,
}

/// Item checks, contract, night window, state, effect of one function.
pub(super) fn run(context: Context<'_>, division: &str) -> Outcome {
    match division {
        "A03" => return context.list_cards(),
        "A08" => return context.authorize_by_token(),
        _ => {}
    }
    check(division, "03", context.order_no(), 23, reception_char)?;
    match division {
        "E01" => context.register(),
        "E02" => context.unregister(),
        "E03" => context.change_date(),
        "E04" => Ok(context.look_up()),
        "A06" => context.cancel(),
        "A07" => context.change_amount(),
        _ => context.reauthorize(),
    }
}

pub(super) fn refuse(code: &str) -> Outcome {
    Err(code.to_owned())
}

/// The alphabet of 受付番号 (§2.3).
pub(super) fn reception_char(c: char) -> bool {
    c.is_ascii_digit() || c.is_ascii_uppercase() || "#-*/<>:@".contains(c)
}

impl Context<'_> {
    pub(super) fn order_no(&self) -> &str {
        self.params.order_no()
    }

    pub(super) fn settlement(&self) -> Option<Settlement> {
        self.state.gateway.get(self.world, self.order_no(), self.now)
    }

    pub(super) fn lacks(&self, option: ContractOption) -> bool {
        self.switches.without.contains(&option)
    }

    pub(super) fn lapsed(&self, settlement: &Settlement) -> bool {
        settlement.lapsed(self.now, self.switches.auth_valid_days)
    }

    /// Is it on a slip with other orders?
    pub(super) fn consolidated(&self, settlement: &Settlement) -> bool {
        !self.state.gateway.consolidated_with(self.order_no(), settlement).is_empty()
    }

    /// Is this a call for what a call has done before, and does that stand?
    pub(super) fn stands(&self, function: &str, what: &str) -> bool {
        self.by == By::Api && self.state.gateway.stands(self.order_no(), function, what, self.now)
    }

    fn as_note<'n>(&self, function: &'static str, what: &'n str, effect: Effect, lapsed: bool) -> Note<'n> {
        Note { function, what, effect, by: self.by, at: self.now, lapsed }
    }

    /// The change takes place and goes into the books.
    pub(super) fn put(
        &mut self,
        before: Settlement,
        after: Settlement,
        function: &'static str,
        what: &str,
        effect: Effect,
    ) {
        // What becomes of an authorisation that is over matters where it is captured.
        let lapsed = before.status == 4 && after.status == 30 && self.lapsed(&before);
        let note = self.as_note(function, what, effect, lapsed);
        self.state.gateway.put(self.params.order_no(), before, after, &note);
    }

    /// Nothing takes place, but the books tell of it.
    pub(super) fn note(
        &mut self,
        settlement: &Settlement,
        function: &'static str,
        what: &str,
        effect: Effect,
    ) {
        let note = self.as_note(function, what, effect, effect == Effect::Lapsed);
        self.state.gateway.note(self.params.order_no(), settlement.status, settlement, &note);
    }

    /// [`Context::note`] of a duplicate, where a call had done it before.
    pub(super) fn note_repeated(&mut self, settlement: &Settlement, function: &'static str, what: &str) {
        if self.stands(function, what) {
            self.note(settlement, function, what, Effect::Duplicate);
        }
    }

    /// The issuer's own code of a refusal.
    pub(super) fn issuer_code(&self, usual: &str) -> String {
        let set = &self.switches.credit_error_code;
        if set.is_empty() { usual.to_owned() } else { set.clone() }
    }

    /// A new authorisation: another number, valid from now.
    pub(super) fn authorize(&self, settlement: &mut Settlement) {
        settlement.auth_code = format!("{:09}", 500_000_000 + self.state.requests);
        settlement.authorized = self.now;
    }
}
