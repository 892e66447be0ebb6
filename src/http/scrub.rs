//! What may be told of somebody else's text (I9). Services repeat in errors what they were sent, and what they know of a
//! buyer; that a word is a name cannot be seen from the word. So nothing is looked for that should go: what is known to be
//! harmless stays, and the rest is left out. The words are those of errors (`words.txt`), forms are those of codes,
//! numbers of orders, times and names of members.

use std::collections::HashSet;
use std::sync::LazyLock;

/// Characters of a text that are told.
const TOLD: usize = 200;
/// Characters of a code.
const CODE: usize = 64;
/// What stands for something left out.
const GONE: char = '…';
/// Short words of hiragana join others; alone they might be a name.
const JOINS: usize = 3;

static WORDS: LazyLock<HashSet<&'static str>> = LazyLock::new(|| {
    let lines = include_str!("words.txt").lines().filter(|line| !line.starts_with('#'));
    lines.flat_map(str::split_whitespace).collect()
});
/// Characters of the longest Japanese word.
static LONGEST: LazyLock<usize> = LazyLock::new(|| {
    WORDS.iter().filter(|word| !word.is_ascii()).map(|word| word.chars().count()).max().unwrap_or(0)
});

/// The first 200 characters of what may be told of somebody else's text.
#[must_use]
pub fn scrub(text: &str) -> String {
    let mut shown: Vec<String> = Vec::new();
    let text: Vec<char> = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    for word in without_phones(&text).split_whitespace() {
        let word = if word.contains(['@', '＠']) { GONE.to_string() } else { told(word) };
        let gone = |text: &str| text.chars().all(|c| c == GONE);
        if !(gone(&word) && shown.last().is_some_and(|last| gone(last))) {
            shown.push(word);
        }
    }
    // Cut last: half a key is still a key's half.
    shown.join(" ").chars().take(TOLD).collect()
}

/// A code, or the id of a request, of somebody else: one run of ASCII characters, which no name in Japanese is. Anything
/// else is treated as text.
#[must_use]
pub fn scrub_code(code: &str) -> String {
    let code = code.trim();
    let is_part = |c: char| c.is_ascii_alphanumeric() || "_.-:/#=".contains(c);
    let whole = !code.is_empty() && code.len() <= CODE && code.chars().all(is_part);
    if whole && !is_phone(code) && !is_key(code) { code.to_owned() } else { scrub(code) }
}

/// The text without telephone numbers whose groups stand apart: `(03) 7654-3210`.
fn without_phones(text: &[char]) -> String {
    let mut out = String::new();
    let mut at = 0;
    while let Some(c) = text.get(at) {
        let begins = matches!(c, '0' | '+') && !out.ends_with(|c: char| c.is_ascii_digit() || c == '-');
        // Behind a letter ten digits are a part of an id.
        let within = out.ends_with(|c: char| c.is_ascii_alphabetic());
        match text.get(at..).filter(|_| begins).and_then(phone_before) {
            Some((length, groups)) if groups > 1 || !within => {
                out.push(GONE);
                at += length;
            }
            _ => {
                out.push(*c);
                at += 1;
            }
        }
    }
    out
}

/// The length of the telephone number that a text begins with, and its groups.
fn phone_before(text: &[char]) -> Option<(usize, usize)> {
    let enough = if text.first() == Some(&'+') { 9..=13 } else { 10..=11 };
    let (mut digits, mut gap, mut groups) = (0, 0, 1);
    for (at, c) in text.iter().enumerate() {
        match c {
            '0'..='9' => (digits, gap) = (digits + 1, 0),
            '+' if at == 0 => {}
            '(' | ')' | '-' | '.' | ' ' if gap < 2 => {
                groups += usize::from(gap == 0);
                gap += 1;
            }
            _ => return None,
        }
        let group_ends = text.get(at + 1).is_none_or(|next| !next.is_ascii_digit());
        if gap == 0 && group_ends && enough.contains(&digits) {
            return Some((at + 1, groups));
        }
    }
    None
}

/// What is told of a text without blanks.
fn told(word: &str) -> String {
    let mut out = Told::default();
    let mut rest = word;
    while let Some(first) = rest.chars().next() {
        let same: fn(char) -> bool = match kind(first) {
            Kind::Latin => |c| kind(c) == Kind::Latin,
            Kind::Other => |c| kind(c) == Kind::Other,
            Kind::Sign => |c| kind(c) == Kind::Sign,
        };
        let (run, behind) = rest.split_at(rest.find(|c| !same(c)).unwrap_or(rest.len()));
        match kind(first) {
            Kind::Latin => latin(run, &mut out),
            Kind::Other => japanese(run, &mut out),
            Kind::Sign => out.sign(run),
        }
        rest = behind;
    }
    out.text
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Latin,
    /// Letters and digits beyond ASCII.
    Other,
    Sign,
}

