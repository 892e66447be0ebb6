//! Reasons and findings that the rooms below tell in English, in Japanese for people (decisions.md 37). They are stored and
//! written to JSON and logs as they are; what stands here is only how a person reads them. What is not in the list is
//! shown in English: a reason is never lost for want of a translation.

use std::borrow::Cow;

use super::words;
use crate::config::Language;
use crate::domain::operation::Intent;
use crate::domain::order::Status;
use crate::domain::reconcile::Kind;
use crate::domain::settlement::SettlementState;

/// `(English, Japanese)`; `{0}`, `{1}` … stand for what differs. The first that fits is taken.
const REASONS: &[(&str, &str)] = &[
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
        "the order is canceled, the gateway holds {0} yen",
        "注文は取消済ですが、決済側に {0} 円の与信が残っています",
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
        "slip {0} is cash on delivery: never registered on a card",
        "伝票 {0} は代引です。カードには登録しません",
    ),
    ("slip {0} is a letter-box service (送り状種類 {1})", "伝票 {0} は投函サービスです（送り状種類 {1}）"),
    ("slip {0} stands on another order too", "伝票 {0} は他の注文にもあります"),
    ("{0}, for seven days", "{0}。7 日たちました"),
    ("{0} of {1} parcels have a slip", "{1} 個口中 {0} 個口に伝票があります"),
    ("a reservation: the gateway authorises it later", "予約です。後日、決済側で与信されます"),
    (
        "the gateway shows it as settled: a further slip cannot be registered",
        "決済側で精算確定済のため、伝票を追加できません",
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
    // Links.
    (
        "no rule of {0} matches this order any more (its payment or the config changed); `settlements link` keeps it, \
         `settlements unlink` gives it up",
        "{0} の規則に当てはまらなくなりました（支払方法か設定の変更）。`settlements link` で残すか、`settlements unlink` で外してください",
    ),
    (
        "reception number {0} of {1} belongs to another order ({2}); find out which is right and use `settlements link`",
        "{1} の受付番号 {0} は別の注文（{2}）のものです。正しい方を確かめて `settlements link` してください",
    ),
    (
        "reception number {0} of {1} belongs to order {2} of {3}; `settlements unlink` it there first",
        "{1} の受付番号 {0} は {3} の注文 {2} のものです。先にそちらを `settlements unlink` してください",
    ),
    (
        "linked to {0} {1}, but the order and the rules now say {2} {3}; `settlements link` decides",
        "{0} {1} に結び付けていますが、注文と規則では {2} {3} です。`settlements link` で決めてください",
    ),
    (
        "not a reception number: 1 to 23 digits, capitals and # - * / < > : @",
        "受付番号ではありません。使えるのは 1～23 文字の数字・大文字と # - * / < > : @ です",
    ),
    // Slips.
    ("no order with this number yet", "この番号の注文はまだありません"),
    ("waits for its order", "注文待ち"),
    ("no slip number", "送り状番号がありません"),
    ("no order number in any column", "どの列にも注文番号がありません"),
    ("no order number", "注文番号がありません"),
    ("the order has this slip already", "登録済の伝票です"),
    (
        "the order was cancelled; keep the parcel back, then `slips remove`",
        "取消された注文です。荷物を止めてから `slips remove` してください",
    ),
    (
        "the slip's postal code is not the order's; `slips add` if the parcel is right all the same",
        "郵便番号が注文と違います。荷物が正しければ `slips add` してください",
    ),
    (
        "every parcel has a slip already ({0}); `slips add` if this is a further parcel, `slips replace` if it takes the \
         place of one",
        "全個口に伝票があります（{0}）。追加の個口なら `slips add`、差し替えなら `slips replace` してください",
    ),
    (
        "the number fits more than one order: {0}; `slips add` with the order's id",
        "複数の注文に当てはまります: {0}。注文の ID で `slips add` してください",
    ),
    ("the slip number is empty", "伝票番号が空です"),
    ("the new slip number is empty or the old one", "新しい伝票番号が空か、元と同じです"),
    (
        "the order has slip {0} already; `slips remove` the other one",
        "伝票 {0} は登録済です。もう一方を `slips remove` してください",
    ),
    (
        "slip {0} is settled at the gateway: it cannot be taken back; ask the gateway's support",
        "伝票 {0} は決済側で精算確定済のため取り消せません。決済側のサポートに問い合わせてください",
    ),
    (
        "slip {0} is registered at the gateway: taking it back waits for a person at the gateway's own screen",
        "伝票 {0} は決済側に登録済です。取り消すには決済側の管理画面で行ってください",
    ),
    (
        "operation {0} is {1}: slip {2} may be registered by it; wait until it is settled",
        "処理 {0} は {1} です。伝票 {2} が登録されるかもしれません。終わるまで待ってください",
    ),
    (
        "operation {0} needs a person first: slip {1} may be registered by it (`operations show {2}`, then `retry` or \
         `abandon`)",
        "先に処理 {0} の判断が必要です。伝票 {1} が登録されたかもしれません（`operations show {2}` の後 `retry` か `abandon`）",
    ),
    ("order {0} has no slip {1}", "注文 {0} に伝票 {1} はありません"),
    // Operations.
    ("operation {0} is planned for {1}; it is sent then", "処理 {0} は {1} の予定です。その時に送られます"),
    (
        "operation {0} is {1} right now; look again in a minute",
        "処理 {0} は今 {1} です。1 分後に見直してください",
    ),
    ("operation {0} is {1}: that is final", "処理 {0} は {1} で、終わっています"),
    (
        "operation {0} is {1}: it may be under way; `operations retry` looks it up, and what stays open can be abandoned \
         then",
        "処理 {0} は {1} で、進行中かもしれません。`operations retry` で照会し、なお終わらなければ中止できます",
    ),
    // The database.
    (
        "no database at {0}: `mallsync run` makes it, or database.url names another file than the daemon's",
        "{0} にデータベースがありません。`mallsync run` が作ります。または database.url がデーモンと違います",
    ),
    (
        "another mallsync holds {0}: only one may poll and send on an SQLite database",
        "別の mallsync が {0} を使っています。SQLite で取得・送信できるのは一つだけです",
    ),
    (
        "the database needs `mallsync db migrate` first (schema {0}, this one needs {1})",
        "先に `mallsync db migrate` が必要です（スキーマ {0}、必要なのは {1}）",
    ),
    (
        "the database was migrated by a newer mallsync (schema {0}, this one knows {1}); install the newer one again",
        "データベースは新しい mallsync のものです（スキーマ {0}、こちらは {1} まで）。新しい方を入れてください",
    ),
    (
        "database.url: PostgreSQL at {0} cannot be reached: {1}; is it running, and is this its address?",
        "database.url: PostgreSQL（{0}）に接続できません: {1}。起動していますか。アドレスは正しいですか",
    ),
    (
        "mend [database] in the config, or make the folder writable for this user",
        "設定の [database] を直すか、フォルダをこの利用者が書けるようにしてください",
    ),
    (
        "password: stands in the config itself or the environment",
        "password: 設定ファイルか環境変数に直接書かれています",
    ),
    (
        "move it to a file (file:PATH) or a systemd credential",
        "ファイル（file:パス）か systemd の credential に移してください",
    ),
    // Status.
    ("never polled yet", "まだ一度も取得していません"),
    ("due at {0}", "予定は {0} でした"),
    ("nothing is read and nothing is sent", "取り込みも送信もしていません"),
    ("due more than three hours ago and not over", "予定から 3 時間たっても終わっていません"),
    ("the first authorisation ends on {0}", "最初の与信期限は {0}"),
    ("{0} ends on {1} ({2} days)", "{0} は {1} まで（残り {2} 日）"),
    ("busy: another mallsync polls this shop now", "別の mallsync がこの店舗を取得中です"),
    // Check.
    ("opened; the schema is the one this program knows", "開けました。スキーマも合っています"),
    ("next runs {0}", "次回: {0}"),
    ("next reconciliations {0}", "次回の照合: {0}"),
    (
        "disabled: not polled, its secrets are not read",
        "無効（enabled = false）: 取得も秘密情報の読み込みもしません",
    ),
    (
        "disabled: nothing is sent, its secrets are not read",
        "無効（enabled = false）: 送信も秘密情報の読み込みもしません",
    ),
    ("not asked: the database is needed for it", "データベースが開けないため、照会していません"),
    ("not asked: maintenance window until {0}", "{0} までメンテナンス時間帯のため、照会していません"),
    ("dry-run: plans and shows, sends nothing", "ドライラン: 予定を示すだけで、何も送りません"),
    ("live: captures are sent", "本番: 売上を登録します"),
    (
        "the rule for shop {0} can never match: that mall collects every payment",
        "店舗 {0} の規則は当てはまることがありません。代金はすべてモールが回収します",
    ),
    (
        "set own_contract = true if the shop has a contract of its own, or remove the rule",
        "自店の契約があるなら own_contract = true にし、なければ規則を外してください",
    ),
    (
        "{0}: stands in the config itself; move it to a file (file:PATH) or a systemd credential",
        "{0}: 設定ファイルに直接書かれています。ファイル（file:パス）か systemd の credential に移してください",
    ),
    (
        "{0}: comes from the environment, which other processes of the user can read; move it to a file (file:PATH) or a \
         systemd credential",
        "{0}: 環境変数にあり、同じ利用者の他のプロセスから読めます。ファイル（file:パス）か systemd の credential に移してください",
    ),
    ("{0} ends on {1} ({2} days left)", "{0} は {1} まで（残り {2} 日）"),
    (
        "issue a new one in the back office and put it into the config",
        "管理画面で新しいものを発行し、設定に入れてください",
    ),
    (
        "issue the next key at {0} and set it as license_key_next",
        "{0} で次の鍵を発行し、license_key_next に設定してください",
    ),
    ("Rakuten accepted the key: searchOrder answers", "楽天が鍵を受け付けました（searchOrder）"),
    ("function {0} answers", "機能 {0} は使えます"),
    (
        "function {0} was not asked: no order is known yet, or three calls are used up",
        "機能 {0} は確かめていません（注文がまだないか、3 回の照会を使い切りました）",
    ),
    ("function {0} failed: {1}", "機能 {0} に失敗: {1}"),
    ("function {0} is not enabled ({1})", "機能 {0} が有効になっていません（{1}）"),
    (
        "Rakuten refused the key ({0}): invalid, expired, or not active yet [{1}]",
        "楽天が鍵を拒否しました（{0}）: 無効・期限切れ・まだ有効でない、のいずれか [{1}]",
    ),
    (
        "this machine's clock and that of {0} are {1} seconds apart",
        "この機械の時計が {0} と {1} 秒ずれています",
    ),
    ("let the machine set its clock by NTP (timedatectl)", "NTP で時刻を合わせてください（timedatectl）"),
    (
        "issue the next key at {0} and set it as api_key_next",
        "{0} で次の鍵を発行し、api_key_next に設定してください",
    ),
    (
        "au PAY マーケット accepted the key: searchTradeInfoListProc answers",
        "au PAY マーケットが鍵を受け付けました（searchTradeInfoListProc）",
    ),
    ("searchTradeInfoListProc failed: {0}", "searchTradeInfoListProc に失敗: {0}"),
    (
        "if it lasts: the service may not answer machines whose address is not registered; see {0}",
        "続くようなら: 登録されていないアドレスには応答しないことがあります。{0} を確かめてください",
    ),
    (
        "au PAY マーケット does not take shop_id for this key ({0}) [{1}]",
        "au PAY マーケットが shop_id を受け付けません（{0}）。この鍵の店舗の会員番号ではありません [{1}]",
    ),
    (
        "set shop_id to the 会員番号 shown in Wow! manager, or api_key to the key of that shop",
        "Wow! manager に表示される会員番号を shop_id に、またはその店舗の鍵を api_key に設定してください",
    ),
    (
        "the API key works, but may not read orders ({0})",
        "API キーは有効ですが、受注を読む権限がありません（{0}）",
    ),
    (
        "apply for the order operations (取引) at {0}, then set the key that is issued as api_key",
        "{0} で取引の API を申請し、発行された鍵を api_key に設定してください",
    ),
    (
        "au PAY マーケット refused the key ({0}): {1} ended on {2}",
        "au PAY マーケットが鍵を拒否しました（{0}）: {1} は {2} に期限切れです",
    ),
    (
        "issue a new key at {0}, set it as api_key and the day as api_key_issued_on",
        "{0} で新しい鍵を発行し、api_key と api_key_issued_on（発行日）に設定してください",
    ),
    (
        "au PAY マーケット refused the key ({0}): wrong, expired or replaced, or this machine's address is not registered \
         [{1}]",
        "au PAY マーケットが鍵を拒否しました（{0}）: 誤り・期限切れ・再発行済、またはこの機械のアドレスが未登録です [{1}]",
    ),
    (
        "see {0}: compare the key with api_key (a key lives 90 days), and register this machine's address under \
         接続元IPアドレス",
        "{0} で鍵を api_key と見比べ（有効期間は 90 日）、接続元IPアドレスにこの機械のアドレスを登録してください",
    ),
    (
        "au PAY マーケット turned this machine away ({0}): its address is probably not registered",
        "au PAY マーケットに接続を断られました（{0}）: この機械のアドレスが未登録と思われます",
    ),
    ("register this machine's address at {0}", "{0} にこの機械のアドレスを登録してください"),
    ("the end of {0} is not known: {1} is missing", "{0} の期限が分かりません: {1} がありません"),
    ("set {0} to the day it was issued, as {1} shows it", "{1} に表示される発行日を {0} に設定してください"),
    ("order files are read with profile \"{0}\"", "注文 CSV はプロファイル「{0}」で読みます"),
    ("{0} can be read, files waiting: {1}", "{0} を読めます。待っているファイル: {1}"),
    (
        "files in {0} cannot be moved to done/ once they are read: {1}",
        "{0} のファイルを読み終えても done/ に移せません: {1}",
    ),
    (
        "Let the service write to {0} and to done/ and rejected/ in it.",
        "{0} とその中の done/・rejected/ に書けるようにしてください。",
    ),
    (
        "directory {0} cannot be read: {1}. Create it and let the service read and write there",
        "フォルダ {0} を読めません: {1}。作成し、読み書きできるようにしてください",
    ),
    (
        "Create {0} and let the service read and write there.",
        "{0} を作成し、読み書きできるようにしてください。",
    ),
    ("Amazon accepted the credentials: {0} answers", "Amazon が認証情報を受け付けました（{0}）"),
    (
        "Amazon does not accept the refresh token: the seller withdrew the authorisation, or it is another \
         application's: {0} ({1})",
        "Amazon がリフレッシュトークンを受け付けません。出品者が承認を取り消したか、別のアプリのものです: {0}（{1}）",
    ),
    (
        "Amazon does not accept client_id with any client secret: wrong, or older than 180 days: {0} ({1})",
        "Amazon がクライアント ID とシークレットを受け付けません。誤りか、180 日の期限切れです: {0}（{1}）",
    ),
    (
        "the application may not act for a seller: {0} ({1})",
        "このアプリは出品者に代わって呼び出すことを許されていません: {0}（{1}）",
    ),
    ("the token endpoint refused the request: {0} ({1})", "トークンの発行を断られました: {0}（{1}）"),
    (
        "the client secret is older than 180 days: {0} ({1})",
        "クライアントシークレットが 180 日の期限を過ぎています: {0}（{1}）",
    ),
    (
        "Amazon refuses a new access token: the seller withdrew the authorisation: {0} ({1})",
        "Amazon が新しいアクセストークンを拒否しました。出品者が承認を取り消しています: {0}（{1}）",
    ),
    (
        "a role is missing, or the seller is of another region than base_url: {0} ({1})",
        "アプリにロールが足りないか、出品者の地域が base_url と違います: {0}（{1}）",
    ),
    (
        "make a new secret at {0} → {1}, and set client_secret and client_secret_issued_on",
        "{0} → {1} で新しいシークレットを作り、client_secret と client_secret_issued_on に設定してください",
    ),
    ("add the role at {0} → {1}; then {2}", "{0} → {1} でロールを追加し、その後: {2}"),
    (
        "authorise the application again at {0}, and set the new token as refresh_token",
        "{0} でアプリを承認し直し、新しいトークンを refresh_token に設定してください",
    ),
    ("compare client_id with the application at {0}", "client_id を {0} のアプリと見比べてください"),
    (
        "compare client_id, client_secret and refresh_token with those of the application",
        "client_id・client_secret・refresh_token をアプリのものと見比べてください",
    ),
    (
        "Amazon accepted the credentials, but does not know the newest order that is stored: refresh_token is another \
         seller account's",
        "Amazon は認証情報を受け付けましたが、保存済の最新の注文を知りません。refresh_token が別の出品用アカウントのものです",
    ),
    (
        "not asked: the quota of the operation is used up until {0}",
        "呼出し枠を {0} まで使い切っているため、確かめていません",
    ),
    (
        "whether names and addresses are shown is not known: no order of the shop's own is stored yet",
        "氏名・住所が見えるかは不明です（自社出荷の注文がまだありません）",
    ),
    (
        "whether names and addresses are shown is not known: the newest order of the shop's own is pending or cancelled",
        "氏名・住所が見えるかは不明です（自社出荷の最新の注文が保留中か取消済です）",
    ),
    ("names and addresses of orders to be shipped are shown", "出荷する注文の氏名・住所が見えます"),
    (
        "names and addresses are withheld: the application lacks the role {0}",
        "氏名・住所が伏せられています。アプリにロール「{0}」がありません",
    ),
    (
        "the gateway sees this machine at {0}; that must be the registered 接続元グローバルIP",
        "決済側から見えるアドレスは {0} です。登録した接続元グローバルIPと同じでなければなりません",
    ),
    ("the gateway answers for the 加盟店コード {0}", "加盟店コード {0} で応答がありました"),
    (
        "the gateway does not know the 受付番号 {0}, which is linked to an order",
        "注文に結び付けた受付番号 {0} が決済側にありません",
    ),
    // What a look-up before sending showed.
    ("{0} (status {1})", "{0}（{1}）"),
];

