//! What happens to an order and when: a function of (seed, index), so its state is one of (index, now).

use std::borrow::Cow;
use std::time::Duration;

use chrono::{Days, NaiveDate};

use super::kind::Kind;
use crate::clock::Timestamp;
use crate::sim::dice::{Dice, Salt};

pub(crate) const NEW: &str = "新規受付";
pub(crate) const WAITING: &str = "発送前入金待ち";
pub(crate) const READY: &str = "発送待ち";
pub(crate) const SHIPPED_UNPAID: &str = "発送後入金待ち";
pub(crate) const DONE: &str = "完了";
pub(crate) const CANCELED: &str = "キャンセル";
pub(crate) const CANCEL_ASKED: &str = "キャンセル受付中";
/// Names that this shop's people gave (§7.1, last row).
pub(crate) const OWN_STATUSES: [&str; 3] = ["メーカー取寄せ中", "名入れ加工中", "検品済(出荷可)"];

const DAY: Duration = Duration::from_hours(24);

/// Who moves an order on: the shop's staff as planned, or calls.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Course {
    /// The staff moves orders from 新規受付 to 発送待ち, if no call has.
    pub(crate) staff_confirms: bool,
    /// The staff enters shipment data and reports the shipment, if no call has entered any.
    pub(crate) staff_ships: bool,
    /// A call moved it to 発送待ち before its time.
    pub(crate) ready: Option<Timestamp>,
    /// A call entered shipment data first then: what the staff has not reported by then it leaves to the calls.
    pub(crate) labeled: Option<Timestamp>,
}

/// The three shipment fields (§5.1).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Label {
    pub(crate) date: Option<NaiveDate>,
    pub(crate) carrier: Option<char>,
    pub(crate) number: Option<String>,
}

/// The order's history, future included.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) index: u64,
    pub(crate) kind: Kind,
    pub(crate) placed: Timestamp,
    /// `orderStatus` from when on, in order of time.
    pub(crate) steps: Vec<(Timestamp, Cow<'static, str>)>,
    pub(crate) contacted: Option<Timestamp>,
    pub(crate) authorized: Option<Timestamp>,
    /// `paymentStatus` turns: with the sale after shipping, or when a prepayment came in.
    pub(crate) settled: Option<Timestamp>,
    pub(crate) printed: Option<Timestamp>,
    /// The staff fills in the three shipment fields.
    pub(crate) labeled: Option<Timestamp>,
    /// A call filled them in.
    pub(crate) label: Option<Label>,
    pub(crate) shipped: Option<Timestamp>,
    /// `cancelStatus` turns.
    pub(crate) canceled: Option<Timestamp>,
    /// Reason and comment of a cancel by a call.
    pub(crate) cancel_words: Option<(String, String)>,
    pub(crate) lines_canceled: Vec<(usize, Timestamp)>,
    /// From when on the lowered amounts show.
    pub(crate) change: Option<Timestamp>,
    pub(crate) release: Option<NaiveDate>,
    /// Shipping deadline, and from when on it is known.
    pub(crate) deadline: Option<(Timestamp, NaiveDate)>,
}

impl Plan {
    /// The plan of order `index`.
    pub(crate) fn new(seed: u64, index: u64, placed: Timestamp, course: &Course) -> Self {
        let mut dice = Dice::new(seed, Salt::AupayPlan, index);
        let (kind, _) = Kind::pick(&mut dice);
        let mut plan = Self {
            index,
            kind,
            placed,
            steps: Vec::with_capacity(6),
            contacted: None,
            authorized: None,
            settled: None,
            printed: None,
            labeled: None,
            label: None,
            shipped: None,
            canceled: None,
            cancel_words: None,
            lines_canceled: Vec::new(),
            change: None,
            release: None,
            deadline: None,
        };
        let ready = plan.until_ready(&mut dice, course);
        let leaves = plan.until_packed(&mut dice, ready);
        plan.until_done(&mut dice, leaves, course);
        if course.ready.is_none() && !course.staff_confirms && kind.confirmed_by_staff() {
            plan.wait_for_confirmation();
        }
        plan.cancel_as_planned(&mut dice, ready);
        plan
    }

