//! Which sales there are, drawn from a seed: a sale of one seed is the same whichever others are there.

use chrono::Days;
use mallsync::clock::Timestamp;
use mallsync::domain::order::Carrier;
use mallsync::domain::settlement::Wish;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use crate::draw::{Draw, console, daytime, minutes, part, yamato};
use crate::story::{Act, DAY, DAYS, HOUR, MINUTE, Rules, Story};

/// No order is placed later: what it brings must come to rest.
const ORDERS: u32 = 52;

/// Two orders that leave in one parcel.
fn together(seed: u64, index: u64, begin: Timestamp) -> Option<Story> {
    let pair = index / 2;
    let mut dice = StdRng::seed_from_u64(seed << 32 | 1 << 31 | pair);
    if !dice.random_ratio(1, 30) {
        return None;
    }
    let number = |index: u64| format!("S{seed}-{index:05}");
    let placed = begin + minutes(&mut dice, 30, u64::from(ORDERS - 6) * 1_440);
    let slipped = placed + minutes(&mut dice, 180, 5 * 1_440);
    let placed = placed + HOUR * part(index % 2);
    let orders = vec![number(pair * 2), number(pair * 2 + 1)];
    let acts = vec![(placed, Act::Order), (slipped, Act::Together(yamato(pair * 200), orders))];
    let amount = dice.random_range(1_000..60_000) + i64::try_from(index % 2).unwrap() * 700;
    Some(Story { about: "two orders in one parcel", acts, ..Story::bare(number(index), placed, amount) })
}

impl Story {
    fn bare(number: String, placed: Timestamp, amount: i64) -> Self {
        Self {
            number,
            about: "nothing special",
            rules: Rules::Apply,
            placed,
            amount,
            planned: None,
            acts: vec![(placed, Act::Order)],
            trouble: false,
            unscanned: false,
            unregistered: false,
            refused: false,
            again: false,
            wished: Vec::new(),
            resolved: None,
        }
    }

    /// Sale `index` of `seed`, in a world that begins at `begin`.
    pub fn new(seed: u64, index: u64, begin: Timestamp) -> Self {
        if let Some(story) = together(seed, index, begin) {
            return story;
        }
        let mut dice = StdRng::seed_from_u64(seed << 32 | index);
        let placed = begin + minutes(&mut dice, 30, u64::from(ORDERS) * 1_440);
        let amount = dice.random_range(1_000..60_000);
        let wait = match dice.random_range(0..100) {
            0..45 => Some(minutes(&mut dice, 180, 3 * 1_440)),
            45..72 => Some(minutes(&mut dice, 4 * 1_440, 25 * 1_440)),
            72..90 => Some(minutes(&mut dice, 25 * 1_440, 50 * 1_440)),
            _ => None,
        };
        let end = begin + DAY * DAYS;
        let slipped = wait.map(|wait| placed + wait).filter(|at| *at < end);
        let mut story = Self::bare(format!("S{seed}-{index:05}"), placed, amount);
        story.rules = match dice.random_range(0..20) {
            0..12 => Rules::Apply,
            12..16 => Rules::Ask,
            _ => Rules::B2,
        };
        let other_carrier = story.rules != Rules::B2 && dice.random_ratio(1, 10);
        let (slip, second) = (yamato(index * 100), yamato(index * 100 + 1));
        let first = if other_carrier {
            (format!("5{index:011}"), Carrier::Sagawa)
        } else {
            (slip.clone(), Carrier::Yamato)
        };
        if let Some(at) = slipped {
            story.acts.push((at, Act::Slips(vec![first])));
        }
        let roll = dice.random_range(0..200);
        let yamato = slipped.filter(|_| !other_carrier);
        let mut draw = Draw { dice, slipped, yamato, until: slipped.unwrap_or(end), slip, second };
        match roll {
            ..88 => story.by_cart_and_slips(roll, index, &mut draw),
            88..116 => story.by_staff(roll, &mut draw),
            116..142 => story.by_issuer(roll, &mut draw),
            142..164 => story.by_command(roll, &mut draw),
            164..176 if story.rules != Rules::B2 => story.reserved(roll, &mut draw),
            176..180 if draw.yamato.is_some() => {
                story.about = "a parcel that is never scanned";
                (story.unscanned, story.trouble) = (true, true);
            }
            180..184 if story.rules == Rules::B2 && slipped.is_some() => {
                story.about = "a slip that nobody registers";
                (story.unregistered, story.trouble) = (true, true);
            }
            184..190 if story.rules != Rules::B2 && draw.yamato.is_some() => {
                story.with_a_dead_slip(&mut draw);
            }
            _ => {}
        }
        story.finish(end);
        story
    }

