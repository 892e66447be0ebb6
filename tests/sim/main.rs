//! The simulators against the contracts, byte by byte over TCP: what they refuse, what they answer, what they break.

mod catalogue;
mod client;
mod faults;
mod files;
mod rakuten;
mod webcollect;
