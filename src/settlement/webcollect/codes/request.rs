//! Request checks: one code a parameter and kind of fault (kuroneko-webcollect.md §4.5). Our request is wrong, except for
//! slip numbers, which the shop must correct.

use super::{CodeRow, checks};

/// §4.5, in the order of the page.
pub(super) const ROWS: &[CodeRow] = checks! {
    // A06
    Bug "trader_code" "加盟店コード": "A061010201" "未設定" "missing", "A061010202" "桁数" "length", "A061010204" "文字種" "characters";
    Bug "order_no" "受付番号": "A061010301" "未設定" "missing", "A061010302" "桁数" "length", "A061010304" "文字種" "characters";
    // A07
    Bug "trader_code" "加盟店コード": "A071010201" "未設定" "missing", "A071010202" "桁数" "length", "A071010204" "文字種" "characters";
    Bug "order_no" "受付番号": "A071010301" "未設定" "missing", "A071010302" "桁数" "length", "A071010304" "文字種" "characters";
    Bug "new_price" "変更後金額": "A071010401" "未設定" "missing", "A071010402" "桁数" "length", "A071010404" "文字種" "characters", "A071010471" "下限未満" "below 1 yen", "A071010472" "上限超過" "above the limit";
    // A11
    Bug "trader_code" "加盟店コード": "A111010201" "未設定" "missing", "A111010202" "桁数" "length", "A111010204" "文字種" "characters";
    Bug "order_no" "受付番号": "A111010301" "未設定" "missing", "A111010302" "桁数" "length", "A111010304" "文字種" "characters";
    // E01
    Bug "trader_code" "加盟店コード": "E011010201" "未設定" "missing", "E011010202" "桁数" "length", "E011010204" "文字種" "characters";
    Bug "order_no" "受付番号": "E011010301" "未設定" "missing", "E011010302" "桁数" "length", "E011010304" "文字種" "characters";
    Person "slip_no" "送り状番号": "E011010401" "未設定" "missing", "E011010402" "桁数" "length", "E011010404" "文字種" "characters";
    // E02
    Bug "trader_code" "加盟店コード": "E021010201" "未設定" "missing", "E021010202" "桁数" "length", "E021010204" "文字種" "characters";
    Bug "order_no" "受付番号": "E021010301" "未設定" "missing", "E021010302" "桁数" "length", "E021010304" "文字種" "characters";
    Person "slip_no" "送り状番号": "E021010401" "未設定" "missing", "E021010402" "桁数" "length", "E021010404" "文字種" "characters";
    // E03
    Bug "trader_code" "加盟店コード": "E031010201" "未設定" "missing", "E031010202" "桁数" "length", "E031010204" "文字種" "characters";
    Bug "order_no" "受付番号": "E031010301" "未設定" "missing", "E031010302" "桁数" "length", "E031010304" "文字種" "characters";
    Bug "scheduled_shipping_date" "出荷予定日": "E031010401" "未設定" "missing", "E031010405" "日付形式" "date format", "E031010471" "過去日" "in the past", "E031010472" "上限日超過" "past the upper limit, 90 or 180 days";
    // E04
    Bug "trader_code" "加盟店コード": "E041010201" "未設定" "missing", "E041010202" "桁数" "length", "E041010204" "文字種" "characters";
    Bug "order_no" "受付番号": "E041010301" "未設定" "missing", "E041010302" "桁数" "length", "E041010304" "文字種" "characters";
    // H01
    Bug "trader_code" "加盟店コード": "H011010201" "未設定" "missing", "H011010202" "桁数" "length", "H011010204" "文字種" "characters";
    // A03
    Bug "trader_code" "加盟店コード": "A031010201" "未設定" "missing", "A031010202" "桁数" "length", "A031010204" "文字種" "characters";
    Bug "member_id" "会員ID": "A031010301" "未設定" "missing", "A031010302" "桁数" "length", "A031010371" "文字種" "characters";
    Bug "authentication_key" "認証キー": "A031010401" "未設定" "missing", "A031010402" "桁数" "length", "A031010471" "文字種" "characters";
    Bug "check_sum" "チェックサム": "A031010501" "未設定" "missing", "A031010571" "不一致" "mismatch";
    // A04
    Bug "trader_code" "加盟店コード": "A041010201" "未設定" "missing", "A041010202" "桁数" "length", "A041010204" "文字種" "characters";
    Bug "member_id" "会員ID": "A041010301" "未設定" "missing", "A041010302" "桁数" "length", "A041010371" "文字種" "characters";
    Bug "authentication_key" "認証キー": "A041010401" "未設定" "missing", "A041010402" "桁数" "length", "A041010471" "文字種" "characters";
    Bug "check_sum" "チェックサム": "A041010501" "未設定" "missing", "A041010571" "不一致" "mismatch";
    Bug "card_key" "カード識別キー": "A041010601" "未設定" "missing", "A041010606" "値の範囲外" "not an allowed value";
    Bug "card_exp" "カード有効期限": "A041010705" "日付形式" "date format", "A041010771" "期限切れ" "expired";
    Bug "card_owner" "カード名義人": "A041010802" "桁数" "length", "A041010804" "文字種" "characters";
    Bug "card_code_api" "カード会社コード": "A041010906" "値の範囲外" "not an allowed value";
    Bug "last_credit_date" "最終利用日時": "A041011001" "未設定" "missing", "A041011005" "日付形式" "date format";
    // A05
    Bug "trader_code" "加盟店コード": "A051010201" "未設定" "missing", "A051010202" "桁数" "length", "A051010204" "文字種" "characters";
    Bug "member_id" "会員ID": "A051010301" "未設定" "missing", "A051010302" "桁数" "length", "A051010371" "文字種" "characters";
    Bug "authentication_key" "認証キー": "A051010401" "未設定" "missing", "A051010402" "桁数" "length", "A051010471" "文字種" "characters";
    Bug "check_sum" "チェックサム": "A051010501" "未設定" "missing", "A051010571" "不一致" "mismatch";
    Bug "card_key" "カード識別キー": "A051010601" "未設定" "missing", "A051010606" "値の範囲外" "not an allowed value";
    Bug "last_credit_date" "最終利用日時": "A051010701" "未設定" "missing", "A051010705" "日付形式" "date format";
    // A08
    Bug "trader_code" "加盟店コード": "A081010201" "未設定" "missing", "A081010202" "桁数" "length", "A081010204" "文字種" "characters";
    Bug "device_div" "端末区分": "A081010301" "未設定" "missing", "A081010306" "値の範囲外" "not an allowed value";
    Bug "order_no" "受付番号": "A081010401" "未設定" "missing", "A081010402" "桁数" "length", "A081010404" "文字種" "characters";
    Bug "settle_price" "決済金額": "A081010501" "未設定" "missing", "A081010502" "桁数" "length", "A081010504" "文字種" "characters", "A081010571" "下限未満" "below 1 yen", "A081010572" "上限超過" "above the limit";
    Bug "buyer_name_kanji" "購入者名(漢字)": "A081010601" "未設定" "missing", "A081010671" "使えない文字(半角カナ等)" "unsupported character, half-width kana included", "A081010672" "60バイト超過" "over 60 bytes";
    Bug "buyer_tel" "購入者TEL": "A081010701" "未設定" "missing", "A081010702" "桁数" "length", "A081010704" "文字種" "characters";
    Bug "buyer_email" "購入者E-Mail": "A081010801" "未設定" "missing", "A081010802" "桁数" "length", "A081010871" "形式誤り" "bad address", "A081010872" "@の前後が空" "local part or domain empty";
    Bug "pay_way" "支払回数": "A081010901" "未設定" "missing", "A081010902" "桁数" "length", "A081010904" "文字種" "characters";
    Bug "goods_name" "商品名": "A081011071" "使えない文字" "unsupported character", "A081011072" "600バイト超過" "over 600 bytes";
    Bug "card_code_api" "カード会社コード": "A081011171" "未設定" "missing", "A081011172" "値の範囲外" "not an allowed value";
    Bug "token" "トークン": "A081011201" "未設定" "missing", "A081011202" "桁数" "length", "A081011204" "文字種" "characters";
    Bug "trader_ec_url" "加盟店ECサイトURL": "A081011371" "未設定" "missing (needed for 3-D Secure)", "A081011372" "128桁超過" "over 128 characters", "A081011373" "httpsでない" "not https";
    Bug "scheduled_shipping_date" "出荷予定日": "A081011471" "形式" "format", "A081011472" "過去日" "in the past", "A081011473" "日付誤り" "not acceptable";
    Bug "card information division" "カード情報判定区分": "A081011506" "値の範囲外" "not an allowed value", "A081011571" "トークンと不整合" "inconsistent with the option flag the token was made with";
    // A09
    Bug "trader_code" "加盟店コード": "A091010201" "未設定" "missing", "A091010202" "桁数" "length", "A091010204" "文字種" "characters";
    Bug "order_no" "受付番号": "A091010301" "未設定" "missing", "A091010302" "桁数" "length", "A091010304" "文字種" "characters";
    Bug "comp_cd" "comp_cd": "A091010401" "未設定" "missing";
    Bug "token" "トークン": "A091010501" "未設定" "missing";
    Bug "card_exp" "カード有効期限": "A091010601" "未設定" "missing";
    Bug "item_price" "item_price": "A091010701" "未設定" "missing";
    Bug "item_tax" "item_tax": "A091010801" "未設定" "missing";
    Bug "cust_cd" "cust_cd": "A091010901" "未設定" "missing";
    Bug "shop_id" "shop_id": "A091011001" "未設定" "missing";
    Bug "term_cd" "term_cd": "A091011101" "未設定" "missing";
    Bug "crd_res_cd" "crd_res_cd": "A091011201" "未設定" "missing";
    Bug "res_code" "res_code": "A091011501" "未設定" "missing";
    Bug "three_d_tran_id" "three_d_tran_id": "A091011701" "未設定" "missing";
    Bug "send_dt" "send_dt": "A091011801" "未設定" "missing";
    Bug "hash_value" "hash_value": "A091011901" "未設定" "missing";
    Bug "three_d_token" "3Dトークン": "A091012001" "未設定" "missing", "A091012002" "桁数" "length";
    // A01
    Bug "trader_code" "加盟店コード": "A011010201" "未設定" "missing", "A011010202" "桁数" "length", "A011010204" "文字種" "characters";
    Bug "device_div" "端末区分": "A011010301" "未設定" "missing", "A011010306" "値の範囲外" "not an allowed value";
    Bug "order_no" "受付番号": "A011010401" "未設定" "missing", "A011010402" "桁数" "length", "A011010404" "文字種" "characters";
    Bug "settle_price" "決済金額": "A011010501" "未設定" "missing", "A011010502" "桁数" "length", "A011010504" "文字種" "characters", "A011010571" "下限未満" "below 1 yen", "A011010572" "上限超過" "above the limit";
    Bug "buyer_name_kanji" "購入者名(漢字)": "A011010601" "未設定" "missing", "A011010603" "バイト数" "byte length", "A011010671" "使えない文字" "unsupported character", "A011010672" "桁・バイト超過" "too long (digits or bytes)";
    Bug "buyer_tel" "購入者TEL": "A011010701" "未設定" "missing", "A011010702" "桁数" "length", "A011010704" "文字種" "characters";
    Bug "buyer_email" "購入者E-Mail": "A011010801" "未設定" "missing", "A011010802" "桁数" "length", "A011010871" "形式誤り" "bad address", "A011010872" "@の前後が空" "local part or domain empty";
    Bug "auth_div" "認証区分": "A011010901" "未設定" "missing", "A011010971" "値が不正(1)" "value not allowed (case 1)", "A011010972" "値が不正(2)" "value not allowed (case 2)";
    Bug "pay_way" "支払回数": "A011011001" "未設定" "missing", "A011011002" "桁数" "length", "A011011004" "文字種" "characters";
    Bug "option_service_div" "オプションサービス区分": "A011011101" "未設定" "missing", "A011011106" "値の範囲外" "not an allowed value";
    Bug "goods_name" "商品名": "A011011271" "使えない文字" "unsupported character", "A011011272" "桁・バイト超過" "too long";
    Bug "card_code_api" "カード会社コード": "A011011371" "未設定" "missing", "A011011372" "値の範囲外" "not an allowed value";
    Bug "card_no" "カード番号": "A011011471" "未設定" "missing", "A011011472" "桁数" "length", "A011011473" "文字種" "characters";
    Bug "security_code" "セキュリティコード": "A011011571" "未設定" "missing", "A011011572" "桁数" "length", "A011011573" "文字種" "characters";
    Bug "card_owner" "カード名義人": "A011011671" "未設定" "missing", "A011011672" "桁数" "length", "A011011673" "文字種" "characters";
    Bug "card_exp" "カード有効期限": "A011011771" "未設定" "missing", "A011011772" "形式" "format", "A011011773" "期限切れ" "expired";
    Bug "trader_ec_url" "加盟店ECサイトURL": "A011011871" "未設定" "missing", "A011011872" "桁数" "length", "A011011873" "形式" "format";
    Bug "member_id" "会員ID": "A011011971" "未設定" "missing", "A011011972" "桁数" "length", "A011011973" "文字種" "characters";
    Bug "authentication_key" "認証キー": "A011012071" "未設定" "missing", "A011012072" "桁数" "length", "A011012073" "文字種" "characters";
    Bug "card_key" "カード識別キー": "A011012171" "値の範囲外" "not an allowed value";
    Bug "last_credit_date" "最終利用日時": "A011012271" "形式" "format";
    Bug "scheduled_shipping_date" "出荷予定日": "A011012371" "未設定" "missing", "A011012372" "形式" "format", "A011012373" "過去日" "in the past", "A011012374" "上限日超過" "too far ahead";
    Bug "check_sum" "チェックサム": "A011012471" "未設定" "missing", "A011012472" "不一致" "mismatch";
    Bug "card data as a set" "カード情報一式": "A011012571" "不足" "missing";
    // A02
    Bug "trader_code" "加盟店コード": "A021010201" "未設定" "missing", "A021010202" "桁数" "length", "A021010204" "文字種" "characters";
    Bug "order_no" "受付番号": "A021010301" "未設定" "missing", "A021010302" "桁数" "length", "A021010304" "文字種" "characters";
    Bug "comp_cd" "comp_cd": "A021010401" "未設定" "missing";
    Bug "card_no" "カード番号": "A021010501" "未設定" "missing";
    Bug "card_exp" "カード有効期限": "A021010601" "未設定" "missing";
    Bug "item_price" "item_price": "A021010701" "未設定" "missing";
    Bug "item_tax" "item_tax": "A021010801" "未設定" "missing";
    Bug "cust_cd" "cust_cd": "A021010901" "未設定" "missing";
    Bug "shop_id" "shop_id": "A021011001" "未設定" "missing";
    Bug "term_cd" "term_cd": "A021011101" "未設定" "missing";
    Bug "crd_res_cd" "crd_res_cd": "A021011201" "未設定" "missing";
    Bug "res_code" "res_code": "A021011501" "未設定" "missing";
    Bug "three_d_tran_id" "three_d_tran_id": "A021011701" "未設定" "missing";
    Bug "send_dt" "send_dt": "A021011801" "未設定" "missing";
    Bug "hash_value" "hash_value": "A021011901" "未設定" "missing";
    Bug "three_d_token" "3Dトークン": "A021012001" "未設定" "missing", "A021012002" "桁数" "length";
};
