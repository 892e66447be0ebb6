//! The contract of the store: every method on both databases, and the two schemas side by side.
//!
//! `cfg(test)` tells clippy that helpers beside the tests may panic as tests may.

#[cfg(test)]
#[path = "../support/mod.rs"]
mod support;

#[cfg(test)]
mod accounts;
#[cfg(test)]
mod facts;
#[cfg(test)]
mod looks;
#[cfg(test)]
mod opening;
#[cfg(test)]
mod operations;
#[cfg(test)]
mod orders;
#[cfg(test)]
mod plans;
#[cfg(test)]
mod quiet;
#[cfg(test)]
mod races;
#[cfg(test)]
mod receptions;
#[cfg(test)]
mod reconciling;
#[cfg(test)]
mod relinked;
#[cfg(test)]
mod reloads;
#[cfg(test)]
mod schema;
#[cfg(test)]
mod sends;
#[cfg(test)]
mod settlements;
#[cfg(test)]
mod signs;
#[cfg(test)]
mod slips;
#[cfg(test)]
mod small;
#[cfg(test)]
mod wishes;
