//! Which order a row of a slip file belongs to (csv-formats.md §1.1.3), and whether its slip may be used: never by name
//! or address. Rows that fit no single order wait, and are matched again when an order or a reception number arrives.

use std::collections::HashMap;

use judge::{Present, judge, present};
pub(super) use resolve::{Candidate, by_keys};
use resolve::{Found, resolve};
use stated::Stated;

use super::db::{Conn, args, listed};
use super::parcels::{Tie, Ties};
use super::rows::{At, fold, list, to_json};
use super::slips::{NewSlip, insert_slip};
use super::{Planning, Result, Store};
use crate::clock::Timestamp;
use crate::domain::order::Carrier;
use crate::domain::reception::imported_by;
use crate::domain::slip::{RowOutcome, RowReport, SlipRow};

mod judge;
mod resolve;
mod stated;

/// Old layouts of B2 cut the order number to this length.
const CUT: usize = 20;

/// A row with what its file says about it.
#[derive(Clone, Debug)]
pub(super) struct Incoming {
    pub row: SlipRow,
    pub file_digest: String,
    pub verify_recipient: bool,
    /// Who imported it.
    pub actor: String,
    /// Its id while it waits; `None` when it has just been read.
    pub waiting: Option<String>,
}

/// What came of rows.
#[derive(Default)]
pub(super) struct Settled {
    /// One for each row, and one for each further sale of a consolidated parcel.
    pub reports: Vec<RowReport>,
    /// Orders that got a slip or a reception number, each once.
    pub orders: Vec<String>,
    /// Reception numbers that orders got.
    pub numbers: Vec<String>,
}

/// What is stored around the orders of a batch.
struct Around {
    present: HashMap<String, Vec<Present>>,
    ties: Ties,
}

/// What became of one row.
struct One {
    outcome: RowOutcome,
    reason: String,
    /// Its reception numbers are another order's.
    contradicted: bool,
}

#[derive(sqlx::FromRow)]
struct WaitingColumns {
    id: String,
    order_key: String,
    other_keys: String,
    reception_numbers: String,
    number: String,
    carrier: String,
    kind: String,
    ship_date: Option<String>,
    postal_code: Option<String>,
    package_id: Option<String>,
    source: String,
    file_digest: String,
    verify_recipient: i64,
    b2_registers: Option<i64>,
    by_number: i64,
    actor: Option<String>,
}

impl TryFrom<WaitingColumns> for Incoming {
    type Error = super::StoreError;
    fn try_from(row: WaitingColumns) -> Result<Self> {
        let at = |column| At::new("slip_rows", column, &row.id);
        let stated: Stated = at("reception_numbers").json(&row.reception_numbers)?;
        let (reception_numbers, trader_code) = stated.into_parts();
        let slip_row = SlipRow {
            other_keys: at("other_keys").json(&row.other_keys)?,
            reception_numbers,
            trader_code,
            carrier: at("carrier").word(&row.carrier, Carrier::from_word)?,
            ship_date: at("ship_date").day(row.ship_date.as_deref())?,
            source: row.source,
            order_key: row.order_key,
            number: row.number,
            kind: row.kind,
            postal_code: row.postal_code,
            package_id: row.package_id,
            b2_registers: row.b2_registers.map(|said| said != 0),
            by_number: row.by_number != 0,
        };
        Ok(Self {
            row: slip_row,
            file_digest: row.file_digest,
            verify_recipient: row.verify_recipient != 0,
            actor: row.actor.unwrap_or_else(|| "unknown user".to_owned()),
            waiting: Some(row.id),
        })
    }
}

/// What waiting rows of an order can be found by.
pub(super) fn keys_of_order(mall_order_id: &str) -> Vec<String> {
    let key = fold(mall_order_id);
    let mut keys = Vec::with_capacity(2);
    if key.chars().count() > CUT {
        keys.push(format!("cut/{}", key.chars().take(CUT).collect::<String>()));
    }
    keys.push(format!("order/{key}"));
    keys
}

fn keys_of_row(row: &SlipRow) -> Vec<String> {
    let mut keys = Vec::new();
    if !row.by_number {
        let key = fold(&row.order_key);
        if key.chars().count() == CUT {
            keys.push(format!("cut/{key}"));
        }
        keys.push(format!("order/{key}"));
        keys.extend(row.other_keys.iter().map(|key| format!("order/{}", fold(key))));
    }
    keys.extend(row.reception_numbers.first().map(|number| format!("number/{}", number.trim())));
    keys.retain(|key| key.split_once('/').is_some_and(|(_, key)| !key.is_empty()));
    keys.sort_unstable();
    keys.dedup();
    keys
}

