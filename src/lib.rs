//! mallsync keeps a merchant's orders, parcels and card sales in step across Japanese malls.
//!
//! The rooms, and which way the arrows point (`tests/architecture.rs` fails on a reversed one):
//! `malls`, `settlement`, `slips` → `http`, `tabular`, `domain`; `store` → `domain`; `engine` → all of these;
//! `status` → `store`, `domain`; `app` → all but `cli` and `sim`; `cli` → everything a person meets;
//! `config` → `secret`; `sim` → `domain` ids and the clock only. `clock`, `secret`, `telemetry` are leaves for all.

/// Puts config, store, shops and settlements together; start, drain, one pass.
pub mod app;
/// One file a command; tables, JSON and CSV out; no logic of its own.
pub mod cli;
/// The clock and the randomness that are handed to everything.
pub mod clock;
/// The config file: types, loading, and checks that report all findings at once.
pub mod config;
/// Orders, money, settlements, operations and the planner: no I/O, no clock.
pub mod domain;
/// Schedules, polls, effects and limits: what turns rows into calls and calls into rows.
pub mod engine;
/// The one place that sends: a client per account, limits, deadlines, size caps, faults.
pub mod http;
/// The malls: one folder each and a table of them.
pub mod malls;
/// Types for secrets and personal data that print nothing; where secrets come from; certificates.
pub mod secret;
/// Card settlement gateways: one folder each.
pub mod settlement;
/// Simulated malls, carts, carriers and gateways, written from the wire contracts alone.
pub mod sim;
/// Carriers' slip files.
pub mod slips;
/// The health of shops and settlements, as rows for people and machines.
pub mod status;
/// The database: SQLite and PostgreSQL behind one `Store`.
pub mod store;
/// CSV in and out, encodings, mapping profiles.
pub mod tabular;
/// The log subscriber and the names of log fields.
pub mod telemetry;
