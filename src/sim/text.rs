//! CSV text as Japanese programs write it: CP932, CRLF, quotes.

use std::io;

/// The bytes of `text` in CP932. 𠮷 is written 吉, as carts and carriers do; anything else that CP932 lacks is an error.
pub(crate) fn cp932(text: &str) -> io::Result<Vec<u8>> {
    let text = text.replace('𠮷', "吉");
    let (bytes, _, lost) = encoding_rs::SHIFT_JIS.encode(&text);
    if lost {
        return Err(io::Error::new(
            io::ErrorKind::InvalidData,
            "simulated CSV text holds a character that CP932 does not have",
        ));
    }
    Ok(bytes.into_owned())
}

/// One row, CRLF included; `quote_all` or only where a cell needs it.
pub(crate) fn row<S: AsRef<str>>(cells: &[S], quote_all: bool) -> String {
    let cells: Vec<String> = cells
        .iter()
        .map(|cell| {
            let cell = cell.as_ref();
            if quote_all || cell.contains([',', '"', '\n', '\r']) {
                format!("\"{}\"", cell.replace('"', "\"\""))
            } else {
                cell.to_owned()
            }
        })
        .collect();
    format!("{}\r\n", cells.join(","))
}
