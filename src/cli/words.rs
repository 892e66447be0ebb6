//! Every word that people read in tables, notices and questions, in Japanese and English (decisions.md 37). JSON, CSV
//! headings, logs and help stay English.

use std::fmt::Display;

use crate::config::Language;
use crate::domain::account::Level;
use crate::domain::operation::State;
use crate::domain::order::{PaymentMethod, Status};
use crate::domain::reconcile::Kind;
use crate::domain::settlement::SettlementState;
use crate::domain::slip::RowOutcome;
use crate::status::{Pause, Topic};

/// The same words in both languages; `{0}`, `{1}` … are filled in by [`Text::with`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Text {
    en: &'static str,
    ja: &'static str,
}

impl Text {
    /// The words in `language`.
    pub const fn get(self, language: Language) -> &'static str {
        match language {
            Language::En => self.en,
            Language::Ja => self.ja,
        }
    }

    /// The words in `language` with `values` in place of `{0}`, `{1}` …
    pub fn with(self, language: Language, values: &[&dyn Display]) -> String {
        // One pass over the text, so that a value which holds braces itself is left alone.
        let mut text = String::new();
        let mut rest = self.get(language);
        while let Some((before, after)) = rest.split_once('{') {
            text.push_str(before);
            match after.split_once('}') {
                Some((index, tail)) => {
                    if let Some(value) = index.parse().ok().and_then(|i: usize| values.get(i)) {
                        text.push_str(&value.to_string());
                    }
                    rest = tail;
                }
                None => rest = after,
            }
        }
        text.push_str(rest);
        text
    }
}

macro_rules! texts {
    ($($name:ident = $en:literal | $ja:literal;)+) => {
        $(pub const $name: Text = Text { en: $en, ja: $ja };)+
        #[cfg(test)]
        const ALL: &[(&str, Text)] = &[$((stringify!($name), $name)),+];
    };
}