    fn add<const N: usize>(&mut self, about: &'static str, acts: [(Timestamp, Act); N]) {
        self.about = about;
        self.acts.extend(acts);
    }

    fn trouble<const N: usize>(&mut self, about: &'static str, acts: [(Timestamp, Act); N]) {
        self.add(about, acts);
        self.trouble = true;
    }

    fn by_cart_and_slips(&mut self, roll: u32, index: u64, draw: &mut Draw) {
        let (slip, second) = (draw.slip.clone(), draw.second.clone());
        match (roll, draw.slipped, draw.yamato) {
            (0..16, ..) => {
                let (at, to) = (draw.between(self.placed), draw.another(self.amount));
                self.add("another amount while it waits", [(at, Act::Due(to))]);
            }
            (16..22, ..) => {
                let at = draw.between(self.placed);
                let first = draw.another(self.amount);
                let second = draw.another(first) + 7;
                self.add("two other amounts", [(at, Act::Due(first)), (at + HOUR * 30, Act::Due(second))]);
            }
            (22..32, Some(at), _) => {
                let (later, to) = (draw.later(30, 600), draw.another(self.amount));
                self.add("another amount right after the slip", [(at + later, Act::Due(to))]);
            }
            (32..44, ..) => {
                let at = draw.between(self.placed);
                self.add("cancelled while it waits", [(at, Act::Cancel)]);
            }
            (44..50, Some(at), _) => {
                let later = draw.later(5, 600);
                self.add("cancelled right after the slip", [(at + later, Act::Cancel)]);
            }
            (50..54, Some(at), _) => {
                let later = draw.later(4 * 1_440, 6 * 1_440);
                self.trouble("cancelled after it was settled", [(at + later, Act::Cancel)]);
            }
            (54..58, Some(at), _) => {
                let at = at + draw.later(4 * 1_440, 6 * 1_440);
                let acts = [(at, Act::Cancel), (at + DAY, Act::Resolve)];
                self.trouble("cancelled after it was settled, and paid back by hand", acts);
            }
            (58..68, _, Some(at)) => {
                let at = at + draw.later(30, 720);
                if self.rules == Rules::B2 {
                    let acts = [
                        (at, console("E02", &slip)),
                        (at, console("E01", &second)),
                        // Here it can be corrected once the gateway was looked at.
                        (at + DAY, Act::Replace(slip, second)),
                    ];
                    self.trouble("a slip corrected by B2クラウド, and a day later here", acts);
                } else {
                    self.add("a corrected slip", [(at, Act::Replace(slip, second))]);
                }
            }
            (68..72, _, Some(at)) => {
                let later = draw.later(4 * 1_440, 6 * 1_440);
                self.trouble(
                    "a slip corrected after it was settled",
                    [(at + later, Act::Replace(slip, second))],
                );
            }
            (72..78, _, Some(at)) => {
                let later = draw.later(20, 600);
                self.add("a further parcel", [(at + later, Act::Further(second))]);
            }
            (78..84, _, Some(at)) => {
                let parcels = draw.dice.random_range(2..5);
                let slips = (0..parcels).map(|n| (yamato(index * 100 + 10 + n), Carrier::Yamato)).collect();
                self.acts.retain(|(_, act)| !matches!(act, Act::Slips(_)));
                self.add("several parcels", [(at, Act::Slips(slips))]);
            }
            (84..88, Some(at), _) if self.rules != Rules::B2 => {
                let other = (format!("6{index:011}"), Carrier::Sagawa);
                self.acts.retain(|(_, act)| !matches!(act, Act::Slips(_)));
                let slips = vec![(slip, Carrier::Yamato), other];
                self.add("parcels of two carriers", [(at, Act::Slips(slips))]);
            }
            _ => {}
        }
    }

