//! The daemon as it runs: the real binary against simulated malls, cart, carrier and gateway over sockets. It is killed,
//! stopped, starved of its database and its disk, fed with broken answers and files; nothing is lost, nothing is sent
//! twice, nothing secret is said.

#[cfg(test)]
#[path = "../support/postgres.rs"]
#[expect(dead_code, reason = "the soak uses the rest of it")]
mod postgres;
#[cfg(test)]
#[path = "../support/process.rs"]
mod process;
#[cfg(test)]
#[path = "../support/rig.rs"]
#[expect(dead_code, reason = "the soak uses the rest of it")]
mod rig;
#[cfg(test)]
#[path = "../support/mod.rs"]
#[expect(dead_code, reason = "the store's suite uses the rest of it")]
mod support;

#[cfg(test)]
mod backup;
#[cfg(test)]
mod bad_input;
#[cfg(test)]
mod canary;
#[cfg(test)]
mod echo;
#[cfg(test)]
mod health;
#[cfg(test)]
mod journal;
#[cfg(test)]
mod kill;
#[cfg(test)]
mod notify;
#[cfg(test)]
mod outage;
#[cfg(test)]
mod picture;
#[cfg(test)]
mod reload;
#[cfg(test)]
mod silence;
#[cfg(test)]
mod stop;
