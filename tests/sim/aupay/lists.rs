//! Windows, filters, pages, refused parameters.

use std::collections::BTreeSet;
use std::time::Duration;

use mallsync::sim::{AUPAY_SHOP, Catalogue};

use super::xml::Node;
use super::{
    ALL, LIST, NUMBERS, ONE, call, errors, fixture, read, read_all, start, start_with, text_fixture,
};
use crate::client::{DAY, start_time};

fn numbers(root: &Node) -> Vec<String> {
    root.all("orderInfo").flat_map(|o| o.all("orderId")).map(|n| n.text.clone()).collect()
}

#[tokio::test]
async fn each_bad_parameter_is_named() {
    let sim = start().await;
    let good = [("totalCount", "5"), ("startDate", "20260420"), ("endDate", "2026-04-21"), ("dateType", "0")];
    let query = |name: &str, value: &str| -> String {
        let others = good.iter().filter(|(n, _)| *n != name).map(|(n, v)| format!("&{n}={v}"));
        others.chain([format!("&{name}={value}")]).collect()
    };
    for (name, value) in [
        ("totalCount", "0"),
        ("totalCount", "1001"),
        ("totalCount", "x"),
        ("totalCount", "+5"),
        ("startCount", "0"),
        ("startCount", "-1"),
        ("startCount", ""),
        ("startDate", "2026/04/20"),
        ("startDate", "20260431"),
        ("startDate", "2026-0420"),
        ("startDate", "202604201"),
        ("endDate", "20260419"),
        ("dateType", "5"),
        ("dateType", ""),
        ("pageCount", "1"),
        ("orderStatus1", "完了"),
        ("orderId", "352900001"),
        ("startCount=5&startCount", "5"),
    ] {
        for function in [LIST, NUMBERS] {
            let reply = call(&sim, function, &query(name, value)).await;
            let named = name.rsplit('&').next().unwrap();
            let expected = ("CME9002".to_owned(), format!("[{named}]形式に誤りがあります"));
            assert_eq!((reply.status, errors(&reply)), (200, vec![expected]), "{name}={value}");
        }
    }
    let reply = call(&sim, LIST, "&startDate=&dateType=9").await;
    let codes: Vec<_> = errors(&reply).into_iter().map(|(code, text)| format!("{code} {text}")).collect();
    let missing = |name: &str| format!("CME9001 [{name}]必須入力項目です");
    assert_eq!(
        codes,
        [
            missing("startDate"),
            "CME9002 [dateType]形式に誤りがあります".to_owned(),
            missing("totalCount"),
            missing("endDate")
        ]
    );
    for query in ["&orderId=35290000x", "&orderId=1&orderId=2", "&orderId=1&dateType=0"] {
        assert_eq!(errors(&call(&sim, ONE, query).await)[0].0, "CME9002", "{query}");
    }
    for query in ["", "&orderStatus=", "&orderStatus2=&startCount=1"] {
        read(&sim, LIST, &format!("{}{query}", query_of(&good))).await;
    }
}

fn query_of(parameters: &[(&str, &str)]) -> String {
    parameters.iter().map(|(name, value)| format!("&{name}={value}")).collect()
}

#[tokio::test]
async fn nothing_found_looks_like_the_sample() {
    let sim = start().await;
    let empty = "&totalCount=1000&startDate=20250101&endDate=20250101";
    let future = sim.world.options().aupay[0].orders;
    let to_come = 352_900_000 + future.placed_by(start_time());
    for (function, query) in [
        (LIST, empty.to_owned()),
        (NUMBERS, empty.to_owned()),
        (LIST, "&totalCount=10&startCount=9999&startDate=20260401&endDate=20260421".to_owned()),
        (ONE, "&orderId=1".to_owned()),
        (ONE, "&orderId=0352900000".to_owned()),
        (ONE, format!("&orderId={to_come}")),
    ] {
        let reply = call(&sim, function, &query).await;
        assert_eq!(reply.text(), text_fixture("list_empty_response.xml"), "{query}");
    }
    assert_eq!(numbers(&read(&sim, ONE, &format!("&orderId={}", to_come - 1)).await).len(), 1);
    sim.clock.advance(Duration::from_hours(1));
    assert_eq!(numbers(&read(&sim, ONE, &format!("&orderId={to_come}")).await).len(), 1);
    sim.world.switch(|s| (s.aupay.hollow, s.aupay.unknown_order_refused) = (true, true));
    assert!(call(&sim, LIST, empty).await.text().contains("<resultCount>0</resultCount>\n<orderInfo/>"));
    assert_eq!(errors(&call(&sim, ONE, "&orderId=1").await)[0].0, "CME9003");
}

