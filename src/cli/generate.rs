//! `mallsync generate`: manual pages and shell completions from the command tree itself, for packagers. Hidden: nobody
//! needs it to run a shop.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use clap::{CommandFactory, Subcommand};
use clap_complete::Shell;

use super::Cli;
use super::failure::{Ended, Failure, Outcome};

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Manual pages, one a command, into DIR
    Man {
        /// Where they are written
        #[arg(value_name = "DIR")]
        dir: PathBuf,
    },
    /// Completions for bash, zsh and fish into DIR
    Completions {
        /// Where they are written
        #[arg(value_name = "DIR")]
        dir: PathBuf,
    },
}

/// The command.
pub fn run(command: &Command) -> Outcome {
    let dir = match command {
        Command::Man { dir } | Command::Completions { dir } => dir,
    };
    let written = fs::create_dir_all(dir).and_then(|()| match command {
        Command::Man { dir } => clap_mangen::generate_to(Cli::command(), dir),
        Command::Completions { dir } => completions(dir),
    });
    written.map_err(|error| Failure::Failed(format!("{}: cannot be written: {error}", dir.display())))?;
    Ok(Ended::Well)
}

fn completions(dir: &Path) -> io::Result<()> {
    for shell in [Shell::Bash, Shell::Zsh, Shell::Fish] {
        clap_complete::generate_to(shell, &mut Cli::command(), "mallsync", dir)?;
    }
    Ok(())
}