    /// In the gateway's console.
    fn by_staff(&mut self, roll: u32, draw: &mut Draw) {
        let (slip, second) = (draw.slip.clone(), draw.second.clone());
        match (roll, draw.yamato) {
            (88..92, _) => {
                let at = draw.between(self.placed);
                self.trouble("cancelled in the console, not in the cart", [(at, console("A06", ""))]);
            }
            (92..96, _) => {
                let at = draw.between(self.placed);
                let acts = [(at, console("A06", "")), (at + MINUTE * 20, Act::Cancel)];
                self.add("cancelled in the console and in the cart", acts);
            }
            (96..100, _) => {
                let (at, to) = (daytime(draw.between(self.placed)), draw.another(self.amount));
                let acts = [(at, console("A07", &to.to_string())), (at + MINUTE * 20, Act::Due(to))];
                self.add("another amount in the console and in the cart", acts);
            }
            (100..104, Some(at)) => {
                self.add("registered in the console", [(at - MINUTE * 40, console("E01", &slip))]);
            }
            (104..109, Some(at)) => {
                let later = draw.later(5 * 60, 20 * 60);
                self.trouble("a slip taken back in the console", [(at + later, console("E02", &slip))]);
            }
            (109..112, Some(at)) => {
                let at = at + draw.later(5 * 60, 14 * 60);
                let acts = [
                    (at, console("E02", &slip)),
                    (at + MINUTE, console("E01", &second)),
                    (at + MINUTE * 30, Act::Replace(slip, second)),
                ];
                self.add("a slip corrected in the console and here", acts);
            }
            (112..116, _) => {
                let at = daytime(draw.between(self.placed));
                self.add("renewed in the console", [(at, console("A11", ""))]);
            }
            _ => {}
        }
    }

    /// The issuer or the network says no.
    fn by_issuer(&mut self, roll: u32, draw: &mut Draw) {
        let at = draw.between(self.placed);
        match roll {
            116..124 => self.trouble("a card that is declined from then on", [(at, Act::Decline)]),
            124..129 => {
                let to = draw.another(self.amount);
                let acts = [(at, Act::Decline), (at + HOUR, Act::Due(to))];
                self.trouble("a card that is declined, and another amount", acts);
            }
            129..134 => {
                let acts = [(at, Act::RefuseCancel), (at + HOUR, Act::Cancel)];
                self.trouble("a cancel that the network refuses", acts);
            }
            134..138 => {
                let to = draw.another(self.amount);
                let acts = [(at, Act::KeepOld), (at + HOUR, Act::Due(to))];
                self.trouble("another amount, and the old one stays held", acts);
            }
            _ => {
                let to = draw.another(self.amount);
                let acts = [
                    (at, Act::KeepOld),
                    (at + HOUR, Act::Due(to)),
                    (at + DAY * 3, console("A06", "")),
                    (at + DAY * 3 + MINUTE * 20, Act::Cancel),
                ];
                self.trouble("half a change of amount, cancelled in the console and in the cart", acts);
            }
        }
    }

