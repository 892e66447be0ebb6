//! Every key in force that is not a mall's or a gateway's own. A key that belongs to a later step is unknown until then
//! (decisions.md 43): adding one is adding a line here, its field, and its line in `config/mallsync.toml`.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use chrono::{NaiveDate, NaiveTime};

use super::ReceptionNumber;
use super::forms::{self, Form, words};
use super::reception::RECEPTION;
use super::section::{Absent, Key, Known};
use crate::clock::Timestamp;
use crate::secret::SecretRef;

const fn key<T>(name: &'static str, form: &'static Form<T>, default: Absent, about: &'static str) -> Key<T> {
    Key { name, form, about, default }
}

/// The tables at the top of the file.
pub(super) const TABLES: [&str; 7] =
    ["database", "daemon", "simulation", "log", "shops", "settlements", "slips"];

pub(super) const URL: Key<String> = key(
    "url",
    &forms::DATABASE_URL,
    Absent::Text("sqlite:/var/lib/mallsync/mallsync.db"),
    "sqlite:PATH or postgres://USER@HOST/DATABASE",
);
pub(super) const PASSWORD: Key<SecretRef> =
    key("password", &forms::SECRET, Absent::Nothing, "Where the password of PostgreSQL is kept");
pub(super) const DATABASE: &[&dyn Known] = &[&URL, &PASSWORD];

pub(super) const TIMEZONE: Key<String> =
    key("timezone", &words!("Asia/Tokyo"), Absent::Text("Asia/Tokyo"), "Schedules are read in it");
pub(super) const LISTEN: Key<Option<SocketAddr>> = key(
    "listen",
    &forms::LISTEN,
    Absent::Text("127.0.0.1:9477"),
    "Where /healthz, /readyz and /metrics are served: an address of this machine alone, and a port; \"\" turns it off",
);
pub(super) const LANGUAGE: Key<String> = key(
    "language",
    &words!("auto", "ja", "en"),
    Absent::Text("auto"),
    "What people read; auto: from LANG. JSON and logs stay English",
);
pub(super) const DAEMON: &[&dyn Known] = &[&TIMEZONE, &LISTEN, &LANGUAGE];

pub(super) const START: Key<Timestamp> = key(
    "start",
    &forms::INSTANT,
    Absent::Refused,
    "the simulated time at `epoch`, such as 2026-11-21T12:00:00+09:00",
);
pub(super) const EPOCH: Key<Timestamp> =
    key("epoch", &forms::INSTANT, Absent::Refused, "the real time at which the simulation began");
pub(super) const SPEED: Key<u32> =
    key("speed", &forms::COUNT, Absent::Number(1), "Simulated seconds in a real one");
pub(super) const SIMULATION: &[&dyn Known] = &[&START, &EPOCH, &SPEED];

pub(super) const FORMAT: Key<String> = key(
    "format",
    &words!("auto", "json", "text", "journald"),
    Absent::Text("auto"),
    "How log lines look; auto: journald under systemd, text on a terminal, else json",
);
pub(super) const FILTER: Key<String> = key(
    "filter",
    &forms::FILTER,
    Absent::Text("info"),
    "A level, or tracing EnvFilter syntax; it applies to mallsync, other crates are capped at warn",
);
pub(super) const JOURNAL: Key<String> = key(
    "journal",
    &forms::TEXT,
    Absent::Text("/run/systemd/journal/socket"),
    "Where systemd's journal listens",
);
pub(super) const LOG: &[&dyn Known] = &[&FORMAT, &FILTER, &JOURNAL];

pub(super) const VERIFY_RECIPIENT: Key<String> = key(
    "verify_recipient",
    &words!("postal_code", "off"),
    Absent::Text("postal_code"),
    "postal_code: a slip whose postal code is not the order's is held, not used",
);
pub(super) const SLIPS: &[&dyn Known] = &[&VERIFY_RECIPIENT];

pub(super) const ENABLED: Key<bool> = key(
    "enabled",
    &forms::FLAG,
    Absent::Flag(true),
    "false: checked, but never called; its secrets are not read",
);
pub(super) const SCHEDULE: Key<String> = key(
    "schedule",
    &forms::SCHEDULE,
    Absent::Nothing,
    "Five cron fields, or six with seconds first, in Japan time; weekdays by name. Without it: the mall's own pace",
);
pub(super) const INITIAL_LOOKBACK: Key<Duration> = key(
    "initial_lookback",
    &forms::SPAN,
    Absent::Text("7d"),
    "How far back the first pass takes closed orders; open ones as far as the mall shows them",
);
/// Beside `mall`.
pub(super) const SHOP: &[&dyn Known] = &[&ENABLED, &SCHEDULE, &INITIAL_LOOKBACK];

