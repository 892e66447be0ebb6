//! The command line (interface.md, "Commands"): one file a command, data on stdout, everything else on stderr.

use std::cell::Cell;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

mod args;
mod bulk;
mod cards;
mod check;
mod config;
mod context;
mod daemon;
mod db;
mod demo;
mod differences;
mod failure;
mod follow;
mod foreseen;
mod generate;
mod history;
mod hold;
mod import;
mod init;
mod link;
mod money;
mod operations;
mod orders;
mod output;
mod person;
mod preview;
mod progress;
mod reasons;
mod receptions;
mod reconcile;
mod resolve;
mod run;
mod schema;
mod secret;
mod settlement;
mod settlements;
mod shops;
mod simulate;
mod slips;
mod status;
mod sync;
mod table;
mod unlooked;
mod views;
mod wishes;
mod words;

use context::Context;
use failure::{Ended, Failure, Outcome};

use crate::config::Language;

/// Keeps orders, slips and card sales in step across Japanese malls.
///
/// The daemon is `mallsync run`; every other command looks at what it has stored, or tells it what to do. Data goes to
/// stdout, everything else to stderr.
#[derive(Debug, Parser)]
#[command(
    name = "mallsync",
    version,
    propagate_version = true,
    max_term_width = 100,
    after_help = "Exit status: 0 done, 1 it ran and something failed, 2 wrong usage, 78 the config is invalid.\n\
                  First steps: `mallsync demo`, then `mallsync init`, `mallsync check`, `mallsync run`."
)]
pub struct Cli {
    /// The config file [default: $MALLSYNC_CONFIG, else ./config/mallsync.toml, else /etc/mallsync/mallsync.toml]
    #[arg(long, global = true, value_name = "PATH")]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Write a commented config and a folder for secrets; nothing that exists is overwritten
    Init(init::Args),
    /// Check config, secrets, certificates, database and schedules, and ask every account with harmless calls
    Check(check::Args),
    /// Run the daemon: poll the shops, send what is due, until SIGTERM or Ctrl-C
    Run,
    /// One polling pass now, then exit; it only reads unless --send is given
    Sync(sync::Args),
    /// The normalised orders of all shops
    #[command(subcommand)]
    Orders(orders::Command),
    /// Slip (tracking) numbers of parcels
    #[command(subcommand)]
    Slips(slips::Command),
    /// Card settlements of orders
    #[command(subcommand)]
    Settlements(settlements::Command),
    /// Everything that is sent, or is to be sent, to the outside
    #[command(subcommand)]
    Operations(operations::Command),
    /// The secrets of shops and settlements
    #[command(subcommand)]
    Secret(secret::Command),
    /// What a person must do for a shop by hand: consent
    #[command(subcommand)]
    Shops(shops::Command),
    /// The health of each shop and settlement, and what needs a person
    Status(status::Args),
    /// One whole round with simulated malls and gateway: no config, no network
    Demo,
    /// Simulated malls, gateway and carrier to point a config at
    Simulate(simulate::Args),
    /// The config in force
    #[command(subcommand)]
    Config(config::Command),
    /// JSON Schemas of what mallsync writes
    #[command(subcommand)]
    Schema(schema::Command),
    /// The database
    #[command(subcommand)]
    Db(db::Command),
    /// Manual pages and shell completions, for packagers
    #[command(subcommand, hide = true)]
    Generate(generate::Command),
}

impl Cli {
    /// Carries the command out and says on stderr why it failed. The exit status is that of interface.md.
    pub async fn run(self) -> ExitCode {
        let language = Cell::new(context::language_of_people());
        match Box::pin(self.dispatch(&language)).await {
            Ok(Ended::Well) => ExitCode::SUCCESS,
            Ok(Ended::Badly) => ExitCode::from(1),
            Err(failure) => {
                let code = failure.code();
                match failure {
                    Failure::Usage(message) | Failure::Failed(message) => {
                        context::note(&format!("error: {}", reasons::people(&message, language.get())));
                    }
                    Failure::Config(findings) => check::say_findings(&findings, language.get()),
                    Failure::Invalid | Failure::ReaderGone => {}
                }
                ExitCode::from(code)
            }
        }
    }

    /// `language` becomes the config's once that is read.
    async fn dispatch(self, language: &Cell<Language>) -> Outcome {
        let config = self.config;
        let load = || Context::load(config.as_deref()).inspect(|context| language.set(context.language));
        match self.command {
            Command::Init(args) => init::run(&args),
            Command::Check(args) => check::run(config.as_deref(), args).await,
            Command::Run => run::run(&load()?, config.as_deref()).await,
            Command::Sync(args) => sync::run(&load()?, args).await,
            Command::Orders(command) => orders::run(&load()?, command).await,
            Command::Slips(command) => slips::run(&load()?, command).await,
            Command::Settlements(command) => settlements::run(&load()?, command).await,
            Command::Operations(command) => operations::run(&load()?, command).await,
            Command::Secret(command) => secret::run(&load()?, command).await,
            Command::Shops(command) => shops::run(&load()?, command).await,
            Command::Status(args) => match load() {
                Err(Failure::Config(findings)) => status::beside(config.as_deref(), &findings, args).await,
                context => status::run(&context?, args).await,
            },
            Command::Demo => demo::run().await,
            Command::Simulate(args) => simulate::run(args).await,
            Command::Config(config::Command::Schema) => config::schema(),
            Command::Config(config::Command::Show) => config::show(&load()?),
            Command::Schema(command) => schema::run(&command),
            Command::Db(command) => db::run(&load()?, &command).await,
            Command::Generate(command) => generate::run(&command),
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_tree_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_command_and_argument_is_explained() {
        fn walk(command: &clap::Command) {
            for argument in command.get_arguments() {
                assert!(argument.get_help().is_some(), "{} {}", command.get_name(), argument.get_id());
            }
            for sub in command.get_subcommands() {
                assert!(sub.get_about().is_some(), "{}", sub.get_name());
                walk(sub);
            }
        }
        walk(&Cli::command());
    }
}