texts! {
    // The demo.
    DEMO_BEGINS = "A simulated 楽天市場, a cart, B2クラウド and クロネコwebコレクト are running in this process." | "楽天市場・自社カート・B2クラウド・クロネコwebコレクトの模擬環境をこのプロセス内で動かします。";
    DEMO_ORDERS = "1. {0} orders came in from the mall and from the cart's CSV file." | "1. モールとカートのCSVから {0} 件の注文を取り込みました。";
    DEMO_SLIPS = "2. B2's file gave {0} parcels their slip numbers; {1} rows are questions for a person." | "2. B2の発行済データから {0} 個口の送り状番号を取り込みました。{1} 行は確認が必要です。";
    DEMO_CAPTURES = "3. {0} card sales were registered at the gateway, each looked up first." | "3. カード売上 {0} 件を、照会してから登録しました。";
    DEMO_LOST = "4. The answer to {0} of them was lost on purpose: it is not sent again, it is looked up." | "4. うち {0} 件の応答をわざと失わせました。再送はせず、照会で確かめます。";
    DEMO_SETTLED = "5. A minute later the look-up found {0} done." | "5. 1分後の照会で {0} 件が登録済と分かりました。";
    DEMO_SUMMARY = "\nSummary" | "\nまとめ";
    DEMO_SHOP = "  {0}: {1} orders ({2})" | "  {0}: 注文 {1} 件 ({2})";
    DEMO_YEN = "  Registered and waiting to settle: {0} yen. Not registered yet: {1} yen." | "  売上登録済(精算確定待ち): {0} 円  未登録: {1} 円";
    DEMO_BOOKS = "  The gateway's books: {0} yen registered; registered twice: {1}; orders lost: {2}." | "  決済側の帳簿: 登録 {0} 円  二重登録: {1} 件  注文の取りこぼし: {2} 件";
    DEMO_PERSON = "  Waiting for a person: {0} card sales (planted on purpose: no such settlement, another amount, cancelled elsewhere)." | "  人の判断待ち: カード売上 {0} 件 (わざと混ぜた、決済なし・金額違い・他での取消)";
    DEMO_NEXT = "\nNext: `mallsync simulate --write-config sim/mallsync.toml`, `mallsync --config sim/mallsync.toml check`, `mallsync --config sim/mallsync.toml run`." | "\n次は: `mallsync simulate --write-config sim/mallsync.toml`、`mallsync --config sim/mallsync.toml check`、`mallsync --config sim/mallsync.toml run`";
    // A person's consent.
    AUTHORIZE_OPEN = "{0}: open this address in a browser, sign in with the ID of an employee of the store, agree, and give the address that the browser is sent back to:" | "{0}: 次のURLをブラウザで開き、ストアの権限を持つIDでログインして同意し、戻された先のURLを入力してください:";
    AUTHORIZE_PASTE = "The address that the browser was sent back to: " | "戻された先のURL: ";
    AUTHORIZE_LATER = "No address was given. Later: `mallsync shops authorize {0} --redirected URL`." | "URLが入力されませんでした。後で `mallsync shops authorize {0} --redirected URL` を実行してください。";
    AUTHORIZED = "Shop {0} is authorized until {1} (Japan time)." | "店舗 {0} の同意を登録しました。期限は {1}（日本時間）です。";
    AUTHORIZED_DAEMON = "The running daemon was asked to look for orders now." | "実行中のデーモンに、すぐに取り込むよう依頼しました。";
    AUTHORIZE_NOT_NEEDED = "shop {0}: the mall {1} needs no consent" | "店舗 {0}: モール {1} に同意の手続きは必要ありません";
    AUTHORIZE_NO_REDIRECT = "shops.{0}.redirect_uri is missing: set the コールバックURL that is registered with the application" | "shops.{0}.redirect_uri がありません。アプリケーションに登録したコールバックURLを設定してください";
    AUTHORIZE_NOT_THE_ADDRESS = "that is not the address that the browser was sent back to: it begins with {0}" | "戻された先のURLではありません。{0} で始まるURLを入力してください";
    AUTHORIZE_DECLINED = "the consent was declined{0}: nothing was changed" | "同意されませんでした{0}。何も変更していません";
    AUTHORIZE_WRONG_STATE = "the address belongs to another authorization (its state is not the one of the URL shown last): begin again" | "別の手続きのURLです（最後に表示したURLとstateが一致しません）。最初からやり直してください";
    AUTHORIZE_NOT_BEGUN = "no authorization was begun within the last hour: run the command without --redirected first" | "1時間以内に始めた手続きがありません。まず --redirected を付けずに実行してください";
    // Secrets.
    SECRET_USAGE = "{0}: expected SHOP.KEY, such as rakuten-main.license_key" | "{0}: 店舗名.キー の形で指定してください（例: rakuten-main.license_key）";
    SECRET_AMBIGUOUS = "{0} is a shop and a settlement: say shops.{0}.{1} or settlements.{0}.{1}" | "{0} という名前の店舗と決済があります。shops.{0}.{1} または settlements.{0}.{1} と指定してください";
    SECRET_NO_SECTION = "no shop or settlement {0}{1}" | "{0} という店舗・決済はありません{1}";
    SECRET_NO_KEY = "{0} has no secret {1}{2}" | "{0} に秘密情報 {1} はありません{2}";
    SECRET_NEAREST = "; did you mean `{0}`?" | "。`{0}` のことですか";
    SECRET_KNOWN = "; known: {0}" | "。あるもの: {0}";
    SECRET_NONE = "; it has none" | "。ひとつもありません";
    SECRET_PROMPT = "{0} (nothing is shown while you type or paste): " | "{0}（入力・貼り付けは表示されません）: ";
    SECRET_NO_TERMINAL = "the terminal cannot be read without an echo ({0}): give the secret through a pipe" | "端末から非表示で読み取れません（{0}）。パイプで渡してください";
    SECRET_NOT_GIVEN = "{0} is not in the config: add the line `{2}` to [{3}], then run this again" | "{0} が設定にありません。[{3}] に `{2}` の行を加えてから、もう一度実行してください";
    SECRET_ENV = "{0} comes from the environment variable {1}: change it where that is set, or write `{2}` into the config and run this again" | "{0} は環境変数 {1} から取られます。そこで変えるか、設定を `{2}` に直してからもう一度実行してください";
    SECRET_PLAIN = "{0} stands in the config itself: write `{2}` there instead, then run this again" | "{0} は設定ファイルに直接書かれています。`{2}` に直してからもう一度実行してください";
    SECRET_CREDENTIAL = "{0} is handed over by systemd from {1}: write the new one there (`sudo install -m 600 /dev/stdin {1}`), then `sudo systemctl restart {2}`" | "{0} は systemd が {1} から渡します。そこに書いて（`sudo install -m 600 /dev/stdin {1}`）、`sudo systemctl restart {2}` を実行してください";
    SECRET_CREDENTIAL_UNKNOWN = "{0} is handed over by systemd, and no drop-in of {2} that can be read here names the credential {1}: `systemctl cat {2}` shows `LoadCredential={1}:PATH`; write the new one into that PATH, then `sudo systemctl restart {2}`" | "{0} は systemd が渡しますが、ここから読める {2} のドロップインに {1} がありません。`systemctl cat {2}` の `LoadCredential={1}:パス` のパスに書いて、`sudo systemctl restart {2}` を実行してください";
    SECRET_TOO_LONG = "{0}: more than 64 KiB was given: that is no secret; nothing was changed" | "{0}: 64 KiB を超えています。秘密情報ではありません。何も変更していません";
    SECRET_NOT_UTF8 = "{0}: not plain UTF-8 text: save it as UTF-8 without BOM; nothing was changed" | "{0}: UTF-8 のテキストではありません。BOM なしの UTF-8 で保存してください。何も変更していません";
    SECRET_EMPTY = "{0}: nothing was given; nothing was changed" | "{0}: 何も入力されていません。何も変更していません";
    SECRET_BLANKS_AROUND = "Note: white space around the secret was dropped." | "注意: 前後の空白を取り除きました。";
    SECRET_BLANKS_INSIDE = "Note: there is white space inside the secret. Was more copied than the secret?" | "注意: 途中に空白があります。余分なものを写していませんか。";
    SECRET_FULL_WIDTH = "Note: there are full-width characters in the secret. Keys are half-width as a rule." | "注意: 全角文字が含まれています。通常、キーは半角です。";
    SECRET_WROTE = "{0} was written to {1} ({2} characters)." | "{0} を {1} に書きました（{2} 文字）。";
    SECRET_DAY = "{0} = \"{1}\" stands in {2}:{3}. If it was issued on another day, correct it there." | "{0} = \"{1}\" を {2}:{3} に記録しました。発行日が違う場合はそこを直してください。";
    SECRET_DAY_VARIABLE = "{0} is given by the environment variable {1}: set it to {2}, the day of issue." | "{0} は環境変数 {1} で決まります。発行日 {2} に変えてください。";
    SECRET_DAY_BY_HAND = "Add the line `{0}` (the day of issue) to [{1}]: the days left are counted from it." | "[{1}] に `{0}`（発行日）の行を加えてください。残り日数はそこから数えます。";
    SECRET_DAY_FAILED = "the secret was written, but {0} could not be set to {1}: {2}" | "秘密情報は書きましたが、{0} を {1} にできません: {2}";
    SECRET_RELOADED = "The running daemon ({0}) was told to read it." | "実行中のデーモン（{0}）に読み直しを指示しました。";
    SECRET_NOT_RUNNING = "No daemon is running here; it reads the secret when it starts." | "デーモンは動いていません。起動時に読み込みます。";
    SECRET_RELOAD_BY_HAND = "A daemon runs on this database, and which is not known from here: `systemctl reload mallsync` where it runs." | "このデータベースで動くデーモンがありますが、ここからは特定できません。動いている所で `systemctl reload mallsync` を実行してください。";
    SECRET_RELOAD_FAILED = "the secret was written, but {0} was not reloaded: {1}; try `sudo systemctl reload mallsync`" | "秘密情報は書きましたが、{0} を読み直せません: {1}。`sudo systemctl reload mallsync` を実行してください";
    SECRET_DISABLED = "{0} is disabled: set `enabled = true`, then `mallsync check`." | "{0} は無効です。`enabled = true` にしてから `mallsync check` を実行してください。";
    // Headings.
    H_ACTION = "What to do" | "すること";
    H_AMOUNT = "Yen" | "金額(円)";
    H_FIELD = "Field" | "項目";
    H_BEFORE = "Before" | "前";
    H_AFTER = "After" | "後";
    H_AMOUNTS = "Made up of" | "内訳(円)";
    A_GOODS = "goods" | "商品";
    A_SHIPPING = "shipping" | "送料";
    A_FEE = "payment fee" | "手数料";
    A_WRAP = "gift wrap" | "ラッピング";
    A_OTHER = "other charge" | "その他料金";
    A_SHOP_COUPON = "shop coupon" | "店舗クーポン";
    A_MALL_COUPON = "mall coupon" | "モールクーポン";
    A_POINTS = "points" | "ポイント";
    A_DISCOUNT = "discount" | "値引";
    FIRST_READ = "first read" | "初回取得";
    WANTED_ON = "wanted" | "希望";
    H_ATTEMPT = "Attempt" | "回";
    H_DIFFERENCE = "Difference" | "差異";
    H_OURS = "Ours" | "注文側の金額(円)";
    H_COUNT = "Count" | "件数";
    H_AT_GATEWAY = "At the gateway" | "決済側の金額(円)";
    H_LINKED_BY = "Linked by" | "結び付け";
    H_LOOKED = "Looked up" | "照会";
    H_REGISTERED_SLIPS = "Registered slips" | "登録済の伝票";
    H_AT = "At" | "日時";
    H_BUYER = "Buyer" | "購入者";
    H_CARRIER = "Carrier" | "運送会社";
    H_CARD = "Card sale" | "カード売上";
    H_CHANGED = "Changed" | "更新";
    H_COLUMN = "Column" | "列";
    H_EXAMPLE = "Example" | "例";
    H_NAME = "Name" | "名前";
    H_READ_AS = "Read as" | "読み取り先";
    H_CODE = "Code" | "コード";
    H_LAG = "Lag" | "経過";
    H_ORDERS = "Orders" | "注文";
    H_DUE_AT = "Not before" | "予定";
    H_ERROR = "Error" | "エラー";
    H_ID = "ID" | "ID";
    H_KIND = "Kind" | "種類";
    H_LAPSES = "Lapses on" | "与信期限";
    H_LAST_SUCCESS = "Last success" | "最終成功";
    H_LINE = "Line" | "行";
    H_MALL = "Mall" | "モール";
    H_MESSAGE = "Message" | "内容";
    H_MODE = "Mode" | "モード";
    H_NEW = "New" | "新規";
    H_NEXT_RUN = "Next run" | "次回";
    POLLING = "reading" | "取得中";
    H_NOTE = "Note" | "備考";
    H_OPERATIONS = "Open operations" | "未完了の処理";
    H_ORDER = "Order" | "注文番号";
    H_ORDERED = "Ordered" | "注文日時";
    H_OUTCOME = "Outcome" | "結果";
    H_PAGES = "Pages" | "ページ";
    H_PAYMENT = "Payment" | "支払方法";
    H_READ = "Read" | "取得";
    H_REASON = "Reason" | "理由";
    H_RECEPTION = "Reception no." | "受付番号";
    H_REGISTERED = "Registered" | "登録済(円)";
    H_SET_ASIDE = "Set aside" | "保留";
    H_SETTLEMENT = "Settlement" | "決済";
    H_RESOLVED = "Resolved" | "処理済";
    H_SKIPPED = "Skipped because" | "対象外の理由";
    H_WISH = "Asked for" | "指示";
    H_SHIP_DATE = "Ship date" | "出荷予定日";
    H_SHOP = "Shop" | "店舗";
    H_SLIP = "Slip" | "伝票番号";
    H_SLIPS = "Slips" | "伝票";
    H_SOURCE = "Source" | "元";
    H_STATE = "State" | "状態";
    H_STATUS = "Status" | "状態";
    H_SUBJECT = "What" | "対象";
    H_UNCHANGED = "Unchanged" | "変更なし";
    H_VERSION = "Version" | "版";
    H_WAITING = "Waiting" | "登録待ち(円)";

    // Notes under tables.
    AND_MORE = "… and more (--limit)" | "… 続きがあります（--limit）";
    NOTHING = "Nothing to show." | "該当するものはありません。";
    NO_SUCH_ORDER = "No order {0}: `mallsync orders list` shows them." | "注文 {0} は見つかりません。`mallsync orders list` で確認してください。";
    TWO_ORDERS = "{0} is an order number in several shops ({1}): use our id from `mallsync orders list`." | "注文番号 {0} は複数の店舗（{1}）にあります。`mallsync orders list` の ID を指定してください。";
    NO_SUCH_SETTLEMENT = "No settlement {0}: `mallsync settlements list` shows them." | "決済 {0} は見つかりません。`mallsync settlements list` で確認してください。";
    TWO_SETTLEMENTS = "{0} names several settlements ({1}): use our id from `mallsync settlements list`." | "{0} に当たる決済が複数あります（{1}）。`mallsync settlements list` の ID を指定してください。";
    NO_SUCH_OPERATION = "No operation {0}: `mallsync operations list` shows them." | "処理 {0} は見つかりません。`mallsync operations list` で確認してください。";
    NO_SUCH_SHOP = "No shop {0} in the config; there are: {1}" | "設定に店舗 {0} がありません。ある店舗: {1}";
    NO_SUCH_CONTRACT = "No settlement {0} in the config; there are: {1}" | "設定に決済 {0} がありません。ある決済: {1}";
    CONTRACT_DISABLED = "{0} is not in force (enabled = false): nothing can be decided for it." | "{0} は無効（enabled = false）です。操作できません。";
    WHICH_CONTRACT = "Which settlement? Name it with --settlement; there are: {0}" | "どの決済ですか。--settlement で指定してください。ある決済: {0}";
    NO_CONTRACT = "The config has no [settlements.NAME]; `settlements link` needs one." | "設定に [settlements.名前] がありません。`settlements link` には必要です。";
    CP932_LOST = "{0} cannot be written in CP932 (column {1}, row {2}): 〓 stands in its place. --encoding utf-8 keeps it." | "「{0}」は CP932 で書けません（列 {1}、{2} 行目）。〓 に置き換えました。--encoding utf-8 ならそのまま残ります。";
    CP932_LOST_MORE = "… and {0} further characters that CP932 does not have." | "… ほか {0} 文字も CP932 にありません。";

    // Commands that write.
    QUEUED = "Queued for the running daemon." | "動作中のデーモンに渡しました。";
    NO_DAEMON = "Stored. No daemon is running: it goes out with the next `mallsync run` or `mallsync sync --send`." | "保存しました。デーモンは動いていません。次の `mallsync run` または `mallsync sync --send` で送られます。";
    SENDING_HERE = "No daemon is running: sending it here." | "デーモンが動いていないため、このコマンドが送ります。";
    LOCKED_MEANWHILE = "Stored. Another mallsync is at work (it holds {0}): it goes out with its round, or with the next `mallsync run` or `mallsync sync --send`." | "保存しました。別の mallsync が作業中です（{0} を保持）。その処理の中か、次の `mallsync run` または `mallsync sync --send` で送られます。";
    LEFT_OPEN = "Still open: {0} operations (not due yet, or to be looked up in a minute). `mallsync run` or `mallsync sync --send` goes on with them; `mallsync operations list` shows them." | "未完了の処理が {0} 件あります（時期前、または 1 分後に照会）。`mallsync run` または `mallsync sync --send` で続きます。`mallsync operations list` で確認できます。";
    FOLLOWING = "Following what comes of it (Ctrl-C stops watching only) …" | "結果を待っています（Ctrl-C で待つのをやめます。処理は続きます）…";
    STILL_OPEN = "Still open after a minute: `mallsync operations list` shows how it goes on." | "1 分たってもまだ終わっていません。`mallsync operations list` で続きを確認できます。";
    STOPPED_WATCHING = "No longer watching; the daemon goes on." | "待つのをやめました。デーモンの処理は続きます。";
    OPERATION_IS = "{0} {1}: {2}" | "{0} {1}: {2}";
    OPERATION_PLANNED = "{0} {1}: planned, not before {2}" | "{0} {1}: {2} 以降に予定";
    DONE = "Done." | "完了しました。";
    DRY_RUN_ONLY = "Dry run: nothing was written." | "ドライランのため何も書き込んでいません。";
    ASK = "Go on? [y/N] " | "実行しますか？ [y/N] ";
    ASK_WITHOUT_TERMINAL = "This may move money and there is no terminal to ask on: read the lines above, then add --yes (or --dry-run)." | "お金が動く可能性がありますが、確認できる端末がありません。上の内容を確かめて --yes（または --dry-run）を付けてください。";
    NOT_DONE = "Nothing was done." | "何もしませんでした。";
    FOLLOWS_SEND = "This will register slip {0} on reception number {1} for {2} yen, not before {3}." | "受付番号 {1} に伝票 {0} を登録し、{2} 円を売上にします（{3} 以降）。";
    FOLLOWS_UNDO = "This will take slip {0} off reception number {1} ({2} yen), not before {3}." | "受付番号 {1} から伝票 {0} を外します（{2} 円、{3} 以降）。";
    FOLLOWS_CANCEL = "This will cancel reception number {0} ({1} yen), not before {2}." | "受付番号 {0}（{1} 円）を取り消します（{2} 以降）。";
    FOLLOWS_CHANGE_AMOUNT = "This will change reception number {0} from {1} to {2} yen, not before {3}." | "受付番号 {0} の金額を {1} 円から {2} 円に変更します（{3} 以降）。";
    FOLLOWS_REAUTH = "This will renew the authorisation of reception number {0} ({1} yen), not before {2}." | "受付番号 {0}（{1} 円）の与信を取り直します（{2} 以降）。";
    FOLLOWS_CHANGE_DATE = "This will move the planned ship date of reception number {0} to {1}, not before {2}." | "受付番号 {0} の出荷予定日を {1} に変更します（{2} 以降）。";
    FOLLOWS_WAIT = "Nothing is sent yet: {0}" | "まだ何も送りません: {0}";
    FOLLOWS_HOLD = "A person is still needed: {0}" | "まだ人の判断が必要です: {0}";
    FOLLOWS_NOTHING = "Nothing follows from it for now." | "今のところ送るものはありません。";
    FOLLOWS_DRY = "{0} is in dry-run: nothing is sent." | "{0} はドライランです。何も送りません。";
    LINKED = "{0} is linked to reception number {1} of {2}." | "注文 {0} を {2} の受付番号 {1} に結び付けました。";
    UNLINKED = "{0} has no reception number any more." | "注文 {0} から受付番号を外しました。";
    HELD = "{0} is held: nothing is sent for it until `mallsync settlements release {1}`." | "{0} を止めました。`mallsync settlements release {1}` まで何も送りません。";
    RELEASED = "{0} is released." | "{0} の停止を解除しました。";
    WISH_SUM = "Settlements: {0} ({1} yen) · skipped: {2}" | "対象: {0} 件（{1} 円）· 対象外: {2} 件";
    WISH_SKIPPED = "{0} was skipped: {1}" | "{0} は対象外です: {1}";
    RESOLVED = "{0} is resolved ({1}): nothing is sent or asked for it any more. `mallsync settlements resolve {2} --undo` takes that back." | "{0} を処理済にしました（{1}）。今後は何も送らず、確認も求めません。`mallsync settlements resolve {2} --undo` で戻せます。";
    RESOLVED_NOT = "{0} is not resolved any more: the rules rule again." | "{0} の処理済を取り消しました。規則どおりに処理します。";
    NOT_RESOLVED = "{0} was not resolved." | "{0} は処理済になっていません。";
    CONTRACT_NOT_HELD = "{0} is not held." | "{0} は止まっていません。";
    FOLLOWS_CONTRACT = "Releasing {0} lets go of {1} operations that are due ({2} yen)." | "{0} を解除すると、送る時期の来た処理 {1} 件（{2} 円）が動きます。";

    // Preview.
    P_SEND = "send now" | "今送る";
    P_LATER = "later" | "後で送る";
    P_WAIT = "waits" | "待ち";
    P_PERSON = "person" | "要判断";
    P_SUM = "{0}: now {1} ({2} yen) · later {3} ({4} yen) · waiting {5} · needs a person {6}" | "{0}: 今送る {1} 件（{2} 円）· 後で {3} 件（{4} 円）· 待ち {5} 件 · 要判断 {6} 件";
    P_DRY = "{0} is in dry-run: this is what it would do; nothing is sent." | "{0} はドライランです。実際には何も送りません。";

    // Reconciliation.
    LOOKING_FIRST = "Some were never looked up: the gateway is asked first …" | "まだ照会していないものがあるので、先に決済側へ照会します…";
    R_HERE = "No daemon is running: looking the open settlements up here …" | "デーモンが動いていないので、ここで決済を照会します…";
    R_ASKED = "A daemon is running: asked it to look the open settlements up, waiting for the result …" | "デーモンが動いています。決済の照会を依頼して結果を待っています…";
    R_ELSEWHERE = "another mallsync is at it now" | "別の mallsync が照合中です";
    R_UNKNOWN_TO_DAEMON = "the running daemon does not use this section: `systemctl reload mallsync`, then `mallsync status`" | "実行中のデーモンはこの設定を使っていません。`systemctl reload mallsync` の後に `mallsync status` で確認してください";
    R_RAN = "{0}: looked up {1} · failed {2}" | "{0}: 照会 {1} 件 · 失敗 {2} 件";
    R_BROKEN_OFF = "{0}: not everything was looked up: {1}" | "{0}: すべては照会できませんでした: {1}";
    R_NOTHING = "{0}: nothing differs." | "{0}: 差異はありません。";
    R_SUM = "{0}: {1} differences" | "{0}: 差異 {1} 件";
    R_KIND = "  {0}: {1} · ours {2} yen · at the gateway {3} yen" | "  {0}: {1} 件 · 注文側 {2} 円 · 決済側 {3} 円";

    // Slips and orders from files.
    SLIPS_SUM = "{0}: {1} matched · {2} already known · {3} waiting for their order · {4} held · {5} refused" | "{0}: 登録 {1} · 既知 {2} · 注文待ち {3} · 保留 {4} · 不可 {5}";
    SLIPS_GOOD = "{0} rows that are in order are not shown (--format csv shows them all)." | "問題のない {0} 行は省略しました（--format csv ならすべて出ます）。";
    SLIPS_NOT_ISSUED = "{0}: {1} rows have no slip number yet and were left out." | "{0}: 伝票番号がまだない {1} 行は取り込んでいません。";
    SLIPS_SEEN = "{0}: the same file was imported on {1}; importing it again changes nothing." | "{0}: 同じ内容のファイルを {1} に取り込み済みです。再度取り込んでも変わりません。";
    FILE_REFUSED = "{0}: {1}" | "{0}: {1}";
    SLIP_ADDED = "Order {0}: slip {1} added." | "注文 {0} に伝票 {1} を登録しました。";
    SLIP_REPLACED = "Order {0}: slip {1} replaced by {2}." | "注文 {0} の伝票 {1} を {2} に差し替えました。";
    SLIP_REMOVED = "Order {0}: slip {1} removed." | "注文 {0} の伝票 {1} を外しました。";
    CANNOT_READ = "{0}: cannot be read: {1}" | "{0}: 読み込めません: {1}";
    EXPLAINED = "Profile {0} · {1} · separated by {2} · {3} rows · {4} orders" | "プロファイル {0} · {1} · 区切り {2} · {3} 行 · 注文 {4} 件";
    EXPLAINED_ABSENT = "Fields of the profile that the file does not have: {0}" | "プロファイルにあってファイルにない項目: {0}";
    IMPORTED = "{0}: {1} new · {2} changed · {3} unchanged · {4} set aside" | "{0}: 新規 {1} · 更新 {2} · 変更なし {3} · 保留 {4}";
    HANDED_OVER = "The running daemon holds {0}: the file was put into {1} and is read within its schedule." | "{0} は動作中のデーモンが担当しています。ファイルを {1} に置きました。次回の実行で取り込まれます。";
    NOT_A_CSV_SHOP = "{0} is a shop of {1}: orders are imported into shops with mall = \"csv\"." | "{0} は {1} の店舗です。取り込めるのは mall = \"csv\" の店舗だけです。";

    // Sync, run, check, status.
    SYNC_ASKED = "A daemon is running: asked it for the pass, waiting for the result …" | "デーモンが動いています。実行を依頼して結果を待っています…";
    SYNC_SENT = "{0} operations sent · {1} failed" | "送信 {0} 件 · 失敗 {1} 件";
    SYNC_NO_ANSWER = "The daemon has gone without an answer: `mallsync status` shows how things stand." | "デーモンが結果を返さずに終わりました。`mallsync status` で状況を確認してください。";
    PROGRESS = "{0}: {1} orders, {2} pages" | "{0}: 注文 {1} 件、{2} ページ";
    PROGRESS_OF = "{0}: {1} orders, {2} pages ({3} of {4}){5}" | "{0}: 注文 {1} 件、{2} ページ（{3}/{4}）{5}";
    PROGRESS_ENDS = ", done at {0}" | "、完了見込み {0}";
    PROGRESS_WAITS = "waits until {0} (quota of the mall)" | "{0} まで待ちます（モールの呼出制限）";
    DRAINING = "Stopping: what is in flight is finished, nothing new is sent." | "停止します。送信中のものだけを終え、新しくは送りません。";
    ALL_WELL = "All is well." | "すべて順調です。";
    NOT_WELL = "{0} things need attention." | "対応が必要なことが {0} 件あります。";
    DAEMON_RUNS = "The daemon is running." | "デーモンは動作中です。";
    DAEMON_RUNS_NOT = "No daemon is running." | "デーモンは動いていません。";
    LAST_ACTIVITY = "No daemon is running; anything was read last at {0}." | "デーモンは動いていません。最後の取得は {0} です。";
    SINCE = "since {0}" | "{0} から";
    ENDS_AT = "until {0}" | "{0} まで";
    H_AWAITS_CONFIRMATION = "To confirm" | "確認待ち";
    H_AWAITS_SHIPMENT = "To ship" | "発送待ち";
    H_WAITS_FOR = "Waits for" | "待っているもの";
    H_UNTIL = "Until" | "いつまで";
    H_NEXT_LAPSE = "Next lapse" | "次の与信期限";
    H_DAYS = "Days left" | "残り日数";
    H_KEY = "Key" | "鍵";
    H_ENDS_ON = "Ends on" | "期限";
    W_RELEASE = "a person's `settlements release`" | "`settlements release`（人の操作）";
    W_PROBE = "the next probe of the stopped account" | "停止中アカウントの次の確認";
    W_MAINTENANCE = "the end of the maintenance window" | "メンテナンス時間の終わり";
    W_THROTTLED = "a pause that the service asked for" | "相手側から求められた間隔";
    W_RETRY = "the next try after a failure" | "失敗後の再試行";
    W_QUOTA = "quota (backfill)" | "呼出制限（過去分の取得）";
    W_LOOK_UP = "a look-up that settles an unknown outcome" | "結果不明の処理の照会";
    W_OPERATION = "the next operation" | "次に送る処理";
    T_DAEMON = "no daemon is running" | "デーモンが動いていません";
    T_DATABASE_FULL = "the disk that holds the database is full" | "データベースのあるディスクがいっぱいです";
    T_LATE = "operations are late" | "処理が遅れています";
    T_DIFFERENCES = "settlements differ from the gateway's books" | "決済側との差異があります";
    T_LAPSE = "authorisations end soon" | "与信の期限が近い";
    T_STOPPED = "stopped by the other side" | "相手側の理由で停止";
    T_ACCOUNT_HELD = "everything is held" | "すべて停止中";
    T_CONFIG_REFUSED = "the edited config was refused" | "編集された設定は受け付けられませんでした";
    T_OPERATIONS = "operations need a person" | "処理に人の判断が必要";
    T_SETTLEMENTS = "settlements need a person" | "決済に人の判断が必要";
    T_UNLINKED = "no reception number" | "受付番号なし";
    T_POLL_FAILS = "polls fail" | "取得に失敗";
    T_OVERDUE = "polls are overdue" | "取得が遅れています";
    T_SET_ASIDE = "orders could not be read" | "読めない注文";
    T_SLIPS = "slips need a person" | "伝票に人の判断が必要";
    T_ENDS = "a key ends soon" | "鍵の期限が近い";
    CHECK_SUM = "{0} ok · {1} warnings · {2} errors" | "正常 {0} · 注意 {1} · エラー {2}";
    HEALTH_BESIDE = "The config is invalid. A running daemon goes on by the one before it; its health, as far as the file still tells:" | "設定に誤りがあります。動作中のデーモンは以前の設定のまま動いています。ファイルから分かる範囲の状態:";
    HEALTH_UNKNOWN = "The config is invalid. A running daemon goes on by the one before it; its health cannot be shown: {0}" | "設定に誤りがあります。動作中のデーモンは以前の設定のまま動いています。状態は表示できません: {0}";
    DATABASE_NOT_SEEN = "the file does not tell where the database is (see `systemctl status mallsync`)" | "データベースの場所がファイルから分かりません（`systemctl status mallsync` を見てください）";
    CONFIG_INVALID = "The config is invalid (findings: {0}); nothing was started." | "設定に誤りがあります（{0} 件）。何も開始していません。";

    // Init, migrate, simulate.
    INIT_WROTE = "Wrote {0}" | "作成しました: {0}";
    INIT_KEPT = "Left as it is: {0}" | "既にあるため変更していません: {0}";
    INIT_NEXT = "Next: edit {0}, put the secrets into {1}, then `mallsync --config {0} check`." | "次に {0} を編集し、秘密情報を {1} に置いてから `mallsync --config {0} check` を実行してください。";
    MIGRATED = "Schema {0} → {1}." | "スキーマ {0} → {1}。";
    MIGRATED_NOT = "Schema {0}: nothing to do." | "スキーマ {0}: 変更はありません。";
    SIMULATING = "Simulated malls, gateway and carrier listen on http://{0} (Ctrl-C ends)." | "模擬モール・決済・運送会社が http://{0} で待ち受けています（Ctrl-C で終了）。";
    SIM_SLIPS = "The simulated B2 drops its slip files into {0}: `mallsync --config {1} slips import FILE`." | "模擬 B2 の発行済データは {0} に置かれます。`mallsync --config {1} slips import ファイル` で取り込みます。";
    SIM_CONFIG = "Wrote {0}; in another terminal: `mallsync --config {0} check`, then `mallsync --config {0} run`." | "{0} を作成しました。別の端末で `mallsync --config {0} check`、続いて `mallsync --config {0} run` を実行してください。";

    // Modes of a settlement.
    LIVE = "live" | "本番";
    DRY_RUN = "dry-run" | "ドライラン";
    DISABLED = "disabled" | "無効";
}

