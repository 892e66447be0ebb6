//! A simulated Yahoo! shop: its credentials, its orders by index, and the numbers that belong to them.

use std::net::SocketAddr;
use std::ops::Range;
use std::path::Path;
use std::time::Duration;

use super::kind::{self, Kind};
use super::plan::{Outside, Plan, Step};
use super::signature;
use super::view::View;
use crate::clock::Timestamp;
use crate::sim::World;
use crate::sim::catalogue::Catalogue;
use crate::sim::slip_number;
use crate::sim::world::State;

/// A store at Yahoo!ショッピング.
#[derive(Clone, Debug)]
pub struct Shop {
    /// The merchant's own name for it, as in the config.
    pub name: String,
    /// ストアアカウント: the first part of every order number.
    pub seller_id: String,
    /// Which orders it has.
    pub orders: Catalogue,
    /// Slip numbers of this shop's parcels start here (in steps of eight an order).
    slip_base: u64,
}

/// The number of an order that was never split, or the source of a split.
pub(crate) const WHOLE: u8 = 0;
const FIRST_NUMBER: u64 = 10_000_000;
/// Where the caller of [`Shop::key_files`] finds the public key.
const KEY_FILE: &str = "yahoo-public.pem";
/// Days between the issue of the key and the beginning of the simulation.
pub(crate) const KEY_AGE_DAYS: u64 = 30;

impl Shop {
    /// A shop; `ordinal` (1, 2, …) keeps the slip numbers of several shops apart.
    #[must_use]
    pub fn new(name: &str, seller_id: &str, ordinal: u64, orders: Catalogue) -> Self {
        Self {
            name: name.to_owned(),
            seller_id: seller_id.to_owned(),
            orders,
            slip_base: 6_000_000 + ordinal * 500_000,
        }
    }

    /// The application's client id: `sim-store-client`.
    #[must_use]
    pub fn client_id(&self) -> String {
        format!("{}-client", self.seller_id)
    }

    /// The application's secret: `sim-store-secret`.
    #[must_use]
    pub fn client_secret(&self) -> String {
        format!("{}-secret", self.seller_id)
    }

    /// The only address that the browser is sent back to.
    #[must_use]
    pub fn redirect_uri(&self) -> String {
        "https://example.com/callback".to_owned()
    }

    /// The refresh token of the consent given when the simulation began: `sim-store-refresh-1`.
    #[must_use]
    pub fn refresh_token(&self) -> String {
        self.refresh_token_of(1)
    }

    /// The refresh token of consent number `serial`.
    pub(crate) fn refresh_token_of(&self, serial: u64) -> String {
        format!("{}-refresh-{serial}", self.seller_id)
    }

    /// Files that the config section names, to be written into its folder of keys: (name, content). One pair of keys
    /// serves every shop of a process, and every version.
    #[must_use]
    pub fn key_files(&self) -> Vec<(String, String)> {
        signature::public_pem().map(|pem| (KEY_FILE.to_owned(), pem)).into_iter().collect()
    }

    /// The config section that points a daemon at this shop; `keys` is the folder of [`Shop::key_files`], `now` the
    /// simulated time at which the world begins: consent is given then.
    #[must_use]
    pub fn section(&self, addr: SocketAddr, keys: &Path, now: Timestamp) -> String {
        let text = |value: &str| toml::Value::String(value.to_owned()).to_string();
        let secret = |value: String| text(&format!("plain:{value}"));
        format!(
            r#"[shops.{name}]
mall = "yahoo"
enabled = true
schedule = "*/5 * * * *"
seller_id = {seller}
base_url = "http://{addr}/yahoo/ShoppingWebService/V1/"
auth_url = "http://{addr}/yahoo/yconnect/v2/token"
client_id = {client}
client_secret = {client_secret}
redirect_uri = {redirect}
refresh_token = {refresh}
authorized_on = "{authorized}"
public_key = {key}
public_key_version = 1
public_key_issued_on = "{issued}"
"#,
            name = self.name,
            seller = text(&self.seller_id),
            client = text(&self.client_id()),
            client_secret = secret(self.client_secret()),
            redirect = text(&self.redirect_uri()),
            refresh = secret(self.refresh_token()),
            authorized = now.jst_date(),
            key = text(&keys.join(KEY_FILE).to_string_lossy()),
            issued = (now - Duration::from_hours(24 * KEY_AGE_DAYS)).jst_date(),
        )
    }

    /// Seeds differ from shop to shop.
    pub(crate) fn seed(&self, world: u64) -> u64 {
        self.seller_id.bytes().fold(world, |seed, b| seed.wrapping_mul(0x0100_0000_01B3) ^ u64::from(b))
    }

    /// When order `index` was placed: a checkout for several addresses is one moment.
    pub(crate) fn placed_at(&self, index: u64, kind: Kind) -> Timestamp {
        let sibling = !index.is_multiple_of(2) && kind == Kind::MultiShip;
        self.orders.placed_at(if sibling { index - 1 } else { index })
    }

    /// A range that holds every order placed from `from` to `to`, and at most one more at either end.
    pub(crate) fn around(&self, from: Timestamp, to: Timestamp) -> Range<u64> {
        let range = self.orders.placed_between(from, to);
        range.start..range.end.saturating_add(1).min(self.orders.total)
    }

    /// The order number: opaque, one range for orders and the parts of split ones.
    pub(crate) fn number(&self, index: u64, part: u8) -> String {
        format!("{}-{}", self.seller_id, FIRST_NUMBER + index * 4 + u64::from(part))
    }