    fn step(&mut self, at: Timestamp, status: &'static str) {
        self.steps.push((at, Cow::Borrowed(status)));
    }

    /// From the first state to 発送待ち; when that is.
    fn until_ready(&mut self, dice: &mut Dice, course: &Course) -> Timestamp {
        let placed = self.placed;
        let confirmed = placed + dice.minutes(20, 240);
        let mut ready = confirmed;
        match self.kind {
            Kind::ReadyAtOnce => ready = placed,
            Kind::Reservation => {
                let days = dice.between(10, 40);
                self.release = placed.jst_date().checked_add_days(Days::new(days));
                self.step(placed, "新規予約");
                self.step(placed + dice.minutes(240, 1_440), "予約中");
                ready = placed + DAY * u32::try_from(days - 2).unwrap_or(8);
            }
            Kind::Prepaid | Kind::PrepaidUnpaid => {
                self.step(placed, NEW);
                self.step(confirmed, WAITING);
                ready = confirmed + dice.minutes(600, 5 * 1_440);
                // The flag is no promise: with some payments it turns when the money came, with most at the sale (§7.2).
                if dice.one_in(3) {
                    self.settled = Some(ready);
                }
            }
            Kind::CreditCheck | Kind::Deferred => {
                self.step(placed, NEW);
                self.step(confirmed, "与信待ち");
                ready = confirmed + dice.minutes(30, 600);
            }
            Kind::FraudChecked => {
                self.step(placed, "不正取引審査中");
                ready = placed + dice.minutes(60, 1_440);
            }
            Kind::FraudHeld => {
                self.step(placed, "不正取引審査中");
                let held = placed + dice.minutes(60, 240);
                self.step(held, "審査保留");
                ready = held + dice.minutes(720, 2_880);
            }
            Kind::FraudFailed => {
                self.step(placed, "不正取引審査中");
                let failed = placed + dice.minutes(60, 600);
                self.step(failed, "審査NG");
                ready = failed + dice.minutes(1_440, 3 * 1_440);
            }
            _ => self.step(placed, NEW),
        }
        if let Some(at) = course.ready {
            self.steps.retain(|(from, _)| *from < at);
            ready = at;
        }
        self.step(ready, READY);
        self.contacted = dice.one_in(2).then_some(confirmed);
        let at_once = matches!(self.kind, Kind::Plain | Kind::ReadyAtOnce) || dice.one_in(2);
        self.authorized = match self.kind {
            Kind::Prepaid | Kind::PrepaidUnpaid | Kind::CashOnDelivery | Kind::FraudFailed => None,
            Kind::CreditCheck | Kind::Deferred | Kind::Reservation | Kind::FraudChecked | Kind::FraudHeld => {
                Some(ready)
            }
            _ if at_once => Some(placed),
            _ => Some(placed + dice.minutes(1, 3)),
        };
        let due = u32::try_from(dice.between(3, 5)).unwrap_or(3);
        self.deadline = match (self.kind, self.release) {
            (_, Some(release)) => release.checked_add_days(Days::new(5)).map(|day| (placed, day)),
            (Kind::Prepaid | Kind::PrepaidUnpaid, _) => Some((ready, (ready + DAY * due).jst_date())),
            _ => Some((placed, (placed + DAY * due).jst_date())),
        };
        ready
    }

    /// Detours before the parcel leaves; when the last of them ends.
    fn until_packed(&mut self, dice: &mut Dice, ready: Timestamp) -> Timestamp {
        let detour = match self.kind {
            Kind::OnHold => "保留",
            Kind::OwnStatus => dice.pick(&OWN_STATUSES),
            Kind::CancelWithdrawn => CANCEL_ASKED,
            _ => return ready,
        };
        let from = ready + dice.minutes(30, 300);
        let longest = if self.kind == Kind::OwnStatus { 5 * 1_440 } else { 1_440 };
        let to = from + dice.minutes(60, longest);
        self.step(from, detour);
        self.step(to, READY);
        to
    }