impl Store {
    /// Tries the waiting rows that `keys` find, and those that the reception numbers learnt from them find. Returns the
    /// orders that got something.
    pub(super) async fn attach_waiting(
        &self,
        conn: &mut Conn,
        keys: &[String],
        planning: &Planning<'_>,
    ) -> Result<Vec<String>> {
        let mut orders = Vec::new();
        let mut keys = keys.to_vec();
        while !keys.is_empty() {
            let rows: Vec<WaitingColumns> = conn
                .rows(
                    listed!(
                        "SELECT r.id, r.order_key, r.other_keys, r.reception_numbers, r.number, r.carrier, r.kind,
                             r.ship_date, r.postal_code, r.package_id, r.source, r.file_digest, r.verify_recipient,
                             r.b2_registers, r.by_number, f.actor
                         FROM slip_rows r LEFT JOIN slip_files f ON f.digest = r.file_digest
                         WHERE r.id IN (SELECT k.row_id FROM slip_row_keys k WHERE k.key ",
                        ") ORDER BY r.id"
                    ),
                    args![&list(&keys)],
                )
                .await?;
            if rows.is_empty() {
                break;
            }
            let incoming = rows.into_iter().map(TryInto::try_into).collect::<Result<Vec<Incoming>>>()?;
            let settled = self.settle_rows(conn, incoming, planning).await?;
            orders.extend(settled.orders);
            keys = settled.numbers.iter().map(|number| format!("number/{number}")).collect();
        }
        Ok(orders)
    }

    /// Matches rows and stores what comes of them.
    pub(super) async fn settle_rows(
        &self,
        conn: &mut Conn,
        incoming: Vec<Incoming>,
        planning: &Planning<'_>,
    ) -> Result<Settled> {
        let mut settled = Settled::default();
        let mut batch = incoming;
        while !batch.is_empty() {
            // What a consolidated parcel carries beside its own order's number is matched after the rows of the file.
            batch = self.settle_batch(conn, &batch, planning, &mut settled).await?;
        }
        Ok(settled)
    }

    async fn settle_batch(
        &self,
        conn: &mut Conn,
        incoming: &[Incoming],
        planning: &Planning<'_>,
        settled: &mut Settled,
    ) -> Result<Vec<Incoming>> {
        let now = planning.now;
        let found = resolve(conn, incoming).await?;
        let ids = list(found.iter().filter_map(|found| match found {
            Found::One(candidate) => Some(candidate.id.as_str()),
            _ => None,
        }));
        let mut around = Around {
            present: present(conn, &ids).await?,
            ties: Ties::load(conn, &ids, incoming.iter().map(|i| &i.row)).await?,
        };
        let mut further = Vec::new();
        for (incoming, found) in incoming.iter().zip(found) {
            let row = &incoming.row;
            let (mut own, mut clear) = (None, true);
            let (outcome, reason) = match &found {
                _ if row.number.is_empty() => (RowOutcome::Refused, "no slip number".to_owned()),
                _ if keys_of_row(row).is_empty() => (RowOutcome::Refused, "no order number".to_owned()),
                Found::Nothing => {
                    self.keep_waiting(conn, incoming, None, now).await?;
                    (RowOutcome::Waiting, "no order with this number yet".to_owned())
                }
                Found::Several(why) => {
                    self.keep_waiting(conn, incoming, Some(why), now).await?;
                    (RowOutcome::Held, why.clone())
                }
                Found::One(candidate) => {
                    let one =
                        self.settle_one(conn, incoming, candidate, &mut around, planning, settled).await?;
                    // A contradicted row says nothing about other sales.
                    clear = !one.contradicted;
                    own = around.ties.number_of(&candidate.id).map(str::to_owned);
                    (one.outcome, one.reason)
                }
            };
            if incoming.waiting.is_none() && clear && outcome != RowOutcome::Refused {
                further.extend(further_sales(incoming, own.as_deref()));
            }
            settled.reports.push(RowReport {
                source: row.source.clone(),
                order_key: row.order_key.clone(),
                number: row.number.clone(),
                outcome,
                reason,
            });
        }
        Ok(further)
    }

    /// Stores what comes of a row whose order is known.
    async fn settle_one(
        &self,
        conn: &mut Conn,
        incoming: &Incoming,
        candidate: &Candidate,
        around: &mut Around,
        planning: &Planning<'_>,
        settled: &mut Settled,
    ) -> Result<One> {
        let row = &incoming.row;
        let slips = around.present.entry(candidate.id.clone()).or_default();
        let (outcome, reason, package_id) = judge(incoming, &candidate.order, slips);
        let mut one = One { outcome, reason, contradicted: false };
        if matches!(outcome, RowOutcome::Matched | RowOutcome::Known) {
            match around.ties.judge(row, candidate, planning.contracts) {
                Tie::Fits => {}
                Tie::Link { contract, number } => {
                    let by = imported_by(&incoming.actor);
                    self.write_link(conn, &candidate.id, &contract, &number, &by).await?;
                    around.ties.linked(candidate, &contract, &number);
                    note_once(&mut settled.orders, &candidate.id);
                    settled.numbers.push(number);
                }
                // The parcel is the order's all the same.
                Tie::Unlinked(why) => one = One { outcome, reason: why, contradicted: true },
                // One that is used already is told of alone: somebody may have decided it.
                Tie::Against(why) => {
                    let outcome = if outcome == RowOutcome::Known { outcome } else { RowOutcome::Held };
                    one = One { outcome, reason: why, contradicted: true };
                }
            }
        }
        if one.outcome == RowOutcome::Known {
            if says_anew(conn, &candidate.id, row).await? {
                note_once(&mut settled.orders, &candidate.id);
            }
        } else {
            let held = (one.outcome == RowOutcome::Held).then_some(one.reason.as_str());
            slips.push(Present {
                number: row.number.clone(),
                package_id: package_id.clone(),
                file_digest: Some(incoming.file_digest.clone()),
                held: held.is_some(),
            });
            let slip = NewSlip {
                order_id: &candidate.id,
                row,
                package_id: package_id.as_deref(),
                file_digest: Some(&incoming.file_digest),
                held,
                learnt_at: planning.now,
            };
            insert_slip(conn, &self.id(), &slip).await?;
            note_once(&mut settled.orders, &candidate.id);
        }
        if let Some(id) = &incoming.waiting {
            conn.execute("DELETE FROM slip_rows WHERE id = $1", args![id]).await?;
        }
        Ok(one)
    }

    async fn keep_waiting(
        &self,
        conn: &mut Conn,
        incoming: &Incoming,
        held: Option<&str>,
        now: Timestamp,
    ) -> Result<()> {
        let row = &incoming.row;
        if let Some(id) = &incoming.waiting {
            conn.execute(
                "UPDATE slip_rows SET held = $2 WHERE id = $1
                     AND (held IS NULL AND $2 IS NOT NULL OR held IS NOT NULL AND $2 IS NULL OR held <> $2)",
                args![id, held],
            )
            .await?;
            return Ok(());
        }
        let id = self.id();
        let new = conn
            .execute(
                "INSERT INTO slip_rows (id, order_key, other_keys, reception_numbers, number, carrier, kind, ship_date,
                     postal_code, package_id, source, file_digest, verify_recipient, learnt_at, held, b2_registers,
                     by_number)
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)
                 ON CONFLICT (order_key, number) DO NOTHING",
                args![
                    &id,
                    &row.order_key,
                    &to_json(&row.other_keys)?,
                    &to_json(&Stated::of(row))?,
                    &row.number,
                    row.carrier.as_str(),
                    &row.kind,
                    &row.ship_date.map(|day| day.to_string()),
                    &row.postal_code,
                    &row.package_id,
                    &row.source,
                    &incoming.file_digest,
                    incoming.verify_recipient,
                    now,
                    held,
                    row.b2_registers.map(i64::from),
                    row.by_number,
                ],
            )
            .await?;
        if new == 1 {
            for key in keys_of_row(row) {
                conn.execute("INSERT INTO slip_row_keys (key, row_id) VALUES ($1, $2)", args![&key, &id])
                    .await?;
            }
        }
        Ok(())
    }
}

