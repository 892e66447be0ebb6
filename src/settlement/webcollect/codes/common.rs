//! Codes that every function may answer (kuroneko-webcollect.md §4.2).

use super::{CodeRow, rows};

/// §4.2, in the order of the page.
pub(super) const ROWS: &[CodeRow] = rows! {
    "Z010000000" Window "サーバのメンテナンス中", "gateway is down for maintenance", "not processed; back off 5-15 min, keep the job";
    "Z012000001" Bug "POST以外で送った", "request was not a POST", "";
    "Z012000002" Bug "機能区分が無い", "function_div missing", "";
    "Z012000003" Bug "機能区分が不正", "function_div not a known code", "";
    "Z012000004" Verify "同じ受付番号が処理中", "another request for this order_no is in progress", "wait, E04, then decide; never resend an authorisation blindly";
    "Z012000005" Verify "API要求のタイムアウト(混雑)", "gateway timed out under load", "outcome of a changing call is unknown";
    "Z012000006" Retry "同時処理数の上限超過", "too many simultaneous transactions", "reduce concurrency, exponential back-off";
    "Z012000007" Conf "加盟店コード不備・取引停止・利用開始日前", "wrong trader code, merchant suspended, or before the start date", "stop all jobs for the merchant";
    "Z012000008" Conf "API利用の申込が無い", "API method not contracted", "stop all jobs for the merchant";
    "Z012000009" Conf "接続元グローバルIPが登録と違う", "source IP is not the registered one", "stop all jobs; show the IP that H01 reports";
    "Z012000010" Conf "認証パスワード不一致・期限切れ(30分)", "F01 password wrong or older than 30 minutes", "F family only";
    "Z012000011" Retry "トークン発行時のタイムアウト", "token creation timed out", "browser side";
    "Z019999999" Verify "webコレクト内部の例外", "internal exception", "outcome unknown; after 3 tries, a person";
};