pub(super) const MODE: Key<String> = key(
    "mode",
    &words!("dry-run", "live"),
    Absent::Text("dry-run"),
    "dry-run plans and shows every operation and sends none; nothing planned in it is ever sent later",
);
pub(super) const SINCE: Key<NaiveDate> = key(
    "since",
    &forms::DATE,
    Absent::Nothing,
    "Orders placed before this day are never touched; needed in live",
);
pub(super) const REGISTERED_BY: Key<String> = key(
    "registered_by",
    &words!("mallsync", "b2cloud"),
    Absent::Text("mallsync"),
    "Who registers the slips; b2cloud: no capture is sent, all else is done",
);
pub(super) const CAPTURE: Key<String> = key(
    "capture",
    &words!("ship_date", "slip", "manual"),
    Absent::Text("ship_date"),
    "ship_date: on the slip's ship date at capture_time; slip: as soon as the slip is known; manual: by hand",
);
pub(super) const CAPTURE_TIME: Key<NaiveTime> = key(
    "capture_time",
    &forms::TIME,
    Absent::Text("17:00"),
    "The time of day of captures by ship date, in Japan",
);
pub(super) const PARCELS: Key<String> = key(
    "parcels",
    &words!("all", "first"),
    Absent::Text("all"),
    "Which parcels of an order must have a slip before the capture",
);
pub(super) const DELIVERY: Key<String> = key(
    "delivery",
    &words!("by_slip", "yamato", "other"),
    Absent::Text("by_slip"),
    "by_slip: Yamato's slips as Yamato's, other carriers' as other",
);
pub(super) const ON_AMOUNT_CHANGE: Key<String> = key(
    "on_amount_change",
    &words!("ask", "apply"),
    Absent::Text("ask"),
    "The order's amount is another than the gateway holds; apply: it is changed there, before the capture or after it, until the sale is settled",
);
pub(super) const ON_CANCEL: Key<String> = key(
    "on_cancel",
    &words!("ask", "apply"),
    Absent::Text("ask"),
    "The order was cancelled; apply: the sale is cancelled at the gateway, unless it is settled",
);
pub(super) const REAUTHORIZE: Key<String> = key(
    "reauthorize",
    &words!("ask", "auto", "off"),
    Absent::Text("ask"),
    "An authorisation ends before the parcel leaves; auto: it is renewed in its last days",
);
pub(super) const AUTHORIZATION_DAYS: Key<u32> = key(
    "authorization_days",
    &forms::COUNT,
    Absent::Nothing,
    "与信有効期間 in days, the day of authorisation included, as the contract says; needed in live",
);
pub(super) const AMOUNT_LIMIT: Key<i64> =
    key("amount_limit", &forms::YEN, Absent::Number(300_000), "Yen a settlement; more is never sent");
pub(super) const MAX_PER_HOUR: Key<u32> = key(
    "max_per_hour",
    &forms::COUNT,
    Absent::Number(500),
    "Operations within an hour, past which everything is held and a person asked",
);
pub(super) const MAX_YEN_PER_DAY: Key<i64> = key(
    "max_yen_per_day",
    &forms::YEN,
    Absent::Number(5_000_000),
    "Yen moved within a day, past which everything is held and a person asked",
);
pub(super) const MAX_IN_FLIGHT: Key<u32> =
    key("max_in_flight", &forms::COUNT, Absent::Number(3), "Calls to the gateway at once");
pub(super) const MAX_PER_SECOND: Key<u32> =
    key("max_per_second", &forms::COUNT, Absent::Number(5), "Calls to the gateway a second");
pub(super) const RECONCILE_SCHEDULE: Key<String> = key(
    "reconcile_schedule",
    &forms::SCHEDULE,
    Absent::Text("0 6 * * *"),
    "When open settlements are compared with the gateway's books: cron fields in Japan time, as in `schedule`",
);
pub(super) const MAINTENANCE: Key<Option<(NaiveTime, NaiveTime)>> = key(
    "maintenance",
    &forms::WINDOW,
    Absent::Text("23:00-01:00"),
    "Nothing at all is sent in it (Japan time), look-ups included; \"\" for none",
);
pub(super) const SOURCE_ADDRESS: Key<IpAddr> = key(
    "source_address",
    &forms::ADDRESS,
    Absent::Nothing,
    "The address that is registered with the gateway: compared every day with the one that it sees. Without it: with the \
     one that it saw before",
);
/// Beside `provider` and `match`.
pub(super) const SETTLEMENT: &[&dyn Known] = &[
    &ENABLED,
    &MODE,
    &SINCE,
    &REGISTERED_BY,
    &CAPTURE,
    &CAPTURE_TIME,
    &PARCELS,
    &DELIVERY,
    &ON_AMOUNT_CHANGE,
    &ON_CANCEL,
    &REAUTHORIZE,
    &AUTHORIZATION_DAYS,
    &AMOUNT_LIMIT,
    &MAX_PER_HOUR,
    &MAX_YEN_PER_DAY,
    &MAX_IN_FLIGHT,
    &MAX_PER_SECOND,
    &RECONCILE_SCHEDULE,
    &SOURCE_ADDRESS,
    &MAINTENANCE,
];

pub(super) const MATCH_SHOP: Key<String> =
    key("shop", &forms::TEXT, Absent::Refused, "the name of the shop whose orders this rule is about");
pub(super) const MALL_PAYMENT: Key<Vec<String>> = key(
    "mall_payment",
    &forms::PATTERNS,
    Absent::Refused,
    "patterns on the mall's or cart's own payment name, such as [\"*webコレクト*\"]; `*` stands for anything",
);
pub(super) const EXCEPT: Key<Vec<String>> =
    key("except", &forms::PATTERNS, Absent::Empty, "Patterns on the payment name that do not count");
pub(super) const OWN_CONTRACT: Key<bool> = key(
    "own_contract",
    &forms::FLAG,
    Absent::Flag(false),
    "true: also orders whose money the mall would collect itself",
);
pub(super) const RECEPTION_NUMBER: Key<ReceptionNumber> = key(
    "reception_number",
    &RECEPTION,
    Absent::Text("{mall_order_id}"),
    "Where the 受付番号 comes from: a template (filters |upper |digits |tail:N), { field, regex } or \"imported\"",
);
pub(super) const MATCH: &[&dyn Known] =
    &[&MATCH_SHOP, &MALL_PAYMENT, &EXCEPT, &OWN_CONTRACT, &RECEPTION_NUMBER];
