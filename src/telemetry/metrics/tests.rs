use super::recorder::{builder, describe};
use super::*;

/// What `act` makes of a recorder of its own.
fn counted(act: impl FnOnce()) -> String {
    let recorder = builder().unwrap().build_recorder();
    metrics::with_local_recorder(&recorder, || {
        describe(|_| true);
        act();
    });
    recorder.handle().render()
}

#[test]
fn series_begin_at_nothing_and_carry_the_words_they_were_given() {
    let text = counted(|| {
        let shop = Subject::shop("rakuten-main", "rakuten");
        begin_shop(&shop, &["new"]);
        begin_settlement(&Subject::settlement("webcollect-main"), &["capture"]);
        page(&shop, 3, 1);
        page(&shop, 2, 0);
        poll(&shop, "new", "auth", Duration::from_millis(200));
    });
    for line in [
        "# TYPE mallsync_orders_total counter",
        "mallsync_orders_total{shop=\"rakuten-main\",mall=\"rakuten\"} 5",
        "mallsync_order_changes_total{shop=\"rakuten-main\",mall=\"rakuten\"} 1",
        "mallsync_poll_total{shop=\"rakuten-main\",mall=\"rakuten\",kind=\"new\",outcome=\"ok\"} 0",
        "mallsync_poll_total{shop=\"rakuten-main\",mall=\"rakuten\",kind=\"new\",outcome=\"auth\"} 1",
        "mallsync_poll_duration_seconds_bucket{shop=\"rakuten-main\",mall=\"rakuten\",kind=\"new\",le=\"0.1\"} 0",
        "mallsync_poll_duration_seconds_bucket{shop=\"rakuten-main\",mall=\"rakuten\",kind=\"new\",le=\"0.3\"} 1",
        "mallsync_operations_total{settlement=\"webcollect-main\",kind=\"capture\",outcome=\"refused\"} 0",
        "mallsync_request_duration_seconds_count{settlement=\"webcollect-main\",kind=\"change\"} 0",
    ] {
        assert!(text.lines().any(|l| l == line), "{line}\nin\n{text}");
    }
}

#[test]
fn short_waits_add_up_to_whole_seconds() {
    let text = counted(|| {
        let meter = Meter::new(Subject::settlement("webcollect-main"));
        begin_settlement(&meter.subject, &[]);
        for _ in 0..5 {
            meter.waited(Duration::from_millis(450));
        }
    });
    assert!(
        text.contains("\nmallsync_throttled_seconds_total{settlement=\"webcollect-main\"} 2\n"),
        "{text}"
    );
}

#[test]
fn gauges_tell_what_is_there_and_nothing_of_what_is_gone() {
    let of = |shop: &str| {
        gauges(|set| set(LAST_SUCCESS, &[("shop", shop), ("mall", "csv")], 1_795_312_800)).unwrap()
    };
    let (first, second) = (of("a"), of("b"));
    assert!(
        first.contains("mallsync_last_success_timestamp_seconds{shop=\"a\",mall=\"csv\"} 1795312800\n"),
        "{first}"
    );
    assert!(first.contains("# HELP mallsync_last_success_timestamp_seconds When"), "{first}");
    assert!(!second.contains("\"a\""), "{second}");
}
