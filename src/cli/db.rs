//! `mallsync db`: the database.

use clap::Subcommand;

use super::context::{Context, note};
use super::failure::{Ended, Outcome};
use super::words;
use crate::store::Access;

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Bring the schema up to this version; `run` does the same at its start. Refused while a daemon is running
    Migrate,
}

/// The command.
pub async fn run(context: &Context, command: &Command) -> Outcome {
    match command {
        Command::Migrate => {
            // A schema that can be read as it is needs no lock, and so is no matter beside a running daemon.
            let store = match context.store(Access::Read).await {
                Ok(store) => store,
                Err(_) => context.store(Access::Daemon).await?,
            };
            let (before, after) = store.migrate().await?;
            note(&if before == after {
                context.tell(words::MIGRATED_NOT, &[&after])
            } else {
                context.tell(words::MIGRATED, &[&before, &after])
            });
            store.close().await;
            Ok(Ended::Well)
        }
    }
}