#[tokio::test]
async fn pages_hold_every_order_once_in_ascending_order() {
    let sim = start().await;
    let window = "startDate=20260410&endDate=2026-04-12";
    let orders = read_all(&sim, window, 50).await;
    let found: Vec<_> = orders.iter().map(|o| o.at("orderId").to_owned()).collect();
    assert_eq!(found.len(), 120);
    assert!(
        found.is_sorted()
            && orders.iter().all(|o| ("2026/04/10"..="2026/04/12~").contains(&o.at("orderDate")))
    );
    let page = read(&sim, LIST, &format!("&totalCount=50&startCount=101&{window}")).await;
    assert_eq!((page.at("resultCount"), numbers(&page)), ("20", found[100..].to_vec()));
    let list = read(&sim, NUMBERS, &format!("&totalCount=50&{window}")).await;
    assert_eq!((list.all("orderInfo").count(), numbers(&list)), (1, found[..50].to_vec()));
    assert_eq!(list.names(), fixture("order_no_list_response.xml").names());
    sim.world.switch(|s| (s.aupay.numbers_apart, s.aupay.grand_total) = (true, true));
    let list = read(&sim, NUMBERS, &format!("&totalCount=50&{window}")).await;
    assert_eq!((list.all("orderInfo").count(), list.at("resultCount")), (50, "120"));
    assert_eq!(numbers(&list), found[..50]);
}

#[tokio::test]
async fn orders_come_up_between_pages() {
    let sim = start().await;
    let window = "startDate=20260419&endDate=20260421";
    let truth: BTreeSet<String> =
        read_all(&sim, window, 1_000).await.iter().map(|o| o.at("orderId").to_owned()).collect();
    sim.world.switch(|s| (s.aupay.newest_first, s.aupay.insert_between_pages) = (true, 3));
    let page = async |first: usize| {
        numbers(&read(&sim, LIST, &format!("&totalCount=30&startCount={first}&{window}")).await)
    };
    let (one, two) = (page(1).await, page(31).await);
    assert!(one.is_sorted_by(|a, b| a > b));
    assert_eq!(two[..3], one[27..], "the list moved by three under the reader");
    let missed: BTreeSet<_> = truth.iter().filter(|n| !one.contains(n)).max().cloned().into_iter().collect();
    assert!(missed.iter().all(|n| *n > one[0]));
    // They are there from now on: the next pass begins with them.
    let again = page(1).await;
    assert!(missed.iter().all(|n| again.contains(n)) && again[3..] == one[..27]);
    let single = read(&sim, LIST, &format!("&totalCount=1000&{window}")).await;
    assert_eq!(numbers(&single).into_iter().collect::<BTreeSet<_>>(), truth);
}

/// Every kind of window against all orders as they show.
#[tokio::test]
async fn windows_are_days_in_japan_by_the_date_asked_for() {
    let sim = start_with(Catalogue::per_day(start_time(), DAY * 70, 25)).await;
    let orders = read_all(&sim, ALL, 1_000).await;
    let date = |o: &Node, date_type: u32| match date_type {
        0 => o.at("orderDate")[..10].to_owned(),
        1 => o.at("shipDate").get(..10).unwrap_or_default().to_owned(),
        2 => o.at("paymentDate").get(..10).unwrap_or_default().to_owned(),
        3 => o.at("releaseDate").to_owned(),
        _ => o.all("detail").map(|l| l.at("shippingTimelimitDate")).max().unwrap().to_owned(),
    };
    let mut hits = [0; 5];
    for (from, to) in [(20260421, 20260421), (20260401, 20260402), (20260310, 20260407), (20260420, 20260520)]
    {
        let shown = |n: u32| format!("{}/{:02}/{:02}", n / 10_000, n / 100 % 100, n % 100);
        for date_type in 0..5 {
            let window = format!("startDate={from}&endDate={to}&dateType={date_type}");
            let found = numbers(&read(&sim, NUMBERS, &format!("&totalCount=1000&{window}")).await);
            let wanted: Vec<_> = orders
                .iter()
                .filter(|o| (shown(from)..=shown(to)).contains(&date(o, date_type)))
                .map(|o| o.at("orderId").to_owned())
                .collect();
            assert_eq!(found, wanted, "{window}");
            hits[date_type as usize] += found.len();
        }
    }
    assert!(hits.iter().all(|n| *n > 20), "{hits:?}");
    let status = "&orderStatus=%E7%99%BA%E9%80%81%E5%BE%85%E3%81%A1&orderStatus2=%E4%BF%9D%E7%95%99";
    let found = read(&sim, LIST, &format!("&totalCount=1000&{ALL}{status}")).await;
    let states: BTreeSet<_> = found.all("orderInfo").map(|o| o.at("orderStatus")).collect();
    assert_eq!(states, ["保留", "発送待ち"].into());
    let facts = sim.world.truth(AUPAY_SHOP).filter(|f| states.contains(f.status.as_str())).count();
    assert_eq!(numbers(&found).len(), facts);
}

#[tokio::test]
async fn any_number_of_orders_is_there() {
    let sim = start_with(Catalogue::spread(start_time(), DAY * 1_500, 200_000)).await;
    let last =
        read(&sim, LIST, "&totalCount=1000&startDate=20200101&endDate=20261231&startCount=199001").await;
    assert_eq!(numbers(&last).last().unwrap(), "353099999");
    let deadline = read(&sim, LIST, "&totalCount=1&startDate=20260421&endDate=20260421&dateType=4").await;
    assert_eq!(deadline.all("orderInfo").count(), 1);
}
