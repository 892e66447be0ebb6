//! Captures under fault, end to end: the engine's own loops against the simulated gateway, over sockets, on both
//! databases; every way an answer can be lost (decisions.md 40) × every crash point × two workers. Counted at the gateway:
//! one effect for each intent, nothing sent again blindly, nothing left behind silently (I6, I7, I8, I11).

#[cfg(test)]
#[path = "../support/log.rs"]
mod log;
#[cfg(test)]
#[path = "../support/mod.rs"]
#[expect(dead_code, reason = "the store's suite uses the rest of it")]
mod support;

#[cfg(test)]
mod address;
#[cfg(test)]
mod alerts;
#[cfg(test)]
mod changes;
#[cfg(test)]
mod exact;
#[cfg(test)]
mod functions;
#[cfg(test)]
mod guards;
#[cfg(test)]
mod in_hand;
#[cfg(test)]
mod lag;
#[cfg(test)]
mod matrix;
#[cfg(test)]
mod parcels;
#[cfg(test)]
mod reconcile;
#[cfg(test)]
mod rig;
#[cfg(test)]
mod runs;
#[cfg(test)]
mod whole;