fn kind(c: char) -> Kind {
    if c.is_ascii_alphanumeric() || "+_.~|-".contains(c) {
        Kind::Latin
    } else if c.is_alphanumeric() || matches!(c, '々' | '〆' | 'ー') {
        Kind::Other
    } else {
        Kind::Sign
    }
}

/// A text as it is put together.
#[derive(Default)]
struct Told {
    text: String,
    /// Whether the last piece was told, so that a particle may follow.
    open: bool,
}

impl Told {
    fn piece(&mut self, piece: &str) {
        self.text.push_str(piece);
        self.open = true;
    }

    fn sign(&mut self, signs: &str) {
        let gone = self.text.ends_with(GONE);
        self.text.push_str(if gone { signs.trim_start_matches(GONE) } else { signs });
        self.open = false;
    }

    fn gone(&mut self) {
        if !self.text.ends_with(GONE) {
            self.text.push(GONE);
        }
        self.open = false;
    }
}

fn latin(run: &str, out: &mut Told) {
    // What ends a sentence is no part of its last word.
    let bare = run.trim_end_matches(['.', '-', '|']);
    let end = &run[bare.len()..];
    if bare.is_empty() {
        return out.sign(run);
    }
    let behind_letters = bare.trim_start_matches(|c: char| c.is_ascii_alphabetic());
    if is_phone(behind_letters) || is_address(bare) || is_key(bare) || !is_known(bare) {
        out.gone();
    } else {
        out.piece(bare);
    }
    if !end.is_empty() {
        out.sign(end);
    }
}

/// Words, names of members, codes, numbers and times.
fn is_known(run: &str) -> bool {
    if uuid::Uuid::parse_str(run).is_ok() {
        return true;
    }
    let digits = run.bytes().any(|b| b.is_ascii_digit());
    parts(run).all(|part| {
        let word = part.to_ascii_lowercase();
        // `ES01-01`, `px-04102`: two or three letters beside digits are a code's.
        WORDS.contains(word.as_str()) || (digits && part.len() <= 3)
    })
}

/// The words in `orderNumberList`, `ORDER_EXT_API` and `paginationToken2`; digits are left out.
fn parts(run: &str) -> impl Iterator<Item = &str> {
    run.split(|c: char| !c.is_ascii_alphabetic()).flat_map(|letters| {
        let bytes = letters.as_bytes();
        let mut starts = vec![0];
        for at in 1..bytes.len() {
            let upper = bytes[at].is_ascii_uppercase();
            let after_lower = bytes[at - 1].is_ascii_lowercase();
            let before_lower = bytes.get(at + 1).is_some_and(u8::is_ascii_lowercase);
            if upper && (after_lower || before_lower) {
                starts.push(at);
            }
        }
        starts.push(bytes.len());
        let pieces: Vec<&str> = starts.windows(2).map(|pair| &letters[pair[0]..pair[1]]).collect();
        pieces.into_iter().filter(|piece| !piece.is_empty())
    })
}

/// The longest known word first, from the left.
fn japanese(run: &str, out: &mut Told) {
    let mut rest = run;
    while !rest.is_empty() {
        match longest(rest, out.open) {
            Some(word) => {
                out.piece(word);
                rest = &rest[word.len()..];
            }
            None => {
                out.gone();
                rest = rest.chars().next().map_or("", |c| &rest[c.len_utf8()..]);
            }
        }
    }
}

fn longest(text: &str, open: bool) -> Option<&str> {
    let ends: Vec<usize> = text.char_indices().map(|(at, c)| at + c.len_utf8()).take(*LONGEST).collect();
    let found = ends.iter().enumerate().rev().map(|(n, end)| (n + 1, &text[..*end]));
    found
        .filter(|(_, word)| WORDS.contains(word))
        .find(|(length, word)| open || !joins(word, *length))
        .map(|(_, word)| word)
}

/// Whether a word is told only behind another one: a particle, a counter, a short word of hiragana.
fn joins(word: &str, length: usize) -> bool {
    length == 1 || (length < JOINS && word.chars().all(|c| matches!(c, 'ぁ'..='ん')))
}

/// Ten or eleven digits from a 0 on, in up to three groups; with a country's number, any.
fn is_phone(run: &str) -> bool {
    let digits = run.bytes().filter(u8::is_ascii_digit).count();
    if run.starts_with('+') {
        return digits >= 8;
    }
    let groups = run.split(['-', '.']).count();
    run.starts_with('0') && (10..=11).contains(&digits) && groups <= 3 && digits + groups - 1 == run.len()
}

/// A postal code, or a house's number: `100-0001`, `1000001`, `9-8-7`.
fn is_address(run: &str) -> bool {
    let groups: Vec<&str> = run.split('-').collect();
    if !groups.iter().all(|group| !group.is_empty() && group.bytes().all(|b| b.is_ascii_digit())) {
        return false;
    }
    match groups.as_slice() {
        [one] => one.len() == 7,
        [three, four] if three.len() == 3 && four.len() == 4 => true,
        many => many.iter().all(|group| group.len() <= 3),
    }
}

