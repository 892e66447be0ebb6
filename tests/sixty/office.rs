//! A morning in the office: people work off the list.

use mallsync::domain::money::Yen;
use mallsync::domain::operation::State;
use mallsync::domain::settlement::{SettlementState, Wish};
use mallsync::store::operations::OperationFilter;
use mallsync::store::settlements::{SettlementFilter, SettlementRow};
use rand::RngExt;
use rand::rngs::StdRng;

use crate::house::House;
use crate::people::{self, HELD, People};
use crate::story::{Rules, Story};

/// An operation is sent on by a person so often; what still needs one then is left to it.
const RETRIES: u32 = 5;
/// A question is answered on the same morning where the authorisation ends within so many days.
const URGENT: i64 = 3;
/// Renewals are asked for so many days before the authorisation ends.
const ENDS: i64 = 5;

/// What a morning brought to light.
#[derive(Debug, Default)]
pub struct Morning {
    /// Contracts that a guard held, with the reason that was told.
    pub guarded: Vec<(String, String)>,
    /// Questions that were answered.
    pub answered: u64,
}

impl People {
    /// What a guard holds is released, what needs a person is sent on some times, after a look at the console, and
    /// questions are answered, some days after they were put: all of them once nothing new happens (`settled`).
    pub async fn morning(
        &mut self,
        house: &House,
        stories: &mut [Story],
        dice: &mut StdRng,
        settled: bool,
    ) -> Morning {
        let mut morning = Morning::default();
        for mut account in house.store().accounts().await.unwrap() {
            if let Some(reason) = account.held_reason.take() {
                account.held_at = None;
                house.store().put_account(&account).await.unwrap();
                morning.guarded.push((account.name, reason));
            }
        }
        let filter = OperationFilter { state: Some(State::NeedsPerson), ..OperationFilter::default() };
        for row in house.store().list_operations(&filter).await.unwrap() {
            let times = self.retried.entry(row.operation.id.clone()).or_default();
            if *times < RETRIES {
                *times += 1;
                house.store().retry_operation(&row.operation.id, "staff", house.now()).await.unwrap();
            }
        }
        let filter =
            SettlementFilter { name: Some(Rules::Ask.contract().to_owned()), ..SettlementFilter::default() };
        for row in house.store().list_settlements(&filter).await.unwrap() {
            let Some(story) = people::by_number(stories, &row.mall_order_id) else { continue };
            let Some(wish) = answer(house, story, &row) else { continue };
            if settled || people::near(&row, house.now(), URGENT) || dice.random_ratio(1, 3) {
                morning.answered += 1;
                people::wish(house, story, wish).await;
            }
        }
        morning
    }
}

/// What a person answers who compares the order with what the gateway shows.
fn answer(house: &House, story: &Story, row: &SettlementRow) -> Option<Wish> {
    let settlement = &row.settlement;
    let open = matches!(
        settlement.state,
        SettlementState::Authorized | SettlementState::Reserved | SettlementState::Registered
    );
    if !open || settlement.held.as_deref() == Some(HELD) || settlement.wish.is_some() {
        return None;
    }
    let known = story.version(house.now());
    if known.canceled {
        return Some(Wish::Cancel);
    }
    let due = Yen(known.due);
    // The amount is changed once somebody asks about it, or the list tells that it differs.
    if settlement.amount.is_some_and(|held| held != due) && row.due == Some(due) {
        return Some(Wish::ChangeAmount { to: due });
    }
    let asked = settlement.held.is_some() && settlement.state == SettlementState::Authorized;
    (asked && people::near(row, house.now(), ENDS)).then_some(Wish::Reauth)
}