/// `text` as people read it in `language`.
pub fn people(text: &str, language: Language) -> Cow<'_, str> {
    if language == Language::En {
        return Cow::Borrowed(text);
    }
    for (en, ja) in REASONS {
        if let Some(values) = holes(en, text) {
            let values: Vec<String> = values.into_iter().map(|value| inner(value, language)).collect();
            return Cow::Owned(filled(ja, &values));
        }
    }
    Cow::Borrowed(text)
}

/// What stands in a hole may be a reason or a stable word itself.
fn inner(value: &str, language: Language) -> String {
    Status::from_word(value)
        .map(|status| words::status(status, language))
        .or_else(|| SettlementState::from_word(value).map(|state| words::settlement(state, language)))
        .or_else(|| {
            Intent::KINDS.into_iter().find(|kind| *kind == value).map(|kind| words::kind(kind, language))
        })
        .map(str::to_owned)
        .or_else(|| kinds(value, language))
        .unwrap_or_else(|| people(value, language).into_owned())
}

/// Differences by kind: `amount_differs=2 not_settled=1`.
fn kinds(value: &str, language: Language) -> Option<String> {
    let kind = |word: &str| {
        let (kind, count) = word.split_once('=')?;
        Some(format!("{} {count}", words::difference(Kind::from_word(kind)?, language)))
    };
    let kinds: Option<Vec<String>> = value.split(' ').map(kind).collect();
    kinds.map(|kinds| kinds.join(" · "))
}

