//! What B2クラウド's file says of a parcel and its card sales (its columns 43–47; csv-formats.md §1.1): the reception numbers
//! must be those of the orders that the parcel belongs to.

use std::collections::HashMap;

use super::Result;
use super::db::{Conn, args, listed};
use super::matching::Candidate;
use super::rows::list;
use super::settlements::records_of;
use crate::domain::planner::{self, Contract};
use crate::domain::reception::is_imported;
use crate::domain::slip::SlipRow;

/// Who has a reception number under a contract.
#[derive(Clone, Debug)]
pub(super) struct Holder {
    pub order_id: String,
    pub shop: String,
    pub mall_order_id: String,
}

impl Holder {
    /// Why another order cannot have the number.
    pub(super) fn objects(&self, contract: &str, number: &str) -> String {
        format!(
            "reception number {number} of {contract} belongs to order {} of {}; `settlements unlink` it there first",
            self.mall_order_id, self.shop
        )
    }
}

/// (contract, number) → its order.
pub(super) type Holders = HashMap<(String, String), Holder>;

/// The orders that have these numbers now.
pub(super) async fn holders(conn: &mut Conn, numbers: &[&str]) -> Result<Holders> {
    if numbers.is_empty() {
        return Ok(Holders::new());
    }
    let rows: Vec<(String, String, String, String, String)> = conn
        .rows(
            listed!(
                "SELECT s.name, s.reception_number, s.order_id, o.shop, o.mall_order_id
                 FROM settlements s JOIN orders o ON o.id = s.order_id WHERE s.reception_number ",
                ""
            ),
            args![&list(numbers)],
        )
        .await?;
    let holder = |(name, number, order_id, shop, mall_order_id)| {
        ((name, number), Holder { order_id, shop, mall_order_id })
    };
    Ok(rows.into_iter().map(holder).collect())
}

/// What the settlements say of the orders and numbers of a batch.
pub(super) struct Ties {
    own: HashMap<String, Own>,
    holders: Holders,
}

/// An order's settlement.
struct Own {
    contract: String,
    number: Option<String>,
    /// A person took the number away: only a person gives it another one.
    by_hand: bool,
}

/// What the reception numbers of a row mean for the order that it was matched with.
pub(super) enum Tie {
    /// They agree, or say nothing.
    Fits,
    /// The order had no number, and this one is its.
    Link { contract: String, number: String },
    /// They are another merchant's: the parcel is the order's, the numbers are not used.
    Unlinked(String),
    /// They are another order's: a person decides.
    Against(String),
}

/// Whether a 加盟店番号 in a file is not the contract's; spreadsheets drop leading zeros.
fn of_another(contract: &Contract, written: &str) -> bool {
    let same =
        |ours: &str| ours.trim_start_matches('0').eq_ignore_ascii_case(written.trim_start_matches('0'));
    contract.trader_code.as_deref().is_some_and(|ours| !same(ours))
}

impl Ties {
    /// Loads what [`Ties::judge`] needs, where a row carries a reception number at all.
    pub(super) async fn load<'r>(
        conn: &mut Conn,
        order_ids: &str,
        rows: impl Iterator<Item = &'r SlipRow>,
    ) -> Result<Self> {
        let numbers: Vec<&str> =
            rows.flat_map(|row| row.reception_numbers.iter().map(String::as_str)).collect();
        let mut own = HashMap::new();
        if !numbers.is_empty() {
            for record in records_of(conn, order_ids).await? {
                let settlement = record.settlement;
                let linked_by = settlement.linked_by.as_str();
                let by_hand = !matches!(linked_by, "rule" | "source") && !is_imported(linked_by);
                let number = settlement.reception_number;
                own.insert(settlement.order_id, Own { contract: settlement.name, number, by_hand });
            }
        }
        Ok(Self { own, holders: holders(conn, &numbers).await? })
    }

    /// What the row's numbers mean for `candidate`: pure.
    pub(super) fn judge(&self, row: &SlipRow, candidate: &Candidate, contracts: &[Contract]) -> Tie {
        let numbers = &row.reception_numbers;
        let own = self.own.get(&candidate.id);
        if let Some(other) = row.trader_code.as_deref().filter(|_| !numbers.is_empty()) {
            let linked = || planner::link(contracts, &candidate.shop, &candidate.order);
            let name = own.map(|own| own.contract.clone()).or_else(|| linked().map(|linked| linked.contract));
            let contract = contracts.iter().find(|contract| Some(&contract.name) == name.as_ref());
            if let Some(contract) = contract.filter(|contract| of_another(contract, other)) {
                let told = format!(
                    "the file's 加盟店番号 {other} is not the trader_code of {}: its reception number is not used",
                    contract.name
                );
                // What such a number alone brought here is not this order's.
                let by_it = own.and_then(|own| own.number.as_ref()).is_some_and(|own| numbers.contains(own));
                return if row.by_number || by_it { Tie::Against(told) } else { Tie::Unlinked(told) };
            }
        }
        if row.by_number || numbers.is_empty() {
            return Tie::Fits;
        }
        if let Some(number) = own.and_then(|own| own.number.as_ref()) {
            if numbers.contains(number) {
                return Tie::Fits;
            }
            return Tie::Against(format!(
                "the file names reception number {}, the order has {number}; `slips add` if the parcel is right all the same",
                numbers.join(", ")
            ));
        }
        if own.is_some_and(|own| own.by_hand) {
            return Tie::Fits;
        }
        // Without a rule the order is nobody's, whatever the parcel says.
        let Some(contract) = own.map(|own| own.contract.clone()).or_else(|| {
            planner::link(contracts, &candidate.shop, &candidate.order).map(|linked| linked.contract)
        }) else {
            return Tie::Fits;
        };
        let holder = |number: &String| self.holders.get(&(contract.clone(), number.clone()));
        let free: Vec<&String> = numbers.iter().filter(|number| holder(number).is_none()).collect();
        match (free.as_slice(), numbers.first().and_then(|number| Some((number, holder(number)?)))) {
            ([number], _) => Tie::Link { contract, number: (*number).clone() },
            ([], Some((number, holder))) => Tie::Against(holder.objects(&contract, number)),
            // Which of them is this order's is not told.
            _ => Tie::Fits,
        }
    }

    /// An order got a number meanwhile.
    pub(super) fn linked(&mut self, candidate: &Candidate, contract: &str, number: &str) {
        let own = Own { contract: contract.to_owned(), number: Some(number.to_owned()), by_hand: false };
        self.own.insert(candidate.id.clone(), own);
        let holder = Holder {
            order_id: candidate.id.clone(),
            shop: candidate.shop.clone(),
            mall_order_id: candidate.order.mall_order_id.clone(),
        };
        self.holders.insert((contract.to_owned(), number.to_owned()), holder);
    }

    /// The order's reception number, as far as it was loaded.
    pub(super) fn number_of(&self, order_id: &str) -> Option<&str> {
        self.own.get(order_id)?.number.as_deref()
    }
}
