//! `mallsync orders`: the normalised orders.

use std::io::Write;

use clap::{Args, Subcommand, ValueEnum};

use super::args::{ListArgs, Moment, ShowArgs, word};
use super::context::{Context, Page};
use super::failure::{Failure, Outcome};
use super::output::Column;
use super::table::{Look, yen};
use super::views::{digits, text};
use super::words;
use super::{history, import};
use crate::clock::Timestamp;
use crate::config::Language;
use crate::domain::money::Yen;
use crate::domain::order::{Amounts, Status};
use crate::secret::Personal;
use crate::store::Store;
use crate::store::orders::{By, OrderFilter, OrderView};

#[derive(Debug, Subcommand)]
pub enum Command {
    /// List orders, newest first
    #[command(after_help = "Examples:\n  mallsync orders list --status awaiting_shipment\n  \
                            mallsync orders list --since 7d --format csv --encoding cp932 > orders.csv\n  \
                            mallsync orders list --format jsonl | jq -r .mall_order_id")]
    List(ListOrders),
    /// Show one order in full
    Show(ShowOrder),
    /// Show every version of an order and what changed
    History(History),
    /// Read an order CSV file into a shop of mall = "csv"
    #[command(after_help = "Examples:\n  mallsync orders import orders.csv --shop own-shop --explain\n  \
                            mallsync orders import orders.csv --shop own-shop")]
    Import(import::Args),
}

