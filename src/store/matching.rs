//! Which order a row of a slip file belongs to (csv-formats.md §1.1.3), and whether its slip may be used: never by name
//! or address. Rows that fit no single order wait, and are matched again when an order or a reception number arrives.

use std::collections::HashMap;

use super::db::{Conn, args, listed};
use super::rows::{At, fold, list, to_json};
use super::slips::{NewSlip, insert_slip};
use super::{Planning, Result, Store};
use crate::clock::Timestamp;
use crate::domain::order::{Carrier, Order, Status};
use crate::domain::slip::{RowOutcome, RowReport, SlipRow};

/// Old layouts of B2 cut the order number to this length.
const CUT: usize = 20;

/// A row with what its file says about it.
#[derive(Clone, Debug)]
pub(super) struct Incoming {
    pub row: SlipRow,
    pub file_digest: String,
    pub verify_recipient: bool,
    /// Its id while it waits; `None` when it has just been read.
    pub waiting: Option<String>,
}

#[derive(Clone)]
struct Candidate {
    id: String,
    shop: String,
    order: Order,
}

enum Found {
    One(Box<Candidate>),
    Several(String),
    Nothing,
}

#[derive(sqlx::FromRow)]
struct CandidateColumns {
    id: String,
    shop: String,
    match_key: String,
    document: String,
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
}

impl TryFrom<WaitingColumns> for Incoming {
    type Error = super::StoreError;
    fn try_from(row: WaitingColumns) -> Result<Self> {
        let at = |column| At::new("slip_rows", column, &row.id);
        let slip_row = SlipRow {
            other_keys: at("other_keys").json(&row.other_keys)?,
            reception_numbers: at("reception_numbers").json(&row.reception_numbers)?,
            carrier: at("carrier").word(&row.carrier, Carrier::from_word)?,
            ship_date: at("ship_date").day(row.ship_date.as_deref())?,
            source: row.source,
            order_key: row.order_key,
            number: row.number,
            kind: row.kind,
            postal_code: row.postal_code,
            package_id: row.package_id,
        };
        Ok(Self {
            row: slip_row,
            file_digest: row.file_digest,
            verify_recipient: row.verify_recipient != 0,
            waiting: Some(row.id),
        })
    }
}

/// A slip that an order has, with the file it came from.
struct Present {
    number: String,
    package_id: Option<String>,
    file_digest: Option<String>,
    held: bool,
}

#[derive(sqlx::FromRow)]
struct PresentColumns {
    order_id: String,
    number: String,
    package_id: Option<String>,
    file_digest: Option<String>,
    held: Option<String>,
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
    let key = fold(&row.order_key);
    let mut keys = Vec::new();
    if key.chars().count() == CUT {
        keys.push(format!("cut/{key}"));
    }
    keys.push(format!("order/{key}"));
    keys.extend(row.other_keys.iter().map(|key| format!("order/{}", fold(key))));
    keys.extend(row.reception_numbers.first().map(|number| format!("number/{}", number.trim())));
    keys.retain(|key| key.split_once('/').is_some_and(|(_, key)| !key.is_empty()));
    keys.sort_unstable();
    keys.dedup();
    keys
}

