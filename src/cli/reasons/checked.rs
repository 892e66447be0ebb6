//! What `check` says.

/// See [`super::TABLES`].
pub(super) const REASONS: &[(&str, &str)] = &[
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
    (
        "the gateway sees this machine at {0}, the source_address of the config",
        "決済側から見えるアドレスは {0} で、設定の source_address と同じです",
    ),
    (
        "the gateway sees this machine at {0}, and source_address is {1}",
        "決済側から見えるアドレスは {0} です。設定の source_address は {1} です",
    ),
    (
        "the gateway sees this machine at {0}, and saw it at {1} before",
        "決済側から見えるアドレスは {0} です。以前は {1} でした",
    ),
    (
        "register the new address: {0}; or write it as source_address",
        "新しいアドレスを登録してください: {0}。登録済なら source_address に書いてください",
    ),
    ("the gateway answers for the 加盟店コード {0}", "加盟店コード {0} で応答がありました"),
    (
        "the gateway does not know the 受付番号 {0}, which is linked to an order",
        "注文に結び付けた受付番号 {0} が決済側にありません",
    ),
    // What a look-up before sending showed.
    ("{0} (status {1})", "{0}（{1}）"),
];
