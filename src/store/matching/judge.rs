//! Whether the slip of a row may be used for the order that it was matched with.

use std::collections::HashMap;

use super::Incoming;
use crate::domain::order::{Order, Status};
use crate::domain::slip::RowOutcome;
use crate::store::Result;
use crate::store::db::{Conn, args, listed};

/// A slip that an order has, with the file it came from.
pub(super) struct Present {
    pub number: String,
    pub package_id: Option<String>,
    pub file_digest: Option<String>,
    pub held: bool,
}

#[derive(sqlx::FromRow)]
struct PresentColumns {
    order_id: String,
    number: String,
    package_id: Option<String>,
    file_digest: Option<String>,
    held: Option<String>,
}

/// What becomes of a row whose order is known: pure.
pub(super) fn judge(
    incoming: &Incoming,
    order: &Order,
    slips: &[Present],
) -> (RowOutcome, String, Option<String>) {
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

/// The slips that orders have.
pub(super) async fn present(conn: &mut Conn, order_ids: &str) -> Result<HashMap<String, Vec<Present>>> {
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
