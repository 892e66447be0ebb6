//! I3: what finds nothing new writes nothing, told by the databases themselves.

use mallsync::store::Access;
use mallsync::store::orders::NewSetAside;

use crate::facts::{Poller, at, claiming, contract, file, order, planning, read_at, row};
use crate::support::rows::{rows, written};
use crate::support::stores;

#[tokio::test]
async fn a_page_without_news_writes_its_cursor_alone_or_nothing() {
    for db in stores().await {
        let contracts = [contract()];
        let mut poller = Poller::new(&db, "cart").await;
        let orders: Vec<_> = (0..5).map(|i| order(&format!("A-{i}"))).collect();
        poller.read(&db, 1, &orders, &contracts).await;
        db.store
            .import_slips(&file("f", vec![row(2, "A-1", "400012345670")]), "t", &planning(&contracts))
            .await
            .unwrap();
        let bad = NewSetAside {
            mall_order_id: "B".to_owned(),
            raw: Vec::new(),
            reason: "bad".to_owned(),
            read_at: at(1),
        };
        let mut page = poller.page(Vec::new());
        page.bad = vec![bad.clone()];
        db.store.commit_page(&poller.lease, &page, &planning(&contracts)).await.unwrap();

        let watcher = db.another(Access::Command).await;
        let (before, seen) = (rows(&db).await, watcher.version().await.unwrap());
        let mut again = poller.page(orders.iter().map(|o| read_at(o, 2)).collect());
        again.bad = vec![NewSetAside { read_at: at(2), ..bad }];
        let result = db.store.commit_page(&poller.lease, &again, &planning(&contracts)).await.unwrap();
        assert_eq!(
            (result.unchanged, result.new, result.changed, result.planned),
            (5, 0, 0, 0),
            "{}",
            db.name
        );
        assert_eq!(written(&before, &rows(&db).await), Vec::<String>::new(), "{}", db.name);
        assert_eq!(watcher.version().await.unwrap(), seen, "{}", db.name);

        again.cursor_after = Some(serde_json::json!("moved"));
        db.store.commit_page(&poller.lease, &again, &planning(&contracts)).await.unwrap();
        assert_eq!(written(&before, &rows(&db).await), ["streams"], "{}", db.name);
    }
}

#[tokio::test]
async fn planning_again_and_asking_again_write_nothing() {
    for db in stores().await {
        let contracts = [contract()];
        let mut poller = Poller::new(&db, "cart").await;
        poller.read(&db, 1, &[order("A-1"), order("A-2")], &contracts).await;
        let import = file("f", vec![row(2, "A-1", "400012345670"), row(3, "C-9", "400012345681")]);
        db.store.import_slips(&import, "t", &planning(&contracts)).await.unwrap();
        let before = rows(&db).await;
        db.store.replan(&planning(&contracts), None, 100).await.unwrap();
        db.store.preview("webcollect-main", &planning(&contracts), None, 10).await.unwrap();
        db.store.ensure_streams("cart", &["new"], at(9)).await.unwrap();
        db.store
            .claim_operations(&claiming(
                "nobody",
                mallsync::store::operations::Work::Send,
                "w",
                at(1),
                at(1),
                at(2),
                5,
            ))
            .await
            .unwrap();
        assert_eq!(db.store.expire_operations(at(1), at(1)).await.unwrap(), 0);
        let reports = db.store.import_slips(&import, "t", &planning(&contracts)).await.unwrap();
        assert_eq!(reports.len(), 2);
        assert_eq!(written(&before, &rows(&db).await), Vec::<String>::new(), "{}", db.name);
    }
}