/// A status of an order.
pub const fn status(status: Status, language: Language) -> &'static str {
    let ja = match status {
        Status::Pending => "保留中",
        Status::AwaitingConfirmation => "確認待ち",
        Status::AwaitingShipment => "発送待ち",
        Status::PartiallyShipped => "一部発送",
        Status::Shipped => "発送済",
        Status::Completed => "完了",
        Status::OnHold => "停止中",
        Status::CancelRequested => "取消依頼",
        Status::Canceled => "取消",
        Status::Unknown => "不明",
    };
    pick(language, status.as_str(), ja)
}

/// A state of a settlement.
pub const fn settlement(state: SettlementState, language: Language) -> &'static str {
    let ja = match state {
        SettlementState::Unlinked => "受付番号なし",
        SettlementState::Authorized => "与信済",
        SettlementState::Reserved => "予約",
        SettlementState::Registered => "精算確定待ち",
        SettlementState::Settled => "精算確定",
        SettlementState::Canceled => "取消",
        SettlementState::Lapsed => "与信切れ",
        SettlementState::Refused => "与信NG",
        SettlementState::Unknown => "未確認",
    };
    pick(language, state.as_str(), ja)
}

/// A state of an operation.
pub const fn operation(state: State, language: Language) -> &'static str {
    let ja = match state {
        State::Planned => "予定",
        State::Ready => "送信待ち",
        State::Sending => "送信中",
        State::Unknown => "結果不明",
        State::Looking => "照会中",
        State::NeedsPerson => "要判断",
        State::Done => "完了",
        State::Refused => "拒否",
        State::Superseded => "不要",
        State::Abandoned => "中止",
    };
    pick(language, state.as_str(), ja)
}

