//! The real binary as people and scripts meet it.
//!
//! `cfg(test)` tells clippy that helpers beside the tests may panic as tests may.

#[cfg(test)]
mod bad;
#[cfg(test)]
mod basics;
#[cfg(test)]
mod beside;
#[cfg(test)]
mod binary;
#[cfg(test)]
mod bulk;
#[cfg(test)]
mod cards;
#[cfg(test)]
mod daemon;
#[cfg(test)]
mod data;
#[cfg(test)]
mod demo;
#[cfg(test)]
mod docs;
#[cfg(test)]
mod money;
#[cfg(test)]
mod notes;
#[cfg(test)]
mod receptions;
#[cfg(test)]
mod reconcile;
#[cfg(test)]
mod schema;
#[cfg(test)]
mod secret;
#[cfg(test)]
mod shops;
#[cfg(test)]
mod status;
#[cfg(test)]
mod wishes;
