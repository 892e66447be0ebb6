//! `mallsync simulate`: the simulators alone, with a config that points at them.

use std::path::PathBuf;

use super::failure::{Failure, Outcome};

#[derive(clap::Args, Debug)]
#[command(after_help = "Example:\n  mallsync simulate --write-config /tmp/mallsync.toml --speed 60")]
pub struct Args {
    /// Where to listen; loopback alone
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:9480")]
    listen: std::net::SocketAddr,
    /// Simulated seconds per second
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=86_400))]
    speed: u32,
    /// Write a config that points at the simulators; a file that is there already is left alone
    #[arg(long, value_name = "FILE")]
    write_config: Option<PathBuf>,
}

/// The command.
pub async fn run(args: Args) -> Outcome {
    Err(Failure::Failed(format!("{args:?}")))
}
