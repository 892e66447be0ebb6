//! Codes of the functions that work on an order (kuroneko-webcollect.md §4.3).

use super::{CodeRow, rows};

/// §4.3, in the order of the page.
pub(super) const ROWS: &[CodeRow] = rows! {
    // A06 creditCancel
    "A062010001" Person "受付番号のデータが無い", "no such order", "compare the 受付番号, `trader_code` and `environment` with Yamato's console";
    "A062010002" Person "API方式のカード決済ではない", "not an API card order", "cancel it where it was paid; the API cancels its own card sales alone";
    "A062010003" Verify "取消できない状態(無効・取消済み・セキュリティNG・取消不可)", "not cancellable: invalid, already cancelled, security NG, or locked", "status 40 = already-done, else a person";
    "A062010004" Person "カード会社側に対象なし(精算済み)", "issuer has no record left: already settled", "refund the buyer outside the gateway";
    "A062010005" Retry "決済機関で取消NG(状態)", "cancel refused by the network (status)", "verify, 3 tries, then a person";
    "A062010007" Retry "決済機関で取消NG(更新なし)", "cancel refused by the network (nothing updated)", "verify, 3 tries, then a person";
    "A062030001" Person "請求後の取消に失敗", "cancel after billing failed", "call Yamato's support with the 受付番号 and the お問い合わせ番号; `operations retry` looks first and tries once more";
    // A07 creditChangePrice
    "A070000000" Window "23時-1時の夜間処理中", "night batch window", "resume after 01:00 JST";
    "A072000001" Conf "金額変更の契約が無い", "price change not contracted", "";
    "A073000001" Person "金額変更の対象外(無い・カード以外・取消済み)", "not eligible: missing, not card, or cancelled", "see the transaction in Yamato's console: it is missing, not paid by card, or cancelled";
    "A073000002" Person "同梱中の受注", "order is in a consolidated shipment", "undo the consolidation (同梱) in Yamato's console first";
    "A074000001" Verify "変更前後が同額", "new price equals the old one", "settlePrice equal = already-done";
    "A074000002" Person "増額の契約が無い", "increase not allowed for this merchant", "decreases still work: ask Yamato for 増額, or let the buyer pay the difference otherwise";
    "A075000001" Retry "カード情報を取得できない", "card data unavailable", "3 tries, then a person";
    "A076000001" Decline "変更後金額の与信NG", "authorisation for the new amount refused", "the old authorisation normally stands: look at the amount in Yamato's console, keep the old amount or ask the buyer; if both amounts are held, call Yamato's support with the 受付番号 and the お問い合わせ番号";
    "A077000001" Person "変更前金額の取消NG", "old authorisation could not be reversed", "the new amount is held and the old one was not let go: the buyer's card may be blocked twice; call Yamato's support with the 受付番号, the お問い合わせ番号 and this code, and ship after that";
    // A11 reAuth
    "A110000000" Window "23時-1時の夜間処理中", "night batch window", "resume after 01:00 JST";
    "A112000001" Conf "加盟店がクレジット利用不可", "merchant not enabled for card", "";
    "A112000002" Verify "再与信の対象外", "not eligible for re-authorisation (5.3)", "a look-up decides; usually a person: ship before the authorisation ends, or ask the buyer for another card";
    "A112000003" Retry "カード情報取得のシステムエラー", "card read failed", "verify, 3 tries";
    "A112000004" Decline "再与信NG", "re-authorisation refused", "the old authorisation stands until its last day: ship before it ends, or ask the buyer for another card";
    // E01 shipmentEntry
    "E011010251" Conf "加盟店が出荷情報登録できない", "merchant may not register shipments", "";
    "E011010351" Verify "受注データ不正(無い・出荷済み・売上確定済み等)", "order missing or not in a registrable state (already shipped, already captured ...)", "a look-up decides (5.6)";
    "E011010451" Person "送り状番号が無効(7チェック・有効性・便種)", "slip number invalid: check digit, not a live slip, or a service that may not be used", "permanent for this slip: correct it with `slips replace`";
    "E012000001" Verify "送り状番号が登録済み", "slip already registered (on this order, or by another merchant)", "our slip on our order = already-done, else a person";
    "E012000002" Person "送り状番号が99件を超える", "more than 99 slips on one order", "no further slip can be registered; ask Yamato how the rest is to be told";
    "E012000003" Person "同梱の合計が30万円を超える", "consolidated total above 300,000 yen", "send these orders in parcels of their own, or lower the total";
    "E012000004" Person "同梱が既に3件", "slip already carries 3 orders", "give this order a parcel and a slip of its own";
    "E012000005" Person "登録済み受注が修正不可の状態", "a linked order is not modifiable", "look at the linked order in Yamato's console first";
    "E012000006" Person "既に同梱された受注への新しい送り状番号", "order already in a consolidated shipment", "undo the consolidation (同梱) in Yamato's console first";
    "E013000001" Retry "排他制御", "concurrent update", "verify, then resend";
    // E02 shipmentCancel
    "E021010251" Conf "加盟店が出荷情報取消できない", "merchant may not cancel shipments", "";
    "E021010351" Verify "受注データ不正", "order missing or not in a state where this is possible", "status 4 or 40 without the slip = already-done, else a person";
    "E022000001" Verify "受注と送り状の紐付けが合わない", "slip is not linked to this order", "slip absent in E04 = already-done";
    "E022000002" Person "他の受注と同梱されている", "slip also carries another order", "the slip is in one parcel with other orders (同梱): take it back in Yamato's console";
    "E022000003" Person "登録済み受注が修正不可の状態", "a linked order is not modifiable", "look at the linked order in Yamato's console first";
    "E023000001" Retry "排他制御", "concurrent update", "verify, then resend";
    // E03 changeDate
    "E031010351" Person "変更できる受注が無い", "no modifiable (reservation) order", "only a reservation (予約) has a planned ship date: see its status in Yamato's console";
    "E032000001" Conf "オプション契約が無い", "option service not contracted", "";
    "E033000001" Retry "排他制御", "concurrent update", "verify, then resend";
};