/// The rows of the other sales of a consolidated parcel: each is found by its reception number alone. `own` is the number
/// of the order that the row itself belongs to.
fn further_sales(incoming: &Incoming, own: Option<&str>) -> Vec<Incoming> {
    let row = &incoming.row;
    if row.by_number || row.reception_numbers.len() < 2 {
        return Vec::new();
    }
    let further = |number: &String| {
        let row = SlipRow {
            order_key: number.clone(),
            other_keys: Vec::new(),
            reception_numbers: vec![number.clone()],
            package_id: None,
            by_number: true,
            ..row.clone()
        };
        Incoming { row, ..incoming.clone() }
    };
    row.reception_numbers.iter().filter(|number| Some(number.as_str()) != own).map(further).collect()
}

/// Whether a later file says something else of a known slip's registration, which is kept then. A person's slip stays.
async fn says_anew(conn: &mut Conn, order_id: &str, row: &SlipRow) -> Result<bool> {
    let Some(said) = row.b2_registers else { return Ok(false) };
    let changed = conn
        .execute(
            "UPDATE slips SET b2_registers = $3
             WHERE order_id = $1 AND number = $2 AND (b2_registers IS NULL OR b2_registers <> $3)
                 AND source NOT LIKE 'person:%'",
            args![order_id, &row.number, said],
        )
        .await?;
    Ok(changed > 0)
}

fn note_once(ids: &mut Vec<String>, id: &str) {
    if !ids.iter().any(|noted| noted == id) {
        ids.push(id.to_owned());
    }
}
