//! Health of single rows.

use super::*;
use crate::store::streams::StreamRow;

fn at(text: &str) -> Timestamp {
    Timestamp::parse(text).unwrap()
}

const NOW: &str = "2026-11-21T12:00:00+09:00";

fn stream(name: &str, due: &str, succeeded: Option<&str>, failures: i64) -> StreamRow {
    StreamRow {
        shop: "rakuten-main".to_owned(),
        stream: name.to_owned(),
        cursor: None,
        due_at: at(due),
        started_at: None,
        ended_at: None,
        succeeded_at: succeeded.map(at),
        failures,
        error: (failures > 0).then(|| format!("auth: {name}")),
        skipped: 0,
        orders: 0,
        pages: 0,
        finished: name.starts_with("backfill"),
        leased_until: None,
    }
}

fn health(streams: &[StreamRow], enabled: bool) -> (ShopHealth, Vec<Attention>) {
    let shop = ShopFacts { name: "rakuten-main".to_owned(), mall: "rakuten".to_owned(), enabled };
    let mut attention = Vec::new();
    let health = shops::health(&shop, streams, &[], None, (at(NOW), at(NOW)), &mut attention);
    (health, attention)
}

#[test]
fn a_shop_is_as_fresh_as_its_stalest_stream() {
    let streams = [
        stream("new", "2026-11-21T12:05:00+09:00", Some("2026-11-21T11:59:00+09:00"), 0),
        stream("late", "2026-11-21T15:00:00+09:00", Some("2026-11-21T09:00:00+09:00"), 0),
        stream("backfill:1/2", "2026-01-01T00:00:00+09:00", Some("2026-01-01T00:00:00+09:00"), 0),
    ];
    let (health, attention) = health(&streams, true);
    assert_eq!(health.lag_seconds, Some(3 * 3_600));
    assert_eq!(health.next_run_at, Some(at("2026-11-21T12:05:00+09:00")));
    assert!(attention.is_empty() && health.waiting.is_empty());
}

#[test]
fn failing_and_missed_polls_need_attention_and_a_disabled_shop_does_not() {
    let streams = [stream("new", "2026-11-21T11:49:59+09:00", Some("2026-11-21T11:40:00+09:00"), 3)];
    let (shop, attention) = health(&streams, true);
    assert_eq!(shop.error.as_deref(), Some("auth: new"));
    let told: Vec<_> = attention.iter().map(|a| (a.topic, a.count, a.since)).collect();
    assert_eq!(
        told,
        [
            (Topic::PollFails, 3, Some(at("2026-11-21T11:40:00+09:00"))),
            (Topic::Overdue, 1, Some(at("2026-11-21T11:49:59+09:00")))
        ]
    );
    let (shop, attention) = health(&streams, false);
    assert!(attention.is_empty() && shop.waiting.is_empty() && shop.next_run_at.is_none());
    let on_time = [stream("new", "2026-11-21T11:50:00+09:00", None, 0)];
    assert!(health(&on_time, true).1.is_empty());
}

#[test]
fn what_a_shop_waits_for_follows_from_the_fault_and_from_the_quota() {
    let later = "2026-11-21T12:10:00+09:00";
    let with = |name: &str, due: &str, error: Option<&str>| StreamRow {
        error: error.map(str::to_owned),
        finished: false,
        ..stream(name, due, None, i64::from(error.is_some()))
    };
    let waits = |rows: &[StreamRow]| -> Vec<_> {
        health(rows, true).0.waiting.iter().map(|w| (w.what, w.until.map(|at| at.to_string()))).collect()
    };
    let until = || Some(later.to_owned());
    assert_eq!(waits(&[with("new", later, None)]), [], "its schedule is no wait");
    assert_eq!(
        waits(&[with("new", later, Some("throttled: throttled until …")), with("backfill:1/2", later, None)]),
        [(Pause::Throttled, until()), (Pause::Quota, until())]
    );
    assert_eq!(waits(&[with("new", later, Some("maintenance: closed"))]), [(Pause::Maintenance, until())]);
    assert_eq!(
        waits(&[
            with("open", "2026-11-21T12:20:00+09:00", Some("transient: b")),
            with("new", later, Some("auth: a"))
        ]),
        [(Pause::Retry, until())],
        "the first of several tries"
    );
    assert_eq!(
        waits(&[with("backfill:1/2", "2026-11-21T11:59:00+09:00", None)]),
        [],
        "it has quota and goes on"
    );
}

