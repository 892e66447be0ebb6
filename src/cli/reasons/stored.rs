//! Links, slips, operations, the database and `status`.

/// See [`super::TABLES`].
pub(super) const REASONS: &[(&str, &str)] = &[
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
    (
        "no reception number was imported for this order: `settlements import`, or `settlements link`",
        "受付番号がまだ取り込まれていません: `settlements import` または `settlements link`",
    ),
    (
        "what the rule gives is not a reception number: 1-23 of digits, capitals and # - * / < > : @",
        "規則から得られた値は受付番号ではありません。使えるのは 1～23 文字の数字・大文字と # - * / < > : @ です",
    ),
    (
        "several files give this order different reception numbers; `settlements link` decides",
        "複数のファイルで、この注文の受付番号が食い違っています。`settlements link` で決めてください",
    ),
    ("the order has this reception number already", "結び付け済みです"),
    ("no rule of any settlement matches this order", "どの決済の規則にも当てはまらない注文です"),
    ("no rule of {0} matches this order", "{0} の規則に当てはまらない注文です"),
    (
        "this order is linked to {0} {1} already; `settlements link` decides",
        "すでに {0} の受付番号 {1} に結び付いています。`settlements link` で決めてください",
    ),
    (
        "the rules of {0} give this order {1}; `settlements link` decides",
        "{0} の規則ではこの注文の受付番号は {1} です。`settlements link` で決めてください",
    ),
    (
        "something was sent for this order already; `settlements link` decides",
        "この注文ではすでに決済側に送信済みです。`settlements link` で決めてください",
    ),
    (
        "a person took the order's reception number away; `settlements link` decides",
        "人が受付番号を外した注文です。`settlements link` で決めてください",
    ),
    (
        "the file says {0} yen, the order's due is {1} yen",
        "ファイルの金額は {0} 円、注文の請求額は {1} 円です",
    ),
    (
        "orders of several shops have this number: {0}; name one by --shop",
        "複数の店舗にこの番号の注文があります: {0}。--shop で指定してください",
    ),
    (
        "reception number {0} waits for order {1} already; `settlements unlink` that one first",
        "受付番号 {0} はすでに注文 {1} を待っています。先にそちらを `settlements unlink` してください",
    ),
    (
        "the reception number stands on another order of the file too (line {0})",
        "同じ受付番号がファイルの別の注文にもあります（{0} 行目）",
    ),
    ("line {0} gives the order another reception number", "{0} 行目では同じ注文の受付番号が違います"),
    ("line {0} gives the order another amount", "{0} 行目では同じ注文の金額が違います"),
    (
        "{0} was destroyed by a spreadsheet (exponent): export the file again",
        "{0}が表計算ソフトで壊れています（指数表記）。ファイルを出力し直してください",
    ),
    ("the reception number", "受付番号"),
    ("the order number", "注文番号"),
    ("the amount: no amount in whole yen", "金額が円の整数ではありません"),
    // Slips.
    (
        "the file names reception number {0}, the order has {1}; `slips add` if the parcel is right all the same",
        "ファイルの受付番号は {0}、注文の受付番号は {1} です。荷物が正しければ `slips add` してください",
    ),
    (
        "the file's 加盟店番号 {0} is not the trader_code of {1}: its reception number is not used",
        "ファイルの加盟店番号 {0} は {1} の trader_code と違います。受付番号は使いません",
    ),
    (
        "B2クラウド's file says that it registers slip {0} itself, yet registered_by is \"mallsync\"; set it to \"b2cloud\", \
         or `slips add` the slip if B2クラウド does not",
        "B2クラウドのファイルでは伝票 {0} を B2クラウドが登録しますが、設定は registered_by = \"mallsync\" です。\"b2cloud\" に直すか、B2クラウドが登録しないなら `slips add` してください",
    ),
    (
        "nobody registers slip {0}: registered_by is \"b2cloud\", yet B2クラウド's file says that it does not",
        "伝票 {0} はどこからも登録されません。設定は registered_by = \"b2cloud\" ですが、B2クラウドのファイルでは登録しない指定です",
    ),
    (
        "no order with this number yet; it takes the place of {0}",
        "この番号の注文はまだありません。前の番号 {0} を置き換えました",
    ),
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
    (
        "operation {0} has changed something under its reception number (`operations show {1}`): the order keeps it",
        "処理 {0} がこの受付番号で実行済みです（`operations show {1}`）。受付番号は変えられません",
    ),
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
    (
        "calls come from {0}, not from {1}: register the new address: {2}",
        "接続元は {0} です（登録済は {1}）。新しいアドレスの登録先: {2}",
    ),
    ("{0} authorisations lapse by {1}", "与信 {0} 件が {1} までに切れます"),
    ("the first authorisation ends on {0}", "最初の与信期限は {0}"),
    ("{0} ends on {1} ({2} days)", "{0} は {1} まで（残り {2} 日）"),
    ("busy: another mallsync polls this shop now", "別の mallsync がこの店舗を取得中です"),
];
