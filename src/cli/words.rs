//! Every word that people read in tables, notices and questions, in Japanese and English (decisions.md 37). JSON, CSV
//! headings, logs and help stay English.

use std::fmt::Display;

use crate::config::Language;
use crate::domain::account::Level;
use crate::domain::operation::State;
use crate::domain::order::{PaymentMethod, Status};
use crate::domain::reception::ReceptionOutcome;
use crate::domain::reconcile::Kind;
use crate::domain::settlement::SettlementState;
use crate::domain::slip::RowOutcome;
use crate::status::{Pause, Topic};

mod texts;

pub use texts::*;

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

/// What became of a row of a file of reception numbers.
pub const fn reception(outcome: ReceptionOutcome, language: Language) -> &'static str {
    let ja = match outcome {
        ReceptionOutcome::Linked => "結び付け",
        ReceptionOutcome::Known => "済み",
        ReceptionOutcome::Waiting => "注文待ち",
        ReceptionOutcome::Refused => "不可",
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
        Kind::NoRule => ("no rule fits", "規則に該当なし"),
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
        Topic::AddressChanged => T_ADDRESS,
        Topic::RenewalsAsked => T_RENEWALS,
        Topic::FunctionStopped => T_FUNCTION_STOPPED,
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
    use super::texts::ALL;
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
