//! The daemon over a long time: the real binary as a process of its own, against four malls, a cart, a carrier and a
//! gateway, on a PostgreSQL server of the test's own. Answers get lost, services refuse and hang, the config is edited, well
//! and badly, the server is killed and started again. In the end nothing is lost, nothing is doubled, nothing is left
//! open, and the daemon holds no more than it did in the middle.
//!
//! The simulated clock runs 144 times as fast as the machine's: a day in ten minutes. That is `make soak`; without
//! `MALLSYNC_SOAK` (seconds of load) it is a part of that day, in which memory is not judged.

#[cfg(test)]
#[path = "../support/agree.rs"]
mod agree;
#[cfg(test)]
#[path = "../support/postgres.rs"]
#[expect(dead_code, reason = "the daemon's tests use the rest of it")]
mod postgres;
#[cfg(test)]
#[path = "../support/process.rs"]
#[expect(dead_code, reason = "the daemon's tests use the rest of it")]
mod process;
#[cfg(test)]
#[path = "../support/rig.rs"]
#[expect(dead_code, reason = "the daemon's tests use the rest of it")]
mod rig;
#[cfg(test)]
#[path = "../support/mod.rs"]
#[expect(dead_code, reason = "the store's suite uses the rest of it")]
mod support;

#[cfg(test)]
mod day;
#[cfg(test)]
mod edits;
#[cfg(test)]
mod figures;
#[cfg(test)]
mod verdict;
#[cfg(test)]
mod weather;
