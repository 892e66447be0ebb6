//! The engine's polling against the simulator, on the manual clock and on both databases.

#[cfg(test)]
#[path = "../support/mod.rs"]
mod support;

#[cfg(test)]
mod pace;
#[cfg(test)]
mod quiet;
#[cfg(test)]
mod rig;
#[cfg(test)]
mod sharing;
#[cfg(test)]
mod start;
#[cfg(test)]
mod strange;
#[cfg(test)]
mod week;
