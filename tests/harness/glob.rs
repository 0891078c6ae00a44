//! The patterns of the tests: `*` is any run of bytes, everything else is itself.

/// Whether the whole text is of the pattern.
pub fn matches(pattern: &[u8], text: &[u8]) -> bool {
    match pattern {
        [] => text.is_empty(),
        [b'*', rest @ ..] => (0..=text.len()).any(|skip| matches(rest, &text[skip..])),
        [first, rest @ ..] => text.first() == Some(first) && matches(rest, &text[1..]),
    }
}

#[test]
fn a_star_is_any_run_of_bytes() {
    assert!(matches(b"229 *(|||*|)", b"229 Extended passive (|||50000|)"));
    assert!(matches(b"*", b""));
    assert!(!matches(b"22", b"226"));
    assert!(!matches(b"226 *", b"226"));
}
