//! A03: the cards that a buyer stored.

use mallsync::http::Fault;
use mallsync::secret::{Personal, Secret};
use mallsync::settlement::{Member, StoredCard};
use serde_json::{Value, json};

use super::calls::{Account, Gateway, ok, sample};

const KEY: &str = "k7Q2m9Xa";

fn member() -> Member {
    Member { id: Personal::new("MEMBER0001").unwrap(), authentication_key: Secret::new(KEY) }
}

async fn ask(gateway: &Gateway, access_key: Value, member: &Member) -> Result<Vec<StoredCard>, Fault> {
    let account = Account::with(gateway, json!({ "access_key": access_key }));
    account.settlement.stored_cards(&account.call(), member).await
}

#[tokio::test]
async fn stored_cards_are_asked_for_as_the_sample_does_and_listed_without_their_holder() {
    let gateway = Gateway::start(vec![
        ok("A03_creditInfoGet_two.response.xml"),
        ok("A03_creditInfoGet_one.response.xml"),
        ok("A03_creditInfoGet_none.response.xml"),
        ok("A03_creditInfoGet_bad_checksum.response.xml"),
    ])
    .await;
    let ask = async || ask(&gateway, json!("plain:1234567"), &member()).await;
    let two = ask().await.unwrap();
    let shown = serde_json::to_value(&two).unwrap();
    assert_eq!(
        shown[1],
        json!({ "key": "2", "number": "************0002", "expires": "2029-06", "last_used_at": "2024-11-05T08:15:00+09:00",
            "reserved": false })
    );
    assert!(!shown.to_string().contains("MIHON"), "{shown}");
    assert!(!format!("{two:?}").contains("0002"), "a number is nothing for a log: {two:?}");
    assert_eq!(ask().await.unwrap(), two[..1]);
    assert_eq!(ask().await.unwrap(), []);
    let refused = ask().await.unwrap_err();
    assert!(refused.to_string().contains("A031010571"), "{refused}");
    for (head, body) in gateway.requests() {
        assert!(head.starts_with("POST /webcollect/api/creditInfoGet HTTP/1.1\r\n"), "{head}");
        assert_eq!(body, sample("A03_creditInfoGet.request.txt"));
        assert!(
            !body.contains("1234567&") && !body.ends_with("1234567"),
            "the access key never goes out: {body}"
        );
    }
}

#[tokio::test]
async fn what_cannot_be_asked_is_told_and_not_sent() {
    let gateway = Gateway::start(Vec::new()).await;
    let unset = ask(&gateway, Value::Null, &member()).await.unwrap_err();
    assert!(unset.to_string().contains("access_key"), "{unset}");
    for (id, key) in
        [("会員1", KEY), (&*"9".repeat(65), KEY), ("MEMBER0001", "123456789"), ("MEMBER0001", "")]
    {
        let member = Member { id: Personal::new(id).unwrap(), authentication_key: Secret::new(key) };
        let refused = ask(&gateway, json!("plain:1234567"), &member).await.unwrap_err().to_string();
        assert!(!refused.contains(id) && (key.is_empty() || !refused.contains(key)), "{refused}");
    }
    assert!(gateway.requests().is_empty());
}
