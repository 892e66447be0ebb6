//! Everything simulated behind one lock. Only what came from outside is kept; the rest is computed when asked.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::Serialize;
use tokio::sync::watch;

use super::cart::Edit;
use super::catalogue::Catalogue;
use super::control;
use super::faults::{Fault, Faults, Rule};
use super::held::Held;
use super::http::{Answer, Request};
use super::ledger::Ledger;
use super::rakuten::{self, Key, Shop};
use super::switches::Switches;
use super::webcollect::{self, Gateway};
use super::{amazon, aupay, yahoo};
use crate::clock::{Clock, Timestamp};

/// How many calls [`World::calls`] remembers.
const CALLS: usize = 2_000;

/// What a world is made from. The same options make the same world.
#[derive(Clone, Debug)]
pub struct Options {
    /// Everything that looks random comes from it.
    pub seed: u64,
    /// The simulated time.
    pub clock: Arc<dyn Clock>,
    /// Simulated seconds per wall second: widens the tolerance of the rate check (decisions.md 18).
    pub speed: u32,
    /// The shops at Rakuten.
    pub rakuten: Vec<Shop>,
    /// The shops at Yahoo!ショッピング.
    pub yahoo: Vec<yahoo::Shop>,
    /// The shops at au PAY マーケット.
    pub aupay: Vec<aupay::Shop>,
    /// The selling partners at Amazon.
    pub amazon: Vec<amazon::Shop>,
    /// The orders of the own cart; its card orders have a settlement at the gateway.
    pub cart: Catalogue,
    /// Own-cart settlements that do not fit their order, and slip rows that are wrong, now and then.
    pub oddities: bool,
}

impl Options {
    /// The same with a shop at each of the other malls, whose orders come at the pace of the first Rakuten shop's.
    #[must_use]
    pub fn with_all_malls(mut self) -> Self {
        let now = self.clock.now();
        let orders = self.rakuten.first().map_or(self.cart, |shop| shop.orders);
        self.yahoo = vec![yahoo::Shop::new(super::YAHOO_SHOP, "sim-store", 2, orders)];
        let mut aupay = aupay::Shop::new(super::AUPAY_SHOP, "40012345", 3, orders);
        aupay.key_issued_on = Some((now - Duration::from_hours(24 * 30)).jst_date());
        self.aupay = vec![aupay];
        let mut amazon = amazon::Shop::new(super::AMAZON_SHOP, super::AMAZON_SELLER, 4, orders);
        amazon.client_secret_issued_on = (now - Duration::from_hours(24 * 60)).jst_date();
        self.amazon = vec![amazon];
        self
    }

    /// One Rakuten shop (`rakuten-main`, 345678) and the own cart, each with `orders_per_day`, `history` of them
    /// placed before now.
    #[must_use]
    pub fn per_day(seed: u64, clock: Arc<dyn Clock>, orders_per_day: u64, history: Duration) -> Self {
        let orders = Catalogue::per_day(clock.now(), history, orders_per_day);
        let rakuten = vec![Shop::new(super::RAKUTEN_SHOP, super::RAKUTEN_SHOP_ID, 1, orders)];
        Self {
            seed,
            clock,
            speed: 1,
            rakuten,
            yahoo: Vec::new(),
            aupay: Vec::new(),
            amazon: Vec::new(),
            cart: orders,
            oddities: true,
        }
    }
}

/// One call as the simulator saw it.
#[derive(Clone, Debug, Serialize)]
pub struct Call {
    /// Simulated time of arrival.
    pub at: Timestamp,
    /// `rakuten`, `yahoo`, `aupay`, `amazon` or `webcollect`.
    pub service: &'static str,
    /// `searchOrder`, `shipmentEntry`, …
    pub function: String,
    /// The order numbers it was about.
    pub orders: Vec<String>,
    /// HTTP status of the answer as it was meant.
    pub status: u16,
    /// The gateway's `errorCode`, where there is one.
    pub code: Option<String>,
    /// The fault that hit it.
    pub fault: Option<Fault>,
}

/// Pace of one Rakuten shop.
#[derive(Clone, Debug, Default)]
pub(crate) struct Pace {
    pub(crate) last: Option<Timestamp>,
    pub(crate) violations: u64,
    /// The first violations: when, which function.
    pub(crate) early: Vec<(Timestamp, String)>,
}

