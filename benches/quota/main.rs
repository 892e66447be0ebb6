//! How long a backfill takes beside live polling, on the simulated clock, over the least time that the published quotas
//! allow (decisions.md 18). One line a mall. See `benches/README.md`.
//!
//! `cfg(test)`, which every bench target is compiled with, tells clippy that helpers beside the tests may panic as
//! tests may.

#[cfg(test)]
mod quota;

fn main() {
    #[cfg(test)]
    quota::main();
}
