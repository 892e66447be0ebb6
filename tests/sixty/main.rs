//! Sixty days of card sales: the daemon, whole and in this process, on the manual clock, with an own cart's files, people's
//! slips and commands, and the simulated gateway. Sales wait for their parcels for weeks, amounts change, orders are
//! cancelled, slips are corrected, parcels bring several orders, cards are declined, changes fail by half, reservations are
//! put off, staff work in the gateway's console, B2クラウド registers by itself, questions are answered days later, guards
//! trip, answers get lost, look-ups are stale, nights and maintenance come, and the daemon is killed in the midst of a call
//! and goes on from its database. What must hold is counted in the gateway's own books (`verdict`):
//!
//! - no authorisation lapses that could have been renewed;
//! - nothing is captured, cancelled or changed twice or wrongly;
//! - whatever is not as the order wants it is in the list of what needs a person, with the reason;
//! - nothing is left open.
//!
//! A broken one names its seed and tells the story of the sale. `MALLSYNC_SEEDS` says how many seeds (CI 3, `make soak` 50,
//! the first of them with thousands of sales); `MALLSYNC_SEED=7` runs that one alone, `MALLSYNC_STORY=12` with it that sale
//! alone, `MALLSYNC_SALES=40` so many.

#[cfg(test)]
#[path = "../support/mod.rs"]
#[expect(dead_code, reason = "the store's suite uses the rest of it")]
mod support;

#[cfg(test)]
mod days;
#[cfg(test)]
mod draw;
#[cfg(test)]
mod gateway;
#[cfg(test)]
mod house;
#[cfg(test)]
mod list;
#[cfg(test)]
mod matter;
#[cfg(test)]
mod office;
#[cfg(test)]
mod outside;
#[cfg(test)]
mod people;
#[cfg(test)]
mod plots;
#[cfg(test)]
mod right;
#[cfg(test)]
mod settings;
#[cfg(test)]
mod story;
#[cfg(test)]
mod verdict;
#[cfg(test)]
mod weather;
