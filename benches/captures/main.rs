//! How long many captures take at a gateway that answers in 50 ms, over the least that the calls allow within
//! `max_in_flight`. See `benches/README.md`.
//!
//! `cfg(test)`, which every bench target is compiled with, tells clippy that helpers beside the tests may panic as
//! tests may.

#[cfg(test)]
mod captures;

fn main() {
    #[cfg(test)]
    captures::main();
}
