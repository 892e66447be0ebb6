//! Reception numbers by rule.

use mallsync::domain::order::{CollectedBy, Order};
use mallsync::domain::planner::{Contract, Reception, link};
use mallsync::secret::Personal;

use crate::rig::{contract, order};

#[test]
fn links_are_found_by_shop_payment_and_template() {
    let mut rules = contract();
    let number = |contracts: &[Contract], shop: &str, order: &Order| {
        link(contracts, shop, order).map(|linked| linked.reception)
    };
    let all = [rules.clone()];
    assert_eq!(number(&all, "own-shop", &order()), Some(Ok("100001".to_owned())));
    assert_eq!(number(&all, "rakuten-main", &order()), None, "another shop");
    let mut later = order();
    later.payment.mall_method = Some("webコレクト後払い".to_owned());
    assert_eq!(number(&all, "own-shop", &later), None, "excepted");
    let mut mall = order();
    mall.payment.collected_by = CollectedBy::Mall;
    assert_eq!(number(&all, "own-shop", &mall), None, "the mall collects");
    rules.rules[0].own_contract = true;
    assert_eq!(number(&[rules.clone()], "own-shop", &mall), Some(Ok("100001".to_owned())));

    rules.rules[0].reception = Reception::Template("W{mall_order_id|digits|tail:4}".to_owned());
    assert_eq!(number(&[rules.clone()], "own-shop", &order()), Some(Ok("W0001".to_owned())));
    let mut lower = order();
    lower.mall_order_id = "ab_1".to_owned();
    rules.rules[0].reception = Reception::Template("{mall_order_id|upper}".to_owned());
    let reason = number(&[rules.clone()], "own-shop", &lower).unwrap().unwrap_err();
    assert!(reason.contains("not a reception number"), "{reason}");

    let regex = regex::Regex::new("受付番号[:\\x{FF1A}]\\s*(\\S+)").unwrap();
    rules.rules[0].reception = Reception::Pattern { field: "notes.shop".to_owned(), regex };
    let mut noted = order();
    noted.notes.shop = Personal::new("受付番号： 2026-77 のし");
    assert_eq!(number(&[rules.clone()], "own-shop", &noted), Some(Ok("2026-77".to_owned())));
    assert!(number(&[rules], "own-shop", &order()).unwrap().is_err(), "nothing to find");
}
