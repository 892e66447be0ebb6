//! `mallsync shops`: what a person must do for a shop by hand.

use std::io::{self, IsTerminal, Write};

use clap::{Args, Subcommand};

use super::context::{Context, note};
use super::failure::{Ended, Failure, Outcome};
use super::words;
use crate::app::{ConsentError, SyncOptions};
use crate::store::people::Deed;

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Give the consent that a mall needs from a person in a browser (Yahoo!ショッピング)
    #[command(after_help = "Examples:\n  mallsync shops authorize yahoo-main\n  \
                            mallsync shops authorize yahoo-main --redirected 'https://example.com/callback?code=…&state=…'\n\n\
                            It prints an address. Open it in a browser, sign in with the Yahoo! JAPAN ID of an employee who may \
                            use 注文管理, agree, and paste the address that the browser is then sent back to (the page itself \
                            may show an error: only its address counts). With --redirected the address of the authorization \
                            begun last is taken from the command line.")]
    Authorize(Authorize),
}

#[derive(Args, Debug)]
pub struct Authorize {
    /// The shop (its name in the config)
    #[arg(value_name = "NAME")]
    name: String,
    /// The address that the browser was sent back to, after an earlier run printed the one to open
    #[arg(long, value_name = "URL")]
    redirected: Option<String>,
}

/// The command.
pub async fn run(context: &Context, command: Command) -> Outcome {
    match command {
        Command::Authorize(args) => authorize(context, args).await,
    }
}

async fn authorize(context: &Context, args: Authorize) -> Outcome {
    let app = context.writer().await?;
    let name = &args.name;
    let failed = |error: ConsentError| Failure::Failed(context.tell_consent(&error));
    let redirected = match args.redirected {
        Some(redirected) => redirected,
        None => {
            let url = app.begin_consent(name).await.map_err(failed)?;
            note(&context.tell(words::AUTHORIZE_OPEN, &[name]));
            let mut out = io::stdout();
            writeln!(out, "{url}")?;
            out.flush()?;
            read_address(context, name)?
        }
    };
    let expiry = app.finish_consent(name, &redirected).await.map_err(failed)?;
    let until = expiry.at.jst().format("%Y-%m-%d %H:%M").to_string();
    let deed = Deed {
        at: context.ambient.now(),
        actor: Context::actor(),
        action: "shops.authorize".to_owned(),
        subject: name.clone(),
        detail: format!("holds until {until}"),
    };
    app.store().record_deed(&deed).await?;
    note(&context.tell(words::AUTHORIZED, &[name, &until]));
    // A daemon that was refused would try again by itself, but up to an hour later.
    if app.store().daemon_alive(context.ambient.wall()).await? {
        let options = SyncOptions { shops: vec![name.clone()], ..SyncOptions::default() };
        let options = serde_json::to_value(&options)?;
        app.store().ask("sync", &options, &Context::actor(), context.ambient.now()).await?;
        note(context.say(words::AUTHORIZED_DAEMON));
    }
    Ok(Ended::Well)
}

/// One line, from the terminal or from a pipe.
fn read_address(context: &Context, name: &str) -> Result<String, Failure> {
    let mut err = io::stderr();
    if io::stdin().is_terminal() {
        write!(err, "{}", context.say(words::AUTHORIZE_PASTE))?;
        err.flush()?;
    }
    let mut line = String::new();
    io::stdin().read_line(&mut line)?;
    if line.trim().is_empty() {
        return Err(Failure::Failed(context.tell(words::AUTHORIZE_LATER, &[&name])));
    }
    Ok(line)
}

impl Context {
    /// The error in the language of people; what a mall said stays as it is.
    fn tell_consent(&self, error: &ConsentError) -> String {
        match error {
            ConsentError::NotNeeded { shop, mall } => self.tell(words::AUTHORIZE_NOT_NEEDED, &[shop, mall]),
            ConsentError::NoRedirect(shop) => self.tell(words::AUTHORIZE_NO_REDIRECT, &[shop]),
            ConsentError::NotTheAddress(start) => self.tell(words::AUTHORIZE_NOT_THE_ADDRESS, &[start]),
            ConsentError::Declined(why) => {
                let why = why.as_deref().map(|why| format!(" ({why})")).unwrap_or_default();
                self.tell(words::AUTHORIZE_DECLINED, &[&why])
            }
            ConsentError::WrongState => self.say(words::AUTHORIZE_WRONG_STATE).to_owned(),
            ConsentError::NotBegun => self.say(words::AUTHORIZE_NOT_BEGUN).to_owned(),
            other => other.to_string(),
        }
    }
}
