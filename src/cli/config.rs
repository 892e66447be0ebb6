//! `mallsync config`: the config in force, and its schema.

use std::io::Write;

use clap::Subcommand;

use super::context::{Context, stdout};
use super::failure::{Ended, Outcome};
use super::output;
use crate::app::App;
use crate::config;

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Print the config in force as TOML, defaults filled in, secrets redacted
    Show,
    /// Print the JSON Schema of the config: editors complete and check with it
    Schema,
}

/// `config show`.
pub fn show(context: &Context) -> Outcome {
    let mut out = stdout();
    out.write_all(config::show(&context.config).as_bytes())?;
    out.flush()?;
    Ok(Ended::Well)
}

/// `config schema`.
pub fn schema() -> Outcome {
    output::json(stdout(), &config::schema(App::kinds()))?;
    Ok(Ended::Well)
}
