//! The one place that sends, against servers that misbehave on purpose (decisions.md 7, 40).

#![cfg(test)]

mod calls;
mod identity;
mod server;
mod tokens;
