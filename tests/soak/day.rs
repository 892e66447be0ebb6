//! The day itself.

use std::path::Path;
use std::time::Duration;

use mallsync::clock::Timestamp;
use mallsync::sim::{
    AMAZON_SHOP, AUPAY_SHOP, CART_SHOP, Catalogue, Encoding, Fact, Format, RAKUTEN_SHOP, YAHOO_SHOP,
};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use crate::edits;
use crate::figures::{self, Sample};
use crate::postgres::Postgres;
use crate::process::Process;
use crate::rig::{HISTORY, House, Outside, imported, noon};
use crate::verdict;
use crate::weather::weather;

/// Simulated seconds in one of the machine's: a day in ten minutes.
const SPEED: u32 = 144;
/// Orders a day at Rakuten, at Amazon and in the cart. The others have a quarter of it: Yahoo! is asked for each order by
/// itself, and a list of au PAY is its whole orders.
const PER_DAY: u64 = 96;
/// A second of the machine.
const SECOND: Duration = Duration::from_secs(SPEED as u64);
/// Weather changes, files are dropped and something is done to the daemon so often.
const ROUND: u32 = 5;
/// So many things are done in turn, one a round.
const ACTS: u32 = 6;
/// Seconds of load where nobody says.
const SHORT: u64 = 45;
/// From so many seconds on the load is steady for long enough to judge memory.
const LONG: u64 = 600;

pub const MALLS: [&str; 4] = [RAKUTEN_SHOP, YAHOO_SHOP, AUPAY_SHOP, AMAZON_SHOP];

/// Seconds of load.
#[expect(clippy::disallowed_methods, reason = "how long the tests run is the environment's to say")]
fn seconds() -> u64 {
    std::env::var("MALLSYNC_SOAK").ok().and_then(|n| n.parse().ok()).unwrap_or(SHORT)
}

/// Everything there is.
pub struct Soak {
    pub outside: Outside,
    pub house: House,
    pub postgres: Postgres,
    pub daemon: Process,
    dice: StdRng,
    /// There is time for what takes minutes on the machine's clock.
    long: bool,
    /// Slip files that could not be imported yet.
    slips: Vec<String>,
    /// Until when cart and carrier have written, in so many files.
    pub written: Timestamp,
    files: u32,
    /// When the load ends.
    end: Timestamp,
    samples: Vec<Sample>,
    disabled: Option<&'static str>,
    restarts: u32,
    reloads: u32,
}

impl Soak {
    fn new(long: bool) -> Self {
        let clock = Outside::clock(noon(), SPEED);
        let outside = Outside::of(1, 1, clock, |mut options| {
            let orders = Catalogue::per_day(noon(), HISTORY, PER_DAY);
            options.rakuten[0].orders = orders;
            options.cart = orders;
            options = options.with_all_malls();
            let fewer = Catalogue::per_day(noon(), HISTORY, PER_DAY / 4);
            options.yahoo[0].orders = fewer;
            options.aupay[0].orders = fewer;
            options
        });
        // The way of a request is part of its age: two seconds of the machine are five minutes here.
        outside.world.switch(|switches| switches.yahoo.signature_tolerance_s = 3_600);
        let postgres = Postgres::start();
        let mut house = House::new(&outside);
        let sqlite = format!("sqlite:{}", house.path().join("mallsync.db").display());
        house.change(&sqlite, &postgres.url());
        house.change("\"*/30 * * * * *\"", "\"*/5 * * * *\"");
        // The days before are made up for in the first minutes.
        let limits = "maintenance = \"\"\nmax_per_hour = 10000\nmax_yen_per_day = 1000000000";
        house.change("maintenance = \"\"", limits);
        let daemon = house.daemon();
        let dice = StdRng::seed_from_u64(1);
        Self {
            outside,
            house,
            postgres,
            daemon,
            dice,
            long,
            slips: Vec::new(),
            written: noon() - HISTORY - SECOND,
            files: 0,
            end: noon(),
            samples: Vec::new(),
            disabled: None,
            restarts: 0,
            reloads: 0,
        }
    }

    /// A number of passes over every shop that began after this.
    pub fn passes(&self, shops: &[&str], passes: usize) {
        let begun = self.daemon.log.len();
        for shop in shops {
            let mut from = begun;
            for _ in 0..=passes {
                from = self.daemon.log.wait(from, &["Pass finished.", shop, "\"stream\":\"new\""]) + 1;
            }
        }
    }

    /// Lets so many seconds of the machine pass, with a look at the daemon each second.
    pub fn look(&mut self, seconds: u32) -> Vec<Sample> {
        let from = self.outside.world.now();
        let samples: Vec<Sample> = (1..=seconds)
            .map(|n| {
                self.outside.reach(from + SECOND * n);
                figures::look(self.daemon.id())
            })
            .collect();
        self.samples.extend(&samples);
        samples
    }

    /// The cart drops its orders, B2 its slips: what they wrote until `until`.
    fn write(&mut self, until: Timestamp) {
        let (world, since) = (&self.outside.world, self.written);
        self.files += 1;
        if let Some(orders) = world.cart_file(Format::EcCube4, Encoding::Cp932, since, until).unwrap() {
            self.house.drop_orders(&format!("orders-{:04}.csv", self.files), &orders, 0);
        }
        if let Some(slips) = world.b2_file(since, until).unwrap() {
            let name = format!("b2-{:04}.csv", self.files);
            self.slips.push(self.house.slip_file(&name, &slips));
        }
        self.written = until;
    }

