//! `mallsync demo`: one whole round with simulated malls and gateway, told for a shop owner.

use super::failure::{Failure, Outcome};

/// The command.
pub async fn run() -> Outcome {
    Err(Failure::Failed("the demo is not connected yet".to_owned()))
}
