//! Health of single rows.

use super::*;

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
    let health = shop_health(&shop, streams, &[], None, (at(NOW), at(NOW)));
    let mut attention = Vec::new();
    health.attention(at(NOW), &mut attention);
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
    assert!(attention.is_empty());
}

#[test]
fn failing_and_missed_polls_need_attention_and_a_disabled_shop_does_not() {
    let streams = [stream("new", "2026-11-21T11:49:59+09:00", Some("2026-11-21T11:40:00+09:00"), 3)];
    let (shop, attention) = health(&streams, true);
    assert_eq!(shop.error.as_deref(), Some("auth: new"));
    let topics: Vec<Topic> = attention.iter().map(|a| a.topic).collect();
    assert_eq!(topics, [Topic::PollFails, Topic::Overdue]);
    assert_eq!(attention[0].count, 3);
    assert!(health(&streams, false).1.is_empty());
    let on_time = [stream("new", "2026-11-21T11:50:00+09:00", None, 0)];
    assert!(health(&on_time, true).1.is_empty());
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