/// What stands in `text` where `template` has its holes, in the order of the holes' numbers; `None` when it does not fit.
fn holes<'t>(template: &str, text: &'t str) -> Option<Vec<&'t str>> {
    let mut pieces = template.split('{');
    let mut rest = text.strip_prefix(pieces.next()?)?;
    let mut values = Vec::new();
    for piece in pieces {
        let (_, literal) = piece.split_once('}')?;
        let end = if literal.is_empty() { rest.len() } else { rest.find(literal)? };
        values.push(rest.get(..end)?);
        rest = rest.get(end + literal.len()..)?;
    }
    rest.is_empty().then_some(values)
}

fn filled(template: &str, values: &[String]) -> String {
    let mut text = String::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        text.push_str(before);
        let (number, tail) = after.split_once('}').unwrap_or((after, ""));
        text.push_str(number.parse().ok().and_then(|n: usize| values.get(n)).map_or("", String::as_str));
        rest = tail;
    }
    text.push_str(rest);
    text
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn ja(text: &str) -> String {
        people(text, Language::Ja).into_owned()
    }

    #[test]
    fn facts_are_kept_and_words_inside_are_read_too() {
        assert_eq!(ja("the order is pending"), "注文の状態が「保留中」");
        assert_eq!(ja("held: no slip"), "停止中: 送り状番号待ち");
        assert_eq!(ja("2 of 3 parcels have a slip"), "3 個口中 2 個口に伝票があります");
        assert_eq!(
            ja("the gateway holds 1,200 yen, the order's due is 900 yen"),
            "決済側の金額は 1,200 円、注文の請求額は 900 円です"
        );
        assert_eq!(people("the order is pending", Language::En), "the order is pending");
    }

    #[test]
    fn what_is_not_known_stays_as_it_is() {
        for text in ["", "the buyer called", "the order", "held", "2 of 3 parcels have a slip, perhaps {0}"] {
            assert_eq!(ja(text), text);
        }
    }

    #[test]
    fn both_languages_have_the_same_holes_and_the_first_fit_is_the_right_one() {
        for (index, (en, ja)) in REASONS.iter().enumerate() {
            let count = en.matches('{').count();
            for n in 0..count {
                assert!(en.contains(&format!("{{{n}}}")) && ja.contains(&format!("{{{n}}}")), "{en}");
            }
            assert_eq!(ja.matches('{').count(), count, "{en}");
            let sample: Vec<String> = (0..count).map(|n| format!("v{n}")).collect();
            let text = filled(en, &sample);
            let first = REASONS.iter().position(|(template, _)| holes(template, &text).is_some());
            assert_eq!(first, Some(index), "{en}");
        }
    }

    #[test]
    fn every_reason_is_still_told_somewhere() {
        fn read(folder: &Path, all: &mut String) {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    read(&path, all);
                } else if path.file_name().unwrap() != "reasons.rs" {
                    all.push_str(&std::fs::read_to_string(&path).unwrap());
                }
            }
        }
        let mut source = String::new();
        read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut source);
        // As the compiler joins lines that end with a backslash.
        let mut joined = String::new();
        let mut parts = source.split("\\\n");
        joined.extend(parts.next());
        parts.for_each(|part| joined.push_str(part.trim_start()));
        for (en, _) in REASONS {
            let en = en.replace('"', "\\\"");
            let pieces =
                en.split('{').map(|piece| piece.split_once('}').map_or(piece, |(_, literal)| literal));
            // Some are put together from a key, a finding and what to do.
            let pieces = pieces.flat_map(|piece| piece.split(": ")).flat_map(|piece| piece.split("; "));
            for piece in pieces {
                assert!(joined.contains(piece), "nobody says {piece:?} of {en:?} any more");
            }
        }
    }
}
