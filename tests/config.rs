//! The config file from the outside: what is accepted, and every kind of bad input with the very words a person reads.

#[path = "config/bad.rs"]
mod bad;
#[path = "config/good.rs"]
mod good;
#[path = "config/outputs.rs"]
mod outputs;
#[cfg(test)]
#[path = "config/support.rs"]
mod support;
