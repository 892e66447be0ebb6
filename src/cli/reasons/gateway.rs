//! What クロネコwebコレクト's connector says before a call, of an answer, and in `check`.

/// See [`super::TABLES`].
pub(super) const REASONS: &[(&str, &str)] = &[
    // Before anything is sent.
    (
        "the reception number {0} breaks the gateway's rule (1 to 23 of digits, capitals and # - * / < > : @): give the \
         right one with `settlements link`",
        "受付番号 {0} は決済側の規則に合いません（1～23 文字の数字・大文字と # - * / < > : @）。`settlements link` で正しい番号を指定してください",
    ),
    (
        "the slip {0} has a wrong check digit: compare it with the 送り状 and correct it with `slips replace`",
        "伝票 {0} のチェックデジットが合いません。送り状と見比べて `slips replace` で直してください",
    ),
    (
        "the amount of {0} yen is not within 1 and {1} yen: check the order, or raise `amount_limit` if the contract \
         allows more",
        "金額 {0} 円は 1～{1} 円の範囲にありません。注文を確かめるか、契約で認められていれば `amount_limit` を上げてください",
    ),
    (
        "the slip {0} is not a Yamato number of twelve digits: correct it with `slips replace`",
        "伝票 {0} はヤマトの 12 桁の番号ではありません。`slips replace` で直してください",
    ),
    (
        "the value {0} for another carrier breaks the gateway's rule (the reception number itself, or 1 to 23 of digits, \
         capitals and # - * / < > : @)",
        "他社便の値 {0} は決済側の規則に合いません（受付番号そのもの、または 1～23 文字の数字・大文字と # - * / < > : @）",
    ),
    (
        "the delivery service code {0} is neither 00 (Yamato) nor 99 (another carrier)",
        "配送区分 {0} は 00（ヤマト）でも 99（他社便）でもありません",
    ),
    ("the 会員ID is 1 to 64 half-width letters and digits", "会員ID は半角英数字 1～64 文字です"),
    ("the 認証キー is 1 to 8 half-width characters", "認証キー は半角 1～8 文字です"),
    (
        "not set: write the place of the アクセスキー (shown in the web collect console) into the section",
        "設定がありません。アクセスキー（webコレクトの管理画面に表示）の場所を設定に書いてください",
    ),
    // What a look-up says of an operation.
    (
        "the gateway shows several transactions of this reception number and none decides",
        "決済側にこの受付番号の取引が複数あり、どれか決められません",
    ),
    (
        "the gateway refused it as registered or not registrable, and shows no slip: the slip belongs to another order or \
         merchant, or the state was passing",
        "決済側は「登録済み、または登録できない」と答えましたが、伝票がありません。伝票が別の注文か加盟店のものか、一時的な状態でした",
    ),
    (
        "the gateway shows it in one parcel with other transactions (同梱)",
        "決済側では他の取引と同梱されています",
    ),
    (
        "the gateway holds {0} yen now, {1} yen were to be captured",
        "決済側の金額は今 {0} 円です。{1} 円を売上登録する予定でした",
    ),
    ("not in the gateway's list", "一覧にない状態"),
    // What an answer says.
    ("no complete answer: {0}", "応答を最後まで受け取れませんでした: {0}"),
    ("a code that is not in the gateway's list", "一覧にないコード"),
    ("ask Yamato's support what it means", "意味をヤマトのサポートに問い合わせてください"),
    ("refused without a cause", "理由のない拒否"),
    (
        "returnCode 0 with errorCode {0}: the one denies the other",
        "returnCode は 0、errorCode は {0} です。食い違っています",
    ),
    (
        "returnCode {0} with errorCode {1}: neither 0 nor 1",
        "returnCode が 0 でも 1 でもなく {0} です（errorCode は {1}）",
    ),
    ("HTTP status {0}", "HTTP ステータス {0}"),
    ("an empty body", "本文が空です"),
    ("an HTML page instead of an answer", "応答の代わりに HTML のページが返りました"),
    ("a body that is not UTF-8", "本文が UTF-8 ではありません"),
    ("a body with a DOCTYPE", "本文に DOCTYPE があります"),
    ("a body cut off before its closing tag", "本文が途中で切れています"),
    ("a body that is not XML (byte {0})", "本文が XML ではありません（{0} バイト目）"),
    ("an answer without returnCode", "returnCode のない応答です"),
    ("maintenance: {0}", "メンテナンス中: {0}"),
    ("refused ({0}): {1}", "拒否（{0}）: {1}"),
    ("rejected ({0}): {1}", "受け付けられません（{0}）: {1}"),
    ("unreadable answer: {0}", "読めない応答: {0}"),
    ("quota used up until {0}", "呼出し枠を {0} まで使い切っています"),
    ("throttled until {0}", "{0} まで待つよう求められています"),
    ("throttled", "間隔を空けるよう求められています"),
    ("stopping", "停止中"),
    (
        "the gateway answers with 200 alone: check `base_url`, `environment` and `proxy`",
        "決済側の応答は 200 だけです。`base_url`・`environment`・`proxy` を確かめてください",
    ),
    // What a person does about a code.
    (
        "mend the setting or the contract with Yamato; nothing is sent meanwhile",
        "設定かヤマトとの契約を直してください。それまで何も送りません",
    ),
    (
        "compare the 受付番号, `trader_code` and `environment` with Yamato's console",
        "受付番号・`trader_code`・`environment` をヤマトの管理画面と見比べてください",
    ),
    (
        "cancel it where it was paid; the API cancels its own card sales alone",
        "支払われた所で取り消してください。API で取り消せるのは API のカード決済だけです",
    ),
    ("refund the buyer outside the gateway", "決済の外で返金してください"),
    (
        "call Yamato's support with the 受付番号 and the お問い合わせ番号; `operations retry` looks first and tries once more",
        "受付番号とお問い合わせ番号を控えてヤマトのサポートに電話してください。`operations retry` は照会してからもう一度試します",
    ),
    (
        "see the transaction in Yamato's console: it is missing, not paid by card, or cancelled",
        "ヤマトの管理画面で取引を確かめてください。取引がないか、カード払いでないか、取消済みです",
    ),
    (
        "undo the consolidation (同梱) in Yamato's console first",
        "先にヤマトの管理画面で同梱を解除してください",
    ),
    (
        "decreases still work: ask Yamato for 増額, or let the buyer pay the difference otherwise",
        "減額はできます。ヤマトに増額の契約を相談するか、差額を別の方法で受け取ってください",
    ),
    (
        "the old authorisation normally stands: look at the amount in Yamato's console, keep the old amount or ask the \
         buyer; if both amounts are held, call Yamato's support with the 受付番号 and the お問い合わせ番号",
        "通常は元の与信が残っています。ヤマトの管理画面で金額を確かめ、元の金額のままにするか購入者に相談してください。両方の金額が与信されている場合は、受付番号とお問い合わせ番号を控えてヤマトのサポートに電話してください",
    ),
    (
        "the new amount is held and the old one was not let go: the buyer's card may be blocked twice; call Yamato's \
         support with the 受付番号, the お問い合わせ番号 and this code, and ship after that",
        "新しい金額は与信されましたが、元の与信が取り消せていません。購入者のカードが二重に押さえられているかもしれません。受付番号・お問い合わせ番号・このコードを控えてヤマトのサポートに電話し、その後に発送してください",
    ),
    (
        "the old authorisation stands until its last day: ship before it ends, or ask the buyer for another card",
        "元の与信は期限まで有効です。期限までに発送するか、購入者に別のカードをお願いしてください",
    ),
    (
        "permanent for this slip: correct it with `slips replace`",
        "この伝票では登録できません。`slips replace` で直してください",
    ),
    (
        "no further slip can be registered; ask Yamato how the rest is to be told",
        "これ以上の伝票は登録できません。残りの知らせ方をヤマトに問い合わせてください",
    ),
    (
        "send these orders in parcels of their own, or lower the total",
        "注文ごとに別の荷物で送るか、合計を下げてください",
    ),
    ("give this order a parcel and a slip of its own", "この注文は別の荷物と伝票にしてください"),
    (
        "look at the linked order in Yamato's console first",
        "先にヤマトの管理画面で、同梱された注文を確かめてください",
    ),
    (
        "the slip is in one parcel with other orders (同梱): take it back in Yamato's console",
        "他の注文と同梱の伝票です。ヤマトの管理画面で取り消してください",
    ),
    (
        "only a reservation (予約) has a planned ship date: see its status in Yamato's console",
        "出荷予定日があるのは予約だけです。ヤマトの管理画面で状態を確かめてください",
    ),
    ("correct the slip with `slips replace`", "`slips replace` で伝票番号を直してください"),
    (
        "a passing fault of the card network: look it up and try again later",
        "カードネットワークの一時的な障害です。照会して、後でもう一度試してください",
    ),
    (
        "the issuer declined: ask the buyer for another card or another way to pay",
        "カード会社が断りました。購入者に別のカードか支払方法をお願いしてください",
    ),
    ("a matter of settings: ask Yamato's support", "設定の問題です。ヤマトのサポートに問い合わせてください"),
    (
        "nothing to process at the issuer: look it up first",
        "カード会社側に対象がありません。先に照会してください",
    ),
    // What mends a contract.
    (
        "compare `trader_code` and `environment` with the 加盟店コード on the 登録完了書, and ask Yamato whether the contract \
         has begun (利用開始日) and is not suspended (取引停止)",
        "`trader_code` と `environment` を登録完了書の加盟店コードと見比べ、利用開始日を過ぎているか、取引停止になっていないかをヤマトに確認してください",
    ),
    (
        "ask Yamato for the API方式 of クロネコwebコレクト; this contract does not have it",
        "この契約では API方式 を使えません。ヤマトに申し込んでください",
    ),
    (
        "`mallsync check` shows the address that the gateway sees; have it registered as 接続元グローバルIP with Yamato, or \
         send through a `proxy` whose address is registered",
        "`mallsync check` に出る接続元アドレスを、接続元グローバルIP としてヤマトに登録するか、登録済みのアドレスを持つ `proxy` を通してください",
    ),
    (
        "ask Yamato to enable 出荷情報登録 for this 加盟店コード",
        "この加盟店コードで出荷情報登録を使えるよう、ヤマトに依頼してください",
    ),
    (
        "ask Yamato to enable 出荷情報取消 for this 加盟店コード, or take the slip back in the console",
        "この加盟店コードで出荷情報取消を使えるようヤマトに依頼するか、管理画面で伝票を取り消してください",
    ),
    (
        "ask Yamato for the 金額変更 option, or change the amount in the console; `on_amount_change = \"ask\"` until then",
        "金額変更のオプションをヤマトに申し込むか、管理画面で金額を変えてください。それまでは `on_amount_change = \"ask\"` に",
    ),
    (
        "ask Yamato to enable クレジット決済 for this 加盟店コード; `reauthorize = \"off\"` until then",
        "この加盟店コードでクレジット決済を使えるよう、ヤマトに依頼してください。それまでは `reauthorize = \"off\"` に",
    ),
    (
        "ask Yamato for the オプションサービス, which reservations (予約販売) need",
        "予約販売に必要なオプションサービスをヤマトに申し込んでください",
    ),
    (
        "ask Yamato's support to enable it for this 加盟店コード",
        "この加盟店コードで使えるよう、ヤマトのサポートに依頼してください",
    ),
    // `check`.
    (
        "the gateway did not say which address it sees: {0}",
        "決済側から見えるアドレスが分かりませんでした: {0}",
    ),
    ("try again later; look-ups work meanwhile", "後でもう一度試してください。その間も照会はできます"),
    (
        "check `trader_code`, `environment` and the rule that makes reception numbers, or link the right one with \
         `settlements link`",
        "`trader_code`・`environment`・受付番号の規則を確かめるか、`settlements link` で正しい番号を結び付けてください",
    ),
    (
        "the gateway answered without the address that it sees",
        "決済側の応答に接続元アドレスがありませんでした",
    ),
    (
        "compare this machine's outgoing address with the 接続元グローバルIP registered with Yamato",
        "この機械の接続元アドレスを、ヤマトに登録した接続元グローバルIP と見比べてください",
    ),
    (
        "this machine's clock is {0} seconds away from the gateway's",
        "この機械の時計が決済側と {0} 秒ずれています",
    ),
    (
        "set this machine's clock by NTP: dates of capture and of authorisations hang on it",
        "NTP で時刻を合わせてください。売上日や与信日がずれます",
    ),
];
