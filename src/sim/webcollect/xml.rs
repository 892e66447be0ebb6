//! Answers in XML, and what faults make of them (kuroneko-webcollect.md §3).

use crate::clock::Timestamp;
use crate::sim::http::Answer;

/// 14 digits, Japanese time.
pub(crate) fn stamp(at: Timestamp) -> String {
    at.jst().format("%Y%m%d%H%M%S").to_string()
}

/// Leaves, name and text.
type Leaves = Vec<(&'static str, String)>;

/// Blocks with the element that counts them.
#[derive(Clone, Debug)]
struct List {
    count: &'static str,
    name: &'static str,
    blocks: Vec<Leaves>,
}

/// An answer before it is written out.
#[derive(Clone, Debug, Default)]
pub(crate) struct Reply {
    /// `errorCode`; empty on success.
    pub(crate) code: String,
    /// `returnCode` 0 in spite of a code.
    zero: bool,
    refused: bool,
    members: Leaves,
    /// What a function lists; `None` where it lists nothing.
    list: Option<List>,
    /// A page for people instead of a document.
    page: bool,
    strange: bool,
    decorated: bool,
    doctype: bool,
}

impl Reply {
    pub(crate) fn ok() -> Self {
        Self::default()
    }

    pub(crate) fn refused(code: &str) -> Self {
        Self { code: code.to_owned(), refused: true, ..Self::default() }
    }

    pub(crate) fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.members.push((name, value.into()));
        self
    }

    pub(crate) fn with_blocks(
        mut self,
        count: &'static str,
        name: &'static str,
        blocks: Vec<Leaves>,
    ) -> Self {
        self.list = Some(List { count, name, blocks });
        self
    }

    /// A page for people that says that the gateway is down.
    pub(crate) fn page() -> Self {
        Self { page: true, ..Self::default() }
    }

    pub(crate) fn is_page(&self) -> bool {
        self.page
    }

    /// The elements that a function's own refusals carry, empty, beside the envelope.
    pub(crate) fn completed(mut self) -> Self {
        let names: &[&str] = match self.code.get(..3) {
            Some("A03") => &["cardUnit"],
            Some("A07") => &["creditErrorCode"],
            Some("A08") => &["crdCResCd", "creditErrorCode", "threeDAuthHtml", "threeDToken"],
            _ => &[],
        };
        if self.refused && self.members.is_empty() {
            self.members.extend(names.iter().map(|name| (*name, String::new())));
        }
        self
    }

    /// `returnCode` 0 beside a code: a contradiction.
    pub(crate) fn zero_with(mut self, code: &str) -> Self {
        code.clone_into(&mut self.code);
        self.zero = true;
        self
    }

    /// Elements nobody knows, and the known ones in another order.
    pub(crate) fn strange(mut self) -> Self {
        self.strange = true;
        self
    }

    /// White space and CDATA around what leaves hold.
    pub(crate) fn decorated(mut self) -> Self {
        self.decorated = true;
        self
    }

    pub(crate) fn with_doctype(mut self) -> Self {
        self.doctype = true;
        self
    }

    /// A second block, cancelled, beside the first.
    pub(crate) fn two_blocks(mut self) -> Self {
        if let Some(list) = self.list.as_mut().filter(|list| list.name == "resultData")
            && let Some(first) = list.blocks.first().cloned()
        {
            let canceled = first.into_iter().map(|(name, value)| match name {
                "statusInfo" => (name, "40".to_owned()),
                _ => (name, value),
            });
            list.blocks.insert(0, canceled.collect());
        }
        self
    }

    pub(crate) fn answer(&self, now: Timestamp) -> Answer {
        let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
        if self.doctype {
            out.push_str("<!DOCTYPE return [<!ENTITY mihon \"0\">]>\n");
        }
        out.push_str("<return>\n");
        let number = if self.refused && !self.zero { "1" } else { "0" };
        let mut envelope =
            [("returnCode", number.to_owned()), ("errorCode", self.code.clone()), ("returnDate", stamp(now))];
        if self.strange {
            envelope.reverse();
            out.push_str(
                "  <!-- simulated -->\n  <unknownElement kind=\"a\"><nested>1</nested></unknownElement>\n",
            );
        }
        for (name, value) in envelope.iter().chain(&self.members) {
            self.leaf(&mut out, 2, name, value);
        }
        if let Some(list) = &self.list {
            self.leaf(&mut out, 2, list.count, &list.blocks.len().to_string());
            for block in &list.blocks {
                out.push_str(&format!("  <{}>\n", list.name));
                let mut block = block.clone();
                if self.strange {
                    block.reverse();
                    block.push(("newElement", "1".to_owned()));
                }
                for (name, value) in &block {
                    self.leaf(&mut out, 4, name, value);
                }
                out.push_str(&format!("  </{}>\n", list.name));
            }
        }
        out.push_str("</return>\n");
        Answer::new(200, "text/xml; charset=UTF-8", out)
    }

    fn leaf(&self, out: &mut String, indent: usize, name: &str, value: &str) {
        let blank = " ".repeat(indent);
        let line = if value.is_empty() {
            format!("{blank}<{name}/>\n")
        } else if self.decorated {
            format!("{blank}<{name}>\n\u{3000}<![CDATA[{}]]> </{name}>\n", value.replace("]]>", ""))
        } else {
            let value = value.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
            format!("{blank}<{name}>{value}</{name}>\n")
        };
        out.push_str(&line);
    }
}
