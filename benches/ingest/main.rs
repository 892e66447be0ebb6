//! Orders per second from wire bytes to committed rows, beside bare inserts of the same rows in the same run, on SQLite
//! and on PostgreSQL. See `benches/README.md`.
//!
//! `cfg(test)`, which every bench target is compiled with, tells clippy that helpers beside the tests may panic as
//! tests may.

#[cfg(test)]
mod bare;
#[cfg(test)]
mod ingest;
#[cfg(test)]
#[path = "../../tests/support/mod.rs"]
#[expect(dead_code, reason = "a bench needs fewer connections than the tests")]
mod support;

fn main() {
    #[cfg(test)]
    ingest::main();
}
