//! `mallsync init`: the first config.

use std::path::PathBuf;

use super::context::{language_of_people, note};
use super::failure::{Ended, Failure, Outcome};
use super::words;
use crate::config;

#[derive(clap::Args, Debug)]
pub struct Args {
    /// Where config/mallsync.toml and config/secrets/ are written
    #[arg(value_name = "DIR", default_value = ".")]
    dir: PathBuf,
}

/// The command. A file that is there already is left alone, which is no failure.
pub fn run(args: &Args) -> Outcome {
    let language = language_of_people();
    let written = config::init(&args.dir).map_err(|error| Failure::Failed(error.to_string()))?;
    let (file, secrets) = (written.config.display(), written.secrets.display());
    for (place, new) in [(&file, written.new_config), (&secrets, written.new_secrets)] {
        let text = if new { words::INIT_WROTE } else { words::INIT_KEPT };
        note(&text.with(language, &[place]));
    }
    note(&words::INIT_NEXT.with(language, &[&file, &secrets]));
    Ok(Ended::Well)
}
