//! Whether a function may be sent at the status that a look-up shows: kuroneko-webcollect.md §5.2 as a table, and the rules
//! of §5.3, §5.4 that narrow its "y" further. Only "y" is acted upon; where sources differ ("?") a person decides.

use super::map::{fold_slip, status_name, status_number};
use crate::domain::intent::Intent;
use crate::domain::settlement::{Observed, SettlementState};
use crate::http::text::scrub_code;
use crate::settlement::{Function, Permission};

/// One cell of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cell {
    /// **y**: allowed.
    Yes,
    /// **?**: sources differ or are silent.
    Unsure,
    /// **n**: refused.
    No,
}

/// §5.2, row by row; the columns are those of [`COLUMNS`]. A status without a row refuses everything.
const TABLE: &[(u32, [Cell; 6])] = {
    use Cell::{No as N, Unsure as U, Yes as Y};
    &[
        (4, [Y, N, Y, Y, Y, N]),
        (5, [N, N, Y, Y, N, Y]),
        (15, [N, N, Y, N, N, U]),
        (17, [U, N, Y, U, U, N]),
        (30, [Y, Y, Y, Y, U, N]),
        (31, [N, N, U, U, N, N]),
        (40, [N, N, N, N, U, N]),
    ]
};

/// E01, E02, A06, A07, A11, E03.
const COLUMNS: [Function; 6] = [
    Function::Capture,
    Function::Undo,
    Function::Cancel,
    Function::ChangeAmount,
    Function::Reauth,
    Function::ChangeDate,
];

/// §5.4: slips of one order.
const SLIPS: usize = 99;

/// What §5.2 says of `function` at `status`. A look-up is always allowed.
#[must_use]
pub fn cell(function: Function, status: Option<u32>) -> Cell {
    let Some(column) = COLUMNS.iter().position(|other| *other == function) else { return Cell::Yes };
    let row = status.and_then(|status| TABLE.iter().find(|(row, _)| *row == status));
    row.map_or(Cell::No, |(_, cells)| cells[column])
}

/// Whether `intent` may be sent to a settlement that shows `observed`.
#[must_use]
pub fn allowed(intent: &Intent, observed: &Observed) -> Permission {
    let function = Function::of(intent);
    match cell(function, status_number(&observed.status)) {
        Cell::Yes => narrowed(intent, observed),
        Cell::Unsure => Permission::Person(format!(
            "whether {} is taken at {} is not certain; {}",
            title(function),
            shown(observed),
            by_hand(function, observed.state)
        )),
        Cell::No => Permission::Refused(format!(
            "{} is not possible at {}; {}",
            title(function),
            shown(observed),
            by_hand(function, observed.state)
        )),
    }
}

/// What narrows a "y".
fn narrowed(intent: &Intent, observed: &Observed) -> Permission {
    let refused = |reason: &str| Permission::Refused(reason.to_owned());
    let person = |reason: &str| Permission::Person(reason.to_owned());
    let shared = !observed.consolidated_with.is_empty();
    let captured = observed.state == SettlementState::Registered;
    match intent {
        Intent::Capture { .. } if shared => {
            refused("it is in one parcel with other transactions (同梱): no further slip can be registered")
        }
        Intent::Capture { .. } if observed.slips.len() >= SLIPS => {
            refused("99 slips are registered: no further slip can be")
        }
        Intent::Capture { delivery_service_code, .. } if captured && delivery_service_code == "99" => {
            refused("it is captured already: another carrier's parcel is registered once an order")
        }
        Intent::Capture { .. } if !captured && !observed.slips.is_empty() => {
            person("the gateway shows a slip, yet not the sale as captured")
        }
        Intent::Undo { .. } if shared => person(
            "the slip is in one parcel with other transactions (同梱): take it back in Yamato's console",
        ),
        Intent::Undo { slip_number, delivery_service_code, .. }
            if !shows_slip(observed, slip_number, delivery_service_code) =>
        {
            person("the gateway does not show the slip that is to be taken back")
        }
        Intent::ChangeAmount { .. } if shared => refused(
            "it is in one parcel with other transactions (同梱): undo that in Yamato's console before the amount can change",
        ),
        Intent::Reauth { .. } if !observed.slips.is_empty() => {
            person("a slip is registered: the authorisation is not renewed after that")
        }
        Intent::Capture { .. }
        | Intent::Undo { .. }
        | Intent::Cancel { .. }
        | Intent::ChangeAmount { .. }
        | Intent::Reauth { .. }
        | Intent::ChangeDate { .. } => Permission::Granted,
    }
}

/// Whether the gateway shows the slip as registered (§3.3, §5.6): among its slips, or, for another carrier's, as a sale of
/// `99` whose slip it does not name.
pub(super) fn shows_slip(observed: &Observed, slip_number: &str, delivery_service_code: &str) -> bool {
    let ours = fold_slip(slip_number);
    observed.slips.iter().any(|slip| fold_slip(slip) == ours)
        || (observed.slips.is_empty()
            && observed.state.captured()
            && delivery_service_code == "99"
            && observed.delivery_service_code.as_deref() == Some("99"))
}

/// The status as people read it.
pub(super) fn shown(observed: &Observed) -> String {
    format!("status {} ({})", scrub_code(&observed.status), title_of_status(observed))
}

/// The name of the status.
pub(super) fn title_of_status(observed: &Observed) -> &'static str {
    status_name(&observed.status).unwrap_or("not in the gateway's list")
}

/// What a function does, for a sentence.
pub(super) const fn title(function: Function) -> &'static str {
    match function {
        Function::Capture => "a capture",
        Function::Undo => "taking a slip back",
        Function::Cancel => "a cancel",
        Function::ChangeAmount => "another amount",
        Function::Reauth => "renewing the authorisation",
        Function::ChangeDate => "another ship date",
        Function::LookUp => "a look-up",
        Function::StoredCards => "a list of stored cards",
    }
}

/// What a person can do instead.
const fn by_hand(function: Function, state: SettlementState) -> &'static str {
    match (function, state) {
        (Function::Cancel | Function::ChangeAmount, SettlementState::Settled) => {
            "refund the buyer outside the gateway, or ask Yamato's support"
        }
        (Function::Undo, SettlementState::Settled) => "it is too late: ask Yamato's support",
        (Function::Capture, SettlementState::Canceled) => "do not ship",
        (Function::Reauth, SettlementState::Canceled) => {
            "the buyer was told of a cancel: a new order is needed"
        }
        _ => "see the transaction in Yamato's console",
    }
}
