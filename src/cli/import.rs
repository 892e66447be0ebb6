use super::context::Context;
use super::failure::{Failure, Outcome};
use std::path::PathBuf;
#[derive(clap::Args, Debug)]
pub struct Args {
    /// The file
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The shop (its name in the config)
    #[arg(long, value_name = "NAME")]
    shop: String,
    /// Show how the file reads, column by column, and store nothing
    #[arg(long)]
    explain: bool,
}
pub async fn run(_: &Context, args: Args) -> Outcome {
    Err(Failure::Failed(format!("{args:?}")))
}