#[derive(Debug, Default)]
pub(crate) struct State {
    pub(crate) faults: Faults,
    pub(crate) switches: Switches,
    pub(crate) keys: BTreeMap<u32, Vec<Key>>,
    pub(crate) pace: BTreeMap<u32, Pace>,
    /// Rakuten orders cancelled from outside: (asked, cancelled).
    pub(crate) canceled: BTreeMap<(u32, u64), Timestamp>,
    pub(crate) rakuten: rakuten::State,
    pub(crate) ledger: Ledger,
    /// Orders of the cart that were changed from outside.
    pub(crate) cart: BTreeMap<u64, Edit>,
    pub(crate) yahoo: yahoo::State,
    pub(crate) aupay: aupay::State,
    pub(crate) amazon: amazon::State,
    pub(crate) gateway: Gateway,
    pub(crate) counts: BTreeMap<(&'static str, String), u64>,
    pub(crate) calls: VecDeque<Call>,
    pub(crate) requests: u64,
    pub(crate) broken: u64,
    pub(crate) tick: Option<Timestamp>,
}

/// The simulated malls, cart, carrier and gateway.
pub struct World {
    pub(crate) options: Options,
    state: Mutex<State>,
    /// Raised by every call.
    arrived: watch::Sender<u64>,
}

impl fmt::Debug for World {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("World").field("options", &self.options).finish_non_exhaustive()
    }
}

impl World {
    /// A new world.
    #[must_use]
    pub fn new(mut options: Options) -> Arc<Self> {
        let mut state = State::default();
        let now = options.clock.now();
        for shop in &mut options.aupay {
            let issued_on = *shop.key_issued_on.get_or_insert(aupay::default_issue(now));
            state.aupay.keys.insert(shop.shop_id.clone(), aupay::keys(shop, issued_on));
        }
        for shop in &options.rakuten {
            state.keys.insert(shop.id, Key::of_shop(shop, now));
        }
        state.amazon = amazon::State::new(now);
        state.yahoo.begin(&options.yahoo, now);
        Arc::new(Self { options, state: Mutex::new(state), arrived: watch::Sender::new(0) })
    }