    /// Cart and carrier catch up: their days before the start are spread over the load.
    fn catch_up(&mut self) {
        let now = self.outside.world.now();
        let (behind, left) = (now.since(self.written), self.end.since(now));
        let rounds = u32::try_from(left.as_secs() / (SECOND * ROUND).as_secs()).unwrap() + 1;
        self.write(self.written + behind / rounds);
    }

    /// Imports slips as a person does: what did not go is done again later.
    fn import(&mut self) {
        self.slips.retain(|file| !imported(&self.house.run(&["slips", "import", "--no-wait", file])));
    }

    /// A buyer changes his mind.
    fn cancel(&mut self) {
        let shop = MALLS[self.dice.random_range(0..MALLS.len())];
        let open: Vec<Fact> = self.outside.world.truth(shop).filter(|fact| !fact.canceled).collect();
        let order = &open[self.dice.random_range(0..open.len())];
        self.outside.world.cancel(shop, &order.order_number);
    }

    /// The database goes away and comes back: soon, or, with `noticed`, after the daemon has given up waiting for it.
    fn restart(&mut self, kill: bool, noticed: bool) {
        let from = self.daemon.log.len();
        if kill {
            self.postgres.kill();
        } else {
            self.postgres.stop();
        }
        if noticed {
            self.daemon.log.wait(from, &["Database did not answer."]);
        }
        self.catch_up();
        self.import();
        self.postgres.again();
        self.restarts += 1;
    }

    /// One of the things that happen to a daemon, in turn.
    fn act(&mut self, round: u32) {
        let shop = MALLS[self.dice.random_range(0..MALLS.len())];
        let (house, daemon) = (&mut self.house, &self.daemon);
        match round % ACTS {
            0 => self.restart(false, self.long && round.is_multiple_of(2 * ACTS)),
            1 => {
                let minutes = self.dice.random_range(5..11);
                edits::schedule(house, daemon, shop, &format!("{} */{minutes} * * * *", round % 59));
                self.reloads += 1;
            }
            2 => self.restart(true, false),
            3 => {
                edits::disable(house, daemon, shop);
                self.disabled = Some(shop);
                self.reloads += 1;
            }
            4 => {
                edits::mistake(house, daemon, CART_SHOP);
                self.reloads += 2;
            }
            _ => {
                if let Some(shop) = self.disabled.take() {
                    edits::enable(house, daemon, shop);
                    self.reloads += 1;
                }
            }
        }
    }

    fn round(&mut self, round: u32) {
        self.outside.world.set_faults(weather(&mut self.dice, self.long));
        self.cancel();
        self.act(round);
        self.catch_up();
        self.import();
        self.look(ROUND);
    }

    /// Everything is well from here on: no faults, every shop polled, every file dropped.
    fn calm(&mut self) {
        self.outside.world.set_faults(Vec::new());
        if let Some(shop) = self.disabled.take() {
            edits::enable(&mut self.house, &self.daemon, shop);
        }
        self.write(self.outside.world.now());
        self.import();
        assert!(self.slips.is_empty(), "{:?}", self.slips);
    }
}

impl Drop for Soak {
    /// What the daemon said, for whoever wants to know more than the verdict.
    fn drop(&mut self) {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("soak.log");
        if std::fs::write(&path, self.daemon.log.lines().join("\n")).is_ok() {
            println!("the daemon's log: {}", path.display());
        }
    }
}

#[test]
fn a_day_of_faults_edits_and_restarts_loses_nothing_doubles_nothing_and_leaves_nothing_behind() {
    let seconds = seconds();
    let mut soak = Soak::new(seconds >= LONG);
    soak.passes(&MALLS, 1);
    let before = figures::at_rest(&soak.look(ROUND));
    soak.samples.clear();
    soak.end = soak.outside.world.now() + SECOND * u32::try_from(seconds).unwrap();
    let mut rounds = 0;
    // Everything that is done to a daemon is done to it, however slow the machine.
    while soak.outside.world.now() < soak.end || rounds < ACTS {
        soak.round(rounds);
        rounds += 1;
    }
    let load = std::mem::take(&mut soak.samples);
    let [first, second, last] = figures::thirds(&load);
    println!("{rounds} rounds; resident {first}, {second}, {last} KiB");
    soak.calm();
    let captures = verdict::captured_once(&soak);
    let reading = verdict::nothing_lost(&soak);
    let after = figures::at_rest(&soak.look(ROUND));
    soak.daemon.terminate();
    assert_eq!(soak.daemon.ended(), Some(0), "it did not stop as it should");
    let orders = reading.equals_a_fresh_look(&soak.outside);
    println!(
        "{seconds} s: {rounds} rounds, {} database restarts, {} reloads, {orders} orders, {captures} captures, {} calls; \
         {before:?} before, {after:?} after",
        soak.restarts,
        soak.reloads,
        soak.outside.world.requests(),
    );
    verdict::holds_no_more(before, after);
    if seconds >= LONG {
        assert!(last * 100 <= second * 105, "it grows: {first}, {second}, {last} KiB");
    }
}
