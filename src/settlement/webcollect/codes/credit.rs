//! `creditErrorCode`: what the card network said (kuroneko-webcollect.md §4.6). It comes beside the error code of calls that
//! authorise; it never decides what is done, it tells a person why.

/// What stands behind a refusal of the network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CreditClass {
    /// **N**: the network had a fault; may work later, after a look.
    Network,
    /// **D**: the issuer declined.
    Declined,
    /// **S**: something is set up wrongly; the operator or Yamato's support.
    Setup,
    /// Nothing to process at the issuer: settled or gone; a look decides, then a person.
    Verify,
}

impl CreditClass {
    /// What a person can do about it.
    #[must_use]
    pub const fn action(self) -> &'static str {
        match self {
            Self::Network => "a passing fault of the card network: look it up and try again later",
            Self::Declined => "the issuer declined: ask the buyer for another card or another way to pay",
            Self::Setup => "a matter of settings: ask Yamato's support",
            Self::Verify => "nothing to process at the issuer: look it up first",
        }
    }
}

/// One line of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CreditRow {
    /// As sent: `G54`, `0200001`.
    pub code: &'static str,
    /// What stands behind it.
    pub class: CreditClass,
    /// As the network calls it.
    pub japanese: &'static str,
    /// In plain English.
    pub english: &'static str,
}

macro_rules! credit {
    ($($code:literal $class:ident $japanese:literal, $english:literal;)+) => {
        &[$(CreditRow {
            code: $code, class: CreditClass::$class, japanese: $japanese, english: $english,
        }),+]
    };
}

/// §4.6, one line a code.
pub(super) const ROWS: &[CreditRow] = credit! {
    "999" Network "CAFIS応答タイムアウト", "CAFIS timeout";
    "C01" Setup "被仕向会社コード誤り", "bad destination company";
    "C03" Setup "電文長超過", "message too long";
    "C12" Network "被仕向センタ混雑", "destination busy";
    "C13" Network "被仕向センタ障害", "destination down";
    "C14" Network "被仕向センタ終了", "destination closed";
    "C15" Network "CAFISセンタ終了", "CAFIS closed";
    "C17" Setup "文字コード不正", "encoding";
    "C33" Network "CAFIS輻輳", "CAFIS congested";
    "C34" Setup "加盟店データ形式不正", "merchant data format";
    "C35" Network "アドバイス電文受信済み", "advice already received";
    "C50" Network "タイムアウト", "timeout";
    "C51" Setup "経路重複", "route duplicate";
    "C53" Setup "仕向会社・電文種別・経路・対応の誤り", "routing";
    "C54" Setup "仕向会社・電文種別・経路・対応の誤り", "routing";
    "C55" Setup "仕向会社・電文種別・経路・対応の誤り", "routing";
    "C56" Setup "仕向会社・電文種別・経路・対応の誤り", "routing";
    "C57" Setup "当該会社サービスなし", "service not offered";
    "C58" Setup "数値チェック誤り", "numeric check";
    "C60" Network "受信不可状態", "cannot receive";
    "G02" Declined "ローン・キャッシングの残高・限度", "loan or cash limit";
    "G03" Declined "ローン・キャッシングの残高・限度", "loan or cash limit";
    "G04" Declined "ローン・キャッシングの残高・限度", "loan or cash limit";
    "G05" Declined "ローン・キャッシングの残高・限度", "loan or cash limit";
    "G12" Declined "カード使用不可", "not usable";
    "G22" Declined "支払永久禁止", "permanently barred";
    "G30" Declined "判定保留(有人)", "referral, call issuer";
    "G42" Declined "暗証番号誤り", "PIN";
    "G44" Declined "セキュリティコード誤り", "security code";
    "G45" Declined "セキュリティコード未入力", "security code missing";
    "G46" Declined "磁気2面情報誤り", "stripe data";
    "G54" Declined "1口座の回数・金額超過", "account count or amount";
    "G55" Declined "1日の限度額超過", "daily limit";
    "G56" Declined "カード取り込み", "pick up card";
    "G60" Declined "事故カード", "lost or stolen";
    "G61" Declined "無効カード", "invalid card";
    "G65" Declined "会員番号誤り", "card number";
    "G67" Setup "商品コード誤り", "goods code";
    "G68" Setup "金額誤り", "amount";
    "G69" Setup "税送料誤り", "tax, shipping";
    "G70" Setup "ボーナス回数・月・額の誤り", "bonus terms";
    "G71" Setup "ボーナス回数・月・額の誤り", "bonus terms";
    "G72" Setup "ボーナス回数・月・額の誤り", "bonus terms";
    "G73" Setup "支払開始月・分割回数・分割金額・初回金額の誤り", "instalment terms";
    "G74" Setup "支払開始月・分割回数・分割金額・初回金額の誤り", "instalment terms";
    "G75" Setup "支払開始月・分割回数・分割金額・初回金額の誤り", "instalment terms";
    "G76" Setup "支払開始月・分割回数・分割金額・初回金額の誤り", "instalment terms";
    "G77" Setup "業務・支払・照会・取消・取扱区分の誤り", "divisions";
    "G78" Setup "業務・支払・照会・取消・取扱区分の誤り", "divisions";
    "G79" Setup "業務・支払・照会・取消・取扱区分の誤り", "divisions";
    "G80" Setup "業務・支払・照会・取消・取扱区分の誤り", "divisions";
    "G81" Setup "業務・支払・照会・取消・取扱区分の誤り", "divisions";
    "G83" Declined "有効期限誤り", "expiry";
    "G85" Declined "サービス対象外カード", "card not served";
    "G95" Network "当該業務オンライン終了", "issuer closed";
    "G96" Declined "事故カードデータ誤り", "stop-list data";
    "G97" Declined "要求拒否", "refused";
    "G98" Setup "自社対象業務誤り", "not our business";
    "G99" Network "接続要求の受付拒否", "connection refused";
    "0200001" Declined "カード番号チェックデジット誤り", "card number check digit";
    "0200002" Network "CAFIS電文不正", "bad message from CAFIS";
    "0200003" Declined "カード会社の設定", "card company setting";
    "0400001" Network "DBアクセス", "database access";
    "0500001" Network "CAFIS接続", "link to CAFIS";
    "0500002" Network "決済ゲートウェイ接続", "link to the payment gateway";
    "0600001" Setup "パラメータ不足", "parameter missing";
    "0600002" Setup "パラメータ形式", "parameter malformed";
    "0700001" Verify "処理対象なし", "no record to process: settled or gone";
    "9900001" Network "システムエラー", "system";
};

/// The table of `creditErrorCode`.
#[must_use]
pub const fn credit_table() -> &'static [CreditRow] {
    ROWS
}

/// What is known of a `creditErrorCode`.
#[must_use]
pub fn credit_row(code: &str) -> Option<&'static CreditRow> {
    ROWS.iter().find(|row| row.code == code)
}