    /// The simulated time.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.options.clock.now()
    }

    /// What the world was made from.
    #[must_use]
    pub fn options(&self) -> &Options {
        &self.options
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The Rakuten shop of this name.
    #[must_use]
    pub fn rakuten_shop(&self, name: &str) -> Option<&Shop> {
        self.options.rakuten.iter().find(|shop| shop.name == name)
    }

    /// Replaces the rules for faults; an empty list ends them all.
    pub fn set_faults(&self, rules: Vec<Rule>) {
        self.state().faults.set(rules);
    }

    /// Adds a rule after those in force.
    pub fn add_fault(&self, rule: Rule) {
        self.state().faults.add(rule);
    }

    /// Changes switches.
    pub fn switch(&self, change: impl FnOnce(&mut Switches)) {
        change(&mut self.state().switches);
    }

    /// Calls that reached a function, by service and name, since the world began.
    #[must_use]
    pub fn counts(&self) -> BTreeMap<String, u64> {
        self.state().counts.iter().map(|((service, name), n)| (format!("{service}.{name}"), *n)).collect()
    }

    /// The latest calls, oldest first (at most 2,000).
    #[must_use]
    pub fn calls(&self) -> Vec<Call> {
        self.state().calls.iter().cloned().collect()
    }

    /// Ends once `met` holds; looked at now and after every call.
    pub async fn until(&self, met: impl Fn(&Self) -> bool) {
        let mut arrived = self.arrived.subscribe();
        while !met(self) {
            // The sender lives as long as the world.
            if arrived.changed().await.is_err() {
                return;
            }
        }
    }

    /// Calls of every function since the world began.
    #[must_use]
    pub fn requests(&self) -> u64 {
        self.state().requests
    }

    /// Calls over a limit, all malls together: Rakuten's guideline of one a second (rakuten-rms.md §7.3), Yahoo!'s one a
    /// second and URL and 50,000 a day (yahoo-shopping.md §3), Amazon's buckets (amazon-sp-api.md §7), and one a second
    /// at au PAY, where it is the client's own.
    #[must_use]
    pub fn rate_violations(&self) -> u64 {
        let aupay = self.aupay_pace_violations();
        let state = self.state();
        let rakuten: u64 = state.pace.values().map(|pace| pace.violations).sum();
        rakuten + state.yahoo.violations() + aupay + state.amazon.quotas.violations
    }

    /// When the first of them came (at most 100 a shop or mall), and to which function.
    #[must_use]
    pub fn early_calls(&self) -> Vec<(Timestamp, String)> {
        let state = self.state();
        let mut early: Vec<_> = state.pace.values().flat_map(|pace| pace.early.clone()).collect();
        early.extend(state.yahoo.early());
        early.extend(state.aupay.pace.values().flat_map(|pace| pace.early.clone()));
        early.extend(state.amazon.quotas.early.iter().cloned());
        early
    }

    /// Connections that broke while the simulator read or wrote.
    #[must_use]
    pub fn broken_connections(&self) -> u64 {
        self.state().broken
    }

    pub(crate) fn note_broken(&self, error: &std::io::Error) {
        self.state().broken += 1;
        tracing::debug!(error.message = %error, "Simulator lost a connection.");
    }

    /// Cancels an order of `shop` at once, at whichever mall or cart it is. False when there is no such order, or it is past it.
    pub fn cancel(&self, shop: &str, order_number: &str) -> bool {
        if shop == super::CART_SHOP {
            self.cancel_cart(order_number)
        } else if self.yahoo_shop(shop).is_some() {
            self.cancel_yahoo(order_number)
        } else if self.aupay_shop(shop).is_some() {
            self.cancel_aupay(order_number)
        } else if self.amazon_shop(shop).is_some() {
            self.cancel_amazon(order_number)
        } else {
            self.cancel_rakuten(order_number)
        }
    }

    /// Cancels a Rakuten order at once, as its buyer would (900). False when there is no such order.
    pub fn cancel_rakuten(&self, order_number: &str) -> bool {
        let now = self.now();
        let found =
            self.options.rakuten.iter().find_map(|shop| Some((shop.id, shop.index_of(order_number)?)));
        found.is_some_and(|key| {
            self.state().canceled.entry(key).or_insert(now);
            true
        })
    }

    /// Answers one request: which fault hits it, what it changes, what goes back.
    pub(crate) fn handle(
        self: &Arc<Self>,
        request: &Request,
        peer: IpAddr,
    ) -> (Answer, Option<Fault>, Option<Held>) {
        let _busy = self.options.clock.busy();
        if request.path.starts_with("/_sim/") {
            return (control::answer(self, request), None, None);
        }
        let now = self.now();
        self.catch_up();
        if let Some(call) = webcollect::Call::route(request) {
            let fault = self.fault("webcollect", call.name(), call.orders());
            let seen = fault.as_ref().is_some_and(Fault::holds);
            let (held, in_progress) = self.hold(call.passage(seen), now);
            let (answer, code) = webcollect::answer(self, &call, fault.as_ref(), now, peer, in_progress);
            self.note(now, "webcollect", call.name(), call.orders().to_vec(), &answer, code, fault.clone());
            return (answer, fault, Some(held));
        }
        if let Some(call) = rakuten::Call::route(request) {
            let (orders, changed) = (call.orders(), call.changes());
            return self.served("rakuten", &call.function, orders, changed, now, |fault| {
                rakuten::answer(self, &call, fault, now)
            });
        }
        if let Some(call) = yahoo::Call::route(request) {
            let (orders, changed) = (call.orders(), call.changes());
            return self.served("yahoo", call.function(), orders, changed, now, |fault| {
                yahoo::answer(self, &call, fault, now)
            });
        }
        if let Some(call) = aupay::Call::route(request) {
            let (orders, changed) = (call.orders(), call.changes());
            return self.served("aupay", call.function(), orders, changed, now, |fault| {
                aupay::answer(self, &call, fault, now, peer)
            });
        }
        if let Some(call) = amazon::Call::route(request) {
            let (orders, changed) = (call.orders(), call.changes());
            return self.served("amazon", call.function(), orders, changed, now, |fault| {
                amazon::answer(self, &call, fault, now)
            });
        }
        (Answer::new(404, "text/plain; charset=UTF-8", "no such path in the simulator\n"), None, None)
    }

    /// One call of a mall: fault, answer, a line in the journal. One that changes orders is under way until its answer
    /// has gone out.
    fn served(
        self: &Arc<Self>,
        service: &'static str,
        function: &str,
        orders: Vec<String>,
        changed: Vec<String>,
        now: Timestamp,
        answer: impl FnOnce(Option<&Fault>) -> Answer,
    ) -> (Answer, Option<Fault>, Option<Held>) {
        let fault = self.fault(service, function, &orders);
        let held = self.hold_orders(changed);
        let answer = answer(fault.as_ref());
        self.note(now, service, function, orders, &answer, None, fault.clone());
        (answer, fault, held)
    }

    fn fault(&self, service: &'static str, function: &str, orders: &[String]) -> Option<Fault> {
        let mut state = self.state();
        *state.counts.entry((service, function.to_owned())).or_default() += 1;
        state.requests += 1;
        let seed = self.options.seed;
        state.faults.decide(seed, service, function, orders)
    }

    #[expect(clippy::too_many_arguments, reason = "one row of the journal, member by member")]
    fn note(
        &self,
        at: Timestamp,
        service: &'static str,
        function: &str,
        orders: Vec<String>,
        answer: &Answer,
        code: Option<String>,
        fault: Option<Fault>,
    ) {
        let mut state = self.state();
        if state.calls.len() == CALLS {
            state.calls.pop_front();
        }
        let function = function.to_owned();
        state.calls.push_back(Call { at, service, function, orders, status: answer.status, code, fault });
        drop(state);
        self.arrived.send_modify(|n| *n += 1);
    }
}