/// What became of a row of a file.
pub const fn outcome(outcome: RowOutcome, language: Language) -> &'static str {
    let ja = match outcome {
        RowOutcome::Matched => "登録",
        RowOutcome::Known => "既知",
        RowOutcome::Waiting => "注文待ち",
        RowOutcome::Held => "保留",
        RowOutcome::Refused => "不可",
    };
    pick(language, outcome.as_str(), ja)
}

/// What an operation does, by its kind ([`Intent::kind`](crate::domain::operation::Intent::kind)).
pub fn kind(kind: &'static str, language: Language) -> &'static str {
    match kind {
        "capture" => pick(language, "capture", "売上登録"),
        "undo" => pick(language, "undo", "登録取消"),
        "cancel" => pick(language, "cancel", "決済取消"),
        "change_amount" => pick(language, "change_amount", "金額変更"),
        "reauth" => pick(language, "reauth", "再与信"),
        "change_date" => pick(language, "change_date", "予定日変更"),
        other => other,
    }
}

/// What an attempt did: `look`, `send`, `settle`.
pub fn attempt(kind: &str, language: Language) -> &str {
    match (language, kind) {
        (Language::Ja, "look") => "送信前の照会",
        (Language::Ja, "send") => "送信",
        (Language::Ja, "settle") => "結果の照会",
        _ => kind,
    }
}

/// How an attempt ended: the stable words of `operations show`.
pub fn attempt_outcome(outcome: &str, language: Language) -> &str {
    match (language, outcome) {
        (Language::Ja, "looked") => "照会済",
        (Language::Ja, "done") => "完了",
        (Language::Ja, "refused") => "拒否",
        (Language::Ja, "retry") => "再試行",
        (Language::Ja, "later") => "後で",
        (Language::Ja, "verify") => "要照会",
        (Language::Ja, "person") => "要判断",
        (Language::Ja, "unknown") => "結果不明",
        (Language::Ja, "unclear") => "不明",
        (Language::Ja, "not_sent") => "未送信",
        (Language::Ja, "not_done") => "未登録",
        (Language::Ja, "stopped") => "停止",
        _ => outcome,
    }
}

/// A way to pay.
pub const fn method(method: PaymentMethod, language: Language) -> &'static str {
    let ja = match method {
        PaymentMethod::CreditCard => "カード",
        PaymentMethod::CashOnDelivery => "代引",
        PaymentMethod::BankTransfer => "銀行振込",
        PaymentMethod::ConvenienceStore => "コンビニ",
        PaymentMethod::Deferred => "後払い",
        PaymentMethod::CarrierBilling => "キャリア決済",
        PaymentMethod::Wallet => "電子マネー等",
        PaymentMethod::Points => "ポイント",
        PaymentMethod::Invoice => "請求書",
        PaymentMethod::Other => "その他",
    };
    pick(language, method.as_str(), ja)
}

