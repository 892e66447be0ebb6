//! The one place that sends, against servers that misbehave on purpose (decisions.md 7, 40).

mod calls;
mod identity;
mod server;