impl Store {
    /// Tries the waiting rows that `keys` find. Returns the orders that got a slip.
    pub(super) async fn attach_waiting(
        &self,
        conn: &mut Conn,
        keys: &[String],
        planning: &Planning<'_>,
    ) -> Result<Vec<String>> {
        let rows: Vec<WaitingColumns> = conn
            .rows(
                listed!(
                    "SELECT r.id, r.order_key, r.other_keys, r.reception_numbers, r.number, r.carrier, r.kind,
                         r.ship_date, r.postal_code, r.package_id, r.source, r.file_digest, r.verify_recipient
                     FROM slip_rows r WHERE r.id IN (SELECT k.row_id FROM slip_row_keys k WHERE k.key ",
                    ") ORDER BY r.id"
                ),
                args![&list(keys)],
            )
            .await?;
        if rows.is_empty() {
            return Ok(Vec::new());
        }
        let incoming = rows.into_iter().map(TryInto::try_into).collect::<Result<Vec<Incoming>>>()?;
        let (_, orders) = self.settle_rows(conn, &incoming, planning.now).await?;
        Ok(orders)
    }

    /// Matches rows and stores what comes of them. Returns a report on each, and the orders that got a slip.
    pub(super) async fn settle_rows(
        &self,
        conn: &mut Conn,
        incoming: &[Incoming],
        now: Timestamp,
    ) -> Result<(Vec<RowReport>, Vec<String>)> {
        let found = resolve(conn, incoming).await?;
        let ids = list(found.iter().filter_map(|found| match found {
            Found::One(candidate) => Some(candidate.id.as_str()),
            _ => None,
        }));
        let mut present = present(conn, &ids).await?;
        let (mut reports, mut orders) = (Vec::with_capacity(incoming.len()), Vec::new());
        for (incoming, found) in incoming.iter().zip(found) {
            let row = &incoming.row;
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
                    let slips = present.entry(candidate.id.clone()).or_default();
                    let (outcome, reason, package_id) = judge(incoming, &candidate.order, slips);
                    if outcome != RowOutcome::Known {
                        let held = (outcome == RowOutcome::Held).then(|| reason.clone());
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
                            held: held.as_deref(),
                            learnt_at: now,
                        };
                        insert_slip(conn, &self.id(), &slip).await?;
                        if !orders.contains(&candidate.id) {
                            orders.push(candidate.id.clone());
                        }
                    }
                    if let Some(id) = &incoming.waiting {
                        conn.execute("DELETE FROM slip_rows WHERE id = $1", args![id]).await?;
                    }
                    (outcome, reason)
                }
            };
            reports.push(RowReport {
                source: row.source.clone(),
                order_key: row.order_key.clone(),
                number: row.number.clone(),
                outcome,
                reason,
            });
        }
        Ok((reports, orders))
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
                     postal_code, package_id, source, file_digest, verify_recipient, learnt_at, held)
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)
                 ON CONFLICT (order_key, number) DO NOTHING",
                args![
                    &id,
                    &row.order_key,
                    &to_json(&row.other_keys)?,
                    &to_json(&row.reception_numbers)?,
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

/// What becomes of a row whose order is known: pure.
fn judge(incoming: &Incoming, order: &Order, slips: &[Present]) -> (RowOutcome, String, Option<String>) {
    let row = &incoming.row;
    if slips.iter().any(|slip| slip.number == row.number) {
        return (RowOutcome::Known, "the order has this slip already".to_owned(), None);
    }
    let held = |reason: String, package| (RowOutcome::Held, reason, package);
    let mut package = row.package_id.clone();
    let mut wrong_place = false;
    if let Some(code) = &row.postal_code {
        let codes: Vec<(&str, &str)> = order
            .packages
            .iter()
            .filter_map(|p| Some((p.package_id.as_str(), p.recipient.postal_code.as_ref()?.expose())))
            .collect();
        let fitting: Vec<&str> = codes.iter().filter(|(_, c)| c == code).map(|(id, _)| *id).collect();
        wrong_place = incoming.verify_recipient && !codes.is_empty() && fitting.is_empty();
        if let ([only], true, None) = (fitting.as_slice(), order.packages.len() > 1, &package) {
            package = Some((*only).to_owned());
        }
    }
    if order.status == Status::Canceled {
        return held(
            "the order was cancelled; keep the parcel back, then `slips remove`".to_owned(),
            package,
        );
    }
    if wrong_place {
        let reason =
            "the slip's postal code is not the order's; `slips add` if the parcel is right all the same";
        return held(reason.to_owned(), package);
    }
    let earlier: Vec<&Present> = slips
        .iter()
        .filter(|slip| !slip.held && slip.file_digest.as_deref() != Some(incoming.file_digest.as_str()))
        .collect();
    let parcels = order.packages.len().max(1);
    let taken = parcels > 1
        && package.is_some()
        && earlier.iter().any(|slip| slip.package_id.is_some() && slip.package_id == package);
    if taken || earlier.len() >= parcels {
        let numbers: Vec<&str> = earlier.iter().map(|slip| slip.number.as_str()).collect();
        let reason = format!(
            "every parcel has a slip already ({}); `slips add` if this is a further parcel, `slips replace` if it \
             takes the place of one",
            numbers.join(", ")
        );
        return held(reason, package);
    }
    (RowOutcome::Matched, String::new(), package)
}

async fn resolve(conn: &mut Conn, incoming: &[Incoming]) -> Result<Vec<Found>> {
    let keys = incoming.iter().flat_map(|i| {
        std::iter::once(&i.row.order_key).chain(&i.row.other_keys).map(|key| fold(key)).collect::<Vec<_>>()
    });
    let rows: Vec<CandidateColumns> = conn
        .rows(
            listed!(
                "SELECT id, shop, match_key, document FROM orders WHERE match_key ",
                " ORDER BY shop, id"
            ),
            args![&list(keys)],
        )
        .await?;
    let mut by_key: HashMap<String, Vec<Candidate>> = HashMap::new();
    for row in rows {
        by_key.entry(row.match_key.clone()).or_default().push(candidate(row)?);
    }
    let mut found = Vec::with_capacity(incoming.len());
    for incoming in incoming {
        let row = &incoming.row;
        let key = fold(&row.order_key);
        let mut several = Found::Nothing;
        let mut one = pick(by_key.get(&key), &mut several);
        if one.is_none() && matches!(several, Found::Nothing) && key.chars().count() == CUT {
            let end = format!("{key}\u{10FFFF}");
            let cut: Vec<CandidateColumns> = conn
                .rows(
                    "SELECT id, shop, match_key, document FROM orders WHERE match_key > $1 AND match_key < $2
                     ORDER BY match_key LIMIT 2",
                    args![&key, &end],
                )
                .await?;
            let cut = cut.into_iter().map(candidate).collect::<Result<Vec<_>>>()?;
            one = pick(Some(&cut), &mut several);
        }
        for key in &row.other_keys {
            if one.is_none() && matches!(several, Found::Nothing) {
                one = pick(by_key.get(&fold(key)), &mut several);
            }
        }
        if one.is_none()
            && matches!(several, Found::Nothing)
            && let Some(number) = row.reception_numbers.first()
        {
            let linked: Vec<CandidateColumns> = conn
                .rows(
                    "SELECT o.id, o.shop, o.match_key, o.document FROM settlements s
                     JOIN orders o ON o.id = s.order_id WHERE s.reception_number = $1 ORDER BY o.shop, o.id",
                    args![number.trim()],
                )
                .await?;
            let linked = linked.into_iter().map(candidate).collect::<Result<Vec<_>>>()?;
            one = pick(Some(&linked), &mut several);
        }
        found.push(one.map_or(several, |candidate| Found::One(Box::new(candidate))));
    }
    Ok(found)
}

fn candidate(row: CandidateColumns) -> Result<Candidate> {
    let order = At::new("orders", "document", &row.id).json(&row.document)?;
    Ok(Candidate { id: row.id, shop: row.shop, order })
}

/// The only candidate; several are a question for a person.
fn pick(candidates: Option<&Vec<Candidate>>, several: &mut Found) -> Option<Candidate> {
    match candidates.map(Vec::as_slice) {
        None | Some([]) => None,
        Some([only]) => Some(only.clone()),
        Some(many) => {
            let named: Vec<String> =
                many.iter().map(|c| format!("{} of {} ({})", c.order.mall_order_id, c.shop, c.id)).collect();
            *several = Found::Several(format!(
                "the number fits more than one order: {}; `slips add` with the order's id",
                named.join(", ")
            ));
            None
        }
    }
}

async fn present(conn: &mut Conn, order_ids: &str) -> Result<HashMap<String, Vec<Present>>> {
    let rows: Vec<PresentColumns> = conn
        .rows(
            listed!(
                "SELECT order_id, number, package_id, file_digest, held FROM slips WHERE order_id ",
                " ORDER BY id"
            ),
            args![order_ids],
        )
        .await?;
    let mut present: HashMap<String, Vec<Present>> = HashMap::new();
    for row in rows {
        let slip = Present {
            number: row.number,
            package_id: row.package_id,
            file_digest: row.file_digest,
            held: row.held.is_some(),
        };
        present.entry(row.order_id).or_default().push(slip);
    }
    Ok(present)
}
