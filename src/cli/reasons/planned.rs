//! What the planner says.

/// See [`super::TABLES`].
pub(super) const REASONS: &[(&str, &str)] = &[
    // The planner.
    ("held: {0}", "停止中: {0}"),
    ("resolved: {0}", "処理済: {0}"),
    ("held by a person", "人が停止"),
    ("refunded by hand: {0}", "返金済: {0}"),
    ("refunded by hand", "返金済"),
    ("slip {0} was taken back by {1}", "{1} が伝票 {0} の登録を取り消しました"),
    ("slip {0} is not registered at the gateway", "伝票 {0} は決済側に登録されていません"),
    ("no such settlement", "該当する決済がありません"),
    ("it names several settlements: use our id", "当てはまる決済が複数あります。ID で指定してください"),
    ("nothing is wanted", "することがありません"),
    ("it is held already", "すでに止まっています"),
    ("it is not held", "止まっていません"),
    ("it is resolved already", "すでに処理済です"),
    ("it was not resolved", "処理済になっていません"),
    ("no slip is registered at the gateway", "決済側に登録された伝票がありません"),
    (
        "several slips are registered ({0}): name one",
        "登録済の伝票が複数あります（{0}）。番号を指定してください",
    ),
    ("no planned ship date is given", "出荷予定日が指定されていません"),
    (
        "{0} is not in force (enabled = false): nothing can be decided for it",
        "{0} は無効（enabled = false）です。操作できません",
    ),
    (
        "only a reservation has a planned ship date; it is {0}",
        "出荷予定日があるのは予約だけです。この決済は「{0}」です",
    ),
    (
        "the planned ship date {0} is too far ahead: the gateway takes none after {1}",
        "出荷予定日 {0} は先すぎます。決済側が受け付けるのは {1} までです",
    ),
    // What changed between the showing and the confirmation.
    (
        "changed while you read: the reception number was {0} and is {1}; run it again",
        "確認の間に変わりました。受付番号が {0} から {1} になっています。もう一度実行してください",
    ),
    (
        "changed while you read: it was {0} and is {1}; run it again",
        "確認の間に変わりました。状態が「{0}」から「{1}」になっています。もう一度実行してください",
    ),
    (
        "changed while you read: the gateway held {0} yen and holds {1} yen; run it again",
        "確認の間に変わりました。決済側の金額が {0} 円から {1} 円になっています。もう一度実行してください",
    ),
    (
        "changed while you read: {0} yen were due and {1} yen are; run it again",
        "確認の間に変わりました。請求額が {0} 円から {1} 円になっています。もう一度実行してください",
    ),
    (
        "changed while you read: somebody else decided about it; run it again",
        "確認の間に変わりました。他の人が判断しています。もう一度実行してください",
    ),
    (
        "changed while you read: other slips are registered; run it again",
        "確認の間に変わりました。登録済の伝票が違います。もう一度実行してください",
    ),
    (
        "changed while you read: something else would be done; run it again",
        "確認の間に変わりました。行う処理が違います。もう一度実行してください",
    ),
    (
        "changed while you read: other rows would be linked, or other operations follow; run it again",
        "確認の間に変わりました。結び付く行か、その後の処理が違います。もう一度実行してください",
    ),
    (
        "settlement {0} is in dry-run or gone: nothing is sent for it",
        "決済 {0} はドライランか無効です。何も送りません",
    ),
    (
        "{0} was asked for already: wait for operation {1}, or `operations abandon` it",
        "すでに {0} の指示があります。処理 {1} を待つか、`operations abandon` してください",
    ),
    (
        "operation {0} is {1}: settle it first (`operations show {2}`)",
        "処理 {0} は {1} です。先に片付けてください（`operations show {2}`）",
    ),
    ("ordered before `since`: never touched", "`since` より前の注文のため対象外"),
    ("ordered before `since`", "`since` より前の注文"),
    (
        "the order is canceled after {0} yen were settled: pay them back at the gateway's own screen",
        "{0} 円の精算確定後に注文が取り消されました。決済側の管理画面で返金してください",
    ),
    (
        "the order is canceled, the gateway holds {0} yen; slip {1} is registered for order {2} of the same parcel (同梱)",
        "注文は取消済ですが、決済側に {0} 円の与信が残っています。伝票 {1} は同梱の注文 {2} で登録済です",
    ),
    (
        "the order is canceled, the gateway holds {0} yen",
        "注文は取消済ですが、決済側に {0} 円の与信が残っています",
    ),
    (
        "the order is canceled, the gateway shows a status from which nothing follows: compare it at the gateway's own \
         screen",
        "注文は取消済ですが、決済側の状態からは判断できません。決済側の管理画面で確かめてください",
    ),
    ("the order is {0}", "注文の状態が「{0}」"),
    (
        "no reception number: `mallsync settlements link ORDER RECEPTION_NUMBER`",
        "受付番号がありません: `mallsync settlements link 注文番号 受付番号`",
    ),
    ("the amount is not fixed", "金額が未確定"),
    ("nothing is due", "請求額がありません"),
    ("{0} yen is above amount_limit ({1} yen)", "{0} 円は amount_limit（{1} 円）を超えています"),
    ("B2クラウド registers the slips itself", "B2クラウドが伝票を登録する設定です"),
    ("capture = \"manual\"", "capture = \"manual\" の設定です"),
    ("no slip", "送り状番号待ち"),
    ("registered", "登録済"),
    (
        "registered; order {0}, in one parcel by slip {1}, is {2} and is not registered with it",
        "登録済。同梱の注文 {0}（伝票 {1}）は「{2}」のため登録しません",
    ),
    (
        "slip {0} is cash on delivery: never registered on a card",
        "伝票 {0} は代引です。カードには登録しません",
    ),
    ("slip {0} is a letter-box service (送り状種類 {1})", "伝票 {0} は投函サービスです（送り状種類 {1}）"),
    (
        "slip {0} is in one parcel with order {1} (同梱): the gateway takes no second slip ({2}) for such an order",
        "伝票 {0} は注文 {1} と同梱です。同梱の注文に 2 つ目の伝票（{2}）は登録できません",
    ),
    (
        "slip {0} is in one parcel with order {1} (同梱): amount and slip stay as they are until that is undone in \
         Yamato's console",
        "伝票 {0} は注文 {1} と同梱です。ヤマトの管理画面で同梱を解除するまで、金額も伝票も変えられません",
    ),
    (
        "slip {0} stands on more than {1} orders: the gateway takes no more of one parcel (同梱)",
        "伝票 {0} の注文が {1} 件を超えています。同梱はそこまでしか登録できません",
    ),
    (
        "slip {0} also stands on order {1}, where a person must decide on it first",
        "伝票 {0} は注文 {1} にもあり、そちらで保留になっています。先に判断してください",
    ),
    (
        "slip {0} also stands on order {1}, which is {2}: `slips remove {3} {4}` takes it off there",
        "伝票 {0} は注文 {1} にもあり、その注文の状態が「{2}」です。外すには `slips remove {3} {4}` を使ってください",
    ),
    (
        "slip {0} also stands on order {1}, which has no settlement: see which order it belongs to",
        "伝票 {0} は注文 {1} にもあり、その注文には決済がありません。どの注文の伝票か確かめてください",
    ),
    (
        "slip {0} also stands on order {1}, whose settlement is of another contract ({2})",
        "伝票 {0} は注文 {1} にもあり、その決済は別の契約（{2}）です",
    ),
    (
        "slip {0} also stands on order {1}, which has other slips too: the gateway takes one parcel's slip alone",
        "伝票 {0} は注文 {1} にもあり、その注文には別の伝票もあります。同梱の注文に登録できる伝票は 1 つだけです",
    ),
    (
        "the amount of order {0}, in one parcel by slip {1}, is not fixed",
        "注文 {0}（伝票 {1} で同梱）の金額が未確定",
    ),
    (
        "slip {0} carries {1} yen together with order {2}: the gateway takes {3} yen of one parcel (同梱)",
        "伝票 {0} は {1} 円です（注文 {2} と同梱）。同梱は合計 {3} 円までです",
    ),
    ("{0}, for seven days", "{0}。7 日たちました"),
    ("{0} of {1} parcels have a slip", "{1} 個口中 {0} 個口に伝票があります"),
    ("a reservation: the gateway authorises it later", "予約です。後日、決済側で与信されます"),
    (
        "the gateway shows it as settled: a further slip cannot be registered",
        "決済側で精算確定済のため、伝票を追加できません",
    ),
    (
        "the gateway holds {0} yen, the order's due is {1} yen; {2}",
        "決済側の金額は {0} 円、注文の請求額は {1} 円です。{2}",
    ),
    (
        "the gateway holds {0} yen, the order's due is {1} yen",
        "決済側の金額は {0} 円、注文の請求額は {1} 円です",
    ),
    (
        "nothing is due any more, the gateway holds {0} yen",
        "請求額がなくなりましたが、決済側に {0} 円の与信が残っています",
    ),
    (
        "slip {0} is settled at the gateway, and the order has another one: ask the gateway's support",
        "伝票 {0} は決済側で精算確定済ですが、注文の伝票は別の番号です。決済側のサポートに問い合わせてください",
    ),
    (
        "the sale is settled at the gateway as another carrier's parcel, and the order has a slip of Yamato's: ask the \
         gateway's support",
        "他社便として精算確定済ですが、注文の伝票はヤマトのものです。決済側のサポートに問い合わせてください",
    ),
    (
        "{0} yen are settled at the gateway, the order's due is {1} yen",
        "決済側で {0} 円が精算確定済、注文の請求額は {1} 円です",
    ),
    (
        "{0} was asked for, yet the gateway was never asked for the amount",
        "{0} の指示がありますが、決済側の金額をまだ照会していません",
    ),
    ("a capture was asked for, yet the order is {0}", "売上確定の指示がありますが、注文の状態が「{0}」です"),
    (
        "slip {0} was registered before and taken back: `settlements capture` registers it again",
        "伝票 {0} は一度登録して取り消した番号です。もう一度登録するには `settlements capture` を使ってください",
    ),
    (
        "somebody registered slip {0} at the gateway, which the order does not have",
        "決済側に、注文にない伝票 {0} が別に登録されています",
    ),
    ("the authorisation ended on {0}", "与信の期限（{0}）が過ぎました"),
    ("the authorisation ends on {0}, before {1}", "与信の期限 {0} が {1} より前です"),
    ("the authorisation ends on {0}", "与信の期限は {0} です"),
    (
        "nothing is stored and nothing is sent; it goes on by itself once there is room",
        "保存も送信もしていません。空きができれば自動で再開します",
    ),
];