#[derive(Args, Debug)]
pub struct ListOrders {
    /// Only this shop (its name in the config)
    #[arg(long, value_name = "NAME")]
    shop: Option<String>,
    /// Only orders in this status
    #[arg(long, value_name = "STATUS", value_parser = word(Status::ALL, Status::as_str))]
    status: Option<Status>,
    /// From here on: a day, a time, or how long ago (7d)
    #[arg(long, value_name = "TIME", value_parser = Moment::parse)]
    since: Option<Moment>,
    /// Up to here, exclusive
    #[arg(long, value_name = "TIME", value_parser = Moment::parse)]
    until: Option<Moment>,
    /// Which time --since and --until speak of, and the list is sorted by
    #[arg(long, value_enum, default_value_t = ByArg::Ordered)]
    by: ByArg,
    /// Format and length.
    #[command(flatten)]
    list: ListArgs,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum ByArg {
    /// When the buyer ordered
    Ordered,
    /// When we saw the last change
    Changed,
    /// When the first parcel went out, as the mall shows it
    Shipped,
}

impl From<ByArg> for By {
    fn from(by: ByArg) -> Self {
        match by {
            ByArg::Ordered => Self::Ordered,
            ByArg::Changed => Self::Changed,
            ByArg::Shipped => Self::Shipped,
        }
    }
}

#[derive(Args, Debug)]
pub struct ShowOrder {
    /// Our id or the mall's order number
    #[arg(value_name = "ID")]
    id: String,
    /// Format.
    #[command(flatten)]
    show: ShowArgs,
}

#[derive(Args, Debug)]
pub struct History {
    /// Our id or the mall's order number
    #[arg(value_name = "ID")]
    id: String,
    /// Format and length.
    #[command(flatten)]
    list: ListArgs,
}

/// The command.
pub async fn run(context: &Context, command: Command) -> Outcome {
    match command {
        Command::List(args) => list(context, args).await,
        Command::Show(args) => {
            let order = find(context, &context.reader().await?, &args.id).await?;
            context.show(args.show, &order, |out, look| write_order(out, &order, look))
        }
        Command::History(args) => {
            let store = context.reader().await?;
            let order = find(context, &store, &args.id).await?;
            history::write(context, args.list, &store.history(&order.id).await?)
        }
        Command::Import(args) => import::run(context, args).await,
    }
}

async fn list(context: &Context, args: ListOrders) -> Outcome {
    let now = context.ambient.now();
    if let Some(shop) = &args.shop {
        known_shop(context, shop)?;
    }
    let by = By::from(args.by);
    let base = OrderFilter {
        shop: args.shop,
        status: args.status,
        since: args.since.map(|m| m.resolve(now)),
        until: args.until.map(|m| m.resolve(now)),
        by,
        limit: None,
        after: None,
    };
    let store = context.reader().await?;
    context
        .list(args.list, COLUMNS, async |limit, last: Option<&OrderView>| {
            let after = last.map(|order| (sort_time(order, by), order.id.clone()));
            let filter = OrderFilter { limit: Some(limit), after, ..base.clone() };
            Ok(Page::of(store.list_orders(&filter).await?, limit))
        })
        .await
}

/// The time that the list is sorted by, which is where the next page goes on.
fn sort_time(order: &OrderView, by: By) -> Timestamp {
    match by {
        By::Ordered => order.order.ordered_at,
        By::Changed => order.changed_at,
        By::Shipped => order
            .order
            .packages
            .iter()
            .filter_map(|package| package.shipped_on)
            .min()
            .map_or(order.order.ordered_at, Timestamp::jst_midnight),
    }
}

/// A shop that was named must be in the config: a typing error is no empty list.
pub fn known_shop(context: &Context, name: &str) -> Result<(), Failure> {
    let shops = &context.config.shops;
    if shops.iter().any(|shop| shop.name == name) {
        return Ok(());
    }
    let names: Vec<&str> = shops.iter().map(|shop| shop.name.as_str()).collect();
    Err(Failure::Usage(context.tell(words::NO_SUCH_SHOP, &[&name, &names.join(", ")])))
}

/// The one order that `id` names.
pub async fn find(context: &Context, store: &Store, id: &str) -> Result<OrderView, Failure> {
    let mut orders = store.find_orders(id).await?;
    match orders.len() {
        1 => Ok(orders.remove(0)),
        0 => Err(Failure::Failed(context.tell(words::NO_SUCH_ORDER, &[&id]))),
        _ => {
            let places: Vec<String> = orders.iter().map(|o| format!("{}: {}", o.shop, o.id)).collect();
            Err(Failure::Failed(context.tell(words::TWO_ORDERS, &[&id, &places.join(", ")])))
        }
    }
}

fn person(value: Option<&Personal>) -> String {
    value.map(|p| p.expose().to_owned()).unwrap_or_default()
}

fn slips(order: &OrderView) -> String {
    order.slips.iter().map(|slip| slip.number.as_str()).collect::<Vec<_>>().join(" ")
}

fn goods(order: &OrderView) -> String {
    let lines = order.order.packages.iter().flat_map(|package| &package.lines);
    lines.map(|line| format!("{} × {}", line.name, line.quantity)).collect::<Vec<_>>().join(" / ")
}

fn card(order: &OrderView, look: Look) -> String {
    let Some(settlement) = &order.settlement else { return String::new() };
    let held = if settlement.held.is_some() { "! " } else { "" };
    format!("{held}{}", words::settlement(settlement.state, look.language))
}

const COLUMNS: &[Column<OrderView>] = &[
    Column::csv("id", |o| o.id.clone()),
    Column::text(
        "ordered_at",
        words::H_ORDERED,
        11,
        |o, look| look.time(o.order.ordered_at),
        |o| o.order.ordered_at.to_string(),
    ),
    Column::text("shop", words::H_SHOP, 20, |o, _| o.shop.clone(), |o| o.shop.clone()),
    Column::csv("mall", |o| o.mall.clone()),
    Column::text(
        "mall_order_id",
        words::H_ORDER,
        32,
        |o, _| o.order.mall_order_id.clone(),
        |o| o.order.mall_order_id.clone(),
    ),
    Column::text(
        "status",
        words::H_STATUS,
        22,
        |o, look| words::status(o.order.status, look.language).to_owned(),
        |o| o.order.status.to_string(),
    ),
    Column::csv("mall_status", |o| o.order.mall_status.clone()),
    Column::csv("pending_reason", |o| text(o.order.pending_reason.as_ref())),
    Column::text(
        "buyer_name",
        words::H_BUYER,
        16,
        |o, _| person(o.order.buyer.name.as_ref()),
        |o| person(o.order.buyer.name.as_ref()),
    ),
    Column::number("due", words::H_AMOUNT, |o, _| yen(o.order.amounts.due), |o| digits(o.order.amounts.due)),
    Column::csv_number("total", |o| digits(o.order.amounts.total)),
    Column::csv_number("goods", |o| digits(o.order.amounts.goods)),
    Column::csv_number("shipping", |o| digits(o.order.amounts.shipping)),
    Column::csv_number("payment_fee", |o| digits(o.order.amounts.payment_fee)),
    Column::csv_number("gift_wrap", |o| digits(o.order.amounts.gift_wrap)),
    Column::csv_number("other_charge", |o| digits(o.order.amounts.other_charge)),
    Column::csv_number("shop_coupon", |o| digits(o.order.amounts.shop_coupon)),
    Column::csv_number("mall_coupon", |o| digits(o.order.amounts.mall_coupon)),
    Column::csv_number("points", |o| digits(o.order.amounts.points)),
    Column::csv_number("other_discount", |o| digits(o.order.amounts.other_discount)),
    Column::csv("currency", |o| o.order.amounts.currency.clone()),
    Column::text(
        "payment_method",
        words::H_PAYMENT,
        17,
        |o, look| words::method(o.order.payment.method, look.language).to_owned(),
        |o| o.order.payment.method.to_string(),
    ),
    Column::csv("mall_payment", |o| text(o.order.payment.mall_method.as_ref())),
    Column::csv("payment_status", |o| o.order.payment.status.to_string()),
    Column::csv("collected_by", |o| o.order.payment.collected_by.to_string()),
    Column::csv("postal_code", |o| person(o.order.buyer.postal_code.as_ref())),
    Column::csv("prefecture", |o| person(o.order.buyer.prefecture.as_ref())),
    Column::csv("address", |o| person(o.order.buyer.address.as_ref())),
    Column::csv("phone", |o| person(o.order.buyer.phone.as_ref())),
    Column::csv("email", |o| person(o.order.buyer.email.as_ref())),
    Column::csv("goods_lines", goods),
    Column::text("slips", words::H_SLIPS, 26, |o, _| slips(o), slips),
    Column::csv("settlement", |o| o.settlement.as_ref().map(|s| s.name.clone()).unwrap_or_default()),
    Column::csv("reception_number", |o| {
        o.settlement.as_ref().and_then(|s| s.reception_number.clone()).unwrap_or_default()
    }),
    Column::text("settlement_state", words::H_CARD, 16, card, |o| {
        text(o.settlement.as_ref().map(|s| &s.state))
    }),
    Column::csv("lapses_on", |o| text(o.settlement.as_ref().and_then(|s| s.lapses_on.as_ref()))),
    Column::csv("held", |o| o.settlement.as_ref().and_then(|s| s.held.clone()).unwrap_or_default()),
    Column::csv("first_seen_at", |o| o.first_seen_at.to_string()),
    Column::csv("changed_at", |o| o.changed_at.to_string()),
    Column::csv("ship_by", |o| text(o.order.ship_by.as_ref())),
];

/// What the amount is made up of, without what is nought.
fn amounts(amounts: &Amounts, language: Language) -> String {
    let parts = [
        (words::A_GOODS, "", amounts.goods),
        (words::A_SHIPPING, "", amounts.shipping),
        (words::A_FEE, "", amounts.payment_fee),
        (words::A_WRAP, "", amounts.gift_wrap),
        (words::A_OTHER, "", amounts.other_charge),
        (words::A_SHOP_COUPON, "-", amounts.shop_coupon),
        (words::A_MALL_COUPON, "-", amounts.mall_coupon),
        (words::A_POINTS, "-", amounts.points),
        (words::A_DISCOUNT, "-", amounts.other_discount),
    ];
    let parts = parts.into_iter().filter(|(_, _, amount)| *amount != Some(Yen::ZERO));
    let parts = parts.map(|(text, sign, amount)| {
        let sign = if amount.is_some() { sign } else { "" };
        format!("{} {sign}{}", text.get(language), yen(amount))
    });
    parts.collect::<Vec<_>>().join(" · ")
}

/// One order for people: its head, then parcels with goods, then slips.
fn write_order(out: &mut dyn Write, view: &OrderView, look: Look) -> Result<(), Failure> {
    let language = look.language;
    let order = &view.order;
    let mut head: Vec<(&str, String)> = vec![
        (words::H_ORDER.get(language), order.mall_order_id.clone()),
        (words::H_ID.get(language), view.id.clone()),
        (words::H_SHOP.get(language), format!("{} ({})", view.shop, view.mall)),
        (words::H_STATUS.get(language), {
            let reason = order.pending_reason.map(|r| format!(", {r}")).unwrap_or_default();
            format!("{} ({}{reason})", words::status(order.status, language), order.mall_status)
        }),
        (words::H_ORDERED.get(language), look.time(order.ordered_at)),
        (words::H_CHANGED.get(language), look.time(view.changed_at)),
        (words::H_BUYER.get(language), person(order.buyer.name.as_ref())),
        (words::H_PAYMENT.get(language), {
            let own = order.payment.mall_method.as_deref().unwrap_or("–");
            format!("{} ({own})", words::method(order.payment.method, language))
        }),
        (words::H_AMOUNT.get(language), yen(order.amounts.due)),
    ];
    let parts = amounts(&order.amounts, language);
    head.extend((!parts.is_empty()).then(|| (words::H_AMOUNTS.get(language), parts)));
    if let Some(settlement) = &view.settlement {
        let number = settlement.reception_number.as_deref().unwrap_or("–");
        head.push((
            words::H_CARD.get(language),
            format!("{} {number}: {}", settlement.name, words::settlement(settlement.state, language)),
        ));
        if let Some(held) = &settlement.held {
            head.push((words::H_NOTE.get(language), look.reason(held)));
        }
    }
    super::table::facts(out, &head)?;
    for package in &order.packages {
        let to = &package.recipient;
        let parts = [to.name.as_ref(), to.postal_code.as_ref(), to.prefecture.as_ref(), to.address.as_ref()];
        let whom: Vec<&str> = parts.into_iter().flatten().map(Personal::expose).collect();
        writeln!(out, "\n→ {}", whom.join(" "))?;
        let day = package.requested_date.map(|day| day.to_string());
        let wanted: Vec<&str> =
            [day.as_deref(), package.requested_time.as_deref()].into_iter().flatten().collect();
        if !wanted.is_empty() {
            writeln!(out, "  {}: {}", words::WANTED_ON.get(language), wanted.join(" "))?;
        }
        for line in &package.lines {
            let sku = line.sku.as_deref().unwrap_or("–");
            writeln!(out, "  {} × {}  {} ({sku})", line.quantity, yen(line.unit_price), line.name)?;
        }
    }
    for slip in &view.slips {
        let held = slip.held.as_deref().map(|why| format!("  ! {}", look.reason(why))).unwrap_or_default();
        writeln!(
            out,
            "{}: {} {} ({}){held}",
            words::H_SLIP.get(language),
            slip.carrier,
            slip.number,
            slip.source
        )?;
    }
    for flag in &order.flags {
        writeln!(out, "! {}: {}", flag.code, flag.detail)?;
    }
    Ok(())
}
