//! What reconciliation, a reload and the service itself say.

/// See [`super::TABLES`].
pub(super) const REASONS: &[(&str, &str)] = &[
    // Reconciliation.
    (
        "somebody registered slip {0} at the gateway: {1} yen",
        "決済側に他で伝票 {0} が登録されています（{1} 円）",
    ),
    ("somebody captured {0} yen at the gateway", "決済側で {0} 円が他で売上登録されています"),
    (
        "slip {0} was registered here, and the gateway does not show it",
        "伝票 {0} を登録しましたが、決済側にありません",
    ),
    (
        "{0} yen were captured here, and somebody cancelled them at the gateway",
        "{0} 円を売上登録しましたが、決済側で他の人が取り消しています",
    ),
    (
        "somebody cancelled it at the gateway, and the order lives",
        "決済側で他の人が取り消しましたが、注文は有効です",
    ),
    (
        "it was cancelled here, and the gateway shows it with {0} yen all the same",
        "取り消しましたが、決済側には {0} 円のまま残っています",
    ),
    (
        "pay {0} yen back by hand at the gateway's own screen or by transfer",
        "{0} 円を決済側の管理画面または振込で返金してください",
    ),
    ("the gateway shows slip {0} in place of {1}", "決済側の伝票は {1} ではなく {0} です"),
    ("the gateway shows slip {0}, which is not ours", "決済側に、こちらにない伝票 {0} があります"),
    (
        "registered on {0}, scanned on {1}, and not settled since",
        "{0} に登録、{1} に荷受済ですが、精算確定していません",
    ),
    (
        "registered on {0} as another carrier's parcel, and not settled since",
        "{0} に他社便として登録したまま、精算確定していません",
    ),
    (
        "registered on {0}, not settled since: slip {1} was never scanned",
        "{0} に登録したまま精算確定していません。伝票 {1} の荷受がありません",
    ),
    (
        "registered on {0}, not settled since: of slips {1} not all were scanned",
        "{0} に登録したまま精算確定していません。伝票 {1} のうち荷受のないものがあります",
    ),
    (
        "shipped on {0}, and nothing is registered at the gateway",
        "{0} に出荷しましたが、決済側に登録がありません",
    ),
    (
        "the gateway shows the authorisation as failed (status {0})",
        "決済側で与信に失敗しています（取引状況 {0}）",
    ),
    ("the gateway shows status {0}, from which nothing follows", "決済側の取引状況 {0} からは判断できません"),
    ("the gateway's answer to the look-up could not be used", "決済側の照会結果を使えませんでした"),
    (
        "paid by card, and no rule of any settlement fits: mend `mall_payment`, or name it in `except`",
        "カード払いですが、どの決済の規則にも当てはまりません。`mall_payment` を直すか、対象外なら `except` に書いてください",
    ),
    ("canceled at the gateway, as it was decided here", "こちらの判断で決済を取り消しました"),
    ("maintenance window until {0}", "{0} までメンテナンス時間帯"),
    ("the gateway could not be asked: {0}", "決済側に照会できません: {0}"),
    ("by kind: {0}", "内訳: {0}"),
    ("stopped by the gateway ({0}): {1}", "決済側により停止中（{0}）: {1}"),
    // What came of a reload.
    ("config reloaded; nothing to change", "設定を読み直しました（変更なし）"),
    ("config reloaded; {0}", "設定を読み直しました: {0}"),
    (
        "config refused, the one before stays in force: {0}",
        "編集された設定は使えません。以前の設定のまま動いています: {0}",
    ),
    // `systemctl status`.
    ("Reading the config again.", "設定を読み直しています。"),
    ("Finishing what is in flight.", "送信中のものを終えています。"),
    (
        "Shops polled: {0}, settlements in force: {1}. Last reload: {2}",
        "巡回中の店舗: {0}、有効な決済契約: {1}。前回の読み直し: {2}",
    ),
    ("Shops polled: {0}, settlements in force: {1}.", "巡回中の店舗: {0}、有効な決済契約: {1}。"),
];
