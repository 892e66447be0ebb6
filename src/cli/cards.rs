//! `mallsync settlements cards`: the cards that a buyer stored with the gateway, for diagnosis.

use super::args::ReportArgs;
use super::context::{Context, note, write_rows};
use super::failure::{Failure, Outcome};
use super::output::Column;
use super::views::text;
use super::{secret, settlements, words};
use crate::secret::Personal;
use crate::settlement::{Member, StoredCard};

#[derive(clap::Args, Debug)]
pub struct Cards {
    /// The buyer's 会員ID at the gateway, as the cart made it; their 認証キー is asked for, or read from a pipe
    #[arg(value_name = "MEMBER_ID", value_parser = member_id)]
    member_id: Personal,
    /// Which settlement of the config [default: the only one]
    #[arg(long, value_name = "NAME")]
    settlement: Option<String>,
    /// Format.
    #[command(flatten)]
    report: ReportArgs,
}

fn member_id(text: &str) -> Result<Personal, String> {
    Personal::new(text).ok_or_else(|| "expected a 会員ID".to_owned())
}

/// The command.
pub async fn run(context: &Context, args: Cards) -> Outcome {
    let name = match (&args.settlement, context.config.settlements.as_slice()) {
        (Some(name), _) => {
            settlements::known_contract(context, name)?;
            name.clone()
        }
        (None, [only]) => only.name.clone(),
        (None, []) => return Err(Failure::Usage(context.say(words::NO_CONTRACT).to_owned())),
        (None, _) => {
            let names = settlements::contract_names(context);
            return Err(Failure::Usage(context.tell(words::WHICH_CONTRACT, &[&names])));
        }
    };
    let (authentication_key, _) = secret::read(context, "authentication_key (認証キー)")?;
    let member = Member { id: args.member_id, authentication_key };
    let app = context.writer().await?;
    let cards = app
        .stored_cards(&context.config, &name, &member)
        .await
        .map_err(|e| Failure::Failed(context.tell(words::CARDS_NOT_ASKED, &[&name, &e])))?;
    let ended = write_rows(args.report.into(), COLUMNS, &cards, context.look())?;
    if cards.is_empty() {
        note(context.say(words::CARDS_NONE));
    }
    Ok(ended)
}

const COLUMNS: &[Column<StoredCard>] = &[
    Column::text("key", words::H_CARD_KEY, 8, |c, _| c.key.clone(), |c| c.key.clone()),
    Column::text(
        "number",
        words::H_CARD_NUMBER,
        20,
        |c, _| c.number.expose().to_owned(),
        |c| c.number.expose().to_owned(),
    ),
    Column::text(
        "expires",
        words::H_CARD_EXPIRES,
        10,
        |c, _| c.expires.expose().to_owned(),
        |c| c.expires.expose().to_owned(),
    ),
    Column::text(
        "last_used_at",
        words::H_CARD_USED,
        25,
        |c, _| text(c.last_used_at.as_ref()),
        |c| text(c.last_used_at.as_ref()),
    ),
    Column::text(
        "reserved",
        words::H_CARD_RESERVED,
        12,
        |c, look| {
            if c.reserved { words::CARD_RESERVED.get(look.language).to_owned() } else { String::new() }
        },
        |c| c.reserved.to_string(),
    ),
];
