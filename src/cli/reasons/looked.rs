//! What look-ups show, and what a status forbids.

/// See [`super::TABLES`].
pub(super) const REASONS: &[(&str, &str)] = &[
    // What a look-up showed.
    (
        "the gateway does not know this reception number: it is wrong, or belongs to another 加盟店コード or environment",
        "決済側にこの受付番号がありません。番号の誤りか、別の加盟店コード・環境のものです",
    ),
    ("the gateway does not know this reception number", "決済側にこの受付番号がありません"),
    ("the gateway shows several settlements under this number", "決済側にこの番号の決済が複数あります"),
    ("the gateway shows no amount", "決済側に金額がありません"),
    ("the gateway shows no date of authorisation", "決済側に与信日がありません"),
    (
        "authorised at {0}, more than three days from the order of {1}",
        "与信日時 {0} が注文日時 {1} から 3 日より離れています",
    ),
    (
        "the gateway shows it as {0} with other slips: somebody registered it elsewhere",
        "決済側では「{0}」で、別の伝票が登録されています。他で登録されたものです",
    ),
    ("the gateway shows it as {0} (status {1})", "決済側の状態は「{0}」です（{1}）"),
    ("the gateway shows it as {0}", "決済側の状態は「{0}」です"),
    ("the end of the authorisation is not known", "与信の期限が分かりません"),
    (
        "it was cancelled at the gateway meanwhile: do not ship",
        "その間に決済側で取り消されました。出荷しないでください",
    ),
    (
        "the gateway shows the sale as captured without showing our slip",
        "決済側では売上済ですが、こちらの伝票がありません",
    ),
    (
        "the gateway shows the sale as captured with another slip: another number was registered",
        "決済側では別の伝票番号で売上済です",
    ),
    ("the order's amount changed", "注文の金額が変わりました"),
    ("the settlement is linked to another reception number", "別の受付番号に結び付けられています"),
    ("the slip was taken away", "伝票が外されました"),
    ("the settlement is in dry-run", "ドライランです"),
    ("maintenance window", "メンテナンス時間帯"),
    (
        "looked up within a minute of the last change: it may not be shown yet",
        "前回の変更から 1 分以内の照会です。まだ反映されていないかもしれません",
    ),
    ("{0} is not allowed ({1}): {2}", "{0}が使えません（{1}）: {2}"),
    ("the gateway does not allow this function ({0})", "決済側でこの機能が使えません（{0}）"),
    ("the look before sending failed: {0}", "送信前の照会に失敗: {0}"),
    ("the look-up failed: {0}", "照会に失敗: {0}"),
    ("max_per_hour: {0} operations within an hour", "max_per_hour: 1 時間に {0} 件"),
    (
        "max_yen_per_day: {0} yen today, {1} more would be past {2}",
        "max_yen_per_day: 本日 {0} 円。あと {1} 円で {2} を超えます",
    ),
    ("not known to the gateway", "決済側にありません"),
    ("given up by a person: {0}", "人が中止しました: {0}"),
    ("given up by a person", "人が中止しました"),
    ("refused by the gateway: {0}", "決済側が拒否しました: {0}"),
    ("refused by the gateway", "決済側が拒否しました"),
    ("under way: what came of it is looked up", "送信中、または結果を照会中"),
    // What a status forbids, and what became of a change.
    ("{0} is not possible at {1}; {2}", "{1} では{0}はできません。{2}"),
    ("whether {0} is taken at {1} is not certain; {2}", "{1} での{0}は受け付けられるか確かでありません。{2}"),
    (
        "the gateway refused {0} as done already or not possible and shows nothing of it at {1}",
        "決済側は{0}を「済み、または不可」と答えましたが、{1} のままです",
    ),
    ("the gateway shows status {0} ({1})", "決済側の状態は {0}（{1}）です"),
    ("status {0} ({1})", "状態 {0}（{1}）"),
    ("a capture", "売上登録"),
    ("taking a slip back", "伝票の取消"),
    ("a cancel", "決済取消"),
    ("another amount", "金額変更"),
    ("renewing the authorisation", "再与信"),
    ("another ship date", "出荷予定日の変更"),
    (
        "refund the buyer outside the gateway, or ask Yamato's support",
        "決済の外で返金するか、ヤマトのサポートに相談してください",
    ),
    ("it is too late: ask Yamato's support", "間に合いません。ヤマトのサポートに相談してください"),
    ("do not ship", "出荷しないでください"),
    (
        "the buyer was told of a cancel: a new order is needed",
        "購入者に取消を伝えた決済です。注文を取り直してください",
    ),
    ("see the transaction in Yamato's console", "ヤマトの管理画面で取引を確かめてください"),
    (
        "it is in one parcel with other transactions (同梱): no further slip can be registered",
        "他の取引と同梱されています。伝票を追加できません",
    ),
    ("99 slips are registered: no further slip can be", "伝票が 99 件あり、これ以上登録できません"),
    (
        "it is captured already: another carrier's parcel is registered once an order",
        "売上済です。他社便の登録は注文につき 1 回だけです",
    ),
    (
        "the gateway shows a slip, yet not the sale as captured",
        "決済側に伝票がありますが、売上になっていません",
    ),
    (
        "the slip is in one parcel with other transactions (同梱): take it back in Yamato's console",
        "他の取引と同梱の伝票です。ヤマトの管理画面で取り消してください",
    ),
    ("the gateway does not show the slip that is to be taken back", "取り消す伝票が決済側にありません"),
    (
        "it is in one parcel with other transactions (同梱): undo that in Yamato's console before the amount can change",
        "他の取引と同梱されています。金額を変える前に、ヤマトの管理画面で同梱を解除してください",
    ),
    (
        "a slip is registered: the authorisation is not renewed after that",
        "伝票が登録されているため、再与信しません",
    ),
    (
        "it is settled (精算確定) meanwhile: too late to take the slip back; ask Yamato's support",
        "その間に精算確定しました。伝票は取り消せません。ヤマトのサポートに相談してください",
    ),
    (
        "the gateway holds {0} yen: neither the old amount ({1} yen) nor the new one ({2} yen)",
        "決済側の金額は {0} 円です。変更前（{1} 円）とも変更後（{2} 円）とも違います",
    ),
    (
        "the gateway holds {0} yen, {1} yen when it was decided",
        "決済側の金額は {0} 円、決めた時は {1} 円でした",
    ),
    (
        "the gateway holds {0} yen now, {1} yen were to be authorised anew",
        "決済側の金額は今 {0} 円です。{1} 円を再与信する予定でした",
    ),
    (
        "whether the authorisation was renewed cannot be told from its date and number",
        "与信日と承認番号からは、再与信されたか分かりません",
    ),
    (
        "the gateway shows {0} as planned ship date: somebody moved it",
        "決済側の出荷予定日は {0} です。他で変更されました",
    ),
    ("the gateway shows no planned ship date any more", "決済側に出荷予定日がなくなりました"),
    ("closed from 23:00 to 01:00", "23 時から 1 時は受付時間外"),
    ("the amount is {0} yen already: there is nothing to change", "金額はすでに {0} 円です"),
    ("the planned ship date is {0} already: there is nothing to change", "出荷予定日はすでに {0} です"),
    (
        "the planned ship date {0} is past: give one from today on",
        "出荷予定日 {0} は過ぎています。今日以降にしてください",
    ),
    ("this gateway has no function for it: {0}", "この決済にはその機能がありません: {0}"),
];