/// In what way a settlement differs from the gateway's books.
pub const fn difference(kind: Kind, language: Language) -> &'static str {
    let (en, ja) = match kind {
        Kind::CapturedElsewhere => ("captured elsewhere", "他で売上登録"),
        Kind::CaptureGone => ("capture gone", "売上登録が消滅"),
        Kind::Refunded => ("refunded", "売上後に他で取消"),
        Kind::CanceledElsewhere => ("canceled elsewhere", "他で決済取消"),
        Kind::CancelGone => ("cancel gone", "取消が未反映"),
        Kind::RefundDue => ("to be refunded", "要返金"),
        Kind::OrderCanceled => ("order canceled", "注文取消済"),
        Kind::AmountDiffers => ("amount differs", "金額の相違"),
        Kind::SlipDiffers => ("slip differs", "伝票の相違"),
        Kind::NotSettled => ("not settled", "精算確定待ちのまま"),
        Kind::NotCaptured => ("not captured", "出荷済・売上未登録"),
        Kind::NotThere => ("not there", "決済側になし"),
        Kind::Ambiguous => ("ambiguous", "複数該当"),
        Kind::AnotherSale => ("another sale", "別の取引の疑い"),
        Kind::Refused => ("authorisation failed", "与信失敗"),
        Kind::StrangeStatus => ("strange status", "取引状況が不明"),
        Kind::Unreadable => ("unreadable answer", "照会結果を読めず"),
        Kind::Lapsed => ("lapsed", "与信期限切れ"),
        Kind::LapsesSoon => ("lapses soon", "与信期限間近"),
        Kind::NoNumber => ("no reception number", "受付番号なし"),
    };
    pick(language, en, ja)
}

