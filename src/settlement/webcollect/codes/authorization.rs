//! Codes of authorisation and stored cards (kuroneko-webcollect.md §4.4).

use super::{CodeRow, rows};

/// §4.4, in the order of the page.
pub(super) const ROWS: &[CodeRow] = rows! {
    // A08 creditToken
    "A082000001" Conf "加盟店が決済不可", "merchant not enabled", "";
    "A082000002" Conf "クレジットの利用開始日前", "card service not started", "";
    "A082000003" Verify "受付番号の重複", "order_no already registered", "the earlier try may have succeeded";
    "A082000004" Person "トークンの期限切れ・再利用", "token older than 30 minutes or used before", "a new token needs the buyer";
    "A082000005" Conf "オプション契約が無い", "option service not contracted", "";
    "A082000006" Retry "カード情報取得のシステムエラー", "card read failed", "verify first; token may be spent";
    "A082000007" Conf "使えない支払回数", "payment count not enabled", "";
    "A082000008" Decline "カード番号・期限の誤り", "card number or expiry wrong", "";
    "A082000010" Decline "与信できない", "authorisation refused", "read creditErrorCode";
    "A082000011" Person "カード預かり不可(3枚上限・登録済み)", "card not stored: already 3, or already registered", "E04 tells whether the authorisation stands";
    "A082000012" Retry "マスタ取得のシステムエラー", "gateway master-data error", "verify first";
    // A09 creditToken3D
    "A092000001" Verify "受付番号の重複", "order_no already registered", "";
    "A092000002" Retry "カード情報取得のシステムエラー", "card read failed", "verify first";
    "A092000003" Bug "3D応答電文が不正", "3-D response altered or incomplete", "";
    "A092000004" Decline "3D認証の取消・NG", "3-D cancelled or failed", "";
    "A092000005" Decline "与信できない", "authorisation refused", "read creditErrorCode";
    "A092000006" Person "カード預かり不可(3枚上限・登録済み)", "card not stored", "E04 tells whether the authorisation stands";
    // A01 credit
    "A012000001" Conf "加盟店が当該端末で決済不可", "merchant not enabled for this device", "";
    "A012000002" Conf "加盟店がクレジット決済不可", "merchant not enabled for card", "";
    "A012000003" Conf "加盟店が当該認証方式不可", "authentication method not allowed", "";
    "A012010001" Verify "同じ受付番号で決済済み", "order_no already settled or registered", "same amount and status 4 or later = the earlier try succeeded";
    "A012020001" Conf "カード預かりの契約が無い", "stored-card option not contracted", "";
    "A012030001" Person "預かりカードを取得できない", "stored card not found", "re-read with A03";
    "A012040001" Conf "カード会社情報を取得できない", "card company data unavailable", "";
    "A012040002" Conf "支払方法(回数)が使えない", "payment count not enabled", "";
    "A012050001" Decline "3D認証の失敗", "3-D Secure failed", "";
    "A012050002" Person "3D認証の対象外カード", "card cannot do 3-D Secure", "checkout redoes it with auth_div=2";
    "A012060001" Decline "与信できない", "authorisation refused", "read creditErrorCode";
    "A012070001" Person "カード預かりの処理失敗", "card could not be stored", "E04 tells whether the authorisation stands";
    "A012080001" Retry "マスタ取得のシステムエラー", "gateway master-data error", "verify first";
    "A012090001" Person "請求後取消のための預かり処理失敗", "card could not be kept for a later post-billing cancel", "E04 tells whether the authorisation stands";
    // A02 credit3D
    "A022000001" Conf "加盟店が当該端末で決済不可", "merchant not enabled for this device", "";
    "A022000002" Conf "加盟店がクレジット決済不可", "merchant not enabled for card", "";
    "A022010001" Verify "同じ受付番号で決済済み", "order_no already settled", "";
    "A022020001" Bug "3D応答電文が不正", "3-D response altered or incomplete", "the ACS fields must go back unchanged";
    "A022020002" Decline "3D認証結果がNG", "3-D authentication failed or cancelled", "";
    "A022030001" Decline "与信できない", "authorisation refused", "read creditErrorCode";
    "A022040001" Person "カード預かりの処理失敗", "card could not be stored", "";
    "A022050001" Retry "マスタ取得のシステムエラー", "gateway master-data error", "verify first";
    "A022060001" Person "請求後の取消失敗", "reversal after billing failed", "";
    // A03, A04, A05 stored cards
    "A032000001" Conf "オプション契約が無い", "stored-card option not contracted", "";
    "A033000001" Retry "預かり情報の取得失敗", "stored-card read failed", "";
    "A042000001" Conf "加盟店が決済不可", "merchant not enabled", "";
    "A042000002" Conf "加盟店がクレジット不可", "merchant not enabled for card", "";
    "A042000003" Conf "カード預かり不可", "stored-card option not contracted", "";
    "A042000004" Conf "カード会社が利用不可", "card company not enabled", "";
    "A043000001" Retry "最終利用日時が一致しない(排他)", "last_credit_date does not match (optimistic lock)", "re-read with A03 first";
    "A043000002" Verify "変更点が無い", "nothing changed", "already-done";
    "A043000003" Retry "カード情報取得のシステムエラー", "card read failed", "";
    "A044000001" Decline "カードの有効性確認NG", "card validity check failed", "read creditErrorCode";
    "A045000001" Retry "カード更新のシステムエラー", "card update failed", "re-read with A03 first";
    "A052000001" Conf "カード預かりの契約が無い", "stored-card option not contracted", "";
    "A053000001" Retry "最終利用日時が一致しない(排他)", "last_credit_date does not match", "re-read with A03 first";
    "A054000001" Retry "カード削除のシステムエラー", "delete failed", "re-read with A03; gone = already-done";
};