/// Long, of letters and digits that make no word: but not a code of capitals, and not the id of a request.
fn is_key(run: &str) -> bool {
    let has = |what: fn(&u8) -> bool| run.bytes().any(|b| what(&b));
    let (digit, lower, upper) =
        (has(u8::is_ascii_digit), has(u8::is_ascii_lowercase), has(u8::is_ascii_uppercase));
    let code = !lower && run.contains('_');
    let long = run.len() >= 32 || (run.len() >= 16 && lower && upper);
    long && digit && (lower || upper) && !code && uuid::Uuid::parse_str(run).is_err()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_a_service_repeats_of_a_request_is_not_told() {
        let told = scrub(
            "Invalid key=SL345678_aB3dE5fG7hJ9kL1m, token Atza|IwEBIJ2h8Kx0canary99: call 03-1234-5678 or 09012345678, \
             ask a@example.jp about ESA U1AzNDU2NzhfczNjcjN0OlNMMzQ1Njc4X2tleQ==",
        );
        assert_eq!(told, "Invalid key=…, token …: call … or …, … about … …==");
        // Codes, numbers of orders and ids of requests are told.
        let kept = "ORDER_EXT_API_GET_ORDER_ERROR_009: 123456-20261120-0000000001, 503-1234567-1234567, \
                    sim-store-10000123 (33ceb043-3bb1-f82f-0335-dd346a7d6124) は見つかりません";
        assert_eq!(scrub(kept), kept.replace(" は", " …"));
    }

    #[test]
    fn what_is_known_of_a_buyer_is_not_told() {
        for (said, told) in [
            (
                "注文者 金糸雀丘 囀子 様の電話番号(03-7654-3210)が不正です。",
                "注文者 … …電話番号(…)…不正です。",
            ),
            ("金糸雀丘囀子様の注文番号に誤りがあります", "…注文番号に誤りがあります"),
            ("お届け先：〒100-0001 東京都千代田区囀町9-8-7 ささやか荘201", "お届け先：〒… … …201"),
            ("buyer Taro YAMADA (+81 90 1234 5678, +819012345678) is unknown", "buyer … (…, …) is unknown"),
            ("Tel09012345678 tel03-7654-3210 tel: 03 7654 3210", "… …: …"),
            ("call TEL(03)7654-3210 or 503 (03) 7654 3210 12", "call …(… or 503 (… 12"),
            ("ヤマダ タロウ、さくら、もも、ひなた", "… …、…、…、…"),
            ("ｶﾅﾘｱ ０９０１２３４５６７８ TARO", "…"),
            ("member yamadaTaro1985 has no cardHolderName", "member … has no …"),
        ] {
            assert_eq!(scrub(said), told, "{said}");
        }
    }

    #[test]
    fn errors_are_told_so_that_an_operator_understands_them() {
        for kept in [
            "dateTypeの項目を指定して下さい。",
            "shippingDateの書式が不正です。",
            "指定された注文番号は既にキャンセルされているため、発送完了報告が出来る状態ではありませんでした。",
            "[orderId]必須入力項目です",
            "認証に失敗しました",
            "会員番号に誤りがあります",
            "ただいまメンテナンス中です。しばらくお待ちください。",
            "バージョンが対象外です",
            "The LWA secret token you provided has expired.",
            "The paginationToken you have submitted is not valid. All parameters must match the original request except \
             maxResultsPerPage.",
            "Request Parameter Error : OrderTimeFrom",
            "503 Service Temporarily Unavailable, 2026-11-21T12:00:00+09:00, HTTP 503",
            "AccessDeniedException",
            "Un-Authorised",
            "seller_id is not specified",
            "(request 6875f61f-6aa1-4e8d-98c6-9b0000000034)",
        ] {
            assert_eq!(scrub(kept), kept);
        }
    }

    #[test]
    fn codes_are_told_as_they_are_and_what_is_no_code_is_not() {
        for code in ["E011010351", "od90101", "KQJ8H3ZT0PXV1R7C", "ES01-02", "CME9001", "InvalidInput"] {
            assert_eq!(scrub_code(code), code);
        }
        for other in ["囀子", "a@b.jp", "03-7654-3210", "Canary1AccessToken2Canary3"] {
            assert_eq!(scrub_code(other), "…", "{other}");
        }
        assert_eq!(scrub_code(""), "");
    }

    proptest! {
        #[test]
        fn nothing_is_added_and_nothing_panics(text in "[a-zA-Z0-9ぁ-んァ-ヶ一-鿿ー、。@ +._-]{0,80}") {
            let told = scrub(&text);
            prop_assert!(told.chars().all(|c| c == GONE || text.contains(c)));
            prop_assert!(told.chars().count() <= TOLD);
        }
    }
}