    /// The (index, part) behind an order number of this shop.
    pub(crate) fn index_of(&self, number: &str) -> Option<(u64, u8)> {
        let digits = number.strip_prefix(self.seller_id.as_str())?.strip_prefix('-')?;
        let slot = digits.parse::<u64>().ok()?.checked_sub(FIRST_NUMBER)?;
        let (index, part) = (slot / 4, u8::try_from(slot % 4).ok()?);
        (part < 3 && index < self.orders.total && self.number(index, part) == number).then_some((index, part))
    }

    /// The slip of parcel `parcel` (0 or 1) of an order.
    pub(crate) fn slip(&self, index: u64, part: u8, parcel: u64) -> String {
        slip_number(self.slip_base + index * 8 + u64::from(part) * 2 + parcel)
    }
}

impl World {
    /// The Yahoo! shop of this name.
    #[must_use]
    pub fn yahoo_shop(&self, name: &str) -> Option<&Shop> {
        self.options.yahoo.iter().find(|shop| shop.name == name)
    }

    /// Up to when reads show what calls changed.
    pub(crate) fn yahoo_shows(&self, state: &State, now: Timestamp) -> Timestamp {
        now - Duration::from_secs(state.switches.yahoo.stale_reads_s)
    }

    /// The order behind a plan as it is shown; what calls changed after `seen` does not show.
    pub(crate) fn yahoo_view<'a>(
        &self,
        state: &State,
        shop: &'a Shop,
        plan: Plan,
        now: Timestamp,
        seen: Timestamp,
    ) -> View<'a> {
        let blank = state.switches.yahoo.blank_personal_after_days;
        let values = state.yahoo.values(&shop.seller_id, (plan.index, plan.part), seen);
        View::new(shop, self.options.seed, plan, now, blank).with(values)
    }

    /// An order's plan with what was done to it from outside, and by calls up to `seen`; `None` for a part of an order
    /// that is never split.
    pub(crate) fn yahoo_plan(
        &self,
        state: &State,
        shop: &Shop,
        (index, part): (u64, u8),
        seen: Timestamp,
    ) -> Option<Plan> {
        let seed = shop.seed(self.options.seed);
        let kind = kind::of(seed, index);
        let placed = shop.placed_at(index, kind);
        let plan = |part: u8| {
            let switches = &state.switches.yahoo;
            let deeds = state.yahoo.deeds(&shop.seller_id, (index, part), switches.staff_ships, seen);
            let mut plan = Plan::new(seed, (index, part), kind, placed, deeds);
            if switches.publication_always {
                plan.published = plan.at(Step::Listed);
            }
            plan
        };
        let whole = plan(WHOLE);
        if part == WHOLE {
            return Some(whole);
        }
        whole.at(Step::Split).map(|_| plan(part))
    }

    /// The orders that index `index` has become by `now`: none, one, or three after a split.
    pub(crate) fn yahoo_plans(
        &self,
        state: &State,
        shop: &Shop,
        index: u64,
        (now, seen): (Timestamp, Timestamp),
    ) -> Vec<Plan> {
        let Some(whole) = self.yahoo_plan(state, shop, (index, WHOLE), seen).filter(|p| p.placed <= now)
        else {
            return Vec::new();
        };
        let parts: &[u8] = if whole.done(Step::Split, now) { &[1, 2] } else { &[] };
        let parts = parts.iter().filter_map(|&part| self.yahoo_plan(state, shop, (index, part), seen));
        std::iter::once(whole).chain(parts).collect()
    }

    /// The plan behind an order number, if that order exists by `now`.
    pub(crate) fn yahoo_order(
        &self,
        state: &State,
        shop: &Shop,
        number: &str,
        (now, seen): (Timestamp, Timestamp),
    ) -> Option<Plan> {
        let (index, part) = shop.index_of(number)?;
        self.yahoo_plan(state, shop, (index, part), seen)
            .filter(|plan| plan.placed <= now && (part == WHOLE || plan.done(Step::Listed, now)))
    }

    /// Cancels a Yahoo! order at once, as the store would for its buyer (reason 100). False when there is no such order
    /// yet.
    pub fn cancel_yahoo(&self, order_number: &str) -> bool {
        let now = self.now();
        self.yahoo_touch(
            order_number,
            now,
            |_| true,
            |outside| {
                outside.canceled.get_or_insert(now);
            },
        )
    }

    /// Ends the fraud review of a Yahoo! order at once, with a good result. False when it is not under review.
    pub fn release_yahoo(&self, order_number: &str) -> bool {
        let now = self.now();
        let held = |plan: &Plan| plan.open(Step::Released, now);
        self.yahoo_touch(order_number, now, held, |outside| {
            outside.released.get_or_insert(now);
        })
    }

    fn yahoo_touch(
        &self,
        order_number: &str,
        now: Timestamp,
        may: impl Fn(&Plan) -> bool,
        change: impl FnOnce(&mut Outside),
    ) -> bool {
        let mut state = self.state();
        let found = self.options.yahoo.iter().find_map(|shop| {
            let plan = self.yahoo_order(&state, shop, order_number, (now, now)).filter(&may)?;
            Some((shop.seller_id.clone(), plan.index, plan.part))
        });
        found.is_some_and(|key| {
            change(state.yahoo.outside.entry(key).or_default());
            true
        })
    }
}
