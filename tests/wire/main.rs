//! What comes from the outside, through the parsers: fixtures in, snapshots of normalised orders out; every prefix of
//! every sample, unknown and broken input (decisions.md 40).

mod amazon;
mod aupay;
mod csv;
mod rakuten;
#[cfg(test)]
mod rig;
mod slips;
mod webcollect;
mod yahoo;
