//! `mallsync settlements show`: one settlement with all that was done at the gateway (what a cart calls API操作履歴).

use std::io::Write;

use super::context::Context;
use super::failure::{Failure, Outcome};
use super::settlements::{ShowSettlement, find};
use super::table::{Look, Table, facts, yen};
use super::views::{OperationView, SettlementView, text};
use super::words;
use crate::domain::operation::Intent;
use crate::domain::settlement::Wish;
use crate::store::Store;
use crate::store::operations::OperationFilter;
use crate::store::settlements::SettlementRow;

/// The command.
pub async fn show(context: &Context, args: ShowSettlement) -> Outcome {
    let store = context.reader().await?;
    let row = find(context, &store, &args.id).await?;
    let operations = operations(&store, &row).await?;
    let mut view = SettlementView::from(row);
    view.operations = Some(operations);
    context.show(args.show, &view, |out, look| write(out, &view, look))
}

/// Every operation of the settlement with its attempts, oldest first.
async fn operations(store: &Store, row: &SettlementRow) -> Result<Vec<OperationView>, Failure> {
    let filter =
        OperationFilter { order_id: Some(row.settlement.order_id.clone()), ..OperationFilter::default() };
    let mut rows = store.list_operations(&filter).await?;
    rows.reverse();
    let mut views = Vec::new();
    for listed in rows.into_iter().filter(|listed| listed.operation.settlement_id == row.settlement.id) {
        let Some((listed, attempts)) = store.operation(&listed.operation.id).await? else { continue };
        let mut view = OperationView::from(listed);
        view.attempts = Some(attempts);
        views.push(view);
    }
    Ok(views)
}

/// What a person asked for, in words.
fn wish(wish: &Wish, by: Option<&String>, look: Look) -> String {
    let kind = words::kind(wish.kind(), look.language);
    let more = match wish {
        Wish::ChangeAmount { to } => format!(" → {to}"),
        Wish::Undo { slip_number } => format!(" {slip_number}"),
        Wish::ChangeDate { to } => format!(" → {to}"),
        Wish::Capture | Wish::Cancel | Wish::Reauth => String::new(),
    };
    let by = by.map(|by| format!(" ({by})")).unwrap_or_default();
    format!("{kind}{more}{by}")
}

fn write(out: &mut dyn Write, view: &SettlementView, look: Look) -> Result<(), Failure> {
    let language = look.language;
    let mut head = vec![
        (words::H_ID.get(language), view.id.clone()),
        (words::H_SETTLEMENT.get(language), view.name.clone()),
        (words::H_RECEPTION.get(language), text(view.reception_number.as_ref())),
        (words::H_STATE.get(language), words::settlement(view.state, language).to_owned()),
        (words::H_ORDER.get(language), format!("{} ({})", view.mall_order_id, view.shop)),
        (words::H_ORDERED.get(language), look.time(view.ordered_at)),
        (words::H_AMOUNT.get(language), yen(view.due)),
        (words::H_AT_GATEWAY.get(language), yen(view.amount)),
        (words::H_LAPSES.get(language), text(view.lapses_on.as_ref())),
        (words::H_SLIPS.get(language), view.slips.join(" ")),
        (words::H_REGISTERED_SLIPS.get(language), view.registered_slips.join(" ")),
        (words::H_LOOKED.get(language), look.maybe_time(view.looked_at)),
        (words::H_LINKED_BY.get(language), view.linked_by.clone()),
    ];
    head.extend(view.scheduled_on.map(|day| (words::H_PLANNED.get(language), day.to_string())));
    let asked = view.wish.as_ref().map(|asked| wish(asked, view.wished_by.as_ref(), look));
    head.extend(asked.map(|asked| (words::H_WISH.get(language), asked)));
    head.extend(view.resolved.as_ref().map(|what| (words::H_RESOLVED.get(language), look.reason(what))));
    head.extend(view.held.as_ref().map(|held| (words::H_NOTE.get(language), look.reason(held))));
    facts(out, &head)?;
    let operations = view.operations.as_deref().unwrap_or_default();
    if operations.is_empty() {
        return Ok(());
    }
    let headings = [words::H_AT, words::H_KIND, words::H_OUTCOME, words::H_CODE, words::H_MESSAGE];
    let mut table = Table::new(headings.iter().map(|h| (h.get(language), false)).collect());
    for operation in operations {
        for attempt in operation.attempts.iter().flatten() {
            let kind = words::kind(operation.kind, language);
            let status = attempt.http_status.map(|status| format!(" HTTP {status}")).unwrap_or_default();
            let cells = [
                (look.time(attempt.started_at), 11),
                (format!("{kind} · {}", words::attempt(&attempt.kind, language)), 32),
                (words::attempt_outcome(&attempt.outcome, language).to_owned(), 16),
                (format!("{}{status}", text(attempt.code.as_ref())).trim().to_owned(), 24),
                (look.maybe_reason(attempt.message.as_ref()), 90),
            ];
            table.row(cells.into_iter());
        }
        let what = match &operation.intent {
            Intent::ChangeAmount { from, to, .. } => format!("{from} → {to}"),
            Intent::ChangeDate { to, .. } => format!("→ {to}"),
            intent => intent.slip_number().unwrap_or_default().to_owned(),
        };
        let cells = [
            (look.time(operation.updated_at), 11),
            (format!("{} {what}", words::kind(operation.kind, language)).trim().to_owned(), 32),
            (words::operation(operation.state, language).to_owned(), 16),
            (text(operation.code.as_ref()), 24),
            (look.maybe_reason(operation.reason.as_ref()), 90),
        ];
        table.row(cells.into_iter());
    }
    writeln!(out)?;
    table.write(&mut { out })?;
    Ok(())
}
