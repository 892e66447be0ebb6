//! Whether what a call did was right: by what cart and slips said then, by who works under which rules, and by what people
//! had asked for.

use std::time::Duration;

use mallsync::clock::Timestamp;
use mallsync::domain::money::Yen;
use mallsync::domain::settlement::Wish;
use mallsync::sim::{By, Effect, Entry};

use crate::gateway::Sale;
use crate::story::{MINUTE, Rules, Story, Version};

/// The cart's file is read every other hour, and as often does the daemon look at what commands wrote.
pub const KNOWN: Duration = Duration::from_secs(4 * 3_600);

/// Whether an entry of `sale`'s journal that a call made was right.
pub fn right(story: &Story, sale: &Sale, entry: &Entry) -> Result<(), String> {
    let changed = matches!(entry.effect, Effect::Effective | Effect::Half | Effect::Lapsed);
    if !changed {
        return Ok(());
    }
    if entry.lapsed {
        return Err("the authorisation was over".to_owned());
    }
    // What was on its way when it was held arrives.
    if story.holds().iter().any(|(begins, ends)| entry.at > *begins + MINUTE * 5 && entry.at < *ends) {
        return Err("a person held it".to_owned());
    }
    let then = story.between(entry.at - KNOWN, entry.at);
    let some = |what: &str, met: &dyn Fn(&Version) -> bool| {
        if then.iter().any(met) { Ok(()) } else { Err(format!("{what}: {then:?}")) }
    };
    let wished = |is: &dyn Fn(&Wish) -> bool| story.wished(entry.at, is);
    let asks = story.rules == Rules::Ask;
    let ours = story.rules != Rules::B2;
    match entry.function {
        "E01" | "E02" if !ours => Err("B2クラウド registers it".to_owned()),
        "E01" => {
            some("the amount is not due", &|v| !v.canceled && v.due == entry.amount)?;
            some("the slip is not the order's", &|v| v.registered(&story.number).contains(&entry.what))?;
            not_against_people(story, sale, entry)
        }
        "E02" if wished(&|wish| *wish == Wish::Undo { slip_number: entry.what.clone() }) => Ok(()),
        "E02" => some("the slip is the order's", &|v| !v.registered(&story.number).contains(&entry.what)),
        "A06" if entry.from == 31 => Err("it was settled".to_owned()),
        "A06" if wished(&|wish| *wish == Wish::Cancel) => Ok(()),
        "A06" if asks => Err("nobody was asked".to_owned()),
        "A06" => some("the order is not cancelled", &|v| v.canceled),
        "A07" if asks => {
            let to = Wish::ChangeAmount { to: Yen(entry.what.parse().unwrap()) };
            if wished(&|wish| *wish == to) { Ok(()) } else { Err("nobody was asked".to_owned()) }
        }
        "A07" => some("the amount is not due", &|v| !v.canceled && v.due.to_string() == entry.what),
        "A11" if entry.from != 4 => Err(format!("status {}", entry.from)),
        "A11" if asks && !wished(&|wish| *wish == Wish::Reauth) => Err("nobody was asked".to_owned()),
        "A11" => some("the order is cancelled", &|v| !v.canceled),
        "E03" => {
            let to = |wish: &Wish| matches!(wish, Wish::ChangeDate { to } if to.format("%Y%m%d").to_string() == entry.what);
            if wished(&to) { Ok(()) } else { Err("nobody asked for that day".to_owned()) }
        }
        other => Err(format!("nobody asked for {other}")),
    }
}

/// A slip that a person took back, in the console or by command, is not registered again but by a person's word.
fn not_against_people(story: &Story, sale: &Sale, entry: &Entry) -> Result<(), String> {
    let undone = |slip: &str| Wish::Undo { slip_number: slip.to_owned() };
    let taken_back = sale.entries.iter().filter(|e| e.at < entry.at && e.what == entry.what).any(|e| {
        let by_person = e.by == By::Console || story.wished(e.at, |wish| *wish == undone(&e.what));
        e.function == "E02" && e.effect == Effect::Effective && by_person
    });
    if taken_back && !story.wished(entry.at, |wish| *wish == Wish::Capture) {
        return Err("a person had taken it back".to_owned());
    }
    Ok(())
}

/// The most changes by calls within an hour. A call may take effect a minute after it was sent.
pub fn busiest_hour(mut at: Vec<Timestamp>) -> usize {
    at.sort();
    let hour = MINUTE * 59;
    let mut first = 0;
    let counts = at.iter().enumerate().map(|(last, until)| {
        while at[first] + hour < *until {
            first += 1;
        }
        last - first + 1
    });
    counts.max().unwrap_or(0)
}
