//! `demo`, as a new user sees it.

use super::binary::{code, mallsync, stderr, stdout};

/// The numbers of the line that begins with `name`.
fn numbers(text: &str, name: &str) -> Vec<u64> {
    let line = text.lines().find(|line| line.starts_with(name)).unwrap_or_else(|| panic!("{name}: {text}"));
    let rest = line.strip_prefix(name).unwrap();
    rest.split_whitespace().map(|word| word.replace(',', "").parse().unwrap()).collect()
}

#[test]
fn the_demo_shows_every_operation_once_and_the_books_agree() {
    let dir = tempfile::tempdir().unwrap();
    let output = mallsync(dir.path(), &["demo"]).env("LC_ALL", "C").output().unwrap();
    let text = stdout(&output);
    assert_eq!(code(&output), 0, "{text}{}", stderr(&output));
    let captured = numbers(text, "capture");
    assert!(captured[0] > 20 && captured == [captured[0], captured[0], 0], "{text}");
    for kind in ["undo", "cancel", "change_amount"] {
        assert_eq!(numbers(text, kind), [1, 1, 0], "{text}");
    }
    let renewed = numbers(text, "reauth");
    assert!(renewed[0] > 0 && renewed == [renewed[0], renewed[0], 0], "{text}");
    assert!(text.contains("4. The answer to 1 of them was lost on purpose"), "{text}");
    assert!(text.contains("5. A minute later the look-up found 1 done."), "{text}");
    let yen = numbers(text, "Yen registered, waiting to settle");
    assert_eq!(yen, numbers(text, "Yen registered in the gateway's books"), "{text}");
    assert_eq!(numbers(text, "Orders lost"), [0], "{text}");
}
