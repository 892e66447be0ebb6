//! The contract of the store: every method on both databases, and the two schemas side by side.

#[path = "../support/mod.rs"]
mod support;

mod facts;
mod opening;
mod operations;
mod orders;
mod quiet;
mod schema;
mod settlements;
mod slips;
mod small;
