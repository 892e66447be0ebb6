//! A second key beside the first, so that one can be renewed without a gap.

use crate::http::{Client, Fault};

/// Asks with the key that worked last and, when it is refused, with the others, counted from 0. Makes at most `*calls`
/// calls and counts them down.
///
/// # Errors
/// Those of `ask`. A refusal is that of the first key tried; its message names the codes of all.
pub async fn any<T, F>(
    client: &Client,
    keys: usize,
    calls: &mut usize,
    mut ask: impl FnMut(usize) -> F,
) -> Result<T, Fault>
where
    F: Future<Output = Result<T, Fault>>,
{
    let keys = keys.max(1);
    let first = client.preferred_credential() % keys;
    let mut refused: Vec<(String, String)> = Vec::new();
    for key in (0..keys).map(|n| (first + n) % keys) {
        if *calls == 0 {
            break;
        }
        *calls -= 1;
        match ask(key).await {
            Err(Fault::Auth { code, message }) => refused.push((code, message)),
            Ok(answer) => {
                client.prefer_credential(key);
                return Ok(answer);
            }
            Err(fault) => return Err(fault),
        }
    }
    let codes: Vec<&str> = refused.iter().map(|(code, _)| code.as_str()).collect();
    let told =
        if refused.len() > 1 { format!(" (all keys refused: {})", codes.join(", ")) } else { String::new() };
    let (code, message) =
        refused.into_iter().next().unwrap_or_else(|| ("-".to_owned(), "not asked".to_owned()));
    Err(Fault::Auth { code, message: format!("{message}{told}") })
}