    /// People by command.
    fn by_command(&mut self, roll: u32, draw: &mut Draw) {
        let at = draw.between(self.placed);
        match (roll, draw.yamato.filter(|_| self.rules != Rules::B2)) {
            (142..147, _) => self.add("renewed by a command", [(at, Act::Wish(Wish::Reauth))]),
            (147..151, _) => {
                let acts = [(at, Act::Wish(Wish::Cancel)), (at + HOUR * 5, Act::Cancel)];
                self.add("cancelled by a command, then in the cart", acts);
            }
            (151..155, Some(slipped)) => {
                let at = slipped + draw.later(4 * 60, 16 * 60);
                let undo = Wish::Undo { slip_number: draw.slip.clone() };
                let acts = [
                    (at, Act::Wish(undo)),
                    (at + HOUR * 30, Act::Release),
                    (at + HOUR * 30, Act::Wish(Wish::Capture)),
                ];
                self.trouble("a slip taken back by a command, and registered again", acts);
            }
            (155..161, _) => {
                let until = at + draw.later(1_440, 6 * 1_440);
                self.add("held for some days", [(at, Act::Hold), (until, Act::Release)]);
            }
            (161..164, _) => self.trouble("held for good", [(at, Act::Hold)]),
            _ => {}
        }
    }

    /// The gateway does not take the slip; days later a person writes the right one.
    fn with_a_dead_slip(&mut self, draw: &mut Draw) {
        let Some(slipped) = draw.yamato else { return };
        let at = slipped + draw.later(1_440, 7 * 1_440);
        let (slip, second) = (draw.slip.clone(), draw.second.clone());
        let acts = [(self.placed, Act::Dead(slip.clone())), (at, Act::Replace(slip, second))];
        self.add("a slip that the gateway does not take, corrected days later", acts);
    }

    /// The gateway authorises it ten days before the planned day.
    fn reserved(&mut self, roll: u32, draw: &mut Draw) {
        let ordered_on = self.placed.jst_date();
        let planned = ordered_on + Days::new(draw.dice.random_range(4..36));
        self.planned = Some(planned);
        self.acts.retain(|(_, act)| *act == Act::Order);
        let slip = |day: chrono::NaiveDate| {
            let at = Timestamp::jst_midnight(day) + HOUR * 11;
            (at, Act::Slips(vec![(draw.slip.clone(), Carrier::Yamato)]))
        };
        match roll {
            164..170 => self.trouble("a reservation", [slip(planned)]),
            170..172 => {
                let at = self.placed + HOUR;
                self.trouble("a reservation whose card is declined", [(at, Act::Decline), slip(planned)]);
            }
            _ => {
                let (at, to) = (self.placed + DAY, planned + Days::new(5));
                let acts = [(at, Act::Wish(Wish::ChangeDate { to })), slip(to)];
                self.trouble("a reservation that is put off by a command", acts);
            }
        }
    }

    /// What follows from the rest: the cart tells what was sent, B2クラウド registers what it issues, and nobody sends a
    /// parcel of a cancelled order.
    fn finish(&mut self, end: Timestamp) {
        let canceled = self.when(|act| *act == Act::Cancel);
        let live = |at: Timestamp| canceled.is_none_or(|canceled| at < canceled);
        self.acts.retain(|(at, act)| *at < end && (!matches!(act, Act::Slips(_)) || live(*at)));
        if let Some(at) = self.when(|act| matches!(act, Act::Slips(_))).map(|at| at + HOUR * 6)
            && at < end
            && live(at)
        {
            self.acts.push((at, Act::Ship));
        }
        if self.rules == Rules::B2 && !self.unregistered {
            let mut issued = Vec::new();
            for (at, act) in &self.acts {
                let slips: Vec<&String> = match act {
                    Act::Slips(slips) => slips.iter().map(|(slip, _)| slip).collect(),
                    Act::Further(slip) => vec![slip],
                    _ => continue,
                };
                issued.extend(slips.into_iter().map(|slip| (*at - MINUTE * 10, console("E01", slip))));
            }
            self.acts.extend(issued);
        }
        self.acts.sort_by_key(|(at, _)| *at);
    }
}
