//! Settlements that a person speaks of before they were ever looked up: that is done first, so that the amount and the
//! dates are known which the word is about.

use std::collections::BTreeMap;

use tokio_util::sync::CancellationToken;

use super::context::{Context, note};
use super::failure::Failure;
use super::{run, words};
use crate::app::App;
use crate::domain::planner::Mode;
use crate::store::settlements::SettlementRow;
use crate::store::{Access, Store};

/// Seconds within which a running daemon looks a new settlement up; it does so by itself.
const WITHIN: u32 = 30;

/// Sees to it that `rows` have been looked up, as far as the gateway can be asked, and returns them as they stand then.
pub async fn look(
    context: &Context,
    app: &App,
    rows: Vec<SettlementRow>,
) -> Result<Vec<SettlementRow>, Failure> {
    let live = |name: &str| app.contracts().iter().any(|c| c.name == name && c.mode == Mode::Live);
    let mut unlooked: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for row in &rows {
        let settlement = &row.settlement;
        if settlement.looked_at.is_none() && settlement.reception_number.is_some() && live(&settlement.name) {
            unlooked.entry(settlement.name.clone()).or_default().push(settlement.order_id.clone());
        }
    }
    if unlooked.is_empty() {
        return Ok(rows);
    }
    let store = app.store();
    note(context.say(words::LOOKING_FIRST));
    if store.daemon_alive(context.ambient.wall()).await? {
        wait(context, store, &rows, &unlooked).await?;
    } else {
        run::log(context, "warn")?;
        let looker = context.app(Access::Daemon).await?;
        let stop = CancellationToken::new();
        let signals = tokio::spawn(run::stop_on_signal(stop.clone(), context.language));
        for (name, orders) in &unlooked {
            Box::pin(looker.first_look(name, orders, stop.clone())).await?;
        }
        signals.abort();
        looker.store().close().await;
    }
    let mut fresh = Vec::with_capacity(rows.len());
    for row in rows {
        let again = store.find_settlements(&row.settlement.id).await?.pop();
        fresh.push(again.unwrap_or(row));
    }
    Ok(fresh)
}

async fn wait(
    context: &Context,
    store: &Store,
    rows: &[SettlementRow],
    unlooked: &BTreeMap<String, Vec<String>>,
) -> Result<(), Failure> {
    let mut left: Vec<&str> = rows
        .iter()
        .filter(|row| unlooked.values().flatten().any(|order| *order == row.settlement.order_id))
        .map(|row| row.settlement.id.as_str())
        .collect();
    for _ in 0..WITHIN {
        let mut still = Vec::new();
        for id in left {
            let found = store.find_settlements(id).await?;
            if found.iter().any(|row| row.settlement.looked_at.is_none()) {
                still.push(id);
            }
        }
        left = still;
        if left.is_empty() {
            break;
        }
        context.second().await;
    }
    Ok(())
}