/// A state of an operation, from its word.
pub fn operation_word(word: &str, language: Language) -> String {
    State::from_word(word).map_or_else(|| word.to_owned(), |state| operation(state, language).to_owned())
}

/// What needs attention.
pub const fn topic(topic: Topic) -> Text {
    match topic {
        Topic::Stopped => T_STOPPED,
        Topic::AccountHeld => T_ACCOUNT_HELD,
        Topic::ConfigRefused => T_CONFIG_REFUSED,
        Topic::OperationsNeedPerson => T_OPERATIONS,
        Topic::SettlementsHeld => T_SETTLEMENTS,
        Topic::Unlinked => T_UNLINKED,
        Topic::PollFails => T_POLL_FAILS,
        Topic::Overdue => T_OVERDUE,
        Topic::SetAside => T_SET_ASIDE,
        Topic::SlipsHeld => T_SLIPS,
        Topic::Ends => T_ENDS,
        Topic::DaemonStopped => T_DAEMON,
        Topic::DatabaseFull => T_DATABASE_FULL,
        Topic::OperationsLate => T_LATE,
        Topic::AuthorizationsLapse => T_LAPSE,
        Topic::Differences => T_DIFFERENCES,
    }
}

/// What is being waited for.
pub const fn pause(pause: Pause) -> Text {
    match pause {
        Pause::Release => W_RELEASE,
        Pause::Probe => W_PROBE,
        Pause::Maintenance => W_MAINTENANCE,
        Pause::Throttled => W_THROTTLED,
        Pause::Retry => W_RETRY,
        Pause::Quota => W_QUOTA,
        Pause::LookUp => W_LOOK_UP,
        Pause::Operation => W_OPERATION,
    }
}