    fn until_done(&mut self, dice: &mut Dice, from: Timestamp, course: &Course) {
        let shipped = from + dice.minutes(12 * 60, 60 * 60);
        self.printed = dice.one_in(2).then(|| shipped - dice.minutes(300, 600));
        // Shipment data go in before the status, by minutes or by hours (§5.1).
        let labeled = shipped - dice.minutes(0, 240);
        let paid = (self.kind == Kind::Deferred).then(|| shipped + dice.minutes(1_440, 10 * 1_440));
        // What a call began, calls end.
        let begun = course.labeled.filter(|at| *at < shipped);
        self.labeled =
            Some(labeled).filter(|at| course.staff_ships && begun.is_none_or(|begun| *at <= begun));
        if course.staff_ships && begun.is_none() {
            self.shipped = Some(shipped);
            if let Some(paid) = paid {
                self.step(shipped, SHIPPED_UNPAID);
                self.step(paid, DONE);
                self.settled = Some(paid);
            } else {
                self.step(shipped, DONE);
                self.settled = self.settled.or(Some(shipped));
            }
        }
        match self.kind {
            Kind::LineCanceled => self.lines_canceled.push((0, from + dice.minutes(30, 600))),
            Kind::AmountChange => self.change = Some(from + dice.minutes(30, 600)),
            _ => {}
        }
    }

    /// Nobody moves it on from 新規受付.
    fn wait_for_confirmation(&mut self) {
        self.steps.truncate(1);
        (self.contacted, self.printed, self.labeled, self.shipped) = (None, None, None, None);
        (self.settled, self.change) = (None, None);
        self.lines_canceled.clear();
    }

    fn cancel_as_planned(&mut self, dice: &mut Dice, ready: Timestamp) {
        match self.kind {
            Kind::PrepaidUnpaid => {
                let confirmed = self.steps.get(1).map_or(ready, |(at, _)| *at);
                self.cut(confirmed);
                self.deadline = None;
                self.cancel(None, confirmed + DAY * 8);
            }
            Kind::FraudFailed => {
                self.cut(ready - Duration::from_secs(60));
                self.cancel(None, ready);
            }
            Kind::CancelBefore => {
                let asked = self.placed + dice.minutes(10, 1_200);
                let at = asked + dice.minutes(5, 1_440);
                let seen = dice.one_in(2).then_some(asked);
                self.cancel(seen, at);
            }
            Kind::CancelAfter => {
                let shipped = self.shipped.unwrap_or(ready);
                let at = shipped + dice.minutes(1_440, 20 * 1_440);
                self.cancel(None, at);
            }
            Kind::CancelFlagOnly => {
                let at = ready + dice.minutes(30, 600);
                self.cut(at);
                self.canceled = Some(at);
            }
            Kind::CancelStatusOnly => {
                let at = ready + dice.minutes(30, 600);
                self.cut(at);
                self.step(at, CANCELED);
            }
            _ => {}
        }
    }

    /// Whatever would have come after `at` does not happen.
    pub(crate) fn cut(&mut self, at: Timestamp) {
        self.steps.retain(|(from, _)| *from <= at);
        for event in [
            &mut self.contacted,
            &mut self.authorized,
            &mut self.settled,
            &mut self.printed,
            &mut self.labeled,
            &mut self.shipped,
            &mut self.canceled,
            &mut self.change,
        ] {
            *event = event.filter(|when| *when <= at);
        }
        self.lines_canceled.retain(|(_, when)| *when <= at);
    }

    /// Cancels the whole order; asked for before, where that shows.
    pub(crate) fn cancel(&mut self, asked: Option<Timestamp>, at: Timestamp) {
        self.cut(asked.unwrap_or(at));
        if let Some(asked) = asked {
            self.step(asked, CANCEL_ASKED);
        }
        self.step(at, CANCELED);
        self.canceled = Some(at);
    }

