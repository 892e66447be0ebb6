//! The envelope of answers and refusals (au-pay-market.md §4.1, §9, §13.2).

use super::Shop;
use super::search::Page;
use super::switches::Switches;
use super::xml::{Xml, escape};
use crate::sim::faults::{Body, Fault};
use crate::sim::http::Answer;

pub(crate) const XML: &str = "application/xml;charset=UTF-8";

/// What is wrong with one parameter (§13.2).
#[derive(Clone, Debug)]
pub(crate) enum Bad {
    Missing(String),
    Format(String),
}

/// A page of the web server, not of the interface.
pub(crate) fn page(status: u16) -> Answer {
    let fault = Fault::Status { status, body: Body::Html, effect: false, retry_after: 0 };
    fault.mangle(Answer::new(status, "text/html", ""))
}

/// `application/xml`, with the charset that requests have or none (§2).
pub(crate) fn is_xml(content_type: Option<&str>) -> bool {
    let mut parts = content_type.unwrap_or_default().split(';').map(str::trim);
    parts.next().is_some_and(|media| media.eq_ignore_ascii_case("application/xml"))
        && parts.all(|part| part.is_empty() || part.eq_ignore_ascii_case("charset=utf-8"))
}

/// A refusal with one code. Codes `CME9…` and their texts are invented, as is the text of `CME0022`.
pub(crate) fn refusal(switches: &Switches, code: &str) -> Answer {
    let text = match code {
        "0002" => "認証に失敗しました",
        "CME0022" => "会員番号に誤りがあります",
        "CME9003" => "注文が存在しません",
        "CME9004" => "指定できない注文ステータスです",
        "CME9005" => "この状態の注文は更新できません",
        "CME9006" => "既に更新されています",
        "CME9090" => "メンテナンス中です",
        _ => "システムエラーが発生しました",
    };
    let status = if code == "0002" { switches.auth_http } else { switches.error_http };
    errors(switches, status, &[(code, text.to_owned())])
}

/// One `error` for each bad parameter.
pub(crate) fn refused(switches: &Switches, bad: &[Bad]) -> Answer {
    let rows: Vec<(&str, String)> = bad
        .iter()
        .map(|bad| match bad {
            Bad::Missing(name) => ("CME9001", format!("[{name}]必須入力項目です")),
            Bad::Format(name) => ("CME9002", format!("[{name}]形式に誤りがあります")),
        })
        .collect();
    errors(switches, switches.error_http, &rows)
}

fn errors(switches: &Switches, status: u16, rows: &[(&str, String)]) -> Answer {
    let mut text = String::from(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<response>\n  <result>\n    <status>1</status>\n",
    );
    for (code, message) in rows {
        let mut escaped = String::new();
        escape(&mut escaped, message);
        text.push_str(&if switches.flat_errors {
            format!("    <message>{escaped}</message>\n")
        } else {
            format!(
                "    <error>\n      <code>{code}</code>\n      <message>{escaped}</message>\n    </error>\n"
            )
        });
    }
    text.push_str("  </result>\n</response>\n");
    Answer::new(status, XML, text)
}

/// Success, and nothing else.
pub(crate) fn well() -> Answer {
    let text = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<response>\n  <result>\n    <status>0</status>\n  </result>\n\
                </response>\n";
    Answer::new(200, XML, text)
}

/// `result` and `resultCount`, and the hollow element that may stand for no orders.
pub(crate) fn success(xml: &mut Xml<'_>, page: &Page, switches: &Switches) {
    xml.out.push_str("  <result>\n    <status>0</status>\n  </result>\n  ");
    let count = if switches.grand_total { page.grand_total } else { page.indices.len() };
    xml.out.push_str(&format!("<resultCount>{count}</resultCount>\n"));
    if page.indices.is_empty() && switches.hollow {
        xml.out.push_str("<orderInfo/>\n");
    }
}

/// Order numbers in one `orderInfo`, or in one each (§4.2).
pub(crate) fn numbers(xml: &mut Xml<'_>, shop: &Shop, indices: &[u64], apart: bool) {
    if indices.is_empty() {
        return;
    }
    xml.out.push_str("<orderInfo>");
    for (n, &index) in indices.iter().enumerate() {
        if apart && n > 0 {
            xml.out.push_str("</orderInfo>\n<orderInfo>");
        }
        xml.leaf("orderId", &shop.number(index));
    }
    xml.out.push_str("</orderInfo>\n");
}