/// The mark of a finding.
pub const fn mark(level: Level) -> &'static str {
    match level {
        Level::Ok => "✓",
        Level::Warning => "!",
        Level::Error => "✗",
    }
}

const fn pick(language: Language, en: &'static str, ja: &'static str) -> &'static str {
    match language {
        Language::En => en,
        Language::Ja => ja,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holes(text: &str) -> std::collections::BTreeSet<&str> {
        text.split('{').skip(1).filter_map(|s| s.split_once('}').map(|(n, _)| n)).collect()
    }

    #[test]
    fn both_languages_say_the_same_facts() {
        for (name, text) in ALL {
            assert!(!text.en.is_empty() && !text.ja.is_empty(), "{name}");
            assert_eq!(holes(text.en), holes(text.ja), "{name}");
        }
    }

    #[test]
    fn every_kind_has_its_word() {
        let kinds = crate::domain::operation::Intent::KINDS;
        let japanese: std::collections::BTreeSet<&str> =
            kinds.into_iter().map(|name| kind(name, Language::Ja)).collect();
        assert_eq!(japanese.len(), kinds.len(), "no two alike");
        assert!(kinds.iter().all(|name| !japanese.contains(name)), "none left in English");
    }

    #[test]
    fn values_are_filled_in_once() {
        let text = Text { en: "{1} then {0}", ja: "" };
        assert_eq!(text.with(Language::En, &[&"{1}", &"b"]), "b then {1}");
    }
}