    /// Somebody sets the status by hand: what was planned no longer happens (§13.5).
    pub(crate) fn set(&mut self, at: Timestamp, status: &str) {
        self.cut(at);
        self.steps.push((at, Cow::Owned(status.to_owned())));
        match status {
            DONE => {
                self.shipped.get_or_insert(at);
                self.settled.get_or_insert(at);
            }
            SHIPPED_UNPAID => {
                self.shipped.get_or_insert(at);
            }
            _ => {}
        }
    }

    /// A call sets the status: staff and mall leave the order at it, but for a cancel that is to come.
    pub(crate) fn write(&mut self, at: Timestamp, status: &str) {
        let cancel =
            self.steps.iter().find(|(from, name)| *from > at && name == CANCELED).map(|(from, _)| *from);
        let asked = self.steps.iter().find(|(from, name)| *from > at && name == CANCEL_ASKED);
        let asked = asked.map(|(from, _)| *from).filter(|asked| cancel.is_some_and(|at| *asked < at));
        let flag = self.canceled.filter(|when| *when > at);
        self.set(at, status);
        if let Some(asked) = asked {
            self.step(asked, CANCEL_ASKED);
        }
        if let Some(cancel) = cancel {
            self.step(cancel, CANCELED);
        }
        self.canceled = self.canceled.or(flag);
    }

    /// `orderStatus` at `now`.
    pub(crate) fn status(&self, now: Timestamp) -> &str {
        let latest = self.steps.iter().rev().find(|(from, _)| *from <= now);
        latest.or(self.steps.first()).map_or(NEW, |(_, status)| status)
    }

    /// Is the whole order cancelled, by either of the two signs (§7.2)?
    pub(crate) fn is_canceled(&self, now: Timestamp) -> bool {
        self.canceled.is_some_and(|at| at <= now) || self.status(now) == CANCELED
    }

    /// When line `line` was cancelled alone.
    pub(crate) fn line_canceled(&self, line: usize, now: Timestamp) -> Option<Timestamp> {
        self.lines_canceled.iter().find(|(n, at)| *n == line && *at <= now).map(|(_, at)| *at)
    }

    /// Do the lowered amounts show?
    pub(crate) fn changed(&self, now: Timestamp) -> bool {
        self.change.is_some_and(|at| at <= now)
    }

    /// The deadline as it shows.
    pub(crate) fn ship_by(&self, now: Timestamp) -> Option<NaiveDate> {
        self.deadline.filter(|(from, _)| *from <= now && !self.is_canceled(now)).map(|(_, day)| day)
    }

    /// The award of points, thirty days after shipping: its day.
    pub(crate) fn award(&self, now: Timestamp) -> Option<NaiveDate> {
        let shipped = self.shipped.filter(|at| *at <= now);
        shipped.and_then(|at| at.jst_date().checked_add_days(Days::new(30)))
    }

    /// When the order will next look different by itself.
    pub(crate) fn next_change(&self, now: Timestamp) -> Option<Timestamp> {
        let events = [
            self.contacted,
            self.authorized,
            self.settled,
            self.printed,
            self.labeled,
            self.shipped,
            self.canceled,
            self.change,
            self.deadline.map(|(from, _)| from),
            self.award(now).map(Timestamp::jst_midnight),
        ];
        let steps = self.steps.iter().map(|(at, _)| *at);
        let lines = self.lines_canceled.iter().map(|(_, at)| *at);
        events.into_iter().flatten().chain(steps).chain(lines).filter(|at| *at > now).min()
    }

    /// The day that `dateType` compares (§4.1), where there is one yet.
    pub(crate) fn searched_day(&self, date_type: u8, now: Timestamp) -> Option<NaiveDate> {
        let past = |event: Option<Timestamp>| event.filter(|at| *at <= now).map(Timestamp::jst_date);
        match date_type {
            1 => past(self.shipped),
            2 => past(self.settled),
            3 => self.release,
            4 => self.ship_by(now),
            _ => Some(self.placed.jst_date()),
        }
    }
}
