//! A reader of a few lines, not the crate's own: it must see what is there.

use std::borrow::Cow;

/// An element.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Node {
    pub name: String,
    pub text: String,
    pub children: Vec<Node>,
}

impl Node {
    pub fn child(&self, name: &str) -> Option<&Node> {
        self.children.iter().find(|c| c.name == name)
    }

    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Node> {
        self.children.iter().filter(move |c| c.name == name)
    }

    /// The text at a path of names; empty where there is nothing.
    pub fn at(&self, path: &str) -> &str {
        let found = path.split('/').try_fold(self, |node, name| node.child(name));
        found.map_or("", |node| node.text.as_str())
    }

    pub fn yen(&self, path: &str) -> i64 {
        self.at(path).parse().unwrap_or_else(|_| panic!("{path} of {} is {:?}", self.name, self.at(path)))
    }

    /// The names of its elements, `detail/…` for those of lines, each once, in order.
    pub fn names(&self) -> Vec<String> {
        let mut names = Vec::new();
        for child in &self.children {
            let mut own = vec![child.name.clone()];
            if child.name == "detail" {
                own.extend(child.names().into_iter().map(|n| format!("detail/{n}")));
            }
            for name in own {
                if !names.contains(&name) {
                    names.push(name);
                }
            }
        }
        names
    }
}

/// The root of a document without attributes on known elements.
pub fn parse(text: &str) -> Node {
    let mut open: Vec<Node> = vec![Node::default()];
    let mut rest = text;
    while let Some(start) = rest.find('<') {
        open.last_mut().unwrap().text.push_str(&plain(&rest[..start]));
        rest = &rest[start..];
        if let Some(cdata) = rest.strip_prefix("<![CDATA[") {
            let end = cdata.find("]]>").unwrap();
            open.last_mut().unwrap().text.push_str(&cdata[..end]);
            rest = &cdata[end + 3..];
            continue;
        }
        let end = if rest.starts_with("<!DOCTYPE") {
            rest.find("]>").unwrap() + 1
        } else {
            rest.find('>').unwrap()
        };
        let tag = &rest[1..end];
        rest = &rest[end + 1..];
        if tag.starts_with(['?', '!']) {
            continue;
        }
        if let Some(name) = tag.strip_prefix('/') {
            let mut node = open.pop().unwrap();
            assert_eq!(node.name, name);
            if !node.children.is_empty() {
                node.text.clear();
            }
            open.last_mut().unwrap().children.push(node);
        } else {
            let empty = tag.ends_with('/');
            let name = tag.trim_end_matches('/').split(' ').next().unwrap().to_owned();
            let node = Node { name, ..Node::default() };
            if empty { open.last_mut().unwrap().children.push(node) } else { open.push(node) }
        }
    }
    assert_eq!(open.len(), 1, "every element is closed");
    let root = open.remove(0).children.remove(0);
    assert_eq!(root.name, "response");
    root
}

fn plain(text: &str) -> Cow<'_, str> {
    if text.contains('&') {
        Cow::Owned(text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&"))
    } else {
        Cow::Borrowed(text)
    }
}