#[test]
fn a_long_poll_is_under_way_and_not_overdue_until_its_worker_is_gone() {
    let mut long = stream("new", "2026-11-21T09:00:00+09:00", None, 0);
    long.leased_until = Some(at("2026-11-21T12:00:01+09:00"));
    let (shop, attention) = health(&[long.clone()], true);
    assert!(shop.polling && attention.is_empty(), "{attention:?}");
    long.leased_until = Some(at("2026-11-21T12:00:00+09:00"));
    let (shop, attention) = health(&[long], true);
    assert!(!shop.polling);
    assert_eq!(attention[0].topic, Topic::Overdue);
}

#[test]
fn ends_of_keys_count_whole_days_on_japans_calendar() {
    let expiry = |text: &str| Expiry { what: "license_key".to_owned(), at: at(text) };
    assert_eq!(ending("a", &expiry("2026-11-21T23:59:59+09:00"), at(NOW)).days, 0);
    assert_eq!(ending("a", &expiry("2026-11-22T00:00:00+09:00"), at(NOW)).days, 1);
    assert_eq!(ending("a", &expiry("2026-11-20T23:59:59+09:00"), at(NOW)).days, -1);
}

#[test]
fn an_end_names_the_command_that_renews_it_and_what_is_not_used_needs_nobody() {
    let shop =
        |name: &str, mall: &str, enabled| ShopFacts { name: name.to_owned(), mall: mall.to_owned(), enabled };
    let facts = Facts {
        shops: vec![shop("y", "yahoo", true), shop("r", "rakuten", true), shop("off", "rakuten", false)],
        settlements: Vec::new(),
    };
    let expiring = |name: &str, what: &str| Account {
        name: name.to_owned(),
        expiries: vec![Expiry { what: what.to_owned(), at: at("2026-11-24T00:00:00+09:00") }],
        ..Account::default()
    };
    let accounts = [
        expiring("y", "refresh_token"),
        expiring("r", "license_key"),
        expiring("off", "license_key"),
        expiring("gone", "license_key"),
    ];
    let accounts = accounts.into_iter().map(|account| (account.name.clone(), account)).collect();
    let listed = endings(&facts, &accounts, at(NOW));
    assert_eq!(listed.iter().map(|ending| ending.subject.as_str()).collect::<Vec<_>>(), ["off", "r", "y"]);
    let told: Vec<_> = listed
        .iter()
        .filter(|ending| facts.uses(&ending.subject))
        .map(|ending| ending.attention(&facts))
        .map(|a| (a.subject, a.command, a.detail))
        .collect();
    let text = |subject: &str, command: &str, detail: &str| {
        (subject.to_owned(), command.to_owned(), detail.to_owned())
    };
    assert_eq!(
        told,
        [
            text("shops.r", "mallsync check", "license_key ends on 2026-11-24 (3 days)"),
            text("shops.y", "mallsync shops authorize y", "refresh_token ends on 2026-11-24 (3 days)")
        ]
    );
}

#[test]
fn the_words_of_metrics_and_json_are_the_same() {
    for topic in Topic::OF_SHOPS.into_iter().chain(Topic::OF_SETTLEMENTS).chain([
        Topic::SlipsHeld,
        Topic::DaemonStopped,
        Topic::DatabaseFull,
    ]) {
        assert_eq!(serde_json::to_value(topic).unwrap(), topic.as_str());
    }
}
