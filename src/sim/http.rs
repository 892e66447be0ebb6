//! A small HTTP/1.1 front of its own: faults need control of every byte that goes out.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const HEAD_CAP: usize = 16 * 1024;
/// A feed of Amazon's may be so large.
const BODY_CAP: usize = 10 * 1024 * 1024;

/// What a client sent.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) query: String,
    headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
    pub(crate) keep_alive: bool,
}

impl Request {
    /// The first header of this name (given in lower case), trimmed.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str())
    }
}

/// What goes back, before any fault of the wire.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn new(status: u16, content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        Self { status, headers: vec![("Content-Type", content_type.to_owned())], body: body.into() }
    }

    pub(crate) fn json(status: u16, body: &serde_json::Value) -> Self {
        Self::new(status, "application/json;charset=UTF-8", body.to_string())
    }

    pub(crate) fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// Status line and headers, blank line included. Without a length the body ends where the connection does.
    pub(crate) fn head(&self, with_length: bool, keep_alive: bool) -> Vec<u8> {
        let mut head = format!("HTTP/1.1 {} {}\r\n", self.status, reason(self.status));
        for (name, value) in &self.headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        // One without a body has no length (RFC 9110 §8.6).
        if with_length && self.status != 204 {
            head.push_str(&format!("Content-Length: {}\r\n", self.body.len()));
        }
        head.push_str(if keep_alive {
            "Connection: keep-alive\r\n\r\n"
        } else {
            "Connection: close\r\n\r\n"
        });
        head.into_bytes()
    }
}

fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        201 => "Created",
        202 => "Accepted",
        204 => "No Content",
        302 => "Found",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        411 => "Length Required",
        413 => "Content Too Large",
        415 => "Unsupported Media Type",
        429 => "Too Many Requests",
        500 => "Internal Server Error",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        _ => "Status",
    }
}

/// How reading a request ended.
pub(crate) enum Read {
    Request(Request),
    /// The client is gone, or sent nothing more.
    Closed,
    /// Not HTTP as this server speaks it: answer and close.
    Refused(u16),
}

/// Reads one request. `kept` holds bytes of the next request that arrived with this one.
pub(crate) async fn read(stream: &mut TcpStream, kept: &mut Vec<u8>) -> std::io::Result<Read> {
    let head_end = loop {
        if let Some(at) = kept.windows(4).position(|w| w == b"\r\n\r\n") {
            break at + 4;
        }
        if kept.len() > HEAD_CAP {
            return Ok(Read::Refused(413));
        }
        if stream.read_buf(kept).await? == 0 {
            return Ok(Read::Closed);
        }
    };
    let Ok(head) = std::str::from_utf8(&kept[..head_end]) else {
        return Ok(Read::Refused(400));
    };
    let Some(mut request) = parse_head(head) else {
        return Ok(Read::Refused(400));
    };
    if request.header("transfer-encoding").is_some() {
        return Ok(Read::Refused(411));
    }
    let length = match request.header("content-length").map(str::parse::<usize>) {
        None => 0,
        Some(Ok(length)) if length <= BODY_CAP => length,
        Some(Ok(_)) => return Ok(Read::Refused(413)),
        Some(Err(_)) => return Ok(Read::Refused(400)),
    };
    if request.header("expect").is_some_and(|e| e.eq_ignore_ascii_case("100-continue")) {
        stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").await?;
    }
    while kept.len() < head_end + length {
        if stream.read_buf(kept).await? == 0 {
            return Ok(Read::Closed);
        }
    }
    request.body = kept[head_end..head_end + length].to_vec();
    kept.drain(..head_end + length);
    Ok(Read::Request(request))
}

fn parse_head(head: &str) -> Option<Request> {
    let mut lines = head.split("\r\n");
    let mut first = lines.next()?.split(' ');
    let (method, target, version) = (first.next()?, first.next()?, first.next()?);
    if first.next().is_some() || !target.starts_with('/') || !version.starts_with("HTTP/1.") {
        return None;
    }
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let mut headers = Vec::new();
    for line in lines.filter(|l| !l.is_empty()) {
        let (name, value) = line.split_once(':')?;
        headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    let mut request = Request {
        method: method.to_owned(),
        path: path.to_owned(),
        query: query.to_owned(),
        headers,
        body: Vec::new(),
        keep_alive: false,
    };
    request.keep_alive = version == "HTTP/1.1"
        && !request.header("connection").is_some_and(|c| c.eq_ignore_ascii_case("close"));
    Some(request)
}
